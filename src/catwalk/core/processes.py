"""Child processes: a fork server starts them within a second; they end with the parent and ignore Ctrl-C."""

import contextlib
import multiprocessing
import multiprocessing.connection
import multiprocessing.util
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar, cast

from catwalk.core import advice
from catwalk.core.errors import MachineError
from catwalk.core.stop_signals import unstopped

Result = TypeVar("Result")

# There is one process per core: with more threads each they would slow each other down. The last variable is
# that of Accelerate, with which NumPy computes on macOS.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
ONE_THREAD = dict.fromkeys(THREADS, "1")
WATCH_SECONDS = 1.0  # how often a child checks that its parent is still alive
LOADING_SECONDS = 60.0  # the longest wait for the fork server's imports, in which Ctrl-C is answered
POLL_SECONDS = 0.02
DYING_SECONDS = 5.0  # the longest that a killed fork server is taken for a living one
WRITING_SECONDS = 5.0  # the longest that a process may take to end where coverage.py measures it
# Environment of the fork server: its parent's pid, and the file that it writes once it has imported all.
PARENT, LOADED = "CATWALK_PARENT", "CATWALK_LOADED"
MEASURED = ("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START")  # where coverage.py measures processes too
SOCKET_PATH = 108  # longest path of a socket, as bytes: where temporary files lie deeper, nothing is forked


def preload() -> None:
    """Begin to import TensorFlow and Optuna in the background, for all processes that start later.

    A fork server imports them once. Each process is then a copy of it: it starts within a second and
    shares the memory. On macOS, where forks are not safe, each process is spawned and imports its own.
    """
    if not _can_fork():
        return
    multiprocessing.get_context("forkserver").set_forkserver_preload(["catwalk.core.preload"])
    # As where the parent imports from: not the current folder, where the user may have a random.py.
    values = {"PYTHONSAFEPATH": "1", PARENT: str(os.getpid()), LOADED: str(_loaded())}
    package = Path(__file__).parents[2]
    if package.name not in ("site-packages", "dist-packages"):  # Python 3.11 does not hand its sys.path on
        values["PYTHONPATH"] = os.pathsep.join([str(package), os.environ.get("PYTHONPATH", "")]).rstrip(":")
    with unstopped(), environment(ONE_THREAD, values):
        forkserver.ensure_running()


def start(target: Callable[..., None], name: str, *arguments: Any) -> tuple[Any, Connection]:
    """Start ``target(connection, *arguments)`` in a new process that ends with this one.

    Args:
        target: a module-level function.
        name: of the process.
        arguments: its arguments after its end of the connection.

    Returns:
        The process, and our end of the connection.

    Raises:
        MachineError: the machine lets no process start.
    """
    preload()
    can_fork, loaded = _can_fork(), _loaded()
    context: Any = multiprocessing.get_context("forkserver" if can_fork else "spawn")
    ends = time.monotonic() + LOADING_SECONDS
    while can_fork and not loaded.exists() and time.monotonic() < ends:
        time.sleep(POLL_SECONDS)  # may be stopped here, but not once the process is being started
    ours, theirs = context.Pipe()
    with unstopped(), environment(ONE_THREAD):
        more = target, dict(os.environ), theirs, *arguments
        process = context.Process(target=_run, args=more, name=name, daemon=True)
        _start_once_more(process)
    theirs.close()
    return process, ours


def call(work: Callable[..., Result], *arguments: Any) -> Result:
    """The result of ``work(*arguments)`` in a new process, or in this one if it has imported TensorFlow.

    Raises:
        MachineError: the process died. Whatever ``work`` raises is raised here.
    """
    if "tensorflow" in sys.modules:
        return work(*arguments)
    return call_apart(work, *arguments)


def call_apart(work: Callable[..., Result], *arguments: Any) -> Result:
    """The result of ``work(*arguments)`` in a new process; errors as of ``call``."""
    return call_together(1, work, *arguments)[0]


