"""Prepared arrays: whether those on the disk are whole, before a stage is told that they are there."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from catwalk.core.errors import UNREADABLE_ARRAYS
from catwalk.core.paths import Paths
from catwalk.data.competition import Competition


def are_whole(paths: Paths, competition: Competition, summary: dict[str, Any]) -> bool:
    """Whether no array is missing, empty or truncated; of the pictures, only the files' headers are read.

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
    return mapped == list(shapes.values()) and len(ids) == test_rows


def is_whole_split(file: Path) -> bool:
    """Whether a split's file is there and can be read."""
    try:
        with np.load(file) as rows:
            return len(rows["train"]) > 0 and len(rows["validation"]) > 0
    except UNREADABLE_ARRAYS:
        return False
