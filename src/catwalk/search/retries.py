"""Retries: which failed trials run again, and how often."""

import optuna
from optuna.trial import FrozenTrial, TrialState, create_trial

from catwalk.search import failed_trials, storage

RETRIES = 2  # how often a trial whose worker died, or whose search was killed, is run again
COPIED = ("kind", "fold", "asked_by", "asked")  # attributes that say what the trial is, and whose


def run_again(study: optuna.Study, trial: FrozenTrial, reason: str, counts: bool = True) -> None:
    """Mark a running trial as failed and queue its parameters again.

    Args:
        study: the trial's.
        trial: RUNNING, its worker known to be gone.
        reason: kept with the failed trial.
        counts: whether it counts towards ``RETRIES``; a trial that we ended ourselves does not.
    """
    if end(study, trial, reason):
        repeat(study, trial, counts)


def end(study: optuna.Study, trial: FrozenTrial, reason: str) -> bool:
    """Mark a running trial as failed for this reason; returns False if it has ended otherwise."""
    try:
        # The reason is stored first: a finished trial can't be changed any more.
        study._storage.set_trial_user_attr(trial._trial_id, failed_trials.REASON, reason)
        study.tell(trial.number, state=TrialState.FAIL)
    except (optuna.exceptions.UpdateFinishedTrialError, ValueError):
        return False
    return True


def repeat(study: optuna.Study, trial: FrozenTrial, counts: bool = True) -> None:
    """Queue a failed trial's parameters again, unless they failed too often."""
    with storage.exclusive(study):
        again = _again(study, trial, counts)
        if again is not None:
            study.add_trial(again)


def _again(study: optuna.Study, trial: FrozenTrial, counts: bool) -> FrozenTrial | None:
    """The trial that ``repeat`` queues; None if it succeeded, was queued before, or would fail again."""
    everyone = study.get_trials(deepcopy=False)
    trial = everyone[trial.number]
    if (
        trial.state != TrialState.FAIL
        or _has_ended_for_good(trial)
        or trial.number in retried_trials(everyone)
    ):
        return None
    history = _history(trial, counts)
    if len(history) > RETRIES:
        return None
    attrs = {name: trial.user_attrs[name] for name in COPIED if name in trial.user_attrs}
    system = {
        "fixed_params": trial.system_attrs.get("fixed_params") or dict(trial.params),
        "failed_trial": trial.number,
        "retry_history": history,
    }
    return create_trial(state=TrialState.WAITING, system_attrs=system, user_attrs=attrs)


def _has_ended_for_good(trial: FrozenTrial) -> bool:
    """Whether a failed trial is not to run again, however few its attempts."""
    reason = trial.user_attrs.get(failed_trials.REASON)
    return failed_trials.has_error(trial) or reason == failed_trials.WITHDRAWN


def _history(trial: FrozenTrial, counts: bool = True) -> list[int]:
    """The trials that ended before their parameters' next attempt; this one too, if it ``counts``."""
    return [*trial.system_attrs.get("retry_history", []), *([trial.number] if counts else [])]


def runs_again(study: optuna.Study, number: int) -> bool | None:
    """Whether the trial of a worker that died is queued again, or will be; None: it has ended otherwise."""
    everyone = study.get_trials(deepcopy=False)
    trial = everyone[number]
    if trial.state == TrialState.RUNNING:
        is_its_own = failed_trials.ERROR in trial.user_attrs
        return not is_its_own and len(_history(trial)) <= RETRIES
    return number in retried_trials(everyone) if trial.state == TrialState.FAIL else None


def retried_trials(trials: list[FrozenTrial]) -> set[int]:
    """Numbers of the failed trials that were queued again as another trial."""
    again = [trial.system_attrs for trial in trials if "failed_trial" in trial.system_attrs]
    return {number for retry in again for number in (retry["failed_trial"], *retry.get("retry_history", []))}


def waiting_for_retry(study: optuna.Study) -> list[FrozenTrial]:
    """Failed trials that may run again and have not been queued again yet."""
    trials = study.get_trials(deepcopy=False)
    done = retried_trials(trials)
    return [
        trial
        for trial in trials
        if trial.state == TrialState.FAIL
        and not _has_ended_for_good(trial)
        and trial.number not in done
        and len(_history(trial)) <= RETRIES
    ]


def run_all_again(study: optuna.Study, reason: str) -> None:
    """Queue again every trial left RUNNING; only for the search that holds the lock."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        run_again(study, trial, reason)


def run_stale_again(study: optuna.Study) -> None:
    """Queue again every trial whose heartbeat has stopped, on any machine."""
    optuna.storages.fail_stale_trials(study)
