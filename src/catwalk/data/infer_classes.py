"""Classes: the values of the whole label column, and the classes that they form."""

import csv
import re
from collections import Counter
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.csv as pacsv

from catwalk.core.errors import UserError
from catwalk.core.plurals import counted
from catwalk.data import csv_dialect, usage_column
from catwalk.data.csv_cells import whole_number
from catwalk.data.csv_file import clipped
from catwalk.data.infer_columns import CLASSES
from catwalk.data.infer_table import Table

BLOCK = 16 << 20  # bytes that one of pyarrow's threads parses; a row is shorter


@dataclass(frozen=True)
class Classes:
    """The classes that a label column shows.

    Attributes:
        names: their names, in the order of the labels.
        labels: the integers; None: 0, 1, 2, ...
        is_text: whether the column holds names.
        why: what the column holds.
    """

    names: tuple[str, ...]
    labels: tuple[int, ...] | None
    is_text: bool
    why: str


def label_column(table: Table, at: int, used: int | None) -> list[str]:
    """All cells of the label column, without the empty ones of what a usage column calls test rows.

    Args:
        table: the pictures.
        at: the label column.
        used: the usage column, if there is one.
    """
    cells = column(table, at)
    return cells if used is None else usage_column.without_empty_tests(cells, column(table, used))


def column(table: Table, at: int) -> list[str]:
    """All cells of one column, without surrounding spaces."""
    names = [f"{i}" for i in range(len(table.rows[0]))]
    above = table.before + table.skip_rows + (table.names is not None)  # lines
    read = pacsv.ReadOptions(column_names=names, skip_rows=above, block_size=BLOCK)
    convert = pacsv.ConvertOptions(column_types={names[at]: pa.string()}, include_columns=[names[at]])
    parse = pacsv.ParseOptions(delimiter=table.separator)
    try:
        cells = pacsv.read_csv(table.path, read, parse, convert).column(0).to_pylist()
    except pa.ArrowInvalid:
        cells = _column_slowly(table, at)
    cells = [cell.strip() for cell in cells]
    return [cell for cell in cells if cell] if len(names) == 1 else cells  # an empty one is a blank line


def _column_slowly(table: Table, at: int) -> list[str]:
    with table.path.open(encoding="utf-8-sig", errors="replace", newline="") as opened:
        try:
            every = csv_dialect.picture_rows(opened, table.separator)
            rows = [row for row in every if "".join(row).strip()]
        except csv.Error:
            return table.column(at)  # the reader names the row
    return [row[at] for row in rows[table.rows_above :] if len(row) > at]


def classes(cells: list[str], where: str) -> Classes:
    """The classes of a column of labels.

    Raises:
        UserError: there are fewer than two, or more than 256; or one is empty or not UTF-8.
    """
    counts = Counter(cells)
    if "" in counts:
        raise UserError(
            f"{counts['']:,} of {len(cells):,} labels are empty",
            where=where,
            fix="give each row a label, or set LABEL= to choose another column",
        )
    if unreadable := [cell for cell in counts if "\ufffd" in cell]:  # as in files that Excel wrote in cp1252
        fix = "save the file as CSV (UTF-8)"
        raise UserError(f"{clipped(unreadable[0])} is not UTF-8", where=where, fix=fix)
    numbers = {whole_number(cell) for cell in counts}
    is_text = None in numbers
    found = sorted(counts, key=_natural) if is_text else [str(n) for n in sorted(map(int, numbers - {None}))]  # type: ignore[arg-type]
    if not 2 <= len(found) <= CLASSES:
        raise UserError(
            f"{len(found):,} different labels, expected 2 to {CLASSES}",
            where=where,
            fix="set LABEL= to choose another column",
        )
    rare = min(counts.values())
    few = f", the rarest in {counted(rare, 'row')}"
    if is_text:
        return Classes(tuple(found), None, True, f"{len(found)} different texts in {len(cells):,} rows{few}")
    labels = tuple(int(one) for one in found)
    is_usual = labels == tuple(range(len(labels)))
    gaps = labels[-1] - labels[0] + 1 - len(labels)
    more = f", {gaps} of them missing" if gaps else ""
    why = f"integers from {labels[0]} to {labels[-1]}{more}, in {len(cells):,} rows{few}"
    return Classes(tuple(found), None if is_usual else labels, False, why)


def _natural(text: str) -> list[tuple[int, str]]:
    """The order in which people sort names with numbers: 2 before 10."""
    return [
        (int(part), "") if part.isdigit() else (-1, part)
        for part in re.split(r"(\d+)", text.casefold())
        if part
    ]
