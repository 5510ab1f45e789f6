"""limits.py: when a search ends, and how many workers the machine bears."""

import time
from datetime import datetime
from pathlib import Path

import pytest

from catwalk.core import resources
from catwalk.core.errors import MachineError, UserError
from catwalk.core.paths import Paths
from catwalk.search import limits, supervisor
from catwalk.search.display import Display
from catwalk.search.limits import Limits
from tests.conftest import digits_paths, run_catwalk

NOON = datetime(2026, 11, 22, 12, 0)


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


def test_until_keeps_time_for_what_follows() -> None:
    assert limits.seconds_until("14:40", NOON) == (2 * 3600 + 40 * 60 - limits.AFTER_SEARCH) / (
        1 + limits.REFIT
    )


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
    monkeypatch.setattr(resources, "available", lambda: free)
    assert limits.workers(None) == limits.cores() >= 1
    free = 0
    assert limits.workers(None) == 1
    free = 4 * limits.WORKER_MEMORY
    assert limits.workers(3) == 3
    free = 2_500_000_000
    with pytest.raises(MachineError, match=r"8 workers may need 10 GB, but only 2\.5 GB are free: WORKERS=2"):
        limits.workers(8)


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
