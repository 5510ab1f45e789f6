"""Progress: what is known of a search without importing Optuna, and the lock that keeps it alone."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from catwalk.core import advice, locks
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths, atomic_write
from catwalk.data.prepare import Prepared

NOTHING: dict[str, Any] = {"spent": 0.0, "finished": 0, "best": None, "full": None}


def study_name(paths: Paths, prepared: Prepared, features: str) -> str:
    """The study's name: what must be the same for two trials to be compared."""
    return f"{paths.competition}-{prepared.fingerprint}-{prepared.split}-{features}"


def read(paths: Paths) -> dict[str, dict[str, Any]]:
    """``progress.json``: for each study's key, seconds "spent", trials "finished" and the "best" value.

    Where the last search came to its end, "ended" says by which limit, and "full" is the largest budget that
    no further trial fitted into.

    What it says may be older than the study, never newer.
    """
    if not paths.progress.is_file() or (paths.team is None and not paths.study_db.is_file()):
        return {}
    try:
        content: dict[str, dict[str, Any]] = json.loads(paths.progress.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return content


def of_other_rows(paths: Paths, fingerprint: str) -> str | None:
    """For people: the studies here of other rows than these, "fingerprint a1b2, 26 trials"; None if none."""
    trials: dict[str, int] = {}
    for key, known in read(paths).items():
        other = key.split("@")[0].rsplit("-", 3)[1]
        if other != fingerprint and known.get("finished"):
            trials[other] = trials.get(other, 0) + int(known["finished"])
    return "; ".join(f"fingerprint {one}, {count} trials" for one, count in trials.items()) or None


def write(paths: Paths, key: str, progress: dict[str, Any]) -> None:
    everything = {**read(paths), key: progress}
    with atomic_write(paths.progress) as path:
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
                f"another search of {paths.competition} is running here",
                fix=f"{advice.WAIT_OR_END}; make predict, make try and make leaderboard work meanwhile"
                + (f"; or search as somebody else, MEMBER= is {paths.team.member}" if paths.team else ""),
            )
        yield
