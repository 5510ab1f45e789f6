"""resources.py: in a control group of our own, where this machine lets us make one."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import procfs
from catwalk.core import resources
from tests.conftest import clean_environment, digits_paths
from verification import crash_rounds

KILLS = ("memory.events", "memory.oom_control")  # of cgroup-v2 and cgroup-v1


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


@pytest.fixture
def group() -> Iterator[Group]:
    for root, names in ((resources.CGROUPS / "memory", resources.V1), (resources.CGROUPS, resources.V2)):
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
    pytest.skip("no control group can be made here")


def test_the_machine() -> None:
    assert 10**8 < resources.available() < 10**14


def test_what_a_group_is_allowed(group: Group) -> None:
    group.limit(2_000)
    asked = group.entered(
        sys.executable, "-c", "from catwalk.core import resources as memory; print(memory.available())"
    )
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert 1_500_000_000 < int(done.stdout) < 2_000_000_000


@pytest.mark.long
@pytest.mark.slow
def test_a_worker_that_meets_the_limit(group: Group, project: Path, digits_raw: Path) -> None:
    """The system ends it in the midst of a trial; it is replaced, the trial runs again, nothing is lost."""
    digits_paths(project, digits_raw)
    group.limit(8_000)
    with (project / "search.log").open("w") as log:
        search = ("search", "--competition", "digits", "--trials", "5000", "--workers", "1")
        process = subprocess.Popen(
            group.entered(sys.executable, "-m", "catwalk", *search),
            cwd=project, stdout=log, stderr=log, text=True, env=clean_environment(),
        )  # fmt: skip
    crash_rounds.wait_for(project, process, "trial ", 1, seconds=60)
    before = crash_rounds.finished(project)
    (worker,) = procfs.workers_of(process.pid)
    deadline = time.monotonic() + 60
    while procfs.alive(worker) and time.monotonic() < deadline:
        group.tighten()
        time.sleep(0.2)
    group.limit(8_000)
    assert not procfs.alive(worker)
    crash_rounds.wait_for(project, process, "worker ", 1, seconds=30)
    lines = len((project / "search.log").read_text().splitlines())
    while len((project / "search.log").read_text().splitlines()) < lines + 3 and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130, (project / "search.log").read_text()
    assert "Traceback" not in (project / "search.log").read_text()
    crash_rounds.check(project, before)
    assert len(crash_rounds.finished(project)) > len(before)


@pytest.mark.long
@pytest.mark.slow
def test_a_laptop_with_8_gb(group: Group, project: Path, fashion_idx: Path) -> None:
    """Of which 6 are left for catwalk: the defaults stay within half of them."""
    group.limit(6_000)
    command = ("all", "--competition", "fashion-mnist", "--source", str(fashion_idx), "--budget", "60s")
    with (project / "all.log").open("w") as log:
        process = subprocess.Popen(
            group.entered(sys.executable, "-m", "catwalk", *command),
            cwd=project, stdout=log, stderr=log, text=True, env=clean_environment(),
        )  # fmt: skip
    most = 0
    while process.poll() is None:
        most = max(most, group.held())
        time.sleep(0.2)
    said = (project / "all.log").read_text()
    assert process.returncode == 0, said
    assert (group.killed(), "died" in said) == (0, False), said
    assert 500 < most < 3_000
