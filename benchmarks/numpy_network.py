"""An epoch of the first exercise's network beside its matrix products alone.

    .venv/bin/python -m benchmarks.numpy_network

60,000 pictures of 784 pixels, 300 hidden sigmoid units, 10 classes, batch gradient descent, float32, all
cores. Both are timed in turn; the ratio is the median of the rounds' ratios. The limit is 1.5.
"""

import statistics
import time

import numpy as np

from benchmarks import record
from catwalk.course.numpy_network import CHUNK, Array, gradients, initial, one_hot, update

ROWS, PIXELS, HIDDEN, CLASSES, ROUNDS, LIMIT = 60_000, 784, 300, 10, 7, 1.5


def products(weights: list[Array], pixels: Array) -> None:
    """The epoch's five matrix products, at the same shapes, and nothing else."""
    first, last = weights
    taken = np.ones((CHUNK, HIDDEN), pixels.dtype)
    error = np.ones((CHUNK, CLASSES), pixels.dtype)
    for start in range(0, len(pixels), CHUNK):
        some = pixels[start : start + CHUNK]
        rows = len(some)
        some @ first.T
        taken[:rows] @ last.T
        error[:rows].T @ taken[:rows]
        error[:rows] @ last
        taken[:rows].T @ some


def main() -> None:
    draw = np.random.default_rng(0)
    pixels = draw.random((ROWS, PIXELS), np.float32)
    targets = one_hot(draw.integers(0, CLASSES, ROWS), CLASSES)
    network = initial((PIXELS, HIDDEN, CLASSES), seed=1)
    rounds = []
    for number in range(ROUNDS + 1):
        began = time.perf_counter()
        update(network, gradients(network, pixels, targets), 0.1)
        between = time.perf_counter()
        products(network.weights, pixels)
        if number:  # the first one warms up
            rounds.append({"epoch": between - began, "products": time.perf_counter() - between})
    ratio = statistics.median(one["epoch"] / one["products"] for one in rounds)
    epoch, alone = (statistics.median(one[key] for one in rounds) for key in ("epoch", "products"))
    print(f"epoch {epoch:.2f} s, products alone {alone:.2f} s, ratio {ratio:.2f} (limit {LIMIT})")
    kept = record.keep("numpy_network", {"ratio": ratio, "limit": LIMIT, "rounds": rounds})
    print(f"kept in {kept}")


if __name__ == "__main__":
    main()
