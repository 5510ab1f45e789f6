"""Kernel: the hackathon's notebook with catwalk inside it, in a folder ready to be pushed to Kaggle."""

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

from catwalk.core import advice, edited_files
from catwalk.core.errors import MachineError, UserError, shown
from catwalk.core.paths import Paths, folder_aside
from catwalk.course import course
from catwalk.data import kaggle_credentials, kaggle_names
from catwalk.data.competition import Competition
from catwalk.data.kaggle_names import Page

NOTEBOOK, METADATA = "hackathon.ipynb", "kernel-metadata.json"
# What a wheel brings along of notebooks/, where users may have notebooks of their own.
NOTEBOOKS = (NOTEBOOK, "explore.ipynb", "talk.ipynb", *(f"course-{name}.ipynb" for name in course.EXERCISES))
LINE = 1000  # characters of the wheel's text on a line: some editors can't handle longer ones
# Metadata that make Kaggle, Colab and Jupyter show a cell collapsed.
FOLDED = {"_kg_hide-input": True, "cellView": "form", "jupyter": {"source_hidden": True}}
BROUGHT = """\
# Catwalk itself, as a wheel: nothing else needs to be attached.
import base64
import io
import os
import sys
import tempfile
import zipfile

WHEEL = \"\"\"
{text}
\"\"\"
if "catwalk" not in sys.modules:
    package = tempfile.mkdtemp(prefix="catwalk-")
    zipfile.ZipFile(io.BytesIO(base64.b64decode(WHEEL))).extractall(package)
    sys.path.insert(0, package)
    others = [os.environ["PYTHONPATH"]] if os.environ.get("PYTHONPATH") else []
    os.environ["PYTHONPATH"] = os.pathsep.join([package, *others])  # for the processes that it starts"""


def run(
    paths: Paths, competition: Competition, *, user: str | None, accelerator: str, choice: dict[str, Any],
    say: Callable[[str], None],
) -> None:  # fmt: skip
    """Write notebook, metadata and wheel, and print how to push them; nothing is sent.

    What the user has changed in these since is kept under another name.

    Args:
        paths: the competition's.
        competition: whose Kaggle dataset or competition is attached.
        user: the Kaggle user name; None: from the credentials.
        accelerator: "none" or "gpu", which trains the networks and counts against the Kaggle quota.
        choice: of the notebook's settings, such as {"BUDGET": "10m", "SEED": 1}.
        say: takes lines for people.

    Raises:
        UserError: Kaggle has no data of this competition, or the user's name is not known.
        MachineError: the wheel can't be built.
    """
    page = _page(competition)
    user = user or kaggle_credentials.user_name()
    if user is None:
        raise UserError(
            "your Kaggle user name is unknown", fix="set KAGGLE_USER=<name>, as in your profile's URL"
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
        "enable_tpu": False,
        "enable_internet": False,  # the image has all packages; it asks for a verified phone
        "dataset_sources": [page.name] if page.kind == "dataset" else [],
        "competition_sources": [page.name] if page.kind == "competition" else [],
        "kernel_sources": [],
        "model_sources": [],
    }
    with folder_aside(paths.kernel.parent) as aside:
        wheel = build_wheel(aside)
        (aside / METADATA).write_text(json.dumps(metadata, indent=2) + "\n", encoding="utf-8")
        given = {"COMPETITION": competition.name, **choice}
        write_notebook(aside / NOTEBOOK, paths.notebooks / NOTEBOOK, wheel, given)
        kept = _place(paths, aside)
    folder = paths.shown(paths.kernel)
    say(f"kernel: {folder} contains {NOTEBOOK} (catwalk is inside it), {METADATA} and {wheel.name}")
    for line in kept:
        say(line)
    if accelerator == "gpu":
        say("  its GPU trains the networks, and counts against your weekly Kaggle quota")
    push = f"{kaggle_credentials.client_command(paths.root)} kernels push -p {shlex.quote(folder)}"
    say(f"  check the files, then push them: {push}")


def _place(paths: Paths, made: Path) -> list[str]:
    """Move the files to the kernel's folder, the wheel in place of the last; lines about what was renamed."""
    kept: list[str] = []
    paths.kernel.mkdir(exist_ok=True)
    for old in paths.kernel.glob("catwalk-*.whl"):
        old.unlink()
    for file in sorted(made.iterdir()):
        _move(paths, file, paths.kernel, kept.append)
    return kept


def _move(paths: Paths, file: Path, folder: Path, say: Callable[[str], None]) -> None:
    """Move a file to a folder; an existing one that may have been edited is renamed, a wheel replaced."""
    target = folder / file.name
    if file.suffix == ".whl":
        file.replace(target)
        return
    with edited_files.rewrite(paths, target, say) as aside:
        file.replace(aside)


