"""Runs a stage as a separate process and passes on a limited part of its output.

A notebook keeps every line forever, and commands run with ``!`` or ``%pip`` may fail unnoticed.
"""

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from catwalk import command_hints
from catwalk.core import advice
from catwalk.core.errors import CatwalkError, MachineError, NetworkError, UserError, shown

# Lines that a long search prints again and again.
REPEATED = re.compile(r"(trial|worker) \d+ |fold \d+/\d+ of trial \d+ ")
FIRST_GAP, WIDER = 5.0, 1.25  # seconds until the next of them is passed on, then 25% more each time
MOST = 50  # of them in total
STOPPING = 3.0  # seconds that an interrupted stage is given to stop by itself
KINDS: dict[int, type[CatwalkError]] = {2: UserError, 3: NetworkError, 4: MachineError}


def run(stage: str, *given: str, root: Path, say: Callable[[str], None]) -> None:
    """Run a stage in ``root``; if it fails, its last line becomes the error message.

    Raises:
        CatwalkError: it failed; the exit code determines the error's class.
    """
    command = [sys.executable, "-m", "catwalk", stage, *given]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", command_hints.NOTEBOOK: "1"}
    process = subprocess.Popen(  # noqa: S603
        command, cwd=root, env=environment, text=True, errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        last = _pass_on(stage, process.stdout or (), say)
    except BaseException as error:  # whoever reads was interrupted
        _end(process, STOPPING if isinstance(error, KeyboardInterrupt) else 0.0)
        raise
    finally:
        process.wait()
    refuse_killed(stage, process.returncode)
    if process.returncode:
        kind = KINDS.get(process.returncode, CatwalkError)
        raise kind(last.removeprefix(f"catwalk {stage}: ") or f"catwalk {stage} failed")


def _end(process: "subprocess.Popen[str]", seconds: float) -> None:
    """End a stage that has not ended in so many seconds.

    A notebook's interrupt reaches the stage too, which then stops; a second signal would cut that short.
    """
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    finally:
        process.terminate()


def refuse_killed(stage: str, code: int) -> None:
    """Refuse an exit code that tells of a signal: the last line is then an ordinary one.

    Raises:
        MachineError: the command did not end by itself.
    """
    if code < 0:
        what = f"catwalk {stage} was ended by signal {-code}, perhaps for lack of memory"
        raise MachineError(what, fix=advice.CLOSE_PROGRAMS)


def _pass_on(stage: str, lines: Iterable[str], say: Callable[[str], None]) -> str:
    """Pass on lines, repeated ones only occasionally, but never the error; return the last line."""
    began = time.monotonic()
    gap, due, count, last = FIRST_GAP, 0.0, 0, ""
    for line in (line.rstrip("\n") for line in lines):
        last = line or last
        if line.startswith(f"catwalk {stage}: ") or not line.strip():
            continue
        if REPEATED.match(line):
            now = time.monotonic() - began
            if now < due:
                continue
            gap *= WIDER
            due = now + gap
            count += 1
            if count > MOST:
                continue
        say(line)
    return shown(last, 300)
