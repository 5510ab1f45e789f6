"""Fold recipes: which of a search's recipes are trained in folds, in the rest of its budget."""

import math
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from catwalk.data import folds as of_data
from catwalk.data.run_context import RunContext
from catwalk.search import failures, fold_study, fold_training, limits, progress, study_progress
from catwalk.search.fold_study import Fold
from catwalk.search.fold_training import Resources
from catwalk.search.limits import Limits
from catwalk.search.trial_record import PREDICTING
from catwalk.submission import chosen_trials, refit

if TYPE_CHECKING:
    import optuna

    from catwalk.search.trial_record import TrialRecord

RECIPES = 2  # where there is no time limit (TRIALS=)
MOST_RECIPES = 6
STARTING = 5.0  # seconds of a training before its first epoch
PLANNED = 0.9  # of the time, for trainings take more or less than the search's
LEAST = 0.6  # of the epochs that the search's trial had; trained for less, a recipe is not worth its folds


def run(context: RunContext, until: Limits, workers: int | None) -> None:
    """Train the recipes with the largest ensemble weights in folds, as many as the rest of the budget allows.

    Args:
        context: of the search, which has ended.
        until: the limits of search and folds together.
        workers: processes; None: one per core as far as memory allows.

    Raises:
        UserError, MachineError: see ``fold_training.run``.
    """
    started, paths, prepared, say = time.monotonic(), context.paths, context.prepared, context.say
    count = of_data.possible(prepared, until.folds)
    if count < 2:
        say("folds: none, because a class has a single picture")
        return
    if count < until.folds:
        say(f"folds: {count} instead of {until.folds}, because a class has only {count} pictures")
    _, before = fold_study.known(context, count)
    search_key, searched = study_progress.known(paths, prepared, context.scope)
    budget = None if until.budget is None else max(0.0, until.budget - searched.spent)
    if search_key is not None and searched.folds != count:  # later stages follow it
        progress.write(paths, search_key, replace(searched, folds=count))
    if _is_done(before, budget, searched.finished):
        say(f"folds: already done, {_told(before, until)}")
        return
    _train(context, Limits(budget, None, count), limits.workers(workers), started)
    _, after = fold_study.known(context, count)
    if after.ended is not None:
        say(f"folds: {_told(after, until)}")
    for line in _left_out(context, count):
        say(line)
    say("next: make predict")


def _told(state: progress.StudyProgress, until: Limits) -> str:
    """What was trained, why it ended, and how to train more."""
    told = f"{state.finished} networks in {state.spent:.0f} s ({state.ended})"
    if state.ended == fold_study.ALL_TRAINED or until.budget is None:
        return told
    return f"{told}; for more: make search BUDGET={limits.shown(2 * until.budget)}"


def _left_out(context: RunContext, count: int) -> Iterator[str]:
    """A line for each recipe of which a fold can't be trained."""
    from catwalk.search import retries

    opened = fold_study.load(context, count)
    trials = [] if opened is None else opened.get_trials(deepcopy=False)
    repeated = retries.retried_trials(trials)
    for trial in trials:
        has_failed = trial.state.name == "FAIL" and trial.number not in repeated
        if has_failed or trial.state.name == "PRUNED":
            why = trial.user_attrs.get(failures.REASON, trial.user_attrs.get("ended", "it has failed"))
            fold = fold_study.of(trial)
            yield f"folds: {fold.title} ended without a network, so trial {fold.trial} is left out: {why}"


def _is_done(before: progress.StudyProgress, budget: float | None, searched: int) -> bool:
    """Whether an earlier run trained all that fits in the budget, from the same trials of the search."""
    if before.ended is None or before.of_trials != searched:
        return False
    return budget is None or (before.budget is not None and budget <= before.budget)


def _train(context: RunContext, until: Limits, workers: int, started: float) -> None:
    from catwalk.search import study

    paths, prepared = context.paths, context.prepared
    opened = study.load(paths, prepared, context.scope)
    complete = study.complete(opened) if opened is not None else []
    if opened is None or not complete:  # the search has said so
        return
    key, before = fold_study.known(context, until.folds)
    left = math.inf if until.budget is None else until.budget - before.spent
    wanted = list(_wanted(context, opened, until.folds, workers * left))
    searched = len(study.finished(opened))
    known = fold_study.load(context, until.folds)
    if not wanted and (known is None or not study.waiting(known)):
        state = replace(before, budget=until.budget, ended=before.ended or fold_study.NO_TIME)
        progress.write(paths, key, replace(state, folds=until.folds, of_trials=searched))
        return
    trials = {trial.number: trial for trial in complete}
    has = Resources(until.folds, workers, started, str(opened.user_attrs["precision"]), searched)
    context.say(f"folds: training {len(wanted)} networks, {until.folds} of each of the best recipes")
    fold_training.run(context, [(fold, trials[fold.trial]) for fold in wanted], until, has)


def _wanted(context: RunContext, opened: "optuna.Study", count: int, seconds: float) -> Iterator[Fold]:
    """The folds of the recipes that fit, the recipe with the largest ensemble weight first.

    Args:
        context: of the search.
        opened: its study.
        count: of folds.
        seconds: that all workers together have.
    """
    from catwalk.search import study

    chosen = chosen_trials.choose(context.paths, context.prepared, study.key(opened), study.complete(opened))
    known = _recipes_known(context, count)
    predicting = {one.number: one.user_attrs.get(PREDICTING, 0.0) for one in study.complete(opened)}
    most = RECIPES if math.isinf(seconds) else MOST_RECIPES
    left, begun = PLANNED * seconds, 0
    for i in np.argsort(-chosen.ensemble.weights, kind="stable")[:most]:
        trial = chosen.trials[int(i)]
        if trial.number in known:
            begun += 1
            continue
        training, other = _seconds(context, trial, predicting.get(trial.number, 0.0), count)
        cost = training + other
        share = 1.0 if cost <= left else (left - other) / training
        if share < 1 and (begun or share < LEAST):
            continue
        left, begun = left - min(cost, left), begun + 1
        epochs = max(1, int(share * len(trial.history)))
        for fold in range(count):
            yield Fold(trial.number, trial.kind, fold, count, epochs)


def _recipes_known(context: RunContext, count: int) -> set[int]:
    """The search's trials that are trained in these folds already, or queued."""
    from catwalk.search import study

    opened = fold_study.load(context, count)
    if opened is None:
        return set()
    known = [*study.finished(opened), *study.waiting(opened), *study.running(opened)]
    return {fold_study.of(trial).trial for trial in known}


def _seconds(context: RunContext, trial: "TrialRecord", predicting: float, count: int) -> tuple[float, float]:
    """Estimated processor seconds of a recipe's folds: of training, and of what comes before and after it.

    Args:
        context: of the search.
        trial: of the search.
        predicting: seconds that its validation rows took.
        count: of folds.
    """
    prepared = context.prepared
    rows = len(prepared.labels)
    learned = count * rows * (1 - 1 / count) / len(prepared.train)
    predicted = (rows + count * len(prepared.test_pixels)) / len(prepared.validation)
    return learned * refit.seconds_of(trial), count * STARTING + predicted * predicting
