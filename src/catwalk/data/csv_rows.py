"""Rows: reads a raw CSV into arrays, and writes arrays as a raw CSV.

Two readers give the same arrays. The fast one is pyarrow's and reads only plain integers. If it finds
anything else, the careful one reads the file again cell by cell: it accepts integers in other notations
(``" 12"``, ``"12.0"``, ``"1.2e+01"``) and names file, row and column of anything else.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pacsv

from catwalk.core import advice
from catwalk.core.errors import shown
from catwalk.data import csv_columns, csv_dialect, csv_file, csv_labels
from catwalk.data.competition import Competition
from catwalk.data.csv_cells import Labels, whole_number
from catwalk.data.csv_columns import Columns
from catwalk.data.csv_file import CsvFile, clipped

FEW = 20  # test rows; so many can't all be of one class by chance
BLOCK = 32 << 20  # bytes read at once: large enough for pyarrow's threads, small compared with the arrays


@dataclass(frozen=True)
class Rows:
    """The rows of one CSV, in its order.

    Attributes:
        pixels: (rows, pixels) uint8.
        labels: (rows,) uint8, positions in ``Competition.labels``; None if the file has no labels.
        ids: the id column's cells without surrounding spaces; None if there is no id column.
        ignored: name of the column of row numbers that was skipped, or None.
        unlabelled: a note on a label column without labels (empty, ``?``, ``-1``, a single value), or None.
    """

    pixels: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8] | None
    ids: list[str] | None
    ignored: str | None = None
    unlabelled: str | None = None


def read_rows(path: Path, competition: Competition) -> Rows:
    """Read a CSV that is named in the competition's TOML; see ``read_csv``."""
    return read_csv(csv_file.of(path, competition), competition)


def read_csv(file: CsvFile, competition: Competition) -> Rows:
    """Read a CSV with one picture per row; its columns tell whether it has labels.

    Raises:
        UserError: names file, row (counted as a spreadsheet does, the header being row 1) and column.
    """
    columns = csv_labels.looked_at(file, csv_columns.find(file, competition), competition)
    rows = _read_fast(file, columns, competition)
    if rows is None:
        rows = _read_careful(file, columns, competition)
    if not len(rows.pixels):
        raise file.error("no rows below the header")
    if rows.labels is not None and not competition.has_header and (rows.labels == rows.labels[0]).all():
        csv_labels.refuse_constant(file, columns, competition)
    if rows.ids is not None and not file.is_train:
        _check_ids(file, columns, rows.ids)
    rows = replace(rows, ignored=columns.ignored, unlabelled=columns.unlabelled)
    return rows if file.is_train else _without_placeholders(rows, columns, competition)


def _without_placeholders(rows: Rows, columns: Columns, competition: Competition) -> Rows:
    """Treat a label that many test rows all share, such as 0, as a placeholder."""
    if rows.labels is None or len(rows.labels) < FEW or (rows.labels != rows.labels[0]).any():
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


def _blocks(path: Path) -> Iterator[memoryview]:
    """The file in blocks of whole lines; a block is valid until the next one is read."""
    buffer = bytearray(min(BLOCK, path.stat().st_size + 1))
    kept = 0
    with path.open("rb") as file:
        while True:
            if kept == len(buffer):
                buffer = buffer + bytearray(BLOCK)  # a line longer than a block
            count = file.readinto(memoryview(buffer)[kept:])
            end = kept + count
            cut = end if not count else buffer.rfind(b"\n", 0, end) + 1
            if cut:
                yield memoryview(buffer)[:cut]
            if not count:
                return
            kept = end - cut
            buffer[:kept] = buffer[cut:end]


def _most_rows(path: Path, columns: Columns) -> int:
    """An upper bound for the number of rows: each cell takes two bytes or more, with its separator.

    Arrays of this size take up memory only for the rows that are written.
    """
    return path.stat().st_size // (2 * (len(columns.names) - len(columns.empty))) + 1


def _batches(path: Path, columns: Columns) -> Iterator[pa.RecordBatch]:
    """The rows as pyarrow reads them: uint8 pixels, int64 or text labels, text ids.

    Raises:
        pa.ArrowInvalid: a cell is empty or not a plain integer, or a row has the wrong number of cells.
    """
    types = {columns.names[i]: pa.uint8() for i in columns.pixels}
    if columns.label is not None:
        types[columns.names[columns.label]] = pa.string() if columns.text_label else pa.int64()
    for i in (*([] if columns.id is None else [columns.id]), *columns.empty):
        types[columns.names[i]] = pa.string()
    convert = pacsv.ConvertOptions(column_types=types, include_columns=list(types))
    parse = pacsv.ParseOptions(delimiter=columns.dialect.separator)
    skip = columns.header_rows
    for block in _blocks(path):
        read = pacsv.ReadOptions(column_names=columns.names, block_size=4 << 20, skip_rows=skip)
        skip = 0
        if not bytes(block[:4096]).strip() and not bytes(block).strip():
            continue  # only blank lines, which pyarrow refuses
        for batch in pacsv.read_csv(pa.py_buffer(block), read, parse, convert).to_batches():
            if any(column.null_count for column in batch.columns):
                raise pa.ArrowInvalid("an empty cell")
            yield batch


