"""The search: starts the workers, gives them trials until a limit is reached, and records where it stands."""

import contextlib
import math
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from catwalk import prepare
from catwalk.competition import Competition
from catwalk.errors import MachineError
from catwalk.messages import Order
from catwalk.paths import Paths

if TYPE_CHECKING:
    import optuna

    from catwalk.display import Display

KEEP = 20  # kept models: as many of the best trials
OVERRUN = 4.0  # seconds after the deadline until a worker that has not ended is ended
LEAST_SECONDS = 5.0  # with less than this left no further trial begins
LEAST_SHARE = 0.03  # or with less than this share of the budget
WORKER_MEMORY = 1_500_000_000  # bytes that a worker may come to need
TABLE_SECONDS = 10.0  # how often trials.csv is written while the search runs


@dataclass(frozen=True)
class Limits:
    """When a search ends: the first limit that is reached.

    Attributes:
        budget: seconds of search in all runs together; None for no such limit.
        trials: finished trials in all; None for no such limit.
    """

    budget: float | None
    trials: int | None

    def reached(self, spent: float, finished: int) -> bool:
        by_time = self.budget is not None and spent >= self.budget
        return by_time or (self.trials is not None and finished >= self.trials)


def cores() -> int:
    """How many this process may use; macOS does not tell, so there it is all."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def workers_for(memory: int) -> int:
    """How many workers by default: one a core, as far as ``memory`` bytes allow, at least one."""
    return max(1, min(cores(), memory // WORKER_MEMORY))


def available_memory() -> int:
    """Bytes that a new process could use, as far as the system tells."""
    with contextlib.suppress(OSError, ValueError, StopIteration):
        with open("/proc/meminfo", encoding="ascii") as file:  # noqa: PTH123
            line = next(line for line in file if line.startswith("MemAvailable"))
        return int(line.split()[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def make(
    paths: Paths,
    competition: Competition,
    *,
    seed: int,
    features: str,
    limits: Limits,
    workers: int | None,
    started: float,
    say: Callable[[str], None],
) -> None:
    """Search until a limit is reached; a study that is there already goes on.

    Args:
        paths: the competition's.
        competition: what to search for.
        seed: of the split, the sampler and the nets.
        features: a resolved name, see ``features``.
        limits: when to end.
        workers: processes; None: one a core as far as memory allows.
        started: ``time.monotonic()`` of the command's start, from which the budget counts.
        say: takes lines for people.

    Raises:
        UserError: another search runs, or the study is of other data.
        MachineError: no worker can be kept alive.
    """
    from catwalk import progress

    prepared = prepare.load(paths, seed)
    name = progress.study_name(paths, prepared, features)
    before = progress.read(paths).get(name, {"spent": 0.0, "finished": 0})
    if limits.reached(before["spent"], before["finished"]):
        say(_already(before, limits))
        return
    if workers is None:
        workers = workers_for(available_memory())
    from catwalk.display import Display

    with progress.locked(paths), Display() as display:
        run = _Run(paths, prepared, seed, features, limits, started, before["spent"], display)
        run.go(workers)
    for line in run.summary():
        say(line)


def _already(before: dict[str, Any], limits: Limits) -> str:
    more = []
    if limits.budget is not None:
        more.append(f"BUDGET={_minutes(2 * limits.budget)}")
    if limits.trials is not None:
        more.append(f"TRIALS={2 * limits.trials}")
    best = f", best {before['best']:.4f} on validation" if before.get("best") else ""
    return (
        f"search: done before, {before['finished']} trials in {before['spent']:.0f} s{best}; "
        f"for more: make search {' '.join(more)}"
    )


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:g}m" if seconds >= 60 else f"{seconds:g}s"


@dataclass
class _Worker:
    process: Any  # multiprocessing's SpawnProcess
    connection: Connection
    number: int
    ready: bool = False
    busy: bool = False
    trial: int | None = None  # known once the worker has told it


@dataclass
class _Run:
    """One run of the search, in the parent process."""

    paths: Paths
    prepared: prepare.Prepared
    seed: int
    features: str
    limits: Limits
    started: float
    spent_before: float
    display: "Display"
    workers: list[_Worker] = field(default_factory=list)
    deaths: int = 0  # since the last trial that ended well
    born: int = 0
    recorded: float = 0.0
    written: float = 0.0
    study: "optuna.Study" = field(init=False)

    def go(self, workers: int) -> None:
        for _ in range(workers):
            self._start_worker()  # they import TensorFlow while the parent imports Optuna
        from catwalk import study

        with self._ending():
            self.study = study.create(self.paths, self.prepared, self.features, self.seed)
            study.reap(self.study, "its worker was gone when the search went on")
            self.written = time.monotonic()
            while self._give_orders():
                self._listen()
                self._replace_the_dead()
                self._end_overrun()
                self._record()

    def summary(self) -> list[str]:
        """What was found, beside the baselines, and what to type next."""
        from catwalk import study
        from catwalk.metrics import wilson
        from catwalk.space import BASELINES

        ended = study.finished(self.study)
        best = study.complete(self.study)[:1]
        if not best:
            return [f"search: {len(ended)} trials, none complete: give it more with BUDGET="]
        value = best[0].value or 0.0
        low, high = wilson(value, len(self.prepared.validation))
        lines = [
            f"search: {len(ended)} trials in {self._spent():.0f} s, best is trial {best[0].number}: "
            f"{value:.4f} on validation (95% interval {low:.4f} to {high:.4f})"
        ]
        for trial in ended:
            kind = trial.user_attrs.get("kind")
            if kind in BASELINES and trial.value is not None:
                lines.append(
                    f"  baseline {kind}: {trial.value:.4f}, the best is {100 * (value - trial.value):+.2f} "
                    "points"
                )
        return [*lines, "next: make predict"]

    def _spent(self) -> float:
        return self.spent_before + time.monotonic() - self.started

    def _left(self) -> float:
        return math.inf if self.limits.budget is None else self.limits.budget - self._spent()

    def _start_worker(self) -> None:
        from catwalk import worker

        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        number = self.born
        self.born += 1
        process = context.Process(
            target=worker.run,
            args=(
                theirs,
                self.paths.root,
                self.paths.competition,
                self.seed,
                self.features,
                number,
            ),
            name=f"catwalk-worker-{number}",
            daemon=True,
        )
        process.start()
        theirs.close()
        self.workers.append(_Worker(process, ours, number))

    def _give_orders(self) -> bool:
        """Give every free worker a trial while the limits allow; False once there is nothing to wait for."""
        from catwalk import study

        done = len(study.finished(self.study))
        busy = sum(worker.busy for worker in self.workers)
        budget, left = self.limits.budget, self._left()
        least = max(LEAST_SECONDS, LEAST_SHARE * (budget or 0)) if done else 0.0
        room = math.inf if self.limits.trials is None else self.limits.trials - done - busy
        more = left > least and room > 0
        for worker in self.workers:
            if more and worker.ready and not worker.busy and room > 0:
                with contextlib.suppress(BrokenPipeError):
                    worker.connection.send(Order(None if budget is None else left, budget))
                    worker.busy, worker.trial = True, None
                    busy, room = busy + 1, room - 1
        return more or busy > 0

    def _listen(self) -> None:
        """Wait a moment for what the workers send."""
        by_connection = {worker.connection: worker for worker in self.workers}
        sentinels = [worker.process.sentinel for worker in self.workers]
        for source in wait([*by_connection, *sentinels], timeout=0.25):
            worker = by_connection.get(source)  # type: ignore[call-overload]
            with contextlib.suppress(EOFError, ConnectionResetError):
                while worker is not None and worker.connection.poll():
                    self._hear(worker, worker.connection.recv())
        self.display.tick(self._spent(), self.limits)

    def _hear(self, worker: _Worker, message: tuple[Any, ...]) -> None:
        if message[0] == "ready":
            worker.ready = True
        elif message[0] == "epoch":
            worker.trial = message[1]
            self.display.epoch(worker.number, *message[1:])
        elif message[0] == "done":
            worker.busy, self.deaths = False, 0
            if worker.trial is not None:
                self._after_trial(worker.number, worker.trial)

    def _after_trial(self, worker: int, number: int) -> None:
        from catwalk import study

        ended = study.finished(self.study)
        trial = next((trial for trial in ended if trial.number == number), None)
        self.display.ended(worker, trial, len(ended))
        _drop_models(self.paths, self.study)
        self.recorded = 0.0

    def _replace_the_dead(self) -> None:
        """Start a worker for each that died; its trial runs again."""
        from catwalk import study

        dead = [worker for worker in self.workers if not worker.process.is_alive()]
        if dead:
            self.workers = [worker for worker in self.workers if worker not in dead]
            self.deaths += len(dead)
            if self.deaths > 3 * (len(self.workers) + len(dead)):
                raise MachineError(
                    f"the workers die at once (exit code {dead[0].process.exitcode}), most often for "
                    "lack of memory: try make search WORKERS=1"
                )
            for worker in dead:
                self.display.died(worker.number, worker.process.exitcode)
                self._start_worker()
            self._orphans = True
        known = {worker.trial for worker in self.workers if worker.busy}
        if self._orphans and None not in known:
            for trial in study.running(self.study):
                if trial.number not in known:
                    study.run_again(self.study, trial, "its worker died")
            self._orphans = False

    _orphans: bool = False  # a worker died and its trial has not been looked for yet

    def _end_overrun(self) -> None:
        """End what is still busy some seconds after the deadline; the trial waits for the next search."""
        if self._left() < -OVERRUN:
            self._stop()

    def _stop(self) -> None:
        """End every worker now, and let the trials they were in wait for the next search."""
        from catwalk import study

        for worker in self.workers:
            worker.process.kill()
        for worker in self.workers:
            worker.process.join()
        self.workers = []
        if hasattr(self, "study"):
            for trial in study.running(self.study):
                study.run_again(self.study, trial, "the search was ended", counts=False)

    def _record(self) -> None:
        """Write progress.json every second or two, and trials.csv now and then."""
        from catwalk import progress, study

        now = time.monotonic()
        if now - self.recorded < 2:
            return
        best = study.complete(self.study)[:1]
        self.recorded = now
        progress.write(
            self.paths,
            self.study.study_name,
            {
                "spent": round(self._spent(), 1),
                "finished": len(study.finished(self.study)),
                "best": best[0].value if best else None,
            },
        )
        if now - self.written > TABLE_SECONDS:
            study.write_table(self.paths, self.study)
            self.written = now

    @contextlib.contextmanager
    def _ending(self) -> Iterator[None]:
        """However the run ends: no worker is left, and the records are written."""
        from catwalk import study

        before = signal.signal(signal.SIGTERM, _interrupt)
        try:
            yield
            for worker in self.workers:
                with contextlib.suppress(BrokenPipeError):
                    worker.connection.send(None)
        finally:
            self._stop()
            if hasattr(self, "study"):
                self.recorded = 0.0
                self._record()
                study.write_table(self.paths, self.study)
            signal.signal(signal.SIGTERM, before)


def _interrupt(_signal: int, _frame: Any) -> None:
    raise KeyboardInterrupt


def _drop_models(paths: Paths, opened: "optuna.Study") -> None:
    """Remove the kept files of all but the best complete trials."""
    from catwalk import study

    for trial in study.complete(opened)[KEEP:]:
        paths.model(opened.study_name, trial.number).unlink(missing_ok=True)
        paths.probabilities(opened.study_name, trial.number).unlink(missing_ok=True)
