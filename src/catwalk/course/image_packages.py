"""Image packages: installs packages that a notebook's image lacks.

Of those that it has, none is replaced but an Optuna or a Kaggle client that is too old.
"""

import importlib
import re
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata

from packaging.requirements import Requirement

from catwalk.core import advice, extras, packages
from catwalk.core.errors import MachineError, NetworkError, shown

NEWER = ("optuna",)  # packages that the image may have in a version that is too old
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
# What pip says without Internet: no index answers, or none is asked and no version of the package is found.
OFFLINE = re.compile(r"(?i)connection|name resolution|timed out|unreachable|from versions: none")


def missing(*also: str) -> list[Requirement]:
    """Packages that are not installed, and those of ``NEWER`` and ``also`` that are too old."""
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
    """Install missing packages with pip.

    Args:
        say: takes a line for people.
        also: more packages to update if they are too old.

    Raises:
        NetworkError: pip reached no index; the message says what to switch on.
        MachineError: pip failed for another reason, which the message says.
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
        there = f"{one.name} {here} is installed" if here else f"{one.name} is not installed"
        what = f"{there}, {packages.shown(one)} is needed, and pip can't install it"
        if OFFLINE.search(done.stderr):
            raise NetworkError(what, fix=advice.INTERNET)
        raise MachineError(f"{what} ({shown(extras.reason(done.stderr))})", fix=advice.LATEST_IMAGE)
    if done.returncode:
        say("pip reported an error, but all required packages are installed now")


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
