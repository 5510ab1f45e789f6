"""Model store: the kept networks of a study, one file each, with their validation probabilities."""

import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from catwalk.core.paths import Paths, atomic_write
from catwalk.data.prepare import Prepared
from catwalk.models import space

if TYPE_CHECKING:
    import keras
    import optuna
    from optuna.trial import FrozenTrial

# A search keeps at most so many. ``ensemble.weights`` decides how many of them are in an ensemble.
MAX_KEPT_MODELS = 20
# As ``Paths`` names them. A cloud's "trial-00003 (conflicted copy).keras" is none of ours.
KEPT_FILE = re.compile(r"trial-(\d{5,})\.(?:keras|npy|test-\w+\.npy)")
MAX_KEPT_OF_FAMILY = 3  # of each family among them: it errs in its own way, even if it is behind


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
    """The trials whose networks are kept, ``MAX_KEPT_MODELS`` at most.

    These are the best of each family, softmax, for the talk, and the best of the others.

    Args:
        complete: all complete trials, the best first.
    """
    better: Counter[str] = Counter()  # trials of each family
    needed = set()
    for trial in complete:
        family = space.family_in(trial.params)
        if better[family] < MAX_KEPT_OF_FAMILY or trial.user_attrs.get("kind") == "softmax":
            needed.add(trial.number)
        better[family] += 1
    others = [trial.number for trial in complete if trial.number not in needed]
    kept = needed.union(others[: max(0, MAX_KEPT_MODELS - len(needed))])
    return [trial for trial in complete if trial.number in kept]


def drop(paths: Paths, study_key: str, opened: "optuna.Study") -> None:
    """Remove the networks of trials that have ended and are not worth keeping."""
    trials = opened.get_trials(deepcopy=False)
    kept = kept_numbers(trials)
    for file in paths.kept(study_key).glob("trial-*"):
        if is_dropped(number_in(file.name), trials, kept):
            file.unlink(missing_ok=True)


def drop_unfinished(paths: Paths, study_key: str) -> None:
    """Remove the files of a study that killed workers were writing, before any worker is started.

    Nothing of a team's study, for which workers of other machines may be writing.
    """
    if paths.team is None:
        for file in paths.kept(study_key).glob(".trial-*.part.*"):
            file.unlink(missing_ok=True)


def kept_numbers(trials: "list[FrozenTrial]") -> set[int]:
    """The numbers of the trials worth keeping, out of all of a study."""
    complete = [trial for trial in trials if trial.state.name == "COMPLETE"]
    best_first = sorted(complete, key=lambda trial: (-(trial.value or 0.0), trial.number))
    return {trial.number for trial in worth_keeping(best_first)}


def is_dropped(number: int | None, trials: "list[FrozenTrial]", kept: set[int]) -> bool:
    """Whether a trial's network is to be removed: not while the trial runs, or if it is not known yet."""
    if number is None or number >= len(trials):
        return False
    return number not in kept and trials[number].state.is_finished()


def number_in(file_name: str) -> int | None:
    """The trial's number in the name of a kept file; None: it is another file."""
    found = KEPT_FILE.fullmatch(file_name)
    return int(found[1]) if found else None


def is_kept(paths: Paths, study_key: str, number: int) -> bool:
    """Whether a trial's network is completely saved here; the probabilities are written last."""
    return paths.probabilities(study_key, number).is_file() and paths.model(study_key, number).is_file()
