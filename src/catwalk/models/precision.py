"""Precision: in which floating-point numbers the layers are trained on this machine."""

import math
import time

import tensorflow as tf

from catwalk.models import placement

BFLOAT16_FROM = (8, 0)  # the compute capability from which GPUs have units for it; older ones take float16
SHAPE = (512, 1024, 1024)  # of a typical step
CONVOLVED = (128, 14, 14, 64)  # pictures of a typical stage: rows, height, width, channels
REPEATS = 50  # of the convolution, in a graph
ROUNDS = 5
WORTH = 1.25  # bfloat16 must be this many times as fast, or float32 is used


def fastest() -> str:
    """The fastest precision: "bfloat16" or "float32", measured for a quarter of a second; a GPU's own."""
    if placement.on_gpu():
        return "bfloat16" if placement.capability() >= BFLOAT16_FROM else "float16"
    return "bfloat16" if rate("bfloat16", *SHAPE) > WORTH * rate("float32", *SHAPE) else "float32"


def here(known: str) -> str:
    """The precision in which this process trains, where another machine has measured ``known``.

    A GPU has its own. CPU cores compute in float32 what a GPU would in float16, which they are slow at.
    """
    if placement.on_gpu():
        return fastest()
    return "float32" if known == "float16" else known


def rate(precision: str, rows: int, inputs: int, units: int, rounds: int = ROUNDS) -> float:
    """Operations per second of a matrix product (rows, inputs) x (inputs, units), in the fastest round."""
    one = tf.cast(tf.random.stateless_normal((rows, inputs), (0, 1)), precision)
    other = tf.cast(tf.random.stateless_normal((inputs, units), (0, 2)), precision)
    seconds = []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        tf.matmul(one, other)[0, 0].numpy()
        seconds.append(time.perf_counter() - started)
    return 2 * rows * inputs * units / min(seconds[1:])


def conv_rate(precision: str, rounds: int = ROUNDS) -> float:
    """Operations per second of 3x3 convolutions, one after the other, in the fastest round."""
    channels = CONVOLVED[-1]
    pictures = tf.cast(tf.random.stateless_normal(CONVOLVED, (0, 1)), precision)
    kernel = tf.cast(tf.random.stateless_normal((3, 3, channels, channels), (0, 2)) / channels, precision)

    def repeated(x: tf.Tensor) -> tf.Tensor:
        for _ in range(REPEATS):
            x = tf.nn.conv2d(x, kernel, 1, "SAME")
        return x[0, 0, 0, 0]

    graph = tf.function(repeated, autograph=False)
    seconds = []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        graph(pictures).numpy()
        seconds.append(time.perf_counter() - started)
    return 2 * REPEATS * math.prod(CONVOLVED) * 9 * channels / min(seconds[1:])
