"""python_path.py: another tool's PYTHONPATH does not break the command, its workers or its kernels.

Also: __main__.py.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from catwalk.core import python_path
from catwalk.core.paths import Paths
from tests.conftest import REPOSITORY, Run, clean_environment, run_catwalk

BROKEN = "raise ImportError('of another Python')\n"
DIGITS = ("--competition", "digits")


def with_path(project: Path, folders: list[Path], *arguments: str) -> Run:
    """The command in a process of its own with these folders before what the tests themselves need."""
    given = os.pathsep.join([*map(str, folders), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-m", "catwalk", *arguments],
        cwd=project, capture_output=True, text=True, timeout=300, env=clean_environment(PYTHONPATH=given),
    )  # fmt: skip


def left_of(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> str | None:
    """PYTHONPATH as the command begins again with; None where it just goes on."""
    begun: list[str] = []
    monkeypatch.setattr(
        os, "execve", lambda _path, _command, variables: begun.append(variables["PYTHONPATH"])
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, folders)))
    python_path.leave_out_what_shadows()
    return begun[0] if begun else None


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """What another tool's PYTHONPATH may hold: packages for another Python, and a module of a common name."""
    folder = tmp_path / "opt/ros"
    for package in ("numpy", "tensorflow", "rich"):
        (folder / package).mkdir(parents=True)
        (folder / package / "__init__.py").write_text(BROKEN)
    for module in ("keras", "argparse", "dataclasses", "random"):
        (folder / f"{module}.py").write_text(BROKEN)
    return folder


@pytest.mark.slow
def test_a_folder_that_hides_modules_is_left_out_and_said(project: Path, other: Path, tmp_path: Path) -> None:
    harmless = tmp_path / "mine"
    harmless.mkdir()
    (harmless / "my_helpers.py").write_text(BROKEN)
    done = with_path(project, [harmless, other], "data", *DIGITS)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [
        f"catwalk: PYTHONPATH={other} is ignored: its module argparse shadows this environment's"
    ]
    done = with_path(project, [harmless, other], "search", *DIGITS, "--seed", "x")
    assert done.returncode == 2, "exit codes and arguments are as ever"
    assert done.stderr.endswith("'x' is not a seed from 0 to 20000: see catwalk search --help\n")


@pytest.mark.long
@pytest.mark.slow
def test_workers_and_kernels_inherit_what_is_left(project: Path, other: Path) -> None:
    """And a report makes all that it needs."""
    done = with_path(project, [other], "report", *DIGITS, "--trials", "1", "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("\n") == 1
    assert len(list(Paths(project, "digits").submissions.glob("*/talk.ipynb"))) == 1
    assert len(list(Paths(project, "digits").submissions.glob("*/talk.html"))) == 1
    again = run_catwalk(project, "report", *DIGITS)
    assert "report: already done" in again.stdout


def test_what_is_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, other: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "sitecustomize.py").touch()  # is meant to stand before others
    (mine / "my_helpers.py").touch()
    (mine / "numpy").mkdir()  # no package: it hides nothing
    own = [REPOSITORY / "src", REPOSITORY / "tests", REPOSITORY]
    assert left_of(monkeypatch, *own, mine, tmp_path / "nowhere") is None
    assert left_of(monkeypatch, *own[:2], other, mine) == os.pathsep.join(map(str, [*own[:2], mine]))
    assert left_of(monkeypatch, other) == ""
    assert left_of(monkeypatch) is None


def test_a_copy_of_the_package_itself_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As pip install --target makes it, with its dependencies beside it."""
    for package in ("catwalk", "numpy"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    monkeypatch.setattr(python_path, "__file__", str(tmp_path / "catwalk/core/python_path.py"))
    monkeypatch.chdir(tmp_path)  # the tests' own folder is another matter
    assert left_of(monkeypatch, tmp_path) is None


def test_a_module_of_the_folder_itself(project: Path) -> None:
    """As a student's random.py or numpy.py beside the Makefile."""
    for module in ("random", "numpy", "csv"):
        (project / f"{module}.py").write_text(BROKEN)
    done = with_path(project, [], "data", *DIGITS, "--source", "nowhere")
    assert done.stderr.splitlines() == [
        "catwalk: modules in the current folder are ignored: its module csv shadows this environment's",
        "catwalk data: SOURCE=nowhere: neither a folder, a zip nor one of auto, sklearn: choose one",
    ]
