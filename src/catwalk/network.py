"""Builds the networks, the only file that names layers, and asks them."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from catwalk.space import Params


def build(pixels: int, classes: int, params: Params, mean: float, deviation: float, seed: int) -> keras.Model:
    """Build a dense network of stock layers.

    Args:
        pixels: values of one picture.
        classes: how many it tells apart.
        params: a choice from ``space.SPACE``.
        mean: of the training pixels (0-255), to standardise with.
        deviation: their standard deviation.
        seed: of the first weights and of dropout.

    Returns:
        A model from raw pixels 0-255 (rows, pixels) float32 to probabilities (rows, classes) float32:
        one layer after the other, each of a kind that step.py can run.
    """
    seeds = iter(range(seed * 1000, seed * 1000 + 1000))
    inputs = keras.Input((pixels,), name="pixels")
    x = keras.layers.Rescaling(1 / deviation, -mean / deviation, name="standardise")(inputs)
    if params["input_dropout"] and params["depth"]:
        x = keras.layers.Dropout(params["input_dropout"], seed=next(seeds), name="input_dropout")(x)
    for layer in range(1, params["depth"] + 1):
        x = _hidden(x, params, layer, seeds)
    glorot = keras.initializers.GlorotUniform(seed=next(seeds))
    logits = keras.layers.Dense(classes, kernel_initializer=glorot, name="logits")(x)
    return keras.Model(inputs, keras.layers.Softmax(name="probabilities")(logits))


def _hidden(x: Any, params: Params, layer: int, seeds: Iterator[int]) -> Any:
    start = keras.initializers.HeNormal(seed=next(seeds))
    norm = params["norm"]
    # A norm brings its own offset, so the bias before it would be idle.
    x = keras.layers.Dense(
        params[f"width_{layer}"],
        use_bias=norm == "none",
        kernel_initializer=start,
        name=f"hidden_{layer}",
    )(x)
    if norm == "batch":
        x = keras.layers.BatchNormalization(momentum=0.9, name=f"norm_{layer}")(x)
    elif norm == "layer":
        x = keras.layers.LayerNormalization(name=f"norm_{layer}")(x)
    x = keras.layers.Activation(params["activation"], name=f"activation_{layer}")(x)
    if params["dropout"]:
        x = keras.layers.Dropout(params["dropout"], seed=next(seeds), name=f"dropout_{layer}")(x)
    return x


def probabilities(
    model: keras.Model, pixels: npt.NDArray[np.uint8], rows: npt.NDArray[np.integer] | None = None
) -> npt.NDArray[np.float32]:
    """A network's probabilities, (rows, classes) float32, computed block by block.

    Args:
        model: from ``build``, or a kept one.
        pixels: (any, pixels) uint8.
        rows: which of them; None: all.
    """
    rows = np.arange(len(pixels)) if rows is None else rows
    blocks = [rows[start : start + 2048] for start in range(0, len(rows), 2048)]
    return np.concatenate(
        [np.asarray(model(pixels[block].astype(np.float32), training=False)) for block in blocks]
    )
