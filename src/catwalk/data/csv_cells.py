"""Parses a CSV's cells: numbers, labels and names of classes, and the texts for a missing label."""

import re
from collections.abc import Sequence

from catwalk.data.competition import Competition

PLAIN = re.compile(r"[+-]?\d{1,18}", re.ASCII)
# A number as programs write it: 7, -7., .5, 7.000e+000; not everything that Python considers a digit. It has
# a longest length, so that a cell of a million digits takes no time.
NUMBER = re.compile(r"[+-]?(\d{1,30}(\.\d{0,60})?|\.\d{1,60})([eE][+-]?\d{1,3})?", re.ASCII)
SPACE = " \t\r\n\v\f"
AROUND = re.compile(r"[\[\],;]")  # what may stand around the numbers in one cell
EXACT = 2**53  # up to here a float represents every integer
NO_LABEL = {"", "?", "-", "na", "n/a", "#n/a", "<na>", "nan", "none", "null", "unknown"}


def whole_number(cell: str) -> int | None:
    """The integer in a cell, also in other notations (``" 12"``, ``"12.0"``, ``"1.2e+01"``)."""
    text = cell.strip(SPACE)
    if PLAIN.fullmatch(text):
        return int(text)
    if not NUMBER.fullmatch(text):
        return None
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < EXACT else None


def is_mark(cell: str) -> bool:
    """Whether a cell marks a missing label, unless a class has that name: empty, ``?``, ``-1``."""
    return cell.strip().casefold() in NO_LABEL or whole_number(cell) == -1


def are_mixed(names: Sequence[str]) -> bool:
    """Whether only some class names are numbers, as for handwritten characters (0 to 9, A to Z)."""
    return len({whole_number(name) is None for name in names}) == 2


def is_one_hot(rows: list[list[str]]) -> bool:
    """Whether each row is a one-hot label: one cell is 1, and all others are 0."""
    sorted_ = [sorted(cell.partition(".")[0] for cell in row) for row in rows]
    return bool(rows) and all(row == ["0"] * (len(row) - 1) + ["1"] for row in sorted_)


class ClassNames:
    """The positions of classes by their names; case matters only if two differ in nothing else.

    Args:
        names: of the classes, in their order.
    """

    def __init__(self, names: Sequence[str]) -> None:
        names = [name.strip() for name in names]
        folded = [name.casefold() for name in names]
        self._exact = {name: i for i, name in enumerate(names)}
        self._folded = {name: i for i, name in enumerate(folded) if folded.count(name) == 1}

    def position(self, cell: str) -> int | None:
        """The position of the class that a cell names; None if it names none."""
        name = cell.strip()
        return self._exact.get(name, self._folded.get(name.casefold()))


class Labels:
    """Parses cells as labels: one of the TOML's integers, or the name of a class that is not a number.

    Args:
        competition: gives both.
        by_name: whether some cell of the column is not a number; with mixed names, 7 is then the class "7".
    """

    def __init__(self, competition: Competition, by_name: bool = False) -> None:
        names = [name.strip() for name in competition.classes]
        self._place = {label: i for i, label in enumerate(competition.labels)}
        if by_name and are_mixed(names):
            self._place = {
                number: i for i, name in enumerate(names) if (number := whole_number(name)) is not None
            }
        self._names = ClassNames(names)
        self._known: dict[str, int | None] = {}

    def position(self, cell: str) -> int | None:
        """The position in ``Competition.labels``; None if the cell is not a label."""
        if cell not in self._known:
            number = whole_number(cell)
            self._known[cell] = self._names.position(cell) if number is None else self._place.get(number)
        return self._known[cell]

    def is_none(self, cell: str) -> bool:
        """Whether the cell marks a missing label: empty, ``?``, ``-1``."""
        return self.position(cell) is None and is_mark(cell)
