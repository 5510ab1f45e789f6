"""Packages: which ones catwalk needs, as pyproject.toml declares them, and which of them are not here."""

import tomllib
from importlib import metadata
from importlib.resources import files
from pathlib import Path

from packaging.requirements import Requirement


def declared(extra: str = "") -> list[Requirement]:
    """What catwalk depends on, or what one of its extras adds: of the checkout this is, or of the wheel."""
    pyproject = Path(str(files("catwalk"))).parents[1] / "pyproject.toml"
    if pyproject.is_file():  # a clone need not be installed
        project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
        named = project["optional-dependencies"][extra] if extra else project["dependencies"]
        return [Requirement(line) for line in named]
    everything = [Requirement(line) for line in metadata.requires("catwalk") or []]
    return [one for one in everything if _is_of(one, extra)]


def _is_of(requirement: Requirement, extra: str) -> bool:
    """Whether a requirement of the wheel's metadata belongs to an extra, or to none where that is empty."""
    if requirement.marker is None:
        return not extra
    return requirement.marker.evaluate({"extra": extra}) and bool(extra) == (
        "extra" in str(requirement.marker)
    )


def too_old(name: str) -> str | None:
    """What pip is to install in the place of a package that is here and too old; None where it is not."""
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
    wanted = next(one for one in declared() if one.name == name)
    return None if wanted.specifier.contains(version) else shown(wanted)


def shown(requirement: Requirement) -> str:
    """A requirement as pip takes it, without the marker that held."""
    return str(requirement).split(";")[0].strip()
