"""Separate labels: the labels of another CSV's pictures, joined by id if both have one, else by place."""

import csv
from dataclasses import replace

import numpy as np

from catwalk.core.errors import UserError
from catwalk.data import csv_columns, csv_dialect, csv_labels
from catwalk.data.competition import Competition
from catwalk.data.csv_cells import Labels, whole_number
from catwalk.data.csv_file import CsvFile, clipped
from catwalk.data.rows import Rows


def join(file: CsvFile, pictures: CsvFile, rows: Rows, competition: Competition) -> Rows:
    """The pictures' rows with the labels from ``file``.

    Args:
        file: a column of labels, or two, of which the last is the label; with or without names above them.
        pictures: the CSV of the pictures.
        rows: its rows.
        competition: gives the labels.

    Raises:
        UserError: the file has not one label for each picture, or, for training rows, an unknown one.
    """
    table = _read(file, competition)
    header = len(table) - len(rows.pixels)
    if header not in (0, 1):
        what = f"{len(table):,} rows for {len(rows.pixels):,} pictures"
        raise file.error(
            what, fix=f"give each picture a label there, or correct it under [files] in {file.toml}"
        )
    named, table = table[:header], table[header:]
    ids = _ignored_ids(file, pictures, named, table, competition) if rows.ids is None else rows.ids
    table = _in_order(file, table, ids)
    cells = [cells[-1] for _, cells in table]
    known = Labels(competition, any(whole_number(cell) is None for cell in cells))
    places = [known.position(cell) for cell in cells]
    if competition.is_one_file:  # whose rows of the test may have any label
        return replace(rows, labels=np.array([-1 if place is None else place for place in places], np.int16))
    if None not in places:
        labels = np.array(places, np.uint8)
        if file.is_train or not csv_labels.is_placeholder(labels):
            return replace(rows, labels=labels)
    elif file.is_train:
        raise _unknown(file, competition, table[places.index(None)])
    return replace(rows, labels=None, unlabelled=f"{file.name} holds no labels")


def _ignored_ids(
    file: CsvFile,
    pictures: CsvFile,
    named: list[tuple[int, list[str]]],
    table: list[tuple[int, list[str]]],
    competition: Competition,
) -> list[str] | None:
    """The cells of the pictures' ignored column that holds the ids of ``table``; None if there is none.

    If train and test name their ids differently, the TOML's id is the test's, and train's is ignored.
    """
    if not competition.ignored_columns or any(len(cells) < 2 for _, cells in table):
        return None
    columns, ids = csv_columns.find(pictures, competition), {cells[0] for _, cells in table}
    ignored = {name.casefold() for name in competition.ignored_columns}
    used = {columns.label, columns.id, columns.usage, *columns.pixels}
    found: dict[str, list[str]] = {}
    for at, name in enumerate(columns.names):
        if name.casefold() in ignored and at not in used:
            cells = [cell for _, cell in csv_labels.column(pictures, columns, at)]
            if len(cells) == len(table) and set(cells) == ids:
                found[name.casefold()] = cells
    same = found.get(named[0][1][0].casefold()) if named else None
    if same is None and len(set(map(tuple, found.values()))) > 1:
        what = f"its ids may be those of {' or '.join(map(clipped, found))} in {pictures.name}"
        raise file.error(what, fix=f"name the first column there as in {pictures.name}")
    return same or next(iter(found.values()), None)


def _in_order(
    file: CsvFile, table: list[tuple[int, list[str]]], ids: list[str] | None
) -> list[tuple[int, list[str]]]:
    """The rows in the pictures' order: by their ids, or as they are if there are none, or they count up."""
    if any(len(cells) < 2 for _, cells in table):
        return table
    named = {cells[0]: (row, cells) for row, cells in table}
    if ids is not None and named.keys() == set(ids) and len(named) == len(ids):
        return [named[id_] for id_ in ids]
    numbers = [whole_number(cells[0]) for _, cells in table]
    first = numbers[0]
    if ids is None and first is not None and numbers == list(range(first, first + len(numbers))):
        return table
    fix = f"name the pictures' id column as id under [columns] in {file.toml}, or keep the labels alone"
    raise file.error("its ids are not the pictures' ids", fix=fix)


def _read(file: CsvFile, competition: Competition) -> list[tuple[int, list[str]]]:
    """The rows' numbers and cells, without blank rows."""
    dialect = csv_dialect.sniff(file, competition)
    with file.path.open(encoding="utf-8-sig", errors="replace", newline="") as opened:
        try:
            rows = list(enumerate(csv_dialect.reader(opened, dialect.separator), start=1))
        except csv.Error:
            most = csv.field_size_limit()
            what = f"a cell has more than {most:,} characters: is a quotation mark not closed?"
            raise file.error(what) from None
    below = rows[dialect.before :]
    table = [(number, [cell.strip() for cell in cells]) for number, cells in below if "".join(cells).strip()]
    wide = next(((number, cells) for number, cells in table if len(cells) > 2), None)
    if wide is not None:
        what = f"{len(wide[1])} columns, expected a label, or an id and a label"
        raise file.error(what, row=wide[0])
    return table


def _unknown(file: CsvFile, competition: Competition, row: tuple[int, list[str]]) -> UserError:
    labels = competition.labels
    what = f"the label {clipped(row[1][-1])} is not one of the {len(labels)} from {labels[0]} to {labels[-1]}"
    return file.error(what, row=row[0], fix=f"correct it there, or classes and labels in {file.toml}")
