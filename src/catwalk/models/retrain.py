"""Retrain: trains a network again from its parameters, in a separate process."""

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from catwalk.core.paths import Paths
from catwalk.data import folds, prepare
from catwalk.models.space import Params

if TYPE_CHECKING:
    import keras

WATCHED = 256  # labelled rows whose loss each epoch reports, where all of them are trained on


@dataclass(frozen=True)
class Task:
    """One network to train: the input of its process.

    Attributes:
        paths, split_seed: the competition's, and SEED, by which the process finds the same rows.
        params, seed: of the training.
        precision: of the training, if this machine has it, see ``precision.here``.
        plan: how many epochs were planned at the start and after each epoch, as in the first
            training; it determines the learning rates.
        everything: whether it is trained on training and validation rows together.
        fold: the fold that is held out of all labelled rows, and how many there are; None: the split.
        ends: ``time.time()`` by which it is trained, with its own plan; None: no time limit.
    """

    paths: Paths
    split_seed: int
    params: Params
    precision: str
    seed: int
    plan: tuple[int, ...]
    everything: bool = False
    fold: tuple[int, int] | None = None
    ends: float | None = None


@dataclass(frozen=True)
class Trained:
    """A trained network and how it was trained.

    Attributes:
        model: from raw pixels to probabilities.
        prepared: the arrays, and the split that it was trained on; in folds, the fold is its validation.
        plan: as a task's.
    """

    model: "keras.Model"
    prepared: prepare.Prepared
    plan: tuple[int, ...]


def train(task: Task) -> Trained | None:
    """Train; None if it did not finish an epoch in time. To be called in a separate process only.

    Raises:
        DivergedError: the loss became NaN or infinite.
    """
    from catwalk.core import tensorflow_setup

    tensorflow_setup.setup(threads=1)
    from catwalk.data import competition as competitions
    from catwalk.models import precision
    from catwalk.models.features import FeatureSet
    from catwalk.models.train import OutOfTimeError, Training

    prepared = learning = prepare.load(task.paths, task.split_seed)
    loaded = competitions.load(task.paths)
    if task.everything:
        everything = np.sort(np.concatenate([prepared.train, prepared.validation]))
        learning = replace(prepared, train=everything, validation=prepared.validation[:WATCHED])
    if task.fold is not None:
        fold, count = task.fold
        learning = folds.held_out(prepared, folds.load(task.paths, prepared, count), fold)
    views = FeatureSet(task.paths, prepared, loaded.shape)  # fixed features stay those of the search
    how_precise = precision.here(task.precision)
    training = Training(learning, loaded, views, how_precise, task.params, task.seed)
    if task.everything:  # then its process predicts the test rows, for which the time must last too
        training.predicted_rows = len(prepared.test_pixels)
    if task.ends is None:
        epochs = training.epochs(task.plan[0], None, plan=task.plan[1:])
    else:
        # Its core trains nothing else in this time, so there is no plan for trainings to come.
        ends = time.monotonic() + task.ends - time.time()
        epochs = training.epochs(task.plan[-1], ends, may_stretch=False)
    planned = [task.plan[0]]
    try:
        planned.extend(epoch.epochs for epoch in epochs)
    except OutOfTimeError:
        return None
    return Trained(training.finish(), prepared if task.fold is None else learning, tuple(planned))
