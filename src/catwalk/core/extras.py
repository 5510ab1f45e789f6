"""Extras: packages that only some commands need, installed on first use."""

import contextlib
import importlib.util
import subprocess
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from catwalk.core import advice, locks
from catwalk.core.errors import NetworkError, shown

# Module: the extra of pyproject.toml that provides it, and what needs it.
NEEDED = {
    "psycopg": ("team", "a shared study"),
    "optuna_dashboard": ("team", "the dashboard"),
    "kerasltisubmission": ("course", "the course's grader"),
}
# What a module needs beside itself: a pip that was ended may have left one without the other.
PARTS = {"psycopg": ("psycopg_binary", "psycopg_c")}  # one of them


def ensure(module: str, say: Callable[[str], None]) -> None:
    """Use pip to install the extra that provides a module, unless the module is already installed.

    In the ``.venv`` that make has set up the packages come from the lock ``requirements-<extra>.txt``;
    elsewhere (a notebook's image, say) in the versions that fit what is installed.

    Raises:
        NetworkError: pip could not install them.
    """
    if _is_there(module):
        return
    with contextlib.ExitStack() as stack:
        # As machines of a cluster share one environment; elsewhere there is no such file.
        with contextlib.suppress(OSError):
            stack.enter_context(locks.locked(Path(sys.prefix, "pyvenv.cfg"), wait=True))
        importlib.invalidate_caches()
        if not _is_there(module):  # another process has not installed it meanwhile
            _install(module, say)


def _is_there(module: str) -> bool:
    here = [importlib.util.find_spec(name) is not None for name in (module, *PARTS.get(module, ()))]
    return here[0] and (len(here) == 1 or any(here[1:]))


def _install(module: str, say: Callable[[str], None]) -> None:
    extra, purpose = NEEDED[module]
    wanted = _wanted(extra)
    say(f"installing the packages that {purpose} needs (only once): pip install {' '.join(wanted)}")
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--quiet", *wanted]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    importlib.invalidate_caches()
    if done.returncode or importlib.util.find_spec(module) is None:
        raise NetworkError(
            f"{purpose} needs packages that pip could not install ({shown(reason(done.stderr))})",
            fix=advice.CHECK_NETWORK,
        )


def reason(stderr: str) -> str:
    """The line that says why pip failed: its last with ERROR, else the first with an error, else the last."""
    lines = [line for line in stderr.splitlines() if line.strip()]
    errors = [line for line in reversed(lines) if "ERROR" in line]
    errors += [line for line in lines if "error" in line.lower()]
    return next(iter([*errors, *reversed(lines)]), "no reason given")


def _wanted(extra: str) -> list[str]:
    """The arguments of ``pip install``."""
    checkout = Path(str(files("catwalk"))).parents[1]
    lock = checkout / f"requirements-{extra}.txt"
    if Path(sys.prefix) == checkout / ".venv" and lock.is_file():
        return ["--no-deps", "--require-hashes", "-r", str(lock)]
    return _ranges(extra)


def _ranges(extra: str) -> list[str]:
    """The version ranges that pyproject.toml declares."""
    from catwalk.core import packages

    return [packages.shown(one) for one in packages.declared(extra)]
