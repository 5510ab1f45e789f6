"""Kernel: a folder that Kaggle's own command pushes as a notebook: the hackathon, with catwalk inside it."""

import base64
import json
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from catwalk import advice, kaggle_credentials, kaggle_names
from catwalk.competition import Competition
from catwalk.errors import MachineError, UserError, shown
from catwalk.kaggle_names import Page
from catwalk.paths import Paths, folder_aside

NOTEBOOK, METADATA = "hackathon.ipynb", "kernel-metadata.json"


def make(
    paths: Paths, competition: Competition, *, user: str | None, accelerator: str, budget: str,
    say: Callable[[str], None],
) -> None:  # fmt: skip
    """Write notebook, metadata and wheel, and say how they are pushed; nothing is sent.

    Args:
        paths: the competition's.
        competition: whose Kaggle dataset or competition is attached.
        user: on Kaggle; None: as the credentials here say.
        accelerator: "none", "gpu" or "tpu".
        budget: of the search there, as BUDGET=.
        say: takes lines for people.

    Raises:
        UserError: Kaggle has no data of this competition, or the user's name is not known.
        MachineError: the wheel can't be built.
    """
    page = _page(competition)
    user = user or kaggle_credentials.user_name()
    if user is None:
        raise UserError(
            "your name on Kaggle is not known here", fix="KAGGLE_USER=<name>, as in your profile's address"
        )
    title = f"catwalk {competition.name}"
    metadata = {
        "id": f"{user}/{re.sub(r'[^a-z0-9]+', '-', title.lower())}",
        "title": title,
        "code_file": NOTEBOOK,
        "language": "python",
        "kernel_type": "notebook",
        "is_private": True,
        "enable_gpu": accelerator == "gpu",
        "enable_tpu": accelerator == "tpu",
        "enable_internet": True,  # for packages that Kaggle lacks
        "dataset_sources": [page.name] if page.kind == "dataset" else [],
        "competition_sources": [page.name] if page.kind == "competition" else [],
        "kernel_sources": [],
        "model_sources": [],
    }
    with folder_aside(paths.kernel.parent) as aside:
        wheel = _wheel(aside)
        (aside / METADATA).write_text(json.dumps(metadata, indent=2) + "\n", encoding="utf-8")
        notebook = _notebook(paths.notebooks / NOTEBOOK, competition.name, budget, wheel)
        (aside / NOTEBOOK).write_text(json.dumps(notebook, indent=1) + "\n", encoding="utf-8")
        paths.kernel.mkdir(exist_ok=True)
        for old in paths.kernel.glob("*.whl"):
            old.unlink()
        for made in aside.iterdir():
            made.replace(paths.kernel / made.name)
    folder = paths.shown(paths.kernel)
    say(f"kernel: {folder} holds {NOTEBOOK} (catwalk is inside it), {METADATA} and {wheel.name}")
    push = f"{_kaggle(paths.root)} kernels push -p {shlex.quote(folder)}"
    say(f"  look at them; this sends them: {push}")


def _page(competition: Competition) -> Page:
    """The dataset or competition on Kaggle that is attached."""
    if {"kaggle_dataset", "kaggle_competition"} & set(competition.sources):
        return kaggle_names.of_data(competition)
    page = kaggle_names.of_submissions(competition, None)
    if page is None:
        raise UserError(
            "it names no data on Kaggle",
            where=f"competitions/{competition.name}.toml",
            fix="add kaggle_dataset to [sources]",
        )
    return page


def _kaggle(root: Path) -> str:
    """How the user's shell calls the official command in ``root``: seldom is it on the PATH."""
    beside = Path(sys.executable).with_name("kaggle")  # in .venv, as a rule
    if beside.is_file():
        return shlex.quote(str(beside.relative_to(root) if beside.is_relative_to(root) else beside))
    return "kaggle" if shutil.which("kaggle") else f"{shlex.quote(sys.executable)} -m kaggle"


def _wheel(folder: Path) -> Path:
    """Build catwalk's wheel, of a copy of the checkout that this is: setuptools leaves things behind."""
    checkout = Path(str(files("catwalk"))).parents[1]
    if not (checkout / "pyproject.toml").is_file():
        raise UserError("the wheel is made of a checkout", fix="run this in a clone of catwalk's repository")
    with tempfile.TemporaryDirectory(prefix="catwalk-") as copy:
        for name in ("src/catwalk", "competitions", "notebooks"):
            shutil.copytree(checkout / name, Path(copy) / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copyfile(checkout / name, Path(copy) / name)
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps",
             "--no-build-isolation", "--wheel-dir", folder, copy],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        raise MachineError(
            f"the wheel was not built ({shown(done.stderr.strip()[-120:])})", fix=advice.RUN_SETUP
        )
    return wheels[0]


def _notebook(source: Path, competition: str, budget: str, wheel: Path) -> dict[str, Any]:
    """The hackathon's notebook for this competition; a cell before the others writes the wheel there."""
    if not source.is_file():
        raise UserError(
            f"{source.name} is missing among the notebooks", fix=advice.check_out(f"notebooks/{source.name}")
        )
    notebook: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
    place = next(i for i, c in enumerate(notebook["cells"]) if "parameters" in c["metadata"].get("tags", []))
    given = "".join(notebook["cells"][place]["source"])
    given = re.sub(r'COMPETITION = "[^"]*"', f'COMPETITION = "{competition}"', given)
    given = re.sub(r'BUDGET = "[^"]*"', f'BUDGET = "{budget}"', given)
    content = base64.b64encode(wheel.read_bytes()).decode()
    brought = (
        f"# catwalk itself: make kernel put it here, so that nothing else needs to be attached\n"
        f"import base64\n\nwheel = WORK / {wheel.name!r}\n"
        f"wheel.write_bytes(base64.b64decode(\n    {content!r}\n))"
    )
    notebook["cells"][place]["source"] = given.splitlines(keepends=True)
    cell: dict[str, Any] = {
        "cell_type": "code",
        "execution_count": None,
        "id": "catwalk-wheel",
        "metadata": {},
        "outputs": [],
        "source": brought.splitlines(keepends=True),
    }
    notebook["cells"].insert(place + 1, cell)
    return notebook
