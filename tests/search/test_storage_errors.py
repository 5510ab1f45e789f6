"""What is told where a study can't be used; the shared storage's errors are in test_postgres_storage.py."""

import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import optuna
import pytest
from psycopg import errors
from sqlalchemy import exc

from catwalk.core.errors import LONGEST, MachineError, UserError
from catwalk.core.paths import Paths
from catwalk.data.prepare import Prepared
from catwalk.search import storage_errors, study
from catwalk.search.postgres_storage import PatientStorage

PREPARED = cast(Prepared, SimpleNamespace(fingerprint="aaaa", split="s1"))


def test_a_study_that_is_deleted_meanwhile(tmp_path: Path) -> None:
    """As somebody may do it in the dashboard."""
    paths = Paths(tmp_path, "digits")
    opened = study.create(paths, PREPARED, "pixels")
    optuna.delete_study(study_name=opened.study_name, storage=opened._storage)
    with pytest.raises(KeyError) as raised:
        opened.ask()
    told = storage_errors.to_user_error(paths, raised.value, shared=False)
    assert isinstance(told, UserError)
    assert "deleted" in str(told)


def test_other_errors_are_none_of_the_storage_s(tmp_path: Path) -> None:
    assert storage_errors.to_user_error(Paths(tmp_path, "digits"), KeyError("width_1"), shared=False) is None


@pytest.mark.parametrize("kind", [sqlite3.DatabaseError, sqlite3.OperationalError])
@pytest.mark.parametrize("words", ["database disk image is malformed", "file is not a database"])
def test_room_on_the_disk_does_not_mend_a_damaged_file(
    tmp_path: Path, kind: type[sqlite3.DatabaseError], words: str
) -> None:
    """Whichever error of sqlite3's it is, and whoever passes it on."""
    passed_on = optuna.exceptions.StorageInternalError("an exception of the backend")
    passed_on.__cause__ = getattr(exc, kind.__name__)("SELECT", {}, kind(words))
    for error in (kind(words), passed_on.__cause__, passed_on):
        told = storage_errors.to_user_error(Paths(tmp_path, "digits"), error, shared=False)
        assert isinstance(told, UserError)
        assert f"study.db can't be used ({words}): rename data/digits/study; " in str(told)


def test_a_full_disk_is_the_machine_s(tmp_path: Path) -> None:
    full = exc.OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full"))
    told = storage_errors.to_user_error(Paths(tmp_path, "digits"), full, shared=False)
    assert isinstance(told, MachineError)
    assert "database or disk is full: make room on the disk" in str(told)


def test_room_on_the_disk_does_not_unlock_a_file(tmp_path: Path) -> None:
    """As where a search was stopped with Ctrl-Z while it wrote."""
    file = tmp_path / "study.db"
    with closing(sqlite3.connect(file)) as holder, closing(sqlite3.connect(file, timeout=0)) as other:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError) as raised:
            other.execute("CREATE TABLE trials (number)")
    told = storage_errors.to_user_error(Paths(tmp_path, "digits"), raised.value, shared=False)
    assert isinstance(told, MachineError)
    assert "database is locked: end or continue the program that uses it" in str(told)


@pytest.mark.parametrize(
    ("root", "kernel", "words", "advised"),
    [
        ("/mnt/c/ann/catwalk", "6.6.87.2-microsoft-standard-WSL2", "disk I/O error", "move the project"),
        ("/mnt/c/ann/catwalk", "6.6.87.2-microsoft-standard-WSL2", "disk is full", "make room"),
        ("/home/ann/catwalk", "6.6.87.2-microsoft-standard-WSL2", "disk I/O error", "make room"),
        ("/mnt/c/catwalk", "6.12.48+deb13-amd64", "disk I/O error", "make room"),
    ],
)
def test_a_drive_of_windows_is_no_place_for_sqlite(
    root: str, kernel: str, words: str, advised: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.release", lambda: kernel)
    error = exc.OperationalError("INSERT", {}, sqlite3.OperationalError(words))
    told = storage_errors.to_user_error(Paths(Path(root), "digits"), error, shared=False)
    assert isinstance(told, MachineError)
    assert told.fix.startswith(advised)


def test_a_full_disk_of_the_server_is_said_at_once() -> None:
    """Its error is of the kind of a server that is gone, for which everybody would wait."""
    full = exc.OperationalError(
        "INSERT", {}, errors.DiskFull("could not extend file: No space left on device")
    )
    gone = exc.OperationalError("INSERT", {}, errors.AdminShutdown("terminating connection"))
    assert storage_errors.is_full(full)
    assert not storage_errors.is_full(gone)
    told = storage_errors.unreachable(full)
    assert isinstance(told, MachineError)
    assert "the disk of the team's server is full (could not extend file" in str(told)
    waits = SimpleNamespace(patience=60.0, _whole_patience=60.0)
    with pytest.raises(exc.OperationalError):
        PatientStorage.patiently(cast(PatientStorage, waits), lambda: raise_(full))


def test_a_user_who_may_create_no_tables_is_told_whom_to_ask() -> None:
    """As in databases since PostgreSQL 15, for all users but the owner; the network is not at fault."""
    said = "permission denied for schema public\nLINE 2: CREATE TABLE studies ("
    told = storage_errors.unreachable(
        exc.ProgrammingError("CREATE TABLE", {}, errors.InsufficientPrivilege(said))
    )
    assert isinstance(told, UserError)
    assert str(told).startswith("STUDY=: permission denied for schema public: ask whoever runs the server")
    assert "GRANT CREATE ON SCHEMA public" in told.fix


def test_a_long_text_of_the_server_is_understood_and_shortened() -> None:
    said = f"connection to server at {'x' * 150}, port 5433 failed: FATAL:  no pg_hba.conf entry for host"
    told = storage_errors.unreachable(exc.OperationalError("SELECT", {}, errors.OperationalError(said)))
    assert isinstance(told, UserError)
    assert len(told.what) == LONGEST


def raise_(error: Exception) -> None:
    raise error
