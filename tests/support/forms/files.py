"""Writes the forms' files."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any


def write(
    path: Path, header: Sequence[str] | None, rows: Iterable[Sequence[Any]], separator: str = ","
) -> None:
    """A CSV as ``str`` writes its cells; a cell that needs quotes brings them along."""
    lines = [separator.join(map(str, row)) for row in rows]
    path.write_text("\n".join([*([separator.join(header)] if header else []), *lines]) + "\n")


def joined(*parts: Sequence[Any]) -> list[list[Any]]:
    """Rows of parts of equal length, each one cell or a list of cells a row: [1, 2], [[3, 4], [5, 6]]."""
    return [
        [cell for part in row for cell in (part if isinstance(part, list) else [part])]
        for row in zip(*parts, strict=True)
    ]


def numbered(pattern: str, count: int, first: int = 0) -> tuple[str, ...]:
    """The pattern with the numbers from ``first``."""
    return tuple(pattern.format(number) for number in range(first, first + count))
