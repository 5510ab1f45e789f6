"""The careful reader of CSVs: cell by cell; slow, but its errors name the row and the column.

It accepts numbers in all notations (``" 12"``, ``"12.0"``, ``"1.2e+01"``).
"""

import csv
import math
from collections.abc import Iterator

import numpy as np

from catwalk.data import csv_dialect, csv_fast, csv_labels, usage_column
from catwalk.data.competition import Competition
from catwalk.data.csv_cells import AROUND, NUMBER, SPACE, Labels, whole_number
from catwalk.data.csv_columns import Columns
from catwalk.data.csv_file import CsvFile, clipped
from catwalk.data.rows import Rows

MOST_KNOWN = 1_000_000  # texts whose values are kept
NOT_CLOSED = "a quotation mark is not closed"


def read(file: CsvFile, columns: Columns, competition: Competition) -> Rows:
    """Read cell by cell.

    Raises:
        UserError: names file, row and column.
    """
    most = csv_fast.most_rows(file.path, columns)
    pixels = np.empty((most, competition.pixels), np.uint8)
    labels = np.empty(most, np.int16)
    is_test = np.zeros(most, np.bool_)
    ids: list[str] = []
    known, meaning = Labels(competition, columns.text_label), _Pixels(competition.scale, competition.lowest)
    done = 0
    for number, cells in _rows(file, columns):
        if columns.label is not None:
            place = known.position(cells[columns.label])
            if place is None and not competition.is_one_file:
                _refuse_other_encoding(file, columns, number, columns.label, cells)
                raise csv_labels.unknown(file, columns, competition, number, cells[columns.label])
            labels[done] = -1 if place is None else place
        if columns.usage is not None:
            is_test[done] = _is_test(file, columns, number, cells[columns.usage])
        if columns.id is not None:
            _refuse_other_encoding(file, columns, number, columns.id, cells)
            ids.append(cells[columns.id].strip())
        try:
            pixels[done] = [meaning[cell] for cell in _values(file, columns, number, cells)]
        except KeyError as error:
            wrong = next((i for i in columns.pixels if cells[i] == error.args[0]), columns.pixels[0])
            at = (wrong, error.args[0])
            raise _not_a_pixel(file, columns, number, at, competition) from None
        done += 1
    return Rows(
        pixels[:done],
        csv_fast.labels_of(labels[:done], competition) if columns.label is not None else None,
        ids if columns.id is not None else None,
        is_test=is_test[:done] if columns.usage is not None else None,
    )


def _is_test(file: CsvFile, columns: Columns, row: int, cell: str) -> bool:
    found = usage_column.is_test(cell)
    if found is None:
        assert columns.usage is not None
        what = f"{clipped(cell)} is neither Training nor PublicTest nor PrivateTest"
        raise file.error(what, row=row, column=columns.names[columns.usage])
    return found


def _values(file: CsvFile, columns: Columns, row: int, cells: list[str]) -> list[str]:
    """The texts of a picture's values, in the picture's order."""
    if columns.in_cell is None:
        return [cells[i] for i in columns.pixels]
    at = columns.pixels[0]
    texts = AROUND.sub(" ", cells[at]).split()
    if len(texts) != len(columns.in_cell):
        what = f"{len(texts):,} pixels in the cell, expected {len(columns.in_cell):,}"
        raise file.error(
            what, row=row, column=columns.names[at], fix=f"correct the cell, or shape in {file.toml}"
        )
    return [texts[i] for i in columns.in_cell]


def _refuse_other_encoding(file: CsvFile, columns: Columns, row: int, at: int, cells: list[str]) -> None:
    """Refuse a label or an id that is not UTF-8, as in files that Excel wrote in cp1252."""
    if "\ufffd" in cells[at]:
        what, fix = f"{clipped(cells[at])} is not UTF-8", f"save {file.origin} as CSV (UTF-8)"
        raise file.error(what, row=row, column=columns.names[at], fix=fix)


def _rows(file: CsvFile, columns: Columns) -> Iterator[tuple[int, list[str]]]:
    """The rows' numbers and cells; empty cells after the last column are ignored."""
    width = len(columns.names) - len(columns.empty)
    with file.path.open(encoding="utf-8-sig", errors="replace", newline="") as opened:
        rows, number = csv_dialect.picture_rows(opened, columns.dialect.separator), 0
        try:
            for number, cells in enumerate(rows, start=1):
                if number <= columns.header_rows or csv_dialect.is_blank(cells):
                    continue
                if len(cells) != width and (len(cells) < width or "".join(cells[width:]).strip()):
                    raise file.error(_wrong_length(cells, width), row=number)
                yield number, cells
        except csv.Error:  # a cell longer than any picture
            raise file.error(NOT_CLOSED, row=number + 1) from None


def _wrong_length(cells: list[str], width: int) -> str:
    if any("\n" in cell for cell in cells):  # the reader takes the following lines as part of the cell
        return NOT_CLOSED
    return f"{len(cells):,} columns, expected {width:,}"


def _not_a_pixel(
    file: CsvFile, columns: Columns, row: int, at: tuple[int, str], competition: Competition
) -> Exception:
    wrong, cell = at
    fix = ""
    if cell.strip() and _is_fraction(cell):
        fix = f"if the pixels are 0 to 1, write scale = 255 under [columns] in {file.toml}"
    what = f"the pixel {clipped(cell)} is not an integer from 0 to 255"
    if competition.scale is not None:
        low, high = competition.lowest, competition.lowest + 255 / competition.scale
        what = f"the pixel {clipped(cell)} is not a number from {low:.6g} to {high:.6g}"
    return file.error(what, row=row, column=columns.names[wrong], fix=fix)


def _is_fraction(cell: str) -> bool:
    try:
        return 0 < float(cell) < 1
    except ValueError:
        return False


class _Pixels(dict[str, int]):
    """Pixel values by cell; each text is parsed only once, because there are millions of cells."""

    def __init__(self, scale: float | None = None, lowest: float = 0.0) -> None:
        super().__init__()
        self._scale, self._lowest = scale, lowest

    def __missing__(self, cell: str) -> int:
        value = whole_number(cell) if self._scale is None else _scaled(cell, self._scale, self._lowest)
        if value is None or not 0 <= value <= 255:
            raise KeyError(cell)
        if len(self) < MOST_KNOWN:
            self[cell] = value
        return value


def _scaled(cell: str, scale: float, lowest: float) -> int | None:
    text = cell.strip(SPACE)
    if not NUMBER.fullmatch(text):
        return None
    value = (float(text) - lowest) * scale
    return round(value) if math.isfinite(value) else None
