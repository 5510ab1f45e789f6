"""Kept networks: the predictions of the networks that a search has kept."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from catwalk.core import processes
from catwalk.core.errors import UNREADABLE_ARRAYS, UserError
from catwalk.core.paths import Paths, atomic_write
from catwalk.data.prepare import Prepared
from catwalk.models import space
from catwalk.search import progress
from catwalk.submission import made_before
from catwalk.submission.chosen_trials import Chosen
from catwalk.submission.ensemble import Ensemble
from catwalk.submission.recipe import Recipe

if TYPE_CHECKING:
    import optuna


def predict_proba(paths: Paths, made: Recipe, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """What a submission's chosen networks predict for other pictures: (rows, classes) float32.

    Args:
        paths: the competition's.
        made: the submission's recipe.
        pixels: (rows, pixels) uint8.

    Raises:
        UserError: a network is no longer kept.
    """
    try:
        if not made_before.is_of_study(made, progress.read(paths).get(made.study, progress.NOTHING).began):
            raise FileNotFoundError  # those of this name are of a new study, see ``predict``
        return average(paths, made.networks, made.ensemble.of_folds(made.folds), pixels)
    except FileNotFoundError:
        raise UserError(
            f"a network of this submission is no longer in {paths.shown(paths.study)}",
            fix="run make predict NAME=<new name> to make one from the networks that are left",
        ) from None


def average(
    paths: Paths, networks: Iterable[tuple[str, int]], joined: Ensemble, pixels: npt.NDArray[np.uint8]
) -> npt.NDArray[np.float32]:
    """(rows, classes) float32: the weighted mean over the networks of these trials.

    Args:
        paths: the competition's.
        networks: each one's study key and number.
        joined: their weights and temperatures.
        pixels: (rows, pixels) uint8.

    Raises:
        FileNotFoundError: a network is not kept any more.
    """
    files = [paths.model(study, number) for study, number in networks]
    return joined.average(np.stack(processes.call(_probabilities, files, pixels)))


@dataclass(frozen=True)
class Weights:
    """Learned weights that the talk shows; None where no such network is kept or chosen.

    Attributes:
        softmax: (pixels, classes) float32, of the softmax baseline.
        filters: (side, side, channels, filters) float32, the first convolution of the best convolutional
            network of the ensemble.
    """

    softmax: npt.NDArray[np.float32] | None
    filters: npt.NDArray[np.float32] | None


def write_weights(file: Path, weights: Weights) -> None:
    """Write the weights that there are; nothing if there are none."""
    shown = {"softmax": weights.softmax, "filters": weights.filters}
    arrays: dict[str, Any] = {name: array for name, array in shown.items() if array is not None}
    if arrays:
        with atomic_write(file) as path:
            np.savez_compressed(path, **arrays)


def read_weights(file: Path) -> Weights:
    """Read what ``write_weights`` wrote.

    Raises:
        errors.UNREADABLE_ARRAYS: the file is damaged.
    """
    if not file.is_file():
        return Weights(None, None)
    with np.load(file) as arrays:
        return Weights(arrays.get("softmax"), arrays.get("filters"))


def average_and_weights(
    paths: Paths,
    opened: "optuna.Study",
    chosen: Chosen,
    networks: Sequence[tuple[str, int]],
    prepared: Prepared,
) -> tuple[npt.NDArray[np.float32], Weights]:
    """The mean (test rows, classes) float32 over the networks, and weights for the talk.

    Args:
        paths: the competition's.
        opened: the search's study.
        chosen: its trials.
        networks: those of the trials, as many of each: the study's key and the number.
        prepared: gives the test rows.

    Raises:
        FileNotFoundError: a network is not kept any more.
    """
    from catwalk.search import study

    key, folds = study.key(opened), len(networks) // len(chosen.trials)
    files = [paths.model(*network) for network in networks]
    known = [paths.test_probabilities(*network, prepared.test_fingerprint) for network in networks]
    saved = [_saved(file) for file in known]
    others = [file for file, there in zip(files, saved, strict=True) if there is None]
    softmax = [
        paths.model(key, trial.number)
        for trial in study.complete(opened)
        if trial.user_attrs.get("kind") == "softmax" and paths.model(key, trial.number).is_file()
    ]
    conv = [
        file
        for file, trial in zip(files[::folds], chosen.trials, strict=True)
        if space.family_in(trial.params) == "conv"
    ]
    rest, weights = processes.call(
        _probabilities_and_weights, others, prepared.test_pixels, softmax[:1], conv[:1]
    )
    computed = iter(rest)
    answers = np.stack([next(computed) if there is None else there for there in saved])
    return chosen.ensemble.of_folds(folds).average(answers), weights


def _saved(file: Path) -> npt.NDArray[np.float32] | None:
    """The probabilities in a file; None: there is none, or it is damaged, and its network computes them."""
    try:
        return np.asarray(np.load(file))
    except UNREADABLE_ARRAYS:
        return None


def _probabilities(files: list[Path], pixels: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.float32]]:
    """(rows, classes) of each network; the only code here that needs TensorFlow, in a process of its own."""
    from catwalk.core import tensorflow_setup

    tensorflow_setup.setup()
    from catwalk.models import network

    return [network.probabilities(network.load(file), pixels) for file in files]


def _probabilities_and_weights(
    files: list[Path], pixels: npt.NDArray[np.uint8], softmax: list[Path], conv: list[Path]
) -> tuple[list[npt.NDArray[np.float32]], Weights]:
    answers = _probabilities(files, pixels)
    from catwalk.models import network

    return answers, Weights(
        softmax=network.pixel_weights(network.load(softmax[0])) if softmax else None,
        filters=network.stem_filters(network.load(conv[0])) if conv else None,
    )
