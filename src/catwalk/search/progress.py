"""Progress: the state of a search, without importing Optuna, and the lock against a second search."""

import contextlib
import json
import re
import shlex
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import ClassVar

from catwalk.core import advice, edited_files, locks, records, terminal
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths, atomic_write
from catwalk.core.plurals import counted
from catwalk.data import folds
from catwalk.data import scope as scopes
from catwalk.data.prepare import Prepared


@dataclass(frozen=True)
class Progress:
    """The progress of one study's search.

    Attributes:
        spent: seconds of search in all runs.
        finished: trials.
        best: validation accuracy; None: no trial is complete.
        budget: of the last search in seconds, as far as UNTIL= let it be spent; None: it was limited by
            TRIALS=, or only ``make try`` ran.
        ended: the limit that ended the last search; None: it was interrupted.
        full: the largest budget that no further trial fitted into.
        folds: in which the best configurations were trained after the last search; 1: none.
        of_trials: of a folds' study: finished trials of the search when its configurations were chosen.
        began: UTC, ISO 8601, when this was first written for the study; "": not yet, or it is a team's.
    """

    SCHEMA_VERSION: ClassVar[int] = 1

    spent: float
    finished: int
    best: float | None
    budget: float | None
    ended: str | None
    full: float | None
    folds: int = 1
    of_trials: int = 0
    began: str = ""


NOTHING = Progress(0.0, 0, None, None, None, None)
AT_WORK = 15.0  # seconds after its last write until a run, which writes every two, may have been killed


def study_name(paths: Paths, prepared: Prepared, scope: str) -> str:
    """The study's name: everything that must be the same for two trials to be comparable."""
    return f"{paths.competition}-{prepared.fingerprint}-{prepared.split}-{scope}"


def parts(key: str) -> list[str]:
    """A study name's or key's parts: competition (which may contain a dash), fingerprint, split and scope."""
    return key.split("@")[0].rsplit("-", 3)


def variables(name: str) -> dict[str, str]:
    """SEED, FEATURES and MODELS as they are typed to work on the study of this name."""
    _, _, split, scope = parts(name)
    seed = re.match(r"s(\d+)", split)
    return {
        "SEED": seed[1] if seed else "",
        "FEATURES": "pixels" if scopes.features_of(scope) == "pixels" else "auto",
        "MODELS": scopes.models_of(scope),
    }


