"""Image packages: brings what a notebook's image lacks, and touches nothing that it has."""

import importlib
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata

from packaging.requirements import Requirement

from catwalk.core import advice, packages
from catwalk.core.errors import NetworkError

NEWER = ("optuna",)  # packages of which catwalk always needs a newer version than may be there
PIP = (
    "-m",
    "pip",
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "--no-input",
    "--retries=1",
    "--timeout=15",
)


def missing(*also: str) -> list[Requirement]:
    """Packages that are not here, and those of ``NEWER`` and ``also`` that are older than catwalk needs."""
    asked = []
    for requirement in packages.declared():
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        version = _installed(requirement.name)
        is_old = version is not None and not requirement.specifier.contains(version)
        if version is None or (requirement.name in (*NEWER, *also) and is_old):
            asked.append(requirement)
    return asked


def ensure(say: Callable[[str], None], *also: str) -> None:
    """Install what is missing with pip.

    Args:
        say: takes a line for people.
        also: packages that this run needs in a newer version than may be here.

    Raises:
        NetworkError: pip could not; the line says what to switch on.
    """
    asked = missing(*also)
    if not asked:
        return
    wanted = [packages.shown(one) for one in asked]
    say(f"installing {' '.join(wanted)}")
    done = subprocess.run([sys.executable, *PIP, *wanted], check=False, capture_output=True, text=True)  # noqa: S603
    importlib.invalidate_caches()
    if still := missing(*also):
        one = still[0]
        here = _installed(one.name)
        there = f"{one.name} {here} is here" if here else f"{one.name} is not here"
        raise NetworkError(
            f"{there}, {packages.shown(one)} is needed, and pip can't fetch it", fix=advice.INTERNET
        )
    if done.returncode:
        say("pip complained, but all that is needed is here now")


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
