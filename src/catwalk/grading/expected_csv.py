"""Expected CSV: what a team's CSV must hold, and what its cells mean."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from catwalk.core.errors import UserError
from catwalk.data.competition import Competition

NUMBER = re.compile(r"[+-]?(\d{1,18}(\.\d*)?|\.\d+)(e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)
LARGEST = 2**53  # above it a float is no exact whole number


class NotScoredError(UserError):
    """What is wrong with a CSV, for the student who handed it in.

    Attributes:
        has_columns: both columns are there, so it is an answer, and no other table.
    """

    has_columns = False


@dataclass(frozen=True)
class Expected:
    """What a CSV must hold.

    Attributes:
        header: names of the id and the label column.
        ids: of all test rows.
        labels: the known labels, ascending.
        classes: their names.
    """

    header: tuple[str, str]
    ids: Sequence[str]
    labels: tuple[int, ...]
    classes: tuple[str, ...]

    @classmethod
    def of(cls, ids: Sequence[str], competition: Competition) -> "Expected":
        """Of a competition's test rows."""
        return cls(competition.submission_header, ids, competition.labels, competition.classes)

    @cached_property
    def place_of_id(self) -> dict[str, int]:
        """Where each id stands in ``ids``."""
        return {one: i for i, one in enumerate(self.ids)}

    @cached_property
    def place_of_label(self) -> dict[int, int]:
        """Where each label stands in ``labels``."""
        return {label: i for i, label in enumerate(self.labels)}

    @cached_property
    def ids_are_numbers(self) -> bool:
        """Whether 7.0 means the id 7."""
        return all(one.isascii() and one.isdigit() and str(int(one)) == one for one in self.ids)

    @property
    def range_of_labels(self) -> str:
        """The labels in a few words."""
        first, last = self.labels[0], self.labels[-1]
        if last - first + 1 == len(self.labels):
            return f"{first} to {last}"
        return ", ".join(map(str, self.labels)) if len(self.labels) < 8 else f"{len(self.labels)} labels"

    @cached_property
    def largest_file(self) -> int:
        """Bytes that no file with an answer to these rows exceeds, not even a table of probabilities."""
        return 65_536 + sum(len(one.encode()) + 64 + 32 * len(self.labels) for one in self.ids)

    @property
    def in_words(self) -> str:
        """What a student should hand in."""
        return f"hand in a CSV with the columns {','.join(self.header)} and {len(self.ids):,} rows"


def column_places(cells: list[str], header: tuple[str, str]) -> tuple[int, int] | None:
    """Where the two columns stand, each once; case, spaces and numpy.savetxt's "# " don't matter."""
    names = [cell.strip().casefold() for cell in cells]
    names[0] = names[0].removeprefix("#").strip()
    wanted = [name.strip().casefold() for name in header]
    if any(names.count(name) != 1 for name in wanted):
        return None
    return names.index(wanted[0]), names.index(wanted[1])


def whole_number(cell: str) -> int | None:
    """The whole number that a cell means: 7, " 7", 7.0 or 7.000000000000000000e+00; None: another or none."""
    cell = cell.strip()
    if not NUMBER.fullmatch(cell):
        return None
    value = float(cell)
    return int(value) if value.is_integer() and abs(value) < LARGEST else None
