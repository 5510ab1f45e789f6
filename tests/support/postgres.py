"""A real PostgreSQL for the tests: ``catwalk serve`` in a folder of its own, on a free port of 127.0.0.1."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg

from catwalk.core.paths import Paths
from tests.conftest import clean_environment, make_project


class Server:
    """Started and stopped at will; its data stays in between."""

    def __init__(self, root: Path) -> None:
        self.paths = Paths(make_project(root), "digits")
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.url = f"postgresql://catwalk@127.0.0.1:{self.port}/catwalk"
        self.process: subprocess.Popen[str] | None = None
        self.said = ""

    @property
    def passfile(self) -> str:
        return str(self.paths.server_password)

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "catwalk", "serve", "--competition", "digits", "--port", str(self.port)],
            cwd=self.paths.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=clean_environment(),
        )  # fmt: skip
        assert self.process.stdout
        self.said = ""
        for line in self.process.stdout:
            self.said += line
            if "the password is" in line:
                return
        raise AssertionError(self.said)

    def stop(self) -> int:
        """Ctrl-C; the exit code."""
        assert self.process
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(timeout=60)
        self.process = None
        return code

    def empty(self) -> None:
        """Drop all studies."""
        with psycopg.connect(self.url, passfile=self.passfile, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")

    def end(self) -> None:
        if self.process:
            self.stop()
        shutil.rmtree(self.paths.server_cluster(as_root=os.geteuid() == 0), ignore_errors=True)


def wait_until(what: "object", seconds: float) -> None:
    """Until the function ``what`` says yes."""
    assert callable(what)
    ends = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < ends, f"not within {seconds} s"
        time.sleep(0.1)
