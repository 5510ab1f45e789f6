"""Team models: networks that other members trained; they are copied from where the team stores them.

What can't be copied is trained again here from its trial record, as far as predict's own time allows.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catwalk.core import process_pool
from catwalk.core.paths import Paths
from catwalk.core.plurals import counted
from catwalk.data.run_context import RunContext
from catwalk.models import retrain
from catwalk.search import artifacts, limits, model_store, progress
from catwalk.search.model_store import is_kept, worth_keeping
from catwalk.submission import chosen_trials, refit

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

    from catwalk.search.trial_record import TrialRecord

PASSES = 3  # over the best trials, for others may find better ones meanwhile


@dataclass(frozen=True)
class Task:
    """A trial to train here: the input of its process."""

    key: str
    number: int
    again: retrain.Task


def bring(context: RunContext, opened: "optuna.Study", seconds: float) -> int:
    """Copy the study's best networks that are missing here, and train again what can't be copied.

    A training has its trial's own parameters, seed and plan, and its precision if this machine has it. It
    begins only if it should end in time, but the best one in any case if no network is here at all; once
    begun, it is finished.

    Args:
        context: the competition, with a team.
        opened: the study.
        seconds: for trainings.

    Returns:
        How many networks are still missing here.
    """
    from catwalk.search import study

    paths, key = context.paths, study.key(opened)
    _copy(context, opened)
    if absent := chosen_trials.absent(paths, opened):
        _train_again(context, key, absent, seconds, _is_alone(paths, opened))
    model_store.drop(paths, key, opened)
    absent = chosen_trials.absent(paths, opened)
    if absent:
        context.say(_told(absent, len(worth_keeping(study.complete(opened))), seconds))
    return len(absent)


def offer(context: RunContext, opened: "optuna.Study", until: float | None) -> None:
    """Store what is kept here, also what was trained before there was a place for it.

    The submission is complete before, so an unreachable server is said and is no error.

    Args:
        context: the competition, with a team.
        opened: the study.
        until: ``time.time()`` after which no further network is stored; None: no limit.
    """
    from catwalk.search import storage_errors, study

    paths = context.paths
    try:
        key, stored = study.key(opened), artifacts.stores(paths, opened)
        best = worth_keeping(study.complete(opened))
        here = [trial.number for trial in best if is_kept(paths, key, trial.number)]
        lines = artifacts.offer(paths, key, here, stored, lambda: until is not None and time.time() > until)
        artifacts.drop(key, opened, stored)
    except Exception as error:
        why = storage_errors.of_team(paths, error).what
        lines = [f"your networks may not be stored for the team, because {why}"]
    for line in lines:
        context.say(f"predict: {line}")


def out_of_reach(context: RunContext, opened: "optuna.Study", seconds: float) -> int:
    """How many networks ``bring`` would leave missing: neither here nor stored, nor trained in the time."""
    from catwalk.search import study

    paths, absent = context.paths, chosen_trials.absent(context.paths, opened)
    stored = artifacts.available(paths, study.key(opened), artifacts.stores(paths, opened), absent)
    lacking = _records([trial for trial in absent if trial.number not in stored])
    if not lacking:
        return 0
    with progress.lock_if_free(paths) as free:
        return len(lacking) - len(_fitting(lacking, _cores(context, free), seconds))


def _cores(context: RunContext, is_free: bool) -> int:
    """Processes that may train; where a search has the cores, one beside it."""
    return limits.workers_after_search(context.workers) if is_free else 1


def _is_alone(paths: Paths, opened: "optuna.Study") -> bool:
    """Whether no network at all is here."""
    from catwalk.search import study

    return len(chosen_trials.absent(paths, opened)) == len(worth_keeping(study.complete(opened)))


def _copy(context: RunContext, opened: "optuna.Study") -> None:
    """Copy what is stored; once more if others have found better ones meanwhile."""
    from catwalk.search import study

    paths, key, stored = context.paths, study.key(opened), artifacts.stores(context.paths, opened)
    for turn in range(PASSES):
        absent = chosen_trials.absent(paths, opened)
        there = artifacts.available(paths, key, stored, absent)
        wanted = [trial.number for trial in absent if trial.number in there]
        if not wanted:
            return
        if turn == 0:
            many = counted(len(wanted), "network")
            context.say(f"predict: copying {many} that others of the team have trained")
        for number in wanted:
            artifacts.fetch(paths, key, number, stored)


def _train_again(
    context: RunContext, key: str, absent: "Sequence[FrozenTrial]", seconds: float, is_alone: bool
) -> None:
    missing = _records(absent)
    with progress.lock_if_free(context.paths) as free:
        cores = _cores(context, free)
        chosen = _fitting(missing, cores, seconds)
        if not chosen and is_alone:
            chosen = missing[:1]
        if not chosen:
            return
        many = counted(len(chosen), "network")
        context.say(f"predict: training {many} of others again, because no copy is stored")
        tasks = [
            Task(key, trial.number, refit.task_of(context.paths, context.seed, trial)) for trial in chosen
        ]
        whole = sum(map(_needed, chosen)) / min(cores, len(chosen))
        process_pool.run_all(_train, tasks, "training", cores, whole, time.monotonic() + seconds)


def _told(absent: "Sequence[FrozenTrial]", best: int, seconds: float) -> str:
    """Which networks are missing, and what would bring them."""
    missing = _records(absent)
    names = [f"{trial.number} of {trial.member}" for trial in missing]
    fix = f"a predict on those machines stores them (up to {artifacts.LARGEST / 1e6:.0f} MB each)"
    if not math.isinf(seconds):
        needed = math.ceil((seconds + sum(map(_needed, missing))) / 60)
        fix += f", or train them again here: make predict BUDGET={needed}m"
    return f"predict: {chosen_trials.absent_in_words(names, best)}: {fix}"


def _records(trials: "Sequence[FrozenTrial]") -> "list[TrialRecord]":
    from catwalk.search import trial_record

    return [trial_record.of(trial) for trial in trials]


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
    return refit.starting(trial) + refit.seconds_of(trial)


def _train(task: Task) -> float | None:
    """Train a trial again in another process and keep its network; return its value."""
    made = retrain.train(task.again)
    if made is None:
        return None
    return model_store.keep(task.again.paths, task.key, task.number, made.prepared, made.model)
