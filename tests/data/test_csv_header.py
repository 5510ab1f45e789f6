"""csv_header.py: a first row that is not what the TOML says is refused; who follows the line loses no row."""

from pathlib import Path

import pytest

from tests.data.test_file_forms import (
    HEAD,
    NAMES,
    NO_HEADER,
    PIXELS,
    PLAIN,
    TEST,
    TRAIN,
    UNLABELLED,
    Case,
    Catwalk,
    Row,
    advised,
    both,
    csv,
    same,
)

NUMBERS: Row = list(range(65))  # what pandas calls an array's columns
MANGLED: Row = [0, *(f"0.{i}" for i in range(1, 65))]  # a first row of zeros that pandas took for names
BARE = both(same, None)
TO_HEADER = {"header = false": "first_pixel = 1"}
TO_BARE = {"first_pixel = 1": "header = false"}
SKIP = {"first_pixel = 1": "header = false\nskip_rows = 1"}
BARE_TRAIN = {**PLAIN, "train.csv": BARE["train.csv"]}
BARE_TEST = {**PLAIN, "test.csv": BARE["test.csv"]}
WRITE_AND_CHANGE = "without what is not there, and change header = false to header = true in"

CASES = {
    "columns named 0 to 64": Case(
        both(same, NUMBERS),
        said=("train.csv: row 1: ", "write header = false and skip_rows = 1 under [columns] in"),
        follow=SKIP,
    ),
    "columns named 0 to 64, where the TOML says no header": Case(
        both(same, NUMBERS),
        said=("train.csv: row 1: ", "write skip_rows = 1 under [columns] in competitions/case.toml"),
        toml=NO_HEADER,
        follow={"header = false": "header = false\nskip_rows = 1"},
    ),
    "columns named 0, 0.1, 0.2, ...": Case(
        both(same, MANGLED),
        said=("train.csv: row 1: ", "write header = false and skip_rows = 1 under [columns] in"),
        follow=SKIP,
    ),
    "columns named 0, 0.1, 0.2, ..., where the TOML says no header": Case(
        both(same, MANGLED),
        said=("train.csv: row 1: ", "write skip_rows = 1 under [columns] in competitions/case.toml"),
        toml=NO_HEADER,
        follow={"header = false": "header = false\nskip_rows = 1"},
    ),
    "columns named 0 to 63 beside the label, where the TOML says no header": Case(
        both(same, ["label", *range(64)]),
        said=("train.csv: row 1: this looks like a header ('label', '63')", "change header = false to"),
        toml=NO_HEADER,
        follow=TO_HEADER,
    ),
    "columns named 0 to 31 twice": Case(
        both(same, ["label", *range(32), *range(32)]),
        said=("train.csv: row 1: ", "write header = false and skip_rows = 1 under [columns] in"),
        follow=SKIP,
    ),
    "one number for all names": Case(
        both(same, [0] * 65),
        said=("train.csv: row 1: ", "write header = false and skip_rows = 1 under [columns] in"),
        follow=SKIP,
    ),
    "numbers as names in one file, where the other has no header": Case(
        {**BARE, "train.csv": csv(NUMBERS, TRAIN)},
        said=("train.csv: row 1: ", "and test.csv has no such row: save a copy without that row"),
        toml=NO_HEADER,
        follow={"train.csv": BARE["train.csv"]},
    ),
    "one number in all cells of the first row, no header": Case(
        {"train.csv": csv(None, [[0] * 65, *TRAIN[1:]]), "test.csv": BARE["test.csv"]},
        said=("train.csv: row 1: ", "add header = false under [columns] in competitions/case.toml"),
        follow=TO_BARE,
    ),
    "no header, and labels as text": Case(
        both(lambda r: [NAMES[r[0]], *r[1:]], None),
        said=("train.csv: row 1: ", "add header = false under [columns] in competitions/case.toml"),
        toml={"classes": repr(NAMES)},
        follow=TO_BARE,
    ),
    "a header in the test alone": Case(
        BARE_TRAIN,
        said=("train.csv: no column names, but test.csv has them: write those of test.csv above the first",),
        follow=PLAIN,
    ),
    "a header in the test alone, which has no labels": Case(
        {**BARE_TRAIN, "test.csv": csv(PIXELS, UNLABELLED)},
        said=("train.csv: no column names, but test.csv has them: write label and those of test.csv above",),
        follow={"train.csv": csv(HEAD, TRAIN)},
    ),
    "a header in the training file alone": Case(
        BARE_TEST,
        said=("test.csv: no column names, but train.csv has them: write those of train.csv above the first",),
        follow={"test.csv": csv(HEAD, TEST)},
    ),
    "a header in the test alone, where the TOML says none": Case(
        BARE_TRAIN,
        said=("train.csv: no column names, but test.csv has them: write those of", WRITE_AND_CHANGE),
        toml=NO_HEADER,
        follow={"train.csv": csv(HEAD, TRAIN), "header = false": "first_pixel = 1"},
    ),
    "a header in the training file alone, where the TOML says none": Case(
        BARE_TEST,
        said=("test.csv: no column names, but train.csv has them: write those of", WRITE_AND_CHANGE),
        toml=NO_HEADER,
        follow={"test.csv": csv(HEAD, TEST), "header = false": "first_pixel = 1"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_first_row_that_is_refused(catwalk: Catwalk, project: Path, name: str) -> None:
    assert "train.csv 120 rows, test.csv 30 rows" in advised(catwalk, project, CASES[name])