def call_together(count: int, work: Callable[..., Result], *arguments: Any) -> list[Result]:
    """The results of ``work(*arguments)`` in so many new processes, all at once, as they come.

    Raises:
        MachineError: a process died. Whatever ``work`` raises is raised here. The first process to do so
            ends all others.
    """
    answers: list[Result] = []
    with contextlib.ExitStack() as stack:
        left = {}
        for _ in range(count):
            process, connection = start(_answer, f"catwalk-{work.__name__.strip('_')}", work, *arguments)
            stack.callback(_end, process, connection)
            left[connection] = process
        while left:
            for ready in multiprocessing.connection.wait(list(left)):
                connection = cast(Connection, ready)
                answers.append(_answered(left.pop(connection), connection))
    return answers


def _answered(process: Any, connection: Connection) -> Any:
    """What a process has sent; an exception is raised here."""
    try:
        answer = connection.recv()
    except (EOFError, OSError):  # OSError: it died while it sent
        process.join()
        what = f"a process died (exit code {process.exitcode})"
        raise MachineError(what, fix=advice.CLOSE_PROGRAMS) from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _end(process: Any, connection: Connection) -> None:
    end(process)
    connection.close()


def end(*started: Any) -> None:
    """Kill processes that ``start`` has started, and wait until they are gone.

    Where coverage.py measures, they are asked to end first: it knows nothing of a process that is killed.
    """
    if _is_measured():
        for process in started:
            process.terminate()
        for process in started:
            process.join(WRITING_SECONDS)
    for process in started:
        process.kill()
    for process in started:
        process.join()


def _is_measured() -> bool:
    return any(name in os.environ for name in MEASURED)


def outcome(work: Callable[..., Result], *arguments: Any) -> Result | Exception:
    """What ``work`` returns or raises, to be sent to another process."""
    try:
        return work(*arguments)
    except Exception as error:
        return error


def _answer(connection: Connection, work: Callable[..., Any], *arguments: Any) -> None:
    connection.send(outcome(work, *arguments))


def _start_once_more(process: Any) -> None:
    """Start it, and again where the fork server has just died: its sockets are closed before it is gone."""
    ends = time.monotonic() + DYING_SECONDS
    while True:
        try:
            process.start()
            return
        except (EOFError, ConnectionError):
            if time.monotonic() > ends:
                raise MachineError("no process could be started", fix=advice.CLOSE_PROGRAMS) from None
        time.sleep(POLL_SECONDS)
        preload()


def _can_fork() -> bool:
    longest = f"{multiprocessing.util.get_temp_dir()}/listener-12345678"
    return sys.platform == "linux" and len(longest) < SOCKET_PATH


def _loaded() -> Path:
    """The file that says that the fork server has imported everything."""
    return Path(multiprocessing.util.get_temp_dir()) / "loaded"


def _run(target: Callable[..., None], theirs: dict[str, str], *arguments: Any) -> None:
    """Runs in the new process; the fork server's environment may be an older one."""
    os.environ.clear()
    os.environ.update(theirs)
    be_a_child()
    if not _is_measured():
        target(*arguments)
        return
    signal.signal(signal.SIGTERM, _leave)  # as ``end`` asks for
    target(*arguments)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it leaves by itself, and coverage.py writes only once


def _leave(_number: int, _frame: FrameType | None) -> None:
    os._exit(1)  # where coverage.py writes, see pyproject.toml


@contextlib.contextmanager
def environment(defaults: dict[str, str], values: dict[str, str] | None = None) -> Iterator[None]:
    """Environment variables of the processes started within the block.

    Args:
        defaults: those that hold unless they are set.
        values: those that hold in any case.
    """
    before = dict(os.environ)
    os.environ.update({**defaults, **before, **(values or {})})
    try:
        yield
    finally:
        for name in {*defaults, *(values or {})}:
            if name in before:
                os.environ[name] = before[name]
            else:
                os.environ.pop(name, None)


def be_a_child() -> None:
    """Ignore Ctrl-C, hide libraries' warnings, and exit when the parent is gone.

    Where memory is short, the system shall end this process and not its parent, which replaces it.
    """
    with contextlib.suppress(OSError):  # as on macOS
        Path("/proc/self/oom_score_adj").write_text("500")
    warnings.simplefilter("ignore")  # those that matter lead to an error that is shown
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])  # blocked since ``unstopped``
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Exit once the parent or the fork server is gone: without the server the parent assumes us dead."""
    parent, above = multiprocessing.parent_process(), os.getppid()
    assert parent, "only child processes may run this"
    while parent.is_alive() and os.getppid() == above:
        parent.join(WATCH_SECONDS)
    os._exit(1)
