"""The stages of a convolutional network: the one source of its sizes, for the network and for figures of it.

Needs no Keras, so the report can read it.
"""

import math
from dataclasses import dataclass

from catwalk.models.space import CHANNELS, Params

LEAST_SIDE = 8  # pixels: a stage with a smaller side is the last one
LEAST_HALVED = 16  # pixels: a smaller picture is not halved by the stem
BLOCK_KERNEL = 3  # pixels: the side of all kernels but the first one's
TRAINING_FACTOR = 3  # times the operations of the forward pass: the backward pass takes twice as many


@dataclass(frozen=True)
class Stage:
    """A part of the network whose layers all give arrays of one size.

    Attributes:
        height, width: in places, each of which has all channels.
        channels: at each place.
        blocks: residual blocks; 0 for the stem.
    """

    height: int
    width: int
    channels: int
    blocks: int

    @property
    def side(self) -> int:
        """The shorter side."""
        return min(self.height, self.width)


def stem(shape: tuple[int, ...], params: Params) -> Stage:
    """What the first convolution gives: "direct", the first stage's size; "stepped", the whole picture's.

    Args:
        shape: of a picture, (height, width, channels).
        params: a choice from ``space.SPACE``.
    """
    channels, strides = _channels(params["conv_width"]), stem_strides(shape)
    if params["conv_stem"] == "stepped":
        return Stage(shape[0], shape[1], _channels(channels / 2), 0)
    return Stage(math.ceil(shape[0] / strides), math.ceil(shape[1] / strides), channels, 0)


def stages(shape: tuple[int, ...], params: Params) -> list[Stage]:
    """The stages with residual blocks, in order; arguments as for ``stem``."""
    strides = stem_strides(shape)
    height, width = (math.ceil(side / strides) for side in shape[:2])
    plan = [Stage(height, width, _channels(params["conv_width"]), params["conv_depth"])]
    while (last := plan[-1]).side >= LEAST_SIDE:
        height, width = math.ceil(last.height / 2), math.ceil(last.width / 2)
        plan.append(Stage(height, width, 2 * last.channels, last.blocks))
    return plan


def stem_strides(shape: tuple[int, ...]) -> int:
    """By how much the stem makes the picture smaller: 2, or 1 for one that is small already."""
    return 2 if min(shape[:2]) >= LEAST_HALVED else 1


def operations(shape: tuple[int, ...], params: Params) -> int:
    """Floating-point operations of the convolutions for one picture, forward; arguments as for ``stem``.

    A multiplication and an addition are two. The last layer's are too few to count.
    """
    first, plan = stem(shape, params), stages(shape, params)
    total = of_convolution(first, shape[2], params["conv_kernel"])
    channels = first.channels
    for number, stage in enumerate(plan):
        if number or params["conv_stem"] == "stepped":
            total += of_convolution(stage, channels, BLOCK_KERNEL)
        total += 2 * stage.blocks * of_convolution(stage, stage.channels, BLOCK_KERNEL)
        channels = stage.channels
    return total


def of_convolution(stage: Stage, channels: int, kernel: int) -> int:
    """Floating-point operations of a convolution for one picture, forward.

    Args:
        stage: what it gives.
        channels: of its input.
        kernel: the side of its kernels, in pixels.
    """
    return 2 * stage.height * stage.width * kernel * kernel * channels * stage.channels


def _channels(width: float) -> int:
    return max(CHANNELS, CHANNELS * round(width / CHANNELS))
