"""cgroups.py: how many cores the control group of a container or job lets its processes use."""

import os
from pathlib import Path

import pytest

from catwalk.core import cgroups
from catwalk.search import limits


def put(folder: Path, monkeypatch: pytest.MonkeyPatch, own: str, files: dict[str, str]) -> None:
    """Let this process be in groups whose files these are."""
    (folder / "own").write_text(own)
    for name, content in files.items():
        file = folder / "groups" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    monkeypatch.setattr(cgroups, "OWN", folder / "own")
    monkeypatch.setattr(cgroups, "CGROUPS", folder / "groups")


@pytest.mark.parametrize(
    ("own", "files"),
    [
        ("0::/\n", {"cpu.max": "200000 100000\n"}),
        ("0::/job/step\n", {"job/cpu.max": "150000 100000\n", "job/step/cpu.max": "max 100000\n"}),
        (
            "5:memory:/job\n4:cpu,cpuacct:/job\n",
            {
                "cpu/cpu.cfs_quota_us": "-1\n",
                "cpu/cpu.cfs_period_us": "100000\n",
                "cpu/job/cpu.cfs_quota_us": "200000\n",
                "cpu/job/cpu.cfs_period_us": "100000\n",
            },
        ),
    ],
)
def test_no_more_workers_than_a_quota_lets_run(
    own: str, files: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, monkeypatch, own, files)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(16), raising=False)
    assert list(cgroups.cores()) == [2]
    assert limits.cores() == 2


def test_without_a_quota_all_cores_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(16), raising=False)
    put(tmp_path, monkeypatch, "0::/\n", {"cpu.max": "max 100000\n"})
    assert limits.cores() == 16
    monkeypatch.setattr(cgroups, "OWN", tmp_path / "none")  # as on macOS
    assert limits.cores() == 16
