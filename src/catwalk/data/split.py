"""The split: which labelled rows the networks learn from, and which are held out to compare them."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from catwalk.core.errors import UserError
from catwalk.core.paths import Paths, atomic_write
from catwalk.data.competition import Competition

VALIDATION_SHARE = 0.1  # of the labelled rows
UNNAMED_SHARE = 0.1  # the share of splits whose name gives none; so are all that were made before names did


def name(seed: int) -> str:
    """What names a split, and with it a study: all that decides which rows are held out."""
    return f"s{_key(seed)}"


def file(paths: Paths, seed: int) -> Path:
    """Where the rows of a split are written."""
    return paths.split(_key(seed))


def _key(seed: int) -> str:
    return f"{seed}" if VALIDATION_SHARE == UNNAMED_SHARE else f"{seed}v{VALIDATION_SHARE:g}"


def keys(rows: npt.NDArray[Any]) -> npt.NDArray[np.void]:
    """(rows, values) to (rows,) of one comparable value a row."""
    return np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1] * rows.itemsize))).ravel()


def hold_out(
    pixels: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8], share: float, seed: int
) -> npt.NDArray[np.bool_]:
    """Which rows to keep apart: stratified by label; identical pictures stay on one side.

    Args:
        pixels: (rows, pixels) uint8, in the order of ``Prepared``.
        labels: (rows,) uint8.
        share: of the rows, to keep apart.
        seed: another one keeps others apart.

    Raises:
        ValueError: a class has only one picture.
    """
    first, picture = _pictures(pixels)
    return np.isin(picture, _pictures_apart(labels[first], share, seed))


def _pictures(pixels: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The first row of each different picture, and which picture each row is; equal ones stand together."""
    rows = keys(pixels)
    repeated = np.append(False, rows[1:] == rows[:-1])
    return np.flatnonzero(~repeated), np.cumsum(~repeated) - 1


def _pictures_apart(labels: npt.NDArray[np.uint8], share: float, seed: int) -> npt.NDArray[np.intp]:
    """scikit-learn's stratified split; where rows are too few for it, one picture of a class at least."""
    from sklearn.model_selection import train_test_split

    classes, counts = np.unique(labels, return_counts=True)
    if counts.min() < 2:
        raise ValueError(f"a class has only {counts.min()} picture")
    test = math.ceil(share * len(labels))
    if min(test, len(labels) - test) >= len(classes):
        train, apart = train_test_split(
            np.arange(len(labels)), test_size=share, stratify=labels, random_state=seed
        )
        if all(len(np.unique(labels[side])) == len(classes) for side in (train, apart)):
            return np.asarray(apart)
    dice = np.random.default_rng(seed)
    chosen = [
        dice.permutation(np.flatnonzero(labels == one))[: max(1, round(share * count))]
        for one, count in zip(classes, counts, strict=True)
    ]
    return np.concatenate(chosen)


def write(paths: Paths, competition: Competition, seed: int) -> None:
    """Write which of the prepared rows the networks learn from, and which only compare them.

    Raises:
        UserError: a class has less than two pictures.
    """
    labels = np.load(paths.labels)
    pixels = np.load(paths.pixels, mmap_mode="r")
    first, _ = _pictures(pixels)
    check_classes(
        np.bincount(labels[first], minlength=len(competition.labels)), competition, "different picture"
    )
    is_validation = hold_out(pixels, labels, VALIDATION_SHARE, seed)
    train, validation = (np.flatnonzero(rows).astype(np.int32) for rows in (~is_validation, is_validation))
    with atomic_write(file(paths, seed)) as path:
        np.savez(path, train=train, validation=validation)


def check_classes(counts: npt.NDArray[np.intp], competition: Competition, what: str = "row") -> None:
    """Each class is needed on both sides of the split.

    Args:
        counts: (classes,) of each class.
        competition: names them.
        what: is counted.

    Raises:
        UserError: there are less than two of a class.
    """
    few = np.flatnonzero(counts < 2)
    if not len(few):
        return
    name, count = competition.class_name(few[0]), counts[few[0]]
    alike = int((counts == count).sum()) - 1
    has = f"and {alike} more have" if alike else "has"
    toml = f"competitions/{competition.name}.toml"
    raise UserError(
        f"class {name} {has} {count or 'no'} {what}: at least 2 are needed",
        where=competition.train_file,
        fix="add rows of it" if count else f"add rows of it, or take it out of classes and labels in {toml}",
    )
