"""The refit: the best of the chosen networks, trained again on training and validation rows together.

A ninth more pictures to learn from is worth 0.1 to 0.2 points (``benchmarks/forecast.py --strong``, on
pseudo-tests carved from the training rows). Nothing can be validated by rows that were learned from, so the
refitted networks have half of the say, and what is shown as validation stays the chosen networks'.
"""

import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from catwalk import limits, processes, progress, space
from catwalk.paths import Paths
from catwalk.prepare import Prepared
from catwalk.space import Params

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

NETS = 2  # where no clock is asked (TRIALS=)
STARTING = 10.0  # seconds until a process trains
PEER = 0.5  # of the heaviest weight; a network with less (as a baseline) is none to give half of the say to
LEAST = 0.55  # of the epochs that its trial had; a network trained for less is not worth its time
WATCHED = 256  # labelled rows whose loss each epoch reports; they were learned from


Answer = tuple[int, npt.NDArray[np.float32]]  # epochs, and probabilities of the test rows


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


def heaviest(weights: npt.NDArray[np.floating]) -> list[int]:
    """Places of the networks worth training again, by their weights in the ensemble, the heaviest first."""
    order = np.argsort(-weights, kind="stable")
    return [int(i) for i in order if weights[i] >= PEER * weights.max()]


def make(
    paths: Paths,
    prepared: Prepared,
    split_seed: int,
    trials: "list[FrozenTrial]",
    budget: float | None,
    until: float | None,
    say: Callable[[str], None],
) -> Refit | None:
    """Train again, a network a core, if the time is enough for that.

    Args:
        paths: the competition's.
        prepared: its arrays and split.
        split_seed: SEED, by which the processes find the same.
        trials: those worth it, the weightiest first.
        budget: seconds of the whole search; None: it was limited by TRIALS=, so the clock is not asked.
        until: ``time.time()`` by which they are trained, if that is earlier; None: there is no such time.
        say: takes lines for people.

    Returns:
        None where the time is too short, a search needs the cores, or no network got far enough.
    """
    seconds = None if budget is None else limits.REFIT * budget
    if until is not None:
        seconds = min(seconds or math.inf, until - time.time())
    rows = len(prepared.train) + len(prepared.validation)
    count = NETS if seconds is None else limits.workers(None, limits.available_memory())
    fitting = trials
    if seconds is not None:
        more = rows / len(prepared.train)
        fitting = [trial for trial in trials if seconds >= STARTING + LEAST * more * _seconds_of(trial)]
    # Where fewer fit than there are cores, the same one learns again from other seeds.
    chosen = [fitting[k % len(fitting)] for k in range(count)] if fitting else []
    ends = None if seconds is None else time.time() + seconds
    tasks = [
        Task(
            paths.root,
            paths.competition,
            split_seed,
            space.whole(trial.params),
            trial.user_attrs["precision"],
            int(trial.user_attrs["seed"]) + 50_000 * (1 + k),
            len(trial.user_attrs["history"]),
            ends,
        )
        for k, trial in enumerate(chosen)
    ]
    with progress.lock_if_free(paths) as free:  # a search would take its cores
        if not tasks or not free:
            return None
        within = "" if seconds is None else f", up to {seconds:.0f} s"
        say(f"predict: {len(tasks)} of the chosen networks learn again, from all {rows:,} labels{within}")
        answers = _run(tasks, seconds)
    made, tests = [], []
    for trial, task, answer in zip(chosen, tasks, answers, strict=True):
        if answer is None or answer[0] < LEAST * task.epochs:
            say("  one of them did not get far enough, and is left out")
            continue
        made.append({"trial": trial.number, "seed": task.seed, "epochs": answer[0], "rows": rows})
        tests.append(answer[1])
    return Refit(np.mean(tests, axis=0, dtype=np.float32), made) if made else None


def _seconds_of(trial: "FrozenTrial") -> float:
    """About how long a trial's epochs took, without what it waited for before the first of them."""
    seconds = [epoch["second"] for epoch in trial.user_attrs["history"]]
    if len(seconds) < 2:
        return float(trial.user_attrs.get("seconds", 0.0))
    return float((seconds[-1] - seconds[0]) * len(seconds) / (len(seconds) - 1))


def _run(tasks: list[Task], seconds: float | None) -> list[Answer | None]:
    """Each task in a process of its own, as many at a time as there are cores; a bar of time or of tasks.

    However it ends, no process is left. The answer is None of a process that died.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    cores = limits.workers(None, limits.available_memory())
    columns = TextColumn("  {task.description}"), BarColumn(), TimeElapsedColumn()
    answers: dict[int, Answer | None] = {}
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
                    answers[k] = None
                    with contextlib.suppress(EOFError, OSError):
                        answers[k] = cast(Connection, ready).recv()
                    process.join()
                gone = time.monotonic() - begun if seconds else len(answers)
                bars.update(bar, completed=min(gone, seconds or gone))
    finally:
        for _, process in running.values():
            process.kill()
            process.join()
    return [answers[k] for k in range(len(tasks))]


def _answer(connection: Connection, task: Task) -> None:
    """What a process does: train, send, end."""
    processes.be_a_child()
    connection.send(_train(task))


def _train(task: Task) -> Answer | None:
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
        return None
    return epochs, network.probabilities(training.finish(), prepared.test_pixels)
