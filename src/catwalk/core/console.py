"""The console: where lines, bars and live views for people are drawn."""

import sys

from rich.console import Console


def plain_console() -> Console:
    """A console that draws only on a real terminal: Jupyter's kernels ask for colours (FORCE_COLOR)."""
    return Console(highlight=False, force_terminal=sys.stdout.isatty())
