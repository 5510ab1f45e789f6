"""The storage: where Optuna keeps a study, an SQLite file in this folder or a team's PostgreSQL server.

SQLite is used in the form that several processes can share: a write-ahead log, and transactions that take
the write lock when they begin. Without that, SQLite hands one enqueued trial to two workers.
``storage.engine`` is not part of Optuna's public interface; a test checks for the race.
"""

import contextlib
import warnings
from collections.abc import Callable
from typing import Any

import optuna
from optuna.storages import RDBStorage
from packaging.version import Version
from sqlalchemy import event, exc

from catwalk.core import advice, locks, packages
from catwalk.core.errors import MachineError
from catwalk.core.paths import Paths
from catwalk.search.storage_errors import unusable

HEARTBEAT, GRACE = 10, 60  # seconds

OnStale = Callable[[optuna.Study, optuna.trial.FrozenTrial], None]

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


def open_storage(paths: Paths, on_stale: OnStale) -> RDBStorage:
    """Open the competition's storage, and create it if it is missing.

    Args:
        paths: the competition's.
        on_stale: of a team's, takes a study and a trial of it whose worker has died.

    Raises:
        UserError: study.db is damaged, or the server refuses this user.
        MachineError: study.db can't be read or written, or Optuna is too old.
        NetworkError: the server can't be reached.
    """
    _check_optuna()
    if paths.team is None:
        return _embedded(paths)
    # Only for a team: it relies on more of Optuna's internals.
    from catwalk.search import postgres_storage

    return postgres_storage.open_storage(paths, paths.team, **_retrying(on_stale))


def alone(paths: Paths) -> contextlib.AbstractContextManager[None]:
    """Hold the team's lock for creating a study; without a team, do nothing.

    Raises:
        UserError: the server refuses this user.
        NetworkError: the server can't be reached.
    """
    if paths.team is None:
        return contextlib.nullcontext()
    from catwalk.search import postgres_storage

    return postgres_storage.alone(paths, paths.team, postgres_storage.STUDY)


def exclusive(opened: optuna.Study) -> contextlib.AbstractContextManager[None]:
    """Hold a team's lock for checking and adding trials; a local study has one search and needs none."""
    hold = getattr(backend(opened), "exclusive", contextlib.nullcontext)
    held: contextlib.AbstractContextManager[None] = hold()
    return held


def hurry(opened: optuna.Study) -> None:
    """The search is about to end: from now on wait only briefly for a team's server."""
    if hasattr(behind := backend(opened), "hurry"):
        behind.hurry()


def backend(opened: optuna.Study) -> Any:
    """The storage behind Optuna's cache; None if there is no cache."""
    return getattr(opened._storage, "_backend", None)


def _check_optuna() -> None:
    """Check that Optuna is not older than pyproject.toml allows: 4.8 has no callback for stale trials."""
    version, lowest = optuna.__version__, packages.lowest("optuna")
    if Version(version).release < Version(lowest).release:
        raise MachineError(f"Optuna {version} is too old, {lowest} is needed", fix=advice.RUN_SETUP)


def _embedded(paths: Paths) -> RDBStorage:
    """The study's file. Without heartbeats: the one search that uses it sees for itself which workers die."""
    paths.study.mkdir(parents=True, exist_ok=True)
    url, arguments = f"sqlite:///{paths.study_db}", {"connect_args": {"timeout": 60}}
    with locks.locked(paths.study, wait=True):  # of two that make the tables at once, one would fail
        if not paths.study_db.is_file():
            paths.progress.unlink(missing_ok=True)  # of a file that was renamed
        try:
            storage = RDBStorage(url, engine_kwargs=arguments)
        except (exc.DatabaseError, RuntimeError) as error:
            raise unusable(paths, error) from None
    # Only now: listeners that are there while Optuna makes its tables lead to "database is locked".
    storage.scoped_session.remove()
    storage.engine.dispose()
    event.listen(storage.engine, "connect", _on_connect)
    event.listen(storage.engine, "begin", lambda c: c.exec_driver_sql("BEGIN IMMEDIATE"))
    return storage


def _on_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # sqlite3 would begin transactions of its own
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


def _retrying(on_stale: OnStale) -> dict[str, Any]:
    return {
        "heartbeat_interval": HEARTBEAT,
        "grace_period": GRACE,
        "heartbeat_stale_trial_callback": on_stale,
    }
