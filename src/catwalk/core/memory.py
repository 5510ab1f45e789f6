"""Memory: how much new processes may use, within the limits of the machine and of a container or job."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
# Limit, usage, and in memory.stat the part of it that the system can reclaim (Linux's cgroup-v2.rst
# and cgroup-v1/memory.rst).
V2 = ("memory.max", "memory.current", "inactive_file")
V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def available() -> int:
    """Bytes of memory available to new processes, as far as the system reports it."""
    return max(0, min([_of_machine(), *_of_groups()]))


def _of_machine() -> int:
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        line = next(line for line in lines if line.startswith("MemAvailable"))
        return int(line.split()[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _of_groups() -> Iterator[int]:
    """The memory left in this process's control group and those above it, if they have a limit."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and "memory" not in controllers.split(","):
                continue
            root, names = (CGROUPS / "memory", V1) if controllers else (CGROUPS, V2)
            # In a container the path may be the host's, and its own group is at the root.
            for place in (root, *_below(root, path)):
                with contextlib.suppress(OSError, ValueError, KeyError):  # ValueError: "max", no limit
                    yield _left(place, *names)


def _below(root: Path, path: str) -> Iterator[Path]:
    for name in Path(path).parts[1:]:
        root = root / name
        yield root


def _left(place: Path, limit: str, used: str, given_back: str) -> int:
    lines = (place / "memory.stat").read_text(encoding="ascii").splitlines()
    facts = dict(line.split() for line in lines)
    taken = int((place / used).read_text(encoding="ascii")) - int(facts[given_back])
    return int((place / limit).read_text(encoding="ascii")) - taken
