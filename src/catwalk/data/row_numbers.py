"""Row numbers: where a CSV's rows are in the file, counted as a spreadsheet does (the header is row 1)."""

import csv
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catwalk.data import csv_dialect
from catwalk.data.csv_columns import Columns

BLOCK = 16 << 20  # bytes read at once


def of(path: Path, columns: Columns, rows: int) -> npt.NDArray[np.int32] | None:
    """(rows,): the number of each row that was read; None if they can't be told.

    Args:
        path: the CSV.
        columns: how it is written.
        rows: how many were read from it.
    """
    first = columns.header_rows + 1
    if _lines(path) - columns.header_rows == rows:  # so none is blank, and no cell has a line break
        return np.arange(first, first + rows, dtype=np.int32)
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as opened:
        reader = csv_dialect.reader(opened, columns.dialect.separator)
        try:
            numbers = [
                number
                for number, cells in enumerate(reader, start=1)
                if number >= first and not csv_dialect.is_blank(cells)
            ]
        except csv.Error:
            return None
    return np.array(numbers, np.int32) if len(numbers) == rows else None


def _lines(path: Path) -> int:
    """How many lines the file has; the last one may lack its line feed."""
    lines, last = 0, b"\n"
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            lines, last = lines + block.count(b"\n"), block[-1:]
    return lines + (last != b"\n")
