"""Numbered columns: recognizes pixel columns by the numbers in their names."""

import math
import re
from collections.abc import Sequence


def by_number(names: Sequence[str], positions: Sequence[int], shape: tuple[int, ...]) -> list[int]:
    """The positions of pixel columns that are numbered differently from the TOML, in the pixels' order.

    Names that differ in one number which counts up, or in row and column: "pixel0000", "1x1". There may be
    other columns between them. Empty if there is any doubt.
    """
    for family in families(names, positions).values():
        numbers = [number for number, _ in family]
        sides = (math.prod(shape),) if len(numbers[0]) == 1 else shape
        if len(numbers) == math.prod(shape) and len(numbers[0]) == len(sides) and _counts_up(numbers, sides):
            return [position for _, position in sorted(family)]
    return []


def families(names: Sequence[str], positions: Sequence[int]) -> dict[str, list[tuple[tuple[int, ...], int]]]:
    """Groups of names that differ only in their numbers: the numbers, and each column's position."""
    families: dict[str, list[tuple[tuple[int, ...], int]]] = {}
    for name, position in zip(names, positions, strict=True):
        numbers = re.findall(r"[0-9]{1,9}", name)
        if numbers:
            family = families.setdefault(re.sub(r"[0-9]{1,9}", "#", name.casefold()), [])
            family.append((tuple(map(int, numbers)), position))
    for name, position in zip(names, positions, strict=True):
        mangled = f"{name.casefold()}.#"  # by pandas: pixel, pixel.1, pixel.2, ...
        if mangled in families:
            families[mangled].append(((0,), position))
    return families


def _counts_up(numbers: list[tuple[int, ...]], sides: tuple[int, ...]) -> bool:
    """Whether each combination of numbers occurs once, and no number is skipped."""
    if len(set(numbers)) != len(numbers):
        return False
    parts = [sorted({number[axis] for number in numbers}) for axis in range(len(sides))]
    return all(part == list(range(part[0], part[0] + side)) for part, side in zip(parts, sides, strict=True))
