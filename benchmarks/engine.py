"""The engine: its epochs beside plain Keras and beside what the machine's matrix products allow.

    .venv/bin/python -m benchmarks.engine

One thread, whole epochs over the training rows of Fashion-MNIST, all in one process. In each round every
candidate has its turn; a figure is the median of the rounds. Two networks: 784-1024-1024-10 with batch norm,
dropout 0.3, AdamW and batch 512, and the beginners' 784-128-10 with batch 128. Plain Keras is ``model.fit``
in float32 with ``jit_compile=False`` (its default, XLA, is slower on a CPU), on standardised float32 arrays
in memory. The first epoch of everything, which traces, is left out.
"""

import argparse
import collections
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import project, record
from benchmarks.project import ROOT
from catwalk.core import tensorflow_setup

tensorflow_setup.setup(threads=1)

import keras  # noqa: E402  (after the set-up)
import tensorflow as tf  # noqa: E402

from catwalk.core.paths import Paths  # noqa: E402
from catwalk.data import competition, prepare  # noqa: E402
from catwalk.models import portfolio, precision, space  # noqa: E402
from catwalk.models.features import FeatureSet  # noqa: E402
from catwalk.models.train import Training  # noqa: E402

LIMITS = {
    "share": (0.50, 0.65),
    "large": (3.5, 5),
    "small": (3, 5),
    "trace": (1.5, 0.7),
    "evaluate": (0.05, 0.02),
}
NETS: dict[str, space.Params] = {
    "large": {
        **portfolio.PLAIN, "depth": 2, "width_1": 1024, "width_2": 1024, "norm": "batch", "dropout": 0.3,
        "batch_size": 512, "weight_decay": 4e-3,
    },
    "small": portfolio.BASELINES["beginner"],
}  # fmt: skip


def seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


class Ours:
    """The engine on one network."""

    def __init__(
        self, loaded: competition.Competition, prepared: prepare.Prepared, params: space.Params, how: str
    ):
        keras.backend.clear_session()
        started = time.perf_counter()
        self.training = Training(
            prepared, loaded, FeatureSet(Paths(ROOT, "fashion-mnist"), prepared, loaded.shape), how, params, 1
        )
        self.order = tf.constant(np.random.default_rng(1).permutation(prepared.train))
        self.steps(1)
        self.training._step.evaluate()[0].numpy()
        whole = time.perf_counter() - started
        # What is not building and tracing: one step and one evaluation, now that they are there.
        self.trace = whole - seconds(lambda: self.steps(1)) - seconds(self.evaluate)

    def steps(self, count: int) -> None:
        float(self.training._step.run(self.order, tf.constant(0), tf.constant(count))[0])

    def epoch(self) -> None:
        self.steps(self.training.steps_per_epoch)

    def evaluate(self) -> None:
        float(self.training._step.evaluate()[0])


class Plain:
    """The same network in plain Keras."""

    def __init__(self, prepared: prepare.Prepared, params: space.Params):
        keras.backend.clear_session()
        layers = keras.layers
        self.model = keras.Sequential([keras.Input((prepared.pixels.shape[1],))])
        for number in range(1, params["depth"] + 1):
            self.model.add(layers.Dense(params[f"width_{number}"], use_bias=params["norm"] == "none"))
            if params["norm"] == "batch":
                self.model.add(layers.BatchNormalization())
            self.model.add(layers.Activation("relu"))
            if params["dropout"]:
                self.model.add(layers.Dropout(params["dropout"]))
        self.model.add(layers.Dense(10))
        self.model.compile(
            keras.optimizers.AdamW(params["learning_rate"], weight_decay=params["weight_decay"]),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
            jit_compile=False,
        )
        pixels = prepared.pixels[prepared.train].astype(np.float32)
        self.arrays = (pixels - pixels.mean()) / pixels.std(), prepared.labels[prepared.train]
        self.batch = params["batch_size"]
        self.epoch()

    def epoch(self) -> None:
        self.model.fit(*self.arrays, batch_size=self.batch, epochs=1, verbose=0)


def products(params: space.Params) -> list[tuple[int, int, int]]:
    """(rows, inputs, units) of each layer's matrix product."""
    widths = [784, *(params[f"width_{number}"] for number in range(1, params["depth"] + 1)), 10]
    return [(params["batch_size"], a, b) for a, b in itertools.pairwise(widths)]


def ideal(params: space.Params, how: str) -> float:
    """Seconds that a step's matrix products take alone: forward and both gradients at each layer's shape."""
    total = 0.0
    for number, (rows, inputs, units) in enumerate(products(params)):
        shapes = [(rows, inputs, units), (inputs, rows, units)]
        if number:  # nobody asks for the gradient by the pixels
            shapes.append((rows, units, inputs))
        total += sum(2 * rows * inputs * units / precision.rate(how, *shape) for shape in shapes)
    return total


