"""csv_labels.py within this process: whether a column holds labels, and the error for one that is none."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from catwalk.core.errors import UserError
from catwalk.data import csv_columns, csv_dialect, csv_labels
from catwalk.data.competition import Competition
from catwalk.data.csv_columns import Columns
from catwalk.data.csv_file import CsvFile
from tests.conftest import load

PICTURES, _ = load_digits(return_X_y=True)
HEAD = ["label", *(f"pixel{i}" for i in range(1, 65))]
TOML = "competitions/digits.toml"
LETTERS = tuple("abcdefghij")

Found = tuple[CsvFile, Columns]
Write = Callable[..., Found]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a CSV with these labels, the first column or the last, and find its columns."""

    def made(
        labels: Sequence[object], is_train: bool = True, change: Competition | None = None, last: bool = False
    ) -> Found:
        competition = change or load("digits")
        rows = [[str(int(value)) for value in PICTURES[i % 1000]] for i in range(len(labels))]
        cells = [
            [*row, str(label)] if last else [str(label), *row]
            for label, row in zip(labels, rows, strict=True)
        ]
        head = [[*HEAD[1:], HEAD[0]] if last else HEAD] if competition.has_header else []
        path = tmp_path / "some.csv"
        skipped = ["about,these,pictures\n"] * competition.skip_rows
        path.write_text("".join([*skipped, *(",".join(row) + "\n" for row in head + cells)]))
        file = CsvFile(path, "some.csv", "some.csv", is_train, TOML)
        return file, csv_columns.find(file, competition)

    return made


def said(found: Found, competition: Competition, row: int, cell: str) -> str:
    return str(csv_labels.unknown(*found, competition, row, cell))


@pytest.mark.parametrize(
    ("labels", "is_one"),
    [
        ([0] * 20, True),
        ([7] * 500, True),
        ([0] * 19, False),
        ([0] * 19 + [1], False),
        ([1] + [0] * 20, False),
    ],
    ids=str,
)
def test_twenty_equal_labels_stand_for_none(labels: list[int], is_one: bool) -> None:
    assert csv_labels.is_placeholder(np.array(labels)) is is_one
    assert csv_labels.is_placeholder(np.array(labels[::-1])) is is_one


@pytest.mark.parametrize("none", ["?", "", "-1", "NA"])
def test_a_test_files_column_of_none_is_no_label_column(write: Write, none: str) -> None:
    competition = load("digits")
    file, columns = write([none] * 300, is_train=False)
    seen = csv_labels.corrected(file, columns, competition)
    assert (seen.label, seen.unlabelled) == (None, "the column 'label' holds no labels")
    for labels in ([none] * 299 + [3], [3] + [none] * 299, [3] * 300):
        file, columns = write(labels, is_train=False)
        assert csv_labels.corrected(file, columns, competition).label == 0
    file, columns = write([none] * 300)
    assert csv_labels.corrected(file, columns, competition).label == 0, "training rows have labels"


def test_without_a_label_column_there_is_nothing_to_look_at(write: Write) -> None:
    file, columns = write([1, 2, 3])
    none = replace(columns, label=None)
    assert csv_labels.corrected(file, none, load("digits")) is none


@pytest.mark.parametrize("has_header", [True, False])
def test_rows_that_are_skipped_are_not_looked_at(write: Write, has_header: bool) -> None:
    competition = replace(load("digits"), skip_rows=3, has_header=has_header)
    file, columns = write(["?"] * 30, is_train=False, change=competition)
    assert csv_labels.corrected(file, columns, competition).label is None
    file, columns = write(["5"] * 30, is_train=False, change=competition)
    assert csv_labels.corrected(file, columns, competition).label == 0
    assert next(csv_labels.column(file, columns, 0)) == (4 + has_header, "5")


