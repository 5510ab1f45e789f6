"""A CSV's dialect: its separator and first row; also refuses files that are not CSVs."""

import codecs
import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from catwalk.core import advice
from catwalk.data import file_kind
from catwalk.data.competition import Competition
from catwalk.data.csv_file import CsvFile

if TYPE_CHECKING:
    from _csv import Reader

SEPARATORS = ",;\t|"
BLOCK = 1 << 20  # bytes read at once while looking for the first rows
LONGEST = 64 * BLOCK  # bytes that must contain the first rows: enough for a million pixels
BOM = "\ufeff"  # a program that does not recognize it adds a second one
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
LFS_POINTER = b"version https://git-lfs.github.com/spec/"
EXCELS_LINE = re.compile(r'"?sep=(.)"?[,;\t]*', re.IGNORECASE)  # which names the separator
WEB_PAGE = re.compile(rb"\s*(<!doctype|<html|<\?xml)")


@dataclass(frozen=True)
class Dialect:
    """How a CSV is written.

    Attributes:
        separator: one character between two cells.
        before: rows to skip at the start: blank ones, Excel's ``sep=;``, and the TOML's ``skip_rows``.
        rows: the first rows' cells without surrounding spaces, at most four rows.
    """

    separator: str
    before: int
    rows: list[list[str]]


def sniff(file: CsvFile, competition: Competition, skip: int = 0) -> Dialect:
    """Determine a CSV's dialect from its first rows.

    Args:
        file: the CSV.
        competition: says how many cells a row of pictures has.
        skip: rows to skip at the start.

    Raises:
        UserError: it is empty, or not a CSV.
    """
    start = _start(file.path)
    refuse_other_kinds(file, start)
    # Not splitlines, which ends a line at other characters too.
    lines = re.split(r"\r\n|[\r\n]", start.decode("utf-8", errors="replace").lstrip(BOM))
    before = next((i for i, line in enumerate(lines) if line.strip()), None)
    if before is None:
        raise file.error("the file is empty")
    said = EXCELS_LINE.fullmatch(lines[before])
    if said:
        before += 1
    before += skip
    filled = [line for line in lines[before:] if line.strip()][:4]
    if not filled:
        raise file.error("the file is empty")
    separator = said[1] if said else _separator(filled[0], competition)
    return Dialect(separator, before, [cells(line, separator) for line in filled])


def cells(line: str, separator: str) -> list[str]:
    """A line's cells, without surrounding spaces; an empty list if it is no row of a CSV."""
    try:
        return [cell.strip() for cell in next(picture_rows([line], separator), [])]
    except csv.Error:  # a carriage return in the middle
        return []


def is_blank(cells: list[str]) -> bool:
    """Whether these are a blank line's cells."""
    return len(cells) < 2 and not "".join(cells).strip()


def reader(lines: Iterable[str], separator: str) -> "Reader":
    """Python's CSV reader for this separator."""
    return csv.reader(lines, delimiter=separator, skipinitialspace=separator == " ")


def picture_rows(lines: Iterable[str], separator: str) -> Iterator[list[str]]:
    """The rows of a table of pictures, of which one cell may hold all pixels.

    Python refuses a cell of more than 131,072 characters. Its limit is of the whole process, so it is raised
    only while a row is read: other readers find by it that a quotation mark is not closed.

    Raises:
        csv.Error: a cell is longer than ``LONGEST``.
    """
    rows = reader(lines, separator)
    while True:
        before = csv.field_size_limit(LONGEST + 1)
        try:
            cells = next(rows, None)
        finally:
            csv.field_size_limit(before)
        if cells is None:
            return
        yield cells


def _start(path: Path) -> bytes:
    """The beginning of the file, long enough for four lines, or all of it."""
    start = b""
    with path.open("rb") as file:
        while (block := file.read(BLOCK)) and len(start) < LONGEST:
            start += block
            if max(start.count(b"\n"), start.count(b"\r")) > 8:
                break
    return start


def refuse_other_kinds(file: CsvFile, start: bytes) -> None:
    """Refuse what is often saved under a CSV's name but is not a CSV.

    Args:
        file: gives its names to the message.
        start: its first bytes.

    Raises:
        UserError: it is something else.
    """
    if not start.removeprefix(codecs.BOM_UTF8).strip():
        raise file.error("the file is empty")
    if WEB_PAGE.match(start[:200].lower()):
        raise file.error("this is a web page, not a CSV", fix=f"download {file.origin} again")
    if start.startswith(LFS_POINTER):
        raise file.error(
            "this is a Git LFS pointer, not the file itself",
            fix="run git lfs pull in the clone that it came from, and copy the file from there",
        )
    if start.startswith(UTF16):
        raise file.error("this is UTF-16", fix="save it as UTF-8")
    kind = file_kind.of(start, file.name)
    if kind in (file_kind.GZIP, file_kind.ZIP):  # file_kind's words are for what could not be unpacked
        packing = "gzip" if kind == file_kind.GZIP else "zip"
        raise file.error(f"this is a {packing} archive, not a CSV", fix=advice.UNPACK)
    if kind:
        what = "this is not a text file" if kind == file_kind.BINARY else f"this is {kind.what}, not a CSV"
        raise file.error(what, fix=f"save {file.origin} as CSV (UTF-8)")


def _separator(line: str, competition: Competition) -> str:
    """Of the usual separators, the one that gives the expected number of cells, else the most cells."""
    counts = {one: len(cells(line, one)) for one in SEPARATORS}
    if competition.is_one_cell:
        return max(SEPARATORS, key=counts.__getitem__)
    expected = range(competition.pixels, competition.pixels + 4)
    best = max(SEPARATORS, key=lambda one: (counts[one] in expected, counts[one]))
    if counts[best] == 1 and len(cells(line, " ")) in expected:
        return " "  # as numpy.savetxt writes by default
    return best
