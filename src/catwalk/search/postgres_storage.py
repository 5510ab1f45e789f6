"""The shared storage: a team's PostgreSQL server, which may be unreachable for a while."""

import contextlib
import functools
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

import optuna
from sqlalchemy import Connection, Engine, create_engine, exc, inspect, pool, text

from catwalk.core import locks
from catwalk.core.paths import Paths
from catwalk.core.team import Team
from catwalk.search import postgres_artifacts
from catwalk.search.postgres_quick import QuickStorage
from catwalk.search.postgres_server import LOOPBACK
from catwalk.search.storage_errors import is_full, reason, unreachable

# Seconds to wait for a server that is gone; less than storage.GRACE, so that no trial is taken for dead.
PATIENCE = 45.0
FIRST_PAUSE, PAUSE = 0.2, 2.0  # seconds between attempts
HURRY = 2.0  # seconds to wait where the search is about to end
GONE = (exc.OperationalError, exc.InterfaceError, exc.PendingRollbackError)
# PostgreSQL's code where it has ended a connection that slept within a transaction, see CONNECTING.
ASLEEP = "25P03"
TABLES, STUDY = 0x63617477, 0x616C6B  # any two numbers, the same for all who make tables, and studies
# A server that disappears silently is noticed within half a minute.
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
T = TypeVar("T")
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


def open_storage(paths: Paths, team: Team, **retrying: Any) -> "PatientStorage":
    """Open the team's storage, and create its tables if they are missing.

    Args:
        paths: the competition's.
        team: where the server is.
        retrying: RDBStorage's arguments about heartbeats.

    Raises:
        UserError: the server refuses this user.
        NetworkError: the server can't be reached.
    """
    paths.study.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        are_there = _has_tables(paths, team)
        if not are_there:  # two who make the tables at once would fail
            stack.enter_context(alone(paths, team, TABLES))
            are_there = _has_tables(paths, team)  # another member's, made meanwhile
        made = PatientStorage(
            team.url,
            engine_kwargs={"connect_args": _connecting(paths, team), "pool_size": 4},
            skip_table_creation=are_there,
            **retrying,
        )
        if not are_there:
            made.patiently(lambda: postgres_artifacts.create_table(made.engine))
    return made


