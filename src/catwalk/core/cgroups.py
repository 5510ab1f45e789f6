"""Control groups: with these Linux limits what the processes of a container or job may use."""

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path

OWN = Path("/proc/self/cgroup")
CGROUPS = Path("/sys/fs/cgroup")
# A quota and its period, in microseconds of a core (Linux's cgroup-v2.rst and sched-bwc.rst).
V2 = ("cpu.max",)
V1 = ("cpu.cfs_quota_us", "cpu.cfs_period_us")


def places(controller: str) -> Iterator[tuple[Path, bool]]:
    """The folders of this process's group and those above it, and whether they are of version 2.

    Args:
        controller: whose limits they have, such as memory.
    """
    with contextlib.suppress(OSError):
        for line in OWN.read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and controller not in controllers.split(","):
                continue
            root = CGROUPS / controller if controllers else CGROUPS
            # In a container the path may be the host's, and its own group is at the root.
            for place in (root, *_below(root, path)):
                yield place, not controllers


def _below(root: Path, path: str) -> Iterator[Path]:
    for name in Path(path).parts[1:]:
        root = root / name
        yield root


def cores() -> Iterator[int]:
    """How many cores each limited group lets its processes use, rounded up."""
    for place, is_v2 in places("cpu"):
        with contextlib.suppress(OSError, ValueError):  # ValueError: "max", no limit
            words = [(place / name).read_text(encoding="ascii") for name in (V2 if is_v2 else V1)]
            quota, period = (int(word) for word in " ".join(words).split())
            if quota > 0:  # -1: no limit
                yield math.ceil(quota / period)
