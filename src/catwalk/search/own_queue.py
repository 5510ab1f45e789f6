"""The queue of a study, as far as it concerns a network of the user's own (``make try``)."""

import contextlib
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from optuna.trial import TrialState

from catwalk.core.stop_signals import unstopped
from catwalk.core.team import Team
from catwalk.models.portfolio import BASELINES
from catwalk.search import failed_trials, retries, study
from catwalk.search.trial_record import YOURS

if TYPE_CHECKING:
    import optuna

ASKED_BY = "asked_by"  # its attribute: the member who queued it
ID = "asked"  # its attribute: an id, which it keeps where it is queued again under another number


def put_first(opened: "optuna.Study", params: dict[str, Any], team: Team | None = None) -> int:
    """Queue the user's own network right after the baselines; returns its trial's number.

    Waiting trials are taken in order of their numbers, so the others are queued again as new trials.
    """
    asked = {"kind": YOURS, ID: uuid.uuid4().hex, **({ASKED_BY: team.member} if team else {})}
    opened.enqueue_trial(params, user_attrs=asked)
    yours = next(one for one in opened.get_trials(deepcopy=False) if one.user_attrs.get(ID) == asked[ID])
    _put_others_behind(opened, yours.number)
    return int(yours.number)


def _put_others_behind(opened: "optuna.Study", number: int) -> None:
    """Queue again what waits before a network of the user's own, but baselines and other such networks."""
    for trial in study.waiting(opened):
        kind = trial.user_attrs.get("kind")
        if trial.number >= number or kind in (*BASELINES, YOURS):
            continue
        # As a worker takes it; where one was faster it is left.
        if opened._storage.set_trial_state_values(trial._trial_id, TrialState.RUNNING):
            retries.run_again(opened, trial, "queued again behind a network of your own", counts=False)


@contextlib.contextmanager
def in_this_run(
    opened: "optuna.Study", params: dict[str, Any] | None, team: Team | None
) -> Iterator[int | None]:
    """Queue the user's own network for a run that only trains it, and take it out when the run has ended.

    Else, after Ctrl-C, the next run would train it first, and then once more what was asked for.

    Args:
        opened: the study.
        params: of the network; None: there is none.
        team: the study's.

    Yields:
        Its trial's number; None: there is none.
    """
    number: int | None = None
    try:
        if params is not None:
            with unstopped():  # or it would not be known which trial is to be taken out
                number = put_first(opened, params, team)
        yield number
    finally:
        if number is not None:
            take_out(opened, number, team)


def take_out(opened: "optuna.Study", number: int, team: Team | None) -> None:
    """End the user's own network without queueing it again, unless it has ended or another member trains it.

    Args:
        opened: the study; no worker of this machine runs.
        number: of the trial that was queued first; after a worker's death it has another one.
        team: the study's.
    """
    for trial in _attempts(opened, number):
        is_ours = trial.state == TrialState.RUNNING
        if is_ours and team is not None:
            is_ours = trial.user_attrs.get("member", team.member) == team.member
        elif trial.state == TrialState.WAITING:  # taken as a worker takes it; where one was faster it is left
            is_ours = opened._storage.set_trial_state_values(trial._trial_id, TrialState.RUNNING)
        if is_ours:
            retries.end(opened, trial, failed_trials.WITHDRAWN)


def left(opened: "optuna.Study", number: int) -> tuple[int, int]:
    """What this run has to wait for: the user's own network, and those that other tries queued after it.

    They were told that this run trains theirs. If the own network's worker died, it is queued again, unless
    that was done already, and put first.

    Args:
        opened: the study.
        number: of the trial that was queued first.

    Returns:
        How many of its trials wait or run, with those of the others that wait; and how many of its own run.
    """
    numbers = {trial.number for trial in _attempts(opened, number)}
    for trial in retries.waiting_for_retry(opened):
        if trial.number in numbers:
            retries.repeat(opened, trial)
    trials = opened.get_trials(deepcopy=False)
    # Networks queued earlier are trained first anyway, or, if a kill queued them again, left to a search.
    before = {trial.user_attrs.get(ID) for trial in trials[:number]}
    asked = [one for one in trials if ID in one.user_attrs and one.user_attrs[ID] not in before]
    waiting = [trial.number for trial in asked if trial.state == TrialState.WAITING]
    own = trials[number].user_attrs[ID]
    running = sum(one.state == TrialState.RUNNING and one.user_attrs[ID] == own for one in asked)
    if waiting:
        _put_others_behind(opened, max(waiting))
    return len(waiting) + running, running


def outcome(opened: "optuna.Study", number: int) -> "optuna.trial.FrozenTrial":
    """The finished trial of the user's own network; if there is none, the last one that failed.

    Args:
        opened: the study.
        number: of the trial that was queued first.
    """
    trials = _attempts(opened, number)
    return max(trials, key=lambda trial: (trial.state in study.FINISHED, trial.number))


def _attempts(opened: "optuna.Study", number: int) -> "list[optuna.trial.FrozenTrial]":
    """The user's own network's trials: the one that was queued first, and those that repeat it."""
    trials = opened.get_trials(deepcopy=False)
    return [trial for trial in trials if trial.user_attrs.get(ID) == trials[number].user_attrs[ID]]


def place(opened: "optuna.Study", number: int, team: Team | None, is_here: bool) -> str:
    """Where a queued trial is in the queue, and who takes it, for people.

    Args:
        opened: the study.
        number: of the trial.
        team: the study's.
        is_here: whether a search of it, or another ``make try``, runs here.
    """
    numbers = [trial.number for trial in study.waiting(opened)]
    if number not in numbers:
        return f"trial {number}, which a worker has begun"
    where = f"trial {number}, place {numbers.index(number) + 1} of {len(numbers)} in the queue"
    whose = "the search that runs here" if is_here else "the next search"
    names = members(opened) if is_here else others(opened, team)
    if team is not None and (is_here or names):
        whose = f"the next free worker of {' or '.join(names) or 'the team'}"
    return f"{where}; {whose} takes it"


def members(opened: "optuna.Study") -> list[str]:
    """The members of the team who are running trials."""
    found = {trial.user_attrs.get("member") for trial in study.running(opened)}
    return sorted(filter(None, found))


def others(opened: "optuna.Study", team: Team | None) -> list[str]:
    """The other members who are running trials; without a team, nobody."""
    return [] if team is None else [name for name in members(opened) if name != team.member]


def still_waiting(opened: "optuna.Study", team: Team | None) -> str | None:
    """A line about networks of the user's own that a search has left in the queue; None: there are none."""
    waiting = [one for one in study.waiting(opened) if one.user_attrs.get("kind") == YOURS]
    if team is not None:
        waiting = [one for one in waiting if one.user_attrs.get(ASKED_BY) == team.member]
    numbers = [str(one.number) for one in waiting]
    if not numbers:
        return None
    which = f"trials {', '.join(numbers)} of yours still wait"
    if len(numbers) == 1:
        which = f"trial {numbers[0]} of yours still waits"
    names = members(opened) if team is not None else []
    taken = f"{' or '.join(names)} may take it; else " if names else ""
    return f"{which}; {taken}the next search begins with it"
