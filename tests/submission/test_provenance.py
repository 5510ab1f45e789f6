"""provenance.py: which code and which machine made a submission."""

import os
import subprocess
from pathlib import Path

import pytest

from catwalk.submission import provenance
from tests.support import stub_command


@pytest.fixture(autouse=True)
def without_the_user_s_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither settings, such as signed commits, nor a repository above the test's folder."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "code.py").write_text("1\n")
    git(tmp_path, "add", "code.py")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def test_a_commit_and_whether_files_differ(checkout: Path) -> None:
    commit = git(checkout, "rev-parse", "HEAD")
    assert provenance.git_commit(checkout) == commit
    (checkout / "code.py").write_text("2\n")
    assert provenance.git_commit(checkout) == f"{commit}+changes"


def test_where_git_cannot_say_no_commit_is_named(checkout: Path) -> None:
    (checkout / "code.py").write_text("2\n")
    (checkout / ".git" / "index").write_bytes(b"damaged")
    assert provenance.git_commit(checkout) is None, "status knows no files"


def test_outside_of_git_there_is_none(tmp_path: Path) -> None:
    assert provenance.git_commit(tmp_path) is None


def test_the_processor_of_a_mac(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no /proc, and Python calls each "arm"."""

    def no_such_file(*_: object, **__: object) -> str:
        raise FileNotFoundError

    stub_command.put("sysctl", "Apple M2", tmp_path, monkeypatch)
    monkeypatch.setattr(Path, "read_text", no_such_file)
    monkeypatch.setattr("platform.processor", lambda: "arm")
    assert provenance.cpu() == "Apple M2"
    monkeypatch.setenv("PATH", "")
    assert provenance.cpu() == "arm"
