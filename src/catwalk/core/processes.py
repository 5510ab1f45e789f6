"""Processes: how signals stop them, and child processes that end with their parent and ignore Ctrl-C."""

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

# There is one process per core: with more threads each they would slow each other down.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
SOON = 0.01  # seconds until a dropped stop is repeated
AGAIN = 5.0  # seconds until the stop is repeated, in case a library has swallowed the first one
WATCH_SECONDS = 1.0  # how often a child checks that its parent is still alive


class Stopped(KeyboardInterrupt):
    """The command was asked to stop: Ctrl-C or SIGTERM."""

    asked = False  # whether it was: an interrupted import may fail with a different error


def stop_by_signals() -> None:
    """From now on SIGTERM stops the command as Ctrl-C does, unless it is ignored."""
    Stopped.asked = False
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop)
    sys.unraisablehook = _stop_soon


def _stop(_number: int, _frame: FrameType | None) -> None:
    Stopped.asked = True
    signal.setitimer(signal.ITIMER_REAL, AGAIN, AGAIN)
    raise Stopped


def has_stopped() -> None:
    """The command is stopping: don't repeat the stop."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def leave_in_peace() -> None:
    """The work is done: ignore all further stop signals."""
    has_stopped()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)


def _stop_soon(dropped: "sys.UnraisableHookArgs") -> None:
    """Python drops exceptions that are raised in destructors: if it dropped a stop, repeat it."""
    if issubclass(dropped.exc_type, Stopped):
        signal.setitimer(signal.ITIMER_REAL, SOON, AGAIN)
    else:
        sys.__unraisablehook__(dropped)


@contextlib.contextmanager
def unstopped() -> Iterator[None]:
    """Delay stop signals until after the block; processes started within it ignore Ctrl-C.

    A terminal's Ctrl-C reaches the whole group; the parent alone decides what it means. A child
    whose parent dies before it has sent the task would show a traceback.
    """
    received: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {one: signal.signal(one, lambda number, _: received.append(number)) for one in numbers}
    resource_tracker.ensure_running()  # starting it would unblock SIGINT
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        for number, handler in before.items():
            signal.signal(number, handler)
    if any(before[signal.Signals(number)] != signal.SIG_IGN for number in received):
        raise Stopped


def start(target: Callable[..., None], name: str, *arguments: Any) -> tuple[Any, Connection]:
    """Start ``target(connection, *arguments)`` in a new process (spawned, not forked).

    Args:
        target: calls ``be_a_child`` first.
        name: of the process.
        arguments: its arguments after its end of the connection.

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
    """Processes started within the block use one thread, unless the environment says otherwise."""
    added = {name: value for name, value in ONE_THREAD.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


def be_a_child() -> None:
    """Ignore Ctrl-C, hide libraries' warnings, and exit when the parent is gone."""
    warnings.simplefilter("ignore")  # those that matter lead to an error that is shown
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])  # blocked since ``unstopped``
    threading.Thread(target=_end_with, args=(_parent(),), daemon=True).start()


def _parent() -> int:
    parent = multiprocessing.parent_process()
    return parent.pid or 0 if parent else os.getppid()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    os._exit(1)
