"""Tables and paragraphs of the generated pages, and the parts between marks that others have."""

import textwrap
from collections.abc import Iterable
from pathlib import Path

WIDTH = 110  # of a line
END = "<!-- end -->"
SHORT = 10  # characters of a commit's hash


def table(*columns: str) -> list[str]:
    """The first two lines of a table with these columns."""
    return [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]


def paragraph(text: str) -> list[str]:
    """An empty line, and the text in lines of at most ``WIDTH``; nothing where there is no text."""
    return ["", *textwrap.wrap(text, WIDTH, break_on_hyphens=False)] if text else []


def compared(mean: dict[str, float | None]) -> str:
    """A ``record.mean``, as "0.16 points lower (standard error 0.03)"."""
    value, error = mean["mean"], mean["standard_error"]
    if not value:
        return "the same"
    shown = f"{abs(value):.2f} points {'lower' if value < 0 else 'higher'}"
    return shown if error is None else f"{shown} (standard error {error:.2f})"


def several_commits(what: str, named: Iterable[tuple[str, str | None]]) -> str:
    """Of which commits these are, in words; "" where all are of one.

    Args:
        what: they are, in the plural.
        named: each one's name and commit; None: the commit is not known.
    """
    found: dict[str, list[str]] = {}
    for name, commit in named:
        found.setdefault((commit or "")[:SHORT] or "an unknown commit", []).append(name)
    said = "; ".join(f"of {commit}: {', '.join(names)}" for commit, names in found.items())
    return f"These {what} are of several commits; {said}." if len(found) > 1 else ""


def marked(begin: str, text: str) -> str:
    """The part of a page that is made, with the marks around it."""
    return f"{begin}\n{text}\n{END}"


def write_marked(page: Path, begin: str, text: str) -> None:
    """Put ``text`` between the mark ``begin`` and the next ``END`` of a page."""
    before, rest = page.read_text(encoding="utf-8").split(begin, 1)
    page.write_text(before + marked(begin, text) + rest.split(END, 1)[1], encoding="utf-8")
