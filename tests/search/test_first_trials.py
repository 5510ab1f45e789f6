"""first_trials.py: what a continued search queues, where the time for its networks has changed."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import optuna
import pytest
from optuna.trial import TrialState

from catwalk.core.paths import Paths
from catwalk.core.team import Team
from catwalk.data.prepare import Prepared
from catwalk.models import portfolio, space
from catwalk.search import failed_trials, first_trials, study

PREPARED = cast(Prepared, SimpleNamespace(fingerprint="aaaa", split="s1"))
SCOPE = "local.conv"


def wanted(width: int) -> list[tuple[str, space.Params]]:
    """As ``portfolio.first`` gives them, the convolutional ones with so many channels."""
    first = portfolio.first(SCOPE, ("flip", "shift"))
    return [
        (kind, {**params, "conv_width": width} if params["family"] == "conv" else params)
        for kind, params in first
    ]


@pytest.fixture
def opened(tmp_path: Path) -> optuna.Study:
    return study.create(Paths(tmp_path, "digits"), PREPARED, SCOPE)


def queue(opened: optuna.Study) -> list[tuple[str, int]]:
    """Kind and channels of all that wait, in their order."""
    return [
        (trial.user_attrs["kind"], round(trial.system_attrs["fixed_params"]["conv_width"]))
        for trial in study.waiting(opened)
    ]


def take(opened: optuna.Study) -> optuna.Trial:
    """Begin the next trial, as a worker does."""
    trial = opened.ask()
    space.suggest(trial, portfolio.scope_of(trial.user_attrs["kind"], SCOPE), ("flip", "shift"))
    return trial


def test_the_width_follows_the_time_that_is_left(opened: optuna.Study) -> None:
    """As with BUDGET=2h, Ctrl-C, then BUDGET=5m: the order stays."""
    first_trials.enqueue(opened, wanted(128))
    before = queue(opened)
    first_trials.enqueue(opened, wanted(128))
    assert queue(opened) == before
    assert [kind for kind, _ in before] == [kind for kind, _ in wanted(128)]
    opened.tell(take(opened), 0.8)
    take(opened)  # its search is killed
    first_trials.enqueue(opened, wanted(32))
    assert queue(opened) == [(kind, min(width, 32)) for kind, width in before[1:]]
    assert not study.running(opened)
    ended = [trial for trial in opened.get_trials() if trial.state == TrialState.FAIL]
    assert {trial.user_attrs[failed_trials.REASON] for trial in ended} == {
        "queued again, with the width that there is time for now"
    }


def test_a_queue_from_before_families_stays(opened: optuna.Study) -> None:
    names = [name for name in space.SPACE if name != "family" and not name.startswith("conv_")]
    for kind, params in portfolio.BASELINES.items():
        opened.enqueue_trial({name: params[name] for name in names}, user_attrs={"kind": kind})
    first_trials.enqueue(opened, wanted(32))
    before = ["softmax", "beginner"]
    kinds = [trial.user_attrs["kind"] for trial in study.waiting(opened)]
    assert kinds == [*before, *(kind for kind, _ in wanted(32) if kind not in before)]


def test_with_more_time_a_narrow_network_is_trained_wider(opened: optuna.Study) -> None:
    """As with BUDGET=1m, then BUDGET=60m; with less time again nothing is."""
    first_trials.enqueue(opened, wanted(32))
    for _ in range(len(wanted(32))):
        opened.tell(take(opened), 0.8)
    for _ in range(2):
        first_trials.enqueue(opened, wanted(64))
        assert queue(opened) == [("portfolio conv 1", 64), ("portfolio conv 2", 64)]
    for _ in range(2):
        opened.tell(take(opened), 0.8)
    first_trials.enqueue(opened, wanted(48))
    assert queue(opened) == []


def test_a_network_whose_search_was_killed_too_often_is_tried_by_the_next(opened: optuna.Study) -> None:
    first_trials.enqueue(opened, wanted(32))
    for _ in range(len(wanted(32))):
        opened.tell(take(opened), state=TrialState.FAIL)
    assert queue(opened) == []
    first_trials.enqueue(opened, wanted(32))
    assert [kind for kind, _ in queue(opened)] == [kind for kind, _ in wanted(32)]


def test_members_of_a_team_have_a_width_each(tmp_path: Path) -> None:
    """One may have a GPU, and another a laptop."""
    teams = [Team("postgresql://host/db", member, None) for member in ("ann", "ben")]
    alone, *each = (study.most_channels(Paths(tmp_path, "digits", team)) for team in (None, *teams))
    assert len({alone, *each}) == 3
    assert alone == study.MOST_CHANNELS, "as in studies that are there"


def test_in_a_team_the_others_queue_stays(opened: optuna.Study) -> None:
    """A machine of another speed takes what they have queued."""
    opened.set_user_attr(study.ID, "team")
    first_trials.enqueue(opened, wanted(128))
    before = queue(opened)
    opened.tell(take(opened), state=TrialState.FAIL)
    first_trials.enqueue(opened, wanted(32))
    assert queue(opened) == before[1:], "what has failed runs again, by whoever saw it die"
