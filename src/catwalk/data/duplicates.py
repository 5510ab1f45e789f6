"""Duplicates: identical pictures add no information, so training and intervals count each picture once.

An accuracy is a share of rows, in which a picture counts as often as it is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catwalk.core.paths import Paths
from catwalk.data import picture_hashes, prepare, split
from catwalk.data.prepare import Prepared

BLOCK = 8192  # pictures compared at a time
LABELLED_SHARE = 0.01  # share of the test pictures among the labelled rows from which a score says little


@dataclass(frozen=True)
class DistinctCounts:
    """Counts of distinct pictures.

    Attributes:
        train, validation, test: distinct pictures among these rows.
        two_labels: pictures among the labelled rows that have more than one label.
        known: distinct test pictures that are also among the labelled rows.
    """

    train: int
    validation: int
    test: int
    two_labels: int
    known: int


def count(prepared: Prepared) -> DistinctCounts:
    """Count the distinct pictures; pixels are read only if there are duplicates."""
    train, validation, both = len(prepared.train), len(prepared.validation), 0
    if prepared.duplicates["train"]:
        everyone = np.arange(len(prepared.pixels))
        first = is_first(prepared.pixels, everyone)
        train, validation = int(first[prepared.train].sum()), int(first[prepared.validation].sum())
        # Rows are sorted by picture, then by label: another label begins within a picture.
        change = ~first & np.append(False, prepared.labels[1:] != prepared.labels[:-1])
        both = len(np.unique(np.cumsum(first)[change]))
    test = len(prepared.test_pixels) - prepared.duplicates["test"]
    return DistinctCounts(train, validation, test, both, prepared.duplicates["known"])


def distinct(prepared: Prepared, rows: npt.NDArray[np.int32]) -> int:
    """The number of distinct pictures among labelled rows; ``rows`` as for ``groups``."""
    if not prepared.duplicates["train"]:
        return len(rows)
    return int(is_first(prepared.pixels, rows).sum())


def are_many(known: int, pictures: int) -> bool:
    """Whether so many of the distinct test pictures are labelled that a score says little about new ones."""
    return known > 0 and known >= LABELLED_SHARE * pictures


def warning(known: int, pictures: int) -> str:
    """A one-line warning that so many of the distinct test pictures are also among the labelled rows."""
    those = "all" if known == pictures else f"{known:,}"
    verb = "is" if known == 1 else "are"
    return (
        f"{those} of the {pictures:,} test pictures {verb} also among the labelled rows: "
        "the score says little about new pictures"
    )


def is_first(
    pixels: npt.NDArray[np.uint8], rows: npt.NDArray[np.integer], labels: npt.NDArray[np.uint8] | None = None
) -> npt.NDArray[np.bool_]:
    """(len(rows),): whether each row's picture differs from that of the row before.

    Args:
        pixels: (any, pixels) uint8, identical pictures side by side, as in ``Prepared``.
        rows: row numbers, ascending.
        labels: (any,); with them, the same picture with a different label counts as a different one.
    """
    first = np.ones(len(rows), np.bool_)
    for start in range(1, len(rows), BLOCK):
        here = rows[start - 1 : start + BLOCK]
        block = np.asarray(pixels[here])
        differ = (block[1:] != block[:-1]).any(axis=1)
        if labels is not None:
            differ |= labels[here[1:]] != labels[here[:-1]]
        first[start : start + BLOCK] = differ
    return first


def of_test(paths: Paths, ids: Sequence[str]) -> npt.NDArray[np.intp]:
    """(ids,): an index for each test row's picture; identical pictures share an index.

    Args:
        paths: the competition's.
        ids: of the test rows, in any order; if these rows are not prepared here, their pictures are unknown
            and each counts as distinct.
    """
    apart = np.arange(len(ids))
    if not paths.test_pixels.is_file():
        return apart
    place = {id_: i for i, id_ in enumerate(prepare.test_ids(paths))}
    if place.keys() != set(ids):
        return apart
    hashes = picture_hashes.of(np.load(paths.test_pixels, mmap_mode="r"))
    _, numbers = np.unique(split.keys(hashes), return_inverse=True)
    return np.asarray(numbers.ravel()[[place[id_] for id_ in ids]], np.intp)


def of_learning(prepared: Prepared) -> npt.NDArray[np.int32]:
    """The training rows without duplicates (same picture and same label)."""
    rows = prepared.train
    if not prepared.duplicates["train"]:
        return rows
    return rows[is_first(prepared.pixels, rows, np.asarray(prepared.labels))]


def groups(prepared: Prepared, rows: npt.NDArray[np.int32]) -> npt.NDArray[np.intp]:
    """(len(rows),): an ascending index for each row's picture; identical pictures share one.

    Args:
        prepared: the arrays.
        rows: row numbers of labelled rows, ascending.
    """
    if not prepared.duplicates["train"]:
        return np.arange(len(rows))
    return np.cumsum(is_first(prepared.pixels, rows)) - 1
