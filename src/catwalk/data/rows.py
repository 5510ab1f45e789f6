"""Rows of one CSV as arrays: what both readers give."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Rows:
    """The rows of one CSV, in its order.

    Attributes:
        pixels: (rows, pixels) uint8.
        labels: (rows,) uint8, positions in ``Competition.labels``; None if the file has no labels. Where one
            file holds the test too, int16, and -1 for a cell that is not a label.
        ids: the id column's cells without surrounding spaces; None if there is no id column.
        ignored: name of the column of row numbers that was skipped, or None.
        unlabelled: a note on a label column without labels (empty, ``?``, ``-1``, a single value), or None.
        is_test: (rows,) bool, what the usage column says; None if there is none.
        numbers: (rows,) int32, each training row's number in the file, see ``row_numbers``; or None.
    """

    pixels: npt.NDArray[np.uint8]
    labels: npt.NDArray[Any] | None
    ids: list[str] | None
    ignored: str | None = None
    unlabelled: str | None = None
    is_test: npt.NDArray[np.bool_] | None = None
    numbers: npt.NDArray[np.int32] | None = None
