"""Rows: reads a raw CSV into arrays, and writes arrays as a raw CSV.

Two readers give the same arrays. The fast one is pyarrow's and knows plain integers. Where it meets
anything else, the careful one reads the file again cell by cell: it takes what is a whole number in
other clothes (``" 12"``, ``"12.0"``) and names file, row and column of what is not.
"""

import codecs
import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pacsv

from catwalk.competition import Competition
from catwalk.errors import UserError

INDEX = "Unnamed: 0"  # what pandas calls a first column without a name: row numbers that it wrote
BLOCK = 32 << 20  # bytes read at once: large enough for pyarrow's threads, small beside the arrays
WHOLE_NUMBER = re.compile(r"\s*[+-]?\d{1,18}(\.0*)?\s*", re.ASCII)  # not all that Python calls a space


@dataclass(frozen=True)
class Rows:
    """The rows of one CSV, in its order.

    Attributes:
        pixels: (rows, pixels) uint8.
        labels: (rows,) uint8, positions in ``Competition.labels``; None where the file has no label column.
        ids: the id column's cells as they stand; None where the competition has none.
        ignored: name of the column of row numbers that was passed over, or None.
    """

    pixels: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8] | None
    ids: list[str] | None
    ignored: str | None = None


@dataclass(frozen=True)
class _Columns:
    names: list[str]  # all, in the file's order
    label: int | None  # positions
    id: int | None
    pixels: list[int]
    header_lines: int
    ignored: str | None = None


def read_rows(path: Path, competition: Competition) -> Rows:
    """Read a CSV of one picture a row; whether it has labels is read off its columns.

    Raises:
        UserError: names file, row (counted as a spreadsheet does, the header being row 1) and column.
    """
    columns = _columns(path, competition)
    rows = _read_fast(path, columns, competition)
    if rows is None:
        rows = _read_careful(path, columns, competition)
    if not len(rows.pixels):
        raise UserError(f"{path.name}: no rows below the header: {_mend(path)}")
    return replace(rows, ignored=columns.ignored)


def _mend(path: Path) -> str:
    if path.parent.name.startswith("."):  # a download that is not kept
        return "mend it where it comes from, or choose another SOURCE="
    return f"mend {path}, or remove {path.parent} and run make data"


def _columns(path: Path, competition: Competition) -> _Columns:
    """Find where each column stands, from the first line alone."""
    with path.open("rb") as file:
        start = file.read(1 << 20)
    # Not splitlines, which ends a line at other characters too.
    line = re.split(r"[\r\n]", start.decode("utf-8-sig", errors="replace"), maxsplit=1)[0]
    if not start.removeprefix(codecs.BOM_UTF8).strip():
        raise UserError(f"{path.name}: the file is empty: {_mend(path)}")
    if re.match(rb"\s*(<!doctype|<html|<\?xml)", start[:200].lower()):
        raise UserError(f"{path.name}: this is a web page, not a CSV: {_mend(path)}")
    if b"\0" in start:
        raise UserError(f"{path.name}: this is not a text file: {_mend(path)}")
    cells = [cell.strip() for cell in next(csv.reader([line]), [])]
    if competition.has_header:
        return _named_columns(path, cells, competition)
    return _placed_columns(path, len(cells), competition)


def _named_columns(path: Path, cells: list[str], competition: Competition) -> _Columns:
    cells = [cells[0] or INDEX, *cells[1:]] if cells else []
    place = {name: i for i, name in enumerate(cells)}
    if len(place) != len(cells):
        twice = next(name for name in cells if cells.count(name) > 1)
        raise UserError(f"{path.name}: row 1: the column {twice!r} stands there twice: {_mend(path)}")
    needed = [*competition.pixel_columns]
    if competition.id_column and path.name != competition.train_file:
        needed.append(competition.id_column)
    known = {*needed, competition.label_column, competition.id_column}
    ignored = INDEX if cells[:1] == [INDEX] and INDEX not in known else None
    missing = [name for name in needed if name not in place]
    unknown = [name for name in cells if name not in known and name != ignored]
    if missing or unknown:
        lack = f"{len(missing)} columns are missing, first {missing[0]!r}" if missing else ""
        more = f"{len(unknown)} are not known, first {unknown[0]!r}" if unknown else ""
        raise UserError(
            f"{path.name}: row 1: wrong columns: {', '.join(filter(None, (lack, more)))} "
            f"(expected {competition.label_column}, {needed[0]} to {competition.pixel_columns[-1]}): "
            f"{_mend(path)}"
        )
    return _Columns(
        names=cells,
        label=place.get(competition.label_column),
        id=place.get(competition.id_column) if competition.id_column else None,
        pixels=[place[name] for name in competition.pixel_columns],
        header_lines=1,
        ignored=ignored,
    )


def _placed_columns(path: Path, width: int, competition: Competition) -> _Columns:
    """Without a header the columns stand as id (if the competition has one), label (if any), pixels."""
    before = width - competition.pixels
    ids = int(competition.id_column is not None)
    if before not in (ids, ids + 1):
        raise UserError(
            f"{path.name}: row 1: wrong columns: {width} of them, "
            f"expected {competition.pixels} pixels and a label: {_mend(path)}"
        )
    return _Columns(
        names=[f"column {i + 1}" for i in range(width)],
        label=ids if before > ids else None,
        id=0 if ids else None,
        pixels=list(range(before, width)),
        header_lines=0,
    )


def _blocks(path: Path) -> Iterator[memoryview]:
    """The file in blocks that end where a line ends; a block is valid until the next is asked for."""
    buffer = bytearray(BLOCK)
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


def _most_rows(path: Path, columns: _Columns) -> int:
    """More rows than this don't fit the file: a cell takes two bytes at least, itself and a separator.

    Arrays of so many rows cost only what is written into them.
    """
    return path.stat().st_size // (2 * len(columns.names)) + 1


