"""Shape: height, width and channels of a picture, from how alike neighbouring values are."""

import math
from dataclasses import dataclass, replace

import numpy as np

PICTURES = 300  # that are compared
VALUES = 2_000_000  # of them together
LONGEST = 3.0  # a picture's longer side by its shorter one, where it is no square
NEAR = 1.25  # times the best roughness: shown as the second best
CLEARLY = 0.8  # times the best square's roughness: a rectangle is as likely as squares only then
DOUBT = 1.04  # times the best roughness: asked
# Rougher than pictures are: asked. Digits of 4x4 black or white pixels have up to 0.86, those of 8x8 pixels
# 0.62; independent numbers have 0.93 to 1.16.
UNLIKE = 0.92


@dataclass(frozen=True)
class Shape:
    """A possible shape.

    Attributes:
        sides: (height, width) or (height, width, channels).
        is_planar: whether the channels follow each other as whole pictures.
        roughness: mean difference of neighbours by that of any two values; the lower, the likelier.
    """

    sides: tuple[int, ...]
    is_planar: bool = False
    roughness: float = 0.0

    @property
    def text(self) -> str:
        """As SHAPE= gives it: 28x28, 28x28x3, or 3x28x28 for planes."""
        sides = (self.sides[2], *self.sides[:2]) if self.is_planar else self.sides
        return "x".join(map(str, sides))


def parse(text: str, count: int) -> Shape:
    """A shape as the user gives it.

    Raises:
        ValueError: it is not a shape, or does not have ``count`` values.
    """
    words = text.casefold().replace(",", "x").split("x")
    sides = tuple(int(word) if word.strip().isdecimal() else 0 for word in words)
    if len(sides) not in (2, 3) or math.prod(sides) != count:
        raise ValueError(f"{text} does not have {count:,} values")
    is_planar = len(sides) == 3 and sides[0] in (3, 4) and sides[2] not in (3, 4)
    return Shape((*sides[1:], sides[0]) if is_planar else sides, is_planar)


def squares(count: int) -> list[Shape]:
    """Squares of one or three channels."""
    found = []
    side = math.isqrt(count)
    if side * side == count:
        found.append(Shape((side, side)))
    side = math.isqrt(count // 3)
    if 3 * side * side == count:
        found += [Shape((side, side, 3)), Shape((side, side, 3), is_planar=True)]
    return found


def _rectangles(count: int, channels: int) -> list[Shape]:
    if count % channels:
        return []
    area = count // channels
    heights = [h for h in range(2, area // 2 + 1) if area % h == 0 and h * h != area]
    sides = [(h, area // h) for h in heights if 1 / LONGEST <= h * h / area <= LONGEST]
    if channels == 1:
        return [Shape(one) for one in sides]
    return [Shape((*one, 3), is_planar) for one in sides for is_planar in (False, True)]


def ranked(values: np.ndarray) -> list[Shape]:
    """The possible shapes of (pictures, values), the smoothest first; empty if there is none.

    Where squares are possible, rectangles are left out, but for those that are clearly smoother.
    """
    count = values.shape[1]
    pictures = min(PICTURES, max(50, VALUES // count))
    some = values[:: max(1, len(values) // pictures)][:pictures]
    found = [_measured(some, one) for one in squares(count)]
    limit = CLEARLY * min((one.roughness for one in found), default=math.inf)
    rectangles = (_measured(some, one) for one in (*_rectangles(count, 1), *_rectangles(count, 3)))
    found += [one for one in rectangles if one.roughness < limit]
    found = [one for one in found if not (one.is_planar and _is_one_picture(some, one, found))]
    return sorted(found, key=lambda one: one.roughness)


def _is_one_picture(values: np.ndarray, planes: Shape, others: list[Shape]) -> bool:
    """Whether three planes are a grey picture's upper, middle and lower third: it goes on where they meet."""
    height, width, channels = planes.sides
    if (channels * height, width) not in [one.sides for one in others]:
        return False
    steps = np.abs(np.diff(values.reshape(-1, channels * height, width), axis=1)).mean(axis=(0, 2))
    meet = steps[height - 1 :: height].mean() / max(steps.mean(), 1e-9)
    return bool(0.5 < meet < 2)


def _measured(values: np.ndarray, shape: Shape) -> Shape:
    return replace(shape, roughness=_roughness(values, shape))


def _roughness(values: np.ndarray, shape: Shape) -> float:
    height, width, *more = shape.sides
    channels = more[0] if more else 1
    if shape.is_planar:
        pictures = np.moveaxis(values.reshape(-1, channels, height, width), 1, -1)
    else:
        pictures = values.reshape(-1, height, width, channels)
    down = np.abs(np.diff(pictures, axis=1)).mean()
    across = np.abs(np.diff(pictures, axis=2)).mean()
    shuffled = np.random.default_rng(0).permutation(values.shape[1])
    any_two = np.abs(values - values[:, shuffled]).mean()
    return float((down + across) / 2 / max(any_two, 1e-9))
