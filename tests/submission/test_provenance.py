"""provenance.py: which code and which machine made a submission."""

import subprocess
from pathlib import Path

import pytest

from catwalk.submission import provenance


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
