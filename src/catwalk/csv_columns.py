"""A CSV's columns: which holds the label, the id and each pixel, read off the first rows."""

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from catwalk import csv_dialect, csv_labels
from catwalk.competition import Competition
from catwalk.csv_dialect import Dialect
from catwalk.csv_file import CsvFile, clipped

INDEX = "Unnamed: 0"  # what pandas calls a first column without a name: row numbers that it wrote
LAST = "last"  # as [columns] label: without a header the label stands behind the pixels
SHORT = 20  # characters of a pixel column's name in a message
PICTURE_FILE = re.compile(r"\.(png|jpe?g|bmp|gif|tiff?|webp)$", re.IGNORECASE)
NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True)
class Columns:
    """Where each column stands.

    Attributes:
        names: one for each cell of a row, in the file's order, no two the same.
        label, id: positions, None where there is no such column.
        pixels: positions, in the order of ``Competition.pixel_columns``.
        empty: positions of columns without a name at the rows' ends, whose cells must be empty.
        dialect: how the rows are written.
        header_rows: rows before the first picture.
        text_label: whether the labels are something else than integers.
        unlabelled: name of the test file's label column, where it holds no labels; ``label`` is None then.
        ignored: name of the column of row numbers that is passed over.
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


def find(file: CsvFile, competition: Competition) -> Columns:
    """Find where each column stands.

    Raises:
        UserError: the columns are not those of the competition's TOML.
    """
    dialect = csv_dialect.sniff(file, competition)
    if competition.has_header:
        columns = _named(file, dialect, competition)
    else:
        columns = _placed(file, dialect, competition)
    return csv_labels.looked_at(file, columns, competition)


def _without_empty_end(cells: list[str]) -> list[str]:
    end = len(cells)
    while end and not cells[end - 1]:
        end -= 1
    return cells[:end]


def _named(file: CsvFile, dialect: Dialect, competition: Competition) -> Columns:
    first, *below = dialect.rows
    cells = _without_empty_end(first)
    empty = len(first) - len(cells)
    if cells and not cells[0]:
        cells = [INDEX, *cells[1:]]
    elif _has_row_numbers(len(first), below):
        cells = [INDEX, *cells]
    place = {name: i for i, name in enumerate(cells)}
    if len(place) != len(cells):
        if all(NUMBER.fullmatch(cell) for cell in cells):
            raise _no_header(file)
        twice = next(name for name in cells if cells.count(name) > 1)
        raise file.error(f"two columns are named {clipped(twice)}", row=1)
    named = _in_any_case(place, competition)
    label, id_ = named.get(competition.label_column), named.get(competition.id_column)
    others = [i for i, name in enumerate(cells) if i not in (label, id_) and (i or name != INDEX)]
    pixels = [named[name] for name in competition.pixel_columns if name in named]
    if len(pixels) < competition.pixels:
        pixels = by_number([cells[i] for i in others], others, competition.shape) or pixels
    id_missing = bool(competition.id_column) and id_ is None and not file.is_train
    unknown = [cells[i] for i in sorted({*others} - {*pixels})]
    if len(pixels) < competition.pixels or unknown or id_missing:
        raise _wrong_columns(file, dialect, competition, (label, id_, len(pixels)), unknown)
    ignored = INDEX if cells[0] == INDEX and 0 not in (label, id_, *pixels[:1]) else None
    names = cells + [f"{INDEX} {i}" for i in range(empty)]
    ends = list(range(len(cells), len(names)))
    return Columns(names, label, id_, pixels, ends, dialect, dialect.before + 1, ignored=ignored)


def _no_header(file: CsvFile) -> Exception:
    what = "the first row holds numbers, not columns' names"
    return file.error(what, row=1, fix=f"add header = false below [columns] in {file.toml}")


def _has_row_numbers(width: int, below: list[list[str]]) -> bool:
    """R's write.table gives each row its number and the header no name for it."""
    first = [row[0] for row in below if len(row) == width + 1 and row[-1] and row[0].isdecimal()]
    return 1 < len(first) == len(below) and all(int(b) == int(a) + 1 for a, b in itertools.pairwise(first))


