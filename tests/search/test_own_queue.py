"""own_queue.py: a network of the user's own in the queue of a running search, or alone.

Also: own_trial.py.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import optuna
import pytest
from optuna.trial import TrialState

from catwalk.core import processes
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.core.team import Team
from catwalk.data.prepare import Prepared
from catwalk.data.run_context import RunContext
from catwalk.models import portfolio, space
from catwalk.search import (
    failed_trials,
    first_trials,
    fold_study,
    own_queue,
    own_trial,
    progress,
    retries,
    search,
    study,
    worker_pool,
)
from catwalk.search.display import Display
from catwalk.search.limits import Limits
from catwalk.search.messages import Done, Message, Order, TrialBegun
from catwalk.search.supervisor import Supervisor
from tests.conftest import load

PREPARED = cast(Prepared, SimpleNamespace(fingerprint="aaaa", split="s1"))
TEAM = Team("postgresql://u@h/d", "ann")


class OneWorker(worker_pool.Workers):
    """A worker within this process: each trial ends at once, those of the user's own as told.

    Args:
        opened: the study.
        ends: of the user's own trials in turn, "error" or "death"; those after them are complete.
    """

    def __init__(self, opened: optuna.Study, ends: list[str]) -> None:
        super().__init__()
        self._opened, self._ends, self._said = opened, list(ends), list[Message]()
        self.kinds: list[str] = []  # of the trials that it has begun

    def start(self) -> None:
        process = SimpleNamespace(is_alive=lambda: not self._said or Done() in self._said, exitcode=-9)
        connection = cast(Any, SimpleNamespace(send=self._train))
        self.all.append(worker_pool.Worker(process, connection, 0, ready=True))

    def _train(self, _: Order) -> None:
        trial = self._opened.ask()
        space.suggest(trial, "pixels", ("shift",))
        kind = trial.user_attrs.get("kind", "search")
        self.kinds.append(kind)
        end = self._ends.pop(0) if kind == "yours" and self._ends else None
        self._said = [TrialBegun(trial.number, kind), *([] if end == "death" else [Done()])]
        if end == "error":
            failed_trials.keep(trial, ValueError("no such layer"))
            self._opened.tell(trial, state=TrialState.FAIL)
        elif end is None:
            self._opened.tell(trial, 0.5 + trial.number / 100)

    def messages(self, timeout: float) -> Iterator[tuple[worker_pool.Worker, Message]]:
        yield from ((self.all[0], message) for message in self._said)

    def take_dead(self) -> list[worker_pool.Worker]:
        dead = super().take_dead()
        self._said = []
        return dead

    def end(self) -> Iterator[Message]:
        self.all = []
        return iter(())


def context_of(root: Path, said: list[str]) -> RunContext:
    """With all that comparing trials needs."""
    known = {**vars(PREPARED), "validation": range(144), "duplicates": {"train": 0}}
    prepared = cast(Prepared, SimpleNamespace(**known))
    return RunContext(Paths(root, "digits"), load("digits"), prepared, 1, "pixels", said.append)


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
    said = own_queue.place(opened, number, None, is_here=True)
    assert said == f"trial {number}, place 3 of 4 in the queue; the search that runs here takes it"
    for team in (None, TEAM):
        said = own_queue.place(opened, number, team, is_here=False)
        assert said == f"trial {number}, place 3 of 4 in the queue; the next search takes it"
    for name in ("bob", "ann"):
        opened.ask().set_user_attr("member", name)
    said = own_queue.place(opened, number, TEAM, is_here=True)
    assert said == f"trial {number}, place 1 of 2 in the queue; the next free worker of ann or bob takes it"
    assert own_queue.others(opened, TEAM) == ["bob"]
    said = own_queue.place(opened, number, TEAM, is_here=False)  # what ann ran was killed
    assert said == f"trial {number}, place 1 of 2 in the queue; the next free worker of bob takes it"
    opened.ask()
    assert own_queue.place(opened, number, TEAM, is_here=True) == f"trial {number}, which a worker has begun"


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


@pytest.mark.parametrize("end", [KeyboardInterrupt(), UserError("most trials failed", fix="see why")])
def test_a_search_that_is_ended_early_says_it_too(
    opened: optuna.Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: BaseException
) -> None:
    def stop(*_: object) -> bool:
        raise end

    monkeypatch.setattr(processes, "preload", lambda: None)
    monkeypatch.setattr(Supervisor, "_give_orders", stop)
    number = own_queue.put_first(opened, portfolio.BASELINES["beginner"])
    said: list[str] = []
    context = RunContext(Paths(tmp_path, "digits"), load("digits"), PREPARED, 1, "pixels", said.append)
    with pytest.raises(type(end)):
        search.run_trials(context, Limits(None, 9), 0, time.monotonic(), 0.0)
    assert said == [f"search: trial {number} of yours still waits; the next search begins with it"]


def test_a_search_without_a_complete_trial_says_it_too(opened: optuna.Study, tmp_path: Path) -> None:
    number = own_queue.put_first(opened, portfolio.BASELINES["beginner"])
    context = RunContext(Paths(tmp_path, "digits"), load("digits"), PREPARED, 1, "pixels")
    assert search._summary(opened, 1.0, context, Limits(1.0, None)) == [
        "search: 0 trials, none complete; for more: make search BUDGET=3m",
        f"search: trial {number} of yours still waits; the next search begins with it",
    ]
    opened.add_trial(optuna.trial.create_trial(state=TrialState.PRUNED))
    said = search._summary(opened, 1.0, context, Limits(1.0, None))
    assert said[0].startswith("search: 1 trial, none complete; ")


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
    assert {own_queue.ASKED_BY, own_queue.ID, fold_study.FOLD} <= set(retries.COPIED)


@pytest.mark.parametrize(
    ("where", "is_training"), [("run", False), ("_give_orders", False), ("_give_orders", True)]
)
def test_a_make_try_that_is_stopped_leaves_no_trial_that_runs_again(
    opened: optuna.Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, is_training: bool
) -> None:
    """Else the same command would train it twice. What a search has left waiting stays."""
    beginner = portfolio.BASELINES["beginner"]
    mine: list[int] = []
    own_queue.put_first(opened, {**beginner, "width_1": 64})

    def stop(*_: object) -> bool:
        mine.append(max(one.number for one in opened.trials if one.user_attrs["kind"] == "yours"))
        while is_training and opened.ask().number != mine[0]:
            pass
        raise KeyboardInterrupt

    monkeypatch.setattr(processes, "preload", lambda: None)
    monkeypatch.setattr(Supervisor, where, stop)
    context = RunContext(Paths(tmp_path, "digits"), load("digits"), PREPARED, 1, "pixels")
    with pytest.raises(KeyboardInterrupt):
        search.run_trials(context, None, 0, time.monotonic(), 0.0, beginner)
    trials, waiting = opened.trials, study.waiting(opened)
    assert trials[mine[0]].state == TrialState.FAIL
    (left,) = (one for one in waiting if one.user_attrs["kind"] == "yours")
    assert left.system_attrs["fixed_params"]["width_1"] == 64
    assert {one.user_attrs["kind"] for one in waiting} > {"softmax", "portfolio 1"}
    assert mine[0] not in {one.number for one in retries.waiting_for_retry(opened)}


def test_one_whose_worker_died_is_taken_out_too(opened: optuna.Study) -> None:
    with own_queue.in_this_run(opened, portfolio.BASELINES["beginner"], None) as number:
        assert number is not None
        while opened.ask().number != number:
            pass
        retries.run_again(opened, opened.trials[number], "its worker died")
        assert own_queue.still_waiting(opened, None)
    assert own_queue.still_waiting(opened, None) is None
    assert retries.waiting_for_retry(opened) == []


def test_one_that_another_member_trains_is_left(opened: optuna.Study) -> None:
    for member, state in (("bob", TrialState.RUNNING), ("ann", TrialState.FAIL)):
        with own_queue.in_this_run(opened, portfolio.BASELINES["beginner"], TEAM) as number:
            assert number is not None
            while (trial := opened.ask()).number != number:
                pass
            trial.set_user_attr("member", member)
        assert opened.trials[number].state == state


@pytest.mark.parametrize(
    ("ends", "attempts", "outcome"),
    [
        (["error"], 1, " failed: ValueError: no such layer"),
        (["death"], 2, ": 0.5700 on validation (95% interval "),
        (["death"] * 3, 3, " failed: its worker died"),
    ],
)
def test_in_place_of_one_that_fails_no_other_is_trained(
    opened: optuna.Study,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ends: list[str],
    attempts: int,
    outcome: str,
) -> None:
    """Nor is one like it of before said to be it. One whose worker died is trained again first of all."""
    paths, said = Paths(tmp_path, "digits"), list[str]()
    context = context_of(tmp_path, said)
    monkeypatch.setattr(processes, "preload", lambda: None)

    def make_try(ends: list[str]) -> list[str]:
        workers = OneWorker(opened, ends)
        monkeypatch.setattr(worker_pool, "Workers", lambda *_: workers)
        said.clear()
        own_trial.run(context, {"width_1": 64})
        return workers.kinds

    assert make_try([]) == ["softmax", "beginner", "yours"]
    assert said[0].startswith("try: your trial 3: 0.5300 on validation (95% interval ")
    assert make_try(ends) == ["yours"] * attempts
    number = 3 + 2 * attempts  # before each one the portfolio's is queued again behind it
    assert said[0].startswith(f"try: your trial {number}{outcome}")
    assert "portfolio 1" in {trial.user_attrs["kind"] for trial in study.waiting(opened)}
    assert progress.read(paths)[study.key(opened)].full is None, "no search has ended"


@pytest.mark.parametrize(("ends", "attempts"), [([], 2), (["death", "death"], 4)])
def test_one_that_is_queued_while_it_trains_is_trained_too(
    opened: optuna.Study,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ends: list[str],
    attempts: int,
) -> None:
    """As by a second make try, which is told so. Also where the worker of each died; and no other is."""
    said = list[str]()
    workers = OneWorker(opened, ends)
    train = workers._train

    def train_and_queue(order: Order) -> None:
        train(order)
        if workers.kinds.count("yours") == 1:
            own_queue.put_first(opened, {**portfolio.BASELINES["beginner"], "width_1": 64})

    monkeypatch.setattr(processes, "preload", lambda: None)
    monkeypatch.setattr(worker_pool, "Workers", lambda *_: workers)
    monkeypatch.setattr(workers, "_train", train_and_queue)
    own_trial.run(context_of(tmp_path, said), {})
    assert workers.kinds == ["softmax", "beginner", *["yours"] * attempts]
    assert said[0].startswith(f"try: your trial {3 if attempts == 2 else 7}: ")
    assert own_queue.still_waiting(opened, None) is None
    assert "portfolio 1" in {trial.user_attrs["kind"] for trial in study.waiting(opened)}


def test_one_of_a_make_try_that_was_killed_is_left_to_a_search(
    opened: optuna.Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the same command would train it twice."""
    own_queue.put_first(opened, portfolio.BASELINES["beginner"])
    while opened.ask().user_attrs["kind"] != "yours":
        pass
    workers = OneWorker(opened, [])
    monkeypatch.setattr(processes, "preload", lambda: None)
    monkeypatch.setattr(worker_pool, "Workers", lambda *_: workers)
    own_trial.run(context_of(tmp_path, []), {})
    assert workers.kinds.count("yours") == 1


