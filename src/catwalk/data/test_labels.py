"""Sealed test labels: the only module that reads them. Every access is logged before it happens."""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from catwalk.core import advice, records
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths


@dataclass(frozen=True)
class Look:
    """One access to the sealed test labels, a line of ``looks.jsonl``.

    Attributes:
        time: UTC, ISO 8601.
        caller: who looked: "score", "grade" or a benchmark's name.
        submission: what was scored.
    """

    SCHEMA_VERSION: ClassVar[int] = 1

    time: str
    caller: str
    submission: str


UNREADABLE = Look("", "unknown", "unknown")  # stands for a damaged line, so that no access is lost


def open_labels(paths: Paths, caller: str, submission: str) -> npt.NDArray[np.uint8]:
    """Log the access, then return the test labels.

    Args:
        paths: the competition's.
        caller: who looks: "score", "grade" or a benchmark's name.
        submission: what is being scored.

    Returns:
        (test rows,) uint8, positions in ``Competition.labels``.

    Raises:
        UserError: this competition has no test labels here, or they were lost.
        NewerRecordError: a newer catwalk has logged an access; nothing is logged or read then.
    """
    looks(paths)
    if are_lost(paths):
        raise UserError("the sealed test labels are missing", where=paths.competition, fix=advice.RUN_PREPARE)
    if not are_there(paths):
        raise UserError(
            "the test rows have no labels, so there is no score",
            where=paths.competition,
            fix="upload the CSV to the site that scores it",
        )
    look = Look(datetime.now(UTC).isoformat(timespec="seconds"), caller, submission)
    with paths.looks.open("a", encoding="utf-8") as file:
        file.write(_newline_if_cut(paths) + json.dumps(records.encode(look)) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return np.asarray(np.load(paths.sealed_labels))


def are_there(paths: Paths) -> bool:
    """Whether this competition's test labels are available here."""
    return paths.sealed_labels.is_file()


def are_lost(paths: Paths) -> bool:
    """Whether ``prepare`` sealed test labels that are no longer there; an earlier catwalk did not say so."""
    try:
        summary = json.loads(paths.prepared_summary.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return summary.get("sealed") is True and not are_there(paths)


def looks(paths: Paths) -> list[Look]:
    """All logged accesses so far, oldest first.

    Raises:
        NewerRecordError: a newer catwalk has logged one.
    """
    if not paths.looks.is_file():
        return []
    lines = paths.looks.read_text(encoding="utf-8", errors="replace").splitlines()
    return [_look(line, paths.shown(paths.looks)) for line in lines if line]


def _look(line: str, shown: str) -> Look:
    try:
        return records.decode(Look, json.loads(line), shown)
    except ValueError:
        return UNREADABLE


def _newline_if_cut(paths: Paths) -> str:
    """A newline if the last line was cut off (process killed, disk full), so that the next is separate."""
    text = paths.looks.read_bytes() if paths.looks.is_file() else b""
    return "\n" if text and not text.endswith(b"\n") else ""
