"""macOS: what its commands print, where Linux has files in /proc; no sleep while networks are trained."""

import contextlib
import os
import subprocess
import sys
from functools import cache

SECONDS = 10.0  # the longest that a command may take


def output(*command: str) -> str:
    """What a command prints; nothing if it fails or, as on Linux, is not there."""
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, errors="replace", check=True, timeout=SECONDS
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


@cache  # once is enough
def prevent_idle_sleep() -> None:
    """Keep a Mac awake until this process ends; closing the lid still sends it to sleep."""
    if sys.platform == "darwin":
        with contextlib.suppress(OSError):
            subprocess.Popen(  # noqa: S603
                ["caffeinate", "-i", "-w", str(os.getpid())],  # noqa: S607
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
