"""What is told where a study can't be used; the shared storage's errors are in test_shared_storage.py."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import optuna
import pytest

from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.data.prepare import Prepared
from catwalk.search import storage_errors, study

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
