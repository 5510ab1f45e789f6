"""Tables and paragraphs of the generated pages."""

import textwrap

WIDTH = 110  # of a line


def table(*columns: str) -> list[str]:
    """The first two lines of a table with these columns."""
    return [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]


def paragraph(text: str) -> list[str]:
    """An empty line, and the text in lines of at most ``WIDTH``."""
    return ["", *textwrap.wrap(text, WIDTH, break_on_hyphens=False)]
