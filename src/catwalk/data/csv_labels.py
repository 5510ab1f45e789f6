"""A CSV's label column: whether it contains labels, and the error for an unknown label."""

import csv
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from catwalk.core import advice
from catwalk.core.errors import UserError
from catwalk.data import csv_dialect
from catwalk.data.competition import Competition
from catwalk.data.csv_cells import Labels, are_mixed, whole_number
from catwalk.data.csv_columns import Columns
from catwalk.data.csv_file import CsvFile, clipped

FEW = 20  # test rows; so many can't all be of one class by chance
MOST_SEEN = 300  # different labels that are examined for an error's fix
LISTED = 26  # integers that an error's fix lists in full


def is_placeholder(positions: npt.NDArray[np.integer]) -> bool:
    """Whether so many test rows share one label (rows,), such as 0, that it stands for none."""
    return len(positions) >= FEW and bool((positions == positions[0]).all())


def corrected(file: CsvFile, columns: Columns, competition: Competition) -> Columns:
    """The columns, changed if the cells of the label column show that they are wrong."""
    if columns.label is None:
        return columns
    labels, at = Labels(competition), columns.label
    rows = columns.dialect.rows[columns.header_rows - columns.dialect.before :]
    first = [row[at] for row in rows if len(row) > at]
    maybe = bool(first) and not file.is_train and all(labels.is_none(cell) for cell in first)
    if maybe and all(labels.is_none(cell) for _, cell in column(file, columns, at)):
        return replace(columns, label=None, unlabelled=f"the column {columns.names[at]!r} holds no labels")
    text = bool(first) and whole_number(first[0]) is None
    if are_mixed(competition.classes) and not text:
        text = any(whole_number(cell) is None for _, cell in column(file, columns, at))
    return replace(columns, text_label=text)


def column(file: CsvFile, columns: Columns, at: int) -> Iterator[tuple[int, str]]:
    """One column's cells with their row numbers, without surrounding spaces."""
    with file.path.open(encoding="utf-8-sig", errors="replace", newline="") as opened:
        rows = csv_dialect.picture_rows(opened, columns.dialect.separator)
        try:
            for number, cells in enumerate(rows, start=1):
                if number > columns.header_rows and len(cells) > max(at, 1):
                    yield number, cells[at].strip()
        except csv.Error:
            return  # reported when all cells are read


def unknown(file: CsvFile, columns: Columns, competition: Competition, row: int, cell: str) -> UserError:
    """The error for a cell that is not a label, with the TOML line that would make it one, if any."""
    at, labels = columns.label or 0, competition.labels
    name = columns.names[at]
    if not cell.strip():
        other = "leave the row out" if file.is_train else "empty the whole column"
        fix = f"write a label (one of the {len(labels)} in {file.toml}), or {other}, in {file.origin}"
        return file.error("the label is empty", row=row, column=name, fix=fix)
    what = f"the label {clipped(cell)} is not one of the {len(labels)} from {labels[0]} to {labels[-1]}"
    if is_last(file, columns, competition):
        fix = advice.LABEL_LAST.format(file.toml)
        return file.error(what, row=row, column=name, fix=fix)
    return file.error(what, row=row, column=name, fix=_fix(file, columns, competition))


def _fix(file: CsvFile, columns: Columns, competition: Competition) -> str:
    if not file.is_train:  # the training rows' labels are as the TOML says
        return f"correct it, or empty the whole column, in {file.origin}"
    other = f"correct it in {file.origin}, or add its class to classes and labels in {file.toml}"
    seen: set[str] = set()
    for _, cell in column(file, columns, columns.label or 0):
        seen.add(cell)
        if len(seen) > MOST_SEEN:
            return other
    numbers = {whole_number(cell) for cell in seen}
    classes = len(competition.labels)
    if None not in numbers and len(numbers) == classes:
        listed = _listed(sorted(number for number in numbers if number is not None))
        return f"write labels = {listed} above [files] in {file.toml}"
    if None in numbers and len(seen) == classes:
        return f"add the {classes} values of this column to {file.toml} as classes = [...], in any order"
    return other


def _listed(numbers: list[int]) -> str:
    if len(numbers) <= LISTED:
        return str(numbers)
    return f"[{numbers[0]}, {numbers[1]}, ..., {numbers[-1]}], all {len(numbers)} of them,"


def is_last(file: CsvFile, columns: Columns, competition: Competition) -> bool:
    """Whether, without a header, the last column looks like labels: at least two different ones."""
    if competition.has_header or columns.label is None or columns.label > max(columns.pixels):
        return False
    labels, seen = Labels(competition), set()
    for _, cell in column(file, columns, max(columns.pixels)):
        place = labels.position(cell)
        if place is None:
            return False
        seen.add(place)
    return len(seen) > 1


def refuse_constant(file: CsvFile, columns: Columns, competition: Competition) -> None:
    """Refuse a file whose labels are all the same, if its last column looks like the labels.

    Raises:
        UserError: the last column looks like the labels.
    """
    if columns.label is not None and is_last(file, columns, competition):
        value = next(cell for _, cell in column(file, columns, columns.label))
        raise file.error(
            f"{columns.names[columns.label]} holds only {value[:20]}",
            fix=advice.LABEL_LAST.format(file.toml),
        )
