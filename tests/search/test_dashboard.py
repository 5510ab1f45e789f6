"""dashboard.py: optuna-dashboard on the study, on loopback alone."""

import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError

import pytest

from tests.conftest import Run, clean_environment


@pytest.mark.slow
def test_it_shows_the_study(digits_done: tuple[Path, Run]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    process = subprocess.Popen(
        [sys.executable, "-m", "catwalk", "dashboard", "--competition", "digits", "--port", str(port)],
        cwd=digits_done[0], stdout=subprocess.PIPE, text=True, env=clean_environment(BROWSER="true"),
    )  # fmt: skip
    try:
        text, reason, deadline = "", "", time.monotonic() + 150
        while not text and process.poll() is None and time.monotonic() < deadline:
            try:
                with direct.open(f"http://127.0.0.1:{port}/api/studies") as answer:
                    text = answer.read().decode()
            except URLError as error:
                reason = str(error)
                time.sleep(0.3)
        assert "digits-" in text, reason
        listening = Path("/proc/net/tcp")  # macOS has none
        lines = listening.read_text().splitlines()[1:] if listening.exists() else []
        addresses = [line.split()[1] for line in lines]
        assert [a for a in addresses if a.endswith(f":{port:04X}") and not a.startswith("0100007F")] == []
    finally:
        process.send_signal(signal.SIGINT)
        assert process.stdout
        said = process.stdout.read()
        code = process.wait(timeout=20)
    assert f"http://127.0.0.1:{port}/" in said
    assert code == 130


def test_without_a_study_it_says_so(catwalk: Callable[..., tuple[int, str, str]]) -> None:
    code, _, said = catwalk("dashboard", "--competition", "digits")
    assert code == 2
    assert said == (
        "catwalk dashboard: data/digits/study/study.db does not exist yet: "
        "run make search COMPETITION=digits\n"
    )
