"""Kept networks: what those that a search has kept answer for pictures."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.submission.ensemble import Ensemble
from catwalk.submission.recipe import Recipe

if TYPE_CHECKING:
    import optuna


def predict_proba(paths: Paths, made: Recipe, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """What a submission's chosen networks say of other pictures: (rows, classes) float32.

    Args:
        paths: the competition's.
        made: the submission's recipe.
        pixels: (rows, pixels) uint8.

    Raises:
        UserError: a network is no longer kept.
    """
    try:
        return average(paths, made.study, [one.number for one in made.trials], made.ensemble, pixels)
    except FileNotFoundError:
        raise UserError(
            f"a network of this submission is no longer below {paths.shown(paths.study)}",
            fix="make predict NAME=<new name> makes one of those that are",
        ) from None


def average(
    paths: Paths, study: str, numbers: list[int], joined: Ensemble, pixels: npt.NDArray[np.uint8]
) -> npt.NDArray[np.float32]:
    """(rows, classes) float32: the weighted mean over the networks of these trials.

    Args:
        paths: the competition's.
        study: the study's key.
        numbers: of the trials.
        joined: their weights and temperatures.
        pixels: (rows, pixels) uint8.

    Raises:
        FileNotFoundError: a network is not kept any more.
    """
    from catwalk.core import tensorflow_setup

    tensorflow_setup.setup()
    from catwalk.models import network

    networks = (network.load(paths.model(study, number)) for number in numbers)
    return joined.average(np.stack([network.probabilities(model, pixels) for model in networks]))


def softmax_weights(paths: Paths, opened: "optuna.Study") -> npt.NDArray[np.float32] | None:
    """(pixels, classes), for the talk: the baseline's only layer; None where its trial never finished."""
    from catwalk.models import network
    from catwalk.search import study

    for trial in study.complete(opened):
        path = paths.model(study.key(opened), trial.number)
        if trial.user_attrs.get("kind") == "softmax" and path.is_file():
            return network.pixel_weights(network.load(path))
    return None
