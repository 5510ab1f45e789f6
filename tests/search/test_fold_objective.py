"""fold_objective.py: what a fold's training is given beyond a trial's."""

from pathlib import Path

import optuna
import pytest

from catwalk.core import records, tensorflow_setup
from catwalk.core.paths import Paths
from catwalk.data import folds as data_folds
from catwalk.data.prepare import Prepared

tensorflow_setup.setup(threads=1)

from catwalk.models import portfolio  # noqa: E402  (after the set-up)
from catwalk.models.epoch import Epoch  # noqa: E402
from catwalk.models.features import FeatureSet  # noqa: E402
from catwalk.models.train import Training  # noqa: E402
from catwalk.search import fold_study  # noqa: E402
from catwalk.search.fold_objective import FoldObjective  # noqa: E402
from catwalk.search.fold_study import Fold  # noqa: E402
from catwalk.search.trial import Clock  # noqa: E402
from tests.support import planted  # noqa: E402


def test_there_is_time_to_predict_the_test_rows_too(tmp_path: Path, digits: Prepared) -> None:
    """Beside those of the fold that is held out."""
    asked: list[int] = []

    class Begins(FoldObjective):
        def _train(self, trial: optuna.Trial, kind: str, training: Training, history: list[Epoch]) -> float:
            asked.append(training.predicted_rows)
            raise optuna.TrialPruned

    context = planted.context(Paths(tmp_path, "digits"), digits)
    folds = data_folds.of_rows(digits, 5, seed=1)
    views, clock = FeatureSet(context.paths, digits, (8, 8)), Clock(0.0, None, None)
    one = Begins(context, "key", views, "float32", clock, lambda *_: None, folds)
    opened, fold = optuna.create_study(), Fold(1, "portfolio 1", 2, 5, 11)
    attributes = {"kind": fold.title, fold_study.FOLD: records.encode(fold)}
    opened.enqueue_trial(portfolio.PLAIN, user_attrs=attributes)
    with pytest.raises(optuna.TrialPruned):
        one(opened.ask())
    assert asked == [int((folds == 2).sum()) + len(digits.test_pixels)]
