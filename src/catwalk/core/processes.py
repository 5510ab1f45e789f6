"""Processes: how they are stopped; children that end with their parent, and leave Ctrl-C to it."""

import contextlib
import math
import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from types import FrameType
from typing import Any, TypeVar, cast

from catwalk.core.errors import shown

# There is a process a core: linear algebra on more threads would make them wait for each other.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
SOON = 0.01  # seconds
AGAIN = 5.0  # seconds until an end is asked for once more, where a library has swallowed the first
WATCH_SECONDS = 1.0  # how often a child looks whether its parent still lives

Task = TypeVar("Task")
Result = TypeVar("Result")


class Stopped(KeyboardInterrupt):
    """Somebody asked the command to end: Ctrl-C or SIGTERM."""

    asked = False  # whether somebody has: an import that is cut off may fail with an error of another kind


def stop_by_signals() -> None:
    """From now on SIGTERM ends the command as Ctrl-C does, unless it ignores that one."""
    Stopped.asked = False
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        if signal.getsignal(sign) != signal.SIG_IGN:
            signal.signal(sign, _stop)
    sys.unraisablehook = _stop_soon


def _stop(_sign: int, _frame: FrameType | None) -> None:
    Stopped.asked = True
    signal.setitimer(signal.ITIMER_REAL, AGAIN, AGAIN)
    raise Stopped


def has_stopped() -> None:
    """It is ending: nobody has to ask again."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def leave_in_peace() -> None:
    """The work is done: what asks the command to end in its last moment changes nothing any more."""
    has_stopped()
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(sign, signal.SIG_IGN)


def _stop_soon(dropped: "sys.UnraisableHookArgs") -> None:
    """Python drops what is raised while it cleans up behind an object: an end is asked for once more."""
    if issubclass(dropped.exc_type, Stopped):
        signal.setitimer(signal.ITIMER_REAL, SOON, AGAIN)
    else:
        sys.__unraisablehook__(dropped)


@contextlib.contextmanager
def unstopped() -> Iterator[None]:
    """An end asked for within the block comes after it; what is started there is born deaf to Ctrl-C.

    A terminal's Ctrl-C reaches the whole group; the parent alone decides what it means. A child that has
    lost its parent before it was told what to do would show a traceback.
    """
    came: list[int] = []
    signs = (signal.SIGINT, signal.SIGTERM)
    before = {sign: signal.signal(sign, lambda sign, _: came.append(sign)) for sign in signs}
    resource_tracker.ensure_running()  # its start would unblock it
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        for sign, handler in before.items():
            signal.signal(sign, handler)
    if any(before[signal.Signals(sign)] != signal.SIG_IGN for sign in came):
        raise Stopped


def start(target: Callable[..., None], name: str, *arguments: Any) -> tuple[Any, Connection]:
    """Start ``target(connection, *arguments)`` in a new process (spawned, not forked).

    Args:
        target: calls ``be_a_child`` first.
        name: of the process.
        arguments: what it takes after its end of the connection.

    Returns:
        The process, and our end of the connection.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=target, args=(theirs, *arguments), name=name, daemon=True)
    with one_thread(), unstopped():
        process.start()
    theirs.close()
    return process, ours


def run_all(
    work: Callable[[Task], Result],
    tasks: list[Task],
    title: str,
    together: int,
    seconds: float | None,
    ends: float = math.inf,
) -> list[Result | None]:
    """Do each task in a process of its own and show a bar; however it ends, no process is left.

    Args:
        work: a module's function that does one task.
        tasks: what it is to do.
        title: of the bar.
        together: how many processes at a time.
        seconds: how long it takes in all, for the bar; None: it counts tasks.
        ends: ``time.monotonic()`` when those that are still at it are ended, and no more begin.

    Returns:
        In the tasks' order, what ``work`` returned; None where it did not come to its end.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("  {task.description}"), BarColumn(), TimeElapsedColumn()
    results: dict[int, Result | None] = {}
    running: dict[Any, tuple[int, Any]] = {}
    begun = time.monotonic()
    try:
        with Progress(*columns) as bars:
            bar = bars.add_task(title, total=seconds or len(tasks))
            while len(results) < len(tasks) and time.monotonic() < ends:
                for k in range(len(results) + len(running), min(len(tasks), len(results) + together)):
                    process, connection = start(
                        _do, f"catwalk-{work.__name__.strip('_')}-{k}", work, tasks[k]
                    )
                    running[connection] = k, process
                for ready in wait(list(running), timeout=0.5):
                    k, process = running.pop(ready)
                    results[k] = None
                    with contextlib.suppress(EOFError, OSError):
                        results[k] = cast(Connection, ready).recv()
                    process.join()
                gone = time.monotonic() - begun if seconds else len(results)
                bars.update(bar, completed=min(gone, seconds or gone))
    finally:
        for _, process in running.values():
            process.kill()
            process.join()
    return [results.get(k) for k in range(len(tasks))]


def _do(connection: Connection, work: Callable[[Task], Result], task: Task) -> None:
    """What such a process does: work, send, end; an error is told in one line."""
    be_a_child()
    try:
        connection.send(work(task))
    except Exception as error:
        print(f"  it failed: {type(error).__name__}: {shown(error)}", file=sys.stderr)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """What is started meanwhile computes on one thread, unless the environment says otherwise."""
    added = {name: value for name, value in ONE_THREAD.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


def be_a_child() -> None:
    """Ignore Ctrl-C, keep libraries' warnings off the terminal, and end when the parent is gone."""
    warnings.simplefilter("ignore")  # of those that matter something follows that is said
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])  # as it was born, see ``unstopped``
    threading.Thread(target=_end_with, args=(_parent(),), daemon=True).start()


def _parent() -> int:
    parent = multiprocessing.parent_process()
    return parent.pid or 0 if parent else os.getppid()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    os._exit(1)
