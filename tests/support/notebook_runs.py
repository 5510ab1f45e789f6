"""Notebook runs: the hackathon's notebook in an image's environment, by that image's nbclient and kernel."""

import functools
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from catwalk.course import kernel
from tests.support import image_environments
from tests.support.checkout import REPOSITORY, copy_checkout

PYTHONS = {"kaggle-2026-08": "3.12", "colab-2026-08": "3.13", "kaggle-2025": "3.11"}


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
    budget: str = "40s"


KAGGLE = Case("kaggle-2026-08", "wheel", True, budget="15s")
COLAB = Case("colab-2026-08", "clone", False, budget="15s")
Run = Callable[..., subprocess.CompletedProcess[str]]


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


def executed(
    case: Case, folder: Path, base: Path, environment: dict[str, str], run: Run, **settings: Any
) -> Executed:
    """Run the notebook in an image's environment, as a person would find it there.

    Args:
        case: what to run.
        folder: where to, made here.
        base: where the wheel is built.
        environment: of a person there; what stands in it for this checkout is left out.
        run: takes the command, its folder ``cwd`` and its environment ``env``.
        settings: lines of the notebook's first cell.
    """
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
    arguments = [*map(str, files), json.dumps({"BUDGET": case.budget, **settings})]
    environment = {**environment, "JUPYTER_PREFER_ENV_PATH": "1", "TMPDIR": str(temporary)}
    environment.pop("PYTHONPATH", None)
    before: list[str] = []
    if case.offline:  # an index on this machine's own disk is none of Kaggle's
        environment = {key: value for key, value in environment.items() if not key.startswith("PIP_")}
        environment |= {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1"}
        if image_environments.can_be_offline():
            del environment["PIP_NO_INDEX"]
            before = image_environments.OFFLINE
    with image_environments.image(case.image, PYTHONS[case.image]) as python:
        done = run([*before, str(python), *arguments], cwd=folder, env=environment)
    assert (folder / "executed.ipynb").is_file(), done.stderr[-2000:]
    cells = nbformat.read(folder / "executed.ipynb", as_version=4).cells
    return Executed(done.returncode, work, [output for cell in cells for output in cell.get("outputs", [])])
