"""TOML draft: the text of a competition's TOML, each value below the reason for it."""

import json
from dataclasses import dataclass

from catwalk.core.errors import shown

HEAD = "# Drafted by catwalk from {}, with reasons. Change what is wrong (docs/competitions.md)."
LONGEST = 300  # characters of a reason
CELL = 48  # characters of a value in the table on the terminal


@dataclass(frozen=True)
class Value:
    """A key of the TOML: its section ("" for the top level), its Python value, and the reason for it."""

    section: str
    key: str
    value: object
    why: str


def text(values: list[Value], source: str) -> str:
    """The whole TOML."""
    lines, section = [HEAD.format(shown(source))], ""
    for value in values:
        if value.section != section:
            section = value.section
            lines += ["", f"[{section}]"]
        lines += [f"# {shown(value.why, LONGEST)}", f"{value.key} = {written(value.value)}"]
    return "\n".join(lines) + "\n"


def written(value: object) -> str:
    """A value as TOML writes it.

    Raises:
        TypeError: TOML has no such type here.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(written, value))}]"
    raise TypeError(f"{value!r} can't be written in TOML")


def short(value: object) -> str:
    """A value as the table on the terminal shows it."""
    said = written(value)
    return said if len(said) <= CELL else f"{said[: CELL - 3]}..."
