"""Row numbers: where a CSV's rows are in the file, counted as a spreadsheet does (the header is row 1)."""

import contextlib
import csv
from collections.abc import Iterator
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
    for find in (_of_lines, _of_records):
        numbers = [number for number in find(path, columns) if number >= first]
        if len(numbers) == rows:
            return np.array(numbers, np.int32)
    return None


def _of_lines(path: Path, columns: Columns) -> Iterator[int]:
    """The lines that are not blank, where a line is a row; much faster than ``_of_records``."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if b'"' in line or b"\r" in line.rstrip(b"\r\n"):
                return
            if line.strip():
                yield number


def _of_records(path: Path, columns: Columns) -> Iterator[int]:
    """The rows that are not blank; a cell in quotes may have line breaks."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as opened:
        rows = csv_dialect.picture_rows(opened, columns.dialect.separator)
        with contextlib.suppress(csv.Error):
            for number, cells in enumerate(rows, start=1):
                if not csv_dialect.is_blank(cells):
                    yield number


def _lines(path: Path) -> int:
    """How many lines the file has; the last one may lack its line feed."""
    lines, last = 0, b"\n"
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            lines, last = lines + block.count(b"\n"), block[-1:]
    return lines + (last != b"\n")
