"""Limits: when a search ends, and how many workers the machine can run."""

import math
import os
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from catwalk.core import cgroups, gpus, memory
from catwalk.core.errors import MachineError, UserError

USUAL = 600.0  # seconds of a search, without BUDGET=, TRIALS= or UNTIL=
WORKER_MEMORY = 1_200_000_000  # bytes that a worker may need
AFTER_SEARCH = 45.0  # seconds that prediction and report are given, kept free before UNTIL
MANY_ROWS = 10_000  # test rows that are predicted within those seconds
ROW_SECONDS = 0.002  # of each further one: eight networks of about 0.4 ms a picture, on two cores
FULL = "the rest of the budget was too short for another trial"  # one of the ways in which a search ends
FOLD_SHARE = 0.5  # of the budget, in which the best configurations are trained in folds
# What a refit may take in addition to the search's budget: a share of it, or of a longer one less and a base.
REFIT = 1 / 4
REFIT_BASE, REFIT_OF_LONG = 120.0, 1 / 20  # seconds, and a share: together a twelfth of an hour


@dataclass(frozen=True)
class Limits:
    """When a search ends: the first limit that is reached.

    Attributes:
        budget: seconds of search in all runs together; None for no such limit.
        trials: finished trials in all; None for no such limit.
        folds: in which the best configurations are trained after it; 1: none.
        until: ``time.time()`` by which it ends in any case, however long the machine slept; None: no such.
    """

    budget: float | None
    trials: int | None
    folds: int = 1
    until: float | None = None

    def of_search(self, spent: float) -> "Limits":
        """The limits of the search itself: what folds have taken is spent, and those to come need time.

        Args:
            spent: seconds that folds have taken so far.
        """
        if self.budget is None:
            return self
        share = 1.0 if self.folds == 1 else 1 - FOLD_SHARE
        return replace(self, budget=min(share * self.budget, self.budget - spent))

    def without_folds(self) -> "Limits":
        """The same where no folds fit: after the search there may be a refit, which has its time too."""
        if self.until is None or self.budget is None:
            return replace(self, folds=1)
        left = max(0.0, self.until - time.time())
        refit = left - search_within(left)
        return replace(self, budget=self.budget - refit, folds=1, until=self.until - refit)

    def reached(self, spent: float, finished: int, full: float | None = None) -> bool:
        """Whether a search with these limits has nothing left to do.

        Args:
            spent: seconds of search so far.
            finished: trials so far.
            full: the largest budget of a search that ended because no further trial fitted it, if any.
        """
        by_time = self.budget is not None and max(spent, full or 0.0) >= self.budget
        return by_time or (self.trials is not None and finished >= self.trials)


def shown(seconds: float) -> str:
    """A budget as BUDGET= takes it: 45s, 1.5m, 10m; odd ones, as UNTIL= makes them, in whole minutes."""
    if seconds < 60:
        return f"{math.ceil(seconds)}s"
    return f"{seconds / 60:g}m" if seconds % 15 == 0 else f"{math.ceil(seconds / 60)}m"


def seconds_until(clock: str, now: datetime, may_refit: bool = True, test_rows: int = 0) -> float:
    """Seconds of search from ``now`` so that everything is done by a given time today.

    Args:
        clock: "14:40".
        now: local time.
        may_refit: whether time is kept for a refit after the search.
        test_rows: that are predicted; 0: it is not known yet.

    Raises:
        UserError: not a time, or too late for a search to be done by then.
    """
    try:
        at = datetime.strptime(clock, "%H:%M")
    except ValueError:
        raise UserError("not a time of day", where=f"UNTIL={clock}", fix="write it as 14:40") from None
    end = now.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    if end <= now:
        what = f"UNTIL={clock} is in the past (it is now {now:%H:%M})"
        raise UserError(what, fix="choose a later time today")
    after = AFTER_SEARCH + more_seconds(test_rows)
    left = (end - now).total_seconds() - after
    if left <= 0:
        earliest = now + timedelta(seconds=after + 60)
        raise UserError(
            f"prediction and report alone take up to {after:.0f} s",
            where=f"UNTIL={clock}",
            fix=f"choose {earliest:%H:%M} or later",
        )
    return search_within(left) if may_refit else left


def more_seconds(test_rows: int) -> float:
    """Seconds that the prediction of so many test rows may take beyond ``AFTER_SEARCH``."""
    return ROW_SECONDS * max(0, test_rows - MANY_ROWS)


def refit_seconds(budget: float) -> float:
    """Seconds that a refit may take after a search with this budget.

    After ten minutes that is time for most of a dense training's epochs on two cores; after longer searches
    a training takes a smaller share.
    """
    return min(REFIT * budget, REFIT_BASE + REFIT_OF_LONG * budget)


def search_within(seconds: float) -> float:
    """The budget of a search that with its refit takes so many seconds."""
    return max(seconds / (1 + REFIT), (seconds - REFIT_BASE) / (1 + REFIT_OF_LONG))


def cores() -> int:
    """How many CPU cores this process may use; on macOS, where that is unknown, all of them."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min([allowed, *cgroups.cores()])


def workers(asked: int | None) -> int:
    """How many workers to start: as many as asked for, else one per core as far as memory allows.

    Where there are GPUs, one for each of them: two on one GPU would only take turns.

    Raises:
        MachineError: there is not enough memory for those asked for.
    """
    if asked is None:
        return len(gpus.found()) or cpu_workers()
    bearable = _bearable()
    if asked > bearable:
        raise MachineError(
            f"{asked} workers may need {asked * WORKER_MEMORY / 1e9:.0f} GB, "
            f"but only {memory.available() / 1e9:.1f} GB are free",
            fix=f"WORKERS={bearable}",
        )
    return asked


def workers_after_search(asked: int | None) -> int:
    """As ``workers``, but where there is not enough memory for so many, fewer: what is found is not lost."""
    return workers(None) if asked is None else min(asked, _bearable())


def cpu_workers() -> int:
    """One process per core, as far as memory allows."""
    return min(cores(), _bearable())


def _bearable() -> int:
    """How many workers memory is enough for; one in any case."""
    return max(1, memory.available() // WORKER_MEMORY)
