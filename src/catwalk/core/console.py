"""The console: where messages, progress bars and live displays are drawn."""

import sys

from rich.console import Console


def plain_console() -> Console:
    """A console that counts as a terminal only if stdout is one, although Jupyter kernels set FORCE_COLOR."""
    return Console(highlight=False, force_terminal=sys.stdout.isatty())
