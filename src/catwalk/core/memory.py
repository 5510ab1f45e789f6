"""Memory: how much new processes may use, within the limits of the machine and of a container or job."""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from catwalk.core import cgroups, macos

MEMINFO = Path("/proc/meminfo")
PAGES = ("free", "inactive", "speculative")  # of macOS: available ones, as psutil counts them
# Limit, usage, and in memory.stat the part of it that the system can reclaim (Linux's cgroup-v2.rst
# and cgroup-v1/memory.rst).
V2 = ("memory.max", "memory.current", "inactive_file")
V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def available() -> int:
    """Bytes of memory available to new processes, as far as the system reports it."""
    return max(0, min([_of_machine(), *_of_groups()]))


def _of_machine() -> int:
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = MEMINFO.read_text(encoding="ascii").splitlines()
        line = next(line for line in lines if line.startswith("MemAvailable"))
        return int(line.split()[1]) * 1024
    with contextlib.suppress(ValueError, KeyError):
        said = macos.output("vm_stat")
        (size,) = re.findall(r"page size of (\d+) bytes", said)
        pages: dict[str, str] = dict(re.findall(r"^Pages (\w+): +(\d+)", said, re.MULTILINE))
        return int(size) * sum(int(pages[kind]) for kind in PAGES)
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2  # the system and others use the rest


def _of_groups() -> Iterator[int]:
    """The memory left in this process's control group and those above it, if they have a limit."""
    for place, is_v2 in cgroups.places("memory"):
        with contextlib.suppress(OSError, ValueError, KeyError):  # ValueError: "max", no limit
            yield _left(place, *(V2 if is_v2 else V1))


def _left(place: Path, limit: str, used: str, given_back: str) -> int:
    lines = (place / "memory.stat").read_text(encoding="ascii").splitlines()
    facts = dict(line.split() for line in lines)
    taken = int((place / used).read_text(encoding="ascii")) - int(facts[given_back])
    return int((place / limit).read_text(encoding="ascii")) - taken
