"""test_rows.py: one file holds the test too; which rows it is depends on no label, order or seed.

Also: picture_hashes.py, usage_column.py.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.data import picture_hashes, prepare, test_labels, test_rows
from catwalk.data.competition import Competition
from catwalk.data.csv_file import CsvFile
from catwalk.data.rows import Rows
from tests.conftest import load

Catwalk = Callable[..., tuple[int, str, str]]
Row = list[int | str]

PICTURES, LABELS = load_digits(return_X_y=True)
ROWS: list[Row] = [
    [int(label), *(int(value) for value in picture)]
    for label, picture in zip(LABELS[:400], PICTURES[:400], strict=True)
]
NAMES = [f"pixel{i}" for i in range(64)]
HALF = """title = "One file"
shape = [8, 8]
classes = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
[files]
train = "all.csv"
test = 0.5
[columns]
label = "label"
[submission]
header = ["Id", "Label"]
"""


def write(project: Path, rows: list[Row], toml: str = HALF, *more: str) -> Paths:
    paths = Paths(project, "one")
    paths.toml.write_text(toml)
    paths.raw.mkdir(parents=True, exist_ok=True)
    lines: list[Row] = [["label", *NAMES, *more], *rows]
    (paths.raw / "all.csv").write_text("".join(",".join(map(str, line)) + "\n" for line in lines))
    return paths


def prepared(catwalk: Catwalk, paths: Paths, seed: int = 1) -> prepare.Prepared:
    code, _, err = catwalk("prepare", "--competition", "one", "--seed", str(seed))
    assert (code, err) == (0, "")
    return prepare.load(paths, seed)


def pictures(pixels: np.ndarray) -> set[bytes]:
    return {row.tobytes() for row in pixels}


def test_half_of_the_pictures_are_the_test_and_identical_ones_stay_together(
    catwalk: Catwalk, project: Path
) -> None:
    paths = write(project, [*ROWS, *ROWS[:100]])
    ours = prepared(catwalk, paths)
    assert len(ours.pixels) + len(ours.test_pixels) == 500
    assert not pictures(ours.pixels) & pictures(ours.test_pixels)
    assert len(pictures(ours.test_pixels)) == 200
    truth = test_labels.open_labels(paths, "a test", "none")
    rows = [int(id_) - 1 for id_ in ours.test_ids]
    everything = [*ROWS, *ROWS[:100]]
    assert [everything[row] for row in rows] == [
        [int(label), *map(int, picture)] for label, picture in zip(truth, ours.test_pixels, strict=True)
    ]


def test_the_test_depends_neither_on_seed_nor_on_the_order_of_rows(catwalk: Catwalk, project: Path) -> None:
    paths = write(project, ROWS)
    first = pictures(prepared(catwalk, paths).test_pixels)
    assert pictures(prepared(catwalk, paths, 2).test_pixels) == first
    write(project, ROWS[::-1])
    assert pictures(prepared(catwalk, paths).test_pixels) == first


@pytest.mark.parametrize(("share", "count"), [(0.0, 1), (0.2, 1), (0.5, 3), (0.99, 5), (1.0, 5)])
def test_both_parts_have_a_picture(share: float, count: int) -> None:
    pixels = np.repeat(np.arange(6, dtype=np.uint8), 2)[:, None]
    assert test_rows.held_out(pixels, share).sum() == 2 * count


@pytest.mark.parametrize("said", ["0", "", "?", "77"])
def test_labels_of_the_test_rows_change_nothing(catwalk: Catwalk, project: Path, said: str) -> None:
    paths = write(project, ROWS)
    ours = prepared(catwalk, paths)
    held_out = {int(id_) - 1 for id_ in ours.test_ids}
    kept = {path.name: path.read_bytes() for path in paths.prepared.glob("*.np*")}
    assert len(kept) == 6
    write(project, [[said, *row[1:]] if i in held_out else row for i, row in enumerate(ROWS)])
    theirs = prepared(catwalk, paths)
    assert (theirs.fingerprint, theirs.test_fingerprint) == (ours.fingerprint, ours.test_fingerprint)
    assert theirs.test_ids == ours.test_ids
    blind = {path.name: path.read_bytes() for path in paths.prepared.glob("*.np*")}
    assert kept.keys() - blind.keys() == {"sealed_test_labels.npy"}
    assert all(kept[name] == content for name, content in blind.items())


def test_an_unknown_label_of_a_labelled_row_is_named(catwalk: Catwalk, project: Path) -> None:
    paths = write(project, ROWS)
    held_out = {int(id_) - 1 for id_ in prepared(catwalk, paths).test_ids}
    row = max(set(range(len(ROWS))) - held_out)
    write(project, [[77, *one[1:]] if i == row else one for i, one in enumerate(ROWS)])
    code, _, err = catwalk("prepare", "--competition", "one")
    assert code == 2
    assert f"all.csv: row {row + 2}: column 'label': the label '77' is not one of the 10" in err


USAGE = HALF.replace("test = 0.5\n", "").replace('label = "label"', 'label = "label"\nusage = "Usage"')


def test_a_usage_column_says_which_rows_are_the_test(catwalk: Catwalk, project: Path) -> None:
    parts = ["Training", "PublicTest", "Training", "PrivateTest"]
    paths = write(project, [[*row, parts[i % 4]] for i, row in enumerate(ROWS)], USAGE, "Usage")
    ours = prepared(catwalk, paths)
    assert ours.test_ids == [str(i + 1) for i in range(400) if i % 2]
    assert (ours.test_pixels == np.array([row[1:] for row in ROWS[1::2]])).all()
    truth = test_labels.open_labels(paths, "a test", "none")
    assert truth.tolist() == [row[0] for row in ROWS[1::2]]
    blind: list[Row] = [[0 if i % 2 else row[0], *row[1:], parts[i % 4]] for i, row in enumerate(ROWS)]
    write(project, blind, USAGE, "Usage")
    theirs = prepared(catwalk, paths)
    assert (theirs.fingerprint, theirs.test_fingerprint) == (ours.fingerprint, ours.test_fingerprint)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("Later", "row 2: column 'Usage': 'Later' is neither"),
        ("Training", "no row is of the test: correct usage in competitions/one.toml"),
    ],
)
def test_a_usage_that_says_nothing_is_named(catwalk: Catwalk, project: Path, cell: str, said: str) -> None:
    write(project, [[*ROWS[0], cell], *([*row, "Training"] for row in ROWS[1:])], USAGE, "Usage")
    code, _, err = catwalk("prepare", "--competition", "one")
    assert (code, err.count("\n")) == (2, 1)
    assert said in err


def one_file(folder: Path, labels: list[int], **changes: Any) -> tuple[CsvFile, Rows, Competition]:
    """A file of pictures whose even rows are the test, and its rows as a reader gives them."""
    competition = replace(load("digits"), usage_column="Usage", **changes)
    has_labels = competition.train_labels_file is None
    head = [*(["label"] if has_labels else []), *(f"pixel{i}" for i in range(1, 65)), "Usage"]
    lines = [head]
    for i, label in enumerate(labels):
        lines.append([*([str(label)] if has_labels else []), *map(str, ROWS[i][1:]), str(i % 2)])
    path = folder / "all.csv"
    path.write_text("".join(",".join(line) + "\n" for line in lines))
    known = np.array([label if label < 10 else -1 for label in labels], np.int16)
    pixels = np.array([row[1:] for row in ROWS[: len(labels)]], np.uint8)
    is_test, numbers = np.arange(len(labels)) % 2 == 0, np.arange(len(labels), dtype=np.int32) + 7
    rows = Rows(pixels, known, None, is_test=is_test, numbers=numbers)
    return CsvFile(path, "all.csv", "all.csv", True, "competitions/digits.toml"), rows, competition


def test_each_part_has_its_own_rows(tmp_path: Path) -> None:
    file, rows, competition = one_file(tmp_path, [i % 10 for i in range(30)])
    train, test = test_rows.divide(file, rows, competition)
    np.testing.assert_array_equal(train.pixels, rows.pixels[1::2])
    np.testing.assert_array_equal(test.pixels, rows.pixels[::2])
    assert train.numbers is not None
    assert train.numbers.tolist() == list(range(8, 37, 2))
    assert (test.numbers, train.ids, train.is_test, test.is_test) == (None, None, None, None)
    assert test.ids == [str(1 + i) for i in range(0, 30, 2)]
    assert train.labels is not None
    assert test.labels is not None
    assert train.labels.dtype == test.labels.dtype == np.uint8
    assert train.labels.tolist() == [i % 10 for i in range(1, 30, 2)]
    named = replace(rows, ids=[f"p{i}" for i in range(30)], numbers=None)
    train, test = test_rows.divide(file, named, competition)
    assert (train.numbers, test.ids) == (None, [f"p{i}" for i in range(0, 30, 2)])


def test_the_first_unknown_label_is_named(tmp_path: Path) -> None:
    labels = [i % 10 for i in range(30)]
    labels[4] = labels[9] = labels[21] = 77  # row 4 is of the test
    with pytest.raises(UserError, match=r"all\.csv: row 11: column 'label': the label '77'"):
        test_rows.divide(*one_file(tmp_path, labels))
    with pytest.raises(UserError) as refused:
        test_rows.divide(*one_file(tmp_path, labels, train_labels_file="theirs.csv"))
    assert str(refused.value) == (
        "all.csv: picture 10 has an unknown label in theirs.csv: correct it in theirs.csv"
    )


def test_one_unknown_label_of_the_test_rows_leaves_them_without(tmp_path: Path) -> None:
    labels = [i % 10 for i in range(30)]
    labels[4] = 77
    train, test = test_rows.divide(*one_file(tmp_path, labels))
    assert train.labels is not None
    assert test.labels is None
    assert test.unlabelled == "a row that is held out as the test has no known label: the label column"


def test_the_pictures_with_the_lowest_hashes_are_held_out() -> None:
    """The second half of the hash: another choice would be another test of the same file."""
    pixels = np.array([row[1:] for row in ROWS], np.uint8)
    hashes = picture_hashes.of(pixels)[:, 1]
    np.testing.assert_array_equal(test_rows.held_out(pixels, 0.25), hashes <= np.sort(hashes)[99])
