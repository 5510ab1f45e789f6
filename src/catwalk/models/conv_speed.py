"""The speed of convolutions on this machine, measured within two seconds.

What a network's convolutions reach depends on more than the processor's rate of multiplications: between them
lie batch norm and ReLU, which wait for memory. So on CPU cores a whole residual block is measured, forward
and backward.
"""

import statistics
import time
from collections.abc import Callable

import tensorflow as tf

from catwalk.models import conv_plan
from catwalk.models.conv_plan import BLOCK_KERNEL, Stage
from catwalk.models.precision import fastest_round

STAGE = Stage(14, 14, 64, blocks=1)  # a typical one
ROWS = 128  # pictures in a step
REPEATS = 50  # of the convolution, in a graph
ROUNDS = 5
SECONDS = 1.5  # in which the block is measured


def forward(precision: str) -> float:
    """Operations per second of convolutions, one after the other, in the fastest round: a GPU's rate."""
    pictures, kernel = _random(precision, 1)

    def repeated(x: tf.Tensor) -> tf.Tensor:
        for _ in range(REPEATS):
            x = tf.nn.conv2d(x, kernel, 1, "SAME")
        return x[0, 0, 0, 0]

    graph = tf.function(repeated, autograph=False)
    return REPEATS * _operations() / fastest_round(lambda: graph(pictures), ROUNDS)


def block(precision: str) -> float:
    """Operations per second of a residual block with its gradients, in the median round: a CPU core's rate.

    The median, not the fastest round: if other processes measure at the same time, each shares the processor
    with them, as it will in training.
    """
    graph = block_step(precision)
    _seconds(graph)  # traces
    ends = time.perf_counter() + SECONDS
    seconds: list[float] = []
    while not seconds or time.perf_counter() < ends:
        seconds.append(_seconds(graph))
    return 2 * conv_plan.TRAINING_FACTOR * _operations() / statistics.median(seconds)  # of two convolutions


def block_step(precision: str) -> Callable[[], tf.Tensor]:
    """A graph of the block, forward and backward to its input and both kernels; one number comes out."""
    pictures, first = _random(precision, 1)
    second = _random(precision, 2)[1]
    ones, zeros = tf.ones(STAGE.channels), tf.zeros(STAGE.channels)

    def normed(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        inner = tf.nn.conv2d(x, kernel, 1, "SAME")
        return tf.compat.v1.nn.fused_batch_norm(inner, ones, zeros, is_training=True)[0]

    def step() -> tf.Tensor:
        sides = [tf.identity(side) for side in (pictures, first, second)]
        inner = tf.nn.relu(normed(sides[0], sides[1]))
        output = tf.nn.relu(sides[0] + normed(inner, sides[2]))
        return tf.add_n([gradient[0, 0, 0, 0] for gradient in tf.gradients(output, sides)])

    return tf.function(step, autograph=False)  # type: ignore[no-any-return]


def _random(precision: str, seed: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Pictures (rows, height, width, channels), and a kernel from all channels to as many."""
    channels = STAGE.channels
    pictures = tf.random.stateless_normal((ROWS, STAGE.height, STAGE.width, channels), (0, seed))
    kernel = tf.random.stateless_normal((BLOCK_KERNEL, BLOCK_KERNEL, channels, channels), (1, seed))
    return tf.cast(pictures, precision), tf.cast(kernel / channels, precision)


def _operations() -> int:
    """Floating-point operations of a convolution, forward."""
    return ROWS * conv_plan.of_convolution(STAGE, STAGE.channels, BLOCK_KERNEL)


def _seconds(compute: Callable[[], tf.Tensor]) -> float:
    started = time.perf_counter()
    compute().numpy()
    return time.perf_counter() - started
