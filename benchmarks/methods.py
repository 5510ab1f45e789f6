"""The search's methods: TPE or random search, halving or every trial to its last epoch, on one budget.

    .venv/bin/python -m benchmarks.methods --budget 3m --seeds 3

Each arm is a search with one worker from the same first networks (the baselines and the quick one), in a
process and a study of its own, as many at a time as there are cores; a seed's arms have the same split and
follow each other. They learn from ROWS pictures only: with all of them three minutes hold no more trials than
the portfolio has, and no method would matter. None runs alone: where tasks are missing beside the last ones,
some are repeated, uncounted. What counts is what a user gets: the validation accuracy of the best network and
of the ensemble. The test rows are not touched.
"""

import argparse
import itertools
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from benchmarks import project, record
from benchmarks.project import ROOT
from catwalk.core import tensorflow_setup
from catwalk.data.run_context import RunContext
from catwalk.search import limits

ARMS = {
    "tpe, halving": (True, True),
    "random, halving": (False, True),
    "tpe, to the last epoch": (True, False),
}


def run(opened: optuna.Study, context: RunContext, started: float, budget: float) -> None:
    """Run the study's trials in this process until ``budget`` seconds after ``started`` are over."""
    from catwalk.models import precision
    from catwalk.models.features import FeatureSet
    from catwalk.models.train import OutOfTimeError
    from catwalk.search.trial import Clock, Objective

    views = FeatureSet(context.paths, context.prepared, context.competition.shape)
    clock = Clock(started, started + budget, budget)
    objective = Objective(context, opened.study_name, views, precision.fastest(), clock, lambda *_: None)
    while time.monotonic() < started + 0.95 * budget:
        opened.optimize(objective, n_trials=1, gc_after_trial=True, catch=OutOfTimeError)


def search(arm: str, seed: int, budget: float, name: str, features: str, rows: int) -> dict[str, Any]:
    """One arm of one seed: what it found."""
    started = time.monotonic()
    tensorflow_setup.setup(threads=1)
    from catwalk.core.paths import Paths
    from catwalk.data import competition, prepare
    from catwalk.models import metrics, portfolio
    from catwalk.search import first_trials, study
    from catwalk.submission import ensemble

    with tempfile.TemporaryDirectory() as folder:
        loaded, whole = competition.load(Paths(ROOT, name)), prepare.load(Paths(ROOT, name), seed)
        prepared = replace(whole, train=np.random.default_rng(seed).permutation(whole.train)[:rows])
        paths = Paths(Path(folder), name)
        opened = study.create(paths, prepared, features)
        is_tpe, is_halving = ARMS[arm]
        opened.sampler = study.sampler(seed, 0, "local", 0) if is_tpe else optuna.samplers.RandomSampler(seed)
        opened.pruner = study.FamilyPruner() if is_halving else optuna.pruners.NopPruner()
        for kind, configuration in portfolio.first(features, loaded.augment)[:3]:
            first_trials.enqueue_once(opened, kind, configuration)
        run(opened, RunContext(paths, loaded, prepared, seed, features), started, budget)
        complete = study.complete(opened)
        labels = prepared.labels[prepared.validation]
        said = np.stack([np.load(paths.probabilities(opened.study_name, t.number)) for t in complete[:20]])
        chosen = ensemble.select(said, labels)
        tried = [t for t in study.finished(opened) if "kind" not in t.user_attrs]
        return {
            "arm": arm,
            "seed": seed,
            "best": complete[0].value,
            "ensemble": metrics.accuracy(chosen.average(said), labels),
            "complete": len(complete),
            "of_search": len(tried),
        }


def with_neighbours(tasks: list[Any], at_once: int) -> list[Any]:
    """The tasks, and as many of the first again as are missing for the last ones not to run alone."""
    return [*tasks, *tasks[: -len(tasks) % at_once]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--competition", default="fashion-mnist")
    parser.add_argument("--features", default="pixels")
    parser.add_argument("--budget", default="3m")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=6000, help="training pictures")
    options = parser.parse_args()
    from catwalk import option_values
    from catwalk.models import features

    seeds = range(1, options.seeds + 1)
    _, loaded = project.here(options.competition, seeds)
    seen, budget = features.resolve(options.features, loaded.shape), option_values.duration(options.budget)
    tasks = [(arm, seed, budget, options.competition, seen, options.rows)
             for seed in seeds for arm in ARMS]  # fmt: skip
    rows = []
    cores = limits.cores()
    with ProcessPoolExecutor(cores, get_context("spawn"), max_tasks_per_child=1) as pool:
        done = pool.map(search, *zip(*with_neighbours(tasks, cores), strict=True))
        for row in itertools.islice(done, len(tasks)):
            rows.append(row)
            print(row, flush=True)
    for arm in ARMS:
        mine = [row for row in rows if row["arm"] == arm]
        best, both = ([row[key] for row in mine] for key in ("best", "ensemble"))
        print(f"{arm:24s} best {statistics.median(best):.4f}, ensemble {statistics.median(both):.4f}")
    print(f"kept in {record.keep('methods', {**vars(options), 'runs': rows})}")


if __name__ == "__main__":
    main()
