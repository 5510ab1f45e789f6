"""Header: whether a CSV's first row holds column names, and the errors where the TOML says otherwise."""

import contextlib
import re

from catwalk.core.errors import UserError
from catwalk.data import csv_dialect
from catwalk.data.competition import Competition
from catwalk.data.csv_cells import NUMBER
from catwalk.data.csv_dialect import Dialect
from catwalk.data.csv_file import CsvFile, clipped

MANY = 16  # numbers in a row: fewer may follow each other by chance
MANGLED = re.compile(r"-?\d+(\.\d+)?\.\d+", re.ASCII)  # a number as a name, as pandas writes it a second time

Cells = list[list[str]]


def without_empty_end(cells: list[str]) -> list[str]:
    """The cells without empty ones at the row's end."""
    end = len(cells)
    while end and not cells[end - 1]:
        end -= 1
    return cells[:end]


def are_mostly_numbers(cells: list[str]) -> bool:
    """Whether more than half of the cells are numbers."""
    return 2 * _texts(cells) < len(cells)


def are_numbers(cells: list[str]) -> bool:
    """Whether all cells are numbers, or what pandas makes of numbers to tell them apart."""
    return bool(cells) and all(NUMBER.fullmatch(cell) or MANGLED.fullmatch(cell) for cell in cells)


def says_nothing(first: list[str], below: Cells) -> bool:
    """Whether the numbers in a first row are meaningless names: counted up, changed by pandas, or equal."""
    if len(first) < MANY or not are_numbers(first):
        return False
    values = "".join(cell for row in below for cell in row)
    mangled = sum(bool(MANGLED.fullmatch(cell)) for cell in first)
    if 4 * mangled > len(first) and "." not in values:
        return True
    if not all(NUMBER.fullmatch(cell) for cell in first):
        return True
    return count_up(first) or len(set(first)) == 1


def count_up(cells: list[str]) -> bool:
    """Whether nearly all cells are numbers that follow each other."""
    if not all(NUMBER.fullmatch(cell) for cell in cells):
        return False
    steps = [b - a for a, b in zip(map(float, cells[:-1]), map(float, cells[1:]), strict=True)]
    return steps.count(1.0) > 0.9 * len(steps)


def missing(file: CsvFile, dialect: Dialect, competition: Competition) -> UserError:
    """The error for a first row of numbers where the TOML says that there are column names."""
    other, rows = _other(file, competition)
    if _means_nothing(dialect.rows, is_picture_expected=_is_picture(rows)):
        return _meaningless(file, competition)
    if rows and _has_names(rows):
        return _nameless(file, other, rows[0], competition)
    what = "the first row holds numbers, not column names"
    return file.error(what, row=1, fix=f"add header = false under [columns] in {file.toml}")


def refuse_names(file: CsvFile, dialect: Dialect, competition: Competition) -> None:
    """Refuse column names where the TOML says that there are none.

    Raises:
        UserError: the first row holds names, or numbers that are not a picture's.
    """
    if _means_nothing(dialect.rows, is_picture_expected=True):
        raise _meaningless(file, competition)
    if not _has_names(dialect.rows):
        return
    names = without_empty_end(dialect.rows[0])
    other, rows = _other(file, competition)
    if _is_picture(rows):
        raise _nameless(other, file, names, competition)
    what = f"this looks like a header ({clipped(names[0])}, {clipped(names[-1])}), but header = false"
    raise file.error(what, row=1, fix=f"change header = false to header = true in {file.toml}")


def _texts(cells: list[str]) -> int:
    return sum(not NUMBER.fullmatch(cell) for cell in cells)


def _has_names(rows: Cells) -> bool:
    """Whether the first row holds more texts than the others, or names as pandas gives an array's columns."""
    first = without_empty_end(rows[0])
    texts = _texts(first)
    return (texts > len(first) // 2 and _texts(rows[-1]) < texts) or _are_numbered(rows)


def _are_numbered(rows: Cells) -> bool:
    """Whether the first row is the name of a label or an id beside numbers that count up."""
    first = without_empty_end(rows[0])
    numbers, last = ([cell for cell in row if NUMBER.fullmatch(cell)] for row in (first, rows[-1]))
    return MANY <= len(numbers) < len(first) and count_up(numbers) and not count_up(last)


def _means_nothing(rows: Cells, is_picture_expected: bool) -> bool:
    """Whether the first row holds numbers that are neither names nor a picture.

    Args:
        rows: the first rows.
        is_picture_expected: whether one number in all cells is a picture, perhaps a black one.
    """
    first, *below = map(without_empty_end, rows)
    is_unique = len(set(first)) == len(first)
    if not below or count_up(below[-1]):  # pictures may count up too
        return False
    if _are_numbered(rows):
        return not is_unique
    return (is_unique or not is_picture_expected) and says_nothing(first, below)


def _is_picture(rows: Cells) -> bool:
    """Whether there is a first row, and it surely holds a picture."""
    return bool(rows) and not _has_names(rows) and not _means_nothing(rows, is_picture_expected=False)


def _meaningless(file: CsvFile, competition: Competition) -> UserError:
    """The error for a first row of numbers that are neither names nor a picture."""
    what = "the numbers in the first row are neither column names nor a picture"
    other, rows = _other(file, competition)
    if _is_picture(rows):  # which would be skipped too
        what += f", and {other.name} has no such row"
        return file.error(what, row=1, fix="save a copy without that row")
    header = "header = false and " if competition.has_header else ""
    skipped = f"{header}skip_rows = {competition.skip_rows + 1}"
    return file.error(what, row=1, fix=f"write {skipped} under [columns] in {file.toml}")


def _nameless(file: CsvFile, named: CsvFile, names: list[str], competition: Competition) -> UserError:
    """The error for a file without column names where the other has them: the TOML says it of both."""
    label, folded = competition.label_column, {name.casefold() for name in names}
    has_labels = file.is_train and competition.has_header and competition.train_labels_file is None
    more = f"{label} and " if has_labels and label.casefold() not in folded else ""
    also = "" if competition.has_header else f", and change header = false to header = true in {file.toml}"
    fix = f"write {more}those of {named.name} above the first row of a copy, without what is not there{also}"
    return file.error(f"no column names, but {named.name} has them", fix=fix)


def _other(file: CsvFile, competition: Competition) -> tuple[CsvFile, Cells]:
    """The competition's other file of pictures, and its first rows; no rows if it can't be read."""
    if file.other is not None:
        with contextlib.suppress(UserError):
            return file.other, csv_dialect.sniff(file.other, competition, competition.skip_rows).rows
    return file, []
