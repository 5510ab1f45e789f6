"""Fold configurations: which of a search's configurations are trained in folds, in the rest of its budget."""

import math
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from catwalk.core import disk_space
from catwalk.core.plurals import counted
from catwalk.data import folds as data_folds
from catwalk.data.run_context import RunContext
from catwalk.search import fold_study, fold_training, limits, progress, search, study_progress
from catwalk.search.fold_study import Fold
from catwalk.search.fold_training import Resources
from catwalk.search.limits import Limits
from catwalk.search.trial_record import PREDICTING
from catwalk.submission import chosen_trials, refit

if TYPE_CHECKING:
    import optuna

    from catwalk.search.trial_record import TrialRecord

CONFIGURATIONS = 2  # where there is no time limit (TRIALS=)
MOST_CONFIGURATIONS = 6
STARTING = 5.0  # seconds of a training before its first epoch, on CPU cores
PLANNED = 0.9  # of the time, for trainings take more or less than the search's
LEAST = 0.6  # of the epochs that the search's trial had; trained for less, it is not worth its folds


def run(context: RunContext, asked: Limits, workers: int | None, command: str = "make search") -> bool:
    """Train the configurations with the largest ensemble weights in folds, as many as the budget allows.

    Args:
        context: of the search, which has ended.
        asked: the limits of search and folds together.
        workers: processes; None: as many as ``limits.workers`` says.
        command: that trains more, with a larger budget.

    Returns:
        Whether there was time for any, in this run or before.

    Raises:
        UserError, MachineError: see ``fold_training.run``.
    """
    started, paths, prepared, say = time.monotonic(), context.paths, context.prepared, context.say
    count = data_folds.possible(prepared, asked.folds)
    if count < asked.folds:
        say(f"folds: {count} instead of {asked.folds}, because a class has only {count} pictures")
    _, before = fold_study.known(context, count)
    search_key, searched = study_progress.known(paths, prepared, context.scope)
    budget = None
    if asked.budget is not None:
        budget = max(0.0, asked.budget - searched.spent - fold_study.spent(context, but=count))
    if search_key is not None and searched.folds != asked.folds:  # later stages follow it
        progress.write(paths, search_key, replace(searched, folds=asked.folds))
    is_done = _is_done(before, budget, searched.finished) and not fold_study.has_lost_files(context, count)
    if not is_done:
        _train(context, Limits(budget, None, count, asked.until), limits.workers(workers), started)
    _, after = fold_study.known(context, count)
    if after.ended == fold_study.NO_TIME and search.is_done(context, asked.without_folds()):
        used = max(asked.budget or 0.0, searched.spent + fold_study.spent(context))
        more = limits.shown(60 * math.ceil(used / 30))  # as much time again
        say(f"folds: the search has used the budget: {command} FOLDS={asked.folds} BUDGET={more}")
    elif not is_done and asked.budget is not None and fold_study.has_lost_files(context, count):
        more = limits.shown(2 * asked.budget)
        say(f"folds: files of networks are gone; to train them: {command} FOLDS={asked.folds} BUDGET={more}")
    elif after.ended is not None:
        say(f"folds: {'already done, ' if is_done else ''}{_told(after, asked, command)}")
    if not is_done:
        for line in _left_out(context, count):
            say(line)
    return after.ended != fold_study.NO_TIME


def _told(state: progress.Progress, asked: Limits, command: str) -> str:
    """What was trained, why it ended, and how to train more."""
    told = f"{counted(state.finished, 'network')} in {state.spent:.0f} s ({state.ended})"
    if state.ended == fold_study.ALL_TRAINED or asked.budget is None:
        return told
    return f"{told}; for more: {command} BUDGET={limits.shown(2 * asked.budget)}"


def _left_out(context: RunContext, count: int) -> Iterator[str]:
    """A line for each configuration of which a fold can't be trained."""
    from catwalk.search import failed_trials, retries

    opened = fold_study.load(context, count)
    trials = [] if opened is None else opened.get_trials(deepcopy=False)
    repeated = retries.retried_trials(trials)
    for trial in trials:
        has_failed = trial.state.name == "FAIL" and trial.number not in repeated
        if has_failed or trial.state.name == "PRUNED":
            why = trial.user_attrs.get(failed_trials.REASON, trial.user_attrs.get("ended", "it has failed"))
            fold = fold_study.of(trial)
            yield f"folds: {fold.title} ended without a network, so trial {fold.trial} is left out: {why}"


def _is_done(before: progress.Progress, budget: float | None, searched: int) -> bool:
    """Whether an earlier run trained all that fits in the budget, from the same trials of the search."""
    if before.ended is None or before.of_trials != searched:
        return False
    if budget is None:
        return before.budget is None
    return before.budget is not None and budget <= before.budget


