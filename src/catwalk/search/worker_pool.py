"""The worker processes: the search's parent process starts them, reads their messages and replaces them."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from catwalk.core import gpus, processes
from catwalk.search.messages import Message

MAX_TRIALS_PER_WORKER = 30  # then a new process replaces it: TensorFlow keeps memory for each shape
RENEWAL_SECONDS = 60.0  # with less than this left, the new process would not pay for its start


@dataclass
class Worker:
    """A worker process as the parent sees it."""

    process: Any  # multiprocessing's
    connection: Connection
    number: int
    gpu: str | None = None  # None: it computes on the CPU cores
    ready: bool = False
    busy: bool = False
    trials: int = 0  # begun by order
    trial: int | None = None  # known once the worker has begun it
    error: str | None = None  # the error that it could not recover from
    fix: str = ""  # what to do about that error, where it is known

    @property
    def is_worn_out(self) -> bool:
        """Whether it has run as many trials as a process may."""
        return self.trials >= MAX_TRIALS_PER_WORKER

    @property
    def end(self) -> str:
        """Why it ended, as text."""
        return self.error or f"exit code {self.process.exitcode}"


class Workers:
    """The running worker processes.

    Args:
        arguments: what ``worker.run`` takes between its connection and its number.
    """

    def __init__(self, *arguments: Any) -> None:
        self._arguments = arguments
        self._born = 0
        self.all: list[Worker] = []

    def start(self) -> None:
        from catwalk.search import worker

        name = f"catwalk-worker-{self._born}"
        with gpus.assigned([other.gpu for other in self.all]) as gpu:
            process, ours = processes.start(worker.run, name, *self._arguments, self._born)
        self.all.append(Worker(process, ours, self._born, gpu))
        self._born += 1

    def busy(self) -> list[Worker]:
        return [worker for worker in self.all if worker.busy]

    def take_dead(self) -> list[Worker]:
        """Remove the workers that have died from ``all``, and return them."""
        dead = [worker for worker in self.all if not worker.process.is_alive()]
        self.all = [worker for worker in self.all if worker not in dead]
        return dead

    def messages(self, timeout: float) -> Iterator[tuple[Worker, Message]]:
        """Messages from the workers; waits up to ``timeout`` seconds for something to happen."""
        wait([*(w.connection for w in self.all), *(w.process.sentinel for w in self.all)], timeout)
        for worker in self.all:
            with contextlib.suppress(EOFError, ConnectionResetError):
                while worker.connection.poll():
                    yield worker, worker.connection.recv()

    def renew(self, worker: Worker) -> None:
        """Replace an idle worker with a new process."""
        processes.end(worker.process)
        self.all.remove(worker)
        self.start()

    def end(self) -> Iterator[Message]:
        """Kill all workers, and yield what they still sent: one may have begun a trial a moment ago."""
        processes.end(*(worker.process for worker in self.all))
        for worker in self.all:
            with contextlib.suppress(OSError, EOFError):  # it was killed while it sent
                while worker.connection.poll():
                    yield worker.connection.recv()
        self.all = []

    def kill(self) -> None:
        for _ in self.end():
            pass
