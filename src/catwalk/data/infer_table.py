"""Table: how a CSV is written, and a sample of its rows, before anything is known about it."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catwalk.data import csv_dialect, csv_header
from catwalk.data.csv_cells import AROUND, NUMBER
from catwalk.data.csv_dialect import BOM, EXCELS_LINE, SEPARATORS

HEAD = 200  # rows from the file's beginning
SAMPLED = 2000  # rows in all, spread over the file
CELLS = 3_000_000  # cells of them
PLACES = 50  # from which they are taken
BLOCK = 1 << 20  # bytes read at once while the lines are counted
NARROW = 3  # columns at most of a file of labels or ids
MANY = 16  # numbers in one cell, which is a picture then


@dataclass(frozen=True)
class Table:
    """A CSV as far as its first and some other rows show it.

    Attributes:
        name: its file's name.
        path: plain UTF-8 text.
        separator: between two cells.
        before: lines above the header or the first row: blank ones, and Excel's ``sep=;``.
        names: the column names; None if there are none, or they are meaningless.
        skip_rows: rows of meaningless names.
        lines: the first rows and some spread over the whole file, as text.
        head: how many of them are the file's first.
        has_sep: whether Excel's ``sep=;`` is there.
    """

    name: str
    path: Path
    separator: str
    before: int
    names: list[str] | None
    skip_rows: int
    lines: list[str]
    head: int
    has_sep: bool = False

    @cached_property
    def rows(self) -> list[list[str]]:
        """The cells of ``lines``, without those of other lengths."""
        rows = [csv_dialect.cells(line, self.separator) for line in self.lines]
        width = Counter(map(len, rows)).most_common(1)[0][0]
        return [row for row in rows if len(row) == width]

    @property
    def width(self) -> int:
        """Cells of a row, without empty ones at the end of all rows."""
        return self._width

    @cached_property
    def _width(self) -> int:
        width = len(self.rows[0])
        while width > 1 and not any(row[width - 1] for row in self.rows):
            width -= 1
        return width

    @property
    def rows_above(self) -> int:
        """The lines above the first row that are not blank."""
        return self.has_sep + self.skip_rows + (self.names is not None)

    @cached_property
    def row_count(self) -> int:
        """The rows below the header: the lines that are not blank, for the readers skip those that are."""
        return sum(not line.isspace() for line in _lines_of(self.path) if line) - self.rows_above

    def column(self, at: int) -> list[str]:
        """The sampled cells of one column."""
        return [row[at] for row in self.rows]

    def numbers(self, at: list[int]) -> npt.NDArray[np.float64]:
        """(sampled rows, columns) values of numeric columns; NaN for a cell that is not a number."""
        try:
            return np.array([[row[i] for i in at] for row in self.rows], np.float64)
        except ValueError:
            return np.array([[_number(row[i]) for i in at] for row in self.rows], np.float64)

    @cached_property
    def is_numeric(self) -> list[bool]:
        """For each column, whether nine of ten of its first cells are numbers."""
        rows = self.rows[:HEAD]
        return [
            10 * sum(bool(NUMBER.fullmatch(row[i])) for row in rows) >= 9 * len(rows)
            for i in range(self.width)
        ]

    @cached_property
    def picture_cells(self) -> list[int]:
        """The columns in which each cell holds many numbers."""
        first = self.rows[:5]
        wide = [i for i in range(self.width) if len(first[0][i]) > 2 * MANY]
        return [i for i in wide if all(len(numbers_in(row[i])) >= MANY for row in first)]


def numbers_in(cell: str) -> list[str]:
    """The numbers in a cell that holds a picture; empty if it holds anything else."""
    parts = AROUND.sub(" ", cell).split()
    return parts if all(NUMBER.fullmatch(part) for part in parts) else []


def _number(cell: str) -> float:
    return float(cell) if NUMBER.fullmatch(cell) else np.nan


def read(name: str, path: Path) -> Table | None:
    """Sample a plain text file as a table; None if it is not one."""
    with path.open("rb") as file:
        start = file.read(csv_dialect.BLOCK)
        while start.count(b"\n") + start.count(b"\r") < 3 and (more := file.read(csv_dialect.BLOCK)):
            start += more
    lines = _lines(start, path.stat().st_size > len(start))
    before = next((i for i, line in enumerate(lines) if line.strip()), len(lines))
    if before == len(lines) or b"\0" in start[:4096]:
        return None
    said = EXCELS_LINE.fullmatch(lines[before])
    before += bool(said)
    all_filled = [line for line in lines[before:] if line.strip()]
    filled = all_filled[:HEAD]
    if len(filled) < 2:
        return None
    separator = said[1] if said else _separator(filled[:5])
    names, skip = _names([csv_dialect.cells(line, separator) for line in filled[:20]])
    below = filled[(names is not None) + skip :]
    if not below:
        return None
    first = csv_dialect.cells(below[0], separator)
    if names and names[-1] and len(first) == len(names) + 1 and first[-1]:
        names = ["", *names]  # R's write.table gives its row numbers no name
    rows = min(SAMPLED, max(HEAD, CELLS // max(1, len(first))))
    others = _some(all_filled[HEAD:], path.stat().st_size, len(start), rows - len(below))
    others += _spread(path, len(start), rows - len(below) - len(others))
    return Table(name, path, separator, before, names, skip, below + others, len(below), bool(said))


def _lines_of(path: Path) -> Iterator[bytes]:
    """All lines of a file; what ends them is a line feed, or, where its beginning has none, a return."""
    with path.open("rb", buffering=BLOCK) as file:
        start = file.read(BLOCK)
        file.seek(0)
        if b"\r" in start and b"\n" not in start:
            yield from file.read().split(b"\r")
        else:
            yield from file


def _lines(content: bytes, is_cut: bool) -> list[str]:
    lines = re.split(r"\r\n|[\r\n]", content.decode("utf-8", errors="replace").lstrip(BOM))
    return lines[:-1] if is_cut and len(lines) > 1 else lines


def _some(lines: list[str], size: int, read: int, rows: int) -> list[str]:
    """Of the further lines that are read already, their share of so many rows, spread over them."""
    count = min(len(lines), max(0, rows * read // max(size, 1)))
    return [lines[i * len(lines) // count] for i in range(count)]


def _spread(path: Path, start: int, rows: int) -> list[str]:
    """At most about ``rows`` whole lines from places spread over the file, after its first ``start`` bytes.

    No line is taken twice, even from a file with fewer: a column with repeated cells would not look like ids.
    """
    size, found = path.stat().st_size, list[str]()
    if rows <= 0 or size <= start:
        return found
    each, end = -(-rows // PLACES), 0
    with path.open("rb") as file:
        for place in np.linspace(start, size, PLACES, endpoint=False).astype(int):
            file.seek(max(int(place), end - 1))  # what is left of this line is skipped
            file.readline()
            lines = [file.readline() for _ in range(each)]
            end = file.tell()
            found += [line.decode("utf-8", errors="replace").rstrip("\r\n") for line in lines if line.strip()]
    return found


def _separator(lines: list[str]) -> str:
    """The separator that gives the most cells, the same number of them in all of the first lines."""
    counts = {one: [len(csv_dialect.cells(line, one)) for line in lines] for one in SEPARATORS}
    best = max(SEPARATORS, key=lambda one: (len(set(counts[one][1:])) == 1, min(counts[one])))
    if max(counts[best]) == 1 and all(len(numbers_in(line)) >= MANY for line in lines):
        return " "  # as numpy.savetxt writes by default; below a name it is a picture's cell
    return best


def _names(rows: list[list[str]]) -> tuple[list[str] | None, int]:
    """The column names, and how many rows of meaningless names come before the first row."""
    first, *rest = rows
    if not rest:
        return None, 0
    named = [cell for cell in first if cell]
    counted = [cell for cell in named if NUMBER.fullmatch(cell)]
    is_unique = len(set(named)) == len(named)
    if len(counted) >= MANY and (len(counted) < len(named) or not first[0]) and csv_header.count_up(counted):
        return (first, 0) if is_unique else (None, 1)  # as pandas names an array's columns beside the label
    below = [row for row in rest if len(row) in (len(first), len(first) + 1)]
    if len(first) <= NARROW and not any(NUMBER.fullmatch(cell) or numbers_in(cell) for cell in first):
        columns = list(zip(*below, strict=False))
        if columns and all(cell not in column for cell, column in zip(first, columns, strict=False)):
            return first, 0
    is_named = any(
        cell and not NUMBER.fullmatch(cell) and not numbers_in(cell)
        and all(NUMBER.fullmatch(row[i]) or numbers_in(row[i]) for row in below)
        for i, cell in enumerate(first)
    )  # fmt: skip
    if is_named and below:
        return (first, 0) if is_unique else (None, 1)
    return None, int(csv_header.says_nothing(first, below))