def _train(context: RunContext, asked: Limits, workers: int, started: float) -> None:
    from catwalk.search import study

    paths, prepared = context.paths, context.prepared
    opened = study.load(paths, prepared, context.scope)
    trials = {trial.number: trial for trial in study.complete(opened)} if opened is not None else {}
    if opened is None or not trials:  # the search has said so
        return
    key, before = fold_study.known(context, asked.folds)
    left = math.inf if asked.budget is None else max(0.0, asked.budget - before.spent)
    wanted = list(_wanted(context, opened, asked.folds, left, workers))
    searched = len(study.finished(opened))
    known = fold_study.load(context, asked.folds)
    begun = 0 if known is None else len([*study.waiting(known), *study.running(known)])
    # Killed after its last training, before that was recorded: the supervisor records it.
    is_unrecorded = before.ended is None and bool(fold_study.trainings(paths, known))
    if not wanted and not begun and not is_unrecorded:
        state = replace(before, budget=asked.budget, ended=before.ended or fold_study.NO_TIME)
        progress.write(paths, key, replace(state, folds=asked.folds, of_trials=searched))
        return
    has = Resources(asked.folds, workers, started, str(opened.user_attrs["precision"]), searched)
    if count := len(wanted) + begun:
        networks = counted(count, "network")
        context.say(f"folds: training {networks} of the best configurations, in {asked.folds} folds each")
    size = sum(paths.model(study.key(opened), fold.trial).stat().st_size for fold in wanted)
    disk_space.require(paths.prepared, size, "to keep the folds' networks")
    fold_training.run(context, [(fold, trials[fold.trial]) for fold in wanted], asked, has)


def _wanted(
    context: RunContext, opened: "optuna.Study", count: int, seconds: float, workers: int
) -> Iterator[Fold]:
    """The folds of the configurations that fit, the configuration with the largest ensemble weight first.

    Args:
        context: of the search.
        opened: its study.
        count: of folds.
        seconds: that are left.
        workers: that train.
    """
    from catwalk.search import study

    paths, key, complete = context.paths, study.key(opened), study.complete(opened)
    try:
        chosen = chosen_trials.choose(paths, context.prepared, key, complete)
    except FileNotFoundError:
        raise chosen_trials.missing(paths) from None
    trained = fold_study.load(context, count)
    known, queued = fold_study.trainings(paths, trained), fold_study.queued(trained)
    predicting = {one.number: one.user_attrs.get(PREDICTING, 0.0) for one in complete}
    most = CONFIGURATIONS if math.isinf(seconds) else MOST_CONFIGURATIONS
    trials = [chosen.trials[i] for i in refit.heaviest(chosen.ensemble.weights)[:most]]
    missing = [[fold for fold in range(count) if fold not in known.get(one.number, {})] for one in trials]
    costs = [_seconds(context, one, predicting[one.number], count) for one in trials]
    before = [sum(cost) for one, cost in zip(trials, costs, strict=True) for _ in range(queued[one.number])]
    ends = _scheduled([0.0] * workers, before)
    shares = _shares(costs, list(map(len, missing)), PLANNED * seconds, ends)
    for trial, folds, share in zip(trials, missing, shares, strict=True):
        epochs = max(1, int(share * len(trial.history)))
        epochs = next((fold.epochs for fold in known.get(trial.number, {}).values()), epochs)
        for fold in folds if share else ():
            yield Fold(trial.number, trial.kind, fold, count, epochs)


def _shares(
    costs: list[tuple[float, float]], trainings: list[int], seconds: float, ends: list[float]
) -> list[float]:
    """For each configuration the share of its epochs that there is time for; 0: it is not trained.

    A configuration is worth nothing without all its folds. Only the first to be trained may have fewer epochs
    than its trial.

    Args:
        costs: for each configuration, what ``_seconds`` gives.
        trainings: for each configuration, the folds that are neither trained nor queued yet.
        seconds: that there are.
        ends: for each worker, the seconds until it has trained what is queued already.
    """
    workers, shares = len(ends), list[float]()
    for (training, other), count in zip(costs, trainings, strict=True):
        if not count:  # all its folds are trained
            shares.append(1.0)
            continue
        share, planned = 1.0, _scheduled(ends, [training + other] * count)
        if max(planned) > seconds:
            rounds, left = math.ceil(count / workers), seconds - min(ends)
            share = 0.0 if any(shares) else (left / rounds - other) / training
            planned = [seconds] * workers
        shares.append(share if share >= LEAST else 0.0)
        ends = planned if shares[-1] else ends
    return shares


def _scheduled(ends: list[float], trainings: list[float]) -> list[float]:
    """When each worker has finished, if each training goes to the first that is free; all in seconds."""
    ends = list(ends)
    for seconds in trainings:
        ends[ends.index(min(ends))] += seconds
    return ends


def _seconds(context: RunContext, trial: "TrialRecord", predicting: float, count: int) -> tuple[float, float]:
    """Estimated seconds of a fold: of its training, and of what comes before and after that.

    Args:
        context: of the search.
        trial: of the search, with the same parameters.
        predicting: seconds that its validation rows took.
        count: of folds.
    """
    prepared = context.prepared
    rows = len(prepared.labels)
    learned = rows * (1 - 1 / count) / len(prepared.train)
    predicted = (rows / count + len(prepared.test_pixels)) / len(prepared.validation)
    return learned * refit.seconds_of(trial), refit.starting(trial, STARTING) + predicted * predicting
