"""A team's CSV: read as Kaggle reads a submission, by column names and ids.

The rows may be in any order, and numbers in any format that means an integer. The submission that
``make submit`` sends is checked more strictly, by ``submission_csv.py``.
"""

import csv
import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catwalk.data import csv_dialect, file_kind
from catwalk.grading import team_csv_errors
from catwalk.grading.expected_csv import Expected, NotScoredError, column_places, whole_number
from catwalk.grading.submitted_archives import printable
from catwalk.grading.team_csv_errors import Cells, Numbered

HEADER_SEARCHED = 10  # rows that are searched for a header that is too low


@dataclass(frozen=True)
class Answers:
    """The predictions in a CSV.

    Attributes:
        predicted: (test rows,) uint8, positions in ``Expected.labels``.
        remark: what Kaggle may refuse.
    """

    predicted: npt.NDArray[np.uint8]
    remark: str = ""


@dataclass(frozen=True)
class _Columns:
    id: int
    label: int
    width: int
    remark: str


def read(content: bytes, name: str, expected: Expected) -> Answers:
    """Read a team's CSV.

    Args:
        content: the file's bytes, also gzipped.
        name: its name in error messages.
        expected: what it must contain.

    Raises:
        NotScoredError: what was found in the file, and what was expected.
    """
    text = _text(content, name, expected)
    rows = _rows(text, name, expected)
    first = next(rows, None)
    if first is None:
        raise NotScoredError("the file is empty", where=name, fix=expected.in_words)
    columns = _columns(first, rows, name, expected)
    try:
        return Answers(_scored(rows, columns, name, expected), columns.remark)
    except NotScoredError as error:
        error.has_columns = True
        raise


def _text(content: bytes, name: str, expected: Expected) -> str:
    content = file_kind.unpacked(content, expected.largest_file)
    if len(content) > expected.largest_file:
        size = f"{expected.largest_file / 1e6:.1f} MB"
        raise NotScoredError(
            f"larger than {size}, too large for a submission", where=name, fix=expected.in_words
        )
    other = file_kind.of(content, name)
    if other is not None:
        told = NotScoredError(f"this is {other.what}", where=name, fix=other.fix or expected.in_words)
        told.has_columns = _names_both(content, "utf-16", expected)
        raise told
    try:
        return content.decode("utf-8").lstrip(csv_dialect.BOM)
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        told = NotScoredError("not UTF-8 text", where=f"{name}: row {row}", fix="save it as UTF-8")
        told.has_columns = _names_both(content, "latin-1", expected)
        raise told from None


def _names_both(content: bytes, encoding: str, expected: Expected) -> bool:
    """Whether the beginning of a text in another encoding contains the names of both columns."""
    start = content[:4096].decode(encoding, errors="replace").casefold()
    return all(name.strip().casefold() in start for name in expected.header)


def _rows(text: str, name: str, expected: Expected) -> Iterator[Numbered]:
    """The rows that are not empty, with their row numbers."""
    reader = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            if cells and (cells[0].strip() or any(map(str.strip, cells))):
                yield number, cells
    except csv.Error as error:
        long = "field larger" in str(error)
        what = "a quoted cell is not closed" if long else f"not a CSV ({printable(str(error), 40)})"
        fix = 'close the quotes (")' if long else expected.in_words
        raise NotScoredError(what, where=f"{name}: row {number + 1}", fix=fix) from None


def _columns(first: Numbered, rows: Iterator[Numbered], name: str, expected: Expected) -> _Columns:
    """The positions of the id and label columns in the header."""
    cells = first[1]
    found = column_places(cells, expected.header)
    if found is None:
        following = list(itertools.islice(rows, HEADER_SEARCHED))
        raise team_csv_errors.wrong_header(first, following, name, expected)
    others = [cell for i, cell in enumerate(cells) if i not in found and cell.strip()]
    remark = ""
    if others:
        remark = f"Kaggle may refuse the extra column {printable(others[0], 20)!r}"
    elif not cells[0].strip():
        remark = "Kaggle may refuse the row numbers before the ids (pandas: index=False)"
    return _Columns(found[0], found[1], len(cells), remark)


def _scored(
    rows: Iterator[Numbered], columns: _Columns, name: str, expected: Expected
) -> npt.NDArray[np.uint8]:
    """The labels below the header, in the order of the expected ids."""
    meaning = _Labels(expected)
    found: list[int | None] = [None] * len(expected.ids)
    wrong: dict[str, Numbered] = {}  # unexpected ids
    for number, row in rows:
        cells = row if len(row) == columns.width else _even(row, columns.width, f"{name}: row {number}")
        place = _place(cells[columns.id], expected)
        if place is None:
            wrong.setdefault(cells[columns.id].strip(), (number, cells))
            continue
        if found[place] is not None:
            what = f"duplicate id {printable(expected.ids[place], 30)}"
            raise NotScoredError(what, where=f"{name}: row {number}", fix="write each id once")
        label = meaning[cells[columns.label]]
        if label is None:
            raise team_csv_errors.wrong_label(cells[columns.label].strip(), f"{name}: row {number}", expected)
        found[place] = label
    missing = [one for one, label in zip(expected.ids, found, strict=True) if label is None]
    if wrong or missing:
        raise team_csv_errors.wrong_ids(wrong, missing, name, expected)
    return np.array(found, np.uint8)


def _even(cells: Cells, width: int, where: str) -> Cells:
    """Cut off empty cells beyond the header's width."""
    if any(cell.strip() for cell in cells[width:]) or len(cells) < width:
        shown = printable(",".join(cells), 30)
        raise NotScoredError(
            f"{shown!r} has {len(cells)} cells", where=where, fix=f"write {width}, like the header"
        )
    return cells[:width]


def _place(cell: str, expected: Expected) -> int | None:
    """The position of an id among the expected ids."""
    place = expected.place_of_id.get(cell)
    if place is None:
        place = expected.place_of_id.get(cell.strip())
    if place is None and expected.ids_are_numbers:
        number = whole_number(cell)
        place = None if number is None else expected.place_of_id.get(str(number))
    return place


class _Labels(dict[str, int | None]):
    """The labels' positions by cell text; each text is parsed once."""

    def __init__(self, expected: Expected) -> None:
        super().__init__()
        self._expected = expected

    def __missing__(self, cell: str) -> int | None:
        number, named = whole_number(cell), self._expected.class_names.position(cell)
        numbered = None if number is None else self._expected.place_of_label.get(number)
        self[cell] = numbered if named is None else named
        return self[cell]
