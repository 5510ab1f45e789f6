"""The rate at which convolutional networks are trained, as a share of that of a matrix product.

    .venv/bin/python -m benchmarks.conv_rate

One thread, batches of the training rows of Fashion-MNIST, all in one process. A network's rate is three times
the operations of its forward pass (2 for each multiplication and addition; a backward pass takes two forward
ones) for each picture and second, with augmentation, loss, update and averages in the time. Beside it stand
the product of two 1024 x 1024 matrices, in bfloat16 and in float32; a convolution of portfolio conv 1's first
stage alone, with both of its gradients; and the residual block that a search measures before it chooses a
width. Medians of the rounds. The profile says where a step of portfolio conv 1 goes.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import engine, project, record
from catwalk.core import tensorflow_setup

tensorflow_setup.setup(threads=1)

import tensorflow as tf  # noqa: E402  (after the set-up)

from catwalk.data import competition, prepare  # noqa: E402
from catwalk.models import conv_plan, conv_speed, portfolio, precision, space  # noqa: E402
from catwalk.models.features import FeatureSet  # noqa: E402
from catwalk.models.train import Training  # noqa: E402

FIRST = "portfolio conv 1"
NETS: dict[str, space.Params] = {
    FIRST: portfolio.CONV,
    "24 channels": {**portfolio.CONV, "conv_width": 24},  # not a multiple of 16, see portfolio.CONV_WIDTHS
    "64 channels": {**portfolio.CONV, "conv_width": 64, "batch_size": 256},
    "64 channels, stepped stem": {**portfolio.CONV, "conv_width": 64, "conv_stem": "stepped"},
}
STEPS = 8  # of a measurement
SQUARE = (1024, 1024, 1024)
MUST, GOAL = 0.55, 0.7
ALONE, BLOCK = "convolution", "residual block"  # the keys of their rates


class Net:
    """A network in training."""

    def __init__(
        self, loaded: competition.Competition, prepared: prepare.Prepared, params: space.Params, how: str
    ) -> None:
        views = FeatureSet(project.here(loaded.name)[0], prepared, loaded.shape)
        self.training = Training(prepared, loaded, views, how, params, 1)
        self._order = tf.constant(np.random.default_rng(1).permutation(prepared.train))
        batch = space.batch_size(params, len(prepared.train))
        self.forward = conv_plan.operations(views.shape, params)  # floating-point operations for a picture
        self._work = conv_plan.TRAINING_FACTOR * self.forward * batch
        self.rate()  # traces

    def rate(self) -> float:
        """Operations per second."""
        return _rate(lambda: self.steps(STEPS), self._work)

    def steps(self, count: int) -> None:
        float(self.training._step.run(self._order, tf.constant(0), tf.constant(count))[0])


class Convolution:
    """A convolution of portfolio conv 1's first stage, forward and backward, and nothing between them."""

    def __init__(self, shape: tuple[int, ...], precision: str) -> None:
        stage, kernel = conv_plan.stages(shape, portfolio.CONV)[0], conv_plan.BLOCK_KERNEL
        rows, width = int(portfolio.CONV["batch_size"]), stage.channels
        shapes = ((rows, stage.height, stage.width, width), (kernel, kernel, width, width))
        self._sides = [tf.cast(tf.random.stateless_normal(shape, (0, 1)), precision) for shape in shapes]
        self._run = tf.function(self._steps, autograph=False)
        self._work = conv_plan.TRAINING_FACTOR * rows * conv_plan.of_convolution(stage, width, kernel)
        self.rate()  # traces

    def _steps(self) -> tf.Tensor:
        def body(i: tf.Tensor, x: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, ...]:
            with tf.GradientTape() as tape:
                tape.watch((x, kernel))
                loss = tf.reduce_sum(tf.nn.conv2d(x, kernel, 1, "SAME"))
            to_x, to_kernel = tape.gradient(loss, (x, kernel))
            tiny = tf.constant(1e-30, x.dtype)  # nothing changes, and all is computed
            return i + 1, x + to_x * tiny, kernel + to_kernel * tiny

        start = (tf.constant(0), *self._sides)
        return tf.while_loop(lambda i, *_: i < STEPS, body, start, parallel_iterations=1)[2]

    def rate(self) -> float:
        """Operations per second."""
        return _rate(lambda: self._run().numpy(), self._work)


def _rate(steps: Callable[[], object], work: float) -> float:
    """Operations per second of ``STEPS`` steps, of which each has so much work."""
    started = time.perf_counter()
    steps()
    return STEPS * work / (time.perf_counter() - started)


def measure(rounds: int) -> dict[str, Any]:
    paths, loaded = project.here("fashion-mnist")
    prepared = prepare.load(paths, 1)
    chosen = precision.fastest()
    nets = {name: Net(loaded, prepared, params, chosen) for name, params in NETS.items()}
    alone, rows = Convolution((*loaded.shape, 1)[:3], chosen), []
    for _ in range(rounds):
        row = {how: precision.rate(how, *SQUARE) for how in ("bfloat16", "float32")}
        row |= {ALONE: alone.rate(), BLOCK: conv_speed.block(chosen)}
        row |= {name: net.rate() for name, net in nets.items()}
        rows.append(row)
    middle = {name: statistics.median(row[name] for row in rows) for name in rows[0]}
    shares = {
        name: statistics.median(row[name] / row["bfloat16"] for row in rows) for name in [*NETS, ALONE, BLOCK]
    }
    work = {name: net.forward for name, net in nets.items()}
    return {
        "precision": chosen, "rounds": rows, "rates": middle, "shares": shares, "operations": work,
        "profile": engine.profile(nets[FIRST].steps, STEPS),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    figures = measure(parser.parse_args().rounds)
    for how in ("bfloat16", "float32"):
        print(f"{how} product 1024x1024x1024: {figures['rates'][how] / 1e9:.0f} GFLOP/s")
    print(f"trained in {figures['precision']}:")
    for name, share in figures["shares"].items():
        print(
            f"  {name}: {figures['rates'][name] / 1e9:.0f} GFLOP/s, {share:.2f} of the bfloat16 product's "
            f"(must {MUST}, goal {GOAL})"
        )
    print(f"kept in {record.keep('conv_rate', figures).relative_to(project.ROOT)}")


if __name__ == "__main__":
    main()
