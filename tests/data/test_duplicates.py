"""duplicates.py: intervals, forecasts and learning count a picture once, however often it is repeated."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from catwalk.data import download, duplicates, prepare
from catwalk.data.prepare import Prepared
from catwalk.models import metrics
from catwalk.search import search
from catwalk.submission import forecast
from tests.conftest import digits_paths, load


def changed(project: Path, raw: Path, change: Callable[[list[str], list[str]], None]) -> Prepared:
    """The digits after ``change(training lines, test lines)``, without their headers, prepared."""
    paths = digits_paths(project, raw)
    files = paths.raw / "digits_train.csv", paths.raw / "digits_test.csv"
    lines = [file.read_text().splitlines() for file in files]
    rows = lines[0][1:], lines[1][1:]
    change(*rows)
    for file, (header, *_), kept in zip(files, lines, rows, strict=True):
        file.write_text("\n".join([header, *kept]) + "\n")
    download.run(paths, load("digits"), "auto", lambda _: None)
    prepare.run(paths, load("digits"), 1, lambda _: None)
    return prepare.load(paths, 1)


def thrice(train: list[str], test: list[str]) -> None:
    train += train * 2
    test += test


def test_every_row_three_times(project: Path, digits_raw: Path, digits: Prepared) -> None:
    prepared = changed(project, digits_raw, thrice)
    seen, once = duplicates.count(prepared), duplicates.count(digits)
    assert (
        seen == duplicates.DistinctCounts(train=1293, validation=144, test=360, two_labels=0, known=0) == once
    )
    assert len(prepared.train) == 3 * 1293
    assert len(prepared.validation) == 3 * 144
    learned = duplicates.of_learning(prepared)
    np.testing.assert_array_equal(prepared.pixels[learned], digits.pixels[digits.train])
    groups = duplicates.groups(prepared, prepared.validation)
    np.testing.assert_array_equal(groups, np.repeat(np.arange(144), 3))
    np.testing.assert_array_equal(duplicates.groups(digits, digits.validation), np.arange(144))


def test_the_forecast_is_that_of_the_rows_once(project: Path, digits_raw: Path, digits: Prepared) -> None:
    prepared = changed(project, digits_raw, thrice)
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.ones(10), (3, 144))
    labels = digits.labels[digits.validation]
    probabilities[:, np.arange(144), labels] += 0.3
    share = metrics.accuracy(probabilities[0], labels)
    once = forecast.estimate(probabilities, labels, share, 360)
    pictures = duplicates.groups(prepared, prepared.validation)
    again = forecast.estimate(probabilities.repeat(3, axis=1), labels.repeat(3), share, 360, pictures)
    assert again.interval == pytest.approx(once.interval, abs=1e-9)
    assert again.optimism == pytest.approx(once.optimism, abs=1e-9)
    naive = forecast.estimate(probabilities.repeat(3, axis=1), labels.repeat(3), share, 360)
    assert naive.interval[1] - naive.interval[0] < once.interval[1] - once.interval[0]


def test_a_picture_with_two_labels_is_counted_and_said(project: Path, digits_raw: Path) -> None:
    def relabel(train: list[str], test: list[str]) -> None:
        pictures = [train[i].split(",", 1)[1] for i in range(3)]
        train += [f"{label},{pictures[0]}" for label in (1, 2, 3)]
        train.append(f"{(int(train[1][0]) + 1) % 10},{pictures[1]}")
        train.append(train[2])  # the same label twice is no contradiction

    prepared = changed(project, digits_raw, relabel)
    seen = duplicates.count(prepared)
    assert seen.two_labels == 2
    assert seen.train + seen.validation == 1437
    assert len(duplicates.of_learning(prepared)) >= seen.train, "each of its labels is learned"
    assert search._repeated(prepared) == [
        "search: 2 pictures have more than one label in the labelled rows: some labels are wrong"
    ]


def test_test_pictures_among_the_labelled_rows(project: Path, digits_raw: Path) -> None:
    def known(train: list[str], test: list[str]) -> None:
        train += test[:50]

    prepared = changed(project, digits_raw, known)
    assert duplicates.count(prepared).known == 50
    assert search._repeated(prepared) == []
    assert duplicates.warning(50, 360).startswith("50 of the 360 test pictures are also among the labelled")
    assert duplicates.warning(360, 360).startswith("all of the 360 test pictures are")
    assert duplicates.warning(1, 50).startswith("1 of the 50 test pictures is also among the labelled")


def test_a_labelled_test_picture_counts_once(project: Path, digits_raw: Path) -> None:
    def known_thrice(train: list[str], test: list[str]) -> None:
        train += test[:50]
        test += test[:50] * 2

    prepared = changed(project, digits_raw, known_thrice)
    seen = duplicates.count(prepared)
    assert (len(prepared.test_pixels), seen.test, seen.known) == (460, 360, 50)


def test_pictures_are_compared_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "BLOCK", 3)
    pixels = np.array([0, 0, 1, 1, 1, 1, 2, 3, 3], np.uint8)[:, None]
    labels = np.array([0, 1, 0, 0, 1, 1, 0, 0, 0], np.uint8)
    rows = np.arange(9)
    said = duplicates.is_first(pixels, rows).tolist()
    assert said == [True, False, True, False, False, False, True, True, False]
    said = duplicates.is_first(pixels, rows, labels).tolist()
    assert said == [True, True, True, False, True, False, True, True, False]
    assert duplicates.is_first(pixels, rows[[1, 3, 8]]).all()
    assert duplicates.is_first(pixels, rows[:0]).tolist() == []


def test_nothing_is_read_where_nothing_is_repeated(digits: Prepared) -> None:
    assert digits.duplicates == {"train": 0, "test": 0, "known": 0}
    assert duplicates.of_learning(digits) is digits.train
