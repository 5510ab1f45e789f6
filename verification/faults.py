"""kill -9 at random moments of every stage, on digits; after each, the same command has to come to its end.

    .venv/bin/python -m verification.faults --rounds 100     (part of make trust; an hour)

A round takes one stage's results away (or asks for more trials), starts ``catwalk all``, and kills its parent
process, or all of its processes, at a moment of the time that this takes without a kill. Then the same
command runs again, and must end well: no finished trial is lost or counted twice, nothing is left RUNNING,
SQLite passes its integrity check, and data, arrays, submission, recipe, talk and notebook are whole.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat

from benchmarks import procfs, project
from catwalk.core.paths import Paths
from catwalk.data import competition as competitions
from catwalk.data import download, prepare
from catwalk.report import results
from catwalk.submission import submission_csv
from verification import crash_rounds

STAGES = ("data", "prepare", "search", "predict", "report")
TRIALS = 3  # the baselines, which are quick


@contextlib.contextmanager
def command(root: Path, trials: int, name: str) -> Iterator["subprocess.Popen[bytes]"]:
    """``catwalk all``; where the block fails or is interrupted, all its processes are killed."""
    asked = ["--competition", "digits", "--trials", str(trials), "--workers", "2", "--name", name]
    with (root / "all.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "catwalk", "all", *asked],
            cwd=root, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise


def take_away(paths: Paths, stage: str, name: str) -> None:
    """What the stage made; looks at the labels, studies and other submissions stay."""
    if stage == "data":
        shutil.rmtree(paths.raw)
    elif stage == "prepare":
        for file in paths.prepared.glob("*.np*"):
            file.unlink()
        paths.prepared_summary.unlink()
    elif stage == "predict":
        for file in (paths.recipe(name), paths.submission(name)):
            file.unlink(missing_ok=True)
        shutil.rmtree(paths.submission_folder(name), ignore_errors=True)
    elif stage == "report":
        for file in (paths.talk(name), paths.notebook(name)):
            file.unlink(missing_ok=True)


def check(paths: Paths, name: str, before: set[int]) -> None:
    crash_rounds.check(paths.root, before)
    loaded = competitions.load(paths)
    for file, facts in download.read_manifest(paths).files.items():
        assert (paths.raw / file).stat().st_size == facts["bytes"], file
    prepared = prepare.load(paths, 1)
    assert len(prepared.pixels) == len(prepared.labels) == len(prepared.train) + len(prepared.validation)
    assert len(submission_csv.read(paths.submission(name), prepared.test_ids, loaded)) == len(
        prepared.test_ids
    )
    found = results.load("digits", name, paths.root)
    assert found.recipe.trials_finished >= len(before)
    assert paths.talk(name).read_text(encoding="utf-8").rstrip().endswith("</html>")
    notebook = nbformat.read(paths.notebook(name), as_version=4)
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")
    json.loads(paths.progress.read_text(encoding="utf-8"))


def whole_run(root: Path, trials: int) -> float:
    """Seconds that the command takes from here to its end."""
    started = time.monotonic()
    with command(root, trials, f"trials-{trials}") as process:
        assert process.wait(timeout=300) == 0, (root / "all.log").read_text()
    return time.monotonic() - started


def one_round(root: Path, stage: str, trials: int, seconds: float, dice: random.Random) -> str:
    """One kill, and the run that mends it; what was hit."""
    paths = Paths(root, "digits")
    name = f"trials-{trials}"
    before = crash_rounds.finished(root)
    take_away(paths, stage, name)
    with command(root, trials, name) as process:
        moment = dice.uniform(0, seconds)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(moment)
        before |= crash_rounds.finished(root)
        children = procfs.descendants_of(process.pid) if process.poll() is None else []
        whole_group = dice.random() < 0.5
        for pid in [process.pid, *(children if whole_group else [])]:
            crash_rounds.kill(pid)
        ended = process.wait()
        assert ended in (0, -signal.SIGKILL), (root / "all.log").read_text()  # else it failed by itself
        crash_rounds.assert_all_gone(children)
    with command(root, trials, name) as again:
        assert again.wait(timeout=300) == 0, (root / "all.log").read_text()
    check(paths, name, before)
    what = "was done before" if ended == 0 else f"{'all' if whole_group else 'parent'} killed"
    return f"{stage} away, {what} after {moment:.1f} s"


def rounds(root: Path, count: int, seed: int) -> dict[str, Any]:
    dice = random.Random(seed)  # noqa: S311
    trials = TRIALS
    whole_run(root, trials)
    seconds = {}
    said: Counter[str] = Counter()
    for number in range(count):
        stage = dice.choice(STAGES)
        more = 1 if stage == "search" else 0
        if stage not in seconds:
            trials += more
            take_away(Paths(root, "digits"), stage, f"trials-{trials}")
            seconds[stage] = whole_run(root, trials)
        trials += more
        line = one_round(root, stage, trials, seconds[stage], dice)
        said[line.split(" after ")[0]] += 1
        print(f"round {number + 1}: {line}", flush=True)
    return {
        "rounds": count,
        "seconds": {stage: round(took, 1) for stage, took in seconds.items()},
        "what": dict(said),
        "broken": 0,
    }


def measure(count: int, seed: int) -> dict[str, Any]:
    project.end_by_sigterm()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        project.bare(root)
        return rounds(root, count, seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(measure(options.rounds, options.seed))


if __name__ == "__main__":
    main()