def test_it_is_trained_as_soon_as_nothing_else_trains_here(
    opened: optuna.Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a make predict that trains networks again."""
    said = list[str]()
    context, workers = context_of(tmp_path, said), OneWorker(opened, [])
    monkeypatch.setattr(processes, "preload", lambda: None)
    monkeypatch.setattr(worker_pool, "Workers", lambda *_: workers)
    with contextlib.ExitStack() as predict:
        predict.enter_context(progress.locked(context.paths))
        monkeypatch.setattr(time, "sleep", lambda _: predict.close())
        own_trial.run(context, {})
    assert said[0] == "try: another command trains networks here: waiting up to 60 s"
    assert said[1].startswith("try: your trial 3: ")


@pytest.mark.parametrize("is_searched", [True, False])
def test_a_search_that_was_killed_is_not_said_to_take_it(
    opened: optuna.Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_searched: bool
) -> None:
    """As where a make predict trains networks again, and a search with a closed terminal left its trials."""
    said = list[str]()
    context = context_of(tmp_path, said)
    opened.ask()
    progress.write(context.paths, study.key(opened), progress.NOTHING)
    monkeypatch.setattr(own_trial, "STUDY_SECONDS", 1)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    if not is_searched:
        before = time.time() - progress.AT_WORK - 1
        os.utime(context.paths.progress, (before, before))
    with progress.locked(context.paths):
        own_trial.run(context, {})
    whose = "the search that runs here" if is_searched else "the next search"
    assert said[-1] == f"try: queued as trial 3, place 2 of 3 in the queue; {whose} takes it"
    assert len(said) == (1 if is_searched else 2), "else it waits first"


def test_what_folds_or_another_study_train_is_not_waited_for_without_end(
    opened: optuna.Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, slept = context_of(tmp_path, []), list[float]()
    monkeypatch.setattr(time, "sleep", slept.append)
    with progress.locked(context.paths), pytest.raises(UserError, match="is running here: wait for it"):
        own_trial.run(context, {})
    assert len(slept) == own_trial.STUDY_SECONDS
    assert "yours" not in {trial.user_attrs["kind"] for trial in opened.trials}


def test_ctrl_c_while_it_is_queued_loses_nothing_of_the_queue(
    opened: optuna.Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is put behind it is marked as running in between."""
    said = list[str]()
    context, repeat = context_of(tmp_path, said), retries.repeat

    def stop_and_repeat(*arguments: Any, **named: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        repeat(*arguments, **named)

    running = opened.ask().number
    progress.write(context.paths, study.key(opened), progress.NOTHING)
    monkeypatch.setattr(retries, "repeat", stop_and_repeat)
    with progress.locked(context.paths), pytest.raises(KeyboardInterrupt):
        own_trial.run(context, {})
    assert [trial.number for trial in study.running(opened)] == [running]
    waiting = [trial.user_attrs["kind"] for trial in study.waiting(opened)]
    assert waiting == ["beginner", "yours", "portfolio 1"]
    assert said == ["try: queued as trial 3, place 2 of 3 in the queue; the search that runs here takes it"]


def test_what_a_team_trains_meanwhile_does_not_end_it(opened: optuna.Study, tmp_path: Path) -> None:
    """Nor does another member who takes it: that is waited for."""
    number = own_queue.put_first(opened, portfolio.BASELINES["beginner"], TEAM)
    orders: list[Order] = []
    workers = worker_pool.Workers()
    connection = cast(Any, SimpleNamespace(send=orders.append))
    workers.all.append(worker_pool.Worker(None, connection, 0, ready=True))
    parent = Supervisor(Paths(tmp_path, "digits"), Limits(None, 0), 0.0, 0.0, Display(), number)
    parent._elsewhere = 5
    while opened.ask().number != number:
        assert parent._give_orders(opened, workers)
        assert orders, "it waits"
        workers.all[0].busy = False
        orders.clear()
    assert parent._give_orders(opened, workers)
    assert not orders
    retries.end(opened, opened.trials[number], "its worker died")  # and before it is queued again
    assert parent._give_orders(opened, workers)
    assert len(orders) == 1
    workers.all[0].busy = False
    while (theirs := opened.ask()).user_attrs["kind"] != "yours":
        pass
    opened.tell(theirs, 0.5)
    assert not parent._give_orders(opened, workers)
    assert len(orders) == 1


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
    assert own_queue.place(opened, number, None, is_here=True) == f"trial {number}, which a worker has begun"
