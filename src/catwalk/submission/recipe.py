"""The recipe: ``<name>.json`` beside a submission, all that it was made from."""

import contextlib
import hashlib
import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from catwalk.core.errors import UserError
from catwalk.core.paths import Paths, atomic_write


def name_of(recipe: dict[str, Any]) -> str:
    """The UTC time and a short hash of what the recipe says apart from the time."""
    content = json.dumps(recipe, sort_keys=True).encode()
    now = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    return f"{now}-{hashlib.blake2b(content, digest_size=3).hexdigest()}"


def write(paths: Paths, name: str, recipe: dict[str, Any]) -> None:
    """Write a recipe; one that is written again keeps its time, which says how old the submission is."""
    target = paths.recipe(name)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    before = target.stat().st_mtime_ns if target.is_file() else None
    with atomic_write(target) as path:
        path.write_text(json.dumps({"created": created, **recipe}, indent=2) + "\n", encoding="utf-8")
        if before is not None:
            os.utime(path, ns=(before, before))


def read(paths: Paths, name: str) -> dict[str, Any]:
    """Read a submission's recipe; errors as for ``read_file``."""
    return read_file(paths.recipe(name), paths.shown(paths.recipe(name)))


def read_file(file: Path, shown: str) -> dict[str, Any]:
    """Read a recipe.

    Raises:
        UserError: it is damaged, or of an older catwalk.
    """
    try:
        recipe: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise UserError(f"{shown} can't be read", fix="move it away and run make predict") from None
    if not isinstance(recipe, dict) or "forecast" not in recipe:
        raise UserError(f"{shown} was made by an older catwalk", fix="run make predict for a new submission")
    recipe.setdefault("refit", [])
    return recipe


def known(paths: Paths, names: list[str]) -> dict[str, dict[str, Any]]:
    """The recipes of these submissions that can be read, in their order."""
    found = {}
    for name in names:
        with contextlib.suppress(UserError):
            found[name] = read(paths, name)
    return found


def processor() -> str:
    """The processor's name; the last digits of a network's weights may depend on it."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return platform.processor() or platform.machine()


def git_commit(root: Path) -> str | None:
    """The commit of the checkout at ``root``, with "+changes" if files differ; None outside of git."""

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(  # noqa: S603
                ["git", "-C", str(root), *arguments],  # noqa: S607
                capture_output=True, text=True, check=False, timeout=10,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = git("rev-parse", "HEAD")
    return f"{commit}+changes" if commit and git("status", "--porcelain") else commit
