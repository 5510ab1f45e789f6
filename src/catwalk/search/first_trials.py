"""The first trials of a search, the baselines and the portfolio: queued once, in their order."""

import optuna
from optuna.trial import FrozenTrial, TrialState

from catwalk.models import space
from catwalk.models.space import Params
from catwalk.search import retries, storage, study


def enqueue(opened: optuna.Study, wanted: list[tuple[str, Params]]) -> None:
    """Queue the first networks of a search, each unless the study has it.

    What there is time for may have changed since an earlier run queued them: BUDGET, or the machine's speed.
    From a team's queue other machines take too, so there it stays as it is.

    Args:
        opened: the study; no worker of this machine runs.
        wanted: each one's kind and parameters, as ``portfolio.first`` gives them.
    """
    if not study.is_of_team(opened):
        _drop_outdated(opened, wanted)
    for kind, params in wanted:
        enqueue_once(opened, kind, params)


def _drop_outdated(opened: optuna.Study, wanted: list[tuple[str, Params]]) -> None:
    """If a queued network's width is another one now, take all of them out of the queue."""
    widths = {kind: params["conv_width"] for kind, params in wanted}
    queued = [trial for trial in study.waiting(opened) if trial.user_attrs.get("kind") in widths]
    # Left by a search that was killed: it would run again behind the others.
    queued += [trial for trial in study.running(opened) if trial.user_attrs.get("kind") in widths]
    if all(_width(trial) == widths[trial.user_attrs["kind"]] for trial in queued):
        return
    for trial in queued:
        if trial.state == TrialState.WAITING:
            opened._storage.set_trial_state_values(trial._trial_id, TrialState.RUNNING)
        retries.end(opened, trial, "queued again, with the width that there is time for now")


def enqueue_once(opened: optuna.Study, kind: str, params: Params) -> None:
    """Queue a trial of this kind, unless the study has it or it will run again.

    Also queued is one that failed, as with an error or after too many deaths of its worker, and one that a
    search with less time finished with fewer channels.
    """
    with storage.exclusive(opened):
        is_shared = study.is_of_team(opened)
        again = {trial.number for trial in retries.waiting_for_retry(opened)} if is_shared else set()
        known = [
            trial
            for trial in opened.get_trials(deepcopy=False)
            if trial.user_attrs.get("kind") == kind
            and (trial.state != TrialState.FAIL or trial.number in again)
            and (is_shared or not _is_narrower(trial, params))
        ]
        if not known:
            opened.enqueue_trial(params, user_attrs={"kind": kind})


def _is_narrower(trial: FrozenTrial, params: Params) -> bool:
    """Whether a finished convolutional network has fewer channels than these parameters."""
    if not trial.state.is_finished() or params.get("family") != "conv":
        return False
    return bool(round(trial.params["conv_width"]) < params["conv_width"])


def _width(trial: FrozenTrial) -> int:
    """Channels of a queued network; those of a dense one have no effect."""
    queued: Params = trial.system_attrs.get("fixed_params", trial.params)
    return int(space.fill_defaults(queued)["conv_width"])
