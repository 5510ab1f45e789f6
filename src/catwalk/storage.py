"""The storage: where Optuna keeps a study, an SQLite file of this folder or a PostgreSQL that a team shares.

SQLite is used in the form that several processes can share: a write-ahead log, and transactions that take
the write lock when they begin. Without that, SQLite hands one enqueued trial to two workers.
``storage.engine`` is not promised by Optuna; a test keeps watch over the race.
"""

import contextlib
import functools
import multiprocessing
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import optuna
from optuna.storages import RDBStorage
from sqlalchemy import Connection, Engine, create_engine, event, exc, pool, text

from catwalk import locks
from catwalk.errors import CatwalkError, MachineError, NetworkError, UserError
from catwalk.paths import Paths
from catwalk.team import Team

RETRIES = 2  # how often a trial is run again whose worker died
HEARTBEAT, GRACE = 10, 60  # seconds
PATIENCE = (
    45.0  # seconds to wait for a server that is gone; less than GRACE, so that no trial is taken for dead
)
FIRST_PAUSE, PAUSE = 0.2, 2.0  # seconds between attempts
HURRY = 2.0  # seconds to wait where the search is about to end
# How SQLAlchemy tells that the server has gone; the last where Optuna asked on in a broken transaction.
GONE = (exc.OperationalError, exc.InterfaceError, exc.PendingRollbackError)
TABLES, STUDY = 0x63617477, 0x616C6B  # any two numbers, the same for all who make tables, and studies
# A server that vanishes without a word is noticed within half a minute.
CONNECTING = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # ms
    # A laptop that falls asleep within a transaction must not make the others wait for ever. Heartbeats are
    # kept in the session's local time, so all have to have the same.
    "options": "-c idle_in_transaction_session_timeout=30s -c lock_timeout=30s -c timezone=UTC",
}
LOOPBACK = ("localhost", "127.0.0.1", "::1")
# RDBStorage's methods that open a session; each is one transaction, so that it can be made again.
TRANSACTIONS = (
    "create_new_study", "delete_study", "set_study_user_attr", "set_study_system_attr",
    "get_study_id_from_name", "get_study_name_from_id", "get_study_directions", "get_study_user_attrs",
    "get_study_system_attrs", "get_trial_user_attrs", "get_trial_system_attrs", "get_all_studies",
    "_create_new_trial", "_set_trial_param", "get_trial_param",
    "set_trial_intermediate_value", "set_trial_user_attr", "set_trial_system_attr",
    "get_trial_id_from_study_id_trial_number", "get_trial", "_get_trials", "_get_best_trial_id",
    "_get_stale_trial_ids",
)  # fmt: skip

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


def open_storage(paths: Paths) -> RDBStorage:
    """Open the competition's storage, made if it is not there.

    Raises:
        UserError: study.db is damaged, or the server refuses this user.
        MachineError: study.db can't be read or written.
        NetworkError: the server can't be reached.
    """
    return _embedded(paths) if paths.team is None else _shared(paths, paths.team)


def _embedded(paths: Paths) -> RDBStorage:
    paths.study.mkdir(parents=True, exist_ok=True)
    try:
        storage = RDBStorage(
            f"sqlite:///{paths.study_db}", engine_kwargs={"connect_args": {"timeout": 60}}, **_retrying()
        )
    except (exc.DatabaseError, RuntimeError) as error:
        raise _unusable(paths, error) from None
    # Only now: listeners that are there while Optuna makes its tables lead to "database is locked".
    storage.scoped_session.remove()
    storage.engine.dispose()
    event.listen(storage.engine, "connect", _on_connect)
    event.listen(storage.engine, "begin", lambda c: c.exec_driver_sql("BEGIN IMMEDIATE"))
    return storage


def _unusable(paths: Paths, error: Exception) -> CatwalkError:
    said, file = reason(error), paths.shown(paths.study_db)
    if isinstance(error, exc.OperationalError):
        return MachineError(
            f"{file}: {said}: make room on the disk, and see that the folder is yours to write"
        )
    return UserError(
        f"{file} can't be opened ({said}): move it away, make search begins a new one; "
        f"{paths.shown(paths.trials)} still lists its trials, and submissions stay as they are"
    )


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


