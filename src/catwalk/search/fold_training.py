"""Fold training: trains the recipes of a search again in folds, as trials of a study of their own.

The folds' study lies beside the search's, and the same workers and the same supervisor run it: a training
whose worker died is repeated, and an interrupted run continues. Its trials are given, none is chosen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from catwalk.core import disk_space, processes, records, shared_table
from catwalk.data import folds as of_data
from catwalk.data.run_context import RunContext
from catwalk.search import progress
from catwalk.search.limits import Limits

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

FOLD = "fold"  # the attribute of a trial that says which fold it trains
ALL_TRAINED = "all folds are trained"
NO_TIME = "no recipe fits in the rest of the budget"


@dataclass(frozen=True)
class Fold:
    """One training: a recipe, and the fold that is held out.

    Attributes:
        trial: number of the search's trial whose parameters it has.
        kind: of that trial.
        fold: from 0.
        count: of folds.
        epochs: that it is planned for.
    """

    trial: int
    kind: str
    fold: int
    count: int
    epochs: int

    @property
    def title(self) -> str:
        """What the display shows."""
        return f"fold {self.fold + 1}/{self.count} of trial {self.trial}"


def of(trial: "FrozenTrial | optuna.Trial") -> Fold:
    """The fold that a trial of the folds' study trains."""
    return Fold(**trial.user_attrs[FOLD])


def named(context: RunContext, count: int) -> RunContext:
    """The context under the folds' name: its study is that of the folds."""
    return replace(context, prepared=of_data.named(context.prepared, count))


def known(context: RunContext, count: int) -> tuple[str, progress.StudyProgress]:
    """The key of the folds' study and its progress, from a file, without Optuna."""
    key = progress.study_name(context.paths, of_data.named(context.prepared, count), context.scope)
    return key, progress.read(context.paths).get(key, progress.NOTHING)


def load(context: RunContext, count: int) -> "optuna.Study | None":
    """The folds' study; None if there is none."""
    from catwalk.search import study

    return study.load(context.paths, of_data.named(context.prepared, count), context.scope)


def complete_sets(opened: "optuna.Study") -> "dict[int, list[FrozenTrial]]":
    """The recipes that have all folds: by the search's trial, the complete trainings in the folds' order."""
    from catwalk.search import study

    found: dict[int, dict[int, FrozenTrial]] = {}
    for trial in sorted(study.complete(opened), key=lambda one: one.number):
        found.setdefault(of(trial).trial, {})[of(trial).fold] = trial
    return {
        number: [trained[fold] for fold in sorted(trained)]
        for number, trained in sorted(found.items())
        if len(trained) == of(next(iter(trained.values()))).count
    }


@dataclass(frozen=True)
class Resources:
    """What a run of fold trainings has.

    Attributes:
        count: of folds.
        workers: processes.
        started: ``time.monotonic()`` from which the seconds count.
        precision: the search's.
        of_trials: finished trials of the search, from which the recipes were chosen.
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
    from catwalk.search import study
    from catwalk.search.display import Display
    from catwalk.search.fold_supervisor import FoldSupervisor
    from catwalk.search.worker_pool import Workers

    paths, prepared = context.paths, context.prepared
    disk_space.require(paths.prepared, disk_space.SEARCH, "to train folds")
    of_data.write(paths, prepared, has.count, context.seed)
    with progress.locked(paths), Display() as display:
        processes.preload()
        workers = Workers(paths, context.seed, context.scope, has.count)
        try:
            opened = study.create(paths, of_data.named(prepared, has.count), context.scope)
            study.precision(opened, lambda: has.precision)
            for fold, trial in wanted:
                _enqueue_once(opened, fold, trial)
            for _ in range(has.workers):
                workers.start()
            before = progress.read(paths).get(study.key(opened), progress.NOTHING).spent
            supervisor = FoldSupervisor(paths, limits, has.started, before, display, has.of_trials)
            supervisor.run(opened, workers)
        finally:
            workers.kill()
            shared_table.drop_abandoned(paths.prepared)


def _enqueue_once(opened: "optuna.Study", fold: Fold, trial: "FrozenTrial") -> None:
    """Queue a training, unless the study has one of the same recipe and fold."""
    from catwalk.search import failures

    known = [of(one) for one in opened.get_trials(deepcopy=False) if not failures.has_error(one)]
    if (fold.trial, fold.fold) not in {(one.trial, one.fold) for one in known}:
        attrs = {"kind": fold.title, FOLD: records.encode(fold)}
        opened.enqueue_trial(trial.params, user_attrs=attrs)
