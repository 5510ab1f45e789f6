"""Augmentation: changes that leave a picture in its class, made anew in each step; as cheap as slices.

The rows of a batch come in random order, so what is done to the first half of it is done at random.
"""

import tensorflow as tf

from catwalk.space import Params

GROUPS = 8  # parts of a batch, each shifted its own way: slices, where a gather would take far longer


def pictures(pictures: tf.Tensor, params: Params, seed: tf.Tensor) -> tf.Tensor:
    """Change pictures (rows, height, width[, channels]) uint8 as ``params`` say.

    Args:
        pictures: of one batch, in random order.
        params: "flip": whether half of them are mirrored; "shift": by how many pixels they move at most.
        seed: two int32, for ``tf.random.stateless_*``.
    """
    if params["flip"]:
        half = pictures.shape[0] // 2
        pictures = tf.concat([pictures[:half], tf.reverse(pictures[half:], axis=[2])], axis=0)
    if params["shift"]:
        pictures = _shifted(pictures, params["shift"], seed)
    return pictures


def _shifted(pictures: tf.Tensor, most: int, seed: tf.Tensor) -> tf.Tensor:
    """Move each group of the batch by its own whole number of pixels in both directions, zeros coming in."""
    rows, *shape = pictures.shape
    padded = tf.pad(pictures, [[0, 0], [most, most], [most, most], *[[0, 0]] * (len(shape) - 2)])
    offsets = tf.random.stateless_uniform([GROUPS, 2], seed, 0, 2 * most + 1, tf.int32)
    groups, begin = [], 0
    for group in range(GROUPS):
        end = rows * (group + 1) // GROUPS
        corner = tf.concat([[begin], offsets[group], [0] * (len(shape) - 2)], axis=0)
        groups.append(tf.slice(padded, corner, [end - begin, *shape]))
        begin = end
    return tf.concat(groups, axis=0)
