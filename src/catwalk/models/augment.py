"""Augmentation: random, label-preserving changes to the pictures in each training step, cheap on a CPU.

The rows of a batch come in random order, so changing a fixed part of it changes random pictures. Shifts,
rotations, zooms and elastic warps are linear maps of the pixels: a bank of them is computed once, and each
step applies one of them to every part of the batch.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from catwalk.models import placement
from catwalk.models.space import UNAUGMENTED_BUT_FLIP, Params

GROUPS = 8  # parts of a batch, each warped and erased its own way
BANK = 64  # warps to draw from
# Bytes of a bank as matrices, up to which a GPU multiplies by them: an H200 takes 1 ms for a step so. From
# about 34 x 34 pixels on they are larger, and from 96 x 96 on no memory is enough for them.
MATRICES = 350_000_000
SMOOTH = 4.0  # pixels: smoothness of elastic displacements that Simard et al. 2003 found best for digits
QUANTILES = 4096  # of mixup's distribution; XLA has no random numbers of it
WARPS = ("shift", "rotate", "zoom", "elastic")


def changes(params: Params) -> bool:
    """Whether these parameters change pictures in any way other than mirroring them."""
    return any(params[name] for name in UNAUGMENTED_BUT_FLIP)


class Augmentation:
    """Augments batches of pictures.

    Args:
        params: "flip": 1 mirrors half of the pictures; "shift": pixels, "rotate": degrees, "zoom": share,
            "elastic": pixels, each at most; "erase": the side of a blank square, as a share of the picture's.
        shape: of a picture, (height, width) or (height, width, channels).
        batch: pictures.
        seed: of the bank.
        precision: of the warps, as the step's.
    """

    def __init__(self, params: Params, shape: tuple[int, ...], batch: int, seed: int, precision: str) -> None:
        self._params, self._batch = params, batch
        self._height, self._width, self._channels = (*shape, 1)[:3]
        self._dtype = tf.as_dtype(precision)
        self._sources: tf.Tensor | None = None  # as those of Warps
        self._shares: tf.Tensor | None = None  # None also where pixels move by whole pixels
        self._matrices: tf.Tensor | None = None  # (BANK, area, area), on a GPU
        if any(params[name] for name in WARPS):
            bank = warps(params, self._height, self._width, BANK, seed)
            self._sources = tf.constant(bank.sources)
            self._shares = None if bank.is_whole else tf.constant(bank.shares, self._dtype)
            if placement.compiles() and 4 * BANK * (self._height * self._width) ** 2 <= MATRICES:
                self._matrices = tf.cast(as_matrices(bank), self._dtype)

    def __call__(self, pictures: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Augment (batch, pixels), 0 to 255; returns the same type, or floats where pixels are blended.

        Args:
            pictures: of one batch, in random order.
            seed: two int32, for ``tf.random.stateless_*``.
        """
        shape = [self._batch, self._height, self._width, self._channels]
        if self._params["flip"]:
            whole, half = tf.reshape(pictures, shape), self._batch // 2
            pictures = tf.concat([whole[:half], tf.reverse(whole[half:], axis=[2])], axis=0)
        if self._sources is None and not self._params["erase"]:
            return tf.reshape(pictures, [self._batch, -1])
        groups = self._in_groups(tf.reshape(pictures, [self._batch, -1]))
        if self._sources is not None:
            chosen = tf.random.stateless_uniform([GROUPS], seed, 0, BANK, tf.int32)
            groups = self._warped(groups, chosen)
        if self._params["erase"]:
            corners = tf.random.stateless_uniform([GROUPS, 2], seed + 1)
            groups *= tf.stack([self._hole(corners[i], groups.dtype) for i in range(GROUPS)])
        return tf.reshape(groups, [-1, groups.shape[-1]])[: self._batch]

    def _in_groups(self, pictures: tf.Tensor) -> tf.Tensor:
        """(GROUPS, pictures, pixels): the batch in equal parts, filled up with zeros at its end."""
        each = math.ceil(self._batch / GROUPS)
        filled = tf.pad(pictures, [[0, each * GROUPS - self._batch], [0, 0]])
        return tf.reshape(filled, [GROUPS, each, -1])

    def _warped(self, groups: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
        """Warp each group by its own of the bank, given by number."""
        area, each = self._height * self._width, groups.shape[1]
        pictures = tf.reshape(groups, [GROUPS, each, area, self._channels])
        if self._matrices is not None:
            warped = self._products(pictures, tf.gather(self._matrices, chosen))
        else:
            blank = tf.pad(pictures, [[0, 0], [0, 0], [0, 1], [0, 0]])  # a last pixel, the outside
            warped = tf.stack([self._gathered(blank[i], chosen[i]) for i in range(GROUPS)])
        return tf.reshape(warped, [GROUPS, each, -1])

    def _products(self, pictures: tf.Tensor, matrices: tf.Tensor) -> tf.Tensor:
        """Each group (pictures, area, channels) times its own matrix (area, area)."""
        planes = tf.transpose(tf.cast(pictures, self._dtype), [0, 1, 3, 2])
        rows = tf.reshape(planes, [GROUPS, -1, planes.shape[3]])
        return tf.transpose(tf.reshape(tf.matmul(rows, matrices), planes.shape), [0, 1, 3, 2])

    def _gathered(self, pictures: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
        """Pictures (pictures, area + 1, channels), the last pixel blank, by one warp of the bank."""
        sources = tf.gather(self._sources, number)
        if self._shares is None:
            return tf.gather(pictures, sources[0], axis=1)
        taken = tf.gather(tf.cast(pictures, self._dtype), sources, axis=1)
        return tf.reduce_sum(taken * tf.gather(self._shares, number)[..., None], axis=1)

    def _hole(self, corner: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
        """(1, pixels): a mask of ones with a square of zeros, placed by two numbers from 0 to 1."""
        inside = []
        for size, at in ((self._height, corner[0]), (self._width, corner[1])):
            side = max(1, round(size * self._params["erase"]))
            first = tf.cast(at * (size - side + 1), tf.int32)
            place = tf.range(size)
            inside.append((place >= first) & (place < first + side))
        hole = inside[0][:, None, None] & inside[1][None, :, None]
        return tf.reshape(tf.repeat(tf.cast(~hole, dtype), self._channels, axis=2), [1, -1])


class Warps(NamedTuple):
    """A bank of warps: a pixel of a warped picture is the sum of some of the picture's pixels, times shares.

    Attributes:
        sources: (warps, 1 or 4, area) int32, places of those pixels; ``area`` stands for the blank outside.
        shares: (warps, 1 or 4, area) float32.
    """

    sources: npt.NDArray[np.int32]
    shares: npt.NDArray[np.float32]

    @property
    def is_whole(self) -> bool:
        """Whether pixels only move, by whole pixels: each has one source, with the share 1."""
        return bool(self.sources.shape[1] == 1)


def warps(params: Params, height: int, width: int, count: int, seed: int) -> Warps:
    """Random warps of pictures, with bilinear interpolation; pixels from outside are zero.

    Elastic displacements as Simard, Steinkraus and Platt 2003 (ICDAR).
    """
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype(np.float64)
    middle_y, middle_x = (height - 1) / 2, (width - 1) / 2
    whole = not any(params[name] for name in WARPS if name != "shift")  # then pictures are not blurred
    made = []
    for _ in range(count):
        turn = math.radians(random.uniform(-1, 1) * params["rotate"])
        zoom = 1 + random.uniform(-1, 1) * params["zoom"]
        move = random.uniform(-1, 1, 2) * params["shift"]
        move = np.round(move) if whole else move
        bend = _smooth_noise(random, height, width) * params["elastic"]
        # Where each pixel of the result comes from.
        from_y = (math.cos(turn) * (y - middle_y) - math.sin(turn) * (x - middle_x)) / zoom
        from_x = (math.sin(turn) * (y - middle_y) + math.cos(turn) * (x - middle_x)) / zoom
        from_y, from_x = from_y + middle_y + move[0] + bend[0], from_x + middle_x + move[1] + bend[1]
        made.append(_rounded(from_y, from_x) if whole else _interpolated(from_y, from_x))
    sources, shares = (np.stack(parts) for parts in zip(*made, strict=True))
    return Warps(sources, shares)


def as_matrices(bank: Warps) -> npt.NDArray[np.float32]:
    """(warps, area, area) float32: a row of pixels times one of them is the warped picture."""
    count, _, area = bank.sources.shape
    made = np.zeros((count, area + 1, area), np.float32)
    to = np.broadcast_to(np.arange(area), bank.sources.shape[1:])
    for matrix, sources, shares in zip(made, *bank, strict=True):
        np.add.at(matrix, (sources, to), shares)
    return made[:, :area]


def _smooth_noise(random: np.random.Generator, height: int, width: int) -> npt.NDArray[np.float64]:
    """(2, height, width): two smooth random fields between -1 and 1."""
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(random.uniform(-1, 1, (2, height, width)), (0, SMOOTH, SMOOTH))
    return np.asarray(field / np.abs(field).max())


def _rounded(
    from_y: npt.NDArray[np.float64], from_x: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """(1, area) sources and shares of a picture whose pixels come from these places, all whole pixels."""
    sources = _places(np.rint(from_y).astype(int), np.rint(from_x).astype(int))[None]
    return sources, np.ones(sources.shape, np.float32)


def _interpolated(
    from_y: npt.NDArray[np.float64], from_x: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """(4, area) sources and shares of a picture whose pixels come from these places, between four pixels."""
    low_y, low_x = np.floor(from_y).astype(int), np.floor(from_x).astype(int)
    sources, shares = [], []
    for near_y, near_x in ((0, 0), (0, 1), (1, 0), (1, 1)):
        at_y, at_x = low_y + near_y, low_x + near_x
        sources.append(_places(at_y, at_x))
        shares.append(((1 - np.abs(from_y - at_y)) * (1 - np.abs(from_x - at_x))).ravel())
    return np.stack(sources), np.stack(shares).astype(np.float32)


def _places(y: npt.NDArray[np.intp], x: npt.NDArray[np.intp]) -> npt.NDArray[np.int32]:
    """(area,) places of pixels in a row of them; ``area`` for those outside of the picture."""
    height, width = y.shape
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    return np.asarray(np.where(inside, y * width + x, height * width).ravel(), np.int32)


def mixed(
    inputs: tf.Tensor, target: tf.Tensor, strength: float, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Mixup (Zhang et al. 2018, arXiv 1710.09412): blends each row with another one, and their targets too.

    Args:
        inputs: (rows, values).
        target: (rows, classes).
        strength: alpha of the Beta distribution that a row's share is drawn from; above 0.
        seed: two int32.
    """
    shares = tf.constant(_beta_quantiles(strength), target.dtype)
    chosen = tf.random.stateless_uniform([inputs.shape[0], 1], seed, 0, QUANTILES, tf.int32)
    share = tf.gather(shares, chosen)
    share = tf.maximum(share, 1 - share)
    other, other_target = tf.reverse(inputs, axis=[0]), tf.reverse(target, axis=[0])
    narrow = tf.cast(share, inputs.dtype)
    return other + narrow * (inputs - other), other_target + share * (target - other_target)


def _beta_quantiles(strength: float) -> npt.NDArray[np.float64]:
    """(QUANTILES,): values that a Beta(strength, strength) distribution takes equally often."""
    from scipy.special import betaincinv

    middles = (np.arange(QUANTILES) + 0.5) / QUANTILES
    return np.asarray(betaincinv(strength, strength, middles))
