"""Processes: how signals stop them, and child processes that end with their parent and ignore Ctrl-C."""

import contextlib
import multiprocessing
import multiprocessing.util
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar, cast

from catwalk.core import advice
from catwalk.core.errors import MachineError

Result = TypeVar("Result")

# There is one process per core: with more threads each they would slow each other down.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
SOON = 0.01  # seconds until a dropped stop is repeated
AGAIN = 5.0  # seconds until the stop is repeated, in case a library has swallowed the first one
WATCH_SECONDS = 1.0  # how often a child checks that its parent is still alive
LOADING_SECONDS = 60.0  # how long a stop may be answered while the fork server imports
LOADED = "CATWALK_PRELOADED"  # environment: the file that the fork server writes once it has imported all
SOCKET_PATH = 108  # longest path of a socket, as bytes: where temporary files lie deeper, nothing is forked


class Stopped(KeyboardInterrupt):
    """The command was asked to stop: Ctrl-C or SIGTERM."""

    asked = False  # whether it was: an interrupted import may fail with a different error


def stop_by_signals() -> None:
    """From now on SIGTERM stops the command as Ctrl-C does, unless it is ignored."""
    Stopped.asked = False
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop)
    sys.unraisablehook = _stop_soon


def _stop(_number: int, _frame: FrameType | None) -> None:
    Stopped.asked = True
    signal.setitimer(signal.ITIMER_REAL, AGAIN, AGAIN)
    raise Stopped


def has_stopped() -> None:
    """The command is stopping: don't repeat the stop."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def leave_in_peace() -> None:
    """The work is done: ignore all further stop signals."""
    has_stopped()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)


def _stop_soon(dropped: "sys.UnraisableHookArgs") -> None:
    """Python drops exceptions that are raised in destructors: if it dropped a stop, repeat it."""
    if issubclass(dropped.exc_type, Stopped):
        signal.setitimer(signal.ITIMER_REAL, SOON, AGAIN)
    else:
        sys.__unraisablehook__(dropped)


@contextlib.contextmanager
def unstopped() -> Iterator[None]:
    """Delay stop signals until after the block; processes started within it ignore Ctrl-C.

    A terminal's Ctrl-C reaches the whole group; the parent alone decides what it means. A child
    whose parent dies before it has sent the task would show a traceback.
    """
    received: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {one: signal.signal(one, lambda number, _: received.append(number)) for one in numbers}
    resource_tracker.ensure_running()  # starting it would unblock SIGINT
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        for number, handler in before.items():
            signal.signal(number, handler)
    if any(before[signal.Signals(number)] != signal.SIG_IGN for number in received):
        raise Stopped


def preload() -> None:
    """Begin to import TensorFlow and Optuna, in the background, for all processes started later.

    A fork server does so once; each process is then a copy of it: it starts in a second instead of
    many, and shares the memory. macOS spawns each process anew, because forks are not safe there.
    """
    if not _can_fork():
        return
    multiprocessing.get_context("forkserver").set_forkserver_preload(["catwalk.core.preload"])
    package = str(Path(__file__).parents[2])  # Python 3.11 does not tell its fork server our sys.path
    path = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
    with unstopped(), environment(ONE_THREAD, {"PYTHONPATH": path, LOADED: str(_loaded())}):
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
    context: Any = multiprocessing.get_context("forkserver" if _can_fork() else "spawn")
    ends = time.monotonic() + LOADING_SECONDS
    while _can_fork() and not _loaded().exists() and time.monotonic() < ends:
        time.sleep(SOON)  # may be stopped here, but not once the process is being started
    ours, theirs = context.Pipe()
    with unstopped(), environment(ONE_THREAD):
        more = target, dict(os.environ), theirs, *arguments
        process = context.Process(target=_run, args=more, name=name, daemon=True)
        try:
            process.start()
        except EOFError:
            raise MachineError("no process could be started", fix=advice.CLOSE_PROGRAMS) from None
    theirs.close()
    return process, ours


def call(work: Callable[..., Result], *arguments: Any) -> Result:
    """What ``work(*arguments)`` returns in a new process, or here where TensorFlow is imported already.

    Raises:
        MachineError: the process died. Whatever ``work`` raises is raised here.
    """
    if "tensorflow" in sys.modules:
        return work(*arguments)
    process, connection = start(_answer, f"catwalk-{work.__name__.strip('_')}", work, *arguments)
    try:
        answer = connection.recv()
    except EOFError:
        process.join()
        what = f"a process died (exit code {process.exitcode})"
        raise MachineError(what, fix=advice.CLOSE_PROGRAMS) from None
    finally:
        process.kill()
        process.join()
        connection.close()
    if isinstance(answer, Exception):
        raise answer
    return cast(Result, answer)


def outcome(work: Callable[..., Result], *arguments: Any) -> Result | Exception:
    """What ``work`` returns or raises, to be sent to another process."""
    try:
        return work(*arguments)
    except Exception as error:
        return error


def _answer(connection: Connection, work: Callable[..., Any], *arguments: Any) -> None:
    connection.send(outcome(work, *arguments))


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
    target(*arguments)


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
    """Ignore Ctrl-C, hide libraries' warnings, and exit when the parent is gone."""
    warnings.simplefilter("ignore")  # those that matter lead to an error that is shown
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])  # blocked since ``unstopped``
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Exit once the parent is gone, or the fork server: without it the parent takes us for dead."""
    parent, above = multiprocessing.parent_process(), os.getppid()
    assert parent, "only children run this"
    while parent.is_alive() and os.getppid() == above:
        parent.join(WATCH_SECONDS)
    os._exit(1)
