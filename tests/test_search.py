"""search.py, worker.py and trial.py: real searches on digits, ended in every way."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import Run, clean_environment, digits_paths, run_catwalk

from catwalk import search
from catwalk.paths import Paths

DIGITS = ("--competition", "digits")


def progress_of(project: Path) -> dict[str, float]:
    (only,) = json.loads(Paths(project, "digits").progress.read_text()).values()
    return dict(only)


def trials_of(project: Path) -> list[str]:
    return Paths(project, "digits").trials.read_text().splitlines()[1:]


def begin(project: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a search, and come back once two trials are finished."""
    process = subprocess.Popen(
        [sys.executable, "-m", "catwalk", "search", *DIGITS, *arguments],
        cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment(),
    )  # fmt: skip
    assert process.stdout is not None
    seen = 0
    for line in process.stdout:
        seen += line.startswith("trial ")
        if seen == 2:
            return process
    raise AssertionError(process.stderr.read() if process.stderr else "")


def workers_of(parent: int) -> list[int]:
    """Process ids below ``parent`` that run Python."""
    out = subprocess.run(["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True)
    return [int(pid) for pid in out.stdout.split()]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]


def test_all_of_it(digits_done: tuple[Path, Run]) -> None:
    root, done = digits_done
    assert done.returncode == 0, done.stderr
    rows = trials_of(root)
    assert len(rows) == 7, "TRIALS is exact with two workers"
    assert [row.split(",")[2] for row in rows[:3]] == ["softmax", "beginner", "hand-made"]
    assert [row.split(",")[1] for row in rows[:2]] == ["complete", "complete"]
    assert "baseline softmax" in done.stdout
    assert "next: make predict" in done.stdout


def test_what_a_trial_keeps(digits_done: tuple[Path, Run]) -> None:
    root, _ = digits_done
    (snapshot,) = Paths(root, "digits").submissions.glob("*/trials.json")
    for record in json.loads(snapshot.read_text()):
        assert len(record["params"]) == 14
        assert record["versions"]["tensorflow"]
        assert record["seed"] >= 100_000
        assert record["seconds"] > 0
        for i, epoch in enumerate(record["history"]):
            assert epoch["epoch"] == i + 1
            assert {"train_loss", "train_accuracy", "loss", "accuracy"} < set(epoch)
        if record["state"] == "complete":
            assert record["history"][-1]["accuracy"] == pytest.approx(record["value"], abs=1e-6)


def test_a_budget_is_kept_and_a_larger_one_adds(project: Path, digits_raw: Path) -> None:
    digits_paths(project, digits_raw)
    assert run_catwalk(project, "prepare", *DIGITS).returncode == 0
    began = time.monotonic()
    first = run_catwalk(project, "search", *DIGITS, "--budget", "18s", "--workers", "1")
    took = time.monotonic() - began
    assert first.returncode == 0, first.stderr
    assert took < 28, "a search ends within 10 s of its budget"
    before = len(trials_of(project))
    assert before >= 2

    began = time.monotonic()
    again = run_catwalk(project, "search", *DIGITS, "--budget", "15s")
    assert time.monotonic() - began < 1.5
    assert "done before" in again.stdout
    more = run_catwalk(project, "search", *DIGITS, "--trials", str(before + 2), "--budget", "2h")
    assert more.returncode == 0, more.stderr
    assert len(trials_of(project)) == before + 2


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT])
def test_an_ended_search_goes_on(project: Path, digits_raw: Path, sign: signal.Signals) -> None:
    digits_paths(project, digits_raw)
    process = begin(project, "--trials", "500", "--workers", "2")
    children = workers_of(process.pid)
    assert len(children) >= 2
    os.kill(process.pid, sign)
    _, stderr = process.communicate(timeout=20)
    if sign == signal.SIGINT:
        assert process.returncode == 130
        assert stderr.count("\n") == 1
        assert "the same command goes on" in stderr
    deadline = time.monotonic() + 5
    while any(alive(child) for child in children) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(alive(child) for child in children), "no process is left 5 s after the parent's death"

    had = 2
    done = run_catwalk(project, "search", *DIGITS, "--trials", str(had + 3), "--workers", "1")
    assert done.returncode == 0, done.stderr
    numbers = [int(row.split(",")[0]) for row in trials_of(project)]
    assert len(numbers) == len(set(numbers)) >= had + 3
    import sqlite3

    database = sqlite3.connect(Paths(project, "digits").study_db)
    assert database.execute("SELECT count(*) FROM trials WHERE state = 'RUNNING'").fetchone() == (0,)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_dead_worker_is_replaced_and_its_trial_runs_again(project: Path, digits_raw: Path) -> None:
    digits_paths(project, digits_raw)
    process = begin(project, "--trials", "8", "--workers", "1")
    victims = [
        pid
        for pid in workers_of(process.pid)
        if "resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_text()
    ]
    os.kill(victims[0], signal.SIGKILL)
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 0, stderr
    assert "died (exit code -9); its trial runs again" in stdout
    assert len(trials_of(project)) == 8


def test_a_second_search_is_refused(project: Path, digits_raw: Path) -> None:
    digits_paths(project, digits_raw)
    process = begin(project, "--trials", "500", "--workers", "1")
    try:
        second = run_catwalk(project, "search", *DIGITS)
        assert (second.returncode, second.stderr.count("\n")) == (2, 1)
        assert "another search of digits is running" in second.stderr
        meanwhile = run_catwalk(project, "predict", *DIGITS)
        assert meanwhile.returncode == 0, meanwhile.stderr
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 130


def test_workers_by_default() -> None:
    assert search.workers_for(10**13) == search.cores() >= 1
    assert search.workers_for(0) == 1
    assert search.available_memory() > 10**8


def test_limits() -> None:
    limits = search.Limits(budget=10, trials=5)
    assert not limits.reached(9.9, 4)
    assert limits.reached(10, 0)
    assert limits.reached(0, 5)
    assert not search.Limits(None, 5).reached(1e9, 4)
