"""The supervisor of fold trainings: it ends when all that is queued is trained, and keeps every network."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from catwalk.core.paths import Paths
from catwalk.search import failures, fold_study, study
from catwalk.search.limits import Limits
from catwalk.search.progress import StudyProgress
from catwalk.search.supervisor import LEAST_SECONDS, OVERRUN, Supervisor

if TYPE_CHECKING:
    import optuna

    from catwalk.search.display import Display
    from catwalk.search.worker_pool import Worker, Workers


class FoldSupervisor(Supervisor):
    """One run of fold trainings.

    Args:
        of_trials: finished trials of the search, from which the recipes were chosen; other arguments as for
            ``Supervisor``.
    """

    def __init__(
        self,
        paths: Paths,
        limits: Limits,
        started: float,
        spent_before: float,
        display: "Display",
        of_trials: int,
    ) -> None:
        super().__init__(paths, limits, started, spent_before, display)
        self._of_trials = of_trials
        self._queued = 0  # trainings that no worker has been given
        self._is_late = False  # a training of this run did not fit in the rest of the budget

    def _room(self, opened: "optuna.Study", workers: "Workers") -> float:
        """Queued trainings that may begin."""
        not_begun = sum(worker.trial is None for worker in workers.busy())
        self._queued = len(study.waiting(opened)) - not_begun
        return 0 if self._is_late or self._left() <= LEAST_SECONDS else self._queued

    def after_trial(self, opened: "optuna.Study", worker: "Worker") -> None:
        super().after_trial(opened, worker)
        if worker.trial is not None:
            trial = opened.get_trials(deepcopy=False)[worker.trial]
            self._is_late |= trial.state.name == "FAIL" and not failures.has_error(trial)

    def _overrun(self) -> float:
        return OVERRUN

    def _limit_reached(self) -> str:
        if self._queued or self._left() <= 0:
            return super()._limit_reached()
        return fold_study.ALL_TRAINED if self._finished else fold_study.ALL_FAILED

    def _state(self, opened: "optuna.Study") -> StudyProgress:
        return replace(super()._state(opened), full=None, of_trials=self._of_trials)

    def _drop_models(self, opened: "optuna.Study") -> None:
        """All are averaged, so all are kept."""

    def _table(self) -> Path:
        return self._paths.fold_trials
