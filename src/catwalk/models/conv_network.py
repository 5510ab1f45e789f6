"""Convolutional networks: a small residual network (He et al. 2016, arXiv 1512.03385) on raw pixels.

A stem halves the picture. Then come stages, each with residual blocks of two 3x3 convolutions; the next one
has half the side and twice the channels; ``conv_plan`` says how many there are and how large they are. The
last stage is pooled over all places. Each convolution is followed by batch norm. The channels are multiples
of 8, which the processors' kernels are made for.
"""

from collections.abc import Iterator
from typing import Any

import keras

from catwalk.models import conv_plan
from catwalk.models.features import FeatureSet
from catwalk.models.space import Params


def features(inputs: Any, views: FeatureSet) -> Any:
    """Standardised pixels (rows, pixels), the output of the layer "features"."""
    mean, deviation = views.moments
    return keras.layers.Rescaling(1 / deviation, -mean / deviation, name="features")(inputs)


def hidden(x: Any, shape: tuple[int, ...], params: Params, seeds: Iterator[int]) -> Any:
    """The convolutions and the pooling, as a Keras tensor (rows, units).

    Args:
        x: a Keras tensor of standardised pixels (rows, pixels).
        shape: of a picture, (height, width, channels).
        params: a choice from ``space.SPACE``.
        seeds: of the initial weights and of dropout.
    """
    x = keras.layers.Reshape(shape, name="picture")(x)
    plan = conv_plan.stages(shape, params)
    x = _stem(x, shape, params, seeds)
    for number, stage in enumerate(plan, 1):
        if number > 1:
            x = _convolution(x, stage.channels, f"down_{number}", seeds, strides=2)
        for block in range(1, stage.blocks + 1):
            x = _block(x, stage.channels, f"{number}_{block}", seeds)
    x = _pooled(x, params["conv_pool"])
    if params["conv_dropout"]:
        x = keras.layers.Dropout(params["conv_dropout"], seed=next(seeds), name="dropout")(x)
    return x


def _stem(x: Any, shape: tuple[int, ...], params: Params, seeds: Iterator[int]) -> Any:
    """The first convolution, straight to half the side, or at the whole side and then to half of it."""
    channels, size = conv_plan.stem(shape, params).channels, params["conv_kernel"]
    strides = conv_plan.stem_strides(shape)
    if params["conv_stem"] == "direct":
        return _convolution(x, channels, "stem", seeds, size, strides)
    x = _convolution(x, channels, "stem", seeds, size)
    return _convolution(x, conv_plan.stages(shape, params)[0].channels, "down_1", seeds, strides=strides)


def _convolution(
    x: Any, channels: int, name: str, seeds: Iterator[int], size: int = 3, strides: int = 1
) -> Any:
    """Convolution, batch norm and ReLU."""
    return keras.layers.Activation("relu", name=f"{name}_activation")(
        _normed(x, channels, name, seeds, size, strides)
    )


def _normed(x: Any, channels: int, name: str, seeds: Iterator[int], size: int = 3, strides: int = 1) -> Any:
    start = keras.initializers.HeNormal(seed=next(seeds))
    x = keras.layers.Conv2D(
        channels, size, strides, padding="same", use_bias=False, kernel_initializer=start, name=name
    )(x)
    return keras.layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)


def _block(x: Any, channels: int, name: str, seeds: Iterator[int]) -> Any:
    """A residual block: what two convolutions add to their input."""
    inner = _convolution(x, channels, f"block_{name}_a", seeds)
    inner = _normed(inner, channels, f"block_{name}_b", seeds)
    joined = keras.layers.Add(name=f"block_{name}")([x, inner])
    return keras.layers.Activation("relu", name=f"block_{name}_activation")(joined)


def _pooled(x: Any, how: str) -> Any:
    """Mean, maximum or both over all places: (rows, channels), or twice as many."""
    pools = []
    if how != "max":
        pools.append(keras.layers.GlobalAveragePooling2D(name="mean")(x))
    if how != "mean":
        pools.append(keras.layers.GlobalMaxPooling2D(name="maximum")(x))
    return pools[0] if len(pools) == 1 else keras.layers.Concatenate(name="pooled")(pools)
