"""The notebooks, executed as they are: CI runs all of them on a small budget."""

import gzip
import re
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from conftest import REPOSITORY, Run, clean_environment, run_catwalk
from nbclient import NotebookClient

from catwalk import hackathon
from catwalk.errors import UserError
from catwalk.paths import Paths

NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))


def execute(notebook: Any, folder: Path) -> list[Any]:
    """The outputs of all cells, run in ``folder``."""
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute(env=clean_environment(JUPYTER_PREFER_ENV_PATH="1", CATWALK_COMPETITION="digits"))
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def read(name: str) -> Any:
    return nbformat.read(REPOSITORY / "notebooks" / f"{name}.ipynb", as_version=4)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_they_define_nothing_and_hold_no_outputs(path: Path) -> None:
    for cell in nbformat.read(path, as_version=4).cells:
        assert not cell.get("outputs")
        assert not re.search(r"^\s*(def|class) |lambda", cell.source, re.MULTILINE)


@pytest.mark.slow
def test_explore(digits_done: tuple[Path, Run]) -> None:
    outputs = execute(read("explore"), digits_done[0] / "notebooks")
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) == 5
    assert all(picture.metadata["image/png"]["alt"] for picture in pictures)
    assert not [output for output in outputs if output.output_type in ("error", "stream")], (
        "nothing but results"
    )


@pytest.mark.slow
def test_hackathon(digits_raw: Path, tmp_path: Path) -> None:
    """From data deep below a made-up input folder to the file that Kaggle looks for."""
    deep = tmp_path / "input" / "some dataset" / "inner"
    deep.mkdir(parents=True)
    for csv in digits_raw.glob("*.csv"):
        (deep / f"{csv.name}.gz").write_bytes(gzip.compress(csv.read_bytes()))
    (tmp_path / "work").mkdir()
    notebook = read("hackathon")
    (given,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    given.source += f"\nCOMPETITION, BUDGET, INPUT = 'digits', '12s', Path({str(deep.parents[1])!r})"
    outputs = execute(notebook, tmp_path / "work")
    assert not [output for output in outputs if output.output_type == "error"]
    rows = (tmp_path / "work/submission.csv").read_text().splitlines()
    assert rows[0] == "ImageId,Label"
    assert len(rows) == 361
    assert len(list(Paths(tmp_path / "work/catwalk-project", "digits").submissions.glob("*/talk.html"))) == 1


def test_a_project_is_made_and_what_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "competitions").mkdir()
    (tmp_path / "competitions/digits.toml").write_text("mine")
    hackathon.project(tmp_path)
    assert (tmp_path / "competitions/digits.toml").read_text() == "mine"
    for name in hackathon.FOLDERS:
        ours = {path.name for path in (REPOSITORY / name).iterdir() if path.suffix in (".toml", ".ipynb")}
        assert {path.name for path in (tmp_path / name).iterdir()} == ours


def test_data_are_found_csv_before_idx(tmp_path: Path, digits_raw: Path, fashion_idx: Path) -> None:
    project = hackathon.project(tmp_path / "project")
    inputs = tmp_path / "input"
    inputs.mkdir()
    with pytest.raises(UserError, match="attach the competition's data"):
        hackathon.find_data(project, "fashion-mnist", inputs)
    shutil.copytree(fashion_idx, inputs / "a/idx")
    assert hackathon.find_data(project, "fashion-mnist", inputs) == inputs / "a/idx"
    (inputs / "b").mkdir()
    for name in ("fashion-mnist_train.csv", "fashion-mnist_test.csv"):
        (inputs / "b" / name).touch()
    assert hackathon.find_data(project, "fashion-mnist", inputs) == inputs / "b"


def test_nothing_that_is_here_is_asked_for_again() -> None:
    assert hackathon.missing() == []


@pytest.mark.slow
def test_a_wheel_brings_competitions_and_notebooks(tmp_path: Path) -> None:
    import subprocess
    import sys

    source = tmp_path / "source"
    shutil.copytree(
        REPOSITORY, source, ignore=shutil.ignore_patterns(".*", "data", "submissions", "build", "benchmarks")
    )
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path, source], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", tmp_path / "site", wheel], check=True)
    done = subprocess.run(
        [sys.executable, "-c", "from catwalk import hackathon; from pathlib import Path; "
         "hackathon.project(Path('project'))"],
        cwd=tmp_path, env=clean_environment(PYTHONPATH=str(tmp_path / "site")), check=True,
    )  # fmt: skip
    assert done.returncode == 0
    made = run_catwalk(
        tmp_path / "project", "data", "--competition", "digits", PYTHONPATH=str(tmp_path / "site")
    )
    assert made.returncode == 0, made.stderr
