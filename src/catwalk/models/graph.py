"""Graphs: compute the outputs of a Keras model without training it.

Called as it is, a model starts each operation from Python, which takes about as long as the operations do for
256 pictures, and keeps what all layers have computed until the last one is done. As a TensorFlow graph it
needs half the memory and less time.
"""

from collections.abc import Callable

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

BLOCK = 256  # pictures at a time: for 2,000 of them a network computes a gigabyte on its way


def of(model: keras.Model) -> Callable[[npt.NDArray[np.uint8]], tf.Tensor]:
    """A function from pixels (rows, pixels) uint8 to a model's outputs; its graph is made in the first call.

    Args:
        model: of pixels (rows, pixels) float32.
    """
    return tf.function(  # type: ignore[no-any-return]
        lambda pixels: model(tf.cast(pixels, tf.float32), training=False),
        input_signature=[tf.TensorSpec([None, model.input.shape[1]], tf.uint8)],
        autograph=False,
    )


class Predictor:
    """Computes a network's probabilities; its graph is made once.

    Args:
        model: from ``network.build``, or a kept one.
    """

    def __init__(self, model: keras.Model) -> None:
        self._graph = of(model)

    def __call__(
        self, pixels: npt.NDArray[np.uint8], rows: npt.NDArray[np.integer] | None = None
    ) -> npt.NDArray[np.float32]:
        """Probabilities (rows, classes) float32.

        Args:
            pixels: (any, pixels) uint8.
            rows: which of them; None: all.
        """
        rows = np.arange(len(pixels)) if rows is None else rows
        blocks = [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
        return np.concatenate([np.asarray(self._graph(pixels[block])) for block in blocks])
