"""Precision: whether this machine multiplies matrices faster in bfloat16 than in float32."""

import time

import tensorflow as tf

SHAPE = (512, 1024, 1024)  # of a typical step
ROUNDS = 5
WORTH = 1.25  # bfloat16 must be this many times as fast, or float32 is used


def fastest() -> str:
    """The faster precision, "bfloat16" or "float32", measured for a quarter of a second."""
    return "bfloat16" if rate("bfloat16", *SHAPE) > WORTH * rate("float32", *SHAPE) else "float32"


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
