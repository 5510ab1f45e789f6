"""Submission names: which submissions exist, which one SUBMISSION= chooses, and what NAME= may be."""

import json
import re
from datetime import datetime
from pathlib import Path

from catwalk.core import advice
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths

LONGEST = 81  # characters of a name, of which a file system may take 255 bytes
ENDINGS = (".csv", ".json")  # of a submission's own files


def check_name(name: str | None) -> None:
    """Check that NAME= can be a file's name.

    Raises:
        UserError: it can't, or it ends as the files themselves do.
    """
    if name is None:
        return
    if len(name) > LONGEST or not re.fullmatch(r"[A-Za-z0-9][\w.-]*", name):
        only = f"use letters, digits, '-', '_' and '.' only, {LONGEST} at most"
        raise UserError(f"NAME={name}", fix=f"{only}, and begin with a letter or digit")
    if name.lower().endswith(ENDINGS):
        raise UserError(f"NAME={name}", fix="choose a name that does not end in .csv or .json")


def unordered(paths: Paths) -> list[str]:
    """The submissions that have a CSV and a recipe, in any order: no recipe is opened."""
    return [path.stem for path in paths.submissions.glob("*.json") if paths.submission(path.stem).is_file()]


def names(paths: Paths) -> list[str]:
    """The submissions that have a CSV and a recipe, oldest first by the time they were made."""
    return sorted(unordered(paths), key=lambda name: (*_made(paths.recipe(name)), name))


def _made(file: Path) -> tuple[float, int]:
    """When a recipe was made: the second that it says itself, and the time of its file.

    In a copied project the files' times may be any. They count for what was made in the same second, and
    where a recipe can't be read.
    """
    changed = file.stat().st_mtime_ns
    try:  # not as ``recipe.read``, which needs this module: nothing else of it is needed
        created = json.loads(file.read_text(encoding="utf-8"))["created"]
        return datetime.fromisoformat(created).timestamp(), changed
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return changed / 1e9, changed


def choose(paths: Paths, name: str | None) -> str:
    """The submission that ``SUBMISSION=`` selects: the named one, else the newest.

    Raises:
        UserError: there is no such submission.
    """
    there = names(paths)
    if name is None and there:
        return there[-1]
    if name is None:
        raise UserError(f"{paths.competition} has no submission yet", fix=advice.RUN_PREDICT)
    for one in (name, name.removesuffix(".csv")):
        if one in there:
            return one
    raise UserError(
        f"no such submission of {paths.competition}",
        where=f"SUBMISSION={name}",
        fix="run make leaderboard to list them",
    )
