"""A blend's CSV: test probabilities (an id, a column for each class), or labels alone as in a submission.

The rows may be in any order, the separator any usual one, and the class columns may be named by the label as
it is submitted, by the label's number, or by the class; every other column is refused.
"""

import csv
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catwalk.data import csv_dialect
from catwalk.data.competition import Competition
from catwalk.data.csv_cells import Labels, whole_number
from catwalk.data.csv_file import CsvFile, clipped

# How far a row's sum may be from 1: three decimals of ten classes are up to 0.005 off, while logits,
# percentages and the outputs of separate sigmoids are further off in some row.
TOLERANCE = 0.01
ROUNDING = 1e-6  # of a value, outside of 0 to 1
MOST_NAMED = 12  # classes that a message lists
DECIMAL_COMMA = re.compile(r"[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class BlendColumns:
    """Where a CSV's columns are.

    Attributes:
        id: of the ids.
        label: of the labels; None: it has probabilities.
        classes: of each class, in the competition's order; () for labels.
    """

    id: int
    label: int | None
    classes: tuple[int, ...]


def read(
    path: Path, name: str, ids: Sequence[str], competition: Competition
) -> tuple[bool, npt.NDArray[np.float32]]:
    """Read a CSV: whether it holds labels alone, and its (test rows, classes) float32, 0 or 1 for labels.

    Args:
        path: the file.
        name: as messages show it.
        ids: of the test rows, in the submission's order.
        competition: gives the columns' names.

    Raises:
        UserError: it is no such CSV, or not of these test rows; names the row, the header being row 1.
    """
    file = CsvFile(path, name, name, False, f"competitions/{competition.name}.toml")
    rows = _rows(file, competition)
    columns = _columns(file, rows[0], competition)
    cells = _in_order(file, rows, columns, ids)
    if columns.label is None:
        return False, _probabilities(file, cells, columns)
    labels = _labels(file, cells, columns.label, competition)
    return True, np.eye(len(competition.labels), dtype=np.float32)[labels]


def class_order(names: Sequence[str], competition: Competition) -> tuple[int, ...] | None:
    """The position of each class among ``names``, in the competition's order; None if others are named."""
    for known in (competition.submitted, [str(label) for label in competition.labels], competition.classes):
        for change in (str.strip, lambda name: name.strip().casefold()):
            said, wanted = [change(name) for name in names], [change(name) for name in known]
            if len(set(wanted)) == len(wanted) and sorted(said) == sorted(wanted):
                return tuple(said.index(one) for one in wanted)
    return None


def not_one(sums: npt.NDArray[np.floating], values: npt.NDArray[np.floating]) -> npt.NDArray[np.intp]:
    """The rows of (rows, classes) ``values`` that are not probabilities; ``sums`` are their sums."""
    wrong = ~(np.abs(sums - 1) <= TOLERANCE) | ~_are_inside(values).all(axis=1)
    return np.flatnonzero(wrong)


def _are_inside(values: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
    """Whether each value is from 0 to 1, but for rounding."""
    return (values >= -ROUNDING) & (values <= 1 + ROUNDING)


def why_not(values: npt.NDArray[np.floating]) -> str:
    """What is wrong with a row of probabilities, (classes,)."""
    outside = values[~_are_inside(values)]
    return f"{outside[0]:g} is not a probability" if len(outside) else f"the row sums to {values.sum():.4g}"


def _rows(file: CsvFile, competition: Competition) -> list[tuple[int, list[str]]]:
    """The rows that are not blank, the header first, with their numbers; cells without surrounding spaces."""
    dialect = csv_dialect.sniff(file, competition)
    try:
        with file.path.open(encoding="utf-8-sig", newline="") as opened:
            rows = list(enumerate(csv_dialect.reader(opened, dialect.separator), start=1))
    except (UnicodeDecodeError, csv.Error):
        raise file.error("not a CSV in UTF-8", fix=f"save {file.origin} as CSV (UTF-8)") from None
    cells = [(number, [cell.strip() for cell in row]) for number, row in rows[dialect.before :]]
    cells = [(number, row) for number, row in cells if any(row)]
    if not cells:
        raise file.error("the file is empty")
    if dialect.separator != ",":
        cells = [(number, [_point(cell) for cell in row]) for number, row in cells]
    first, header = cells[0]
    cells[0] = first, [name.lstrip(csv_dialect.BOM) for name in header]
    for number, row in cells:
        if len(row) != len(header):
            raise file.error(f"{len(row)} cells, but the header has {len(header)}", row=number)
    return cells


def _point(cell: str) -> str:
    """A number with a decimal comma, as some spreadsheets write it, with a point."""
    return cell.replace(",", ".") if DECIMAL_COMMA.fullmatch(cell) else cell


def _columns(file: CsvFile, first: tuple[int, list[str]], competition: Competition) -> BlendColumns:
    """The columns that the header names; row numbers that pandas wrote, without a name, are ignored."""
    number, names = first
    folded = [name.casefold() for name in names]
    of_ids, of_labels = (name.strip().casefold() for name in competition.submission_header)
    found = next((folded.index(name) for name in (of_ids, "id") if folded.count(name) == 1), None)
    others = [i for i, name in enumerate(names) if name and i != found]
    if found is not None and [folded[i] for i in others] == [of_labels]:
        return BlendColumns(found, others[0], ())
    order = class_order([names[i] for i in others], competition)
    if found is None or order is None:
        raise file.error("unexpected columns", row=number, fix=f"write the columns {_expected(competition)}")
    return BlendColumns(found, None, tuple(others[i] for i in order))


def _expected(competition: Competition) -> str:
    of_ids, of_labels = competition.submission_header
    names = competition.submitted
    if len(names) > MOST_NAMED or len(",".join(names)) > 120:
        names = (*names[:2], "...", names[-1])
    return f"{of_ids},{','.join(names)} (probabilities), or {of_ids},{of_labels}"


def _in_order(
    file: CsvFile, rows: list[tuple[int, list[str]]], columns: BlendColumns, ids: Sequence[str]
) -> list[tuple[int, list[str]]]:
    """The rows below the header, one for each of ``ids``."""
    place = {text: i for i, text in enumerate(ids)}
    found: list[tuple[int, list[str]] | None] = [None] * len(ids)
    for number, row in rows[1:]:
        id_ = row[columns.id]
        at = place.get(id_)
        if at is None:  # 7.0 is 7
            at = place.get(str(whole_number(id_)))
        if at is None:
            what = f"the id {clipped(id_)} is none of the {len(ids):,} test rows"
            raise file.error(what, row=number, fix="choose a CSV of these test rows")
        if found[at] is not None:
            raise file.error(f"duplicate id {clipped(id_)}", row=number)
        found[at] = number, row
    missing = [text for text, row in zip(ids, found, strict=True) if row is None]
    if missing:
        what = f"{len(missing):,} of the {len(ids):,} test rows are missing, such as the id {missing[0]}"
        raise file.error(what, fix="choose a CSV of these test rows")
    return [row for row in found if row is not None]


def _probabilities(
    file: CsvFile, cells: list[tuple[int, list[str]]], columns: BlendColumns
) -> npt.NDArray[np.float32]:
    """(test rows, classes) float32, of which each row sums to 1."""
    values = np.array([[_number(row[i]) for i in columns.classes] for _, row in cells])
    sums = values.sum(axis=1)
    wrong = not_one(sums, values)
    if len(wrong):
        first = min(wrong, key=lambda i: cells[i][0])
        number, row = cells[first]
        texts = [row[i] for i in columns.classes if math.isnan(_number(row[i]))]
        what = f"{clipped(texts[0])} is not a probability" if texts else why_not(values[first])
        raise file.error(what, row=number, fix="write probabilities from 0 to 1 that sum to 1")
    return np.asarray(values / sums[:, None], np.float32)


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan


def _labels(
    file: CsvFile, cells: list[tuple[int, list[str]]], column: int, competition: Competition
) -> npt.NDArray[np.intp]:
    """(test rows,) positions of the labels."""
    texts = [row[column] for _, row in cells]
    written = {text: i for i, text in enumerate(competition.submitted)}
    known = Labels(competition, any(whole_number(text) is None for text in texts))
    places = [written.get(text, known.position(text)) for text in texts]
    if None in places:
        number, row = cells[places.index(None)]
        what = f"the label {clipped(row[column])} is not one of {len(competition.labels)}"
        raise file.error(what, row=number, fix=f"write one of {_few(competition.submitted)}")
    return np.array(places, np.intp)


def _few(names: Sequence[str]) -> str:
    return ", ".join(names if len(names) <= MOST_NAMED else [*names[:2], "...", names[-1]])
