"""A CSV to read: its path, its name in messages, and the error for anything wrong in it."""

import re
from dataclasses import dataclass
from pathlib import Path

from catwalk.core.errors import UserError
from catwalk.data.competition import Competition

SHOWN = 40  # characters of a cell or a column's name that a message repeats


@dataclass(frozen=True)
class CsvFile:
    """A CSV of a competition.

    Attributes:
        path: plain text to read; for an archive's member, a temporary copy.
        name: what a message calls it, "train.csv" or "archive.zip: train.csv".
        origin: what the user would change, as a message shows it.
        is_train: whether it holds the labelled rows.
        toml: the competition's TOML, as a message shows it.
        other: the competition's other CSV of pictures, for what must be the same in both.
        original: the file or archive that ``path`` was copied from; None: ``path`` is the original.
    """

    path: Path
    name: str
    origin: str
    is_train: bool
    toml: str
    other: "CsvFile | None" = None
    original: Path | None = None

    def error(self, what: str, *, row: int | None = None, column: str = "", fix: str = "") -> UserError:
        """The error to raise, with its location in the file.

        Args:
            what: what is wrong.
            row: counted as a spreadsheet does, the header being row 1.
            column: its name.
            fix: what to do; by default, to change the file.
        """
        place = [self.name, *([f"row {row}"] if row is not None else [])]
        where = ": ".join([*place, *([_column(column)] if column else [])])
        return UserError(what, where=where, fix=fix or f"fix {self.origin}")


def _column(name: str) -> str:
    """A column's name as shown in messages; without a header, its number."""
    return name if re.fullmatch(r"column \d+", name) else f"column {clipped(name)}"


def clipped(text: str) -> str:
    """A cell or a name as shown in messages: quoted, escaped and short."""
    return repr(text if len(text) <= SHOWN else text[: SHOWN - 3] + "...")


def of(path: Path, competition: Competition) -> CsvFile:
    """The CSV at a path; its file name is the one in the competition's TOML."""
    is_train = path.name == competition.train_file
    return CsvFile(path, path.name, str(path), is_train, f"competitions/{competition.name}.toml")
