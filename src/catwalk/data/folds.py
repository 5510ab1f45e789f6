"""Folds: the labelled rows in parts of equal size, each held out once, so that every row validates.

The network that holds out a fold has not been trained on its rows: what it predicts for them is out of fold.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from catwalk.core.paths import Paths, atomic_write
from catwalk.data import split
from catwalk.data.prepare import Prepared


def name(split_name: str, count: int) -> str:
    """The name of these folds, where a study's has its split's."""
    return f"{split_name}f{count}"


def is_of_folds(split_name: str) -> bool:
    """Whether it is the name of folds, not of a split."""
    return "f" in split_name


def split_of(name: str) -> str:
    """The split's name in that of its folds."""
    return name.partition("f")[0]


def possible(prepared: Prepared, wanted: int) -> int:
    """How many folds there can be, ``wanted`` at most: each needs a picture of every class.

    Returns:
        1, which is none, if none are wanted or a class has a single picture.
    """
    if wanted == 1:
        return 1
    first, _ = split.pictures(prepared.pixels)
    _, counts = np.unique(prepared.labels[first], return_counts=True)
    return min(wanted, int(counts.min()))


def of_rows(prepared: Prepared, count: int, seed: int) -> npt.NDArray[np.uint8]:
    """Each labelled row's fold: stratified by label, identical pictures in the same one.

    Args:
        prepared: the arrays; the folds are of all labelled rows, whatever the split.
        count: of folds, at most ``possible``.
        seed: another one makes other folds.

    Returns:
        (rows,) uint8, from 0 to ``count`` - 1.
    """
    from sklearn.model_selection import StratifiedKFold

    first, picture = split.pictures(prepared.pixels)
    folds = np.zeros(len(first), np.uint8)
    parts = StratifiedKFold(count, shuffle=True, random_state=seed)
    labels = np.asarray(prepared.labels[first])
    for fold, (_, held_out) in enumerate(parts.split(labels, labels)):
        folds[held_out] = fold
    return np.asarray(folds[picture])


def write(paths: Paths, prepared: Prepared, count: int, seed: int) -> None:
    """Write each row's fold, for the processes that train; unless the file exists."""
    file = paths.folds(name(prepared.split, count))
    if not file.is_file():
        with atomic_write(file) as path:
            np.save(path, of_rows(prepared, count, seed))


def load(paths: Paths, prepared: Prepared, count: int) -> npt.NDArray[np.uint8]:
    """(rows,) uint8: each labelled row's fold.

    Raises:
        FileNotFoundError: ``write`` has not run.
    """
    return np.asarray(np.load(paths.folds(name(prepared.split, count))))


def held_out(prepared: Prepared, folds: npt.NDArray[np.uint8], fold: int) -> Prepared:
    """The same rows with another split: ``fold`` for validation, all others for training."""
    train, validation = (np.flatnonzero(rows).astype(np.int32) for rows in (folds != fold, folds == fold))
    return replace(prepared, train=train, validation=validation)


def joined(folds: npt.NDArray[np.uint8], parts: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    """(rows, classes) float32: each row's probabilities from those of the folds.

    Args:
        folds: (rows,) each row's fold.
        parts: of each fold, (rows of the fold, classes).
    """
    joined = np.empty((len(folds), parts[0].shape[1]), np.float32)
    for fold, part in enumerate(parts):
        joined[folds == fold] = part
    return joined


def named(prepared: Prepared, count: int) -> Prepared:
    """The same rows and split under the folds' name, which is part of their study's name."""
    return replace(prepared, split=name(prepared.split, count))
