"""Usage column: which rows of the one file are for training, and which are the test.

As in FER2013 and Kaggle's solution files: Training, PublicTest, PrivateTest.
"""

from collections.abc import Sequence

from catwalk.data import csv_cells

TEST = {"test", "testing", "publictest", "privatetest", "public", "private"}
TRAIN = {"train", "training", "validation", "valid", "val", "dev"}


def is_test(cell: str) -> bool | None:
    """Whether a row with this cell is of the test; None if the cell says neither."""
    word = cell.strip().casefold()
    return True if word in TEST else False if word in TRAIN else None


def without_empty_tests(labels: Sequence[str], parts: Sequence[str]) -> list[str]:
    """A column's cells without the empty ones of test rows, as a file that hides their labels has them.

    A mark such as ``?`` or ``-1`` counts as empty, unless a training row has it too: then it is a class.

    Args:
        labels: the column's cells.
        parts: the usage column's cells of the same rows.
    """
    # Of a damaged file one may be shorter: its reader names the row.
    rows = list(zip(labels, parts, strict=False))
    known = {label for label, part in rows if label and not is_test(part)}
    empty = {label for label in set(labels) - known if csv_cells.is_mark(label)}
    return [label for label, part in rows if label not in empty or not is_test(part)]
