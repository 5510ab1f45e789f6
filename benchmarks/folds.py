"""When folds pay: out-of-fold training against the refit, on pseudo-tests carved from the training rows.

    .venv/bin/python -m benchmarks.folds --budget 10m --splits 1 2 3 4 5
    .venv/bin/python -m benchmarks.folds --budget 10m --models conv       (or all: both families)

For each split PSEUDO of Fashion-MNIST's 60,000 training rows become the test of a competition of their own,
and the commands run as a user types them: a search of half the budget, whose best configurations are trained
in folds in the other half; and the same search continued to the whole budget, with its refit. Both
submissions are scored on the pseudo-test, the second also step by step (``benchmarks.prediction``). The
official test rows are not read. What the newest kept file has of a split stays in it until that split has
been measured again: the same command goes on with ``--splits 3 4 5`` on another day.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import prediction, project, record
from catwalk import option_values
from catwalk.core.paths import Paths
from catwalk.data import folds as data_folds
from catwalk.data import prepare
from catwalk.models import space
from catwalk.search import progress
from catwalk.submission import recipe

PSEUDO = 12_000
SOURCE = "fashion-mnist"
STEPS = {"folds": "refit", "refit": "ensemble", "ensemble": "best", "best": "unmirrored"}  # above which


def carve(folder: Path, rows: pd.DataFrame, split: int) -> Paths:
    """A project in ``folder`` whose test is a part of the training rows, with this SEED's random choice."""
    project.bare(folder)
    paths = Paths(folder, "pseudo")
    order = np.random.default_rng(split).permutation(len(rows))
    text = Paths(folder, SOURCE).toml.read_text(encoding="utf-8")
    head = text[: text.index("[sources]")].replace(
        "rows = [60000, 10000]", f"rows = [{len(rows) - PSEUDO}, {PSEUDO}]"
    )
    paths.toml.write_text(head, encoding="utf-8")
    paths.raw.mkdir(parents=True)
    rows.iloc[order[PSEUDO:]].to_csv(paths.raw / f"{SOURCE}_train.csv", index=False)
    rows.iloc[order[:PSEUDO]].to_csv(paths.raw / f"{SOURCE}_test.csv", index=False)
    return paths


def one_split(rows: pd.DataFrame, split: int, models: str, budget: float, count: int) -> dict[str, Any]:
    """Both arms of one search: accuracy on the pseudo-test, on what validates, and the forecast."""
    with TemporaryDirectory() as place:
        paths = carve(Path(place) / "project", rows, split)
        common = ["--competition", "pseudo", "--seed", str(split), "--models", models]
        test = pd.read_csv(paths.raw / f"{SOURCE}_test.csv")
        truth, pixels = test.pop("label").to_numpy(), test.to_numpy(np.uint8)
        found: dict[str, Any] = {"split": split, "models": models, "date": record.now(), **record.program()}
        found["processor"] = record.machine()["processor"]
        for arm, folds in (("folds", count), ("refit", 1)):
            # What the folds took counts as spent: the second arm is the same search without it.
            whole = budget + (0.0 if arm == "folds" else _seconds_of_folds(paths))
            asked = [*common, "--budget", f"{whole:.0f}s", "--folds", str(folds)]
            for stage in (["search"], ["predict", "--name", arm]):
                command = [sys.executable, "-m", "catwalk", stage[0], *asked, *stage[1:]]
                subprocess.run(command, cwd=paths.root, check=True)  # noqa: S603
            answers = pd.read_csv(paths.submission(arm))["Label"].to_numpy()
            made = recipe.read(paths, arm)
            assert made.validation is not None
            assert made.forecast is not None
            found[arm] = {
                "test": float(np.mean(answers == truth)),
                "validation": made.validation.accuracy,
                "forecast": made.forecast.interval,
                "folds": made.folds,
                "configurations": len(made.trials),
                "trials": made.trials_finished,
                "refitted": len(made.refit),
            }
        found["in_folds"] = prediction.of_folds(paths, recipe.read(paths, "folds"), truth)
        made = recipe.read(paths, "refit")
        found["steps"] = prediction.steps(paths, made, pixels, truth)
        found["steps"] |= prediction.of_families(paths, prepare.load(paths, split), made, pixels, truth)
        shutil.rmtree(paths.root)
    return found


def _seconds_of_folds(paths: Paths) -> float:
    """Seconds of training in folds so far."""
    states = progress.read(paths).items()
    return sum(state.spent for key, state in states if data_folds.is_of_folds(progress.parts(key)[2]))


def summary(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Gains in points, paired by split; how often the pseudo-test was inside the forecast, and its width."""
    said: dict[str, Any] = {"splits": len(found)}
    tests = [one["steps"] | {"refit": one["refit"]["test"], "folds": one["folds"]["test"]} for one in found]
    for step, before in STEPS.items():
        said[f"{step}_above_{before}"] = record.mean([100 * (one[step] - one[before]) for one in tests])
    for family in space.NETWORKS:  # with --models all, where each split has networks of it
        if all(family in one for one in tests):
            gains = [100 * (one["ensemble"] - one[family]) for one in tests]
            said[f"ensemble_above_{family}"] = record.mean(gains)
    for arm in ("folds", "refit"):
        intervals = [(one[arm]["forecast"], one[arm]["test"]) for one in found]
        said[f"{arm}_inside"] = sum(low <= test <= high for (low, high), test in intervals)
        said[f"{arm}_width"] = 100 * statistics.mean(high - low for (low, high), _ in intervals)
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--splits", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--models", default="dense")
    parser.add_argument("--budget", type=option_values.duration, default=600.0)
    parser.add_argument("--folds", type=int, default=5)
    options = parser.parse_args()
    project.end_by_sigterm()
    paths, loaded = project.here(SOURCE)
    rows = pd.read_csv(paths.raw / loaded.train_file)
    name = f"folds{options.folds}-{options.models}-{options.budget / 60:g}m"
    found = (record.newest(name) or {"splits": []})["splits"]
    for split in options.splits:
        new = one_split(rows, split, options.models, options.budget, options.folds)
        found = record.replaced(found, new, "split")
        said = summary(found)
        print(new, said, flush=True)
        print(f"kept in {record.keep(name, {'summary': said, 'splits': found})}", flush=True)


if __name__ == "__main__":
    main()
