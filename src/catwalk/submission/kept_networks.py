"""Kept networks: the predictions of the networks that a search has kept."""

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
    """Probabilities of other pictures by a submission's chosen networks: (rows, classes) float32.

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
            f"a network of this submission is no longer in {paths.shown(paths.study)}",
            fix="make predict NAME=<new name> makes one from the networks still there",
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
    """(pixels, classes): the softmax baseline's weights, for the talk; None if its trial never finished."""
    from catwalk.models import network
    from catwalk.search import study

    for trial in study.complete(opened):
        path = paths.model(study.key(opened), trial.number)
        if trial.user_attrs.get("kind") == "softmax" and path.is_file():
            return network.pixel_weights(network.load(path))
    return None
