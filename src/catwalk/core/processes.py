"""Processes: how they are stopped; children that end with their parent, and leave Ctrl-C to it."""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any

# There is a process a core: linear algebra on more threads would make them wait for each other.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
SOON = 0.01  # seconds
AGAIN = 5.0  # seconds until an end is asked for once more, where a library has swallowed the first
WATCH_SECONDS = 1.0  # how often a child looks whether its parent still lives


class Stopped(KeyboardInterrupt):
    """Somebody asked the command to end: Ctrl-C or SIGTERM."""

    asked = False  # whether somebody has: an import that is cut off may fail with an error of another kind


def stop_by_signals() -> None:
    """From now on SIGTERM ends the command as Ctrl-C does, unless it ignores that one."""
    Stopped.asked = False
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        if signal.getsignal(sign) != signal.SIG_IGN:
            signal.signal(sign, _stop)
    sys.unraisablehook = _stop_soon


def _stop(_sign: int, _frame: FrameType | None) -> None:
    Stopped.asked = True
    signal.setitimer(signal.ITIMER_REAL, AGAIN, AGAIN)
    raise Stopped


def has_stopped() -> None:
    """It is ending: nobody has to ask again."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def leave_in_peace() -> None:
    """The work is done: what asks the command to end in its last moment changes nothing any more."""
    has_stopped()
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(sign, signal.SIG_IGN)


def _stop_soon(dropped: "sys.UnraisableHookArgs") -> None:
    """Python drops what is raised while it cleans up behind an object: an end is asked for once more."""
    if issubclass(dropped.exc_type, Stopped):
        signal.setitimer(signal.ITIMER_REAL, SOON, AGAIN)
    else:
        sys.__unraisablehook__(dropped)


@contextlib.contextmanager
def unstopped() -> Iterator[None]:
    """An end asked for within the block comes after it; what is started there is born deaf to Ctrl-C.

    A terminal's Ctrl-C reaches the whole group; the parent alone decides what it means. A child that has
    lost its parent before it was told what to do would show a traceback.
    """
    came: list[int] = []
    signs = (signal.SIGINT, signal.SIGTERM)
    before = {sign: signal.signal(sign, lambda sign, _: came.append(sign)) for sign in signs}
    resource_tracker.ensure_running()  # its start would unblock it
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        for sign, handler in before.items():
            signal.signal(sign, handler)
    if any(before[signal.Signals(sign)] != signal.SIG_IGN for sign in came):
        raise Stopped


def start(target: Callable[..., None], name: str, *arguments: Any) -> tuple[Any, Connection]:
    """Start ``target(connection, *arguments)`` in a new process (spawned, not forked).

    Args:
        target: calls ``be_a_child`` first.
        name: of the process.
        arguments: what it takes after its end of the connection.

    Returns:
        The process, and our end of the connection.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=target, args=(theirs, *arguments), name=name, daemon=True)
    with one_thread(), unstopped():
        process.start()
    theirs.close()
    return process, ours


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """What is started meanwhile computes on one thread, unless the environment says otherwise."""
    added = {name: value for name, value in ONE_THREAD.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


def be_a_child() -> None:
    """Ignore Ctrl-C, keep libraries' warnings off the terminal, and end when the parent is gone."""
    warnings.simplefilter("ignore")  # of those that matter something follows that is said
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])  # as it was born, see ``unstopped``
    threading.Thread(target=_end_with, args=(_parent(),), daemon=True).start()


def _parent() -> int:
    parent = multiprocessing.parent_process()
    return parent.pid or 0 if parent else os.getppid()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    os._exit(1)
