"""The pictures in the forms' files: scikit-learn's real digits, in a form's size and number of classes."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from sklearn.datasets import load_digits

Array = npt.NDArray[Any]

SIDE = 8  # of a picture of scikit-learn's
# How the digits are turned (by 90 degrees), inverted, and how bright they are: ten classes each.
VARIANTS = ((0, False, 1.0), (1, False, 1.0), (0, True, 1.0), (1, True, 1.0), (0, False, 0.4))


@dataclass(frozen=True)
class Pictures:
    """Pictures and their classes.

    Attributes:
        values: (rows, height, width) or (rows, height, width, 3), float from 0 to 1.
        classes: (rows,), int from 0.
    """

    values: Array
    classes: Array

    def integers(self, most: int = 255) -> Array:
        """(rows, pixels), int from 0 to ``most``: row by row, channels interleaved."""
        scaled: Array = np.rint(self.values * most)
        return scaled.astype(int).reshape(len(scaled), -1)

    def transposed(self) -> "Pictures":
        return Pictures(np.swapaxes(self.values, 1, 2), self.classes)

    def planes(self) -> "Pictures":
        """Channels first: reshaped to one row, all of R is before all of G."""
        return Pictures(np.moveaxis(self.values, 3, 1), self.classes)

    def split(self, rows: int) -> tuple["Pictures", "Pictures"]:
        """The first so many, and the rest."""
        return (
            Pictures(self.values[:rows], self.classes[:rows]),
            Pictures(self.values[rows:], self.classes[rows:]),
        )


@functools.cache
def _digits() -> tuple[Array, list[Array]]:
    """All pictures, 0 to 1, and where each digit's are."""
    values, labels = load_digits(return_X_y=True)
    return values.reshape(-1, SIDE, SIDE) / 16, [np.flatnonzero(labels == digit) for digit in range(10)]


def shuffled(classes: int, rows: int) -> Array:
    """As many rows of each class, in a random order that is always the same."""
    return np.random.default_rng(0).permutation(np.arange(rows) % classes)


def in_order(counts: Sequence[int]) -> Array:
    """One class after the other, so many rows of each."""
    return np.repeat(np.arange(len(counts)), counts)


def draw(classes: Array, side: int, margin: int = 0) -> Pictures:
    """A picture for each class: no two are equal, as long as a digit's 174 suffice.

    Args:
        classes: int (rows,): each shows the digit class % 10 in the way of ``VARIANTS[class // 10]``.
        side: height and width of the pictures.
        margin: black pixels on each side, part of ``side``.
    """
    values, places = _digits()
    used = np.zeros(10, int)
    small = np.empty((len(classes), SIDE, SIDE))
    for row, kind in enumerate(classes):
        digit = kind % 10
        turns, inverted, brightness = VARIANTS[kind // 10]
        picture = np.rot90(values[places[digit][used[digit] % len(places[digit])]], turns)
        small[row] = (1 - picture if inverted else picture) * brightness
        used[digit] += 1
    factor = (side - 2 * margin) / SIDE
    large = ndimage.zoom(small, (1, factor, factor), order=1) if factor != 1 else small
    return Pictures(np.pad(large, ((0, 0), (margin, margin), (margin, margin))), classes)


def as_photos(drawn: Pictures) -> Pictures:
    """Grey photographs: the digit before a background that is nowhere black and gets lighter to one side."""
    random = np.random.default_rng(1)
    rows, height, width = drawn.values.shape
    slope = random.uniform(-0.1, 0.1, (2, rows, 1, 1))
    light = slope[0] * np.linspace(-1, 1, height)[:, None] + slope[1] * np.linspace(-1, 1, width)
    noise = random.normal(0, 0.01, drawn.values.shape)
    return Pictures(np.clip(0.3 + 0.5 * drawn.values + light + noise, 0, 1), drawn.classes)


def in_colour(drawn: Pictures) -> Pictures:
    """Photographs in which every picture has a dark and a light colour of its own."""
    grey = as_photos(drawn).values[..., None]
    random = np.random.default_rng(2)
    dark = random.uniform(0.0, 0.35, (len(grey), 1, 1, 3))
    light = random.uniform(0.65, 1.0, (len(grey), 1, 1, 3))
    return Pictures(dark + (light - dark) * grey, drawn.classes)
