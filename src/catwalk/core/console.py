"""The console: where messages, progress bars and live displays are drawn."""

import sys

from rich.console import Console


def plain_console() -> Console:
    """A console that counts as a terminal only if stdout is one, even if Jupyter sets FORCE_COLOR."""
    return Console(highlight=False, force_terminal=sys.stdout.isatty())
