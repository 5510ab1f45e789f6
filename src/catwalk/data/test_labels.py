"""Sealed labels: the only file that reads the test rows' labels. Every look is logged before it happens."""

import json
import os
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from catwalk.core.errors import UserError
from catwalk.core.paths import Paths


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
    """
    if not paths.sealed_labels.is_file():
        raise UserError(
            "its test rows have no labels here, so there is no score",
            where=paths.competition,
            fix="upload the CSV where the labels are",
        )
    look = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "caller": caller,
        "submission": submission,
    }
    with paths.looks.open("a", encoding="utf-8") as file:
        file.write(json.dumps(look) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return np.asarray(np.load(paths.sealed_labels))


def are_there(paths: Paths) -> bool:
    """Whether this competition's test rows have labels here."""
    return paths.sealed_labels.is_file()


def looks(paths: Paths) -> list[dict[str, Any]]:
    """Every look so far, oldest first."""
    if not paths.looks.is_file():
        return []
    return [json.loads(line) for line in paths.looks.read_text(encoding="utf-8").splitlines() if line]
