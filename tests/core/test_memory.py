"""memory.py: in a control group of our own, where this machine lets us make one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import procfs
from catwalk.core import memory
from tests.conftest import clean_environment, digits_paths
from tests.support import memory_group, stub_command
from tests.support.memory_group import Group
from verification import crash_rounds

VM_STAT = """Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                                6113.
Pages active:                            184273.
Pages inactive:                          181716.
Pages speculative:                         1757.
Pages throttled:                              0.
Pages wired down:                         97426.
Pages purgeable:                           3217.
"Translation faults":                 112233445.
Pages copy-on-write:                    5231377.
Pages zero filled:                     60213456.
File-backed pages:                       130024.
Anonymous pages:                         237722.
Pages stored in compressor:              170521.
Pages occupied by compressor:             40466."""


@pytest.fixture
def group() -> Iterator[Group]:
    with memory_group.made() as group:
        if group is None:
            pytest.skip(memory_group.NONE)
        yield group


def test_the_machine() -> None:
    assert 10**8 < memory.available() < 10**14


def test_a_mac_whose_memory_is_partly_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    script = stub_command.put("vm_stat", VM_STAT, tmp_path, monkeypatch)
    assert memory._of_machine() == 16_384 * (6_113 + 181_716 + 1_757)
    for said in ("", "Pages free: 1.", VM_STAT.replace("speculative", "other")):
        stub_command.put("vm_stat", said, tmp_path, monkeypatch)
        assert memory._of_machine() == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    script.write_text("#!/bin/sh\nexit 1\n")
    assert memory._of_machine() == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


@pytest.mark.parametrize("names", [memory.V2, memory.V1], ids=["v2", "v1"])
def test_what_the_system_can_reclaim_is_left(names: tuple[str, str, str], tmp_path: Path) -> None:
    limit, used, given_back = names
    (tmp_path / limit).write_text("8000000\n")
    (tmp_path / used).write_text("5000000\n")
    (tmp_path / "memory.stat").write_text(f"anon 1000000\n{given_back} 3000000\nactive_file 500000\n")
    assert memory._left(tmp_path, *names) == 6_000_000


def test_what_a_group_is_allowed(group: Group) -> None:
    group.limit(2_000)
    asked = group.entered(
        sys.executable, "-c", "from catwalk.core import memory as memory; print(memory.available())"
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
