"""kill -9 at random moments of every stage, on digits; after each, the same command has to come to its end.

    .venv/bin/python -m verification.faults --rounds 100     (part of make trust; an hour)

A round takes one stage's results away (or asks for more trials), starts ``catwalk all``, and kills its parent
process, or all of its processes, at a moment of the time that this takes without a kill. Then the same
command runs again, and must end well: no finished trial is lost or counted twice, nothing is left RUNNING,
SQLite passes its integrity check, and data, arrays, submission, recipe, talk and notebook are whole.

A round of "folds" runs it with ``--folds``, in a copy of the project that was made after its first search.
The moment is one before the last of the folds' networks is trained and recorded, and the submission has to
equal, byte for byte, that of a run without a kill. These rounds alone:

    .venv/bin/python -m verification.faults --stages folds --rounds 5
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
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat

from benchmarks import procfs, project
from catwalk.core.paths import Paths
from catwalk.data import competition as competitions
from catwalk.data import download, folds, prepare
from catwalk.report import results
from catwalk.search import fold_study, progress
from catwalk.submission import recipe, submission_csv
from verification import crash_rounds

STAGES = ("data", "prepare", "search", "predict", "report", "folds")
TRIALS = 3  # the baselines, which are quick
FOLDS = 5


def named(trials: int) -> str:
    """The submission of so many trials."""
    return f"trials-{trials}"


@contextlib.contextmanager
def command(root: Path, stage: str, trials: int) -> Iterator["subprocess.Popen[bytes]"]:
    """``catwalk all``; where the block fails or is interrupted, all its processes are killed."""
    asked = ["--competition", "digits", "--trials", str(trials), "--workers", "2", "--name", named(trials)]
    asked += ["--folds", str(FOLDS)] if stage == "folds" else []
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
    """What the stage made; looks at the labels, studies and other submissions stay, but those of "folds"."""
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
    elif stage == "folds":
        shutil.rmtree(paths.root, ignore_errors=True)
        shutil.copytree(searched(paths.root), paths.root)


def searched(root: Path) -> Path:
    """Beside the project: a copy of it after its first search."""
    return root.with_name("searched")


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
    assert found.recipe.trials_finished + found.recipe.fold_trainings >= len(before)
    assert paths.talk(name).read_text(encoding="utf-8").rstrip().endswith("</html>")
    notebook = nbformat.read(paths.notebook(name), as_version=4)
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")
    json.loads(paths.progress.read_text(encoding="utf-8"))


def in_folds(paths: Paths, name: str) -> tuple[object, ...]:
    """What no kill changes of a training in folds and of its submission."""
    known = progress.read(paths).items()
    (state,) = [one for key, one in known if folds.is_of_folds(progress.parts(key)[2])]
    assert recipe.read(paths, name).folds == FOLDS, "the submission is not of the folds' networks"
    assert state.ended == fold_study.ALL_TRAINED, state.ended
    files = (paths.submission(name), paths.oof(name), paths.test_predictions(name))
    return (state.finished, *(file.read_bytes() for file in files))


def whole_run(root: Path, stage: str, trials: int) -> float:
    """Seconds from here to the command's end; of "folds", to the training's last record in progress.json."""
    started = time.time()
    with command(root, stage, trials) as process:
        assert process.wait(timeout=300) == 0, (root / "all.log").read_text()
    recorded = Paths(root, "digits").progress.stat().st_mtime
    return (recorded if stage == "folds" else time.time()) - started


def one_round(root: Path, stage: str, trials: int, seconds: float, dice: random.Random) -> str:
    """One kill, and the run that mends it; what was hit."""
    paths = Paths(root, "digits")
    take_away(paths, stage, named(trials))
    before = crash_rounds.finished(root)
    with command(root, stage, trials) as process:
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
    with command(root, stage, trials) as again:
        assert again.wait(timeout=300) == 0, (root / "all.log").read_text()
    check(paths, named(trials), before)
    what = "was done before" if ended == 0 else f"{'all' if whole_group else 'parent'} killed"
    return f"{stage} away, {what} after {moment:.1f} s"


def rounds(root: Path, count: int, seed: int, stages: Sequence[str] = STAGES) -> dict[str, Any]:
    dice = random.Random(seed)  # noqa: S311
    apart = root.with_name("folds")  # in a project of its own, whose search does not go on
    trials = {root: TRIALS, apart: TRIALS}
    whole_run(root, "search", TRIALS)
    shutil.copytree(root, searched(root), ignore=shutil.ignore_patterns("submissions"))
    seconds: dict[str, float] = {}
    undisturbed: tuple[object, ...] = ()
    said: Counter[str] = Counter()
    for number in range(count):
        stage = dice.choice(stages)
        at = apart if stage == "folds" else root
        more = 1 if stage == "search" else 0
        if stage not in seconds:
            trials[at] += more
            take_away(Paths(at, "digits"), stage, named(trials[at]))
            seconds[stage] = whole_run(at, stage, trials[at])
            if stage == "folds":
                undisturbed = in_folds(Paths(at, "digits"), named(trials[at]))
        trials[at] += more
        line = one_round(at, stage, trials[at], seconds[stage], dice)
        if stage == "folds":
            made = in_folds(Paths(at, "digits"), named(trials[at]))
            assert made == undisturbed, "not the result of a run without a kill"
        said[line.split(" after ")[0]] += 1
        print(f"round {number + 1}: {line}", flush=True)
    return {
        "rounds": count,
        "seconds": {stage: round(took, 1) for stage, took in seconds.items()},
        "what": dict(said),
        "broken": 0,
    }


def measure(count: int, seed: int, stages: Sequence[str] = STAGES) -> dict[str, Any]:
    project.end_by_sigterm()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        project.bare(root)
        return rounds(root, count, seed, stages)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=STAGES)
    options = parser.parse_args()
    print(measure(options.rounds, options.seed, options.stages))


if __name__ == "__main__":
    main()
