"""The submission: writes the CSV to upload, and checks that its format is valid."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catwalk.core.errors import UserError, shown
from catwalk.core.paths import atomic_write
from catwalk.data.competition import Competition

AGAIN = "run make predict for a new one"


def write(
    path: Path,
    ids: Sequence[str],
    predicted: npt.NDArray[np.integer],
    competition: Competition,
) -> None:
    """Write a submission; it is checked before the file gets its name.

    Args:
        path: the CSV.
        ids: one a test row, in the submission's order.
        predicted: (test rows,) positions in ``Competition.labels``.
        competition: gives header and labels.

    Raises:
        UserError: the format would be invalid; nothing is left behind.
    """
    labels = [competition.submitted[place] for place in predicted]
    with atomic_write(path) as aside:
        with aside.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(competition.submission_header)
            writer.writerows(zip(ids, labels, strict=True))
        read(aside, ids, competition)


def read(path: Path, ids: Sequence[str], competition: Competition) -> npt.NDArray[np.uint8]:
    """Read a submission and check its format: header, number of rows, ids in order, known labels.

    Returns:
        (test rows,) uint8, positions in ``Competition.labels``.

    Raises:
        UserError: names file, row (the header is row 1) and what was expected.
    """
    return parse(path.read_bytes(), path.name, ids, competition)


def parse(content: bytes, name: str, ids: Sequence[str], competition: Competition) -> npt.NDArray[np.uint8]:
    """As ``read``, from a file's bytes; ``name`` is used in errors."""
    place = {text: i for i, text in enumerate(competition.submitted)}
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        reason = "not UTF-8" if isinstance(error, UnicodeDecodeError) else shown(error)
        raise UserError(f"not a CSV ({reason})", where=name, fix=AGAIN) from None
    if not rows or tuple(rows[0]) != competition.submission_header:
        raise UserError(
            f"the header must be {','.join(competition.submission_header)}", where=f"{name}: row 1", fix=AGAIN
        )
    if len(rows) - 1 != len(ids):
        raise UserError(f"{len(rows) - 1} rows below the header, {len(ids)} expected", where=name, fix=AGAIN)
    predicted = np.empty(len(ids), np.uint8)
    for i, (cells, expected) in enumerate(zip(rows[1:], ids, strict=True)):
        where = f"{name}: row {i + 2}"
        if len(cells) != 2 or cells[0] != expected:
            raise UserError(f"expected the id {expected} and a label, not {cells}", where=where, fix=AGAIN)
        if cells[1] not in place:
            raise UserError(
                f"the label {cells[1]!r} is not one of {', '.join(place)}", where=where, fix=AGAIN
            )
        predicted[i] = place[cells[1]]
    return predicted
