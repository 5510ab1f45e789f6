"""The storage: where Optuna keeps a study, an SQLite file of this folder or a PostgreSQL that a team shares.

SQLite is used in the form that several processes can share: a write-ahead log, and transactions that take
the write lock when they begin. Without that, SQLite hands one enqueued trial to two workers.
``storage.engine`` is not promised by Optuna; a test keeps watch over the race.
"""

import warnings
from typing import Any

import optuna
from optuna.storages import RDBStorage
from sqlalchemy import event, exc

from catwalk import shared_storage
from catwalk.paths import Paths
from catwalk.storage_errors import unusable

RETRIES = 2  # how often a trial is run again whose worker died
HEARTBEAT, GRACE = 10, 60  # seconds

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


def open_storage(paths: Paths) -> RDBStorage:
    """Open the competition's storage, made if it is not there.

    Raises:
        UserError: study.db is damaged, or the server refuses this user.
        MachineError: study.db can't be read or written.
        NetworkError: the server can't be reached.
    """
    if paths.team is None:
        return _embedded(paths)
    return shared_storage.open_storage(paths, paths.team, **_retrying())


def _embedded(paths: Paths) -> RDBStorage:
    paths.study.mkdir(parents=True, exist_ok=True)
    try:
        storage = RDBStorage(
            f"sqlite:///{paths.study_db}", engine_kwargs={"connect_args": {"timeout": 60}}, **_retrying()
        )
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


def _retrying() -> dict[str, Any]:
    return {
        "heartbeat_interval": HEARTBEAT,
        "grace_period": GRACE,
        "heartbeat_stale_trial_callback": _run_again,
    }


def _run_again(opened: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
    from catwalk import study

    study.repeat(opened, trial)
