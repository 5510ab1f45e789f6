"""fold_supervisor.py: what is queued is trained, nothing begins once the time is over, the end is named.

Also: fold_study.py.
"""

import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import optuna
import pytest
from optuna.trial import TrialState

from catwalk.core.paths import Paths
from catwalk.data.prepare import Prepared
from catwalk.data.run_context import RunContext
from catwalk.search import failed_trials, fold_study, limits, progress, retries, study
from catwalk.search.display import Display
from catwalk.search.fold_study import Fold
from catwalk.search.fold_supervisor import FoldSupervisor
from catwalk.search.limits import Limits
from catwalk.search.worker_pool import Workers
from tests.support import planted

IDLE = cast(Workers, SimpleNamespace(busy=list))


@pytest.fixture
def context(tmp_path: Path, digits: Prepared) -> RunContext:
    return planted.context(Paths(tmp_path, "digits"), digits)


@pytest.fixture
def opened(context: RunContext) -> optuna.Study:
    """Three folds of five are trained, two are queued."""
    searched = planted.search(context)
    made = planted.train(context, 1, 5, only=(0, 1, 2))
    for fold in (3, 4):
        what = Fold(1, "portfolio 2", fold, 5, 11)
        fold_study.enqueue_once(context.paths, made, what, study.complete(searched)[0])
    made.set_user_attr(fold_study.OF_TRIALS, 2)
    return made


def supervised(context: RunContext, budget: float | None) -> FoldSupervisor:
    began = time.monotonic()
    return FoldSupervisor(context.paths, Limits(budget, None, 5), began, 0.0, Display())


def test_as_many_as_are_queued(context: RunContext, opened: optuna.Study) -> None:
    made = supervised(context, 100.0)
    assert made._room(opened, IDLE) == 2
    asked = cast(Workers, SimpleNamespace(busy=lambda: [SimpleNamespace(trial=None)]))
    assert made._room(opened, asked) == 1, "one has been given to a worker, which has not begun it"
    assert supervised(context, 3.0)._room(opened, IDLE) == 0, "no time is left for one"
    assert supervised(context, None)._room(opened, IDLE) == 2


def test_after_one_that_was_too_long_none_begins(context: RunContext, opened: optuna.Study) -> None:
    made = supervised(context, 100.0)
    opened.ask()
    (late,) = study.running(opened)
    retries.run_again(opened, late, "the rest of the budget was too short", counts=False)
    worker: Any = SimpleNamespace(number=0, trial=late.number)
    made.after_trial(opened, worker)
    assert made._room(opened, IDLE) == 0
    assert made._limit_reached() == limits.FULL
    assert len(study.waiting(opened)) == 2, "it waits for a larger budget"


def test_the_end_is_named(context: RunContext, opened: optuna.Study) -> None:
    made = supervised(context, 100.0)
    made._room(opened, IDLE)
    assert made._limit_reached() == limits.FULL
    for trial in study.waiting(opened):
        running = opened.ask()
        running.set_user_attr(failed_trials.ERROR, "ValueError")
        opened.tell(running, state=TrialState.FAIL)
        assert trial.number == running.number
    made._finished = 3
    made._room(opened, IDLE)
    assert made._limit_reached() == fold_study.ALL_TRAINED
    made._finished = 0
    assert made._limit_reached() == fold_study.ALL_FAILED
    assert supervised(context, -1.0)._limit_reached() == "the budget is used up"


def test_its_progress_stays_beside_the_search_s(context: RunContext, opened: optuna.Study) -> None:
    key, _ = fold_study.known(context, 5)
    made = supervised(context, 100.0)
    made.record(opened)
    made._recorded = made._tabled = -1e9
    made.record(opened)
    states = progress.read(context.paths)
    assert states[key].of_trials == 2
    assert fold_study.spent(context) == pytest.approx(states[key].spent)
    assert fold_study.spent(context, but=5) == 0
    assert fold_study.are_running(context.paths)
    assert context.paths.fold_trials.is_file()
    assert not context.paths.trials.is_file(), "that is the search's"


def test_folds_whose_run_was_stopped_are_not_running(context: RunContext, opened: optuna.Study) -> None:
    """Else ``make try`` would name them where a make predict or another search holds the lock."""
    made = supervised(context, 100.0)
    made._recorded = -1e9
    made.record(opened)
    assert fold_study.are_running(context.paths)
    before = time.time() - 60
    os.utime(context.paths.progress, (before, before))
    assert not fold_study.are_running(context.paths)
    progress.write(context.paths, "digits-aaaa-s1-pixels", progress.NOTHING)
    assert not fold_study.are_running(context.paths), "a search began after them"
