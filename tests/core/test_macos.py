"""macos.py: commands of macOS, with stubs in their place."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from catwalk import stages
from catwalk.core import macos
from catwalk.other_stages import ALONE
from tests.support import stub_command


@pytest.fixture(autouse=True)
def not_yet_prevented() -> Iterator[None]:
    macos.prevent_idle_sleep.cache_clear()
    yield
    macos.prevent_idle_sleep.cache_clear()


def test_what_a_command_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = stub_command.put("walks", "a cat", tmp_path, monkeypatch)
    assert macos.output("walks", "--now") == "a cat"
    script.write_text("#!/bin/sh\necho half\nexit 1\n")
    assert macos.output("walks") == "", "it failed"
    script.unlink()
    assert macos.output("walks") == "", "it is not there"


def test_a_mac_stays_awake_until_this_process_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = stub_command.put("caffeinate", "", tmp_path, monkeypatch)
    asked = tmp_path / "asked"
    script.write_text(f"#!/bin/sh\necho \"$@\" >> '{asked}'\n")
    monkeypatch.setattr(sys, "platform", "linux")
    macos.prevent_idle_sleep()
    assert not asked.exists()
    macos.prevent_idle_sleep.cache_clear()
    monkeypatch.setattr(sys, "platform", "darwin")
    macos.prevent_idle_sleep()
    macos.prevent_idle_sleep()
    ends = time.monotonic() + 10
    while not (asked.exists() and asked.read_text()) and time.monotonic() < ends:
        time.sleep(0.01)
    assert asked.read_text() == f"-i -w {os.getpid()}\n", "once"


def test_a_mac_without_the_command_trains_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setenv("PATH", str(tmp_path))
    macos.prevent_idle_sleep()


@pytest.mark.parametrize(
    ("stage", "trains"), [("search", True), ("course", True), ("data", False), ("leaderboard", False)]
)
def test_stages_that_train_prevent_it(
    stage: str, trains: bool, catwalk: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    prevented: list[bool] = []
    monkeypatch.setattr(macos, "prevent_idle_sleep", lambda: prevented.append(True))
    monkeypatch.setattr(stages, "_run_making", lambda *_: None)
    for name in ALONE:
        monkeypatch.setitem(ALONE, name, lambda *_: None)
    assert catwalk(stage, "--competition", "digits")[0] == 0
    assert prevented == [True] * trains
