"""Locks between processes of one machine; the system frees them when their holder dies."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def locked(path: Path, wait: bool) -> Iterator[bool]:
    """Hold the lock of a file or folder that is there, and say whether it is held.

    Args:
        path: nothing is written to it.
        wait: until nobody else holds it; else the answer is False at once.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield _taken(descriptor, wait)
    finally:
        os.close(descriptor)


def _taken(descriptor: int, wait: bool) -> bool:
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True