def make_dist(paths: Paths, say: Callable[[str], None]) -> None:
    """Write the wheel, and a self-contained notebook for users who have only a browser.

    What the user has changed in the notebook since is kept under another name.

    Raises:
        MachineError: the wheel can't be built.
    """
    with folder_aside(paths.root) as aside:
        wheel = build_wheel(aside)
        write_notebook(aside / NOTEBOOK, paths.notebooks / NOTEBOOK, wheel, {})
        paths.dist.mkdir(exist_ok=True)
        for made in sorted(aside.iterdir()):
            size = made.stat().st_size / 1000
            _move(paths, made, paths.dist, say)
            say(f"wheel: {paths.shown(paths.dist / made.name)}, {size:,.0f} kB")


def _page(competition: Competition) -> Page:
    """The Kaggle dataset or competition to attach."""
    if {"kaggle_dataset", "kaggle_competition"} & set(competition.sources):
        return kaggle_names.of_data(competition)
    page = kaggle_names.of_submissions(competition, None)
    if page is None:
        raise UserError(
            "no Kaggle dataset or competition is given",
            where=f"competitions/{competition.name}.toml",
            fix="add kaggle_dataset to [sources]",
        )
    return page


def build_wheel(folder: Path) -> Path:
    """Build catwalk's wheel from a copy of the checkout, since setuptools leaves files behind."""
    checkout = Path(str(files("catwalk"))).parents[1]
    if not (checkout / "pyproject.toml").is_file():
        raise UserError(
            "the wheel can only be built in a checkout", fix="run this in a clone of catwalk's repository"
        )
    with tempfile.TemporaryDirectory(prefix="catwalk-") as copy:
        for name in ("src/catwalk", "competitions"):
            shutil.copytree(checkout / name, Path(copy) / name, ignore=shutil.ignore_patterns("__pycache__"))
        copy_notebooks(checkout / "notebooks", Path(copy) / "notebooks")
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
            f"the wheel could not be built ({shown(done.stderr.strip()[-120:])})", fix=advice.RUN_SETUP
        )
    return wheels[0]


def copy_notebooks(source: Path, target: Path) -> None:
    """Copy catwalk's own notebooks to a new folder, without the outputs of their cells.

    Others in the folder are the user's, and may hold what those who get the wheel are not to see.

    Raises:
        UserError: one of them is damaged.
    """
    target.mkdir()
    for name in NOTEBOOKS:
        if (source / name).is_file():
            _write(target / name, _without_outputs(source / name))


def _without_outputs(source: Path) -> dict[str, Any]:
    """A notebook's content, without what its cells have printed."""
    name = f"notebooks/{source.name}"
    try:
        notebook: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell.update(outputs=[], execution_count=None)
    except (ValueError, KeyError, TypeError):
        raise UserError("not a whole notebook", where=name, fix=advice.check_out(name)) from None
    return notebook


def _write(target: Path, notebook: dict[str, Any]) -> None:
    target.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_notebook(target: Path, source: Path, wheel: Path, given: dict[str, Any]) -> None:
    """Write the hackathon's notebook with the wheel inside.

    Args:
        target: the notebook to write.
        source: the one of the repository.
        wheel: takes the place of the cell that looks for one.
        given: texts or numbers that replace the defaults in the first cell, by setting.

    Raises:
        UserError: the source is missing or damaged, or lacks one of these settings.
    """
    if not source.is_file():
        raise UserError(
            f"notebooks/{source.name} is missing", fix=advice.check_out(f"notebooks/{source.name}")
        )
    notebook = _without_outputs(source)
    parameters, catwalk = (_tagged(notebook, tag) for tag in ("parameters", "catwalk"))
    text = "".join(parameters["source"])
    for name, value in given.items():
        line = f"{name} = {json.dumps(value)}".replace("\\", r"\\")  # for re, a backslash is not itself
        text, count = re.subn(rf"(?m)^{name} = .*?(?=  #|$)", line, text)
        if not count:
            raise UserError(
                f"the first cell has no setting {name}",
                where=f"notebooks/{source.name}",
                fix=advice.check_out(f"notebooks/{source.name}"),
            )
    parameters["source"] = text.splitlines(keepends=True)
    encoded = base64.b64encode(wheel.read_bytes()).decode()
    lines = "\n".join(encoded[start : start + LINE] for start in range(0, len(encoded), LINE))
    catwalk["source"] = BROUGHT.format(text=lines).splitlines(keepends=True)
    catwalk["metadata"] |= FOLDED
    _write(target, notebook)


def _tagged(notebook: dict[str, Any], tag: str) -> dict[str, Any]:
    """The notebook's cell that has a tag."""
    cells: list[dict[str, Any]] = notebook["cells"]
    return next(cell for cell in cells if tag in cell["metadata"].get("tags", []))
