"""own_queue.py: a network of the user's own in the queue of a running search."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import optuna
import pytest

from catwalk.core.paths import Paths
from catwalk.core.team import Team
from catwalk.data.prepare import Prepared
from catwalk.models import portfolio
from catwalk.search import first_trials, fold_study, own_queue, retries, study

PREPARED = cast(Prepared, SimpleNamespace(fingerprint="aaaa", split="s1"))
TEAM = Team("postgresql://u@h/d", "ann")


@pytest.fixture
def opened(tmp_path: Path) -> optuna.Study:
    """A study as a search begins it: two baselines, then a configuration of the portfolio."""
    made = study.create(Paths(tmp_path, "digits"), PREPARED, "pixels")
    for kind, configuration in [
        *portfolio.BASELINES.items(),
        ("portfolio 1", portfolio.BASELINES["beginner"]),
    ]:
        first_trials.enqueue_once(made, kind, configuration)
    return made


def test_it_is_said_where_it_waits_and_who_takes_it(opened: optuna.Study) -> None:
    number = own_queue.put_first(opened, portfolio.BASELINES["beginner"], TEAM)
    said = own_queue.place(opened, number, None)
    assert said == f"trial {number}, place 3 of 4 in the queue; the search that runs here takes it"
    for name in ("bob", "ann"):
        opened.ask().set_user_attr("member", name)
    said = own_queue.place(opened, number, TEAM)
    assert said == f"trial {number}, place 1 of 2 in the queue; the next free worker of ann or bob takes it"
    opened.ask()
    assert own_queue.place(opened, number, TEAM) == f"trial {number}, which a worker has begun"


def test_what_a_search_leaves_waiting_is_said(opened: optuna.Study) -> None:
    assert own_queue.still_waiting(opened, None) is None
    one = own_queue.put_first(opened, portfolio.BASELINES["beginner"], TEAM)
    said = own_queue.still_waiting(opened, None)
    assert said == f"trial {one} of yours still waits; the next search begins with it"
    opened.ask().set_user_attr("member", "bob")
    two = own_queue.put_first(opened, {**portfolio.BASELINES["beginner"], "width_1": 64}, TEAM)
    own_queue.put_first(opened, portfolio.BASELINES["beginner"], Team(TEAM.url, "bob"))  # not of ours
    said = own_queue.still_waiting(opened, TEAM)
    assert said is not None
    assert said.startswith(f"trials {one}, {two} of yours still wait; bob may take it; else the next")


def test_one_that_is_queued_again_is_still_its_owner_s(opened: optuna.Study) -> None:
    """As when the search is stopped while it trains."""
    number = own_queue.put_first(opened, portfolio.BASELINES["beginner"], TEAM)
    while (trial := opened.ask()).number != number:
        pass
    retries.run_again(opened, opened.trials[trial.number], "the search was stopped", counts=False)
    said = own_queue.still_waiting(opened, TEAM)
    assert said is not None
    assert said.startswith(f"trial {len(opened.trials) - 1} of yours still waits; ")


def test_what_is_queued_again_keeps_whose_it_is_and_its_fold() -> None:
    """The modules that name these attributes import retries.py, directly or not, so it repeats the names."""
    assert {own_queue.ASKED_BY, fold_study.FOLD} <= set(retries.COPIED)


def test_a_worker_may_take_it_at_once(opened: optuna.Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between queueing and looking where it is."""
    for _ in range(3):
        opened.ask()
    enqueue = optuna.Study.enqueue_trial

    def enqueue_and_take(self: optuna.Study, *arguments: Any, **named: Any) -> None:
        enqueue(self, *arguments, **named)
        opened.ask()

    monkeypatch.setattr(optuna.Study, "enqueue_trial", enqueue_and_take)
    number = own_queue.put_first(opened, portfolio.BASELINES["beginner"])
    assert own_queue.place(opened, number, None) == f"trial {number}, which a worker has begun"
