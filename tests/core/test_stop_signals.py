"""stop_signals.py: ends that are asked for, by real signals to processes of their own."""

import signal
import subprocess
import sys
import time

import pytest

LOST = """
import os, signal, time
from catwalk.core import stop_signals
stop_signals.stop_by_signals()
class Last:
    def __del__(self):
        os.kill(os.getpid(), signal.{sign})
        for _ in range(1000):
            pass  # the signal is handled here, where Python drops exceptions
try:
    del Last().__dict__
    os.write(1, b"goes on\\n")  # at once, whenever the signal comes
    time.sleep(20)
except stop_signals.Stopped:
    print("ends after all")
"""


@pytest.mark.parametrize("sign", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_an_end_that_python_drops_is_asked_for_again(sign: str) -> None:
    done = subprocess.run([sys.executable, "-c", LOST.format(sign=sign)], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("goes on\nends after all\n", "")


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGHUP])
def test_who_ignores_a_signal_goes_on_doing_so(sign: signal.Signals) -> None:
    """As what a shell starts in the background, or nohup."""
    imports = "import time; from catwalk.core import stop_signals"
    code = f"{imports}; stop_signals.stop_by_signals(); print(1); time.sleep(9)"
    process = subprocess.Popen(
        [sys.executable, "-uc", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(sign, signal.SIG_IGN),  # noqa: PLW1509
    )  # fmt: skip
    assert process.stdout
    process.stdout.readline()
    process.send_signal(sign)
    time.sleep(0.3)
    assert process.poll() is None
    process.terminate()
    assert process.wait(timeout=10) == 1, "nobody caught it there"


INTERRUPTED = """
import os, signal, subprocess, sys
from catwalk.core import stop_signals
stop_signals.stop_by_signals()
look = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))"
try:
    with stop_signals.unstopped():
        os.kill(os.getpid(), signal.{sign})
        print("whole", flush=True)
        subprocess.run([sys.executable, "-c", look])
except stop_signals.Stopped:
    print("then ended", signal.getsignal(signal.{sign}) is stop_signals._stop)
"""


@pytest.mark.parametrize("sign", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_child_is_started_whole_and_deaf(sign: str) -> None:
    code = INTERRUPTED.format(sign=sign)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["whole", "True", "then ended True"]
    assert done.returncode == 0


UNDER_NOHUP = """
import signal, subprocess, sys
from catwalk.core import stop_signals
stop_signals.stop_by_signals()
with stop_signals.unstopped():
    subprocess.run([sys.executable, "-c", "import signal; print(signal.getsignal(signal.SIGHUP).name)"])
"""


def test_under_nohup_a_child_ignores_a_closed_terminal_too() -> None:
    done = subprocess.run(
        [sys.executable, "-c", UNDER_NOHUP], capture_output=True, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("SIG_IGN\n", "")
