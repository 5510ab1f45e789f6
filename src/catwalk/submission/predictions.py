"""Predictions: a submission's probabilities, in files that teammates can join: ``oof.npz`` and ``test.npz``.

``oof.npz`` has those of labelled rows by networks that were not trained on them (out of fold): the rows that
validate the submission. Each row is named by its picture's hash, so it is found again in another order.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from catwalk.core.errors import UNREADABLE_ARRAYS, UserError
from catwalk.core.paths import atomic_write

REQUIRED = ("pictures", "probabilities", "labels")
FIX = "download or copy it again"


@dataclass(frozen=True)
class Predictions:
    """Probabilities of some rows.

    Attributes:
        pictures: (rows, 2) uint64, each row's picture, see ``picture_hashes``.
        probabilities: (rows, classes) float32.
        labels: the competition's labels, in the order of the columns.
        rows: (rows,) int32, row numbers in ``Prepared`` of the same fingerprint; None for test rows.
    """

    pictures: npt.NDArray[np.uint64]
    probabilities: npt.NDArray[np.float32]
    labels: tuple[str, ...]
    rows: npt.NDArray[np.int32] | None = None


def write(file: Path, made: Predictions) -> None:
    """Write one of the two files."""
    arrays: dict[str, Any] = {
        "pictures": made.pictures,
        "probabilities": made.probabilities.astype(np.float32),
        "labels": np.array(made.labels),
    }
    if made.rows is not None:
        arrays["rows"] = made.rows
    with atomic_write(file) as path:
        np.savez_compressed(path, **arrays)


def read(file: Path, shown: str) -> Predictions:
    """Read one of the two files.

    Args:
        file: its path.
        shown: the path as messages show it.

    Raises:
        FileNotFoundError: there is none.
        UserError: it is damaged, or another kind of file.
    """
    try:
        with np.load(file, allow_pickle=False) as arrays:
            content = {name: arrays[name] for name in arrays.files}
    except FileNotFoundError:
        raise
    except UNREADABLE_ARRAYS:
        raise UserError("damaged, or not one of catwalk's files", where=shown, fix=FIX) from None
    if missing := [name for name in REQUIRED if name not in content]:
        raise UserError(f"has no array {missing[0]}", where=shown, fix=FIX)
    pictures, probabilities, labels = (content[name] for name in REQUIRED)
    shapes = [pictures.shape, probabilities.shape, labels.shape]
    kinds = pictures.dtype.kind + probabilities.dtype.kind + labels.dtype.kind
    fit = len(labels.shape) == 1 and shapes[:2] == [(len(pictures), 2), (len(pictures), len(labels))]
    if not fit or kinds != "ufU":
        raise UserError("has arrays that do not fit together", where=shown, fix=FIX)
    return Predictions(
        pictures.astype(np.uint64),
        probabilities.astype(np.float32),
        tuple(str(label) for label in labels),
        content.get("rows"),
    )
