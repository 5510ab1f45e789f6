"""postgres_server.py: PostgreSQL in a folder of its own; what it prints, and what it keeps quiet."""

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import psycopg
import pytest

from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.core.team import Team
from catwalk.data.prepare import Prepared
from catwalk.search import postgres_server, study
from tests.conftest import REPOSITORY, clean_environment, may_lack
from tests.support.postgres import Server


def password(server: Server) -> str:
    return Path(server.passfile).read_text().strip().rsplit(":", 1)[1]


def test_it_prints_the_line_that_the_others_type(shared: str, server: Server) -> None:
    server.stop()  # another test's study may have been there when it started
    server.start()
    words = "COMPETITION=digits SEED=1 FEATURES=auto MODELS=dense"
    assert f"make search {words} STUDY={shared}\n" in server.said
    assert re.search(
        rf"ssh -N -o \S+ -o \S+ -o \S+ -L {server.port}:127\.0\.0\.1:{server.port} \S+@\S+", server.said
    )
    assert "data/digits/server/pgpass" in server.said
    assert password(server) not in server.said
    assert stat.S_IMODE(Path(server.passfile).stat().st_mode) == 0o600
    assert password(server) not in server.paths.server_log.read_text()
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert password(server).encode() not in line.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue


def test_only_its_user_gets_in_with_the_password(shared: str, server: Server) -> None:
    asked = {"host": "127.0.0.1", "port": server.port}
    with psycopg.connect(**asked, user="catwalk", dbname="catwalk", passfile=server.passfile) as connection:
        ((superuser,),) = connection.execute(
            "SELECT usesuper FROM pg_user WHERE usename = current_user"
        ).fetchall()
    assert superuser is False, "nobody of the team can run programs on this machine"
    for user, word, database in (
        ("catwalk", "wrong", "catwalk"),
        ("owner", password(server), "catwalk"),
        ("owner", "", "postgres"),
        ("catwalk", password(server), "postgres"),
    ):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(**asked, user=user, dbname=database, password=word)


def test_it_listens_on_loopback_alone(shared: str, server: Server) -> None:
    if not Path("/proc/net/tcp").exists():
        pytest.skip("only Linux lists its sockets in /proc")
    listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    port = f"{server.port:04X}"
    addresses = {row[1] for row in listening if row[1].endswith(f":{port}") and row[3] == "0A"}
    assert addresses == {f"0100007F:{port}"}


def test_its_data_stays(shared: str, server: Server) -> None:
    before = password(server)
    with psycopg.connect(shared, passfile=server.passfile) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    assert server.stop() == 130
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(shared, passfile=server.passfile)
    server.start()
    assert password(server) == before
    with psycopg.connect(shared, passfile=server.passfile) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)


def test_a_server_that_was_left_running_is_ended_first(shared: str, server: Server) -> None:
    """As after a kill -9 of make serve, or where its terminal was closed."""
    assert server.process
    with psycopg.connect(shared, passfile=server.passfile) as connection:
        connection.execute("CREATE TABLE kept_too AS SELECT 7 AS n")
    server.process.kill()
    server.process.communicate()
    with psycopg.connect(shared, passfile=server.passfile):
        pass  # it is still there
    server.start()
    assert "stopping a server that was left running" in server.said
    with psycopg.connect(shared, passfile=server.passfile) as connection:
        assert connection.execute("SELECT n FROM kept_too").fetchone() == (7,)


def test_only_a_server_of_this_cluster_is_ended(tmp_path: Path) -> None:
    """In a copied folder the file names the other folder's server, after a loss of power any process."""
    (cluster := tmp_path / "postgresql").mkdir()
    state, said = cluster / "postmaster.pid", list[str]()
    for number in (os.getpid(), 2**22 + 1):  # the first would get Ctrl-C
        state.write_text(f"{number}\n{cluster}\n")
        postgres_server._end_orphaned(tmp_path, cluster, said.append)
        assert not state.exists()
    assert not said
    with subprocess.Popen(["sleep", "60"], cwd=cluster) as running:
        assert postgres_server._is_of(str(running.pid), cluster)
        running.kill()


