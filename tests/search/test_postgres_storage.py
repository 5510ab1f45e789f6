"""postgres_storage.py on a real PostgreSQL: many at once, a server that comes and goes, dead workers.

Also: retries.py, storage.py, study_progress.py.
"""

import itertools
import multiprocessing
import socket
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import optuna
import psycopg
import pytest
from optuna.trial import TrialState
from sqlalchemy import event
from sqlalchemy.exc import InternalError

from catwalk.core.errors import CatwalkError, NetworkError, UserError
from catwalk.core.paths import Paths
from catwalk.core.team import Team
from catwalk.data.prepare import Prepared
from catwalk.models import portfolio, space
from catwalk.search import (
    first_trials,
    postgres_storage,
    progress,
    retries,
    storage,
    storage_errors,
    study,
    study_progress,
)
from tests.support.postgres import Server, wait_until

PREPARED = cast(Prepared, SimpleNamespace(fingerprint="aaaa", split="s1"))
ENQUEUED = 45


def member(root: Path, url: str, name: str = "ann") -> Paths:
    return Paths(root, "digits", Team.from_options(url, name, None))


def _take(root: Path, url: str, name: str, answers: Any) -> None:
    """A process of a machine: makes the study if nobody has, takes its share of the waiting trials."""
    opened = study.create(member(root, url, name), PREPARED, "pixels")
    answers.put(opened.user_attrs[study.ID])
    for _ in range(ENQUEUED // 3):
        opened.optimize(lambda trial: trial.suggest_int("x", 0, 10**6), n_trials=1)


@pytest.mark.slow
def test_three_machines_begin_at_once(tmp_path: Path, shared: str) -> None:
    """They make tables and study without an error, and each waiting trial runs once."""
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()

    def together(target: Any, *more: Any) -> None:
        started = [context.Process(target=target, args=(tmp_path, shared, f"m{i}", *more)) for i in range(3)]
        for process in started:
            process.start()
        for process in started:
            process.join()
        assert [process.exitcode for process in started] == [0, 0, 0]

    together(_make, answers)
    assert len({answers.get() for _ in range(3)}) == 1, "one study"
    opened = study.load(member(tmp_path, shared), PREPARED, "pixels")
    assert opened
    for i in range(ENQUEUED):
        opened.enqueue_trial({"x": i})
    together(_take, answers)
    done = [trial for trial in opened.get_trials(deepcopy=False) if trial.state == TrialState.COMPLETE]
    assert Counter(trial.params["x"] for trial in done) == Counter(range(ENQUEUED))


def _make(root: Path, url: str, name: str, answers: Any) -> None:
    answers.put(study.create(member(root, url, name), PREPARED, "pixels").user_attrs[study.ID])


def test_who_joins_later_waits_for_nobody_s_lock(tmp_path: Path, shared: str) -> None:
    """Eight members who start together, far from their server, would wait too long for each other."""
    first = member(tmp_path, shared)
    study.create(first, PREPARED, "pixels")
    assert first.team is not None
    with postgres_storage.alone(first, first.team, postgres_storage.TABLES):
        assert study.load(member(tmp_path, shared, "later"), PREPARED, "pixels")


def test_others_have_to_search_on_the_same(tmp_path: Path, shared: str) -> None:
    paths = member(tmp_path, shared)
    study.create(paths, PREPARED, "pixels")
    study.create(paths, PREPARED, "pixels")
    for changed, features, said in (
        ({"fingerprint": "bbbb"}, "pixels", r"uses other data \(fingerprint aaaa, here bbbb\)"),
        (
            {"split": "s2"},
            "pixels",
            r"another split.* \(s1-pixels, here s2-pixels\): use theirs with SEED=1 FEATURES=pixels MODELS=",
        ),
        ({}, "local", r"\(s1-pixels, here s1-local\): use theirs with SEED=1 FEATURES=pixels MODELS=dense"),
    ):
        other = cast(Prepared, SimpleNamespace(**{**vars(cast(Any, PREPARED)), **changed}))
        with pytest.raises(UserError, match=said):
            study.create(paths, other, features)
    study.create(Paths(tmp_path, "another-one", paths.team), PREPARED, "local.all")  # lies beside it
    with pytest.raises(UserError, match="use theirs with SEED=1 FEATURES=auto MODELS=all"):
        study.create(Paths(tmp_path, "another-one", paths.team), PREPARED, "pixels")


def test_other_choices_in_the_space_are_no_reason_to_rename_one_s_own_folder(
    tmp_path: Path, shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The study is the team's: it would be the same one again."""
    opened = study.create(member(tmp_path, shared), PREPARED, "pixels")
    opened.optimize(lambda trial: len(space.suggest(trial, "pixels")), n_trials=1)
    monkeypatch.setitem(space.SPACE, "norm", ("one of", ["none", "batch"]))
    with pytest.raises(UserError, match=r"space\.py: norm has the choices") as error:
        study.create(member(tmp_path, shared, "bob"), PREPARED, "pixels")
    said = "undo the change, or run git pull: all members of the team need the same space.py"
    assert error.value.fix == said


def test_a_study_made_anew_is_another(tmp_path: Path, shared: str, server: Server) -> None:
    """Networks kept of trials of the same numbers and the same name must not be taken for it."""
    paths = member(tmp_path, shared)
    first = study.key(study.create(paths, PREPARED, "pixels"))
    assert first == study.key(study.create(paths, PREPARED, "pixels"))
    server.empty()
    second = study.key(study.create(paths, PREPARED, "pixels"))
    assert first != second
    assert paths.model(first, 1) != paths.model(second, 1)


@pytest.mark.slow
def test_it_waits_for_a_server_that_starts_again(tmp_path: Path, shared: str, server: Server) -> None:
    opened = study.create(member(tmp_path, shared), PREPARED, "pixels")
    waits: list[float] = []
    ended = threading.Event()

    def use() -> None:
        number = 0
        while not ended.is_set():
            began, number = time.monotonic(), number + 1
            opened.set_user_attr("n", number)
            assert opened.user_attrs["n"] == number
            waits.append(time.monotonic() - began)

    thread = threading.Thread(target=use)
    thread.start()
    try:
        for _ in range(2):
            server.stop()
            time.sleep(1)
            server.start()
            before = len(waits)
            deadline = time.monotonic() + 20
            while len(waits) < before + 3 and thread.is_alive() and time.monotonic() < deadline:
                time.sleep(0.1)
    finally:
        ended.set()
        thread.join()
    assert sum(wait > 0.9 for wait in waits) >= 2, "it waited, twice"
    assert opened.user_attrs["n"] == len(waits), "and lost nothing"


def test_a_connection_that_breaks_between_two_queries(
    tmp_path: Path, shared: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Optuna asks on within the broken transaction; SQLAlchemy then tells it in other words."""
    opened = study.create(member(tmp_path, shared), PREPARED, "pixels")
    opened.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    backend = opened._storage._backend
    asked: list[str] = []

    def break_second(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)
        if len(asked) == 2:
            with psycopg.connect(server.url, passfile=server.passfile, autocommit=True) as other:
                pid = connection.connection.dbapi_connection.info.backend_pid
                other.execute("SELECT pg_terminate_backend(%s)", (pid,))

    event.listen(backend.engine, "before_cursor_execute", break_second)
    assert len(backend.get_all_trials(opened._study_id)) == 2
    assert len(asked) > 3, "it was broken, and asked again"


def test_a_lock_whose_connection_breaks_ends_nobody(tmp_path: Path, shared: str, server: Server) -> None:
    """As where the server starts again meanwhile."""
    opened = study.create(member(tmp_path, shared), PREPARED, "pixels")
    with psycopg.connect(server.url, passfile=server.passfile, autocommit=True) as other:

        def is_free() -> bool:
            held = other.execute("SELECT pid FROM pg_locks WHERE locktype = 'advisory'").fetchall()
            return not held

        with storage.exclusive(opened):
            assert not is_free()
            other.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
            wait_until(is_free, 10)
            opened.set_user_attr("n", 1)
        with storage.exclusive(opened):
            assert not is_free()
    assert opened.user_attrs["n"] == 1


def test_who_fails_twice_is_repeated_twice_but_no_oftener(tmp_path: Path, shared: str) -> None:
    """Two machines find the same dead trial; its heir dies too; then it is given up."""
    one = study.create(member(tmp_path, shared, "ann"), PREPARED, "pixels")
    two = study.create(member(tmp_path, shared, "bob"), PREPARED, "pixels")
    dead = one.ask()
    dead.set_user_attr("member", "ann")
    for _ in range(4):
        number = one.get_trials(deepcopy=False)[-1].number
        one.tell(number, state=TrialState.FAIL)
        for opened in (one, two, one):
            retries.repeat(opened, opened.get_trials(deepcopy=False)[0])
            retries.repeat(opened, opened.get_trials(deepcopy=False)[number])
        waiting = study.waiting(one)
        if not waiting:
            break
        assert len(waiting) == 1
        assert "member" not in waiting[0].user_attrs
        one.ask()
    assert [trial.state for trial in one.trials] == [TrialState.FAIL] * 3
    assert retries.waiting_for_retry(one) == []


@pytest.mark.slow
def test_two_that_start_together_queue_each_kind_once(tmp_path: Path, shared: str) -> None:
    context = multiprocessing.get_context("spawn")
    study.create(member(tmp_path, shared), PREPARED, "pixels")
    barrier = context.Barrier(3)
    started = [context.Process(target=_enqueue, args=(tmp_path, shared, f"m{i}", barrier)) for i in range(3)]
    for process in started:
        process.start()
    for process in started:
        process.join()
    opened = study.load(member(tmp_path, shared), PREPARED, "pixels")
    assert opened
    kinds = Counter(trial.user_attrs["kind"] for trial in study.waiting(opened))
    assert kinds == Counter(range(10))


def _enqueue(root: Path, url: str, name: str, barrier: Any) -> None:
    opened = study.load(member(root, url, name), PREPARED, "pixels")
    assert opened
    barrier.wait()
    for kind in range(10):
        first_trials.enqueue_once(opened, cast(str, kind), {"x": kind})


@pytest.mark.slow
def test_its_patience_ends(
    tmp_path: Path, shared: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_storage, "PATIENCE", 0.5)
    opened = study.create(member(tmp_path, shared), PREPARED, "pixels")
    slept, ticks = list[float](), itertools.count()
    clock = SimpleNamespace(monotonic=lambda: sum(slept) + next(ticks) / 1e6, sleep=slept.append)
    monkeypatch.setattr(postgres_storage, "time", clock)
    server.stop()
    with pytest.raises(optuna.exceptions.StorageInternalError) as error:
        opened.set_user_attr("n", 1)
    assert isinstance(storage_errors.unreachable(error.value), NetworkError)
    assert slept == [0.2, 0.4]
    with pytest.raises(optuna.exceptions.StorageInternalError):
        opened.set_user_attr("n", 1)
    assert slept == [0.2, 0.4], "it does not wait anew"
    server.start()
    opened.set_user_attr("n", 2)


def test_nobody_listens(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    paths = member(tmp_path, f"postgresql://catwalk@127.0.0.1:{port}/catwalk")
    with pytest.raises(NetworkError, match=r"can't be reached \(.*refused.*\): check the network") as error:
        study.create(paths, PREPARED, "pixels")
    assert "\n" not in str(error.value)


def test_a_wrong_password_is_the_user_s(tmp_path: Path, shared: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "wr0ng")
    with pytest.raises(UserError, match=r"password authentication failed.*~/\.pgpass") as error:
        study.create(member(tmp_path, shared), PREPARED, "pixels")
    assert "wr0ng" not in str(error.value)
    assert "\\ before : and \\" in str(error.value)
    monkeypatch.delenv("PGPASSWORD")
    monkeypatch.setenv("PGPASSFILE", "/dev/null")
    with pytest.raises(UserError, match=r"no password supplied.*~/\.pgpass"):
        study.create(member(tmp_path, shared), PREPARED, "pixels")


def test_a_password_is_asked_for_at_a_terminal(
    tmp_path: Path, shared: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    import getpass

    asked: list[str] = []

    def answer(prompt: str) -> str:
        asked.append(prompt)
        return Path(server.passfile).read_text().strip().rsplit(":", 1)[1]

    monkeypatch.setenv("PGPASSFILE", "/dev/null")
    monkeypatch.delenv("PGPASSWORD", raising=False)
    monkeypatch.setattr(getpass, "getpass", answer)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    try:
        assert study.create(member(tmp_path, shared), PREPARED, "pixels")
        assert asked == ["password for catwalk at 127.0.0.1: "], "once"
    finally:
        monkeypatch.setenv("PGPASSWORD", "")  # what was typed is put away again
        monkeypatch.delenv("PGPASSWORD")


def test_one_s_own_server_s_password_is_for_that_server(
    tmp_path: Path, shared: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside it, the tunnel to another one: that one's password is in ~/.pgpass."""
    monkeypatch.delenv("PGPASSFILE")
    monkeypatch.delenv("PGPASSWORD", raising=False)
    mine = member(server.paths.root, shared)
    assert mine.team
    assert postgres_storage._connecting(mine, mine.team)["passfile"] == server.passfile
    other = member(server.paths.root, f"postgresql://catwalk@127.0.0.1:{server.port + 1}/catwalk")
    assert other.team
    assert "passfile" not in postgres_storage._connecting(other, other.team)
    assert study.create(mine, PREPARED, "pixels")


def test_a_database_that_is_not_there(tmp_path: Path, shared: str) -> None:
    with pytest.raises(CatwalkError, match="ask whoever runs the server"):
        study.create(member(tmp_path, shared + "2"), PREPARED, "pixels")


@pytest.mark.slow
def test_a_dead_machine_s_trial_runs_again(
    tmp_path: Path, shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "GRACE", 4)  # seconds: a busy machine may not give this test a turn in one
    opened = study.create(member(tmp_path, shared), PREPARED, "pixels")
    first_trials.enqueue_once(opened, "beginner", portfolio.BASELINES["beginner"])
    dead = opened.ask()
    params = space.suggest(dead, "pixels")
    opened._storage.record_heartbeat(dead._trial_id)  # its last
    living = opened.ask()
    opened._storage.record_heartbeat(living._trial_id)
    deadline = time.monotonic() + 20
    while not study.waiting(opened) and time.monotonic() < deadline:
        time.sleep(0.2)
        opened._storage.record_heartbeat(living._trial_id)
        retries.run_stale_again(opened)
    (again,) = study.waiting(opened)
    assert again.user_attrs["kind"] == "beginner"
    assert space.suggest(opened.ask(), "pixels") == params
    assert [trial.number for trial in study.running(opened)] == [living.number, again.number]
    opened._storage.record_heartbeat(living._trial_id)
    retries.run_stale_again(opened)
    assert len(opened.trials) == 3, "once"


def test_progress_of_a_team_is_asked_of_the_team(tmp_path: Path, shared: str) -> None:
    ann, bob = member(tmp_path, shared, "ann"), member(tmp_path, shared, "bob")
    assert study_progress.known(ann, PREPARED, "pixels") == (None, progress.NOTHING)
    opened = study.create(ann, PREPARED, "pixels")
    key = study.key(opened)
    progress.write(ann, key, replace(progress.NOTHING, spent=5.0))
    opened.optimize(lambda trial: 0.5 * len(space.suggest(trial, "pixels")) / 100, n_trials=1)
    value = opened.best_value
    assert study_progress.known(ann, PREPARED, "pixels") == (
        key,
        replace(progress.NOTHING, spent=5.0, finished=1, best=value),
    )
    assert study_progress.known(bob, PREPARED, "pixels") == (
        key,
        replace(progress.NOTHING, finished=1, best=value),
    )


def test_a_connection_that_was_ended_within_a_transaction_may_be_made_again() -> None:
    """As after a laptop's sleep; any other error of the server's is one."""
    slept = psycopg.errors.IdleInTransactionSessionTimeout("terminating connection")
    assert postgres_storage._is_gone(InternalError("SELECT 1", {}, slept))
    assert not postgres_storage._is_gone(InternalError("SELECT 1", {}, psycopg.errors.InternalError_("x")))
