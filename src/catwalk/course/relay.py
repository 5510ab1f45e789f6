"""The relay: runs a stage as a command of its own and passes on what it says, in few lines.

A notebook keeps every line for ever, and what ``!`` or ``%pip`` start may fail unnoticed.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from catwalk import hints
from catwalk.core.errors import CatwalkError, MachineError, NetworkError, UserError, shown

REPEATED = re.compile(r"(trial|worker) \d+ ")  # lines that a long search says again and again
FIRST_GAP, WIDER = 5.0, 1.25  # seconds until the next of them is passed on; then a quarter more each time
MOST = 50  # lines at all
KINDS: dict[int, type[CatwalkError]] = {2: UserError, 3: NetworkError, 4: MachineError}


def run(stage: str, *given: str, root: Path, say: Callable[[str], None]) -> None:
    """Run a stage in ``root``; what it says in the end if it fails is the error's line.

    Raises:
        CatwalkError: it failed; of the kind that its exit code tells.
    """
    command = [sys.executable, "-m", "catwalk", stage, *given]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", hints.NOTEBOOK: "1"}
    process = subprocess.Popen(  # noqa: S603
        command, cwd=root, env=environment, text=True, errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        last = _pass_on(stage, process.stdout or (), say)
    except BaseException:  # whoever reads was interrupted
        process.terminate()
        raise
    finally:
        process.wait()
    if process.returncode:
        kind = KINDS.get(process.returncode, CatwalkError)
        raise kind(last.removeprefix(f"catwalk {stage}: ") or f"catwalk {stage} failed")


def _pass_on(stage: str, lines: Iterable[str], say: Callable[[str], None]) -> str:
    """Say what is not said too often; the last line, which is kept back where it is the command's own."""
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
        if count <= MOST:
            say(line)
    return shown(last, 300)
