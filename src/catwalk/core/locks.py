"""Locks between processes of one machine; the system frees them when their holder dies."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def locked(path: Path, wait: bool) -> Iterator[bool]:
    """Hold the lock of a file or folder that is there, and say whether it is held.

    Args:
        path: nothing is written to it; on NFS a folder is locked by an empty file beside it.
        wait: until nobody else holds it; else the answer is False at once.
    """
    flags = os.O_RDONLY if path.is_dir() or not os.access(path, os.W_OK) else os.O_RDWR
    with contextlib.ExitStack() as stack:
        descriptor = os.open(path, flags)
        stack.callback(os.close, descriptor)
        try:
            held = _taken(descriptor, wait)
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
            # NFS locks nothing that is not open for writing, which a folder can't be.
            descriptor = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o644)
            stack.callback(os.close, descriptor)
            held = _taken(descriptor, wait)
        yield held


def _taken(descriptor: int, wait: bool) -> bool:
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True
