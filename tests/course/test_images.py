"""The notebook with the packages of Kaggle's and Colab's images, executed by their own nbclient and kernel.

Two of the runs are in the slow set; ``make test-notebooks`` adds the others, and pyproject's lower bounds.
"""

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from catwalk.core.paths import Paths
from catwalk.data import idx, idx_csvs
from tests.conftest import REPOSITORY, clean_environment, load, make_project
from tests.support import image_environments
from tests.support.notebook_runs import Case, Executed, executed

NEEDED_ALWAYS = ("submission.csv", "talk.html")
MOST_LINES = 60
MOST_BYTES = 5_000_000
MATRIX = [
    Case("kaggle-2026-08", "inside", True),
    Case("colab-2026-08", "inside", False),
    Case("kaggle-2026-08", "inside", True, "idx", "60s"),
    Case("kaggle-2026-08", "wheel", True, "competition", "60s"),
    Case("colab-2026-08", "wheel", False, "idx", "60s"),
    Case("kaggle-2026-08", "clone", True),
    Case("kaggle-2025", "inside", False),
]
IS_ALL = os.environ.get("IMAGES") == "all"  # set by make test-notebooks


def checked(run: Executed, rows: int) -> None:
    """That all is there which a person needs, and nothing that frightens or fills the disk."""
    assert run.code == 0, run.text
    assert run.red == []
    assert len(run.text.splitlines()) <= MOST_LINES, run.text
    brought = {path.name for path in (*run.work.glob("catwalk-*.whl"), run.work / "our-clone")}
    left = {path.name for path in run.work.iterdir()} - brought - {".catwalk.json"}
    assert left == {*NEEDED_ALWAYS} | ({"talk.pdf"} & left)
    own = [path for name in left for path in [run.work / name]]
    assert sum(path.stat().st_size for path in own) < MOST_BYTES
    lines = (run.work / "submission.csv").read_text().splitlines()
    assert (lines[0], len(lines) - 1) == ("ImageId,Label", rows)
    assert "</html>" in (run.work / "talk.html").read_text()
    pictures = [one for one in run.outputs if "image/png" in one.get("data", {})]
    assert pictures
    assert all(one.metadata["image/png"]["alt"] for one in pictures)


def named(case: Case) -> str:
    return "-".join(
        [case.image, case.catwalk, "offline" if case.offline else "online", case.data, case.budget]
    )


@pytest.mark.slow
def test_kaggle_without_a_network(kaggle_run: Executed) -> None:
    checked(kaggle_run, 360)
    assert "installing optuna" not in kaggle_run.text


@pytest.mark.slow
def test_colab_with_one(colab_run: Executed) -> None:
    checked(colab_run, 360)
    assert "installing optuna" in colab_run.text


def run_here(case: Case, folder: Path, base: Path, **settings: Any) -> Executed:
    run = functools.partial(subprocess.run, capture_output=True, text=True)
    return executed(case, folder, base, clean_environment(), run, **settings)


if IS_ALL:

    @pytest.mark.parametrize("case", MATRIX, ids=named)
    def test_the_rest(case: Case, tmp_path: Path, wheels: Path, fashion_idx: Path, mnist_idx: Path) -> None:
        settings, rows = {"COMPETITION": "digits"}, 360
        if case.data == "idx":
            dataset = tmp_path / "input/fashionmnist"
            shutil.copytree(fashion_idx, dataset)
            _as_csvs(fashion_idx, "fashion-mnist", dataset)
            settings, rows = {"COMPETITION": "fashion-mnist", "SOURCE": str(tmp_path / "input")}, 10_000
        elif case.data == "competition":
            _a_competition(mnist_idx, tmp_path / "input")
            settings, rows = {"COMPETITION": "digit-recognizer", "SOURCE": str(tmp_path / "input")}, 10_000
        checked(run_here(case, tmp_path, wheels, **settings), rows)

    def test_an_old_optuna_offline_stops_with_one_line(tmp_path: Path, wheels: Path) -> None:
        run = run_here(Case("kaggle-2025", "inside", True), tmp_path, wheels, COMPETITION="digits")
        assert run.code == 1
        (error,) = [one for one in run.outputs if one.output_type == "error"]
        assert len(error["traceback"]) == 1
        assert re.match(
            r"optuna 4\.5\.0 is installed, .* on Kaggle, Settings > Turn on internet", error["traceback"][0]
        )
        assert not (run.work / "submission.csv").exists()

    def test_the_lower_bounds(tmp_path: Path) -> None:
        """All of the pipeline, and the quick tests."""
        python = image_environments.lowest()
        environment = clean_environment(PYTHONPATH=str(REPOSITORY / "src"))
        environment.pop("IMAGES")
        command = [str(python), "-m", "catwalk", "all", "--competition", "digits", "--trials", "5"]
        project = make_project(tmp_path / "project")
        done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        assert list(Paths(project, "digits").submissions.glob("*/talk.html"))
        tests = [str(python.with_name("pytest")), "-q", "-m", "not slow", "-p", "no:cacheprovider"]
        done = subprocess.run(tests, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-4000:]


def _as_csvs(source: Path, competition: str, target: Path) -> None:
    idx_csvs.convert(idx.find(source), load(competition), target)


def _a_competition(mnist: Path, inputs: Path) -> None:
    """MNIST's pictures in Digit Recognizer's form; before it another competition's files of these names."""
    other, ours = inputs / "competitions/a-titanic", inputs / "competitions/digit-recognizer"
    for folder in (other, ours):
        folder.mkdir(parents=True)
    for name in ("train.csv", "test.csv"):
        (other / name).write_text("PassengerId,Survived\n1,0\n")
    _as_csvs(mnist, "digit-recognizer", ours)
    test = ours / "test.csv"
    rows = [line.partition(",")[2] for line in test.read_text().splitlines()]  # the labels stay with Kaggle
    test.write_text("\n".join(rows) + "\n")
    sample = ["ImageId,Label", *(f"{number},0" for number in range(1, len(rows)))]
    (ours / "sample_submission.csv").write_text("\n".join(sample) + "\n")
