"""Pixel names: a competition's pixel columns from the pattern in its TOML."""

import itertools
import math
import re

PIXEL_NUMBER = re.compile(r"\{(?::0(\d)d)?\}")  # {} or, padded with zeros, {:04d}


def listed(pattern: str, first: int, shape: tuple[int, ...]) -> tuple[str, ...]:
    """The columns' names, in the order of a picture's values.

    Args:
        pattern: one ``{}`` is the pixel's number; two or three are row, column and channel; without any it
            is the name of the one column that holds all pixels.
        first: the first number.
        shape: of a picture, as a row of the file holds it.

    Raises:
        ValueError: the pattern's numbers are neither one, nor one for each dimension; or it is blank.
    """
    fields = PIXEL_NUMBER.findall(pattern)
    if not fields and pattern.strip():
        return (pattern,)
    if len(fields) not in (1, len(shape)):
        raise ValueError(
            "[columns] pixels must contain one {} for the pixel's number, or one for each dimension of "
            "shape, or none if one cell holds all pixels"
        )
    counted = [range(math.prod(shape))] if len(fields) == 1 else [range(side) for side in shape]
    texts = PIXEL_NUMBER.split(pattern)[::2]
    return tuple(
        texts[0]
        + "".join(
            f"{first + number:0{width or 1}d}{text}"
            for number, width, text in zip(numbers, fields, texts[1:], strict=True)
        )
        for numbers in itertools.product(*counted)
    )


def as_written(shape: tuple[int, ...], is_planar: bool, is_transposed: bool) -> tuple[int, ...]:
    """The sizes of a picture's dimensions as a row of the file has them."""
    sides = (*reversed(shape[:2]), *shape[2:]) if is_transposed else shape
    return (*sides[2:], *sides[:2]) if is_planar else sides
