"""kill -9 of a worker, of the search's parent, or of all at once, at random moments of searches on digits.

    .venv/bin/python -m verification.crash_rounds --rounds 30

All rounds go on in one study. After each: no process is left 5 s after the parent's death, and after the next
start no finished trial is lost, none is counted twice (as itself and as its own repetition), nothing is left
RUNNING, trials.csv lists what has finished, and SQLite passes its integrity check. Prints a line a round, and
fails at the first broken promise.
"""

import argparse
import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import project
from benchmarks.procfs import alive, descendants_of, workers_of
from catwalk.core.paths import Paths
from catwalk.search import trial_record

VICTIMS = ("worker", "parent", "all")
FINISHED = ("COMPLETE", "PRUNED")
# The failed trials that were queued again; numbers begin at 0 in each study, ids are those of the whole file.
REPEATED = """
SELECT failed.trial_id
FROM trial_system_attributes AS attribute
JOIN trials AS again ON again.trial_id = attribute.trial_id
JOIN trials AS failed ON failed.study_id = again.study_id
AND failed.number = CAST(attribute.value_json AS INTEGER)
WHERE attribute.key = 'failed_trial'
"""


def begin(root: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Start a search on digits, its output to a file that ``wait_for`` reads."""
    with (root / "search.log").open("w") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "catwalk", "search", "--competition", "digits", *arguments],
            cwd=root, stdout=log, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip


def wait_for(root: Path, process: "subprocess.Popen[str]", start: str, count: int, seconds: float) -> None:
    """Wait until ``count`` lines of the search's output begin with ``start``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        text = (root / "search.log").read_text()
        if sum(line.startswith(start) for line in text.splitlines()) >= count:
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise AssertionError(f"no {count} lines {start!r} in:\n{(root / 'search.log').read_text()}")


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def assert_all_gone(pids: list[int], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    left = [pid for pid in pids if alive(pid)]
    assert not left, f"left {seconds:.0f} s after the parent's death: {left}"


def states(root: Path) -> dict[int, str]:
    """Each trial's state by number, read straight from SQLite: of the first study, which is the search's."""
    asked = "SELECT number, state FROM trials WHERE study_id = (SELECT MIN(study_id) FROM studies)"
    with sqlite3.connect(Paths(root, "digits").study_db) as database:
        return dict(database.execute(asked))


def finished(root: Path) -> set[int]:
    """The ids of all finished trials, those of a training in folds too."""
    with sqlite3.connect(Paths(root, "digits").study_db) as database:
        found = database.execute("SELECT trial_id, state FROM trials")
        return {trial for trial, state in found if state in FINISHED}


def check(root: Path, before: set[int]) -> None:
    """The study's promises, also of its training in folds, with no search running."""
    paths, now = Paths(root, "digits"), finished(root)
    assert before <= now, f"lost: {before - now}"
    with sqlite3.connect(paths.study_db) as database:
        running = database.execute("SELECT trial_id FROM trials WHERE state = 'RUNNING'").fetchall()
        repeated = database.execute(REPEATED).fetchall()
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert not running, "left RUNNING"
    twice = {trial for (trial,) in repeated} & now
    assert not twice, f"counted as themselves and repeated: {twice}"
    searched = sum(state in FINISHED for state in states(root).values())
    listed = [trial_record.count_finished(file) for file in (paths.trials, paths.fold_trials)]
    assert listed == [searched, len(now) - searched], f"trials.csv and folds.csv list {listed} trials"


def one_round(root: Path, victim: str, workers: int, dice: random.Random) -> str:
    """Start a search, kill at a random moment, start another that ends by itself, and check."""
    process = begin(root, "--trials", "100000", "--workers", str(workers))
    try:
        wait_for(root, process, "trial ", 1, seconds=60)
        time.sleep(dice.uniform(0, 2))
        before = finished(root)
        pids = [*descendants_of(process.pid)]
        if victim == "worker":
            kill(workers_of(process.pid)[0])
            wait_for(root, process, "worker ", 1, seconds=30)
            seen = len(finished(root))
            deadline = time.monotonic() + 60
            while len(finished(root)) <= seen and time.monotonic() < deadline:
                time.sleep(0.1)
            assert len(finished(root)) > seen, "the search does not go on after a worker's death"
            pids = [*descendants_of(process.pid)]
        for pid in pids if victim == "all" else []:
            kill(pid)
        kill(process.pid)
        process.wait()
        assert_all_gone(pids)
    finally:
        kill(process.pid)
        process.wait()
    done = len(finished(root))
    again = begin(root, "--trials", str(done + 1), "--workers", "1")
    assert again.wait(timeout=120) == 0, (root / "search.log").read_text()
    check(root, before)
    assert len(finished(root)) == done + 1
    return f"{victim} killed, {workers} workers: {len(before)} finished trials before, {done + 1} after"


def rounds(root: Path, count: int, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311
    for number in range(count):
        started = time.monotonic()
        line = one_round(root, VICTIMS[number % 3], 1 + number % 2, dice)
        print(f"round {number + 1}: {line} ({time.monotonic() - started:.0f} s)", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        project.bare(root)
        rounds(root, options.rounds, options.seed)
    print(f"{options.rounds} rounds, every promise kept")


if __name__ == "__main__":
    main()
