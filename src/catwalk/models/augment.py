"""Augmentation: random, label-preserving changes to the pictures in each training step, cheap on a CPU.

The rows of a batch come in random order, so changing a fixed part of it changes random pictures. Shifts,
rotations, zooms and elastic warps are linear maps of the pixels: a bank of them is computed once, as
matrices, and each step multiplies every part of the batch by one of them, in a twentieth of its time at most.
"""

import math

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from catwalk.models.space import ONE_COPY, Params

GROUPS = 8  # parts of a batch, each warped and erased its own way
BANK = 64  # warps to draw from
SMOOTH = 4.0  # pixels: smoothness of elastic displacements that Simard et al. 2003 found best for digits
WARPS = ("shift", "rotate", "zoom", "elastic")


def changes(params: Params) -> bool:
    """Whether these parameters change pictures in any way other than mirroring them."""
    return any(params[name] for name in ONE_COPY)


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
        self._bank = None
        if any(params[name] for name in WARPS):
            self._bank = tf.cast(warps(params, self._height, self._width, BANK, seed), self._dtype)

    def __call__(self, pictures: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Augment (batch, pixels) uint8; returns uint8, or floats where warps blend neighbouring pixels.

        Args:
            pictures: of one batch, in random order.
            seed: two int32, for ``tf.random.stateless_*``.
        """
        shape = [self._batch, self._height, self._width, self._channels]
        if self._params["flip"]:
            whole, half = tf.reshape(pictures, shape), self._batch // 2
            pictures = tf.concat([whole[:half], tf.reverse(whole[half:], axis=[2])], axis=0)
        groups = tf.split(tf.reshape(pictures, [self._batch, -1]), self._sizes())
        if self._bank is not None:
            chosen = tf.random.stateless_uniform([GROUPS], seed, 0, BANK, tf.int32)
            groups = [self._warped(group, self._bank[chosen[i]]) for i, group in enumerate(groups)]
        if self._params["erase"]:
            corners = tf.random.stateless_uniform([GROUPS, 2], seed + 1)
            groups = [group * self._hole(corners[i], group.dtype) for i, group in enumerate(groups)]
        return tf.concat(groups, axis=0)

    def _sizes(self) -> list[int]:
        return [self._batch * (i + 1) // GROUPS - self._batch * i // GROUPS for i in range(GROUPS)]

    def _warped(self, group: tf.Tensor, warp: tf.Tensor) -> tf.Tensor:
        area = self._height * self._width
        planes = tf.cast(group, self._dtype)
        if self._channels == 1:
            return tf.matmul(planes, warp)
        planes = tf.transpose(tf.reshape(planes, [-1, area, self._channels]), [0, 2, 1])
        planes = tf.reshape(tf.matmul(tf.reshape(planes, [-1, area]), warp), [-1, self._channels, area])
        return tf.reshape(tf.transpose(planes, [0, 2, 1]), [-1, area * self._channels])

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


def warps(params: Params, height: int, width: int, count: int, seed: int) -> npt.NDArray[np.float32]:
    """Random warps of pictures as matrices, with bilinear interpolation; pixels from outside are zero.

    Elastic displacements as Simard, Steinkraus and Platt 2003 (ICDAR).

    Returns:
        (count, pixels, pixels) float32; a row of pixels times one of them is the warped picture.
    """
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype(np.float64)
    middle_y, middle_x = (height - 1) / 2, (width - 1) / 2
    whole = not any(params[name] for name in WARPS if name != "shift")  # then pictures are not blurred
    made = np.zeros((count, height * width, height * width), np.float32)
    for warp in made:
        turn = math.radians(random.uniform(-1, 1) * params["rotate"])
        zoom = 1 + random.uniform(-1, 1) * params["zoom"]
        move = random.uniform(-1, 1, 2) * params["shift"]
        move = np.round(move) if whole else move
        bend = _smooth_noise(random, height, width) * params["elastic"]
        # Where each pixel of the result comes from.
        from_y = (math.cos(turn) * (y - middle_y) - math.sin(turn) * (x - middle_x)) / zoom
        from_x = (math.sin(turn) * (y - middle_y) + math.cos(turn) * (x - middle_x)) / zoom
        _interpolate(warp, from_y + middle_y + move[0] + bend[0], from_x + middle_x + move[1] + bend[1])
    return made


def _smooth_noise(random: np.random.Generator, height: int, width: int) -> npt.NDArray[np.float64]:
    """(2, height, width): two smooth random fields between -1 and 1."""
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(random.uniform(-1, 1, (2, height, width)), (0, SMOOTH, SMOOTH))
    return np.asarray(field / np.abs(field).max())


def _interpolate(
    warp: npt.NDArray[np.float32], from_y: npt.NDArray[np.float64], from_x: npt.NDArray[np.float64]
) -> None:
    height, width = from_y.shape
    to = np.arange(height * width).reshape(height, width)
    low_y, low_x = np.floor(from_y).astype(int), np.floor(from_x).astype(int)
    for near_y, near_x in ((0, 0), (0, 1), (1, 0), (1, 1)):
        at_y, at_x = low_y + near_y, low_x + near_x
        share = (1 - np.abs(from_y - at_y)) * (1 - np.abs(from_x - at_x))
        inside = (at_y >= 0) & (at_y < height) & (at_x >= 0) & (at_x < width)
        warp[(at_y * width + at_x)[inside], to[inside]] += share[inside]


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
    gammas = tf.random.stateless_gamma([inputs.shape[0], 2, 1], seed, strength)
    share = tf.cast(gammas[:, 0] / tf.maximum(gammas[:, 0] + gammas[:, 1], 1e-30), target.dtype)
    share = tf.maximum(share, 1 - share)
    other, other_target = tf.reverse(inputs, axis=[0]), tf.reverse(target, axis=[0])
    narrow = tf.cast(share, inputs.dtype)
    return other + narrow * (inputs - other), other_target + share * (target - other_target)
