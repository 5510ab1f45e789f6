"""Errors for a CSV's columns: what is missing or unknown, and how to fix it."""

import math
import re

from catwalk.data import column_names, csv_header
from catwalk.data.competition import Competition
from catwalk.data.csv_cells import NUMBER, is_one_hot
from catwalk.data.csv_columns_numbered import by_number, families
from catwalk.data.csv_dialect import Dialect
from catwalk.data.csv_file import CsvFile, clipped

SHORT = 20  # characters of a pixel column's name in a message
PICTURE_FILE = re.compile(r"\.(png|jpe?g|bmp|gif|tiff?|webp)$", re.IGNORECASE)


def wrong(
    file: CsvFile,
    dialect: Dialect,
    competition: Competition,
    found: tuple[int | None, int | None, int],
    unknown: list[str],
) -> Exception:
    """The error for wrong columns: what is missing or unknown, and how to fix the TOML or the file."""
    label, id_, pixels = found
    cells, toml = dialect.rows[0], file.toml
    if csv_header.are_numbers(csv_header.without_empty_end(cells)):
        return csv_header.missing(file, dialect, competition)
    if pixels < len(competition.pixel_columns):
        return _wrong_pixels(file, dialect, competition, pixels, unknown)
    if competition.id_column and id_ is None and not file.is_train:
        what = f"no id column {clipped(competition.id_column)}"
        if len(unknown) == 1 and _may_be_ids(dialect, unknown[0]):
            return file.error(what, row=1, fix=f'write id = "{unknown[0][:40]}" under [columns] in {toml}')
        return file.error(what, row=1, fix=f"name it under [columns] in {toml}, or leave id out there")
    if label is None and file.is_train and len(unknown) == len(competition.labels):
        at = [cells.index(name) for name in unknown]
        if is_one_hot([[row[i] for i in at] for row in dialect.rows[1:] if len(row) > at[-1]]):
            return one_hot(file, f"{clipped(unknown[0])} to {clipped(unknown[-1])}")
    more = f" and {len(unknown) - 1} more columns are" if len(unknown) > 1 else " is"
    what = f"{clipped(unknown[0])}{more} neither label, id nor pixel"
    plain = bool(re.fullmatch(r"[^\"\\]{1,40}", unknown[0])) and len(unknown) == 1
    if plain and label is None and file.is_train:
        return file.error(
            what, row=1, fix=f'if it is the label, write label = "{unknown[0]}" under [columns] in {toml}'
        )
    is_id = plain and competition.id_column is None and _may_be_ids(dialect, unknown[0])
    if is_id and (not file.is_train or column_names.is_id(unknown[0])):
        return file.error(what, row=1, fix=f'add id = "{unknown[0]}" under [columns] in {toml}')
    if plain and not file.is_train:  # such as Usage, in a solution as Kaggle has it
        added = f'"{unknown[0]}" to ignore' if competition.ignored_columns else f'ignore = ["{unknown[0]}"]'
        return file.error(what, row=1, fix=f"add {added} under [columns] in {toml}")
    return file.error(
        what, row=1, fix=f"drop the column in a copy of the file, or name it under [columns] in {toml}"
    )


def _may_be_ids(dialect: Dialect, name: str) -> bool:
    """Whether a column's first cells all differ, as ids do."""
    names, *below = dialect.rows
    at = names.index(name)
    cells = [row[at] for row in below if len(row) > at]
    return len(set(cells)) == len(cells)


def _wrong_pixels(
    file: CsvFile, dialect: Dialect, competition: Competition, pixels: int, unknown: list[str]
) -> Exception:
    names, toml = dialect.rows[0], file.toml
    if any("\ufffd" in name for name in names):
        return file.error("the column names are not UTF-8", row=1, fix=f"save {file.origin} as CSV (UTF-8)")
    if any(_is_header(row, competition) for row in dialect.rows[1:]):
        what = f"{clipped(names[0])} is above the header"
        return file.error(what, row=1, fix=f"make the header the first row of {file.origin}")
    needed = f"shape = {list(competition.shape)} needs {competition.pixels:,} pixel columns"
    wide = [i for row in dialect.rows[1:2] for i, cell in enumerate(row) if cell.count(" ") >= 15]
    if wide and wide[0] < len(names):
        what = f"the column {clipped(names[wide[0]])} holds all pixels of a picture in one cell: {needed}"
        fix = f'write pixels = "{names[wide[0]][:SHORT]}" under [columns] in {toml}'
        return file.error(what, row=1, fix=fix)
    if competition.is_one_cell:
        what = f"no column {clipped(competition.pixel_columns[0])}"
        return file.error(what, row=1, fix=f"correct pixels under [columns] in {toml}")
    files = [i for row in dialect.rows[1:2] for i, cell in enumerate(row) if PICTURE_FILE.search(cell)]
    if files and files[0] < len(names):
        what = f"the column {clipped(names[files[0]])} holds names of picture files, not pixels: {needed}"
        return file.error(what, row=1, fix="write each picture's pixels into its row")
    family = max(families(names, range(len(names))).values(), key=len, default=[])
    here = [names[position] for _, position in sorted(family)]
    lacking = _lacking(here, competition)
    if lacking and not shape_of(len(here)):
        more = f" and {len(lacking) - 1} more are" if len(lacking) > 1 else " is"
        return file.error(f"the pixel column {clipped(lacking[0])}{more} missing", row=1)
    if len(here) not in (0, competition.pixels) and len(here) > len(names) // 2:
        what = f"{needed}, found {len(here):,} ({here[0][:SHORT]} to {here[-1][:SHORT]})"
        return file.error(what, row=1, fix=f"correct shape in {toml}{shape_of(len(here))}")
    missing = competition.pixels - pixels
    first = next((n for n in competition.pixel_columns if n not in names), competition.pixel_columns[0])
    what = f"{missing:,} of {competition.pixels:,} pixel columns are missing (first: {clipped(first)})"
    if unknown:
        what += f"; {len(unknown):,} are unknown (first: {clipped(unknown[0])})"
    return file.error(what, row=1, fix=f'write their names as pixels = "..." under [columns] in {toml}')


def _lacking(here: list[str], competition: Competition) -> list[str]:
    """The missing names, if at least nine in ten of the pixel columns are there, and no unknown ones."""
    folded = {name.casefold() for name in here}
    wanted = competition.pixel_columns
    if 10 * len(here) < 9 * len(wanted) or not folded <= {name.casefold() for name in wanted}:
        return []
    return [name for name in wanted if name.casefold() not in folded]


def shape_of(pixels: int) -> str:
    """The shape of a square picture with this many values, as a hint: " (shape = [8, 8]?)"."""
    for channels in (1, 3):
        side = math.isqrt(pixels // channels)
        if side * side * channels == pixels:
            return f" (shape = {[side, side, *([3] if channels == 3 else [])]}?)"
    return ""


def one_hot(file: CsvFile, which: str) -> Exception:
    fix = "write one column instead, with the label itself"
    return file.error(f"the columns {which} hold one-hot labels", row=1, fix=fix)


def _is_header(row: list[str], competition: Competition) -> bool:
    """Whether a row contains a name for each pixel."""
    if all(NUMBER.fullmatch(cell) for cell in row):
        return False
    folded = {cell.casefold() for cell in row}
    named = all(name.casefold() in folded for name in competition.pixel_columns)
    return named or bool(by_number(row, range(len(row)), competition.written_shape))
