"""Processes: children that end with their parent, and leave Ctrl-C to it."""

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

# There is a process a core: linear algebra on more threads would make them wait for each other.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
WATCH_SECONDS = 1.0  # how often a child looks whether its parent still lives


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
    # A terminal's Ctrl-C reaches the whole group; the parent alone decides what it means.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    with one_thread():
        process.start()
    signal.signal(signal.SIGINT, before)
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
    """Ignore Ctrl-C, and end when the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(_parent(),), daemon=True).start()


def _parent() -> int:
    parent = multiprocessing.parent_process()
    return parent.pid or 0 if parent else os.getppid()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    os._exit(1)
