"""Columns: the role of each column of a table: pixel, label, id, usage, or none."""

from dataclasses import dataclass, replace

import numpy as np

from catwalk.data import column_names, csv_dialect, infer_pixels, usage_column
from catwalk.data.csv_cells import NUMBER, is_one_hot, whole_number
from catwalk.data.csv_columns import INDEXES
from catwalk.data.csv_file import clipped
from catwalk.data.infer_pixels import Pixels
from catwalk.data.infer_table import HEAD, MANY, Table

CLASSES = 256  # most that a label column may have
CLEAR = 2.5  # times as likely: no doubt
LIKELY = 0.1  # of 1, how likely a column without a name is at least


@dataclass(frozen=True)
class ColumnRoles:
    """The positions of a table's columns, by role.

    Attributes:
        pixels: where the pictures are.
        by_place: whether the columns are found by position, because no name tells which is which.
        labels: positions that may be the label, the likeliest first; empty: there is none.
        why: why the first of them is the label.
        is_sure: whether there is no doubt.
        id, usage: positions, or None.
        ignored: names of columns that have no role, without those in ``labels``.
    """

    pixels: Pixels
    by_place: bool = False
    labels: tuple[int, ...] = ()
    why: str = ""
    is_sure: bool = True
    id: int | None = None
    usage: int | None = None
    ignored: tuple[str, ...] = ()

    @property
    def label(self) -> int | None:
        return self.labels[0] if self.labels else None


def find(table: Table) -> ColumnRoles | None:
    """The columns' roles, as far as this table alone shows them; None if it contains no pictures."""
    pixels = infer_pixels.find(table)
    if pixels is None:
        return _by_place(table)
    others = [i for i in range(table.width) if i not in set(pixels.at)]
    if table.names is None:
        return _beside_a_cell(table, pixels, others)
    names = table.names
    used = next((i for i in others if _is_usage(table.column(i))), None)
    numbered = [i for i in others if INDEXES.fullmatch(names[i] or "Unnamed: 0")]
    rest = [i for i in others if i != used and i not in numbered]
    ids = [i for i in rest if _is_id(table, i)]
    rest = [i for i in rest if i not in ids]
    scores = {i: _score(table, i, used) for i in rest}
    labels = sorted((i for i in rest if scores[i] > 0), key=lambda i: (-scores[i], i))
    rivals = [i for i in labels[1:] if not _says_the_same(table, labels[0], i)]
    is_sure = not rivals or scores[labels[0]] >= scores[rivals[0]] + 2
    empty = range(table.width, len(names))  # in all rows, as pandas writes a comma at each line's end
    ignored = [names[i] for i in (*ids[1:], *(i for i in rest if i not in labels), *empty) if names[i]]
    why = f"the column {names[labels[0]]!r}" if labels else ""
    if len(labels) == 1 and not column_names.is_label(names[labels[0]]):
        why += ", the only one that is neither pixel nor id"
    return ColumnRoles(
        pixels, False, tuple(labels), why, is_sure, ids[0] if ids else None, used, tuple(ignored)
    )


def _is_usage(cells: list[str]) -> bool:
    """Whether a column divides the rows into train and test."""
    parts = {usage_column.is_test(cell) for cell in set(cells)}
    return None not in parts and bool(parts) and not all(cell.strip().isdigit() for cell in cells)


def _is_id(table: Table, at: int) -> bool:
    """Whether a column numbers or names the rows: no two cells are the same."""
    cells = table.column(at)
    name = (table.names or [""] * table.width)[at]
    if column_names.is_id(name) and len(set(cells)) > 0.9 * len(cells):
        return True  # the reader names an id that comes twice
    return len(set(cells)) == len(cells) > 2 and not column_names.is_label(name)


def _score(table: Table, at: int, used: int | None = None) -> int:
    """How much a column looks like the label; 0: not at all. The test rows of a usage column need none."""
    cells = table.column(at)
    different = set(cells if used is None else usage_column.without_empty_tests(cells, table.column(used)))
    if not 1 < len(different) <= CLASSES or "" in different:
        return 0
    if table.is_numeric[at] and any(whole_number(cell) is None for cell in different):
        return 0
    name = (table.names or [""] * table.width)[at]
    return 1 + 4 * column_names.is_label(name) + (not column_names.is_id(name))


def _says_the_same(table: Table, one: int, other: int) -> bool:
    """Whether two columns divide the rows into the same classes, as the label 3 and its name "three"."""
    ours, theirs = table.column(one), table.column(other)
    return len(set(zip(ours, theirs, strict=True))) == len(set(ours)) == len(set(theirs))