def _read_fast(file: CsvFile, columns: Columns, competition: Competition) -> Rows | None:
    """Read plain integers, block by block into one array; None if the slower reader is needed."""
    most = _most_rows(file.path, columns)
    pixels = np.empty((most, competition.pixels), np.uint8)
    labels = np.empty(most, np.uint8)
    ids: list[str] = []
    done = 0
    names = [columns.names[i] for i in columns.pixels]
    known = Labels(competition, columns.text_label)
    try:
        for batch in _batches(file.path, columns):
            rows = slice(done, done + batch.num_rows)
            pixels[rows] = batch.select(names).to_tensor(row_major=True).to_numpy()
            if columns.label is not None:
                positions = _positions(batch.column(columns.names[columns.label]), known, competition)
                if positions is None:
                    return None
                labels[rows] = positions
            if columns.id is not None:
                ids += [id_.strip() for id_ in batch.column(columns.names[columns.id]).to_pylist()]
            if any(any(batch.column(columns.names[i]).to_pylist()) for i in columns.empty):
                return None
            done += batch.num_rows
    except pa.ArrowInvalid:
        return None
    return Rows(
        pixels[:done],
        labels[:done] if columns.label is not None else None,
        ids if columns.id is not None else None,
    )


def _positions(column: pa.Array, known: Labels, competition: Competition) -> npt.NDArray[np.integer] | None:
    """(rows,) positions in ``Competition.labels``; None if a cell is not a label."""
    if pa.types.is_string(column.type):
        places = [known.position(cell) for cell in column.to_pylist()]
        return None if None in places else np.array(places, np.intp)
    labels, codes = np.asarray(competition.labels), column.to_numpy()
    return np.searchsorted(labels, codes) if np.isin(codes, labels).all() else None


def _read_careful(file: CsvFile, columns: Columns, competition: Competition) -> Rows:
    """Read cell by cell: slow, but errors name the row and the column."""
    most = _most_rows(file.path, columns)
    pixels = np.empty((most, competition.pixels), np.uint8)
    labels = np.empty(most, np.uint8)
    ids: list[str] = []
    known, meaning = Labels(competition, columns.text_label), _Pixels()
    done = 0
    for number, cells in _careful_rows(file, columns):
        if columns.label is not None:
            place = known.position(cells[columns.label])
            if place is None:
                _refuse_other_encoding(file, columns, number, columns.label, cells)
                raise csv_labels.unknown(file, columns, competition, number, cells[columns.label])
            labels[done] = place
        if columns.id is not None:
            _refuse_other_encoding(file, columns, number, columns.id, cells)
            ids.append(cells[columns.id].strip())
        try:
            pixels[done] = [meaning[cells[i]] for i in columns.pixels]
        except KeyError as error:
            wrong = next(i for i in columns.pixels if cells[i] == error.args[0])
            raise _not_a_pixel(file, columns, number, wrong, error.args[0]) from None
        done += 1
    return Rows(
        pixels[:done],
        labels[:done] if columns.label is not None else None,
        ids if columns.id is not None else None,
    )


def _refuse_other_encoding(file: CsvFile, columns: Columns, row: int, at: int, cells: list[str]) -> None:
    """Refuse a label or an id that is not UTF-8, as in files that Excel wrote in cp1252."""
    if "\ufffd" in cells[at]:
        what, fix = f"{clipped(cells[at])} is not UTF-8", f"save {file.origin} as CSV (UTF-8)"
        raise file.error(what, row=row, column=columns.names[at], fix=fix)


def _careful_rows(file: CsvFile, columns: Columns) -> Iterator[tuple[int, list[str]]]:
    """The rows' numbers and cells; empty cells after the last column are ignored."""
    width = len(columns.names) - len(columns.empty)
    with file.path.open(encoding="utf-8-sig", errors="replace", newline="") as opened:
        reader = csv_dialect.reader(opened, columns.dialect.separator)
        try:
            for number, cells in enumerate(reader, start=1):
                if number <= columns.header_rows or (len(cells) < 2 and not "".join(cells).strip()):
                    continue
                if len(cells) != width and (len(cells) < width or "".join(cells[width:]).strip()):
                    raise file.error(_wrong_length(cells, width), row=number)
                yield number, cells
        except csv.Error as error:
            raise file.error(shown(error), row=reader.line_num) from None


def _wrong_length(cells: list[str], width: int) -> str:
    if any("\n" in cell for cell in cells):  # the reader takes the following lines as part of the cell
        return "a quotation mark is not closed"
    return f"{len(cells):,} columns, expected {width:,}"


def _not_a_pixel(file: CsvFile, columns: Columns, row: int, wrong: int, cell: str) -> Exception:
    fix = ""
    if cell.strip() and _is_fraction(cell):
        fix = f"if the pixels are scaled to 0 to 1, multiply them by 255 and round, in {file.origin}"
    what = f"the pixel {clipped(cell)} is not an integer from 0 to 255"
    return file.error(what, row=row, column=columns.names[wrong], fix=fix)


def _is_fraction(cell: str) -> bool:
    try:
        return 0 < float(cell) < 1
    except ValueError:
        return False


class _Pixels(dict[str, int]):
    """Pixel values by cell; each text is parsed only once, because there are millions of cells."""

    def __missing__(self, cell: str) -> int:
        value = whole_number(cell)
        if value is None or not 0 <= value <= 255:
            raise KeyError(cell)
        self[cell] = value
        return value


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
