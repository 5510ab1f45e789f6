"""Hackathon: what a notebook on Kaggle or Colab needs besides the stages.

Nothing there is replaced: what is installed stays, TensorFlow above all.
"""

import shutil
from importlib import metadata
from importlib.resources import files
from pathlib import Path

from catwalk import competition as competitions
from catwalk import idx, submission
from catwalk.errors import UserError
from catwalk.paths import Paths

FOLDERS = ("competitions", "notebooks")
NEWER = ("optuna",)  # packages of which catwalk needs a newer version than may be there


def missing() -> list[str]:
    """What pip has to install for catwalk: packages not there, and ``NEWER`` where they are older."""
    from packaging.requirements import Requirement

    asked = []
    for line in metadata.requires("catwalk") or []:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            asked.append(f"{requirement.name}{requirement.specifier}")
            continue
        if requirement.name in NEWER and not requirement.specifier.contains(version):
            asked.append(f"{requirement.name}{requirement.specifier}")
    return asked


def project(folder: Path) -> Path:
    """Make ``folder`` a project: the competitions and the notebooks that catwalk was installed with.

    Files that are there already stay as they are.
    """
    for name in FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True)
        for file in _brought(name):
            target = folder / name / file.name
            if not target.exists():
                shutil.copyfile(file, target)
    return folder


def _brought(name: str) -> list[Path]:
    """The files of a folder: of the checkout that is installed, or of the installed package."""
    package = Path(str(files("catwalk")))
    checkout = package.parents[1] / name
    found = checkout if (package.parents[1] / "pyproject.toml").is_file() else package / name
    return sorted(path for path in found.glob("*.*") if path.suffix in (".toml", ".ipynb"))


def find_data(root: Path, competition: str, under: Path) -> Path:
    """The folder, however deep below ``under``, that holds the competition's CSVs, else its IDX files.

    Args:
        root: the project's folder.
        competition: its name.
        under: as ``/kaggle/input``.

    Raises:
        UserError: there is none.
    """
    loaded = competitions.load(Paths(root, competition))
    folders = [under, *sorted(path for path in under.rglob("*") if path.is_dir())]
    for folder in folders:
        names = {path.name.removesuffix(".gz") for path in folder.iterdir() if path.is_file()}
        if {loaded.train_file, loaded.test_file} <= names:
            return folder
    for folder in folders:
        if idx.find(folder):
            return folder
    raise UserError(
        f"no folder below it holds {loaded.train_file} and {loaded.test_file}, or the four IDX files",
        where=str(under),
        fix="attach the competition's data to the notebook",
    )


def place(root: Path, competition: str, target: Path) -> Path:
    """Copy the newest submission to where the platform looks for it, as ``submission.csv`` in ``target``."""
    paths = Paths(root, competition)
    name = submission.choose(paths, None)
    return Path(shutil.copyfile(paths.submission(name), target / "submission.csv"))
