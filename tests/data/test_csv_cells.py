"""csv_cells.py: what a cell says: a number, the name of a class, one of a one-hot label's."""

import pytest

from catwalk.data import csv_cells, usage_column
from catwalk.data.csv_cells import ClassNames


@pytest.mark.parametrize(
    "text", ["7", "-7", "+7.", "7.0", ".5", "-.5", "0.25", "7.000000000000000000e+00", "1E5", "7.0e+000"]
)
def test_a_number_as_programs_write_it(text: str) -> None:
    assert csv_cells.NUMBER.fullmatch(text)
    float(text)


@pytest.mark.parametrize(
    "text",
    ["", ".", "-", "e5", "1e", "1.2.3", "nan", "inf", "0x7", "1_0", "1,5", " 7", "7 7", "\u0667", "9" * 400],
)
def test_what_is_no_number(text: str) -> None:
    assert not csv_cells.NUMBER.fullmatch(text)


def test_case_matters_only_where_two_names_differ_in_nothing_else() -> None:
    names = ClassNames(["AB", "ab", " Cat"])
    assert [names.position(cell) for cell in ("AB", "ab", "cat", " CAT ")] == [0, 1, 2, 2]
    assert names.position("Ab") is None, "either may be meant"
    assert names.position("dog") is None


def test_a_mark_of_a_missing_label_may_be_a_class() -> None:
    """In a usage column's test rows: it is one if a training row has it."""
    parts = ["Training", "Training", "PublicTest", "PrivateTest"]
    assert usage_column.without_empty_tests(["1", "2", "?", " NaN "], parts) == ["1", "2"]
    assert usage_column.without_empty_tests(["1", "none", "none", "-1"], parts) == ["1", "none", "none"]
    assert usage_column.without_empty_tests(["1", "", "2", ""], parts) == ["1", "", "2"]


def test_one_hot_rows() -> None:
    assert csv_cells.is_one_hot([["0", "1", "0"], ["1.0", "0.0", "0.0"]])
    for rows in ([], [["0", "0"]], [["1", "1"]], [["0", "2"]]):
        assert not csv_cells.is_one_hot(rows)
