"""The fast reader of CSVs: pyarrow's, for plain integers, or any numbers where the TOML gives a scale."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from catwalk.data import usage_column
from catwalk.data.competition import Competition
from catwalk.data.csv_cells import Labels
from catwalk.data.csv_columns import Columns
from catwalk.data.csv_file import CsvFile
from catwalk.data.rows import Rows

BLOCK = 32 << 20  # bytes read at once: large enough for pyarrow's threads, small compared with the arrays
THREADED = 4 << 20  # bytes that one of pyarrow's threads parses
HEXADECIMAL = re.compile(rb"\b0[xX]")  # where a number begins, not within a text such as cell_10x20.png


def read(file: CsvFile, columns: Columns, competition: Competition) -> Rows | None:
    """Read a CSV block by block into one array; None if the careful reader is needed."""
    most = most_rows(file.path, columns)
    pixels = np.empty((most, competition.pixels), np.uint8)
    labels = np.empty(most, np.int16)
    is_test = np.zeros(most, np.bool_)
    ids: list[str] = []
    done = 0
    known = Labels(competition, columns.text_label)
    try:
        for batch in _batches(file.path, columns, competition):
            rows = slice(done, done + batch.num_rows)
            _fill(pixels[rows], batch, columns, competition)
            if columns.label is not None:
                labels[rows] = _positions(batch.column(columns.names[columns.label]), known, competition)
            if columns.id is not None:
                ids += [id_.strip() for id_ in batch.column(columns.names[columns.id]).to_pylist()]
            if columns.usage is not None:
                is_test[rows] = _is_test(batch.column(columns.names[columns.usage]))
            if any(any(batch.column(columns.names[i]).to_pylist()) for i in columns.empty):
                return None
            done += batch.num_rows
    except (pa.ArrowInvalid, ValueError):
        return None
    return Rows(
        pixels[:done],
        labels_of(labels[:done], competition) if columns.label is not None else None,
        ids if columns.id is not None else None,
        is_test=is_test[:done] if columns.usage is not None else None,
    )


def most_rows(path: Path, columns: Columns) -> int:
    """An upper bound for the number of rows: each pixel takes two bytes or more, with its separator.

    The cells of other columns may be empty. Arrays of this size take up memory only for the rows that are
    written.
    """
    numbers = len(columns.in_cell or columns.pixels)
    return path.stat().st_size // (2 * numbers) + 1


def labels_of(labels: npt.NDArray[np.int16], competition: Competition) -> npt.NDArray[np.integer]:
    """The labels' positions, in the dtype that ``Rows`` holds."""
    return labels if competition.is_one_file else labels.astype(np.uint8)


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


def _batches(path: Path, columns: Columns, competition: Competition) -> Iterator[pa.RecordBatch]:
    """The rows as pyarrow reads them: numbers as pixels, int64 or text labels, text ids.

    Raises:
        pa.ArrowInvalid: a cell is empty or not a plain number, or a row has the wrong number of cells.
    """
    pixel = pa.string() if competition.is_one_cell else _number(competition)
    types = {columns.names[i]: pixel for i in columns.pixels}
    if columns.label is not None:
        types[columns.names[columns.label]] = pa.string() if columns.text_label else pa.int64()
    texts = [i for i in (columns.id, columns.usage) if i is not None]
    types |= {columns.names[i]: pa.string() for i in (*texts, *columns.empty)}
    convert = pacsv.ConvertOptions(column_types=types, include_columns=list(types))
    parse = pacsv.ParseOptions(delimiter=columns.dialect.separator)
    skip = columns.header_rows
    for block in _blocks(path):
        if _has_hexadecimals(block, skip):
            raise pa.ArrowInvalid("perhaps a hexadecimal number, which only pyarrow takes for one")
        read = pacsv.ReadOptions(column_names=columns.names, block_size=THREADED, skip_rows=skip)
        skip = 0
        if not bytes(block[:4096]).strip() and not bytes(block).strip():
            continue  # only blank lines, which pyarrow refuses
        table = pacsv.read_csv(pa.py_buffer(block), read, parse, convert)
        if competition.is_one_cell:  # its cells are parsed by all threads together
            table = table.combine_chunks()
        for batch in table.to_batches():
            if any(column.null_count for column in batch.columns):
                raise pa.ArrowInvalid("an empty cell")
            yield batch


