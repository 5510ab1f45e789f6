"""The projects that benchmarks run in: this checkout, or a copy of one competition elsewhere."""

import contextlib
import os
import shutil
import signal
import socket
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from catwalk.core.paths import Paths
from catwalk.core.team import Team
from catwalk.data import competition, download, prepare
from catwalk.data.competition import Competition
from catwalk.search import postgres_server

ROOT = Path(__file__).resolve().parents[1]


def end_by_sigterm() -> None:
    """Let SIGTERM end this process as Ctrl-C does, and so what it has started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def here(name: str, seeds: Iterable[int] = (1,)) -> tuple[Paths, Competition]:
    """This checkout's competition, its data there and these seeds' splits prepared."""
    return _prepared(Paths(ROOT, name), seeds)


def bare(folder: Path) -> None:
    """Put into ``folder`` what a user's checkout has: competitions, notebooks, the Makefile."""
    for needed in ("competitions", "notebooks", "tools"):
        shutil.copytree(ROOT / needed, folder / needed)
    shutil.copy(ROOT / "Makefile", folder)


def copied(name: str, folder: Path, seed: int = 1) -> Paths:
    """A project in ``folder`` with this competition prepared."""
    bare(folder)
    ours, paths = Paths(ROOT, name), Paths(folder, name)
    if ours.manifest.is_file():
        shutil.copytree(ours.raw, paths.raw)
    return _prepared(paths, [seed])[0]


@contextlib.contextmanager
def shared(paths: Paths) -> Iterator[Paths]:
    """The same project in a team of its own: a PostgreSQL on loopback while the block lasts."""
    with socket.create_server((postgres_server.LOOPBACK[0], 0)) as probe:
        port = probe.getsockname()[1]
    try:
        with postgres_server.running(paths, postgres_server.LOOPBACK[0], port, lambda _: None):
            url = f"postgresql://{postgres_server.USER}@{postgres_server.LOOPBACK[0]}:{port}/{postgres_server.DATABASE}"
            yield replace(paths, team=Team.from_options(url, "benchmark", None))
    finally:
        shutil.rmtree(paths.server_cluster(as_root=os.geteuid() == 0), ignore_errors=True)


def emptied(paths: Paths) -> None:
    """No study is left, neither in the folder nor in the team's database."""
    shutil.rmtree(paths.study, ignore_errors=True)
    if paths.team is not None:
        import psycopg

        url = paths.team.url.replace("+psycopg", "")
        with psycopg.connect(url, passfile=str(paths.server_password), autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")


def _prepared(paths: Paths, seeds: Iterable[int]) -> tuple[Paths, Competition]:
    loaded = competition.load(paths)
    download.run(paths, loaded, "auto", lambda _: None)
    for seed in seeds:
        prepare.run(paths, loaded, seed, lambda _: None)
    return paths, loaded
