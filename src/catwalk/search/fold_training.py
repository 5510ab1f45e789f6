"""Fold training: trains the configurations of a search again in folds, with the same workers and supervision.

A training whose worker died is repeated, and an interrupted run continues. Its trials are given, none is
chosen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catwalk.core import disk_space, processes, shared_table
from catwalk.data import folds as data_folds
from catwalk.data.run_context import RunContext
from catwalk.search import fold_study, model_store, progress
from catwalk.search.fold_study import Fold
from catwalk.search.limits import Limits

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


@dataclass(frozen=True)
class Resources:
    """What a run of fold trainings has.

    Attributes:
        count: of folds.
        workers: processes.
        started: ``time.monotonic()`` from which the seconds count.
        precision: the search's.
        of_trials: finished trials of the search, from which the configurations were chosen.
    """

    count: int
    workers: int
    started: float
    precision: str
    of_trials: int


def run(
    context: RunContext, wanted: "Sequence[tuple[Fold, FrozenTrial]]", limits: Limits, has: Resources
) -> None:
    """Train what is wanted and what is still queued from before, until all is trained or the time is over.

    Args:
        context: of the search.
        wanted: the folds, and for each one the search's trial.
        limits: of this training.
        has: what it has.

    Raises:
        UserError: another search runs, or most of the trainings failed.
        MachineError: no worker can be kept alive, or the disk is full.
    """
    from catwalk.search import retries, study
    from catwalk.search.display import Display
    from catwalk.search.fold_supervisor import FoldSupervisor
    from catwalk.search.worker_pool import Workers

    paths, prepared = context.paths, context.prepared
    disk_space.require(paths.prepared, disk_space.SEARCH, "to train folds")
    data_folds.write(paths, prepared, has.count, context.seed)
    with progress.locked(paths), Display() as display:
        processes.preload()
        workers = Workers(paths, context.seed, context.scope, has.count)
        try:
            opened = study.create(paths, data_folds.named(prepared, has.count), context.scope)
            model_store.drop_unfinished(paths, study.key(opened))
            study.precision(opened, lambda: has.precision)
            opened.set_user_attr(fold_study.OF_TRIALS, has.of_trials)
            # Before the others, so that their configuration is the first one that is complete.
            retries.run_all_again(opened, "its worker was gone when the training resumed")
            for fold, trial in wanted:
                fold_study.enqueue_once(paths, opened, fold, trial)
            for _ in range(has.workers):
                workers.start()
            before = progress.read(paths).get(study.key(opened), progress.NOTHING).spent
            supervisor = FoldSupervisor(paths, limits, has.started, before, display)
            supervisor.run(opened, workers)
        finally:
            workers.kill()
            shared_table.drop_abandoned(paths.prepared)
