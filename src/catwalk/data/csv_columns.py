"""A CSV's columns: finds the label, the id and each pixel from the first rows."""

import itertools
import re
from dataclasses import dataclass, replace

from catwalk.data import csv_dialect, csv_header, pixel_order
from catwalk.data.competition import Competition
from catwalk.data.csv_cells import is_one_hot
from catwalk.data.csv_columns_errors import one_hot, shape_of, wrong
from catwalk.data.csv_columns_numbered import by_number
from catwalk.data.csv_dialect import Dialect
from catwalk.data.csv_file import CsvFile, clipped

INDEX = "Unnamed: 0"  # what pandas calls a first column without a name: row numbers that it wrote
INDEXES = re.compile(r"Unnamed: 0(\.\d+)*")  # and those of a table that it has written more than once
LAST = "last"  # as [columns] label: without a header, the label comes after the pixels


@dataclass(frozen=True)
class Columns:
    """The position of each column.

    Attributes:
        names: one for each cell of a row, in the file's order, no two the same.
        label, id: positions, None if there is no such column.
        pixels: positions of a picture's values, row by row from the upper left; only one if a cell holds all.
        in_cell: of a cell with all pixels: the places in it of a picture's values; None if each has a column.
        empty: positions of columns without a name at the rows' ends, whose cells must be empty.
        dialect: how the rows are written.
        header_rows: rows before the first picture.
        text_label: whether the labels are not all integers.
        unlabelled: a note on the test file's label column if it holds no labels; ``label`` is None then.
        ignored: name of the column of row numbers that is skipped.
        usage: position of the column that says which rows are the test.
    """

    names: list[str]
    label: int | None
    id: int | None
    pixels: list[int]
    empty: list[int]
    dialect: Dialect
    header_rows: int
    text_label: bool = False
    unlabelled: str | None = None
    ignored: str | None = None
    usage: int | None = None
    in_cell: list[int] | None = None


def find(file: CsvFile, competition: Competition) -> Columns:
    """Find each column's position, by header and layout alone; ``csv_labels`` checks the labels.

    Raises:
        UserError: the columns do not match the competition's TOML.
    """
    dialect = csv_dialect.sniff(file, competition, competition.skip_rows)
    find_by = _by_header if competition.has_header else _by_position
    return _in_picture_order(find_by(file, dialect, competition), competition)


def _in_picture_order(columns: Columns, competition: Competition) -> Columns:
    """Turn the order in which a row holds a picture's values into rows, columns and channels."""
    if competition.is_one_cell:
        return replace(columns, in_cell=pixel_order.places(competition))
    if not (competition.is_planar or competition.is_transposed):
        return columns
    return replace(columns, pixels=[columns.pixels[i] for i in pixel_order.places(competition)])


def _by_header(file: CsvFile, dialect: Dialect, competition: Competition) -> Columns:
    first, *below = dialect.rows
    cells = csv_header.without_empty_end(first)
    empty = len(first) - len(cells)
    if cells and not cells[0]:
        free = (f"{INDEX}{'.1' * again}" for again in itertools.count())
        cells = [next(name for name in free if name not in cells), *cells[1:]]
    elif _has_row_numbers(len(first), below):
        cells = [INDEX, *cells]
    place = {name: i for i, name in enumerate(cells)}
    if len(place) != len(cells):
        if csv_header.are_mostly_numbers(cells):
            raise csv_header.missing(file, dialect, competition)
        twice = next(name for name in cells if cells.count(name) > 1)
        raise file.error(f"two columns are named {clipped(twice)}", row=1)
    named = _in_any_case(place, competition)
    label, id_ = named.get(competition.label_column), named.get(competition.id_column)
    usage = named.get(competition.usage_column)
    used = {label, id_, usage, *(named.get(name) for name in competition.pixel_columns)}
    skipped = {named.get(name) for name in competition.ignored_columns} - used
    numbered = list(itertools.takewhile(lambda i: INDEXES.fullmatch(cells[i]), range(len(cells))))
    numbered = [i for i in numbered if i not in used]
    others = [i for i in range(len(cells)) if i not in {label, id_, usage, *numbered, *skipped}]
    pixels = [named[name] for name in competition.pixel_columns if name in named]
    if len(pixels) < len(competition.pixel_columns) and not competition.is_one_cell:
        pixels = by_number([cells[i] for i in others], others, competition.written_shape) or pixels
    if competition.usage_column is not None and usage is None:
        raise file.error(f"no column {clipped(competition.usage_column)}", row=1)
    id_missing = bool(competition.id_column) and id_ is None and not file.is_train
    unknown = [cells[i] for i in sorted({*others} - {*pixels})]
    if len(pixels) < len(competition.pixel_columns) or unknown or id_missing:
        raise wrong(file, dialect, competition, (label, id_, len(pixels)), unknown)
    ignored = ", ".join(cells[i] for i in numbered) or None
    names = cells + [f"{INDEX} {i}" for i in range(empty)]
    ends = list(range(len(cells), len(names)))
    before = dialect.before + 1
    return Columns(names, label, id_, pixels, ends, dialect, before, ignored=ignored, usage=usage)


def _has_row_numbers(width: int, below: list[list[str]]) -> bool:
    """Whether rows begin with a row number without a header cell, as R's write.table writes them."""
    first = [row[0] for row in below if len(row) == width + 1 and row[-1] and row[0].isdecimal()]
    return 1 < len(first) == len(below) and all(int(b) == int(a) + 1 for a, b in itertools.pairwise(first))


def _in_any_case(place: dict[str, int], competition: Competition) -> dict[str | None, int]:
    """Positions by the TOML's names; case matters only if the header has both spellings."""
    folded: dict[str, list[int]] = {}
    for name, i in place.items():
        folded.setdefault(name.casefold(), []).append(i)
    found: dict[str | None, int] = {}
    others = [name for name in (competition.id_column, competition.usage_column) if name]
    others += competition.ignored_columns
    for name in (*competition.pixel_columns, competition.label_column, *others):
        alike = folded.get(name.casefold(), [])
        if name in place:
            found[name] = place[name]
        elif len(alike) == 1:
            found[name] = alike[0]
    return found


def _by_position(file: CsvFile, dialect: Dialect, competition: Competition) -> Columns:
    """Without a header, the order is id (if the competition has one), label (if any), pixels."""
    csv_header.refuse_names(file, dialect, competition)
    width = len(csv_header.without_empty_end(dialect.rows[0]))
    empty = len(dialect.rows[0]) - width
    count = len(competition.pixel_columns)
    before = width - count
    ids = int(competition.id_column is not None)
    classes = len(competition.labels)
    if before == ids + classes and is_one_hot([row[width - classes : width] for row in dialect.rows]):
        raise one_hot(file, f"{width - classes + 1} to {width}")
    if before not in (ids, ids + 1):
        raise file.error(
            f"{width:,} columns, expected {competition.pixels:,} pixels "
            f"(shape = {list(competition.shape)}) and a label",
            row=1,
            fix=f"correct shape in {file.toml}{shape_of(width - ids - 1) or shape_of(width - ids)}",
        )
    last = competition.label_column == LAST
    label = None if before == ids else width - 1 if last else ids
    start = ids if last else before
    return Columns(
        names=[f"column {i + 1}" for i in range(width + empty)],
        label=label,
        id=0 if ids else None,
        pixels=list(range(start, start + count)),
        empty=list(range(width, width + empty)),
        dialect=dialect,
        header_rows=dialect.before,
    )
