"""A pool of processes: tasks done side by side, each process one after another, with a progress bar."""

import contextlib
import math
import sys
import time
from collections import deque
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar, cast

from catwalk.core import processes
from catwalk.core.errors import shown

Task = TypeVar("Task")
Result = TypeVar("Result")


def run_all(
    work: Callable[[Task], Result],
    tasks: list[Task],
    title: str,
    together: int,
    seconds: float | None,
    ends: float = math.inf,
) -> list[Result | None]:
    """Do all tasks in processes of their own and show a bar; however it ends, no process is left.

    Args:
        work: a module's function that does one task.
        tasks: what it is to do.
        title: of the bar.
        together: how many processes. Each does one task after another, for to start one (TensorFlow's import)
            takes seconds.
        seconds: how long it takes in all, for the bar; None: it counts tasks.
        ends: ``time.monotonic()`` when those that are still at it are ended, and no more begin.

    Returns:
        In the tasks' order, what ``work`` returned; None where it did not come to its end.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("  {task.description}"), BarColumn(), TimeElapsedColumn()
    begun = time.monotonic()
    pool = _Pool(work, tasks, together)
    with contextlib.closing(pool), Progress(*columns) as bars:
        bar = bars.add_task(title, total=seconds or len(tasks))
        while pool.done < len(tasks) and time.monotonic() < ends:
            pool.go_on(timeout=0.5)
            gone = time.monotonic() - begun if seconds else pool.done
            bars.update(bar, completed=min(gone, seconds or gone))
    return pool.results


class _Pool(Generic[Task, Result]):
    """The processes, and which task each one is at."""

    def __init__(self, work: Callable[[Task], Result], tasks: list[Task], together: int) -> None:
        self._work, self._tasks, self._together = work, tasks, together
        self._waiting = deque(range(len(tasks)))
        self._busy: dict[Connection, tuple[int, Any]] = {}  # the task's place, and the process
        self._started = 0
        self.results: list[Result | None] = [None] * len(tasks)
        self.done = 0

    def go_on(self, timeout: float) -> None:
        """Give every free place a task, then wait for what is done, or for ``timeout`` seconds."""
        while self._waiting and len(self._busy) < self._together:
            name = f"catwalk-{self._work.__name__.strip('_')}-{self._started}"
            process, connection = processes.start(_serve, name, self._work)
            self._started += 1
            self._give(connection, process)
        for ready in wait(list(self._busy), timeout):
            self._take(cast(Connection, ready))

    def _give(self, connection: Connection, process: Any) -> None:
        """The next task to a process; without one, or where it has died meanwhile, it ends."""
        if self._waiting:
            k = self._waiting[0]
            with contextlib.suppress(OSError):
                connection.send(self._tasks[k])
                self._busy[connection] = self._waiting.popleft(), process
                return
        connection.close()
        process.join()

    def _take(self, connection: Connection) -> None:
        k, process = self._busy.pop(connection)
        self.done += 1
        try:
            self.results[k] = connection.recv()
        except (EOFError, OSError):  # it died; another takes its place
            process.join()
        else:
            self._give(connection, process)

    def close(self) -> None:
        for _, process in self._busy.values():
            process.kill()
            process.join()


def _serve(connection: Connection, work: Callable[[Task], Result]) -> None:
    """What such a process does: take a task, do it, send what came of it; an error is told in one line."""
    processes.be_a_child()
    while True:
        try:
            task = connection.recv()
        except (EOFError, OSError):  # nothing is left to do
            return
        try:
            connection.send(work(task))
        except Exception as error:
            print(f"  it failed: {type(error).__name__}: {shown(error)}", file=sys.stderr)
            return
