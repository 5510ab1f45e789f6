"""processes.py: copies of a fork server that has TensorFlow; none outlives its parent.

Also: preload.py.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from benchmarks import procfs
from catwalk.core import processes
from catwalk.core.errors import MachineError, UserError
from tests.conftest import clean_environment
from verification import crash_rounds

CHILD = """
import os, sys, time
from catwalk.core import processes, stop_signals
def nap(connection):
    connection.send((os.getpid(), os.getppid()))
    time.sleep(60)
if __name__ == "__main__":
    stop_signals.stop_by_signals()
    processes.preload()
    print("begun", flush=True)
    process, connection = processes.start(nap, "nap")
    print(*connection.recv(), flush=True)
    process.join()
    print(process.exitcode, flush=True)
    print(processes.call(os.getpid) != os.getpid(), flush=True)
"""


def fork_twice(word: str) -> tuple[str, bool, str | None]:
    """What a process has from the start, and of its parent's environment."""
    return 2 * word, "tensorflow" in sys.modules, os.environ.get("WORD")


def meet(folder: str, count: int) -> bool:
    """Whether so many processes are here within half a minute."""
    (Path(folder) / str(os.getpid())).touch()
    ends = time.monotonic() + 30
    while len(list(Path(folder).iterdir())) < count and time.monotonic() < ends:
        time.sleep(0.01)
    return len(list(Path(folder).iterdir())) == count


def fail_or_wait(folder: str, kind: str) -> None:
    """The first process to come here fails; another one waits for the test's end."""
    try:
        (Path(folder) / "first").touch(exist_ok=False)
    except FileExistsError:
        time.sleep(10)
        (Path(folder) / "waited").touch()
    else:
        fail(kind)


def fail(kind: str) -> None:
    if kind == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    raise UserError("it is wrong", where="row 1", fix="correct it")


def wait_for_the_end(connection: Connection, note: str) -> None:
    """It leaves a note at ``os._exit``, where coverage.py writes what it knows."""
    leave = os._exit

    def leave_a_note(code: int) -> None:
        Path(note).touch()
        leave(code)

    pytest.MonkeyPatch().setattr(os, "_exit", leave_a_note)
    connection.send("ready")
    time.sleep(60)


@pytest.fixture(autouse=True)
def nothing_imported_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)


def test_a_process_has_tensorflow_and_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A spawned process, as on macOS, imports TensorFlow where it needs it."""
    for word in ("cat", "walk"):
        monkeypatch.setenv("WORD", word)
        assert processes.call(fork_twice, word) == (2 * word, processes._can_fork(), word)


def test_libraries_compute_with_one_thread_unless_the_user_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also Accelerate, NumPy's library on macOS."""
    monkeypatch.delenv("VECLIB_MAXIMUM_THREADS", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert processes.call(os.getenv, "VECLIB_MAXIMUM_THREADS") == "1"
    assert processes.call(os.getenv, "OMP_NUM_THREADS") == "2"
    assert "VECLIB_MAXIMUM_THREADS" not in os.environ


def test_several_processes_work_at_once() -> None:
    """Each one waits until all have begun, so none of them would end alone."""
    with tempfile.TemporaryDirectory() as folder:
        assert processes.call_together(3, meet, folder, 3) == [True] * 3


def test_one_that_fails_ends_the_others() -> None:
    """Of two processes the first one fails, and the other would wait for a third."""
    with tempfile.TemporaryDirectory() as folder:
        for kind, error in (("wrong", UserError), ("killed", MachineError)):
            place = Path(folder) / kind
            place.mkdir()
            with pytest.raises(error):
                processes.call_together(2, fail_or_wait, str(place), kind)
            assert not multiprocessing.active_children()
            assert not (place / "waited").exists(), "the other one was ended"


@pytest.mark.parametrize("is_measured", [False, True])
def test_only_what_coverage_measures_is_asked_to_end(
    is_measured: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes.call_apart(os.getpid)  # coverage.py itself would begin in a fork server that starts later
    for name in processes.MEASURED:
        monkeypatch.delenv(name, raising=False)
    if is_measured:
        monkeypatch.setenv(processes.MEASURED[0], "")
    note = tmp_path / "note"
    process, connection = processes.start(wait_for_the_end, "waits", str(note))
    assert connection.recv() == "ready"
    processes.end(process)
    assert not process.is_alive()
    assert note.exists() == is_measured


def test_what_it_raises_is_raised_here() -> None:
    with pytest.raises(UserError, match=r"^row 1: it is wrong: correct it$") as raised:
        processes.call(fail, "wrong")
    assert raised.value.fix == "correct it"


def test_its_death_is_said() -> None:
    with pytest.raises(MachineError, match=r"a process died \(exit code -9\)"):
        processes.call(fail, "killed")


def started(tmp_path: Path, **environment: str) -> "subprocess.Popen[str]":
    (tmp_path / "child.py").write_text(CHILD)
    (tmp_path / "keras.py").write_text("raise ImportError('not this one')")
    process = subprocess.Popen(
        [sys.executable, "-P", "child.py"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=clean_environment(**environment),
    )  # fmt: skip
    assert process.stdout
    assert process.stdout.readline() == "begun\n"
    return process


def line_of(process: "subprocess.Popen[str]") -> list[int]:
    assert process.stdout
    return [int(word) for word in process.stdout.readline().split()]


@pytest.mark.slow
def test_a_killed_parent_leaves_nobody(tmp_path: Path) -> None:
    process = started(tmp_path)
    pids = line_of(process)
    process.kill()
    crash_rounds.assert_all_gone(pids)
    assert process.communicate()[1] == ""


@pytest.mark.slow
def test_a_killed_fork_server_is_replaced(tmp_path: Path) -> None:
    process = started(tmp_path)
    child, server = line_of(process)
    os.kill(server, signal.SIGKILL)
    crash_rounds.assert_all_gone([child])
    out, err = process.communicate(timeout=60)
    assert (out, err, process.returncode) == ("255\nTrue\n", "", 0)


@pytest.mark.slow
def test_a_fork_server_that_is_dying() -> None:
    """Its sockets are closed already, and the system still calls it alive."""
    if not processes._can_fork():
        pytest.skip("no fork server here: the parent of a spawned process is this one, that is pytest")
    server = processes.call(os.getppid)
    assert server != os.getpid()
    os.kill(server, signal.SIGKILL)
    assert processes.call(os.getpid) != os.getpid()


@pytest.mark.slow
def test_ctrl_c_need_not_wait_for_the_imports(tmp_path: Path) -> None:
    """Here they do not end."""
    endless, begun = tmp_path / "endless", tmp_path / "begun"
    endless.mkdir()
    (endless / "keras.py").write_text(
        f"import pathlib, time\npathlib.Path({str(begun)!r}).touch()\ntime.sleep(600)\n"
    )
    path = os.pathsep.join([str(endless), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    process = started(tmp_path, PYTHONPATH=path)
    while not begun.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    pids = procfs.descendants_of(process.pid)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=processes.LOADING_SECONDS / 2)
    crash_rounds.assert_all_gone(pids)


@pytest.mark.slow
def test_a_long_path_of_temporary_files(tmp_path: Path) -> None:
    """Longer than a socket's may be: the process is spawned."""
    deep = tmp_path / ("deep" * 30)
    deep.mkdir()
    process = started(tmp_path, TMPDIR=str(deep))
    child, parent = line_of(process)
    assert parent == process.pid
    os.kill(child, signal.SIGKILL)
    out, err = process.communicate(timeout=60)
    assert (out, err) == ("-9\nTrue\n", "")