def _in_any_case(place: dict[str, int], competition: Competition) -> dict[str | None, int]:
    """Positions by the TOML's names; capitals count only where the header has both forms."""
    folded: dict[str, list[int]] = {}
    for name, i in place.items():
        folded.setdefault(name.casefold(), []).append(i)
    found: dict[str | None, int] = {}
    ids = [competition.id_column] if competition.id_column else []
    for name in (*competition.pixel_columns, competition.label_column, *ids):
        alike = folded.get(name.casefold(), [])
        if name in place:
            found[name] = place[name]
        elif len(alike) == 1:
            found[name] = alike[0]
    return found


def by_number(names: Sequence[str], positions: Sequence[int], shape: tuple[int, ...]) -> list[int]:
    """The positions of pixel columns that are numbered otherwise than the TOML says, in the pixels' order.

    Names that differ in one number which counts up, or in row and column: "pixel0000", "1x1". Others may
    stand between them. Empty where there is any doubt.
    """
    families = _families(names, positions)
    for family in families.values():
        numbers = [number for number, _ in family]
        sides = (math.prod(shape),) if len(numbers[0]) == 1 else shape
        if len(numbers) == math.prod(shape) and len(numbers[0]) == len(sides) and _counts_up(numbers, sides):
            return [position for _, position in sorted(family)]
    return []


def _families(names: Sequence[str], positions: Sequence[int]) -> dict[str, list[tuple[tuple[int, ...], int]]]:
    """Names that differ only in their numbers: those numbers, and where the column stands."""
    families: dict[str, list[tuple[tuple[int, ...], int]]] = {}
    for name, position in zip(names, positions, strict=True):
        numbers = re.findall(r"[0-9]{1,9}", name)
        if numbers:
            family = families.setdefault(re.sub(r"[0-9]{1,9}", "#", name.casefold()), [])
            family.append((tuple(map(int, numbers)), position))
    return families


def _counts_up(numbers: list[tuple[int, ...]], sides: tuple[int, ...]) -> bool:
    """Whether each combination is there once, and each part counts up from its lowest by one."""
    if len(set(numbers)) != len(numbers):
        return False
    parts = [sorted({number[axis] for number in numbers}) for axis in range(len(sides))]
    return all(part == list(range(part[0], part[0] + side)) for part, side in zip(parts, sides, strict=True))


def _wrong_columns(
    file: CsvFile,
    dialect: Dialect,
    competition: Competition,
    found: tuple[int | None, int | None, int],
    unknown: list[str],
) -> Exception:
    """Say what is missing or not known, and the line of the TOML or the change of the file that helps."""
    label, id_, pixels = found
    cells, toml = dialect.rows[0], file.toml
    if all(NUMBER.fullmatch(cell) for cell in cells):
        return _no_header(file)
    if pixels < competition.pixels:
        return _wrong_pixels(file, dialect, competition, pixels, unknown)
    if competition.id_column and id_ is None and not file.is_train:
        what = f"no id column {clipped(competition.id_column)}"
        if len(unknown) == 1:
            return file.error(what, row=1, fix=f'write id = "{unknown[0][:40]}" below [columns] in {toml}')
        return file.error(what, row=1, fix=f"name it below [columns] in {toml}, or leave id out there")
    what = f"{clipped(unknown[0])} is neither label, id nor pixel" + (
        f", as {len(unknown) - 1} more columns" if len(unknown) > 1 else ""
    )
    plain = bool(re.fullmatch(r"[^\"\\]{1,40}", unknown[0])) and len(unknown) == 1
    if plain and label is None and file.is_train:
        return file.error(
            what, row=1, fix=f'is it the label? write label = "{unknown[0]}" below [columns] in {toml}'
        )
    if plain and competition.id_column is None and (not file.is_train or _like_an_id(unknown[0])):
        return file.error(what, row=1, fix=f'add id = "{unknown[0]}" below [columns] in {toml}')
    return file.error(
        what, row=1, fix=f"take it out of a copy of the file, or name it below [columns] in {toml}"
    )


def _like_an_id(name: str) -> bool:
    return bool(re.fullmatch(r"(.*[^a-z])?(id|index|row)", name, re.IGNORECASE) or name.endswith("Id"))


