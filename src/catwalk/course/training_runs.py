"""Training runs: runs the exercises' training plans in parallel, one process per core, and saves each run."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import astuple, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from catwalk.core import processes
from catwalk.core.errors import UserError
from catwalk.core.paths import atomic_write
from catwalk.course import pictures as exercise_pictures
from catwalk.course.exercise import Exercise
from catwalk.course.numpy_network import Array, Batches, History, Network, descend, initial
from catwalk.course.pictures import Pictures
from catwalk.report.results import project_root
from catwalk.search import limits


@dataclass(frozen=True)
class Plan:
    """The hyperparameters of a training run.

    Attributes:
        hidden: units of the hidden layer (ReLU); None for softmax only.
        rate: the learning rate.
        batch: pictures per update; None for all of them (batch gradient descent).
        epochs: how often all pictures are seen.
        seed: of the first weights and of the batches.
    """

    hidden: int | None
    rate: float
    batch: int | None
    epochs: int
    seed: int = 1

    def __post_init__(self) -> None:
        if self.hidden is not None and self.hidden < 1:
            raise UserError(
                f"a hidden layer of {self.hidden} units", fix="choose at least 1, or None for softmax only"
            )
        if self.rate <= 0 or self.epochs < 1 or (self.batch is not None and self.batch < 1):
            raise UserError(f"{self}", fix="choose rate, epochs and batch above 0")

    def __str__(self) -> str:
        layer = "softmax only" if self.hidden is None else f"{self.hidden} hidden units"
        batch = "full batch" if self.batch is None else f"batches of {self.batch}"
        return f"{layer}, {batch}, learning rate {self.rate:g}, {self.epochs} epochs"

    def updates(self, rows: int) -> int:
        """The number of updates in one epoch over ``rows`` pictures."""
        return -(-rows // (self.batch or rows))


@dataclass(frozen=True)
class Run:
    """The result of a plan.

    Attributes:
        plan: what was done.
        history: on training pictures, and (as ``other``) on validation pictures.
        seconds: of an epoch in processor time, one thread, the evaluation of both included.
        network: as it was after the last epoch.
    """

    plan: Plan
    history: History
    seconds: float
    network: Network


def start(plan: Plan, sizes: tuple[int, int], dtype: type = np.float32) -> Network:
    """The initial network of a plan: weights with standard deviation 1 / sqrt(inputs), biases 0."""
    inputs, classes = sizes
    hidden = () if plan.hidden is None else (plan.hidden,)
    return initial((inputs, *hidden, classes), plan.seed, gain=1.0, activation="relu", dtype=dtype)


def train(plan: Plan, train_part: tuple[Array, Array], validation: tuple[Array, Array]) -> Run:
    """Run one plan in this process."""
    network = start(plan, (train_part[0].shape[1], train_part[1].shape[1]))
    began = time.process_time()  # what other programs take does not count
    batches = None if plan.batch is None else Batches(plan.batch, plan.seed)
    history = descend(network, train_part, validation, rate=plan.rate, epochs=plan.epochs, batches=batches)
    seconds = (time.process_time() - began) / max(1, len(history.loss) - 1)
    return Run(plan, history, seconds, network)


def train_all(plans: list[Plan], pictures: Pictures, exercise: Exercise) -> list[Run]:
    """Run all plans that are not saved yet, as many in parallel as there are cores.

    Args:
        plans: in any order; the runs come in the same.
        pictures: to learn from and to choose by.
        exercise: saves each run, so that a second call takes no time.
    """
    files = [_file(exercise, plan, pictures) for plan in plans]
    missing = {file: plan for file, plan in zip(files, plans, strict=True) if not file.is_file()}
    for done in _in_processes(missing, pictures):
        exercise.progress(f"{done} of {len(missing)} training runs")
    exercise.progress("")
    return [_read(file, plan) for file, plan in zip(files, plans, strict=True)]


def _in_processes(missing: dict[Path, Plan], pictures: Pictures) -> Iterator[int]:
    """Train and save the runs; yield the number that are done after each."""
    if not missing:
        return
    # The longest first, so that the last one does not run alone.
    order = sorted(missing, key=lambda file: -missing[file].epochs * (missing[file].hidden or 1))
    try:
        with processes.environment(processes.ONE_THREAD):
            pool = _pool(pictures)
            futures: list[Future[None]] = [
                pool.submit(_train_and_keep, file, missing[file]) for file in order
            ]
        for done, future in enumerate(as_completed(futures), 1):
            future.result()
            yield done
    except BaseException:
        end_processes()
        raise


_pools: dict[tuple[Path, str], ProcessPoolExecutor] = {}  # at most one


def _pool(pictures: Pictures) -> ProcessPoolExecutor:
    """The processes that train on these pictures; they are kept, for each has to load the pictures first."""
    key = (project_root().resolve(), pictures.fingerprint)
    if key not in _pools:
        end_processes()
        name = pictures.competition.name
        _pools[key] = ProcessPoolExecutor(
            limits.cpu_workers(), get_context("spawn"), initializer=_begin, initargs=(name,)
        )
    return _pools[key]


def end_processes() -> None:
    """End the processes that train, where no more runs are wanted; the next run would start them again."""
    for key in list(_pools):
        _pools.pop(key).shutdown(cancel_futures=True)


_arrays: list[tuple[Array, Array]] = []  # of a worker: training and validation pictures


def _begin(competition: str) -> None:
    processes.be_a_child()
    pictures = exercise_pictures.load(competition)
    _arrays[:] = [pictures.train.arrays(), pictures.validation.arrays()]


def _train_and_keep(file: Path, plan: Plan) -> None:
    run = train(plan, *_arrays)
    history = np.array([run.history.loss, run.history.accuracy,
                        run.history.other_loss, run.history.other_accuracy])  # fmt: skip
    arrays = {f"{name}_{i}": value for name in ("weights", "biases")
              for i, value in enumerate(getattr(run.network, name))}  # fmt: skip
    with atomic_write(file) as aside:
        np.savez(aside, history=history, seconds=run.seconds, **arrays)


def _read(file: Path, plan: Plan) -> Run:
    with np.load(file) as kept:
        layers = range(1 if plan.hidden is None else 2)
        network = Network(
            [kept[f"weights_{i}"] for i in layers], [kept[f"biases_{i}"] for i in layers], "relu"
        )
        history = History(*(row.tolist() for row in kept["history"]))
        return Run(plan, history, float(kept["seconds"]), network)


def _file(exercise: Exercise, plan: Plan, pictures: Pictures) -> Path:
    """The file of a run; its name contains everything that the run depends on."""
    said = "-".join("all" if value is None else f"{value:g}" for value in astuple(plan))
    return exercise.folder / "runs" / f"{pictures.fingerprint}-{pictures.split}-{said}.npz"
