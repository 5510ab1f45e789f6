"""Modules that the fork server imports in advance, so that new processes start with them loaded.

Nothing here may start a thread or TensorFlow's runtime: neither works on in a forked process.
"""

import contextlib
import ctypes
import gc
import os
import signal
from pathlib import Path

from catwalk.core import tensorflow_setup
from catwalk.core.processes import LOADED, PARENT

_PR_SET_PDEATHSIG = 1  # of Linux's prctl: which signal this process receives when its parent has ended


def _load() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(os.environ.pop(PARENT)):  # it has ended before
        os._exit(0)
    try:
        tensorflow_setup.load()
        import optuna  # noqa: F401  for the search's workers
    finally:
        gc.freeze()  # the collector passes over what was imported, so that its memory stays shared
        with contextlib.suppress(OSError):  # the parent has ended
            Path(os.environ.pop(LOADED)).touch()


if LOADED in os.environ:  # not where somebody only looks at this module
    _load()
