"""team_csv.py: a CSV in whatever form; what is right is read, the rest is explained to the student.

Also: expected_csv.py, team_csv_errors.py.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catwalk.data import csv_dialect
from catwalk.grading import team_csv, team_csv_errors
from catwalk.grading.expected_csv import Expected, NotScoredError, whole_number
from tests.conftest import load
from tests.support.hand_ins import not_scored, said, scored, text

TRUTH = np.random.default_rng(1).integers(0, 10, 360)
DIGITS = load("digits")
EXPECTED = Expected.of([str(i) for i in range(1, 361)], DIGITS)
SCORED = {name: content for name, content in scored(TRUTH).items() if not name.endswith(".zip")}
NOT_SCORED = {name: one for name, one in not_scored(TRUTH).items() if not name.endswith((".zip", ".md"))}


@pytest.mark.parametrize("name", SCORED)
def test_what_kaggle_would_score(name: str) -> None:
    assert team_csv.read(SCORED[name], name, EXPECTED).predicted.tolist() == said(TRUTH)


@pytest.mark.parametrize("name", NOT_SCORED)
def test_what_stands_there_and_what_was_expected(name: str) -> None:
    content, told = NOT_SCORED[name]
    with pytest.raises(NotScoredError) as error:
        team_csv.read(content, name, EXPECTED)
    line = str(error.value)
    assert told in line
    assert error.value.where.startswith(name)
    assert error.value.fix
    assert len(line) <= 220
    assert "\n" not in line


@pytest.mark.parametrize("header", ["ImageId Label", '"ImageId" "Label"', "# ImageId Label"])
def test_spaces_between_the_columns(header: str) -> None:
    """But a sentence with both names is no header."""
    rows = [(i, label) for i, label in enumerate(said(TRUTH), 1)]
    with pytest.raises(NotScoredError, match="separated by spaces: write commas") as error:
        team_csv.read(text(rows, header, " ").encode(), "x.csv", EXPECTED)
    assert error.value.has_columns
    with pytest.raises(NotScoredError, match="only one column, 'The columns are") as error:
        team_csv.read(b"The columns are ImageId and Label\n7 7\n", "x.txt", EXPECTED)
    assert not error.value.has_columns


def test_each_separator_that_is_read_elsewhere_is_told_in_words() -> None:
    told = {separator for separator, _ in team_csv_errors.SEPARATORS_IN_WORDS}
    assert set(csv_dialect.SEPARATORS) - {","} <= told


def test_what_kaggle_may_refuse_is_said() -> None:
    """Its parser wants exactly the sample's columns."""
    rows = [(i, label) for i, label in enumerate(said(TRUTH), 1)]
    for header, cells, told in (
        ("ImageId,Label", rows, ""),
        ("ImageId,Label,", [(*row, "") for row in rows], ""),
        (",ImageId,Label", [(0, *row) for row in rows], "row numbers before the ids (pandas: index=False)"),
        ("ImageId,Label,sure", [(*row, 1) for row in rows], "Kaggle may refuse the extra column 'sure'"),
    ):
        remark = team_csv.read(text(list(cells), header).encode(), "x.csv", EXPECTED).remark
        assert told in remark
        assert bool(told) == bool(remark)


def test_labels_that_are_names_where_the_competition_writes_names() -> None:
    competition = replace(load("digits"), labels=(0, 1, 2), classes=("ka", "Kha", "7"), writes_names=True)
    expected = Expected.of(["1", "2", "3"], competition)
    header = ",".join(competition.submission_header)
    good = f"{header}\n2,kha\n1,KA\n3,7\n".encode()
    assert team_csv.read(good, "x.csv", expected).predicted.tolist() == [0, 1, 2]
    with pytest.raises(NotScoredError, match=r"expected the name of a class, such as 'ka'"):
        team_csv.read(good.replace(b"kha", b"gha"), "x.csv", expected)


def test_names_that_differ_in_capitals_are_two_classes() -> None:
    competition = replace(load("digits"), labels=(0, 1, 2), classes=("A", "a", "b"), writes_names=True)
    expected = Expected.of(["1", "2", "3"], competition)
    header = ",".join(competition.submission_header)
    good = f"{header}\n1,a\n2,A\n3,B\n".encode()
    assert team_csv.read(good, "x.csv", expected).predicted.tolist() == [1, 0, 2]
    by_number = Expected.of(expected.ids, replace(competition, writes_names=False))
    with pytest.raises(NotScoredError, match="row 2: Label is 'a', a class name: write its number, 1"):
        team_csv.read(good, "x.csv", by_number)


def test_ids_and_labels_of_any_kind() -> None:
    """Ids that are texts are compared as they stand; labels may have gaps."""
    competition = replace(load("fashion-mnist"), labels=(0, 2, 24), classes=("Shirt", "Bag", "Coat"))
    expected = Expected.of(["007", "a b", "7.0"], competition)
    header = ",".join(competition.submission_header)
    good = f"{header}\n7.0,24\na b,2.0\n007,0\n".encode()
    assert team_csv.read(good, "x.csv", expected).predicted.tolist() == [0, 1, 2]
    for changed, told in (
        (good.replace(b"007", b"7"), "1 id is missing, first 007; 1 id is unexpected, first '7' in row 4"),
        (good.replace(b",24", b",Coat"), "row 2: label is 'Coat', a class name: write its number, 24"),
        (good.replace(b",24", b",1"), "'1': expected a number, 0, 2, 24"),
    ):
        with pytest.raises(NotScoredError, match=r"x\.csv") as error:
            team_csv.read(changed, "x.csv", expected)
        assert told.casefold() in str(error.value).casefold()


@given(st.integers(-(10**9), 10**9))
def test_a_number_in_any_form(number: int) -> None:
    for form in (str(number), f" {number} ", f"{number}.0", f"{number}.", f"{number:.18e}", f"{number:+d}"):
        assert whole_number(form) == number


@pytest.mark.parametrize(
    "cell", ["", " ", "7.5", "nan", "inf", "1e400", "9" * 19, "1_0", "0x7", "\u0667", "7 7", "1e-1"]
)
def test_what_is_no_whole_number(cell: str) -> None:
    assert whole_number(cell) is None
