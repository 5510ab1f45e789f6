"""Test rows of one file: which of its rows are held out as the test, and the two parts.

The choice depends on the pictures, or on the usage column, and never on a label: with other labels in the
test rows, everything else stays the same, byte by byte. It does not depend on SEED either.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from catwalk.data import csv_columns, csv_labels, picture_hashes, sample_submission
from catwalk.data.competition import Competition
from catwalk.data.csv_file import CsvFile
from catwalk.data.rows import Rows


def divide(file: CsvFile, rows: Rows, competition: Competition) -> tuple[Rows, Rows]:
    """The labelled rows and the test rows of one file.

    Returns:
        Both in the file's order. Without an id column, a test row's id is its number in the file, counted
        from ``Competition.first_id``.

    Raises:
        UserError: a labelled row's label is unknown, or one of the parts would be empty.
    """
    is_test = rows.is_test
    if is_test is None:
        is_test = held_out(rows.pixels, competition.test_share or 0.0)
    if is_test.all() or not is_test.any():
        what = "all rows are" if is_test.all() else "no row is"
        fix = f"correct {'usage' if competition.usage_column else 'test'} in {file.toml}"
        raise file.error(f"{what} of the test", fix=fix)
    if rows.labels is not None and (rows.labels[~is_test] < 0).any():
        raise _unknown(file, competition, int(np.flatnonzero(~is_test & (rows.labels < 0))[0]))
    ids = sample_submission.ids_of(rows, competition)
    test_ids = [ids[i] for i in np.flatnonzero(is_test)]
    test = replace(rows, pixels=rows.pixels[is_test], ids=test_ids, is_test=None, numbers=None)
    numbers = None if rows.numbers is None else rows.numbers[~is_test]
    train = replace(rows, pixels=rows.pixels[~is_test], ids=None, is_test=None, numbers=numbers)
    if rows.labels is None:
        return train, test
    train = replace(train, labels=rows.labels[~is_test].astype(np.uint8))
    return train, replace(test, **_sealed(rows.labels[is_test]))


def held_out(pixels: npt.NDArray[np.uint8], share: float) -> npt.NDArray[np.bool_]:
    """(rows,) whether each row is held out: the pictures with the lowest hashes.

    They are the same in any order of rows; identical pictures stay together.
    """
    hashes = picture_hashes.of(pixels)[:, 1]
    known = np.unique(hashes)
    count = min(max(1, round(share * len(known))), len(known) - 1)
    return np.isin(hashes, known[:count])


def surely_labelled(rows: Rows, competition: Competition) -> npt.NDArray[np.bool_]:
    """(rows,) which of the rows sampled from a file are surely labelled rows, not of its test.

    The test is a share of the file's pictures, those with the lowest hashes; so a sample's highest hashes are
    of labelled rows. Its share of test rows may differ: therefore half of the pictures above that share,
    with the lower hashes, do not count. With 200 sampled pictures or more and a share of at most a
    half, a test row remains in fewer than one of 10 billion files; with all rows sampled, in none.
    """
    if not competition.is_one_file:
        return np.ones(len(rows.pixels), np.bool_)
    if rows.is_test is not None:
        return ~rows.is_test
    share = competition.test_share or 0.0
    return ~held_out(rows.pixels, (1 + share) / 2)


def _sealed(labels: npt.NDArray[np.integer]) -> dict[str, Any]:
    """The test's labels, or a note why there are none."""
    if (labels < 0).any():
        return {
            "labels": None,
            "unlabelled": "a row that is held out as the test has no known label: the label column",
        }
    if csv_labels.is_placeholder(labels):
        return {
            "labels": None,
            "unlabelled": "the rows held out as the test all have one label: the label column",
        }
    return {"labels": labels.astype(np.uint8)}


def _unknown(file: CsvFile, competition: Competition, place: int) -> Exception:
    """The error for the label of a row, counted from 0 without blank rows."""
    columns = csv_columns.find(file, competition)
    if columns.label is None:
        name = competition.train_labels_file
        return file.error(
            f"picture {place + 1:,} has an unknown label in {name}", fix=f"correct it in {name}"
        )
    cells = csv_labels.column(file, columns, columns.label)
    row, cell = next(one for i, one in enumerate(cells) if i == place)
    return csv_labels.unknown(file, columns, competition, row, cell)
