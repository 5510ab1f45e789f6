"""Pixels: which columns of a table hold a picture, how they are named, and the range of their values."""

import re
from dataclasses import dataclass

import numpy as np

from catwalk.data import pixel_names
from catwalk.data.csv_cells import AROUND
from catwalk.data.csv_columns_numbered import families
from catwalk.data.infer_table import MANY, Table, numbers_in

# Largest values that cameras and scanners give, with what each is.
RANGES = {
    16: "0 to 16, as sums of 4x4 black and white pixels",
    1023: "10 bits", 4095: "12 bits", 16383: "14 bits", 65535: "16 bits",
}  # fmt: skip


@dataclass(frozen=True)
class Pixels:
    """Where a table holds its pictures.

    Attributes:
        at: the columns' positions, in the pixels' order; a single one if one cell holds all pixels.
        count: values of a picture.
        pattern, first: [columns] pixels and first_pixel of the TOML; None: the columns are found by position.
        sides: the shape, if the names have two or three numbers; None: they don't.
    """

    at: list[int]
    count: int
    pattern: str | None = None
    first: int = 0
    sides: tuple[int, ...] | None = None

    @property
    def is_one_cell(self) -> bool:
        return self.count > len(self.at)


def find(table: Table) -> Pixels | None:
    """The pixel columns by their names, or the cell with all pixels; None if there is neither."""
    if table.picture_cells:
        at = table.picture_cells[0]
        count = len(numbers_in(table.rows[0][at]))
        return Pixels([at], count, table.names[at] if table.names else "pixels")
    if table.names is None:
        return None
    named = list(table.names[: table.width])
    found = families(named, range(len(named)))
    family = max(found.values(), key=len, default=[])
    family = [(numbers, i) for numbers, i in family if table.is_numeric[i]]
    if len(family) < MANY or 2 * len(family) < len(named):
        return None
    return _named(named, sorted(family))


def _named(names: list[str], family: list[tuple[tuple[int, ...], int]]) -> Pixels | None:
    """The columns whose names count up, in one number or in row and column."""
    numbers, at = [numbers for numbers, _ in family], [i for _, i in family]
    axes = [sorted({number[axis] for number in numbers}) for axis in range(len(numbers[0]))]
    first = axes[0][0]
    sides = tuple(len(axis) for axis in axes)
    if any(axis != list(range(first, first + len(axis))) for axis in axes) or np.prod(sides) != len(at):
        return None
    parts = re.split(r"([0-9]{1,9})", names[at[0]])
    fields = (f"{{:0{len(n)}d}}" if n.startswith("0") and len(n) > 1 else "{}" for n in parts[1::2])
    pattern = "".join(text + field for text, field in zip(parts[::2], [*fields, ""], strict=True))
    listed = pixel_names.listed(pattern, first, sides)
    if [name.casefold() for name in listed] != [names[i].casefold() for i in at]:
        return None
    return Pixels(at, len(at), pattern, first, sides if len(sides) > 1 else None)


def values(table: Table, pixels: Pixels, rows: int) -> np.ndarray:
    """(at most ``rows``, pixels) float64 of sampled rows, spread over the file.

    Rows with a cell that is no number are left out: the shapes are compared by means over all values. If
    every row has such a cell, it counts as 0. The reader names its row.
    """
    step = max(1, len(table.rows) // rows)
    if pixels.is_one_cell:
        cells = (AROUND.sub(" ", row[pixels.at[0]]) for row in table.rows[::step][:rows])
        found = [np.fromstring(cell, np.float64, sep=" ") for cell in cells]
        fitting = [one for one in found if len(one) == pixels.count]
        sampled = np.array(fitting, np.float64).reshape(-1, pixels.count)
    else:
        sampled = table.numbers(pixels.at)[::step][:rows]
    whole: np.ndarray = sampled[~np.isnan(sampled).any(axis=1)]
    return whole if len(whole) else np.nan_to_num(sampled)


def has_points(table: Table, pixels: Pixels) -> bool:
    """Whether the values are written with a decimal point."""
    return any("." in row[at] or "e" in row[at] for row in table.rows[:50] for at in pixels.at)


def scale(values: np.ndarray, has_points: bool) -> tuple[float | None, float, str]:
    """The factor that makes the values pixels of 0 to 255 (None if they are), the value of black, and why.

    Args:
        values: (rows, pixels) as written.
        has_points: whether they are written with a decimal point.

    Raises:
        ValueError: they are in no range that is known.
    """
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if low < 0:
        return _signed(low, high, has_points)
    if high > 65535:
        raise ValueError(f"the values range from {low:g} to {high:g}")
    if high <= 1:
        return 255.0, 0.0, f"the values range from {low:g} to {high:g}: times 255"
    if 16 < high <= 255 and not has_points:
        return None, 0.0, f"integers from {low:g} to {high:g}"
    if 16 < high <= 255:
        return 1.0, 0.0, f"numbers from {low:g} to {high:g}, with decimal points: rounded"
    top = next(top for top in RANGES if high <= top)
    return 255 / top, 0.0, f"the values range from {low:g} to {high:g} ({RANGES[top]}): times 255 / {top}"


def _signed(low: float, high: float, has_points: bool) -> tuple[float, float, str]:
    """The same for values of which some are below 0."""
    said = f"the values range from {low:g} to {high:g}"
    for end in (0.5, 1.0):
        if -end <= low and high <= end:
            return 127.5 / end, -end, f"{said}, so -{end:g} is black: plus {end:g}, times {127.5 / end:g}"
    if low >= -128 and high <= 127 and not has_points:
        return 1.0, -128.0, f"{said} (signed bytes), so -128 is black: plus 128"
    raise ValueError(said)
