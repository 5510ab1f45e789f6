"""A shared table: a large array that several processes need, and compute together, block by block.

If one computed it, the others would wait. A file beside the unfinished array records which process has
claimed which block; a block whose process has died is computed by another one. Where computers share the
folder, only its own one can tell whether a process has died; the others wait until it is ``STALE``. Blocks
are written with plain writes: of a mapped file, whole pages would be, with a neighbour's rows in them.
"""

import contextlib
import os
import socket
import time
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from catwalk.core import locks

FREE, DONE = 0, -1  # in the notes; any other number is the owner, the process that has claimed the block
HOST = 2**32  # an owner is the computer's number times this, plus the process id
PAUSE = 0.05  # seconds between checks whether the others are done
STALE = 30.0  # seconds in which no block was claimed or finished: then all unfinished ones count as free
# Times the longest block here, where that is more than STALE: else slow processes would repeat each
# other's blocks.
LONGEST = 3.0
Rows = tuple[int, npt.NDArray[Any]]  # the first row's number, and the values


def is_begun(path: Path) -> bool:
    """Whether the table is being computed, or was left unfinished."""
    return all(file.is_file() for file in _unfinished(path))


def build(
    path: Path,
    shape: tuple[int, int],
    dtype: npt.DTypeLike,
    blocks: int,
    compute: Callable[[int], Iterable[Rows]],
) -> None:
    """Compute the array ``path`` (.npy), together with all other processes that call this.

    Args:
        path: created when all blocks are done.
        shape: of the array.
        dtype: of its values.
        blocks: how many there are.
        compute: the rows of a block, given its number.
    """
    aside, _ = _unfinished(path)
    longest = 0.0  # seconds that a block took here
    while (block := _take(path, shape, dtype, blocks, longest)) is not None:
        if block < 0:  # others are computing the last ones
            time.sleep(PAUSE)
            continue
        began = time.monotonic()
        _write(aside, compute(block))
        longest = max(longest, time.monotonic() - began)
        with locks.locked(path.parent, wait=True):
            # Else others considered this block abandoned, and compute it, or were faster.
            if is_begun(path) and _owners(path)[block] == _owner(os.getpid()):
                _note(path, block, DONE)


def share_done(folder: Path) -> float | None:
    """The share of the blocks that are computed, 0 to 1, of a table under way; None: there is none."""
    for notes in folder.glob(".*.part.notes"):
        with contextlib.suppress(FileNotFoundError):  # it has just been finished
            owners = np.fromfile(notes, np.int64)
            if len(owners) and not _is_stale(notes):
                return float(np.mean(owners == DONE))
    return None


def drop_abandoned(folder: Path) -> None:
    """Remove unfinished tables in a folder that nobody seems to compute, for example after a short search."""
    if not folder.is_dir():
        return
    with locks.locked(folder, wait=True):
        for notes in folder.glob(".*.part.notes"):
            if _is_stale(notes) or not any(_is_alive(int(owner)) for owner in np.fromfile(notes, np.int64)):
                notes.unlink()
                notes.with_suffix(".npy").unlink(missing_ok=True)


def _unfinished(path: Path) -> tuple[Path, Path]:
    """The paths of the unfinished array and of the notes about its blocks."""
    return path.with_name(f".{path.stem}.part.npy"), path.with_name(f".{path.stem}.part.notes")


def _take(
    path: Path, shape: tuple[int, int], dtype: npt.DTypeLike, blocks: int, longest: float
) -> int | None:
    """Claim a block to compute; -1 if all are claimed; None if the table is done."""
    with locks.locked(path.parent, wait=True):
        if path.is_file():
            return None
        aside, notes = _unfinished(path)
        if not is_begun(path) or len(_owners(path)) != blocks:  # or begun in other blocks
            np.lib.format.open_memmap(aside, "w+", dtype, shape).flush()
            np.zeros(blocks, np.int64).tofile(notes)
        owners = _owners(path)
        if (owners == DONE).all():
            aside.replace(path)
            notes.unlink()
            return None
        is_stale = _is_stale(notes, longest)
        for block in np.flatnonzero(owners != DONE):
            if owners[block] == FREE or is_stale or not _is_alive(int(owners[block])):
                _note(path, int(block), _owner(os.getpid()))
                return int(block)
        return -1


def _write(aside: Path, blocks: Iterable[Rows]) -> None:
    table: np.memmap[Any, np.dtype[Any]] = np.lib.format.open_memmap(aside, "r")
    offset, size = table.offset, table.strides[0]
    with aside.open("r+b") as file:
        for row, values in blocks:
            file.seek(offset + row * size)
            file.write(np.ascontiguousarray(values, table.dtype).tobytes())


def _owners(path: Path) -> npt.NDArray[np.int64]:
    _, notes = _unfinished(path)
    return np.fromfile(notes, np.int64)


def _note(path: Path, block: int, owner: int) -> None:
    _, notes = _unfinished(path)
    owners = np.memmap(notes, np.int64, "r+")
    owners[block] = owner
    owners.flush()
    os.utime(notes)


def _is_stale(notes: Path, longest: float = 0.0) -> bool:
    """Whether no block was claimed or finished for so long that nobody can be computing one.

    Args:
        notes: about the blocks.
        longest: seconds that a block took this process.
    """
    return time.time() - notes.stat().st_mtime > max(STALE, LONGEST * longest)


def _owner(pid: int) -> int:
    """A process of this computer, as a number that is another one on other computers."""
    return HOST * (zlib.crc32(socket.gethostname().encode()) // 2) + pid


def _is_alive(owner: int) -> bool:
    """Whether an owner is running, or is another computer's; ``FREE`` and ``DONE`` are no owners."""
    pid = owner % HOST
    if owner <= 0:
        return False
    if owner != _owner(pid):
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's
    return True
