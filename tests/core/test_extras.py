"""extras.py: what only some commands need is installed when the first of them runs.

Also: packages.py.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from catwalk.core import extras, locks
from catwalk.core.errors import NetworkError
from tests.conftest import REPOSITORY


def test_what_is_there_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", None)
    for module in extras.NEEDED:
        extras.ensure(module, print)


def test_a_client_without_its_library_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where pip was ended between the two."""
    assert extras._is_there("psycopg")
    monkeypatch.setitem(sys.modules, "psycopg_binary", None)
    assert not extras._is_there("psycopg")


def test_who_has_waited_for_another_s_pip_does_not_run_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As eight pods of one environment that begin at once."""
    environment, free = tmp_path / "pyvenv.cfg", list[bool]()
    environment.touch()

    def is_there(_: str) -> bool:
        with locks.locked(environment, wait=False) as is_free:
            free.append(is_free)
        return len(free) == 2  # the other one has installed it

    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(extras, "_is_there", is_there)
    monkeypatch.setattr(subprocess, "run", None)
    extras.ensure("psycopg", print)
    assert free == [True, False]


def test_every_extra_has_its_lock_and_its_ranges() -> None:
    for module, (extra, _) in extras.NEEDED.items():
        lock = (REPOSITORY / f"requirements-{extra}.txt").read_text()
        wanted = extras._ranges(extra)
        names = [one.partition("[")[0].partition(">")[0] for one in wanted]
        assert module.replace("_", "-") in names
        assert all(f"\n{name}==" in f"\n{lock}" for name in names)
    assert extras._ranges("team") == ["optuna-dashboard>=0.21", "psycopg[binary]>=3.2"]


def pinned(lock: str) -> dict[str, str]:
    """The versions in one of the locks by package."""
    lines = (REPOSITORY / lock).read_text().splitlines()
    return dict(line.split(" ")[0].split("==", 1) for line in lines if re.match(r"[\w.-]+==", line))


def test_the_locks_are_one_resolution() -> None:
    """Each lock adds to the main one, and a package has the same version in all that add it."""
    main, development = pinned("requirements.txt"), pinned("requirements-dev.txt")
    assert {"tensorflow", "optuna", "setuptools"} <= set(main)
    assert not set(main) & set(development)
    assert not {"mypy", "pytest", "psycopg", "optuna-dashboard"} & set(main)
    for extra in ("team", "course"):
        assert pinned(f"requirements-{extra}.txt").items() <= development.items()


def test_a_pip_that_fails_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setitem(extras.NEEDED, "not_there", ("team", "a test"))
    monkeypatch.setattr(extras, "_wanted", lambda _: ["--index-url", "http://127.0.0.1:9/", "not-there"])
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(
        NetworkError, match=r"^a test needs packages that pip could not install \(ERROR: "
    ) as error:
        extras.ensure("not_there", said.append)
    assert len(str(error.value)) < 300
    assert said == [
        "installing the packages that a test needs (only once): "
        "pip install --index-url http://127.0.0.1:9/ not-there"
    ]


@pytest.mark.parametrize(
    ("stderr", "reason"),
    [
        ("/usr/bin/python: No module named pip\n\n", "/usr/bin/python: No module named pip"),
        ("Traceback:\nOSError: full\n  a note\n", "OSError: full"),
        ("error: first\nERROR: second\nERROR: third\nhint: x\n", "ERROR: third"),
        ("", "no reason given"),
    ],
)
def test_why_pip_failed_is_told(monkeypatch: pytest.MonkeyPatch, stderr: str, reason: str) -> None:
    failed = subprocess.CompletedProcess[str]([], 1, "", stderr)
    monkeypatch.setitem(extras.NEEDED, "not_there", ("team", "a test"))
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(NetworkError) as error:
        extras.ensure("not_there", lambda _: None)
    assert error.value.what == f"a test needs packages that pip could not install ({reason})"


@pytest.mark.slow
def test_a_fresh_environment_gets_the_lock(tmp_path: Path) -> None:
    """The real pip in a real ``.venv``, beside a copy of what the lock stands beside."""
    shutil.copytree(REPOSITORY / "src/catwalk", tmp_path / "src/catwalk")
    shutil.copy(REPOSITORY / "requirements-team.txt", tmp_path)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / ".venv"], check=True)
    code = (
        "from catwalk.core import extras; extras.ensure('psycopg', print); "
        "from importlib.metadata import version; print(version('psycopg'))"
    )
    done = [
        subprocess.run(
            [tmp_path / ".venv/bin/python", "-c", code], check=True, capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": str(tmp_path / "src")},
        ).stdout.splitlines()
        for _ in range(2)
    ]  # fmt: skip
    version = pinned("requirements-team.txt")["psycopg"]
    assert done[0][0].startswith(
        "installing the packages that a shared study needs (only once): pip install --no-deps"
    )
    assert done == [[done[0][0], version], [version]], "once"
