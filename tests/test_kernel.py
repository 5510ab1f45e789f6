"""kernel.py: what Kaggle's own command would push."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from conftest import clean_environment, run_catwalk
from kaggle_server import Kaggle, serving
from nbclient import NotebookClient

from catwalk import kernel
from catwalk.paths import Paths


@pytest.fixture
def made(project: Path) -> Path:
    done = run_catwalk(project, "kernel", "--user", "me", "--accelerator", "gpu", "--budget", "90s")
    assert done.returncode == 0, done.stderr
    return Paths(project, "fashion-mnist").kernel


@pytest.mark.parametrize("place", ["project", "elsewhere", "nowhere"])
def test_the_command_that_is_printed_pushes_it(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """In a shell that has nothing of ours on its PATH, as a user's."""
    folder = {"project": project / ".venv/bin", "elsewhere": tmp_path / "of one's own", "nowhere": tmp_path}
    python = folder[place] / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    if place != "nowhere":
        (python.parent / "kaggle").symlink_to(Path(sys.executable).with_name("kaggle"))
    python.chmod(0o755)
    monkeypatch.setattr(kernel, "_wheel", lambda aside: Path(shutil.copy(__file__, aside / "catwalk-0.whl")))
    monkeypatch.setattr(sys, "executable", str(python))
    kaggle, login = Kaggle(), {"HOME": str(tmp_path), "KAGGLE_USERNAME": "me", "KAGGLE_KEY": "key"}
    done = run_catwalk(project, "kernel", "--user", "me", PATH="/usr/bin:/bin")
    (command,) = re.findall(r"this sends them: (.*)", done.stdout)
    assert command.startswith(".venv/bin/kaggle ") == (place == "project")
    with serving(kaggle):
        pushed = subprocess.run(
            ["sh", "-c", command], cwd=project, capture_output=True, text=True, timeout=60,
            env=clean_environment(**kaggle.environment, **login, PATH="/usr/bin:/bin"),
        )  # fmt: skip
    assert pushed.returncode == 0, pushed.stdout + pushed.stderr
    assert [one["slug"] for one in kaggle.kernels] == ["me/catwalk-fashion-mnist"]


def test_the_official_command_pushes_it(made: Path) -> None:
    kaggle, login = Kaggle(), {"HOME": str(made), "KAGGLE_USERNAME": "me", "KAGGLE_KEY": "key"}
    with serving(kaggle):
        done = subprocess.run(
            [Path(sys.executable).with_name("kaggle"), "kernels", "push", "-p", made],
            capture_output=True, text=True, timeout=60,
            env=clean_environment(**kaggle.environment, **login),
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (pushed,) = kaggle.kernels
    assert pushed["slug"] == "me/catwalk-fashion-mnist"
    assert pushed["enableGpu"] is True
    assert pushed["isPrivate"] is True
    assert pushed["datasetDataSources"] == ["zalando-research/fashionmnist"]
    assert len(json.dumps(pushed)) < 1_000_000


def test_the_notebook_brings_catwalk_along(made: Path, tmp_path: Path) -> None:
    notebook = nbformat.read(made / "hackathon.ipynb", as_version=4)
    nbformat.validate(notebook)
    (given,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    assert 'COMPETITION = "fashion-mnist"' in given.source
    assert 'BUDGET = "90s"' in given.source
    place = notebook.cells.index(given)
    notebook.cells = notebook.cells[: place + 2]  # as far as the wheel
    NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    (wheel,) = tmp_path.glob("catwalk-*.whl")
    (built,) = made.glob("catwalk-*.whl")
    assert wheel.read_bytes() == built.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--competition", "digits", "--user", "me"), "names no data on Kaggle"),
        ((), "KAGGLE_USER=<name>"),
    ],
)
def test_what_is_missing_is_one_line(project: Path, arguments: tuple[str, ...], said: str) -> None:
    done = run_catwalk(project, "kernel", *arguments, HOME=str(project))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert said in done.stderr
    assert not list(project.glob("data/*/kernel"))


@pytest.mark.slow
def test_the_user_s_name_comes_from_the_credentials(project: Path) -> None:
    (project / ".kaggle").mkdir()
    (project / ".kaggle/kaggle.json").write_text('{"username": "somebody", "key": "secret"}')
    done = run_catwalk(project, "kernel", HOME=str(project))
    assert done.returncode == 0, done.stderr
    metadata = json.loads((project / "data/fashion-mnist/kernel/kernel-metadata.json").read_text())
    assert metadata["id"] == "somebody/catwalk-fashion-mnist"
