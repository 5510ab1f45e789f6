"""Two workers with one thread each, or one worker with two: which gets further in the same time.

    .venv/bin/python -m benchmarks.threads --budget 10m --splits 1 2 3

As in ``benchmarks.folds``, PSEUDO of Fashion-MNIST's training rows become the test of a competition of their
own, and the commands run as a user types them, with another number of threads in a copy of the package. Both
submissions are scored on the pseudo-test; the official test rows are not read. What the newest kept file has
of a split stays in it until that split has been measured again.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import folds, project, record
from catwalk import option_values
from catwalk.core.paths import Paths
from catwalk.search import trial_record
from catwalk.submission import recipe

FILES = ("search/worker.py", "models/training_speed.py", "models/retrain.py")  # which set the threads
ONE = "setup(threads=1)"
ARMS = {"workers": (2, 1), "threads": (1, 2)}  # processes, and threads of each


def package(folder: Path, threads: int) -> Path:
    """A copy of catwalk whose workers have so many threads."""
    shutil.copytree(project.ROOT / "src", folder, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in FILES:
        file = folder / "catwalk" / name
        text = file.read_text(encoding="utf-8")
        if text.count(ONE) != 1:
            raise SystemExit(f"{name} sets its threads in another way: mend benchmarks/threads.py")
        file.write_text(text.replace(ONE, f"setup(threads={threads})"), encoding="utf-8")
    return folder


def run(source: Path, paths: Paths, *given: str) -> None:
    """Run a stage of that copy of catwalk."""
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); from catwalk.cli import main; sys.exit(main())"
    subprocess.run([sys.executable, "-P", "-c", code, str(source), *given], cwd=paths.root, check=True)  # noqa: S603


def one(rows: pd.DataFrame, split: int, models: str, arm: str, budget: float) -> dict[str, Any]:
    """One search and its submission: accuracy on the pseudo-test and on validation, and its trials."""
    workers, threads = ARMS[arm]
    with TemporaryDirectory() as place:
        source = package(Path(place) / "src", threads)
        paths = folds.carve(Path(place) / "project", rows, split)
        common = ["--competition", "pseudo", "--seed", str(split), "--models", models]
        common += ["--budget", f"{budget:.0f}s", "--workers", str(workers)]
        for stage in (["search"], ["predict", "--name", arm]):
            run(source, paths, stage[0], *common, *stage[1:])
        made = recipe.read(paths, arm)
        assert made.validation is not None
        truth = pd.read_csv(paths.raw / f"{folds.SOURCE}_test.csv")["label"].to_numpy()
        answers = pd.read_csv(paths.submission(arm))["Label"].to_numpy()
        return {
            "test": float(np.mean(answers == truth)),
            "validation": made.validation.accuracy,
            "trials": [
                {"kind": trial.kind, "epochs": len(trial.history), "validation": trial.value}
                for trial in trial_record.read_snapshot(paths, arm)
            ],
        }


def one_split(rows: pd.DataFrame, split: int, models: str, budget: float) -> dict[str, Any]:
    """Both arms, in another order in each split."""
    found: dict[str, Any] = {"split": split, "models": models, "date": record.now(), **record.program()}
    found["processor"] = record.machine()["processor"]
    for arm in sorted(ARMS, reverse=split % 2 == 0):
        found[arm] = one(rows, split, models, arm, budget)
    return found


def summary(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Points that two workers are ahead, paired by split."""
    said: dict[str, Any] = {"splits": len(found)}
    for rows in ("test", "validation"):
        ahead = [100 * (one["workers"][rows] - one["threads"][rows]) for one in found]
        said[f"workers_above_threads_{rows}"] = record.mean(ahead)
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--splits", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--models", default="dense")
    parser.add_argument("--budget", type=option_values.duration, default=600.0)
    options = parser.parse_args()
    project.end_by_sigterm()
    paths, loaded = project.here(folds.SOURCE)
    rows = pd.read_csv(paths.raw / loaded.train_file)
    name = f"threads-{options.models}-{options.budget / 60:g}m"
    found = (record.newest(name) or {"splits": []})["splits"]
    for split in options.splits:
        new = one_split(rows, split, options.models, options.budget)
        found = record.replaced(found, new, "split")
        said = summary(found)
        print(said, flush=True)
        print(f"kept in {record.keep(name, {'summary': said, 'splits': found})}", flush=True)


if __name__ == "__main__":
    main()