def _wrong_pixels(
    file: CsvFile, dialect: Dialect, competition: Competition, pixels: int, unknown: list[str]
) -> Exception:
    names, toml = dialect.rows[0], file.toml
    needed = f"shape = {list(competition.shape)} needs {competition.pixels:,} pixel columns"
    wide = [i for row in dialect.rows[1:2] for i, cell in enumerate(row) if cell.count(" ") >= 15]
    if wide and wide[0] < len(names):
        what = f"the column {clipped(names[wide[0]])} holds all pixels of a picture in one cell: {needed}"
        return file.error(what, row=1, fix="write each pixel into a column of its own")
    files = [i for row in dialect.rows[1:2] for i, cell in enumerate(row) if PICTURE_FILE.search(cell)]
    if files and files[0] < len(names):
        what = f"the column {clipped(names[files[0]])} holds names of picture files, not pixels: {needed}"
        return file.error(what, row=1, fix="write each picture's pixels into its row")
    family = max(_families(names, range(len(names))).values(), key=len, default=[])
    here = [names[position] for _, position in sorted(family)]
    if len(here) not in (0, competition.pixels) and len(here) > len(names) // 2:
        what = f"{needed}, {len(here):,} are here ({here[0][:SHORT]} to {here[-1][:SHORT]})"
        return file.error(what, row=1, fix=f"correct shape in {toml}{_shape_of(len(here))}")
    missing = competition.pixels - pixels
    first = next((n for n in competition.pixel_columns if n not in names), competition.pixel_columns[0])
    what = f"{missing:,} of {competition.pixels:,} pixel columns are missing, first {clipped(first)}"
    if unknown:
        what += f"; {len(unknown):,} are not known, first {clipped(unknown[0])}"
    return file.error(what, row=1, fix=f"write their names into pixels = below [columns] in {toml}")


def _shape_of(pixels: int) -> str:
    """What a square picture of so many values has as its shape: " (shape = [8, 8]?)"."""
    for channels in (1, 3):
        side = math.isqrt(pixels // channels)
        if side * side * channels == pixels:
            return f" (shape = {[side, side, *([3] if channels == 3 else [])]}?)"
    return ""


def _is_one_hot(rows: list[list[str]], classes: int) -> bool:
    """Whether each row ends with as many cells as there are classes, one of them 1 and the others 0."""
    ends = [sorted(cell.partition(".")[0] for cell in row[-classes:]) for row in rows if len(row) > classes]
    return bool(ends) and all(end == ["0"] * (classes - 1) + ["1"] for end in ends)


def _placed(file: CsvFile, dialect: Dialect, competition: Competition) -> Columns:
    """Without a header the columns stand as id (if the competition has one), label (if any), pixels."""
    cells = _without_empty_end(dialect.rows[0])
    width, empty = len(cells), len(dialect.rows[0]) - len(cells)
    texts = sum(not NUMBER.fullmatch(cell) for cell in cells)
    if texts > width // 2 and sum(not NUMBER.fullmatch(cell) for cell in dialect.rows[-1]) < texts:
        what = f"this looks like a header ({clipped(cells[0])}, {clipped(cells[-1])}), but header is false"
        raise file.error(what, row=1, fix=f"take header = false out of {file.toml}")
    before = width - competition.pixels
    ids = int(competition.id_column is not None)
    if before == ids + len(competition.labels) and _is_one_hot(dialect.rows, len(competition.labels)):
        raise file.error(
            f"the last {len(competition.labels)} columns hold one-hot labels",
            row=1,
            fix="write one column instead, with the label itself",
        )
    if before not in (ids, ids + 1):
        raise file.error(
            f"wrong columns: {width:,} of them, expected {competition.pixels:,} pixels "
            f"(shape = {list(competition.shape)}) and a label",
            row=1,
            fix=f"correct shape in {file.toml}{_shape_of(width - ids - 1) or _shape_of(width - ids)}",
        )
    last = competition.label_column == LAST
    label = None if before == ids else width - 1 if last else ids
    start = ids if last else before
    return Columns(
        names=[f"column {i + 1}" for i in range(width + empty)],
        label=label,
        id=0 if ids else None,
        pixels=list(range(start, start + competition.pixels)),
        empty=list(range(width, width + empty)),
        dialect=dialect,
        header_rows=dialect.before,
    )