def _batches(path: Path, columns: _Columns) -> Iterator[pa.RecordBatch]:
    """The rows as pyarrow reads them: uint8 pixels, int64 labels, text ids.

    Raises:
        pa.ArrowInvalid: a cell is empty or not a plain integer, or a row has another number of cells.
    """
    types = {columns.names[i]: pa.uint8() for i in columns.pixels}
    if columns.label is not None:
        types[columns.names[columns.label]] = pa.int64()
    if columns.id is not None:
        types[columns.names[columns.id]] = pa.string()
    convert = pacsv.ConvertOptions(column_types=types, include_columns=list(types))
    skip = columns.header_lines
    for block in _blocks(path):
        read = pacsv.ReadOptions(column_names=columns.names, block_size=4 << 20, skip_rows=skip)
        skip = 0
        if not bytes(block[:4096]).strip() and not bytes(block).strip():
            continue  # blank lines alone, which pyarrow refuses
        for batch in pacsv.read_csv(pa.py_buffer(block), read, convert_options=convert).to_batches():
            if any(column.null_count for column in batch.columns):
                raise pa.ArrowInvalid("an empty cell")
            yield batch


def _read_fast(path: Path, columns: _Columns, competition: Competition) -> Rows | None:
    """Read plain integers, block by block into one array; None where the careful reader must look."""
    most = _most_rows(path, columns)
    pixels = np.empty((most, competition.pixels), np.uint8)
    codes = np.empty(most, np.int64)
    ids: list[str] = []
    done = 0
    names = [columns.names[i] for i in columns.pixels]
    try:
        for batch in _batches(path, columns):
            rows = slice(done, done + batch.num_rows)
            pixels[rows] = batch.select(names).to_tensor(row_major=True).to_numpy()
            if columns.label is not None:
                codes[rows] = batch.column(columns.names[columns.label]).to_numpy()
            if columns.id is not None:
                ids += batch.column(columns.names[columns.id]).to_pylist()
            done += batch.num_rows
    except pa.ArrowInvalid:
        return None
    known = np.asarray(competition.labels)
    labels = None
    if columns.label is not None:
        if not np.isin(codes[:done], known).all():
            return None
        labels = np.searchsorted(known, codes[:done]).astype(np.uint8)
    return Rows(pixels[:done], labels, ids if columns.id is not None else None)


def _read_careful(path: Path, columns: _Columns, competition: Competition) -> Rows:
    """Read cell by cell: slow, but whatever is wrong is named with its place."""
    most = _most_rows(path, columns)
    pixels = np.empty((most, competition.pixels), np.uint8)
    labels = np.empty(most, np.uint8)
    ids: list[str] = []
    place = {label: i for i, label in enumerate(competition.labels)}
    meaning = _Pixels()
    done = 0
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.reader(file)
        try:
            for number, cells in enumerate(reader, start=1):
                if number <= columns.header_lines or (len(cells) < 2 and not "".join(cells).strip()):
                    continue
                where = f"{path.name}: row {number}"
                if len(cells) != len(columns.names):
                    raise UserError(
                        f"{where}: {len(cells)} columns, expected {len(columns.names)}: {_mend(path)}"
                    )
                if columns.label is not None:
                    labels[done] = _label(cells[columns.label], place, where, competition, path)
                if columns.id is not None:
                    ids.append(cells[columns.id].strip())
                try:
                    pixels[done] = [meaning[cells[i]] for i in columns.pixels]
                except KeyError as error:
                    wrong = next(i for i in columns.pixels if cells[i] == error.args[0])
                    raise UserError(
                        f"{where}: column {columns.names[wrong]!r}: the pixel {error.args[0][:20]!r} "
                        f"is not an integer from 0 to 255: {_mend(path)}"
                    ) from None
                done += 1
        except csv.Error as error:
            raise UserError(f"{path.name}: row {reader.line_num}: {error}: {_mend(path)}") from None
    return Rows(
        pixels[:done],
        labels[:done] if columns.label is not None else None,
        ids if columns.id is not None else None,
    )


def _label(cell: str, place: dict[int, int], where: str, competition: Competition, path: Path) -> int:
    if not WHOLE_NUMBER.fullmatch(cell) or int(float(cell)) not in place:
        raise UserError(
            f"{where}: column {competition.label_column!r}: the label {cell[:20]!r} is not one of "
            f"{len(place)} from {min(place)} to {max(place)}: {_mend(path)}"
        )
    return place[int(float(cell))]


class _Pixels(dict[str, int]):
    """What a cell means as a pixel; each text is worked out once, for there are millions of cells."""

    def __missing__(self, cell: str) -> int:
        value = int(float(cell)) if WHOLE_NUMBER.fullmatch(cell) else -1
        if not 0 <= value <= 255:
            raise KeyError(cell)
        self[cell] = value
        return value


def write_rows(
    path: Path,
    pixels: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.integer] | None,
    competition: Competition,
) -> None:
    """Write a CSV in the competition's own form.

    Args:
        path: the file to write.
        pixels: (rows, pixels) uint8.
        labels: (rows,) integers as they stand in ``Competition.labels``; None for a file without labels.
        competition: gives the columns' names.
    """
    columns = {} if labels is None else {competition.label_column: np.asarray(labels, np.int64)}
    columns |= dict(zip(competition.pixel_columns, np.ascontiguousarray(pixels.T), strict=True))
    with path.open("wb") as file:
        if competition.has_header:
            file.write((",".join(columns) + "\n").encode())
        options = pacsv.WriteOptions(include_header=False)
        pacsv.write_csv(pa.table(columns), file, write_options=options)
