"""Solution: the instructor's own labels of the test rows, plain or with Kaggle's Usage column."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catwalk.core import advice
from catwalk.core.errors import UserError
from catwalk.data import csv_dialect
from catwalk.data.competition import Competition
from catwalk.data.csv_cells import ClassNames
from catwalk.data.csv_file import CsvFile
from catwalk.grading.expected_csv import whole_number
from catwalk.grading.submitted_archives import printable

USAGE = "usage"
NO_LABEL = -1

Numbered = tuple[int, list[str]]  # a row's number as a spreadsheet counts, its cells


@dataclass(frozen=True)
class Solution:
    """The true labels of the test rows.

    Attributes:
        ids: one per row.
        truth: (rows,) int16, positions in ``Competition.labels``; -1 where the row is not scored.
        is_public: (rows,) whether the row belongs to the public score; None where the file does not say.
        is_private: (rows,) the same of the private score.
    """

    ids: list[str]
    truth: npt.NDArray[np.int16]
    is_public: npt.NDArray[np.bool_] | None = None
    is_private: npt.NDArray[np.bool_] | None = None


def read(path: Path, competition: Competition) -> Solution:
    """Read ``LABELS=``: ids, labels and, if there is a Usage column, which rows are public.

    Raises:
        UserError: the file is invalid; the message names the row.
    """
    where = f"LABELS={path}"
    (number, header), *rows = _table(path, where, competition)
    names = [cell.casefold() for cell in header]
    wanted = [name.strip().casefold() for name in competition.submission_header]
    if any(names.count(name) != 1 for name in wanted) or names.count(USAGE) > 1:
        columns = ",".join(competition.submission_header)
        raise UserError(f"the columns are {printable(','.join(header))}", where=f"{where}: row {number}",
                        fix=f"name them {columns}, and Usage if there is one")  # fmt: skip
    places = [*map(names.index, wanted), names.index(USAGE) if USAGE in names else None]
    return _solution(rows, places, where, competition)


def _table(path: Path, where: str, competition: Competition) -> list[Numbered]:
    """The rows that are not blank, from the header on; the separator may be any usual one."""
    file = CsvFile(path, where, str(path), False, f"competitions/{competition.name}.toml")
    rows: list[Numbered] = []
    try:
        text = path.read_bytes().decode("utf-8-sig")
        if text.strip():
            dialect = csv_dialect.sniff(file, competition)
            cells = csv_dialect.reader(io.StringIO(text, newline=""), dialect.separator)
            stripped = enumerate(([cell.strip() for cell in row] for row in cells), start=1)
            rows = [(number, row) for number, row in stripped if number > dialect.before and any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a CSV in UTF-8"
        raise UserError(f"can't be read ({reason})", where=where, fix=advice.GIVE_SOLUTION) from None
    if len(rows) < 2:
        raise UserError("no rows below the header", where=where, fix=advice.GIVE_SOLUTION)
    return rows


def _solution(
    rows: list[Numbered], places: list[int | None], where: str, competition: Competition
) -> Solution:
    label_places = {label: i for i, label in enumerate(competition.labels)}
    names = ClassNames(competition.classes if competition.writes_names else ())
    ids: dict[str, int] = {}
    truth: list[int] = []
    usages: list[str] = []
    for number, cells in rows:
        row = f"{where}: row {number}"
        one, label, usage = (cells[i] if i is not None and i < len(cells) else "" for i in places)
        if not one or one in ids:
            what = f"duplicate id {printable(one)}" if one else "the id is missing"
            raise UserError(what, where=row, fix="write each id once")
        ids[one] = number
        usages.append(_usage(usage, row) if places[2] is not None else "")
        value, named = whole_number(label), names.position(label)
        numbered = NO_LABEL if value is None else label_places.get(value, NO_LABEL)
        place = numbered if named is None else named
        if place == NO_LABEL and usages[-1] != "ignored":
            raise UserError(f"the label {printable(label, 20)!r} is not one of the competition's",
                            where=row, fix="fix the file, or choose the right COMPETITION=")  # fmt: skip
        truth.append(NO_LABEL if usages[-1] == "ignored" else place)
    if places[2] is None:
        return Solution(list(ids), np.array(truth, np.int16))
    for part in ("public", "private"):
        if part not in usages:
            raise UserError(f"no row is {part}", where=where, fix="correct the Usage column, or leave it out")
    used = np.array(usages)
    return Solution(list(ids), np.array(truth, np.int16), used == "public", used == "private")


def _usage(cell: str, row: str) -> str:
    usage = cell.casefold()
    if usage not in ("public", "private", "ignored"):
        raise UserError(
            f"Usage is {printable(cell, 20)!r}", where=row, fix="write Public, Private or Ignored"
        )
    return usage