def test_the_label_column_may_stand_anywhere(write: Write) -> None:
    competition = load("digits")
    file, columns = write(["?"] * 30, is_train=False, last=True)
    assert columns.label == 64
    assert csv_labels.corrected(file, columns, competition).label is None
    short = replace(columns.dialect, rows=[*columns.dialect.rows, ["0"] * 64, ["0"] * 9])
    assert csv_labels.corrected(file, replace(columns, dialect=short), competition).label is None
    found = write(list(range(10, 20)), last=True)
    assert "column 'label': the label '10' is not one of" in said(found, competition, 2, "10")
    assert "write labels = [10, 11" in said(found, competition, 2, "10")


def test_labels_are_text_if_the_first_one_is_no_number(write: Write) -> None:
    letters = replace(load("digits"), classes=LETTERS)
    assert csv_labels.corrected(*write(["b", "a"], change=letters), letters).text_label
    assert not csv_labels.corrected(*write([1, 2], change=letters), letters).text_label
    assert not csv_labels.corrected(*write([1, "b"], change=letters), letters).text_label


def test_where_class_names_are_mixed_every_cell_tells(write: Write) -> None:
    mixed = replace(load("digits"), classes=("0", "1", *"ABCDEFGH"))
    for where in (0, 1, 299):
        labels = [1] * 300
        labels[where] = "C"  # type: ignore[call-overload]
        assert csv_labels.corrected(*write(labels, change=mixed), mixed).text_label
    assert not csv_labels.corrected(*write([1] * 300, change=mixed), mixed).text_label


def test_a_column_has_row_numbers_as_in_a_spreadsheet(write: Write, tmp_path: Path) -> None:
    file, columns = write([5, " 6 ", 7])
    assert list(csv_labels.column(file, columns, 0)) == [(2, "5"), (3, "6"), (4, "7")]
    last = [str(int(PICTURES[i][-1])) for i in range(3)]
    assert [cell for _, cell in csv_labels.column(file, columns, 64)] == last
    whole = file.path.read_text()
    file.path.write_text(whole + "8\n\n9,0\n")  # rows that are too short are reported elsewhere
    assert [number for number, _ in csv_labels.column(file, columns, 0)] == [2, 3, 4, 7]
    file.path.write_text(whole + "1" * (csv_dialect.LONGEST + 2) + ",0\n")  # so is a cell that is too long
    assert [number for number, _ in csv_labels.column(file, columns, 0)] == [2, 3, 4]
    bare = replace(load("digits"), has_header=False)
    file, columns = write([5, 6], change=bare)
    assert list(csv_labels.column(file, columns, 0)) == [(1, "5"), (2, "6")]


def test_an_empty_label(write: Write) -> None:
    competition = load("digits")
    found = write([1, "", 3])
    assert said(found, competition, 3, " ") == (
        "some.csv: row 3: column 'label': the label is empty: write a label (one of the 10 in "
        f"{TOML}), or leave the row out, in some.csv"
    )
    found = write([1, "", 3], is_train=False)
    assert said(found, competition, 3, "").endswith("or empty the whole column, in some.csv")


def test_a_label_of_the_test_rows_is_to_be_corrected(write: Write) -> None:
    found = write([1, 12, 3], is_train=False)
    assert said(found, load("digits"), 3, "12") == (
        "some.csv: row 3: column 'label': the label '12' is not one of the 10 from 0 to 9: "
        "correct it, or empty the whole column, in some.csv"
    )
    gaps = replace(load("digits"), labels=(1, 2, 4, 5, 6, 7, 8, 10, 11, 24))
    assert "is not one of the 10 from 1 to 24" in said(write([3] * 3, False), gaps, 2, "3")


def test_as_many_other_numbers_as_classes_are_its_labels(write: Write) -> None:
    others = list(range(10, 20))
    found = write(others * 2)
    assert said(found, load("digits"), 2, "10").endswith(f"write labels = {others} above [files] in {TOML}")
    assert said(write(others[1:] * 2), load("digits"), 2, "11").endswith(
        f"correct it in some.csv, or add its class to classes and labels in {TOML}"
    )
    assert "or add its class" in said(write([*others, 20]), load("digits"), 2, "10")


