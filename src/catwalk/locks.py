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
        path: nothing is written to it; a folder is locked by an empty file beside it.
        wait: until nobody else holds it; else the answer is False at once.
    """
    descriptor = _opened(path)
    try:
        yield _taken(descriptor, wait)
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    """For writing, for NFS locks nothing else; where nothing may be written, as it is."""
    file = path.with_name(f".{path.name}.lock") if path.is_dir() else path
    try:
        return os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EROFS):
            raise
        return os.open(path, os.O_RDONLY)


def _taken(descriptor: int, wait: bool) -> bool:
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True
