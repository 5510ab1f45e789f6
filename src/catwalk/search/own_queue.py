"""The queue of a study, as far as it concerns a network of the user's own (``make try``)."""

import uuid
from typing import TYPE_CHECKING, Any

from optuna.trial import TrialState

from catwalk.core.team import Team
from catwalk.models.portfolio import BASELINES
from catwalk.search import retries, study
from catwalk.search.trial_record import YOURS

if TYPE_CHECKING:
    import optuna

ASKED_BY = "asked_by"  # its attribute: the member who queued it
ID = "asked"  # its attribute: an id, for a worker may take it, or others queue theirs, meanwhile


def put_first(opened: "optuna.Study", params: dict[str, Any], team: Team | None = None) -> int:
    """Queue the user's own network right after the baselines; returns its trial's number.

    Waiting trials are taken in order of their numbers, so the others are queued again as new trials.
    """
    asked = {"kind": YOURS, ID: uuid.uuid4().hex, **({ASKED_BY: team.member} if team else {})}
    opened.enqueue_trial(params, user_attrs=asked)
    yours = next(one for one in opened.get_trials(deepcopy=False) if one.user_attrs.get(ID) == asked[ID])
    for trial in study.waiting(opened):
        kind = trial.user_attrs.get("kind")
        if trial.number >= yours.number or kind in (*BASELINES, YOURS):
            continue
        # As a worker takes it; where one was faster it is left.
        if opened._storage.set_trial_state_values(trial._trial_id, TrialState.RUNNING):
            retries.run_again(opened, trial, "queued again behind a network of your own", counts=False)
    return int(yours.number)


def place(opened: "optuna.Study", number: int, team: Team | None) -> str:
    """Where a queued trial is in the queue, and who takes it, for people."""
    numbers = [trial.number for trial in study.waiting(opened)]
    if number not in numbers:
        return f"trial {number}, which a worker has begun"
    where = f"trial {number}, place {numbers.index(number) + 1} of {len(numbers)} in the queue"
    whose = "the search that runs here"
    if team is not None:
        whose = f"the next free worker of {' or '.join(members(opened)) or 'the team'}"
    return f"{where}; {whose} takes it"


def members(opened: "optuna.Study") -> list[str]:
    """The members of the team who are running trials."""
    found = {trial.user_attrs.get("member") for trial in study.running(opened)}
    return sorted(filter(None, found))


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
    others = members(opened) if team is not None else []
    taken = f"{' or '.join(others)} may take it; else " if others else ""
    return f"{which}; {taken}the next search begins with it"