class PatientStorage(RDBStorage):  # type: ignore[misc]
    """A storage that waits for its server, as while that starts again.

    Attributes:
        patience: seconds that it waits; once they were in vain, 0 until the server answers again.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.patience = self._whole_patience = PATIENCE

    def hurry(self) -> None:
        """From now on wait for a moment only: the search is about to end."""
        self.patience = self._whole_patience = HURRY

    def patiently(self, work: Callable[[], Any]) -> Any:
        """What ``work`` returns, tried until the server answers.

        Raises:
            StorageInternalError, sqlalchemy.exc.DBAPIError: it did not within the patience.
        """
        ends, pause = None, FIRST_PAUSE
        while True:
            try:
                result = work()
            except (optuna.exceptions.StorageInternalError, exc.DBAPIError) as error:
                if not any(isinstance(one, GONE) for one in (error, error.__cause__)):
                    raise
                if ends is None:
                    ends = time.monotonic() + self.patience
                    if self.patience:
                        _say_that_it_waits(error, self.patience)
                if time.monotonic() > ends:
                    self.patience = 0.0
                    raise
                time.sleep(pause)
                pause = min(PAUSE, 2 * pause)
            else:
                self.patience = self._whole_patience
                return result

    def set_trial_state_values(
        self, trial_id: int, state: optuna.trial.TrialState, values: Sequence[float] | None = None
    ) -> bool:
        """As Optuna's; where the answer to a good end was lost on the way, the end is still good."""
        tried = 0

        def once() -> bool:
            nonlocal tried
            tried += 1
            return bool(RDBStorage.set_trial_state_values(self, trial_id, state, values))

        try:
            return bool(self.patiently(once))
        except optuna.exceptions.UpdateFinishedTrialError:
            good = state in (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
            if tried > 1 and good and self.get_trial(trial_id).state == state:
                return True
            raise

    def record_heartbeat(self, trial_id: int) -> None:
        """As Optuna's, but never an error: its thread would end with a traceback, and asks again anyway."""
        with contextlib.suppress(optuna.exceptions.StorageInternalError, exc.DBAPIError):
            self.patiently(lambda: RDBStorage.record_heartbeat(self, trial_id))


def _patient(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def repeated(self: PatientStorage, *arguments: Any, **named: Any) -> Any:
        return self.patiently(lambda: method(self, *arguments, **named))

    return repeated


def _say_that_it_waits(error: Exception, seconds: float) -> None:
    if multiprocessing.parent_process() is None:  # the workers need not say it too
        print(f"the server is gone ({reason(error)}): waiting up to {seconds:.0f} s", file=sys.stderr)


for _name in TRANSACTIONS:
    setattr(PatientStorage, _name, _patient(getattr(RDBStorage, _name)))


def _shared(paths: Paths, team: Team) -> RDBStorage:
    paths.study.mkdir(parents=True, exist_ok=True)
    with alone(paths, TABLES):  # two who make the tables at once would fail
        return PatientStorage(
            team.url, engine_kwargs={"connect_args": _connecting(paths, team), "pool_size": 4}, **_retrying()
        )


@contextlib.contextmanager
def alone(paths: Paths, what: int) -> Iterator[None]:
    """Nobody else of the team makes ``TABLES`` or a ``STUDY`` meanwhile; without a team, nothing to do.

    Raises:
        UserError: the server refuses this user.
        NetworkError: the server can't be reached.
    """
    if paths.team is None:
        yield
        return
    with contextlib.ExitStack() as stack:
        while True:
            connecting = _connecting(paths, paths.team)
            try:
                engine = create_engine(paths.team.url, poolclass=pool.NullPool, connect_args=connecting)
                stack.enter_context(_locked(engine, what))
                break
            except ModuleNotFoundError:
                raise UserError("STUDY= needs the package psycopg: pip install 'catwalk[team]'") from None
            except exc.DBAPIError as error:
                if not _asked_for_password(paths.team, error):
                    raise unreachable(error) from None
        yield


@contextlib.contextmanager
def exclusive(opened: optuna.Study) -> Iterator[None]:
    """Nobody else of the team looks and adds trials meanwhile; a study of this folder has one searcher."""
    backend = getattr(opened._storage, "_backend", None)
    if not isinstance(backend, PatientStorage):
        yield
        return
    with backend.patiently(lambda: _locked(backend.engine, STUDY)):
        yield  # the transaction's end frees it


def _locked(engine: Engine, what: int) -> Connection:
    """A connection in a transaction that holds the lock of this number."""
    connection = engine.connect()
    try:
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": what})
    except exc.DBAPIError:
        connection.close()
        raise
    return connection


def hurry(opened: optuna.Study) -> None:
    """The search is about to end: wait no longer for a server that is gone."""
    backend = getattr(opened._storage, "_backend", None)
    if isinstance(backend, PatientStorage):
        backend.hurry()


def _connecting(paths: Paths, team: Team) -> dict[str, Any]:
    """How libpq connects; the password of the server that runs in this folder is known here."""
    asked = "PGPASSWORD" in os.environ or "PGPASSFILE" in os.environ
    if not asked and urlsplit(team.url).hostname in LOOPBACK and _is_served_here(paths):
        return {**CONNECTING, "passfile": str(paths.server_password)}
    return CONNECTING


def _is_served_here(paths: Paths) -> bool:
    if not paths.server_password.is_file():
        return False
    with locks.locked(paths.server, wait=False) as free:
        return not free


def _asked_for_password(team: Team, error: exc.DBAPIError) -> bool:
    """Ask whoever sits at the terminal, once; for this command alone, the workers included."""
    wanted = any(words in str(error) for words in ("no password supplied", "password authentication failed"))
    if not wanted or "PGPASSWORD" in os.environ or not sys.stdin.isatty():
        return False
    import getpass

    parts = urlsplit(team.url)
    try:
        given = getpass.getpass(f"password of {parts.username} at {parts.hostname}: ")
    except EOFError:
        return False
    os.environ["PGPASSWORD"] = given
    return True


def unreachable(error: BaseException) -> CatwalkError:
    """What to tell the user where the team's server can't be used."""
    said = reason(error)
    if "password" in said:
        return UserError(
            f"STUDY=: {said}: put the password into ~/.pgpass (a line host:port:database:user:password, "
            "chmod 600) or PGPASSWORD"
        )
    if "does not exist" in said or "no pg_hba.conf entry" in said:
        return UserError(f"STUDY=: {said}: ask whoever runs the server for the line to type")
    return NetworkError(
        f"the team's study can't be reached ({said}): is the server on, and is its port open from here? "
        "What was finished is kept there; the same command goes on"
    )


def reason(error: BaseException) -> str:
    """The heart of a database's error, one line."""
    heart = getattr(error, "orig", None) or getattr(error.__cause__, "orig", None) or error.__cause__ or error
    lines = [line.strip() for line in str(heart).splitlines() if line.strip()]
    said = lines[0] if lines else type(heart).__name__
    return said.replace("connection failed: ", "")[:200]