def read(paths: Paths) -> dict[str, Progress]:
    """Read ``progress.json``, by study key; damaged entries are ignored.

    What it says may be older than the study, never newer.

    Raises:
        NewerRecordError: a newer catwalk wrote it; it is then left as it is, for ``write`` reads it too.
    """
    if not paths.progress.is_file() or (paths.team is None and not paths.study_db.is_file()):
        return {}
    shown, found = paths.shown(paths.progress), {}
    try:
        content = json.loads(paths.progress.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    records.check_version(Progress, content, shown)
    for key, entry in content.items() if isinstance(content, dict) else ():
        with contextlib.suppress(records.RecordError):
            found[key] = records.decode(Progress, entry, shown)
    return found


def at_work(paths: Paths) -> str | None:
    """The key of the study whose run has just written its entry; None: no run did, or it may be dead."""
    keys = list(read(paths))
    if not keys or time.time() - paths.progress.stat().st_mtime > AT_WORK:
        return None
    return keys[-1]


def of_other_rows(paths: Paths, fingerprint: str) -> str | None:
    """Studies here that use other data, as text: "fingerprint a1b2, 26 trials"; None if there are none."""
    trials: dict[str, int] = {}
    for key, known in read(paths).items():
        _, other, split, _ = parts(key)
        if other != fingerprint and known.finished and not folds.is_of_folds(split):
            trials[other] = trials.get(other, 0) + known.finished
    return "; ".join(f"fingerprint {one}, {counted(count, 'trial')}" for one, count in trials.items()) or None


def other_study(paths: Paths, prepared: Prepared, scope: str) -> tuple[str, str, int] | None:
    """The study of the same rows, but another SEED, FEATURES or MODELS, that was searched last, if any.

    Returns:
        What to type for the study that is asked for, and for that one, as far as they differ ("SEED=1",
        "SEED=2"), and that one's finished trials.
    """
    if paths.team is not None:  # its database has one study, and names it
        return None
    ours = variables(study_name(paths, prepared, scope))
    for key, known in latest(paths):
        _, fingerprint, split, _ = parts(key)
        theirs = {name: value for name, value in variables(key).items() if value != ours[name]}
        if theirs and fingerprint == prepared.fingerprint and not folds.is_of_folds(split):
            typed = [" ".join(f"{name}={study[name]}" for name in theirs) for study in (ours, theirs)]
            return typed[0], typed[1], known.finished
    return None


def refuse_beside_other(paths: Paths, prepared: Prepared, scope: str) -> None:
    """Refuse to search for a stage that follows a search, where the user may have meant another study.

    Raises:
        UserError: there is one, of the same rows.
    """
    if (other := other_study(paths, prepared, scope)) is not None:
        ours, theirs, finished = other
        trials = counted(finished, "trial")
        raise UserError(
            f"the study of {ours} has no trial, but there is one of {theirs} with {trials}",
            fix=f"run make predict {theirs}, or make search {ours} first",
        )


def refuse_while_training(paths: Paths, prepared: Prepared, scope: str) -> None:
    """Refuse while another command trains networks here: a search can't begin meanwhile.

    Raises:
        UserError: one does.
    """
    with lock_if_free(paths) as free:
        if not free:
            asked = variables(study_name(paths, prepared, scope))
            words = " ".join(f"{name}={value}" for name, value in asked.items())
            what = f"no trial of {words} is complete yet, and another command is training networks here"
            raise UserError(what, fix=f"{advice.RUN_AGAIN} in a minute, or when that has ended")


def begin_anew(paths: Paths) -> str:
    """How to begin a new study: by the command that renames this one's folder, or in a notebook by SEED."""
    if terminal.is_notebook():
        return "set SEED to another number"
    free = edited_files.unused(paths.study)  # mv puts it into one that is there
    old, new = (shlex.quote(paths.shown(place)) for place in (paths.study, free))
    return f"rename the study's folder: mv {old} {new}"


def latest(paths: Paths) -> list[tuple[str, Progress]]:
    """Studies with finished trials, the last one first; where only ``make try`` trained, after the others."""
    found = [(key, known) for key, known in reversed(read(paths).items()) if known.finished]
    return sorted(found, key=lambda one: one[1].spent <= 0)


def last_scope(
    paths: Paths, prepared: Prepared, agrees: Callable[[str], bool] = lambda _: True
) -> str | None:
    """The scope of the study of these rows and this split that was searched last; None if there is none.

    One in which only ``make try`` trained is followed where none was searched.

    Args:
        paths: the competition's.
        prepared: its arrays and split.
        agrees: which scopes may be it.
    """
    for key, _ in latest(paths):
        _, fingerprint, split, scope = parts(key)
        if (fingerprint, split) == (prepared.fingerprint, prepared.split) and agrees(scope):
            return scope
    return None


def write(paths: Paths, key: str, state: Progress) -> None:
    """Write a study's progress into ``progress.json``, with when it began; the other studies' entries stay.

    Raises:
        NewerRecordError: a newer catwalk wrote what is there.
    """
    everything = read(paths)
    before = everything.pop(key, None)
    began = before.began if before else datetime.now(UTC).isoformat(timespec="seconds")
    everything[key] = replace(state, began=began)  # the last one is the one that was worked on last
    content = {name: records.encode(known) for name, known in everything.items()}
    with atomic_write(paths.progress) as path:
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


@contextlib.contextmanager
def lock_if_free(paths: Paths) -> Iterator[bool]:
    """Hold this competition's search lock on this machine if it is free; yields whether it was acquired."""
    paths.study.mkdir(parents=True, exist_ok=True)
    paths.study_lock.touch()
    with locks.locked(paths.study_lock, wait=False) as free:
        yield free


@contextlib.contextmanager
def locked(paths: Paths) -> Iterator[None]:
    """Hold the search lock.

    Raises:
        UserError: a search holds it, or another command that trains networks.
    """
    with lock_if_free(paths) as free:
        if not free:
            raise UserError(
                f"another search of {paths.competition} is running here, or a try or predict that trains "
                "networks",
                fix=f"{advice.WAIT_OR_END}; the leaderboard still works, and predict of a study with a "
                "complete trial"
                + (f"; or search under another name than MEMBER={paths.team.member}" if paths.team else ""),
            )
        yield
