"""processes.py: ends that are asked for, by real signals to processes of their own."""

import signal
import subprocess
import sys
import time

import pytest

LOST = """
import gc, os, signal, time
from catwalk import processes
processes.stop_by_signals()
class Last:
    def __del__(self):
        os.kill(os.getpid(), signal.{sign})
        for _ in range(1000):
            pass  # the signal is handled here, where Python drops exceptions
one = Last()
del one
print("goes on")
try:
    processes.stop_if_asked()
except KeyboardInterrupt:
    print("ends after all")
"""


@pytest.mark.parametrize("sign", ["SIGINT", "SIGTERM"])
def test_an_end_that_python_drops_is_remembered(sign: str) -> None:
    done = subprocess.run([sys.executable, "-c", LOST.format(sign=sign)], capture_output=True, text=True)
    assert done.stdout.split("\n")[:2] == ["goes on", "ends after all"]


def test_who_ignores_ctrl_c_goes_on_doing_so() -> None:
    """As what a shell starts in the background."""
    code = "import time; from catwalk import processes; processes.stop_by_signals(); print(1); time.sleep(9)"
    process = subprocess.Popen(
        [sys.executable, "-uc", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # noqa: PLW1509
    )  # fmt: skip
    assert process.stdout
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None
    process.terminate()
    assert process.wait(timeout=10) == 1, "nobody caught it there"


INTERRUPTED = """
import signal, os
from catwalk import processes
processes.stop_by_signals()
try:
    with processes.unstopped():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        print("whole")
except processes.Stopped:
    print("then ended", signal.getsignal(signal.SIGINT) is processes._stop)
"""


def test_a_child_is_started_whole() -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["whole", "then ended True"]
    assert done.returncode == 0


def test_an_end_within_exec_can_be_caught() -> None:
    """A plain KeyboardInterrupt would end Python by SIGINT all the same."""
    code = """
from catwalk.processes import Stopped
import sys
try:
    exec("raise Stopped")
except KeyboardInterrupt:
    sys.exit(130)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "")
