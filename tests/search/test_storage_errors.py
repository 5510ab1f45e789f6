"""What is told where a study can't be used; the shared storage's errors are in test_shared_storage.py."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import optuna
import pytest
from psycopg import errors
from sqlalchemy import exc

from catwalk.core.errors import MachineError, UserError
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


def raise_(error: Exception) -> None:
    raise error