def test_a_server_is_known_by_its_whole_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without /proc, as on macOS, whose ps cuts lines to 79 characters unless given -ww."""
    cluster = Path("/Users") / ("a" * 60) / "postgresql"
    ps = tmp_path / "ps"
    ps.write_text(
        f'#!/bin/sh\nline="/opt/homebrew/opt/postgresql@17/bin/postgres -D {cluster} -p 5433"\n'
        'case " $* " in *" -ww "*) echo "$line" ;; *) echo "$line" | cut -c 1-79 ;; esac\n'
    )
    ps.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with monkeypatch.context() as without_proc:
        without_proc.setattr(Path, "exists", lambda _: False)
        known = [postgres_server._is_of("7", one) for one in (cluster, cluster.with_name("another"))]
    assert known == [True, False]


def test_a_closed_terminal_ends_it(shared: str, server: Server) -> None:
    assert server.process
    server.process.send_signal(signal.SIGHUP)
    assert server.process.wait(timeout=60) == 130
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(shared, passfile=server.passfile)
    server.start()


def test_the_environment_of_another_server_does_no_harm(
    shared: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.stop()
    monkeypatch.setenv("PGPASSWORD", "of-another")
    monkeypatch.setenv("PGSSLMODE", "require")
    server.start()


def test_it_prints_the_words_of_the_study_that_is_there(shared: str, server: Server) -> None:
    paths = Paths(server.paths.root, "digits", Team.from_options(shared, "ann", None))
    prepared = cast(Prepared, SimpleNamespace(fingerprint="aaaa", split="s7"))
    study.create(paths, prepared, "local.all")
    server.stop()
    server.start()
    assert f"COMPETITION=digits SEED=7 FEATURES=auto MODELS=all STUDY={shared}\n" in server.said
    server.empty()
    server.stop()
    server.start()


def test_root_s_server_says_where_its_files_are(shared: str, server: Server) -> None:
    link = server.paths.server_link
    if os.geteuid():
        assert link.is_dir()
        return
    assert f"the database is in {link.readlink()}, because" in server.said
    said = subprocess.run(["make", "-n", "clean"], cwd=REPOSITORY, capture_output=True, text=True).stdout
    (names,) = [line for line in said.replace("\\\n", "").splitlines() if line.startswith("for link in")]
    shown = subprocess.run(["sh", "-c", names], cwd=server.paths.root, capture_output=True, text=True).stdout
    assert shown == f"kept: {link.readlink()}, the database of data/digits/server\n"


def test_root_s_database_stays_when_the_project_moves(
    shared: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a copy of the project, whose link leads to the same files, can't take a server that runs."""
    if os.geteuid():
        pytest.skip("of other users than root, the files are in the project")
    with psycopg.connect(shared, passfile=server.passfile) as connection:
        connection.execute("CREATE TABLE moved AS SELECT 7 AS n")
    before, paths = password(server), server.paths
    server.stop()
    moved = paths.root.rename(paths.root.with_name("moved"))
    with monkeypatch.context() as patch:
        patch.setattr(server, "paths", Paths(moved, "digits"))
        try:
            server.start()
            assert "creating the database" not in server.said
            assert password(server) == before
            with psycopg.connect(shared, passfile=server.passfile) as connection:
                assert connection.execute("SELECT n FROM moved").fetchone() == (7,)
            copy = Paths(shutil.copytree(moved, moved.with_name("copy"), symlinks=True), "digits")
            assert f"a server already runs in {copy.server_link.resolve()}" in refused(copy)
        finally:
            if server.process:
                server.stop()
            moved.rename(paths.root)
    server.start()


def refused(paths: Paths) -> str:
    """What another ``catwalk serve`` says, which does not start."""
    done = subprocess.run(
        [sys.executable, "-m", "catwalk", "serve", "--competition", "digits", "--port", "1"],
        cwd=paths.root, capture_output=True, text=True, env=clean_environment(), timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    return done.stderr


def test_a_second_one_is_refused(shared: str, server: Server) -> None:
    assert "a server already runs in data/digits/server:" in refused(server.paths)


def test_a_port_that_is_taken_is_one_line(catwalk: Callable[..., tuple[int, str, str]]) -> None:
    is_there = shutil.which("initdb") or list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if may_lack("postgresql") and not is_there:
        pytest.skip("PostgreSQL is not installed")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, _, said = catwalk("serve", "--competition", "digits", "--port", str(port))
    assert code == 2
    assert re.fullmatch(
        rf"catwalk serve: can't listen on 127\.0\.0\.1:{port} .*: choose another PORT= or HOST=\n", said
    )


def test_other_features_are_refused_before_anything_starts(
    catwalk: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_server, "run", None)
    code, _, said = catwalk("serve", "--competition", "digits", "--features", "pixel")
    assert (code, said) == (2, "catwalk serve: FEATURES=pixel: choose one of auto, pixels\n")


def test_without_postgresql_it_says_how_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_server, "PLACES", ())
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UserError, match="sudo apt install postgresql"):
        postgres_server._binaries()


def test_who_listens_to_all_is_warned(tmp_path: Path) -> None:
    (warning, line) = list(postgres_server._lines(Paths(tmp_path, "digits"), "0.0.0.0", 5433, {}))[1:3]  # noqa: S104
    assert "warning: anyone who can reach this address can try passwords" in warning
    assert "-L 5433:127.0.0.1:5433" in warning
    assert re.search(r"STUDY=postgresql://catwalk@(?!0\.0\.0\.0)[\w.-]+:5433/catwalk", line)
