"""Expected CSV: what a team's CSV must contain, and how its cells are read."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from catwalk.core.errors import UserError
from catwalk.data.competition import Competition
from catwalk.data.csv_cells import NUMBER, ClassNames

LARGEST = 2**53  # above it a float can't represent every integer


class NotScoredError(UserError):
    """What is wrong with a CSV, for the student who submitted it.

    Attributes:
        has_columns: both columns seem to exist, so it is a submission and not some other table.
    """

    has_columns = False


@dataclass(frozen=True)
class Expected:
    """What a CSV must contain.

    Attributes:
        header: names of the id and the label column.
        ids: of all test rows.
        labels: the known labels, ascending.
        classes: their names.
        writes_names: whether the labels are written as these names.
    """

    header: tuple[str, str]
    ids: Sequence[str]
    labels: tuple[int, ...]
    classes: tuple[str, ...]
    writes_names: bool = False

    @classmethod
    def of(cls, ids: Sequence[str], competition: Competition) -> "Expected":
        """Create this from a competition and the ids of its test rows."""
        header, names = competition.submission_header, competition.writes_names
        return cls(header, ids, competition.labels, competition.classes, names)

    @cached_property
    def place_of_id(self) -> dict[str, int]:
        """The position of each id in ``ids``."""
        return {one: i for i, one in enumerate(self.ids)}

    @cached_property
    def place_of_label(self) -> dict[int, int]:
        """The position of each label in ``labels``."""
        return {label: i for i, label in enumerate(self.labels)}

    @cached_property
    def class_names(self) -> ClassNames:
        """The positions of the classes' names in ``labels``; none if the labels are written as integers."""
        return ClassNames(self.classes if self.writes_names else ())

    @cached_property
    def ids_are_numbers(self) -> bool:
        """Whether all ids are integers, so that 7.0 means 7."""
        return all(one.isascii() and one.isdigit() and str(int(one)) == one for one in self.ids)

    @property
    def range_of_labels(self) -> str:
        """The labels in short form, such as "0 to 9"."""
        first, last = self.labels[0], self.labels[-1]
        if last - first + 1 == len(self.labels):
            return f"{first} to {last}"
        return ", ".join(map(str, self.labels)) if len(self.labels) < 8 else f"{len(self.labels)} labels"

    @cached_property
    def largest_file(self) -> int:
        """The largest size in bytes of a plausible submission, even if it contains probabilities."""
        return 65_536 + sum(len(one.encode()) + 64 + 32 * len(self.labels) for one in self.ids)

    @property
    def in_words(self) -> str:
        """What a student should submit, as a sentence."""
        return f"hand in a CSV with the columns {','.join(self.header)} and {len(self.ids):,} rows"


def column_places(cells: list[str], header: tuple[str, str]) -> tuple[int, int] | None:
    """The positions of the two columns; case, spaces and the "# " of numpy.savetxt are ignored."""
    names = [cell.strip().casefold() for cell in cells]
    names[0] = names[0].removeprefix("#").strip()
    wanted = [name.strip().casefold() for name in header]
    if any(names.count(name) != 1 for name in wanted):
        return None
    return names.index(wanted[0]), names.index(wanted[1])


def whole_number(cell: str) -> int | None:
    """The integer in a cell, written as 7, " 7", 7.0 or 7.000000000000000000e+00; None if there is none."""
    cell = cell.strip()
    if not NUMBER.fullmatch(cell):
        return None
    value = float(cell)
    return int(value) if value.is_integer() and abs(value) < LARGEST else None
