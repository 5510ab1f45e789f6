"""The refit: the best of the chosen networks, trained again on training and validation rows together.

A ninth more pictures to learn from is worth 0.1 to 0.2 points (``benchmarks/forecast.py --strong``, on
pseudo-tests carved from the training rows). Nothing can be validated by rows that were learned from, so the
refitted networks have half of the say, and what is shown as validation stays the chosen networks'.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from catwalk import limits, processes, progress, space
from catwalk.errors import MachineError
from catwalk.paths import Paths
from catwalk.prepare import Prepared
from catwalk.space import Params

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

NETS = 2  # where no clock is asked (TRIALS=)
LEAST = 0.55  # of the epochs that its trial had; a network trained for less is not worth its time
WATCHED = 256  # labelled rows whose loss each epoch reports; they were learned from


@dataclass(frozen=True)
class Task:
    """One network to train again; what its process gets."""

    root: Path
    competition: str
    split_seed: int
    params: Params
    precision: str
    seed: int
    epochs: int
    ends: float | None  # time.time() by which it is trained; None: the clock is not asked


@dataclass(frozen=True)
class Refit:
    """What came of it.

    Attributes:
        test: (test rows, classes) float32, the mean of the networks' probabilities.
        made: of each network the "trial" it is like, its "seed" and "epochs", and the "rows" it learned from.
    """

    test: npt.NDArray[np.float32]
    made: list[dict[str, Any]]


def make(
    paths: Paths,
    prepared: Prepared,
    split_seed: int,
    trials: "list[FrozenTrial]",
    budget: float | None,
    say: Callable[[str], None],
) -> Refit | None:
    """Train again, a network a core, if the time is enough for that.

    Args:
        paths: the competition's.
        prepared: its arrays and split.
        split_seed: SEED, by which the processes find the same.
        trials: the chosen ones, the weightiest first.
        budget: seconds of the whole search; None: it was limited by TRIALS=, so the clock is not asked.
        say: takes lines for people.

    Returns:
        None where the time is too short, or another search needs the cores.
    """
    count = NETS if budget is None else limits.workers(None, limits.available_memory())
    rows = len(prepared.train) + len(prepared.validation)
    ends = None if budget is None else time.time() + limits.REFIT * budget
    tasks, numbers = [], []
    for k in range(count):
        trial = trials[k % len(trials)]
        own = len(trial.user_attrs.get("history", []))
        needed = trial.user_attrs.get("seconds", 0.0) * rows / len(prepared.train)
        if budget is not None and limits.REFIT * budget < LEAST * needed:
            continue
        seed = int(trial.user_attrs["seed"]) + 50_000 * (1 + k)
        params, precision = space.whole(trial.params), trial.user_attrs["precision"]
        tasks.append(Task(paths.root, paths.competition, split_seed, params, precision, seed, own, ends))
        numbers.append(trial.number)
    with progress.lock_if_free(paths) as free:
        if not tasks or not free:
            return None
    within = f", up to {limits.REFIT * budget:.0f} s" if budget else ""
    say(f"predict: {len(tasks)} of the chosen networks learn again from all {rows:,} labelled rows{within}")
    answers = _run(tasks, limits.REFIT * budget if budget else None)
    made = [
        {"trial": number, "seed": task.seed, "epochs": epochs, "rows": rows}
        for number, task, (epochs, _) in zip(numbers, tasks, answers, strict=True)
    ]
    good = [(row, test) for row, (_, test) in zip(made, answers, strict=True) if test is not None]
    if not good:
        return None
    return Refit(np.mean([test for _, test in good], axis=0, dtype=np.float32), [row for row, _ in good])


def _run(tasks: list[Task], seconds: float | None) -> list[Any]:
    """Each task in a process of its own, as many at a time as there are cores; a bar of time or of tasks.

    However it ends, no process is left.

    Raises:
        MachineError: one of them died.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    cores = limits.workers(None, limits.available_memory())
    columns = TextColumn("  {task.description}"), BarColumn(), TimeElapsedColumn()
    answers: dict[int, Any] = {}
    running: dict[Any, tuple[int, Any]] = {}
    begun = time.monotonic()
    try:
        with Progress(*columns) as bars:
            bar = bars.add_task("training again", total=seconds or len(tasks))
            while len(answers) < len(tasks):
                for k in range(len(answers) + len(running), min(len(tasks), len(answers) + cores)):
                    process, connection = processes.start(_answer, f"catwalk-refit-{k}", tasks[k])
                    running[connection] = k, process
                for ready in wait(list(running), timeout=0.5):
                    k, process = running.pop(ready)
                    answers[k] = _received(ready)
                    process.join()
                gone = time.monotonic() - begun if seconds else len(answers)
                bars.update(bar, completed=min(gone, seconds or gone))
    finally:
        for _, process in running.values():
            process.kill()
            process.join()
    return [answers[k] for k in range(len(tasks))]


def _received(connection: Any) -> Any:
    try:
        return connection.recv()
    except EOFError:
        raise MachineError(
            "training again ended in the midst of it; if memory is short, close other programs and run "
            "make predict again"
        ) from None


def _answer(connection: Connection, task: Task) -> None:
    """What a process does: train, send, end."""
    processes.be_a_child()
    connection.send(_train(task))


def _train(task: Task) -> tuple[int, npt.NDArray[np.float32] | None]:
    """How many epochs it had, and its probabilities of the test rows; None where it did not get so far."""
    from catwalk import tensorflow_setup

    tensorflow_setup.setup(threads=1)
    from catwalk import competition as competitions
    from catwalk import network, prepare
    from catwalk.features import Views
    from catwalk.train import DivergedError, OutOfTimeError, Training

    paths = Paths(task.root, task.competition)
    prepared = prepare.load(paths, task.split_seed)
    loaded = competitions.load(paths)
    everything = np.sort(np.concatenate([prepared.train, prepared.validation]))
    learning = replace(prepared, train=everything, validation=prepared.validation[:WATCHED])
    views = Views(paths, prepared, loaded.shape)  # fixed features stay those of the search
    deadline = None if task.ends is None else time.monotonic() + task.ends - time.time()
    training = Training(learning, loaded, views, task.precision, task.params, task.seed)
    epochs = 0
    try:
        for epoch in training.epochs(task.epochs, deadline):
            epochs = epoch.epoch
    except (DivergedError, OutOfTimeError):
        return epochs, None
    return epochs, network.probabilities(training.finish(), prepared.test_pixels)
