"""Label file: labels in a separate CSV beside the pictures, and the command that joins the two."""

import itertools
import shlex
from dataclasses import dataclass
from pathlib import Path

from catwalk.data import csv_dialect
from catwalk.data.competition import Competition
from catwalk.data.csv_cells import whole_number
from catwalk.data.csv_file import CsvFile

LARGEST = 64 << 20  # bytes; a larger file contains more than labels


@dataclass(frozen=True)
class _Table:
    """A CSV of labels only, or of ids and labels: its path and its rows' cells, including a header."""

    path: Path
    rows: list[list[str]]
    has_crlf: bool


def advice(file: CsvFile, pictures: int, ids: list[str] | None, competition: Competition) -> str:
    """The command that joins a training file with its label file; empty if there is none.

    Args:
        file: the training file.
        pictures: its number of rows.
        ids: its id column, if it has one.
        competition: says whether there is a header.
    """
    folder = Path(file.origin).parent
    for path in sorted(file.path.parent.glob("*.[cC][sS][vV]")):
        named = path.name in (competition.train_file, competition.test_file, competition.sample_file)
        if named or path == file.path or path.stat().st_size > LARGEST:
            continue
        command = _joining(_read(path), pictures, ids, competition.has_header)
        if command:
            joined = _free(file.path.parent)
            pipe = command.format(labels=shlex.quote(path.name), rows=shlex.quote(Path(file.origin).name))
            joining = f"(cd {shlex.quote(str(folder))} && {pipe} > {joined})"
            return f'join them, {joining}, and write train = "{joined}" under [files] in {file.toml}'
    return ""


def _free(folder: Path) -> str:
    """An unused name for the joined file."""
    names = itertools.chain(["train_joined"], (f"train_joined_{number}" for number in itertools.count(2)))
    return next(f"{name}.csv" for name in names if not (folder / f"{name}.csv").exists())


def _read(path: Path) -> _Table:
    text = path.read_bytes().decode("utf-8-sig", errors="replace")
    rows = [csv_dialect.cells(line, ",") for line in text.splitlines() if line.strip()]
    return _Table(path, rows, "\r" in text)


def _joining(table: _Table, pictures: int, ids: list[str] | None, has_header: bool) -> str:
    """A shell pipeline with placeholders for the names; empty if the rows don't match one to one."""
    widths = {len(row) for row in table.rows}
    header = len(table.rows) - pictures  # rows of it
    if widths not in ({1}, {2}) or header not in (0, 1) or (has_header and not header):
        return ""
    if ids is not None and not has_header:  # there the label comes after the id
        return ""
    if widths == {2} and not _same_order([row[0] for row in table.rows[header:]], ids):
        return ""
    steps = [
        *(["tr -d '\\r'"] if table.has_crlf else []),
        *(["tail -n +2"] if header and not has_header else []),
        *(["cut -d, -f2"] if widths == {2} else []),
    ]
    if not steps:
        return "paste -d, {labels} {rows}"
    return " | ".join([f"{steps[0]} < {{labels}}", *steps[1:], "paste -d, - {rows}"])


def _same_order(theirs: list[str], ids: list[str] | None) -> bool:
    if ids is not None:
        return theirs == ids
    numbers = [whole_number(id_) for id_ in theirs]
    first = numbers[0] if numbers else None
    return first is not None and numbers == list(range(first, first + len(numbers)))
