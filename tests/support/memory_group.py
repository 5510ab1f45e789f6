"""Memory groups: control groups of our own, whose processes together may hold so much memory."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from catwalk.core import cgroups, memory

KILLS = ("memory.events", "memory.oom_control")  # of cgroup-v2 and cgroup-v1
NONE = "no control group can be made here"


class Group:
    """A group whose limit is chosen as we go."""

    def __init__(self, place: Path, names: tuple[str, str, str]) -> None:
        self.place, self._names = place, names

    def limit(self, megabytes: int) -> None:
        (self.place / self._names[0]).write_text(str(megabytes * 1_000_000))

    def tighten(self) -> None:
        """Hardly more than what is used now; less is refused by Linux."""
        used = int((self.place / self._names[1]).read_text())
        with contextlib.suppress(OSError):
            (self.place / self._names[0]).write_text(str(used + 2_000_000))

    def held(self) -> int:
        """Megabytes that can't be given back."""
        facts = dict(line.split() for line in (self.place / "memory.stat").read_text().splitlines())
        return int(facts.get("anon") or facts["total_rss"]) // 1_000_000

    def killed(self) -> int:
        """How many processes were ended because the memory was too little."""
        counts = next(file for name in KILLS if (file := self.place / name).is_file()).read_text()
        return int(dict(line.split() for line in counts.splitlines())["oom_kill"])

    def entered(self, *command: str) -> list[str]:
        """The command, begun within the group."""
        return ["sh", "-c", 'echo $$ > "$0" && exec "$@"', str(self.place / "cgroup.procs"), *command]


def _remove(place: Path) -> None:
    """A process that ends stays in its group for a moment."""
    deadline = time.monotonic() + 20
    while place.is_dir():
        try:
            place.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@contextlib.contextmanager
def made() -> Iterator[Group | None]:
    """A group that is removed in the end; None where none can be made."""
    for root, names in ((cgroups.CGROUPS / "memory", memory.V1), (cgroups.CGROUPS, memory.V2)):
        place = root / f"catwalk-test-{os.getpid()}"
        try:
            place.mkdir()
        except OSError:
            continue
        if (place / names[0]).is_file():
            yield Group(place, names)
            _remove(place)
            return
        place.rmdir()
    yield None
