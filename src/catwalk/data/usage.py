"""Usage column: which rows of the one file are for training, and which are the test.

As in FER2013 and Kaggle's solution files: Training, PublicTest, PrivateTest.
"""

TEST = {"test", "testing", "publictest", "privatetest", "public", "private"}
TRAIN = {"train", "training", "validation", "valid", "val", "dev"}


def is_test(cell: str) -> bool | None:
    """Whether a row with this cell is of the test; None if the cell says neither."""
    word = cell.strip().casefold()
    return True if word in TEST else False if word in TRAIN else None
