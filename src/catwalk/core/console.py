"""The console: where messages, progress bars and live displays are drawn."""

import sys

import rich.console


class Console(rich.console.Console):
    """A console that leaves a closed pipe to the command, which has an exit code for it."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # rich would exit with 1


def plain_console() -> Console:
    """A console that counts as a terminal only if stdout is one, even if Jupyter sets FORCE_COLOR."""
    return Console(highlight=False, force_terminal=sys.stdout.isatty())