def test_as_many_names_as_classes_are_its_classes(write: Write) -> None:
    found = write([*LETTERS, *LETTERS])
    assert said(found, load("digits"), 2, "a").endswith(
        f"add the 10 values of this column to {TOML} as classes = [...], in any order"
    )
    assert "or add its class" in said(write(LETTERS[1:]), load("digits"), 2, "b")
    assert "or add its class" in said(write([*LETTERS, "k"]), load("digits"), 2, "a")


@pytest.mark.parametrize(("classes", "listed"), [(26, True), (27, False)])
def test_many_labels_are_listed_in_short(write: Write, classes: int, listed: bool) -> None:
    numbers = tuple(range(classes))
    many = replace(load("digits"), labels=numbers, classes=tuple(f"c{i}" for i in numbers))
    others = [2 * i + 100 for i in numbers]
    short = f"[100, 102, ..., {others[-1]}], all {classes} of them,"
    shown = str(others) if listed else short
    assert f"write labels = {shown} above [files]" in said(write(others, change=many), many, 2, "100")


@pytest.mark.parametrize(("classes", "is_named"), [(300, True), (301, False)])
def test_no_more_labels_are_read_than_an_error_needs(write: Write, classes: int, is_named: bool) -> None:
    numbers = tuple(range(classes))
    many = replace(load("digits"), labels=numbers, classes=tuple(f"c{i}" for i in numbers))
    found = write([f"d{i}" for i in range(400 if classes == 301 else 300)], change=many)
    assert (f"add the {classes} values" in said(found, many, 2, "d0")) is is_named


def last_of(write: Write, labels: Sequence[object], has_header: bool = False) -> tuple[Found, Competition]:
    """A file with its labels last, read as if they were first: the first label is a pixel."""
    competition = replace(load("digits"), has_header=has_header)
    return write(labels, change=competition, last=True), competition


def test_labels_in_the_last_column_are_seen(write: Write) -> None:
    found, competition = last_of(write, [3, 1, 4])
    assert csv_labels.is_last(*found, competition)
    assert said(found, competition, 1, "77").endswith(
        f'if the label is the last column, add label = "last" under [columns] in {TOML}'
    )
    found, competition = last_of(write, [3, 3, 3])
    assert not csv_labels.is_last(*found, competition), "the same everywhere"
    found, competition = last_of(write, [3, 1, 44])
    assert not csv_labels.is_last(*found, competition), "no label"
    found, competition = last_of(write, [3, 1, 4], has_header=True)
    assert not csv_labels.is_last(*found, competition), "the header says where the label is"
    found, competition = last_of(write, [3, 1, 4])
    file, columns = found
    assert not csv_labels.is_last(file, replace(columns, label=None), competition)
    varied = next(i for i in range(64) if len({*PICTURES[:3, i]}) > 1 and PICTURES[:3, i].max() < 10)
    after = replace(columns, label=64, pixels=list(range(varied + 1)))
    assert not csv_labels.is_last(file, after, competition), "the label stands after the pixels already"
    before = replace(after, label=None)
    assert not csv_labels.is_last(file, before, competition)
    assert csv_labels.is_last(file, replace(after, label=0), competition)


def test_a_file_whose_labels_are_all_the_same_is_refused(write: Write) -> None:
    (file, columns), competition = last_of(write, [3, 1])
    corner = int(PICTURES[0][0])
    with pytest.raises(UserError) as refused:
        csv_labels.refuse_constant(file, columns, competition)
    assert str(refused.value) == (
        f"some.csv: column 1 holds only {corner}: if the label is the last column, "
        f'add label = "last" under [columns] in {TOML}'
    )
    file.path.write_text("0." + "0" * 40 + file.path.read_text()[1:])
    with pytest.raises(UserError, match=r"column 1 holds only 0\.0{18}: if"):
        csv_labels.refuse_constant(file, columns, competition)
    csv_labels.refuse_constant(file, replace(columns, label=None), competition)
    (file, columns), competition = last_of(write, [3, 3])
    csv_labels.refuse_constant(file, columns, competition)
