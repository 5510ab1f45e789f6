"""Rows: reads a raw CSV into arrays, and writes arrays as a raw CSV.

Two readers give the same arrays. Where the fast one finds anything but plain numbers, the careful one reads
the file again.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pacsv

from catwalk.core import advice
from catwalk.data import csv_careful, csv_columns, csv_fast, csv_file, csv_labels, row_numbers
from catwalk.data.competition import Competition
from catwalk.data.csv_columns import Columns
from catwalk.data.csv_file import CsvFile, clipped
from catwalk.data.rows import Rows


def read_rows(path: Path, competition: Competition) -> Rows:
    """Read a CSV that is named in the competition's TOML; see ``read_csv``."""
    return read_csv(csv_file.of(path, competition), competition)


def read_csv(file: CsvFile, competition: Competition) -> Rows:
    """Read a CSV with one picture per row; its columns tell whether it has labels.

    Raises:
        UserError: names file, row (counted as a spreadsheet does, the header being row 1) and column.
    """
    columns, rows = read_values(file, competition)
    if not len(rows.pixels):
        raise file.error("no rows below the header")
    if rows.labels is not None and not competition.has_header and (rows.labels == rows.labels[0]).all():
        csv_labels.refuse_constant(file, columns, competition)
    if rows.ids is not None and (competition.is_one_file or not file.is_train):
        _check_ids(file, columns, rows.ids)
    rows = replace(rows, ignored=columns.ignored, unlabelled=columns.unlabelled)
    if not file.is_train:
        return _without_placeholders(rows, columns, competition)
    return replace(rows, numbers=row_numbers.of(file.path, columns, len(rows.pixels)))


def read_values(file: CsvFile, competition: Competition) -> tuple[Columns, Rows]:
    """The columns of a CSV, and its rows as they stand there; errors as ``read_csv``."""
    columns = csv_labels.corrected(file, csv_columns.find(file, competition), competition)
    return columns, csv_fast.read(file, columns, competition) or csv_careful.read(file, columns, competition)


def _without_placeholders(rows: Rows, columns: Columns, competition: Competition) -> Rows:
    """Treat a label that many test rows all share, such as 0, as a placeholder."""
    if rows.labels is None or not csv_labels.is_placeholder(rows.labels):
        return rows
    assert columns.label is not None
    only = competition.labels[rows.labels[0]]
    said = f"the column {columns.names[columns.label]!r} holds {only} in all rows instead of labels"
    return replace(rows, labels=None, unlabelled=said)


def _check_ids(file: CsvFile, columns: Columns, ids: list[str]) -> None:
    """Check that each test row has a unique id."""
    if len(set(ids)) == len(ids) and "" not in ids:
        return
    assert columns.id is not None
    name, seen = columns.names[columns.id], dict[str, int]()
    for row, id_ in csv_labels.column(file, columns, columns.id):
        if not id_:
            raise file.error("the id is empty", row=row, column=name)
        if id_ in seen:
            where = f"rows {seen[id_]} and {row} have the same id {clipped(id_)}"
            raise file.error(where, column=name, fix=advice.OWN_ID.format(file.origin))
        seen[id_] = row


def write_rows(
    path: Path,
    pixels: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.integer] | None,
    competition: Competition,
) -> None:
    """Write a CSV in the competition's format.

    Args:
        path: the file to write.
        pixels: (rows, pixels) uint8.
        labels: (rows,) integers from ``Competition.labels``; None for a file without labels.
        competition: gives the columns' names.
    """
    columns = {} if labels is None else {competition.label_column: np.asarray(labels, np.int64)}
    columns |= dict(zip(competition.pixel_columns, np.ascontiguousarray(pixels.T), strict=True))
    with path.open("wb") as file:
        if competition.has_header:
            file.write((",".join(columns) + "\n").encode())
        options = pacsv.WriteOptions(include_header=False)
        pacsv.write_csv(pa.table(columns), file, write_options=options)
