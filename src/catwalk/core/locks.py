"""Locks between processes on one machine; the system releases them when their holder dies."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def locked(path: Path, wait: bool) -> Iterator[bool]:
    """Lock an existing file or folder, and yield whether the lock was acquired.

    Args:
        path: nothing is written to it; on NFS a folder is locked by an empty file beside it.
        wait: whether to wait until nobody else holds it; otherwise yields False at once.
    """
    flags = os.O_RDONLY if path.is_dir() or not os.access(path, os.W_OK) else os.O_RDWR
    with contextlib.ExitStack() as stack:
        descriptor = os.open(path, flags)
        stack.callback(os.close, descriptor)
        try:
            held = _acquire(descriptor, wait)
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
            # NFS locks nothing that is not open for writing, which a folder can't be.
            descriptor = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o644)
            stack.callback(os.close, descriptor)
            held = _acquire(descriptor, wait)
        yield held


def _acquire(descriptor: int, wait: bool) -> bool:
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True
