"""Precision: in which floating-point numbers the layers are trained on this machine."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from catwalk.models import placement

# Compute capabilities of GPUs with units for bfloat16, and for float16: from Tesla V100 on, and the P100.
BFLOAT16_FROM, FLOAT16_FROM, P100 = (8, 0), (7, 0), (6, 0)
UNITS = ("avx512_bf16", "amx_bf16", "bf16")  # instructions of CPU cores for bfloat16, as Linux names them
SHAPE = (512, 1024, 1024)  # of a typical step
ROUNDS = 5
MEASURED = 5  # times that both rates are measured
# Times float32's rate that bfloat16's must be. With instructions for it, it is 1.8 times as fast, or 0.75
# times where other programs take the cores in between; emulated, as where these are switched off, 0.4 times.
WORTH = 0.6


def fastest() -> str:
    """The fastest precision: "bfloat16" or "float32", measured for half a second; a GPU's own."""
    if placement.on_gpu():
        return _of_gpu(placement.capability())
    if not _has_units():
        return "float32"
    shares = [rate("bfloat16", *SHAPE, 2) / rate("float32", *SHAPE, 2) for _ in range(MEASURED)]
    return "bfloat16" if statistics.median(shares) > WORTH else "float32"


def here(known: str) -> str:
    """The precision in which this process trains, where perhaps another machine has measured ``known``.

    A GPU has its own. CPU cores without instructions for what a GPU computed in choose again.
    """
    if placement.on_gpu():
        return fastest()
    if known == "float16" or (known == "bfloat16" and not _has_units()):
        return fastest()
    return known


def _of_gpu(capability: tuple[int, int]) -> str:
    if capability >= BFLOAT16_FROM:
        return "bfloat16"
    return "float16" if capability >= FLOAT16_FROM or capability == P100 else "float32"


def _has_units() -> bool:
    """Whether the system says that the CPU cores have instructions for bfloat16; macOS does not say it."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split()
    except OSError:
        return False
    return any(unit in flags for unit in UNITS)


def rate(precision: str, rows: int, inputs: int, units: int, rounds: int = ROUNDS) -> float:
    """Operations per second of a matrix product (rows, inputs) x (inputs, units), in the fastest round."""
    one = tf.cast(tf.random.stateless_normal((rows, inputs), (0, 1)), precision)
    other = tf.cast(tf.random.stateless_normal((inputs, units), (0, 2)), precision)
    return 2 * rows * inputs * units / fastest_round(lambda: tf.matmul(one, other)[0, 0], rounds)


def fastest_round(compute: Callable[[], tf.Tensor], rounds: int) -> float:
    """Seconds of the fastest round of a computation of one number, after one that is not counted."""
    seconds = []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        compute().numpy()
        seconds.append(time.perf_counter() - started)
    return min(seconds[1:])
