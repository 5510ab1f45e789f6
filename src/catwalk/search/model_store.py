"""Model store: the kept networks of a study, one file each, with their validation probabilities."""

from typing import TYPE_CHECKING

import numpy as np

from catwalk.core.paths import Paths, atomic_write
from catwalk.data.prepare import Prepared

if TYPE_CHECKING:
    import keras

MAX_KEPT_MODELS = 20  # of the best trials: a search keeps so many, and an ensemble is chosen among them


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


def is_kept(paths: Paths, study_key: str, number: int) -> bool:
    """Whether a trial's network is completely saved here; the probabilities are written last."""
    return paths.probabilities(study_key, number).is_file() and paths.model(study_key, number).is_file()
