"""Model store: the kept networks of a study, one file each, with their validation probabilities."""

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from catwalk.core.paths import Paths, atomic_write
from catwalk.data.prepare import Prepared
from catwalk.models import space

if TYPE_CHECKING:
    import keras
    from optuna.trial import FrozenTrial

MAX_KEPT_MODELS = 20  # of the best trials: a search keeps so many, and an ensemble is chosen among them
MAX_KEPT_OF_FAMILY = 3  # of each family in any case: it errs in its own way, even if it is behind


def keep(paths: Paths, study_key: str, number: int, prepared: Prepared, model: "keras.Model") -> float:
    """Save a trained network, then its validation probabilities; return the accuracy (the trial's value)."""
    from catwalk.models import network
    from catwalk.models.metrics import accuracy

    rows = prepared.validation
    probabilities = network.probabilities(model, prepared.pixels, rows)
    with atomic_write(paths.model(study_key, number)) as path:
        model.save(path)
    with atomic_write(paths.probabilities(study_key, number)) as path:
        np.save(path, probabilities)
    return accuracy(probabilities, prepared.labels[rows])


def keep_test(paths: Paths, study_key: str, number: int, prepared: Prepared, model: "keras.Model") -> None:
    """Save a trained network's test probabilities, (test rows, classes) float32; before ``keep``."""
    from catwalk.models import network

    probabilities = network.probabilities(model, prepared.test_pixels)
    with atomic_write(paths.test_probabilities(study_key, number, prepared.test_fingerprint)) as path:
        np.save(path, probabilities)


def worth_keeping(complete: "list[FrozenTrial]") -> "list[FrozenTrial]":
    """The trials whose networks are kept: the best, the best of each family, and softmax, for the talk.

    Args:
        complete: all complete trials, the best first.
    """
    better: Counter[str] = Counter()  # trials of each family
    worth = []
    for trial in complete:
        family = space.family_in(trial.params)
        if is_among_best(better, family) or trial.user_attrs.get("kind") == "softmax":
            worth.append(trial)
        better[family] += 1
    return worth


def is_among_best(better: "Counter[str]", family: str) -> bool:
    """Whether a network of this family is kept, with so many better trials of each family."""
    return better.total() < MAX_KEPT_MODELS or better[family] < MAX_KEPT_OF_FAMILY


def is_kept(paths: Paths, study_key: str, number: int) -> bool:
    """Whether a trial's network is completely saved here; the probabilities are written last."""
    return paths.probabilities(study_key, number).is_file() and paths.model(study_key, number).is_file()
