"""Progress: what is known of a search without importing Optuna, and the lock that keeps it alone."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from catwalk import locks
from catwalk.errors import UserError
from catwalk.paths import Paths, written_aside
from catwalk.prepare import Prepared

NOTHING: dict[str, Any] = {"spent": 0.0, "finished": 0, "best": None}


def study_name(paths: Paths, prepared: Prepared, features: str) -> str:
    """The study's name: what must be the same for two trials to be compared."""
    return f"{paths.competition}-{prepared.fingerprint}-{prepared.split}-{features}"


def read(paths: Paths) -> dict[str, dict[str, Any]]:
    """``progress.json``: for each study's name, seconds "spent", trials "finished" and the "best" value.

    What it says may be older than the study, never newer.
    """
    if not (paths.progress.is_file() and paths.study_db.is_file()):
        return {}
    try:
        content: dict[str, dict[str, Any]] = json.loads(paths.progress.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return content


def write(paths: Paths, name: str, progress: dict[str, Any]) -> None:
    everything = {**read(paths), name: progress}
    with written_aside(paths.progress) as path:
        path.write_text(json.dumps(everything, indent=2) + "\n", encoding="utf-8")


@contextlib.contextmanager
def lock_if_free(paths: Paths) -> Iterator[bool]:
    """Hold the one search lock of this competition on this machine, if nobody does; say whether."""
    paths.study.mkdir(parents=True, exist_ok=True)
    paths.study_lock.touch()
    with locks.locked(paths.study_lock, wait=False) as free:
        yield free


@contextlib.contextmanager
def locked(paths: Paths) -> Iterator[None]:
    """Hold the search lock.

    Raises:
        UserError: another search holds it.
    """
    with lock_if_free(paths) as free:
        if not free:
            raise UserError(
                f"another search of {paths.competition} is running here: wait for it, or end it; "
                "make predict, make try and make leaderboard work meanwhile"
            )
        yield
