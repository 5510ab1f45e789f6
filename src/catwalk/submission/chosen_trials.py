"""Chosen trials: the kept networks that form the ensemble, chosen by validation probabilities alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.data import duplicates, prepare
from catwalk.models import metrics
from catwalk.search.model_store import is_kept
from catwalk.submission import ensemble, forecast
from catwalk.submission.ensemble import Ensemble
from catwalk.submission.recipe import RecipeTrial

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from catwalk.search.trial_record import TrialRecord


@dataclass(frozen=True)
class Chosen:
    """The trials of an ensemble.

    Attributes:
        trials: those with a weight, the best first.
        ensemble: how they are averaged.
        validation: (validation rows, classes) float32, its probabilities.
        best_single: validation accuracy of the best trial alone.
        best_number: that trial's number.
        forecast: the accuracy that is expected on the test rows.
    """

    trials: "list[TrialRecord]"
    ensemble: Ensemble
    validation: npt.NDArray[np.float32]
    best_single: float
    best_number: int
    forecast: forecast.Forecast

    def of_recipe(self) -> tuple[RecipeTrial, ...]:
        """The trials as the recipe stores them."""
        shares = zip(self.trials, self.ensemble.weights, self.ensemble.temperatures, strict=True)
        return tuple(
            RecipeTrial(
                number=trial.number,
                member=trial.member,
                weight=float(weight),
                temperature=float(temperature),
                validation_accuracy=trial.accuracy,
                seed=trial.seed,
                precision=trial.precision,
                plan=trial.plan,
                params=trial.params,
            )
            for trial, weight, temperature in shares
        )


def choose(paths: Paths, prepared: prepare.Prepared, study: str, trials: "list[FrozenTrial]") -> Chosen:
    """Choose an ensemble by validation alone, among the trials whose networks are kept.

    Args:
        paths: the competition's.
        prepared: its arrays and split.
        study: the study's key.
        trials: all complete ones, the best first.

    Raises:
        FileNotFoundError: no network is kept, or one was dropped meanwhile.
        UserError: a kept file is damaged.
    """
    from catwalk.search import trial_record

    kept = [trial for trial in trials if is_kept(paths, study, trial.number)]
    if not kept:
        raise FileNotFoundError
    probabilities = np.stack([_probabilities(paths.probabilities(study, t.number)) for t in kept])
    labels = prepared.labels[prepared.validation]
    selected = ensemble.select(probabilities, labels)
    used = np.flatnonzero(selected.weights)
    chosen = Ensemble(selected.weights[used], selected.temperatures[used])
    both = chosen.average(probabilities[used])
    return Chosen(
        [trial_record.of(kept[i]) for i in used],
        chosen,
        both,
        float(kept[0].value or 0.0),  # they come best first, of equals the earlier one
        kept[0].number,
        forecast.estimate(
            probabilities,
            labels,
            metrics.accuracy(both, labels),
            duplicates.count(prepared).test,
            duplicates.groups(prepared, prepared.validation),
        ),
    )


def missing(paths: Paths) -> UserError:
    """The error where no network is kept."""
    return UserError(
        f"networks are missing in {paths.shown(paths.study)}",
        fix="run make search with a larger BUDGET to train new ones",
    )


def _probabilities(path: Path) -> npt.NDArray[np.float32]:
    try:
        return np.asarray(np.load(path))
    except (ValueError, EOFError):
        raise UserError(
            f"{path} is damaged",
            fix="rename it and the .keras file next to it, then run make predict again",
        ) from None
