"""The made-up files of public forms, read with pandas, have what their ``Expected`` says."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from sklearn.datasets import load_digits

from tests.support.forms.pictures import draw
from tests.support.public_forms import FORMS, OTHER_FORMS, Expected

BOTH = {**FORMS, **OTHER_FORMS}
TO_TEST = {"PublicTest", "PrivateTest", "test"}  # in a usage column


@dataclass(frozen=True)
class Side:
    """The train or test rows as pandas reads them: values (rows, pixels), and labels where there are any."""

    values: npt.NDArray[Any]
    labels: list[Any] | None


def frame(path: Path, expected: Expected) -> pd.DataFrame:
    read = pd.read_csv(path, sep=expected.separator, header=0 if expected.has_header else None)
    return read.rename(columns={"Unnamed: 0": ""}) if expected.index == "" else read


def side(folder: Path, expected: Expected, name: str, labels: str | None, to_test: bool) -> Side:
    read = frame(folder / name, expected)
    if expected.usage:
        read = read[read[expected.usage].isin(TO_TEST) == to_test]
    values = read[list(expected.pixels)].to_numpy()
    if expected.one_cell:
        values = np.array([cell.split(" ") for (cell,) in values], dtype=int)
    if labels:
        apart = frame(folder / labels, expected)
        if expected.labels_by_id:
            apart = read[["id"]].merge(apart, on="id", how="left", validate="one_to_one")
        return Side(values, apart.iloc[:, -1].tolist())
    return Side(values, read[expected.label].tolist() if expected.label in read else None)


def sides(folder: Path, expected: Expected) -> list[Side]:
    train = side(folder, expected, expected.train, expected.train_labels, False)
    if expected.test is None:
        return [train]
    return [train, side(folder, expected, expected.test, expected.test_labels, True)]


def upright(values: npt.NDArray[Any], expected: Expected) -> npt.NDArray[Any]:
    """The pictures (rows, height, width, channels), 0 to 1."""
    height, width, channels = expected.shape
    if expected.layout == "planes":
        pictures = np.moveaxis(values.reshape(-1, channels, height, width), 1, 3)
    else:
        pictures = values.reshape(-1, height, width, channels)
    return (np.swapaxes(pictures, 1, 2) if expected.transposed else pictures) / expected.most


@pytest.mark.parametrize("name", BOTH)
def test_the_files_are_as_stated(tmp_path: Path, name: str) -> None:
    expected = BOTH[name](tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == expected.files
    read = sides(tmp_path, expected)
    for part, rows in zip(read, expected.rows, strict=False):
        assert part.values.shape == (rows, np.prod(expected.shape))
        assert part.values.min() >= 0
        assert expected.most / 2 < part.values.max() <= expected.most
    assert sum(expected.rows) <= 1000
    assert expected.rows[1] == 0 if expected.test is None else len(read) == 2
    assert read[0].labels is not None
    assert set(read[0].labels) == set(expected.labels)
    assert len(expected.labels) == len(set(expected.labels))
    if expected.test is not None:
        assert (read[1].labels is not None) == expected.test_has_labels
    header = (tmp_path / expected.train).read_text().splitlines()[0]
    assert header.replace(expected.separator, "").isdigit() != expected.has_header
    shows_its_digits(read[0], expected)


def shows_its_digits(train: Side, expected: Expected) -> None:
    """The mean of a class is most like its digit's: the labels, the shape and the layout are right."""
    pictures, truth = load_digits(return_X_y=True)
    means = np.stack([pictures[truth == digit].mean(0) for digit in range(10)])
    seen = upright(train.values, expected).mean(3)
    for kind, label in enumerate(expected.labels[:10]):
        mean = seen[[of == label for of in train.labels or []]].mean(0)
        small = mean[margin(mean) : -margin(mean) or None, margin(mean) : -margin(mean) or None]
        step = np.linspace(0, len(small) - 1, 8).round().astype(int)
        like = [np.corrcoef(small[np.ix_(step, step)].ravel(), digit)[0, 1] for digit in means]
        assert int(np.argmax(like)) == kind


def margin(mean: npt.NDArray[Any]) -> int:
    """How many rows from above are black, but for the digit's own."""
    black = mean.max(1) == 0
    return int(np.argmin(black))


@pytest.mark.parametrize("name", ["digit-recognizer", "kannada-mnist", "text-ids"])
def test_the_sample_has_the_tests_ids(tmp_path: Path, name: str) -> None:
    expected = BOTH[name](tmp_path)
    assert expected.sample
    sample = pd.read_csv(tmp_path / expected.sample)
    assert tuple(sample.columns) == expected.submission_header
    assert len(sample) == expected.rows[1]
    if expected.id_column:
        assert expected.test
        test = pd.read_csv(tmp_path / expected.test)
        assert sample.iloc[:, 0].tolist() == test[expected.id_column].tolist()


def test_the_files_are_always_the_same(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        FORMS["ham10000-8-8-l"](folder)
    one, two = ((folder / "hmnist_8_8_L.csv").read_bytes() for folder in folders)
    assert one == two


def test_no_two_pictures_are_equal() -> None:
    """A picture in train and test would be dropped from one of them."""
    drawn = draw(np.arange(1000) % 10, 8).integers()
    assert len(np.unique(drawn, axis=0)) == 1000
