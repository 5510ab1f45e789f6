"""Disk space: refuses to start work that clearly does not fit on the disk."""

import shutil
from pathlib import Path

from catwalk.core import advice
from catwalk.core.errors import MachineError

SEARCH = 20_000_000  # bytes that a study and its kept networks take at least


def require(folder: Path, needed: int, purpose: str) -> None:
    """Check that a disk has enough free space.

    Args:
        folder: on the disk; it, or a folder above it, exists.
        needed: bytes, a low estimate: only what surely does not fit is refused.
        purpose: what the space is for, such as "to fetch digits".

    Raises:
        MachineError: there is less free space.
    """
    place = next(one for one in (folder, *folder.absolute().parents) if one.is_dir())
    free = shutil.disk_usage(place).free
    if free < needed:
        raise MachineError(
            f"about {size(needed)} are needed {purpose}, but only {size(free)} are free",
            where=f"the disk of {place}",
            fix=advice.MAKE_ROOM,
        )


def size(count: int) -> str:
    """A number of bytes in readable form: "1.3 GB"."""
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count / 1e3:.0f} kB"
