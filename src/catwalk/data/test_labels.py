"""Sealed labels: the only file that reads the test rows' labels. Every look is logged before it happens."""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from catwalk.core import records
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths


@dataclass(frozen=True)
class Look:
    """A line of ``looks.jsonl``.

    Attributes:
        time: UTC, ISO 8601.
        caller: who looked: "score", "grade" or a benchmark's name.
        submission: what was scored.
    """

    SCHEMA_VERSION: ClassVar[int] = 1

    time: str
    caller: str
    submission: str


UNREADABLE = Look("", "unknown", "unknown")  # what a damaged line counts as: no look is ever lost


def open_labels(paths: Paths, caller: str, submission: str) -> npt.NDArray[np.uint8]:
    """Log a look, then give the test labels.

    Args:
        paths: the competition's.
        caller: who looks: "score", "grade" or a benchmark's name.
        submission: what is being scored.

    Returns:
        (test rows,) uint8, positions in ``Competition.labels``.

    Raises:
        UserError: this competition has no test labels here.
        NewerRecordError: a newer catwalk has logged a look; nothing is logged then, or read.
    """
    looks(paths)
    if not paths.sealed_labels.is_file():
        raise UserError(
            "its test rows have no labels here, so there is no score",
            where=paths.competition,
            fix="upload the CSV where the labels are",
        )
    look = Look(datetime.now(UTC).isoformat(timespec="seconds"), caller, submission)
    with paths.looks.open("a", encoding="utf-8") as file:
        file.write(_newline_if_cut(paths) + json.dumps(records.encode(look)) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return np.asarray(np.load(paths.sealed_labels))


def are_there(paths: Paths) -> bool:
    """Whether this competition's test rows have labels here."""
    return paths.sealed_labels.is_file()


def looks(paths: Paths) -> list[Look]:
    """Every look so far, oldest first.

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
    """What ends the last line where a kill or a full disk cut it, so that the next look has its own."""
    text = paths.looks.read_bytes() if paths.looks.is_file() else b""
    return "\n" if text and not text.endswith(b"\n") else ""