class PatientStorage(QuickStorage):
    """A storage that waits while its server can't be reached, as during a restart.

    Attributes:
        patience: seconds that it waits; after waiting in vain, 0 until the server answers again.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.patience = self._whole_patience = PATIENCE

    def hurry(self) -> None:
        """From now on wait only briefly: the search is about to end."""
        self.patience = self._whole_patience = HURRY

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold a lock so that no other team member checks and adds trials meanwhile."""
        with _closing(self.patiently(lambda: _locked(self.engine, STUDY))):
            yield

    def patiently(self, work: Callable[[], Any]) -> Any:
        """Call ``work`` and return its result, retrying until the server answers.

        Raises:
            StorageInternalError, sqlalchemy.exc.DBAPIError: it did not within the patience.
        """
        ends, pause = None, FIRST_PAUSE
        while True:
            try:
                result = work()
            except (optuna.exceptions.StorageInternalError, exc.DBAPIError) as error:
                if not any(map(_is_gone, (error, error.__cause__))) or is_full(error):
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
        """Like Optuna's method; if only the reply to a successful update was lost, the retry succeeds too."""
        tried = 0

        def once() -> bool:
            nonlocal tried
            tried += 1
            return bool(QuickStorage.set_trial_state_values(self, trial_id, state, values))

        try:
            return bool(self.patiently(once))
        except optuna.exceptions.UpdateFinishedTrialError:
            good = state in (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
            if tried > 1 and good and self.get_trial(trial_id).state == state:
                return True
            raise

    def record_heartbeat(self, trial_id: int) -> None:
        """Like Optuna's method, but ignores errors: they would end its thread, which tries again anyway."""
        with contextlib.suppress(optuna.exceptions.StorageInternalError, exc.DBAPIError):
            self.patiently(lambda: QuickStorage.record_heartbeat(self, trial_id))


def _patient(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def repeated(self: PatientStorage, *arguments: Any, **named: Any) -> Any:
        return self.patiently(lambda: method(self, *arguments, **named))

    return repeated


def _say_that_it_waits(error: Exception, seconds: float) -> None:
    if multiprocessing.parent_process() is None:  # the workers need not print it too
        print(f"can't reach the server ({reason(error)}): waiting up to {seconds:.0f} s", file=sys.stderr)


def _is_gone(error: BaseException | None) -> bool:
    """Whether the connection has ended, so that the same on a new one may succeed."""
    code = getattr(getattr(error, "orig", error), "sqlstate", None)
    return isinstance(error, GONE) or code == ASLEEP


for _name in TRANSACTIONS:
    setattr(PatientStorage, _name, _patient(getattr(QuickStorage, _name)))


@contextlib.contextmanager
def alone(paths: Paths, team: Team, what: int) -> Iterator[None]:
    """Hold the team's lock for creating ``TABLES`` or a ``STUDY``.

    Raises:
        UserError: the server refuses this user.
        NetworkError: the server can't be reached.
    """
    with _closing(_reached(paths, team, lambda engine: _locked(engine, what))):
        yield


def _has_tables(paths: Paths, team: Team) -> bool:
    """Whether all tables are there: the networks' is made last."""
    return _reached(paths, team, lambda engine: inspect(engine).has_table(postgres_artifacts.TABLE.name))


def _reached(paths: Paths, team: Team, work: Callable[[Engine], T]) -> T:
    """Call ``work`` with a first connection to the server, for which a password may be asked.

    Raises:
        UserError: the server refuses this user.
        NetworkError: the server can't be reached.
    """
    while True:
        connecting = _connecting(paths, team)
        try:
            return work(create_engine(team.url, poolclass=pool.NullPool, connect_args=connecting))
        except exc.DBAPIError as error:
            if not _asked_for_password(team, error):
                raise unreachable(error) from None


def _locked(engine: Engine, what: int) -> Connection:
    """A connection in a transaction that holds the lock with this number."""
    connection = engine.connect()
    try:
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": what})
    except BaseException:  # Ctrl-C too: its traceback would keep the lock from those who clean up
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def _closing(held: Connection) -> Iterator[None]:
    """Close a connection at the end: its transaction's end frees the lock."""
    try:
        yield
    finally:
        with contextlib.suppress(exc.DBAPIError):  # the server has ended it, as when it starts again
            held.close()


def _connecting(paths: Paths, team: Team) -> dict[str, Any]:
    """Options for libpq, with the password file if the server runs in this folder."""
    asked = "PGPASSWORD" in os.environ or "PGPASSFILE" in os.environ
    if not asked and urlsplit(team.url).hostname in LOOPBACK and _is_served_here(paths, team):
        return {**CONNECTING, "passfile": str(paths.server_password)}
    return CONNECTING


def _is_served_here(paths: Paths, team: Team) -> bool:
    """Whether it is this folder's own server, and not another one, that listens on the URL's port."""
    if not paths.server_password.is_file():
        return False
    with locks.locked(paths.server, wait=False) as free:
        if free:
            return False
    try:
        cluster = paths.server_cluster(as_root=os.geteuid() == 0)
        known = (cluster / "postmaster.pid").read_text().splitlines()  # of the server that runs
        return int(known[3]) == (urlsplit(team.url).port or 5432)  # PostgreSQL's fourth line
    except (OSError, IndexError, ValueError):
        return False


def _asked_for_password(team: Team, error: exc.DBAPIError) -> bool:
    """Ask for the password once, on the terminal; kept for this command and its workers only."""
    wanted = any(words in str(error) for words in ("no password supplied", "password authentication failed"))
    if not wanted or "PGPASSWORD" in os.environ or not sys.stdin.isatty():
        return False
    import getpass

    parts = urlsplit(team.url)
    try:
        given = getpass.getpass(f"password for {parts.username} at {parts.hostname}: ")
    except EOFError:
        return False
    os.environ["PGPASSWORD"] = given
    return True
