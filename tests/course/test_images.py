"""The notebook with the packages of Kaggle's and Colab's images, executed by their own nbclient and kernel.

Two of the runs are in the slow set; ``make test-notebooks`` adds the others, and pyproject's lower bounds.
"""

import functools
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

from catwalk.core.paths import Paths
from catwalk.course import kernel
from catwalk.data import idx, idx_csvs
from tests.conftest import REPOSITORY, clean_environment, copy_checkout, load, make_project
from tests.support import image_environments

PYTHONS = {"kaggle-2026-08": "3.12", "colab-2026-08": "3.13", "kaggle-2025": "3.11"}
NEEDED_ALWAYS = ("submission.csv", "talk.html")
MOST_LINES = 60
MOST_BYTES = 5_000_000


@dataclass(frozen=True)
class Case:
    """One run of the notebook.

    Attributes:
        image: of ``PYTHONS``.
        catwalk: comes as a "wheel" beside the notebook, as a "clone", or "inside" the notebook.
        offline: whether there is no network.
        data: "none" (scikit-learn's digits need none), "idx" beside CSVs, or "competition": Kaggle's layout.
        budget: of the search.
    """

    image: str
    catwalk: str
    offline: bool
    data: str = "none"
    budget: str = "20s"


QUICK = [Case("kaggle-2026-08", "wheel", True), Case("colab-2026-08", "clone", False)]
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


@dataclass(frozen=True)
class Executed:
    """What came of a run: exit code, working folder, and the notebook's outputs."""

    code: int
    work: Path
    outputs: list[Any]

    @property
    def text(self) -> str:
        """All that a reader sees as text."""
        parts = []
        for one in self.outputs:
            shown = one.get("data", {})
            told = "\n".join(one.get("traceback", []))
            parts.append(one.get("text") or shown.get("text/markdown") or told or "")
        return "\n".join("".join(part).rstrip("\n") for part in parts)

    @property
    def red(self) -> list[Any]:
        return [one for one in self.outputs if one.output_type == "error" or one.get("name") == "stderr"]


@functools.cache
def wheel(folder: Path) -> Path:
    return kernel.build_wheel(folder)


def executed(case: Case, folder: Path, base: Path, **settings: Any) -> Executed:
    """Run the notebook in an image's environment, as a person would find it there."""
    python = image_environments.image(case.image, PYTHONS[case.image])
    work, temporary = folder / "working", folder / "temporary"
    for one in (work, temporary):
        one.mkdir(parents=True)
    notebook = REPOSITORY / "notebooks/hackathon.ipynb"
    if case.catwalk == "wheel":
        shutil.copy(wheel(base), work)
    elif case.catwalk == "clone":
        copy_checkout(work / "our-clone")
    else:
        notebook = folder / "hackathon.ipynb"
        kernel.write_notebook(notebook, REPOSITORY / "notebooks/hackathon.ipynb", wheel(base), {})
    files = (REPOSITORY / "tests/images/execute.py", notebook, work, folder / "executed.ipynb")
    command = [str(python), *map(str, files), json.dumps({"BUDGET": case.budget, **settings})]
    environment = clean_environment(JUPYTER_PREFER_ENV_PATH="1", TMPDIR=str(temporary))
    environment.pop("PYTHONPATH", None)
    if case.offline:  # an index on this machine's own disk is none of Kaggle's
        environment = {key: value for key, value in environment.items() if not key.startswith("PIP_")}
        environment |= {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1"}
        if image_environments.can_be_offline():
            del environment["PIP_NO_INDEX"]
            command = [*image_environments.OFFLINE, *command]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)
    assert (folder / "executed.ipynb").is_file(), done.stderr[-2000:]
    cells = nbformat.read(folder / "executed.ipynb", as_version=4).cells
    return Executed(done.returncode, work, [output for cell in cells for output in cell.get("outputs", [])])


def checked(run: Executed, rows: int, brought: set[str]) -> None:
    """That all is there which a person needs, and nothing that frightens or fills the disk."""
    assert run.code == 0, run.text
    assert run.red == []
    assert len(run.text.splitlines()) <= MOST_LINES, run.text
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


def brought_by(case: Case, base: Path) -> set[str]:
    return {"wheel": {wheel(base).name}, "clone": {"our-clone"}, "inside": set()}[case.catwalk]


def named(case: Case) -> str:
    return "-".join(
        [case.image, case.catwalk, "offline" if case.offline else "online", case.data, case.budget]
    )


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the wheel is built, once."""
    return tmp_path_factory.mktemp("wheel")


@pytest.mark.slow
@pytest.mark.parametrize("case", QUICK, ids=named)
def test_the_digits(case: Case, tmp_path: Path, base: Path) -> None:
    run = executed(case, tmp_path, base, COMPETITION="digits")
    checked(run, 360, brought_by(case, base))
    assert ("installing optuna" in run.text) == case.image.startswith("colab")


if IS_ALL:

    @pytest.mark.parametrize("case", MATRIX, ids=named)
    def test_the_rest(case: Case, tmp_path: Path, base: Path, fashion_idx: Path, mnist_idx: Path) -> None:
        settings, rows = {"COMPETITION": "digits"}, 360
        if case.data == "idx":
            dataset = tmp_path / "input/fashionmnist"
            shutil.copytree(fashion_idx, dataset)
            _as_csvs(fashion_idx, "fashion-mnist", dataset)
            settings, rows = {"COMPETITION": "fashion-mnist", "SOURCE": str(tmp_path / "input")}, 10_000
        elif case.data == "competition":
            _a_competition(mnist_idx, tmp_path / "input")
            settings, rows = {"COMPETITION": "digit-recognizer", "SOURCE": str(tmp_path / "input")}, 10_000
        checked(executed(case, tmp_path, base, **settings), rows, brought_by(case, base))

    def test_an_old_optuna_offline_stops_with_one_line(tmp_path: Path, base: Path) -> None:
        run = executed(Case("kaggle-2025", "inside", True), tmp_path, base, COMPETITION="digits")
        assert run.code == 1
        (error,) = [one for one in run.outputs if one.output_type == "error"]
        assert len(error["traceback"]) == 1
        assert re.match(
            r"optuna 4\.5\.0 is here, .* on Kaggle, Settings > Turn on internet", error["traceback"][0]
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
        tests = [str(python), "-m", "pytest", "-q", "-m", "not slow", "-p", "no:cacheprovider"]
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
