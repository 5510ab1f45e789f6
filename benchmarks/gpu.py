"""A GPU's training: seconds an epoch by precision and width, and the trials of a search.

    .venv/bin/python -m benchmarks.gpu engine       networks one after the other, in one process
    .venv/bin/python -m benchmarks.gpu search       a whole search of MODELS=all, a worker for each GPU

Of Fashion-MNIST, on validation. The first epoch of a network has its compilation in it, so the seconds of an
epoch are the median of the later ones, with their evaluation. Each network of ``engine`` has its accuracy
after each epoch, and when it first reached each of ``ACCURACIES``; networks that were measured before on the
same kind of GPU, and are not asked for, stay. A search is judged by its own record.
"""

import argparse
import csv
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import project, record
from catwalk.core import gpus, tensorflow_setup

ACCURACIES = (0.94, 0.945, 0.95, 0.955)
EPOCHS = 20
BRIEF = 3  # epochs of a network whose speed alone is measured
LONG = 60


@dataclass(frozen=True)
class Net:
    """A network that ``engine`` trains.

    Attributes:
        changes: to the portfolio's first convolutional network; None: its first dense one.
        precision: of its layers.
        by_xla: whether XLA compiles the steps.
        epochs: of its training.
    """

    changes: dict[str, Any] | None
    precision: str = "bfloat16"
    by_xla: bool = True
    epochs: int = EPOCHS


NETS = {
    "64 channels, bfloat16": Net({"conv_width": 64}),
    "96 channels, bfloat16": Net({"conv_width": 96}),
    "128 channels, bfloat16": Net({"conv_width": 128}),
    "64 channels, float16": Net({"conv_width": 64}, "float16"),
    "64 channels, bfloat16, without XLA": Net({"conv_width": 64}, by_xla=False, epochs=BRIEF),
    "dense, bfloat16": Net(None),
    "96 channels, longer": Net({"conv_width": 96}, epochs=LONG),
    "128 channels, longer": Net({"conv_width": 128}, epochs=LONG),
    "128 channels, longer, mixup": Net({"conv_width": 128, "mixup": 0.2}, epochs=LONG),
    "128 channels, longer, erased": Net({"conv_width": 128, "erase": 0.4}, epochs=LONG),
    "192 channels, longer": Net({"conv_width": 192}, epochs=LONG),
}


def reached(seconds: Sequence[float], accuracies: Sequence[float]) -> dict[str, float | None]:
    """When each of ``ACCURACIES`` was first reached; None: never."""
    both = sorted(zip(seconds, accuracies, strict=True))
    return {
        f"{100 * least:g}%": next((round(second, 1) for second, value in both if value >= least), None)
        for least in ACCURACIES
    }


def train(chosen: Sequence[str], file: Path | None) -> dict[str, Any]:
    """Train networks on the first GPU; what is measured is written after each of them."""
    os.environ[tensorflow_setup.ASSIGNED] = gpus.found()[0].visible
    tensorflow_setup.setup()
    from catwalk.data import prepare
    from catwalk.models import conv_speed, placement, portfolio
    from catwalk.models.features import FeatureSet
    from catwalk.models.train import Training
    from catwalk.search import limits

    paths, loaded = project.here("fashion-mnist")
    prepared = prepare.load(paths, 1)
    views = FeatureSet(paths, prepared, loaded.shape)
    figures: dict[str, Any] = {"gpu": _gpu(), "networks": _kept()}
    for how in ("bfloat16", "float16", "float32"):
        figures[f"convolution, {how}, operations per second"] = conv_speed.forward(how)
    compiles = placement.compiles()
    for name in chosen:
        net = NETS[name]
        placement.compiles = lambda by_xla=net.by_xla: by_xla and compiles  # type: ignore[assignment]
        params = portfolio.STRONG if net.changes is None else {**portfolio.CONV, **net.changes}
        began = time.monotonic()
        training = Training(prepared, loaded, views, net.precision, params, 1)
        ends, accuracies = [time.monotonic()], []
        for epoch in training.epochs(net.epochs, None):
            ends.append(time.monotonic())
            accuracies.append(round(epoch.accuracy, 4))
        each = [later - before for before, later in itertools.pairwise(ends)]
        figures["networks"][name] = {
            "date": record.now(),
            **record.program(),
            "cores": limits.cores(),
            "building": ends[0] - began,
            "first epoch": each[0],
            "epoch": statistics.median(each[1:]),
            "accuracies": accuracies,
            "seconds to": reached([end - began for end in ends[1:]], accuracies),
        }
        print(name, json.dumps(figures["networks"][name]), flush=True)
        if file is not None:
            file.write_text(json.dumps(figures), encoding="utf-8")
    return figures


def search(budget: str, models: str) -> dict[str, Any]:
    """A search in this project, which must have none yet; its trials as trials.csv has them."""
    paths, _ = project.here("fashion-mnist")
    command = ["search", "--competition", "fashion-mnist", "--models", models, "--budget", budget]
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "catwalk", *command], cwd=project.ROOT, check=True)  # noqa: S603
    seconds = time.monotonic() - began
    with paths.trials.open(encoding="utf-8") as file:
        trials = list(csv.DictReader(file))
    return {"gpu": _gpu(), "budget": budget, "models": models, "seconds": seconds, "trials": trials}


def _kept() -> dict[str, Any]:
    """The networks in the newest file, if it is of this kind of GPU."""
    kept = record.newest("gpu-engine")
    return kept["networks"] if kept is not None and kept["gpu"] == _gpu() else {}


def _gpu() -> str:
    asked = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=("engine", "search"))
    parser.add_argument("--nets", nargs="+", choices=list(NETS), default=list(NETS))
    parser.add_argument("--budget", default="3m")
    parser.add_argument("--models", default="all")
    parser.add_argument("--file", type=Path, help="where the figures of engine are written as they come")
    chosen = parser.parse_args()
    if chosen.what == "engine":
        figures = train(chosen.nets, chosen.file)
    else:
        figures = search(chosen.budget, chosen.models)
    kept = record.keep(f"gpu-{chosen.what}", figures)
    print(f"kept in {kept.relative_to(project.ROOT)}")


if __name__ == "__main__":
    main()
