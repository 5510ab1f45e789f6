"""Converts IDX files, or arrays of pictures and labels, to a competition's two raw CSVs."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from catwalk.core import advice
from catwalk.core.errors import UserError
from catwalk.data import idx
from catwalk.data.competition import Competition
from catwalk.data.csv_rows import write_rows


def convert(files: dict[str, Path], competition: Competition, folder: Path) -> None:
    """Write the four IDX files as the two CSVs.

    Raises:
        UserError: one is damaged, or its checksum or shape differs from the TOML's.
    """
    train, train_labels, test, test_labels = (
        idx.read(files[name], competition.sha256.get(name)) for name in idx.FILES
    )
    write(train, train_labels, test, test_labels, competition, folder)


def write(
    train: npt.NDArray[np.uint8],
    train_labels: npt.NDArray[np.integer],
    test: npt.NDArray[np.uint8],
    test_labels: npt.NDArray[np.integer],
    competition: Competition,
    folder: Path,
) -> None:
    """Write arrays as the two raw CSVs; pictures are along the first axis of ``train`` and ``test``."""
    for name, pictures, labels in (
        (competition.train_file, train, train_labels),
        (competition.test_file, test, test_labels),
    ):
        if pictures.size != len(labels) * competition.pixels:
            raise UserError(
                f"pictures of shape {pictures.shape} and {len(labels)} labels do not match "
                f"shape {competition.shape} of {competition.name}",
                fix=advice.CHOOSE_SOURCE,
            )
        write_rows(folder / name, pictures.reshape(len(labels), -1), labels.ravel(), competition)
