"""The supervisor of fold trainings: it ends when all that is queued is trained, and keeps every network."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from catwalk.search import failed_trials, fold_study, study
from catwalk.search.progress import Progress
from catwalk.search.supervisor import LEAST_SECONDS, OVERRUN, Supervisor

if TYPE_CHECKING:
    import optuna

    from catwalk.search.worker_pool import Worker, Workers


class FoldSupervisor(Supervisor):
    """One run of fold trainings; arguments as for ``Supervisor``."""

    _queued = 0  # trainings that no worker has been given
    _is_late = False  # a training of this run did not fit in the rest of the budget

    def _room(self, opened: "optuna.Study", workers: "Workers") -> float:
        """Queued trainings that may begin."""
        not_begun = sum(worker.trial is None for worker in workers.busy())
        self._queued = len(study.waiting(opened)) - not_begun
        return 0 if self._is_late or self._left() <= LEAST_SECONDS else self._queued

    def after_trial(self, opened: "optuna.Study", worker: "Worker") -> None:
        super().after_trial(opened, worker)
        if worker.trial is not None:
            trial = opened.get_trials(deepcopy=False)[worker.trial]
            self._is_late |= trial.state.name == "FAIL" and not failed_trials.has_error(trial)

    def _overrun(self) -> float:
        return OVERRUN

    def _limit_reached(self) -> str:
        if self._queued or self._left() <= 0:
            return super()._limit_reached()
        return fold_study.ALL_TRAINED if self._finished else fold_study.ALL_FAILED

    def _state(self, opened: "optuna.Study") -> Progress:
        return replace(super()._state(opened), full=None, of_trials=opened.user_attrs[fold_study.OF_TRIALS])

    def _drop_models(self, opened: "optuna.Study") -> None:
        """All are averaged, so all are kept."""

    def _table(self) -> Path:
        return self._paths.fold_trials
