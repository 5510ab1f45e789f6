"""Dense networks: hidden layers on fixed features that the network computes itself from the pixels."""

import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from catwalk.models import graph, placement
from catwalk.models.features import PATCHES, FeatureSet
from catwalk.models.space import Params

DIRECTIONS = 8  # of edges; opposite ones are two, so that light-to-dark is not dark-to-light
NORM_EPS = 1e-3  # keeps noise in flat places from being amplified, where grey goes from 0 to 1
HIGHEST = 0.5  # share of a block's energy that one direction of a cell can have
GRADIENT_SCALE = (
    6.0  # brings gradients, which are shares of their surroundings' energy, to the size of pixels
)
SOFT_THRESHOLD = 0.5  # only similarity above this counts (the soft threshold of Coates and Ng 2011, ICML)
# Views given as principal components, and the power of its deviation that each component is divided by.
WHITENING = {"whitened": 0.5, "patches": 0.0}
PARTS = 4  # each way, that a picture is cut into
PATCH_SCALE = 3.0  # as for gradients


def hidden(x: Any, params: Params, seeds: Iterator[int]) -> Any:
    """The hidden layers on the features ``x`` (rows, features), as a Keras tensor (rows, units)."""
    if params["input_dropout"] and params["depth"]:
        x = keras.layers.Dropout(params["input_dropout"], seed=next(seeds), name="input_dropout")(x)
    for layer in range(1, params["depth"] + 1):
        x = _hidden(x, params, layer, seeds)
    return x


def _hidden(x: Any, params: Params, layer: int, seeds: Iterator[int]) -> Any:
    start = keras.initializers.HeNormal(seed=next(seeds))
    norm = params["norm"]
    # A norm has its own offset, so a bias before it would be redundant.
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


def features(inputs: Any, view: str, views: FeatureSet) -> Any:
    """The features of a view (see features.py); the output of a layer named "features"."""
    mean, deviation = views.moments
    seen = [keras.layers.Rescaling(1 / deviation, -mean / deviation, name="standardise")(inputs)]
    picture = keras.layers.Reshape(views.shape, name="picture")(inputs)
    if view in ("gradients", "patches"):
        seen += _gradients(picture, views)
    if view == "patches":
        seen.append(_patches(picture, views))
    if view not in WHITENING:
        return keras.layers.Concatenate(name="features")(seen)
    joined = keras.layers.Concatenate(name="joined")(seen)
    values = graph.of(keras.Model(inputs, joined), placement.CPU)
    projection, offset = views.components(lambda pixels: np.asarray(values(pixels)), WHITENING[view])
    dense = keras.layers.Dense(len(offset), kernel_initializer="zeros", name="features")
    return _fixed(dense, joined, projection, offset)


def _fixed(layer: Any, x: Any, *weights: npt.NDArray[np.float32]) -> Any:
    """The layer's output, with fixed weights that are not trained."""
    layer.trainable = False
    output = layer(x)
    layer.set_weights(weights)
    return output


def _gradients(picture: Any, views: FeatureSet) -> list[Any]:
    shorter = min(views.shape[:2])  # a cell is no wider than the picture
    slopes = keras.layers.Conv2D(
        DIRECTIONS, 3, padding="same", activation="relu", use_bias=False, name="edges"
    )
    edges = _fixed(slopes, picture, _edge_kernel(views))
    small, large = max(2, shorter // 7), max(2, shorter // 4)
    return [
        _cells(edges, small, max(1, small // 2), "small"),
        _cells(edges, large, large, "large"),
    ]


def _patches(picture: Any, views: FeatureSet) -> Any:
    """Mean similarity of the patches in each part of the picture to each patch of the dictionary."""
    side = views.patch_side
    stride = max(1, side // 3)
    window = {"pool_size": side, "strides": stride}
    mean = keras.ops.mean(keras.layers.AveragePooling2D(**window)(picture), -1, keepdims=True)
    squares = keras.layers.AveragePooling2D(**window)(keras.ops.square(picture))
    variance = keras.ops.mean(squares, -1, keepdims=True) - keras.ops.square(mean)
    contrast = keras.ops.rsqrt(keras.ops.maximum(variance, 0.0) + views.contrast**2)
    pieces = keras.layers.Conv2D(PATCHES, side, strides=stride, use_bias=False, name="patches")
    alike = _fixed(pieces, picture, views.dictionary)
    above = keras.ops.relu(alike * contrast - SOFT_THRESHOLD)
    part = math.ceil(above.shape[1] / PARTS)
    parts = keras.layers.AveragePooling2D(part, strides=part, padding="same", name="parts")(above)
    return keras.layers.Flatten(name="likenesses")(parts * PATCH_SCALE)


def _cells(edges: Any, side: int, stride: int, name: str) -> Any:
    """Mean gradient per direction in each cell: histograms of oriented gradients (Dalal and Triggs 2005).

    Each cell is taken four times, as a share of the energy of each block of 2x2 cells that it belongs to, and
    no share counts more than ``HIGHEST``. Kept are, as in Felzenszwalb et al. 2010 (TPAMI, section 6.2), each
    direction's mean over the four and each block's mean over the directions.
    """
    cells = keras.layers.AveragePooling2D(side, strides=stride, name=f"{name}_cells")(edges)
    energy = keras.ops.sum(keras.ops.square(cells), axis=-1, keepdims=True)
    padded = keras.layers.ZeroPadding2D(1, name=f"{name}_border")(energy)
    blocks = keras.layers.AveragePooling2D(2, strides=1, name=f"{name}_blocks")(padded)
    scale = keras.ops.rsqrt(blocks + NORM_EPS)
    _, rows, columns, _ = cells.shape
    shares = [
        keras.ops.minimum(cells * scale[:, y : y + rows, x : x + columns], HIGHEST)
        for y in (0, 1)
        for x in (0, 1)
    ]
    strengths = [keras.ops.mean(share, axis=-1, keepdims=True) for share in shares]
    joined = keras.layers.Concatenate(name=f"{name}_shares")([keras.layers.Average()(shares), *strengths])
    return keras.layers.Flatten(name=f"{name}_gradients")(joined * GRADIENT_SCALE - 1)


def _edge_kernel(views: FeatureSet) -> npt.NDArray[np.float32]:
    """(3, 3, channels, directions): filters for the gradient in each direction, with grey from 0 to 1."""
    channels = views.shape[2]
    kernel = np.zeros((3, 3, channels, DIRECTIONS), np.float32)
    for direction in range(DIRECTIONS):
        angle = 2 * math.pi * direction / DIRECTIONS
        kernel[1, 2, :, direction], kernel[1, 0, :, direction] = math.cos(angle), -math.cos(angle)
        kernel[2, 1, :, direction] += math.sin(angle)
        kernel[0, 1, :, direction] -= math.sin(angle)
    return kernel / np.float32(views.grey_range * channels)
