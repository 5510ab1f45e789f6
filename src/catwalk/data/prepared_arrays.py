"""Prepared arrays: whether those on the disk are whole and of the TOML, before a stage uses them."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from catwalk.core import advice
from catwalk.core.errors import UNREADABLE_ARRAYS, UserError
from catwalk.core.paths import Paths
from catwalk.data import test_labels
from catwalk.data.competition import Competition


def are_whole(paths: Paths, competition: Competition, summary: dict[str, Any]) -> bool:
    """Whether no array is missing, empty or truncated; of the pictures, only the files' headers are read.

    Of the sealed test labels, only whether they are there.

    Args:
        paths: the competition's.
        competition: gives the number of pixels.
        summary: of the arrays, see ``prepare``; says how many rows they have.
    """
    rows, test_rows = summary.get("rows"), summary.get("test_rows")
    shapes = {
        paths.pixels: (rows, competition.pixels),
        paths.labels: (rows,),
        paths.test_pixels: (test_rows, competition.pixels),
    }
    try:
        ids = json.loads(paths.test_ids.read_text(encoding="utf-8"))
        mapped = [np.load(path, mmap_mode="r").shape for path in shapes]
    except UNREADABLE_ARRAYS:
        return False
    return mapped == list(shapes.values()) and len(ids) == test_rows and not test_labels.are_lost(paths)


def is_whole_split(file: Path) -> bool:
    """Whether a split's file is there and can be read."""
    try:
        with np.load(file) as rows:
            return len(rows["train"]) > 0 and len(rows["validation"]) > 0
    except UNREADABLE_ARRAYS:
        return False


def identity(paths: Paths) -> str:
    """A hash of what the arrays contain and of the TOML's reading; empty if nothing is prepared.

    It stays as it is where the same rows are prepared again.
    """
    try:
        summary = json.loads(paths.prepared_summary.read_text(encoding="utf-8"))
        known = [summary[key] for key in ("fingerprint", "test_fingerprint", "reading")]
    except (OSError, ValueError, LookupError, TypeError):
        return ""
    return hashlib.blake2b(json.dumps(known).encode(), digest_size=6).hexdigest()


def require_same_toml(paths: Paths, competition: Competition) -> None:
    """Check that the arrays were made with this TOML: their labels are positions in its classes.

    Args:
        paths: the competition's; its rows are prepared.
        competition: what the TOML says now.

    Raises:
        UserError: it has changed since.
    """
    summary = json.loads(paths.prepared_summary.read_text(encoding="utf-8"))
    if summary.get("reading") != competition.reading:
        raise UserError(
            "its labels, classes, columns or files have changed since the rows were prepared",
            where=paths.shown(paths.toml),
            fix=advice.RUN_PREPARE,
        )
