"""The sample submission: its ids, which give the order of the submission's rows."""

import csv
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from catwalk.core import advice
from catwalk.core.errors import shown
from catwalk.data import csv_dialect
from catwalk.data.competition import Competition
from catwalk.data.csv_file import CsvFile, clipped
from catwalk.data.rows import Rows


def ids_of(rows: Rows, competition: Competition) -> list[str]:
    """The rows' ids, in their CSV's order: from its id column, else counted from ``first_id``."""
    return rows.ids or [str(competition.first_id + i) for i in range(len(rows.pixels))]


def order(file: CsvFile, ids: Sequence[str], competition: Competition) -> npt.NDArray[np.intp]:
    """(test rows,): the index of each of the sample's ids among the test rows.

    Args:
        file: the sample submission.
        ids: the test rows' ids, no two the same.
        competition: gives the header.

    Raises:
        UserError: the sample has another header, other ids, or a duplicate or empty id.
    """
    place = {id_: i for i, id_ in enumerate(ids)}
    seen: dict[str, int] = {}
    for row, id_ in _rows(file, competition):
        if not id_:
            raise file.error("the id is empty", row=row)
        if id_ in seen:
            raise file.error(
                f"rows {seen[id_]} and {row} have the same id {clipped(id_)}",
                fix=advice.OWN_ID.format(file.origin),
            )
        if id_ not in place:
            raise file.error(
                f"the id {clipped(id_)} is not among the {len(ids):,} ids of {competition.test_file}",
                row=row,
                fix=_fix(file, competition),
            )
        seen[id_] = row
    if len(seen) != len(ids):
        lacking = next(id_ for id_ in ids if id_ not in seen)
        raise file.error(
            f"{len(seen):,} ids, but {competition.test_file} has {len(ids):,}: {clipped(lacking)} is missing",
            fix=_fix(file, competition),
        )
    return np.array([place[id_] for id_ in seen], np.intp)


def _fix(file: CsvFile, competition: Competition) -> str:
    what = f"id under [columns] and first_id under [submission] in {file.toml}"
    return f"check that {file.origin} and {competition.test_file} match, and check {what}"


def _rows(file: CsvFile, competition: Competition) -> list[tuple[int, str]]:
    """The sample's row numbers and ids, without header and blank rows."""
    dialect = csv_dialect.sniff(file, competition)
    with file.path.open(encoding="utf-8-sig", errors="replace", newline="") as opened:
        try:
            reader = csv_dialect.reader(opened, dialect.separator)
            rows = [(number, cells) for number, cells in enumerate(reader, start=1) if "".join(cells).strip()]
        except csv.Error as error:
            raise file.error(shown(error)) from None
    rows = [(number, [cell.strip() for cell in cells]) for number, cells in rows if number > dialect.before]
    header = rows[0][1] if rows else []
    if tuple(header) != competition.submission_header:
        names = ", ".join(f'"{name[:30]}"' for name in header[:2])
        what = f"its header is not {','.join(competition.submission_header)}"
        if len(header) != 2:
            fix = f"keep two, the id and the label, or leave sample out under [files] in {file.toml}"
            raise file.error(f"{what}: {len(header)} columns", row=1, fix=fix)
        raise file.error(what, row=1, fix=f"write header = [{names}] under [submission] in {file.toml}")
    return [(number, cells[0]) for number, cells in rows[1:]]
