"""The objective of a fold's training: as a trial's, with the search's parameters and another split."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace

import keras
import numpy as np
import numpy.typing as npt
import optuna

from catwalk.data import folds as data_folds
from catwalk.data.run_context import RunContext
from catwalk.models.train import Training
from catwalk.search import fold_study, model_store
from catwalk.search.trial import Objective, Plan

SEEDS = 20_000  # between those of the search's trials and of the folds' trainings
LEAST = 0.55  # of the planned epochs; a network trained for less is not averaged


@dataclass(frozen=True)
class FoldObjective(Objective):
    """The objective that Optuna calls for each fold; ``context`` is under the folds' name.

    The features are those of the search: computed without labels from the split's training rows, of which
    some are in the fold that is predicted.

    Attributes:
        folds: (rows,) uint8, each labelled row's fold.
    """

    folds: npt.NDArray[np.uint8]

    @staticmethod
    def of(context: RunContext, count: int) -> "Callable[..., FoldObjective]":
        """The class with the folds of these rows."""
        return functools.partial(FoldObjective, folds=data_folds.load(context.paths, context.prepared, count))

    def __call__(self, trial: optuna.Trial) -> float:
        """Train, and return the accuracy on the fold that is held out."""
        prepared = data_folds.held_out(self.context.prepared, self.folds, fold_study.of(trial).fold)
        held_out = replace(self, context=replace(self.context, prepared=prepared))
        return Objective.__call__(held_out, trial)

    def _training(self, trial: optuna.Trial, kind: str) -> Training:
        training = super()._training(trial, kind)
        training.predicted_rows += len(self.context.prepared.test_pixels)
        return training

    def _keep(self, number: int, model: keras.Model) -> float:
        model_store.keep_test(self.context.paths, self.study, number, self.context.prepared, model)
        return super()._keep(number, model)

    def _origin(self, trial: optuna.Trial) -> str:
        return fold_study.of(trial).kind

    def _seed(self, trial: optuna.Trial) -> int:
        fold = fold_study.of(trial)
        return self.context.seed * 100_000 + SEEDS + fold.count * fold.trial + fold.fold

    def _plan(self, trial: optuna.Trial, training: Training) -> Plan:
        epochs = fold_study.of(trial).epochs
        return Plan(epochs, every=1, least=round(LEAST * epochs), may_stretch=False)
