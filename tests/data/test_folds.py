"""folds.py: every row is held out once, each class evenly, identical pictures together."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from catwalk.core.paths import Paths
from catwalk.data import folds
from catwalk.data.prepare import Prepared


@pytest.mark.parametrize("count", [2, 5, 10])
def test_every_row_once_and_each_class_evenly(digits: Prepared, count: int) -> None:
    of_rows = folds.of_rows(digits, count, seed=1)
    assert set(of_rows) == set(range(count))
    sizes = np.array([np.bincount(digits.labels[of_rows == fold], minlength=10) for fold in range(count)])
    assert sizes.sum() == len(digits.labels)
    assert (sizes.max(axis=0) - sizes.min(axis=0)).max() <= 1
    assert np.ptp(sizes.sum(axis=1)) <= 10
    np.testing.assert_array_equal(folds.of_rows(digits, count, seed=1), of_rows)
    assert (folds.of_rows(digits, count, seed=2) != of_rows).any()


def test_identical_pictures_are_in_one_fold(digits: Prepared) -> None:
    """Each picture three times, side by side as ``prepare`` sorts them."""
    rows = np.arange(len(digits.labels)).repeat(3)
    thrice = replace(digits, pixels=digits.pixels[rows], labels=digits.labels[rows])
    of_rows = folds.of_rows(thrice, 5, seed=1).reshape(-1, 3)
    assert (of_rows == of_rows[:, :1]).all()
    np.testing.assert_array_equal(of_rows[:, 0], folds.of_rows(digits, 5, seed=1))


def test_a_small_class_allows_fewer(digits: Prepared) -> None:
    """Three pictures of it, one of them twice: three folds."""
    kept = np.flatnonzero((digits.labels != 4) | (np.cumsum(digits.labels == 4) <= 3))
    few = replace(digits, pixels=digits.pixels[kept], labels=digits.labels[kept])
    assert folds.possible(few, 10) == 3
    assert folds.possible(digits, 10) == 10
    assert folds.possible(digits, 2) == 2
    repeated = np.sort(np.append(np.arange(len(kept)), np.flatnonzero(few.labels == 4)[0]))
    again = replace(few, pixels=few.pixels[repeated], labels=few.labels[repeated])
    assert folds.possible(again, 10) == 3
    assert folds.possible(again, 1) == 1
    held_out = [folds.of_rows(again, 3, seed=1) == fold for fold in range(3)]
    assert all(len(np.unique(again.labels[rows])) == 10 for rows in held_out)


def test_what_is_held_out_comes_back_in_its_place(digits: Prepared, tmp_path: Path) -> None:
    paths = Paths(tmp_path, "digits")
    with pytest.raises(FileNotFoundError):
        folds.load(paths, digits, 5)
    folds.write(paths, digits, 5, seed=1)
    of_rows = folds.load(paths, digits, 5)
    np.testing.assert_array_equal(of_rows, folds.of_rows(digits, 5, seed=1))
    splits = [folds.held_out(digits, of_rows, fold) for fold in range(5)]
    for one in splits:
        assert not set(one.train) & set(one.validation)
        assert len(one.train) + len(one.validation) == len(digits.labels)
    parts = [np.eye(10, dtype=np.float32)[digits.labels[one.validation]] for one in splits]
    np.testing.assert_array_equal(folds.joined(of_rows, parts).argmax(axis=1), digits.labels)


def test_the_name_tells_folds_from_a_split(digits: Prepared) -> None:
    assert folds.named(digits, 5).split == "s1f5"
    assert folds.is_of_folds("s1f5")
    assert folds.split_of("s1f5") == folds.split_of("s1") == "s1"
    assert not folds.is_of_folds(digits.split)
    assert not folds.is_of_folds("s20000v0.15")
