"""A process pool with a progress bar: runs tasks in parallel, one at a time in each process."""

import contextlib
import math
import sys
import time
from collections import deque
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar, cast

from catwalk.core import gpus, processes
from catwalk.core.errors import shown

Task = TypeVar("Task")
Result = TypeVar("Result")


def run_all(
    work: Callable[[Task], Result],
    tasks: list[Task],
    title: str,
    together: int,
    seconds: float | None,
    last_start: float = math.inf,
) -> list[Result | None]:
    """Run all tasks in separate processes and show a progress bar; no process is left running.

    Args:
        work: a module-level function that does one task.
        tasks: its arguments, one per task.
        title: of the bar.
        together: number of processes. Each does one task after another, because starting one (importing
            TensorFlow) takes seconds.
        seconds: the expected total time, for the bar; None: the bar counts tasks.
        last_start: the ``time.monotonic()`` from which no more tasks start; those that run are finished.

    Returns:
        What ``work`` returned, in the tasks' order; None where it did not finish or was not started.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from catwalk.core.console import plain_console

    columns = TextColumn("  {task.description}"), BarColumn(), TimeElapsedColumn()
    begun = time.monotonic()
    pool = _Pool(work, tasks, together)
    with contextlib.closing(pool), Progress(*columns, console=plain_console()) as bars:
        bar = bars.add_task(title, total=seconds or len(tasks))
        while pool.left:
            pool.go_on(timeout=0.5)
            if time.monotonic() > last_start:
                pool.start_no_more()
            gone = time.monotonic() - begun if seconds else pool.done
            bars.update(bar, completed=min(gone, seconds or gone))
    return pool.results


class _Pool(Generic[Task, Result]):
    """The processes, and the task that each one is working on; where there are GPUs, each has one."""

    def __init__(self, work: Callable[[Task], Result], tasks: list[Task], together: int) -> None:
        self._work, self._tasks, self._together = work, tasks, together
        self._waiting = deque(range(len(tasks)))
        self._busy: dict[Connection, tuple[int, Any]] = {}  # the task's index, and the process
        self._started = 0
        self._gpus: dict[Connection, str | None] = {}
        self.results: list[Result | None] = [None] * len(tasks)
        self.done = 0

    @property
    def left(self) -> int:
        """How many tasks wait or run."""
        return len(self._waiting) + len(self._busy)

    def start_no_more(self) -> None:
        """Leave out the tasks that wait."""
        self._waiting.clear()

    def go_on(self, timeout: float) -> None:
        """Keep all processes busy, then wait until one has finished a task, or for ``timeout`` seconds."""
        while self._waiting and len(self._busy) < self._together:
            name = f"catwalk-{self._work.__name__.strip('_')}-{self._started}"
            with gpus.assigned([self._gpus[connection] for connection in self._busy]) as gpu:
                process, connection = processes.start(_serve, name, self._work)
            self._gpus[connection] = gpu
            self._started += 1
            self._give(connection, process)
        for ready in wait(list(self._busy), timeout):
            self._take(cast(Connection, ready))

    def _give(self, connection: Connection, process: Any) -> None:
        """Send the next task to a process; if there is none, or the process has died, end it."""
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
            answer = connection.recv()
        except (EOFError, OSError):  # it died; another one replaces it
            process.join()
            print(f"  failed: a process died (exit code {process.exitcode})", file=sys.stderr)
            return
        if isinstance(answer, Exception):
            print(f"  failed: {type(answer).__name__}: {shown(answer)}", file=sys.stderr)
            process.join()
            return
        self.results[k] = answer
        self._give(connection, process)

    def close(self) -> None:
        processes.end(*(process for _, process in self._busy.values()))


def _serve(connection: Connection, work: Callable[[Task], Result]) -> None:
    """A worker process's loop: receive a task, run it, send the result; end after an error."""
    while True:
        try:
            task = connection.recv()
        except (EOFError, OSError):  # nothing is left to do
            return
        answer = processes.outcome(work, task)
        connection.send(answer)
        if isinstance(answer, Exception):
            return
