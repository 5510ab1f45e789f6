"""Raw rows: where each prepared row is in the raw training file, so that a person can look it up there."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catwalk.core.errors import UNREADABLE_ARRAYS
from catwalk.core.paths import Paths, atomic_write

ROW, INDEX = "row", "index"  # also the names of the column in labels.csv


@dataclass(frozen=True)
class RawRows:
    """Each prepared row's number in the raw training file.

    Attributes:
        numbers: (rows,) int32, in the order of ``Prepared``.
        counted: ``row``: of a CSV, as a spreadsheet counts (the header is row 1); ``index``: of the pictures
            in an IDX file, the first being 0.
    """

    numbers: npt.NDArray[np.int32]
    counted: str


def write(
    paths: Paths, numbers: npt.NDArray[np.int32] | None, order: npt.NDArray[np.intp], is_idx: bool
) -> None:
    """Write them, unless the numbers are unknown.

    Args:
        paths: the competition's.
        numbers: (rows,) of the rows as they were read, see ``row_numbers``.
        order: (rows,) the prepared rows' places among these.
        is_idx: whether they were read from IDX files.
    """
    if is_idx:
        numbers = np.arange(len(order), dtype=np.int32)
    if numbers is None:
        return
    with atomic_write(paths.raw_rows) as path:
        np.savez_compressed(path, numbers=numbers[order], counted=np.array(INDEX if is_idx else ROW))


def read(paths: Paths, rows: int) -> RawRows | None:
    """What ``write`` wrote; None if there is nothing, as where the numbers are unknown, or it is damaged.

    Args:
        paths: the competition's.
        rows: how many are prepared.
    """
    try:
        with np.load(paths.raw_rows, allow_pickle=False) as arrays:
            made = RawRows(np.asarray(arrays["numbers"], np.int32), str(arrays["counted"]))
    except UNREADABLE_ARRAYS:
        return None
    return made if made.numbers.shape == (rows,) else None
