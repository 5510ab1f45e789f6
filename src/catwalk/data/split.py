"""The split: which labelled rows are for training, and which are held out for validation."""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from catwalk.core.errors import UserError
from catwalk.core.paths import Paths, atomic_write
from catwalk.data.competition import Competition

VALIDATION_SHARE = 0.1  # of the labelled rows
UNNAMED_SHARE = 0.1  # the share of splits whose name states none, as in older versions


def name(seed: int) -> str:
    """A split's name, also part of the study's name: all that determines which rows are held out."""
    return f"s{_key(seed)}"


def file(paths: Paths, seed: int) -> Path:
    """The file of a split's rows."""
    return paths.split(_key(seed))


def seeds(paths: Paths) -> list[int]:
    """The seeds whose split is prepared, ascending."""
    found = [re.match(r"split-(\d+)", path.stem) for path in paths.prepared.glob("split-*.npz")]
    known = sorted({int(match[1]) for match in found if match})
    return [seed for seed in known if file(paths, seed).is_file()]


def _key(seed: int) -> str:
    return f"{seed}" if VALIDATION_SHARE == UNNAMED_SHARE else f"{seed}v{VALIDATION_SHARE:g}"


def keys(rows: npt.NDArray[Any]) -> npt.NDArray[np.void]:
    """Convert (rows, values) to (rows,): one comparable value per row."""
    return np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1] * rows.itemsize))).ravel()


def hold_out(
    pixels: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8], share: float, seed: int
) -> npt.NDArray[np.bool_]:
    """Which rows to hold out: stratified by label; identical pictures stay on the same side.

    Args:
        pixels: (rows, pixels) uint8, in the order of ``Prepared``.
        labels: (rows,) uint8.
        share: the fraction of the rows to hold out.
        seed: a different one holds out other rows.

    Raises:
        ValueError: a class has only one picture.
    """
    first, picture = pictures(pixels)
    return np.isin(picture, _held_out_pictures(labels[first], share, seed))


def pictures(pixels: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The first row of each distinct picture, and each row's picture number; identical ones are adjacent."""
    rows = keys(pixels)
    repeated = np.append(False, rows[1:] == rows[:-1])
    return np.flatnonzero(~repeated), np.cumsum(~repeated) - 1


def _held_out_pictures(labels: npt.NDArray[np.uint8], share: float, seed: int) -> npt.NDArray[np.intp]:
    """scikit-learn's stratified split; if there are too few rows for it, at least one of each class."""
    from sklearn.model_selection import train_test_split

    classes, counts = np.unique(labels, return_counts=True)
    if counts.min() < 2:
        raise ValueError(f"a class has only {counts.min()} picture")
    test = math.ceil(share * len(labels))
    if min(test, len(labels) - test) >= len(classes):
        train, held_out = train_test_split(
            np.arange(len(labels)), test_size=share, stratify=labels, random_state=seed
        )
        if all(len(np.unique(labels[side])) == len(classes) for side in (train, held_out)):
            return np.asarray(held_out)
    rng = np.random.default_rng(seed)
    chosen = [
        rng.permutation(np.flatnonzero(labels == one))[: max(1, round(share * count))]
        for one, count in zip(classes, counts, strict=True)
    ]
    return np.concatenate(chosen)


def write(paths: Paths, competition: Competition, seed: int) -> None:
    """Write which of the prepared rows are for training, and which for validation.

    Raises:
        UserError: a class has fewer than two pictures.
    """
    labels = np.load(paths.labels)
    pixels = np.load(paths.pixels, mmap_mode="r")
    first, _ = pictures(pixels)
    check_classes(
        np.bincount(labels[first], minlength=len(competition.labels)), competition, "distinct picture"
    )
    is_validation = hold_out(pixels, labels, VALIDATION_SHARE, seed)
    train, validation = (np.flatnonzero(rows).astype(np.int32) for rows in (~is_validation, is_validation))
    with atomic_write(file(paths, seed)) as path:
        np.savez(path, train=train, validation=validation)


def check_classes(counts: npt.NDArray[np.intp], competition: Competition, what: str = "row") -> None:
    """Check that each class has at least two rows, because both sides of the split need one.

    Args:
        counts: (classes,) rows or pictures per class.
        competition: names them.
        what: what is counted.

    Raises:
        UserError: there are fewer than two of a class.
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
        fix="add rows of this class"
        if count
        else f"add rows of this class, or drop it from classes and labels in {toml}",
    )
