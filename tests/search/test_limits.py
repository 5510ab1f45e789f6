"""limits.py: when a search ends, and how many workers the machine bears."""

import time
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from catwalk import search_options
from catwalk.arguments import parse
from catwalk.core import memory
from catwalk.core.errors import MachineError, UserError
from catwalk.core.paths import Paths
from catwalk.data.prepare import Prepared
from catwalk.data.run_context import RunContext
from catwalk.option_values import duration
from catwalk.search import limits, study, supervisor
from catwalk.search.display import Display
from catwalk.search.limits import Limits
from tests.conftest import digits_paths, load, run_catwalk

NOON = datetime(2026, 11, 22, 12, 0)
PREPARED = cast(Prepared, SimpleNamespace(fingerprint="aaaa", split="s1"))


def test_reached() -> None:
    both = Limits(budget=10, trials=5)
    assert not both.reached(9.9, 4)
    assert both.reached(10, 0)
    assert both.reached(0, 5)
    assert not Limits(None, 5).reached(1e9, 4)
    assert Limits(120, None).reached(119, 3, full=120), "no further trial fitted 120 s"
    assert not Limits(121, None).reached(119, 3, full=120)
    assert not Limits(None, 4).reached(119, 3, full=120)


def test_a_machine_that_slept_does_not_miss_until(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it sleeps, Linux's monotonic clock stands still; UNTIL= is a time of day."""
    clock = time.time()
    asked = Limits(600.0, None, until=clock + 600)
    running = supervisor.Supervisor(Paths(tmp_path, "digits"), asked, time.monotonic(), 0.0, Display())
    assert 590 < running._left() <= 600
    monkeypatch.setattr(time, "time", lambda: clock + 500)
    assert 90 < running._left() <= 100
    assert asked.of_search(0.0).until == asked.until


def test_a_machine_that_slept_has_not_had_the_whole_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what it did not have, a later search may have some; and so may folds."""
    paths, clock = Paths(tmp_path, "digits"), time.time()
    opened = study.create(paths, PREPARED, "pixels")
    asked = Limits(3600.0, None, until=clock + 3600)
    running = supervisor.Supervisor(paths, asked, time.monotonic(), 0.0, Display())
    running._ended = limits.FULL
    awake = running._state(opened)
    assert awake.full == awake.budget == pytest.approx(3600, abs=5)
    monkeypatch.setattr(time, "time", lambda: clock + 3590)
    slept = running._state(opened)
    assert slept.full == slept.budget == pytest.approx(10, abs=5)
    assert not Limits(600.0, None).reached(slept.spent, 3, slept.full)
    by_budget = supervisor.Supervisor(paths, Limits(600.0, None), time.monotonic(), 0.0, Display())
    assert by_budget._state(opened).budget == 600


@pytest.mark.parametrize("clock", ["12:02", "12:10", "12:12", "12:30", "13:07", "20:00"])
def test_until_keeps_time_for_what_follows(clock: str) -> None:
    end = datetime.strptime(clock, "%H:%M").replace(year=NOON.year, month=NOON.month, day=NOON.day)
    budget = limits.seconds_until(clock, NOON)
    whole = budget + limits.refit_seconds(budget) + limits.AFTER_SEARCH
    assert whole == pytest.approx((end - NOON).total_seconds())
    without_refit = limits.seconds_until(clock, NOON, may_refit=False)
    assert without_refit == pytest.approx(whole - limits.AFTER_SEARCH)


def test_until_keeps_time_to_predict_many_test_rows() -> None:
    usual = limits.seconds_until("20:00", NOON, may_refit=False)
    for test_rows, more in ((limits.MANY_ROWS, 0.0), (110_000, 200.0)):
        seconds = limits.seconds_until("20:00", NOON, may_refit=False, test_rows=test_rows)
        assert usual - seconds == pytest.approx(more)
    with pytest.raises(UserError, match=r"take up to 245 s: choose 12:05 or later"):
        limits.seconds_until("12:04", NOON, test_rows=110_000)


@pytest.mark.parametrize(("folds", "may_refit"), [("auto", True), ("1", True), ("5", False)])
def test_what_until_keeps_time_for_follows_from_the_folds_and_the_test(
    folds: str, may_refit: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[object, ...]] = []

    def seconds_until(_clock: str, _now: datetime, *given: object) -> float:
        asked.append(given)
        return 100.0

    monkeypatch.setattr(limits, "seconds_until", seconds_until)
    options = parse(["search", "--until", "14:40", "--folds", folds])
    of_rows = {"fingerprint": "aaaa", "split": "s1", "test_pixels": range(7)}
    prepared = cast(Prepared, SimpleNamespace(**of_rows))
    context = RunContext(Paths(tmp_path, "digits"), load("digits"), prepared, 1, "local")
    assert search_options.limits_of(options, context).budget == 100
    assert asked == [(may_refit, 7)]


def test_where_no_folds_fit_there_is_time_for_a_refit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Limits(600.0, None, 5).without_folds() == Limits(600.0, None)
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    alone = Limits(900.0, None, 5, until=1750.0).without_folds()
    assert (alone.folds, alone.trials) == (1, None)
    assert (alone.budget, alone.until) == pytest.approx((750, 1600)), "150 s are the refit's"


def test_a_refit_takes_a_smaller_share_of_a_longer_search() -> None:
    assert [limits.refit_seconds(budget) for budget in (120.0, 600.0, 3600.0)] == [30.0, 150.0, 300.0]


@pytest.mark.parametrize(
    ("clock", "now", "said"),
    [
        ("11:59", NOON, "UNTIL=11:59 is in the past (it is now 12:00)"),
        ("12:00", NOON, "is in the past"),
        ("12:01", NOON.replace(second=30), "choose 12:02 or later"),
        ("noon", NOON, "not a time of day: write it as 14:40"),
        ("25:00", NOON, "not a time of day"),
    ],
)
def test_an_until_that_can_not_be(clock: str, now: datetime, said: str) -> None:
    with pytest.raises(UserError) as error:
        limits.seconds_until(clock, now)
    assert said in str(error.value)


def test_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    free = 10**13
    monkeypatch.setattr(memory, "available", lambda: free)
    assert limits.workers(None) == limits.cores() >= 1
    free = 0
    assert limits.workers(None) == 1
    free = 4 * limits.WORKER_MEMORY
    assert limits.workers(3) == 3
    free = 2_500_000_000
    with pytest.raises(MachineError, match=r"8 workers may need 10 GB, but only 2\.5 GB are free: WORKERS=2"):
        limits.workers(8)


def test_after_a_search_workers_are_at_most_as_many_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where memory became short, what was found is not lost to an error."""
    monkeypatch.setattr(memory, "available", lambda: 3 * limits.WORKER_MEMORY)
    assert [limits.workers_after_search(asked) for asked in (1, 3, 8)] == [1, 3, 3]
    assert limits.workers_after_search(None) == limits.workers(None)


def test_a_budget_that_is_advised_is_one_that_people_type() -> None:
    """Never less than it takes; UNTIL= leaves odd seconds."""
    for seconds, said in ((8.2, "9s"), (45.0, "45s"), (90.0, "1.5m"), (600.0, "10m"), (2014.29, "34m")):
        assert limits.shown(seconds) == said
        assert duration(said) >= seconds


def test_past_and_twice(project: Path, digits_raw: Path) -> None:
    digits_paths(project, digits_raw)
    for arguments, said in (
        (("--until", "00:00"), "is in the past"),
        (("--until", "23:59", "--budget", "5m"), "BUDGET= and UNTIL= can't be used together"),
    ):
        done = run_catwalk(project, "search", "--competition", "digits", *arguments)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert said in done.stderr
        assert not (project / "data/digits/study").exists()
