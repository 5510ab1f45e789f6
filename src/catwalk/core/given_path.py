"""A path as a user typed it."""

import os
from pathlib import Path


def expanded(text: str | Path) -> Path:
    """The path with ``~`` as the home folder; as it is where it names an unknown user."""
    return Path(os.path.expanduser(text))  # noqa: PTH111 - Path.expanduser raises for an unknown user