def _beside_a_cell(table: Table, pixels: Pixels, others: list[int]) -> ColumnRoles | None:
    """Without names: next to a cell with all pixels, the label is the column with few different values."""
    labels = [i for i in others if _score(table, i)]
    ids = [i for i in others if i not in labels and _is_id(table, i)]
    if len(others) > len(labels[:1]) + len(ids[:1]):
        return ColumnRoles(pixels, True, tuple(labels), "", is_sure=False)
    return ColumnRoles(
        pixels, True, tuple(labels), "the column next to the pixels", True, ids[0] if ids else None
    )


def _by_place(table: Table) -> ColumnRoles | None:
    """All columns are numbers, except for the label, which is first or last, and an id before it."""
    width = table.width
    texts = [i for i in range(width) if not table.is_numeric[i]]
    if width <= MANY or any(i not in (0, 1, width - 1) for i in texts):
        return None
    start = int((_is_id(table, 0) and _counts_up(table.column(0))) or (len(texts) > 1 and texts[0] == 0))
    named = [i for i in (start, width - 1) if table.names and column_names.is_label(table.names[i])]
    columns = ColumnRoles(Pixels([], 0), by_place=True, id=0 if start else None)
    ends = named or [i for i in texts if i >= start]
    likely = {i: 1.0 if i in ends else _likelihood(table, i) for i in ends or (start, width - 1)}
    labels = sorted((i for i in likely if likely[i] > LIKELY), key=lambda i: -likely[i])
    if labels:
        is_sure = len(labels) == 1 or likely[labels[0]] > CLEAR * likely[labels[1]]
        columns = replace(columns, labels=tuple(labels), is_sure=is_sure, why=_why_end(labels[0], width))
    return with_label(columns, columns.label, width)


def hindrance(table: Table, labels: tuple[int, ...]) -> tuple[str, str] | None:
    """What in the file itself leaves no single label column, and how to fix it; None if nothing is seen.

    Args:
        table: the pictures.
        labels: positions that may be the label.
    """
    if table.names in table.rows:
        return "a row further down repeats the column names", "delete it in a copy of the file"
    first, second = table.rows[:2]
    if table.names is None and not any(NUMBER.fullmatch(cell) for cell in first):
        if first == second:
            return "the second row repeats the column names", "delete it in a copy of the file"
        if len(csv_dialect.cells(table.lines[0], table.separator)) != len(first):
            above = f"{clipped(table.lines[0])} is above the column names"
            return above, "delete what is above them in a copy of the file"
    ends = {len(labels): labels} if len(labels) > 2 else {}
    for count in range(3, min(CLASSES, table.width // 2)):
        ends |= {count: tuple(range(table.width - count, table.width)), -count: tuple(range(count))}
    for at in ends.values():
        if all(is_one_hot([[row[i] for i in at] for row in table.rows[:rows]]) for rows in (5, HEAD)):
            what = f"the columns {at[0] + 1} to {at[-1] + 1} hold one-hot labels"
            return what, "write one column instead, with the label itself"
    return None


def with_label(columns: ColumnRoles, label: int | None, width: int) -> ColumnRoles:
    """The columns with another label; if found by position, all but id and label are pixels."""
    labels = () if label is None else (label, *(i for i in columns.labels if i != label))
    if not columns.by_place or columns.pixels.is_one_cell:
        return replace(columns, labels=labels)
    at = [i for i in range(width) if i not in (label, columns.id)]
    return replace(columns, labels=labels, pixels=Pixels(at, len(at)))


def _why_end(at: int, width: int) -> str:
    where = "last" if at == width - 1 else "first"
    return f"the {where} column: few different values, and unlike those of the pixel next to it"


def _counts_up(cells: list[str]) -> bool:
    numbers = [whole_number(cell) for cell in cells[:20]]
    first = numbers[0]
    return first is not None and numbers == list(range(first, first + len(numbers)))


def _likelihood(table: Table, at: int) -> float:
    """How likely a column at an end of the row is a label, not a pixel of the border: 0 to 1.

    A border is nearly always black, or much like the pixels beside it (those of its channel are up to three
    columns away), or has many values; a label is none of these.
    """
    if not _score(table, at):
        return 0.0
    near = [at - i if at else at + i for i in (1, 2, 3)]
    ours, *others = table.numbers([at, *near]).T
    values, counts = np.unique(ours, return_counts=True)
    varied = min(1.0, 3 * (1 - counts.max() / len(ours)))
    alike = max((_correlation(ours, other) for other in others), default=0.0)
    return float(varied * (1 - alike) * (1 - min(len(values), CLASSES) / min(len(ours) + 1, CLASSES + 1)))


def _correlation(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Of two columns, 0 to 1; 0 if one is constant."""
    if ours.std() == 0 or theirs.std() == 0:
        return 0.0
    return float(np.nan_to_num(abs(np.corrcoef(ours, theirs)[0, 1])))