def profile(run: Callable[[int], object], steps: int) -> dict[str, float]:
    """Milliseconds a step by kind of kernel, from TensorFlow's profiler.

    Without what is computed before the steps: dropout's numbers.

    Args:
        run: trains so many steps.
        steps: that are profiled.
    """
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        run(steps)
        tf.profiler.experimental.stop()
        (file,) = Path(folder).rglob("*.xplane.pb")
        space_ = xplane_pb2.XSpace.FromString(file.read_bytes())
    spent: collections.Counter[str] = collections.Counter()
    for plane in space_.planes:
        for line in plane.lines:
            for event in line.events:
                name = plane.event_metadata[event.metadata_id].name
                if name.startswith("while/body"):
                    spent[name.rsplit(":", 1)[-1]] += event.duration_ps / 1e9 / steps
    return {name.removeprefix("_Mkl").removeprefix("Native"): spent[name] for name, _ in spent.most_common()}


def measure(rounds: int) -> dict[str, Any]:
    paths, loaded = project.here("fashion-mnist")
    prepared = prepare.load(paths, 1)
    chosen = precision.fastest()
    ours = {name: Ours(loaded, prepared, params, chosen) for name, params in NETS.items()}
    exact = {name: Ours(loaded, prepared, params, "float32") for name, params in NETS.items()}
    plain = {name: Plain(prepared, params) for name, params in NETS.items()}
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in NETS}
    for number in range(rounds):
        for name, params in NETS.items():
            row = {
                "engine": seconds(ours[name].epoch),
                "engine_float32": seconds(exact[name].epoch),
                "keras": seconds(plain[name].epoch),
                "evaluate": statistics.median(seconds(ours[name].evaluate) for _ in range(5)),
            }
            if name == "large":  # the small products cannot be timed alone: calling them takes as long
                row["ideal"] = ideal(params, chosen) * ours[name].training.steps_per_epoch
                for how in ("bfloat16", "float32"):
                    row[f"rate_{how}"] = precision.rate(how, *products(params)[0])
            rows[name].append(row)
            print(
                f"round {number + 1}, {name}: " + ", ".join(f"{k} {v:.4g}" for k, v in row.items()),
                flush=True,
            )
    traces = [
        Ours(
            loaded, prepared, {**NETS["large"], "width_1": 900 + 8 * number, "depth": 2 + number % 2}, chosen
        ).trace
        for number in range(rounds)
    ]
    return {
        "precision": chosen,
        "rounds": rows,
        "trace": traces,
        "profile": {name: profile(ours[name].steps, 20 if name == "large" else 400) for name in NETS},
    }


def table(figures: dict[str, Any]) -> dict[str, Any]:
    """The figures held against their limits: name, what is measured, (must, goal)."""
    rows = figures["rounds"]

    def middle(net: str, ratio: Callable[[dict[str, float]], float]) -> float:
        return statistics.median(ratio(row) for row in rows[net])

    return {
        "share": middle("large", lambda row: row["ideal"] / row["engine"]),
        "large": middle("large", lambda row: row["keras"] / row["engine"]),
        "large_at_best": middle("large", lambda row: row["keras"] / row["ideal"]),
        "small": middle("small", lambda row: row["keras"] / row["engine"]),
        "trace": statistics.median(figures["trace"]),
        "evaluate": middle("large", lambda row: row["evaluate"] / row["engine"]),
        "evaluate_small": middle("small", lambda row: row["evaluate"] / row["engine"]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    figures = measure(options.rounds)
    figures["summary"] = table(figures)
    said = {
        "share": "784-1024-1024-10: share of the matmul rate",
        "large": "784-1024-1024-10 against model.fit",
        "large_at_best": "  what matrix products alone would allow",
        "small": "784-128-10 against model.fit",
        "trace": "build and trace, seconds",
        "evaluate": "evaluation, share of an epoch",
        "evaluate_small": "  of 784-128-10",
    }
    print(f"\nprecision: {figures['precision']}")
    for name, text in said.items():
        must, goal = LIMITS.get(name, ("", ""))
        print(f"{text:44s} {figures['summary'][name]:7.3f}   must {must}, goal {goal}")
    for name, spent in figures["profile"].items():
        total = sum(spent.values())
        print(f"\nwhere a step of {name} goes ({total:.2f} ms in kernels):")
        for kernel, milliseconds in list(spent.items())[:12]:
            print(f"  {kernel:36s} {milliseconds:8.3f} ms {milliseconds / total:6.1%}")
    print(f"\nkept in {record.keep('engine', figures).relative_to(ROOT)}")


if __name__ == "__main__":
    main()