def _has_hexadecimals(block: memoryview, header_rows: int) -> bool:
    """Whether a number like 0x1F may be in a block's rows."""
    buffer, start = cast(bytearray, block.obj), 0
    for _ in range(header_rows):
        start = buffer.find(b"\n", start, len(block)) + 1
    for x in (b"x", b"X"):  # one character alone is found ten times as fast as two
        at = start - 1
        while (at := buffer.find(x, at + 1, len(block))) >= 0:
            if HEXADECIMAL.match(buffer, at - 1):
                return True
    return False


def _number(competition: Competition) -> pa.DataType:
    """The type of a value as written: a pixel, or a number that the scale turns into one."""
    return pa.uint8() if competition.scale is None else pa.float32()


def _fill(
    pixels: npt.NDArray[np.uint8], batch: pa.RecordBatch, columns: Columns, competition: Competition
) -> None:
    """Write a batch's pictures into (rows, pixels).

    Raises:
        pa.ArrowInvalid: a value is not a number, or there are too few or too many.
        ValueError: a scaled value is not within 0 to 255.
    """
    names = [columns.names[i] for i in columns.pixels]
    done = 0
    if columns.in_cell is not None:
        inner = [str(i) for i in range(competition.pixels)]
        batches = _unfolded(batch.column(names[0]), inner, _number(competition))
        names = [inner[i] for i in columns.in_cell]
    else:
        batches = iter([batch])
    for one in batches:
        values = one.select(names).to_tensor(row_major=True).to_numpy()
        rows = pixels[done : done + len(values)]
        rows[:] = values if competition.scale is None else _scaled(values, competition)
        done += len(values)
    if done != len(pixels):
        raise pa.ArrowInvalid("a cell without pixels")


def _unfolded(cells: pa.Array, names: list[str], number: pa.DataType) -> Iterator[pa.RecordBatch]:
    """The numbers of cells that hold all pixels of a picture: together they are a CSV of their own."""
    whole = pa.array([0, len(cells)], pa.int32())
    lines = pa.ListArray.from_arrays(whole, pc.utf8_trim_whitespace(cells))
    text = pc.binary_join(lines, "\n")[0].as_buffer()
    read = pacsv.ReadOptions(column_names=names, block_size=THREADED)
    convert = pacsv.ConvertOptions(column_types=dict.fromkeys(names, number))
    for batch in pacsv.read_csv(
        pa.BufferReader(text), read, pacsv.ParseOptions(delimiter=" "), convert
    ).to_batches():
        if any(column.null_count for column in batch.columns):
            raise pa.ArrowInvalid("an empty cell")
        yield batch


def _scaled(values: npt.NDArray[np.float32], competition: Competition) -> npt.NDArray[np.float32]:
    """Values as pixels, rounded.

    Raises:
        ValueError: one is not within 0 to 255.
    """
    if competition.lowest:
        values = values - np.float32(competition.lowest)
    values = np.rint(values * np.float32(competition.scale or 1))
    if not (values.min(initial=0) >= 0 and values.max(initial=0) <= 255):  # also where one is NaN
        raise ValueError("a value out of range")
    return values


def _positions(column: pa.Array, known: Labels, competition: Competition) -> npt.NDArray[np.integer]:
    """(rows,): positions in ``Competition.labels``; if there is only one file, -1 for no label.

    Raises:
        ValueError: a cell is not a label, in a file that is only train or only test.
    """
    if pa.types.is_string(column.type):
        places = [known.position(cell) for cell in column.to_pylist()]
        found = np.array([-1 if place is None else place for place in places], np.int16)
    else:
        labels, codes = np.asarray(competition.labels), column.to_numpy()
        found = np.where(np.isin(codes, labels), np.searchsorted(labels, codes), -1)
    if (found < 0).any() and not competition.is_one_file:
        raise ValueError("an unknown label")
    return found


def _is_test(column: pa.Array) -> list[bool]:
    """Whether each row is of the test.

    Raises:
        ValueError: a cell says neither train nor test.
    """
    found = {cell: usage_column.is_test(cell) for cell in pc.unique(column).to_pylist()}
    if None in found.values():
        raise ValueError("an unknown usage")
    return [bool(found[cell]) for cell in column.to_pylist()]
