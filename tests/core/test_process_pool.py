"""process_pool.py: every task is done, in whichever process; one that dies takes its own task along only."""

import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from catwalk.core import process_pool
from tests.conftest import clean_environment


def square(number: int) -> tuple[int, int]:
    return number * number, os.getpid()


def dies_at_two(number: int) -> int:
    if number == 2:
        os._exit(1)
    if number == 3:
        raise ValueError("three is none")
    return number


def meets(task: tuple[str, str, Path]) -> bool:
    """Whether the other task begins within half a minute, in which this one does not end without it."""
    own, other, folder = task
    (folder / own).touch()
    ends = time.monotonic() + 30
    while not (folder / other).exists() and time.monotonic() < ends:
        time.sleep(0.01)
    return (folder / other).exists()


def until_it_is_late(task: tuple[str, Path]) -> str:
    """Of the second one: it ends once the parent has seen that no more may start."""
    name, folder = task
    ends = time.monotonic() + 60
    if name == "second":
        (folder / "begun").touch()
        while not (folder / "late").exists() and time.monotonic() < ends:
            time.sleep(0.01)
    return name


def test_a_process_does_one_task_after_another() -> None:
    results = process_pool.run_all(square, list(range(6)), "squares", 2, None)
    assert [result[0] for result in results if result] == [0, 1, 4, 9, 16, 25]
    assert len({result[1] for result in results if result}) <= 2


def test_two_processes_work_at_once(tmp_path: Path) -> None:
    tasks = [("one", "other", tmp_path), ("other", "one", tmp_path)]
    assert process_pool.run_all(meets, tasks, "tasks", 2, None) == [True, True]


def test_the_bar_is_one_plain_line_in_a_file() -> None:
    """Also where FORCE_COLOR is set, as Jupyter does it: each frame would be another line of the notebook."""
    code = "from catwalk.core import process_pool; process_pool.run_all(abs, [], 'numbers', 1, 1.0)"
    environment = clean_environment(FORCE_COLOR="1")
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
    )
    (line,) = done.stdout.splitlines()
    assert line.startswith("  numbers ")
    assert "\x1b" not in line


def test_what_fails_has_no_result(capfd: pytest.CaptureFixture[str]) -> None:
    assert process_pool.run_all(dies_at_two, [1, 2, 3, 4], "numbers", 1, None) == [1, None, None, 4]
    said = capfd.readouterr().err.splitlines()
    failed = [line for line in said if line.startswith("  failed: ")]
    assert failed == ["  failed: a process died (exit code 1)", "  failed: ValueError: three is none"]


def test_what_has_begun_is_finished_and_no_more_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a clock of the test's own, by which the last start is over as soon as the second task runs."""

    def monotonic() -> float:
        if not (tmp_path / "begun").exists():
            return 0.0
        (tmp_path / "late").touch()
        return 2.0

    monkeypatch.setattr(process_pool, "time", SimpleNamespace(monotonic=monotonic))
    tasks = [(name, tmp_path) for name in ("first", "second", "third")]
    done = process_pool.run_all(until_it_is_late, tasks, "tasks", 1, None, last_start=1.0)
    assert done == ["first", "second", None]
