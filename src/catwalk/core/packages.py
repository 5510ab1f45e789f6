"""Packages: the requirements in pyproject.toml, and installed packages that are too old for them."""

import tomllib
from importlib import metadata
from importlib.resources import files
from pathlib import Path

from packaging.requirements import Requirement


def declared(extra: str = "") -> list[Requirement]:
    """The requirements of catwalk, or of one of its extras, as the checkout or the wheel declares them."""
    pyproject = Path(str(files("catwalk"))).parents[1] / "pyproject.toml"
    if pyproject.is_file():  # a clone need not be installed
        project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
        named = project["optional-dependencies"][extra] if extra else project["dependencies"]
        return [Requirement(line) for line in named]
    everything = [Requirement(line) for line in metadata.requires("catwalk") or []]
    return [one for one in everything if _is_of(one, extra)]


def _is_of(requirement: Requirement, extra: str) -> bool:
    """Whether a requirement of the wheel belongs to the given extra (or to none, if it is empty)."""
    if requirement.marker is None:
        return not extra
    return requirement.marker.evaluate({"extra": extra}) and bool(extra) == (
        "extra" in str(requirement.marker)
    )


def too_old(name: str) -> str | None:
    """The requirement that an installed package is too old for; None if it is new enough or not installed."""
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
    wanted = _requirement(name)
    return None if wanted.specifier.contains(version) else shown(wanted)


def lowest(name: str) -> str:
    """The lowest version of a package that the requirements of catwalk allow."""
    return next(one.version for one in _requirement(name).specifier if one.operator == ">=")


def _requirement(name: str) -> Requirement:
    """What the requirements of catwalk say of one package."""
    return next(one for one in declared() if one.name == name)


def shown(requirement: Requirement) -> str:
    """A requirement in the form that pip accepts, without its environment marker."""
    return str(requirement).split(";")[0].strip()
