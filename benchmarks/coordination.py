"""What a trial costs beside its training, with 10, 100 and 1,000 finished trials in the study.

    .venv/bin/python -m benchmarks.coordination

A trial here does all that a real one does but train: it is given its parameters by the sampler, reports 20
epochs, asks the pruner after each, keeps its history; the parent then does what it does after a trial. The
finished trials of the study are made up (random parameters, a plausible learning curve), a third of them
complete. The limit is 0.12 s a trial, on SQLite and on PostgreSQL, which a team shares, on loopback.
"""

import argparse
import contextlib
import statistics
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import optuna
from optuna.trial import TrialState

from benchmarks import project, record
from catwalk.core.paths import Paths
from catwalk.data.prepare import Prepared
from catwalk.models import space
from catwalk.search import study, supervisor, worker_pool
from catwalk.search.display import Display
from catwalk.search.limits import Limits

ALLOWED = ("flip", "shift")  # augmentation, as Fashion-MNIST has it
EPOCHS = 20
CURVE = [0.9 - 0.3 / (epoch + 1) for epoch in range(EPOCHS)]


def history(shift: float) -> list[dict[str, float]]:
    keys = ("train_loss", "train_accuracy", "loss")
    return [
        {"epoch": i + 1, "epochs": EPOCHS, "accuracy": value + shift, **dict.fromkeys(keys, 0.512345)}
        for i, value in enumerate(CURVE)
    ]


def fill(opened: optuna.Study, trials: int) -> None:
    """Add finished trials: random parameters, a third complete, the others stopped after 2 or 6 epochs."""
    random = np.random.default_rng(0)
    source = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    made = []
    for i in range(trials):
        asked = source.ask()
        space.suggest(asked, "local", ALLOWED)
        shift = float(random.normal(0, 0.02))
        epochs = EPOCHS if i % 3 == 0 else int(random.choice([2, 6]))
        curve = {e + 1: CURVE[e] + shift for e in range(epochs)}
        made.append(
            optuna.trial.create_trial(
                state=TrialState.COMPLETE if epochs == EPOCHS else TrialState.PRUNED,
                value=curve[epochs],
                params=asked.params,
                distributions=asked.distributions,
                intermediate_values=curve,
                user_attrs={
                    "seed": i,
                    "seconds": 1.0,
                    "history": history(shift)[:epochs],
                    "versions": study.versions(),
                },
                system_attrs={
                    f"completed_rung_{r}": curve[e] for r, e in ((0, 2), (1, 6), (2, 18)) if e <= epochs
                },
            )
        )
    opened.add_trials(made)


def objective(trial: optuna.Trial) -> float:
    space.suggest(trial, "local", ALLOWED)
    trial.set_user_attr("seed", 1)
    trial.set_user_attr("versions", study.versions())
    for epoch, value in enumerate(CURVE):
        trial.report(value, epoch + 1)
        if epoch + 1 in study.RUNGS:
            trial.should_prune()
    trial.set_user_attr("history", history(0.0))
    trial.set_user_attr("seconds", 1.0)
    return CURVE[-1]


def measure(trials: int, rounds: int, team: bool) -> dict[str, Any]:
    """Seconds a trial takes in the worker and in the parent with so many finished trials."""
    with contextlib.ExitStack() as stack:
        paths = Paths(Path(stack.enter_context(tempfile.TemporaryDirectory())), "digits")
        if team:
            paths = stack.enter_context(project.shared(paths))
        prepared = cast(Prepared, SimpleNamespace(fingerprint="f", split="s1"))
        opened = study.create(paths, prepared, "pixels")
        fill(opened, trials)
        worker = optuna.load_study(
            study_name=opened.study_name,
            storage=study.open_storage(paths),
            sampler=study.sampler(1, 1, "pixels", trials),
            pruner=study.FamilyPruner(),
        )
        parent = supervisor.Supervisor(paths, Limits(None, 10**6), time.monotonic(), 0.0, Display())
        seconds: list[tuple[float, float]] = []
        for _ in range(rounds + 1):
            started = time.perf_counter()
            worker.optimize(objective, n_trials=1)
            between = time.perf_counter()
            last = worker_pool.Worker(None, cast(Any, None), 0, trial=trials + len(seconds))
            parent.after_trial(opened, last)
            parent.record(opened)
            seconds.append((between - started, time.perf_counter() - between))
        in_worker, in_parent = (statistics.median(column) for column in zip(*seconds[1:], strict=True))
        place = "PostgreSQL" if team else "SQLite"
        return {
            "storage": place,
            "finished": trials,
            "worker_seconds": in_worker,
            "parent_seconds": in_parent,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    figures = [measure(trials, options.rounds, team) for team in (False, True) for trials in (10, 100, 1000)]
    print(f"{'':12}{'finished trials':>15}{'worker s':>10}{'parent s':>10}   (median of {options.rounds})")
    for row in figures:
        print(
            f"{row['storage']:12}{row['finished']:>15}{row['worker_seconds']:>10.3f}{row['parent_seconds']:>10.3f}"
        )
    print(f"kept in {record.keep('coordination', {'limit_seconds': 0.12, 'figures': figures})}")


if __name__ == "__main__":
    main()
