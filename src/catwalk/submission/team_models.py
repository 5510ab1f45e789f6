"""Team models: networks from trials of the team's other machines; they are copied or trained again here."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catwalk.core import process_pool
from catwalk.core.paths import Paths
from catwalk.data.prepare import Prepared
from catwalk.models import retrain
from catwalk.search import artifacts, limits, model_store, progress
from catwalk.search.model_store import is_kept, worth_keeping
from catwalk.submission import refit

if TYPE_CHECKING:
    import optuna

    from catwalk.search.trial_record import TrialRecord

SLOWER = 1.5  # times its seconds elsewhere: what one network may take if none is here at all


@dataclass(frozen=True)
class Task:
    """A trial to train here: the input of its process."""

    key: str
    number: int
    again: retrain.Task


def bring(
    paths: Paths,
    prepared: Prepared,
    split_seed: int,
    opened: "optuna.Study",
    until: float | None,
    say: Callable[[str], None],
) -> int:
    """Copy or retrain the study's best networks that are missing here, as far as the time allows.

    Where the artifact store has a network it is copied; else it is trained from its recipe, with its own
    parameters, seed, precision and plan. Where no network is here at all, there is time for the best one.

    Args:
        paths: the competition's, with a team.
        prepared: its arrays and split.
        split_seed: SEED, by which the processes find the same.
        opened: the study.
        until: ``time.time()`` by which it is done; None: no time limit.
        say: takes lines for people.

    Returns:
        How many of them are still not here.
    """
    from catwalk.search import study, trial_record

    key, complete = study.key(opened), study.complete(opened)
    wanted = worth_keeping(complete)
    absent = [trial for trial in wanted if not is_kept(paths, key, trial.number)]
    lacking = [trial for trial in absent if not artifacts.fetch(paths, key, opened, trial)]
    if not lacking:
        return 0
    missing = [trial_record.of(trial) for trial in lacking]
    seconds = math.inf if until is None else max(0.0, until - time.time())
    if len(missing) == len(wanted):
        seconds = max(seconds, SLOWER * _needed(missing[0]))
    with progress.lock_if_free(paths) as free:  # a search here has the cores
        cores = limits.workers(None) if free else 1
        chosen = _fitting(missing, cores, seconds)
        if not chosen:
            return len(missing)
        say(f"predict: {len(chosen)} networks that others found are trained again here, from their recipes")
        tasks = [Task(key, trial.number, refit.task_of(paths, split_seed, trial)) for trial in chosen]
        whole = sum(map(_needed, chosen)) / min(cores, len(chosen))
        process_pool.run_all(_train, tasks, "training", cores, whole, time.monotonic() + seconds)
    return sum(not is_kept(paths, key, trial.number) for trial in wanted)


def _fitting(trials: "list[TrialRecord]", cores: int, seconds: float) -> "list[TrialRecord]":
    """The best trials that can be trained in the given seconds on the given cores."""
    ends, chosen = [0.0] * cores, []
    for trial in trials:
        free = ends.index(min(ends))
        if ends[free] + _needed(trial) <= seconds:
            ends[free] += _needed(trial)
            chosen.append(trial)
    return chosen


def _needed(trial: "TrialRecord") -> float:
    return refit.STARTING + refit.seconds_of(trial)


def _train(task: Task) -> float | None:
    """Train a trial again in another process and keep its network; return its value, None if it diverged."""
    made = retrain.train(task.again)
    if made is None:
        return None
    return model_store.keep(task.again.paths, task.key, task.number, made.prepared, made.model)
