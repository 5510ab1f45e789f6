"""A shared table: a large array that several processes need at once, and make together, block by block.

While one made it the others would wait. Which process has which block is noted beside the unfinished file;
what a process that died had taken is made by another one.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from catwalk.core import locks

FREE, DONE = 0, -1  # in the notes; else the block's process
PAUSE = 0.05  # seconds between two looks whether the others are done
STALE = 120.0  # seconds without a finished block, after which all unfinished ones count as free
Table = np.memmap[Any, np.dtype[Any]]


def is_begun(path: Path) -> bool:
    """Whether the table is being made, or was when its makers ended."""
    return all(file.is_file() for file in _unfinished(path))


def build(
    path: Path,
    shape: tuple[int, int],
    dtype: npt.DTypeLike,
    blocks: int,
    fill: Callable[[Table, int], None],
) -> None:
    """Make the array ``path`` (.npy), together with every other process that calls this.

    Args:
        path: gets its name when all blocks are done.
        shape: of the array.
        dtype: of its values.
        blocks: how many there are.
        fill: writes one block, by its number, into the array.
    """
    aside, _ = _unfinished(path)
    while (block := _take(path, shape, dtype, blocks)) is not None:
        if block < 0:  # the last ones are with others
            time.sleep(PAUSE)
            continue
        table: Table = np.lib.format.open_memmap(aside, "r+")
        fill(table, block)
        table.flush()
        with locks.locked(path.parent, wait=True):
            if is_begun(path):  # else others took this block for abandoned, and were faster
                _note(path, block, DONE)


def drop_abandoned(folder: Path) -> None:
    """Remove a folder's unfinished tables whose makers have all ended, as those of a short search."""
    if not folder.is_dir():
        return
    with locks.locked(folder, wait=True):
        for notes in folder.glob(".*.part.notes"):
            if not any(_is_alive(int(owner)) for owner in np.fromfile(notes, np.int64)):
                notes.unlink()
                notes.with_suffix(".npy").unlink(missing_ok=True)


def _unfinished(path: Path) -> tuple[Path, Path]:
    """The array while it is being made, and the notes about its blocks."""
    return path.with_name(f".{path.stem}.part.npy"), path.with_name(f".{path.stem}.part.notes")


def _take(path: Path, shape: tuple[int, int], dtype: npt.DTypeLike, blocks: int) -> int | None:
    """A block to make; -1 where all are taken; None where the table is done."""
    with locks.locked(path.parent, wait=True):
        if path.is_file():
            return None
        aside, notes = _unfinished(path)
        if not is_begun(path):
            np.lib.format.open_memmap(aside, "w+", dtype, shape).flush()
            np.zeros(blocks, np.int64).tofile(notes)
        owners = np.fromfile(notes, np.int64)
        if (owners == DONE).all():
            aside.replace(path)
            notes.unlink()
            return None
        is_stale = time.time() - notes.stat().st_mtime > STALE
        for block in np.flatnonzero(owners != DONE):
            if owners[block] == FREE or is_stale or not _is_alive(int(owners[block])):
                _note(path, int(block), os.getpid())
                return int(block)
        return -1


def _note(path: Path, block: int, owner: int) -> None:
    _, notes = _unfinished(path)
    owners = np.memmap(notes, np.int64, "r+")
    owners[block] = owner
    owners.flush()
    os.utime(notes)


def _is_alive(pid: int) -> bool:
    """Whether a process of this number is there; ``FREE`` and ``DONE`` are none."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's
    return True
