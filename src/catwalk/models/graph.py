"""Graphs: compute the outputs of a Keras model without training it.

Called as it is, a model starts each operation from Python, which takes about as long as the operations do for
256 pictures, and keeps what all layers have computed until the last one is done. As a TensorFlow graph it
needs half the memory and less time.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

BLOCK = 256  # pictures at a time: for 2,000 of them a network computes a gigabyte on its way
SILU = keras.activations.silu


def blocks(rows: Any) -> list[Any]:
    """Row numbers, an array or a tensor, in parts of ``BLOCK``."""
    return [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]


def of(model: keras.Model, device: str | None = None) -> Callable[[npt.NDArray[np.uint8]], tf.Tensor]:
    """A function from pixels (rows, pixels) uint8 to a model's outputs; its graph is made in the first call.

    Args:
        model: of pixels (rows, pixels) float32.
        device: where it is computed; None: on the GPU if this process has one. What is kept for other
            processes is computed on the CPU cores: a GPU's last digits differ from run to run.
    """

    def outputs(pixels: tf.Tensor) -> Any:
        with _without_gradients(model), tf.device(device):
            return model(tf.cast(pixels, tf.float32), training=False)

    pixels = tf.TensorSpec([None, model.input.shape[1]], tf.uint8)
    return tf.function(outputs, input_signature=[pixels], autograph=False)  # type: ignore[no-any-return]


@contextlib.contextmanager
def _without_gradients(model: keras.Model) -> Iterator[None]:
    """Meanwhile silu is computed by its formula: TensorFlow's registers a gradient, which keeps the graph."""
    changed = [layer for layer in _layers(model) if getattr(layer, "activation", None) is SILU]
    for layer in changed:
        layer.activation = lambda x: x * tf.sigmoid(x)
    try:
        yield
    finally:
        for layer in changed:
            layer.activation = SILU


def _layers(model: keras.Model) -> Iterator[Any]:
    for layer in model.layers:
        yield from _layers(layer) if isinstance(layer, keras.Model) else [layer]


class Predictor:
    """Computes a network's probabilities; its graph is made in the first call.

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
        return np.concatenate([np.asarray(self._graph(pixels[block])) for block in blocks(rows)])
