"""out_of_fold.py: weights and figures come from all labelled rows, each predicted by what did not see it."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import cross_val_predict

from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.data import folds
from catwalk.data.prepare import Prepared
from catwalk.data.run_context import RunContext
from catwalk.models import metrics
from catwalk.search import fold_study, study
from catwalk.submission import ensemble, out_of_fold
from tests.support import planted


@pytest.fixture
def context(tmp_path: Path, digits: Prepared) -> RunContext:
    return planted.context(Paths(tmp_path, "digits"), digits)


def test_all_rows_choose_and_validate(context: RunContext) -> None:
    opened = planted.search(context)
    assert out_of_fold.choose(context, opened, 5) is None, "nothing is trained yet"
    trained = planted.train(context, 0, 5)
    planted.train(context, 1, 5)
    made = out_of_fold.choose(context, opened, 5)
    assert made is not None
    labels, of_rows = np.asarray(context.prepared.labels), folds.load(context.paths, context.prepared, 5)
    pixels = np.asarray(context.prepared.pixels) / 255
    parts = [(np.flatnonzero(of_rows != fold), np.flatnonzero(of_rows == fold)) for fold in range(5)]
    expected = np.stack(
        [
            cross_val_predict(planted.MODELS[number], pixels, labels, cv=parts, method="predict_proba")
            for number in (1, 0)  # the best first
        ]
    ).astype(np.float32)
    selected = ensemble.select(expected, labels)
    np.testing.assert_allclose(made.chosen.ensemble.weights, selected.weights[selected.weights > 0])
    np.testing.assert_allclose(made.chosen.validation, selected.average(expected), atol=1e-6)
    assert made.chosen.validation.shape == (1437, 10)
    assert made.chosen.best_number == 1
    assert made.chosen.best_single == np.mean(expected[0].argmax(axis=1) == labels)
    assert [(one.trial, one.fold) for one in made.networks[:5]] == [(1, fold) for fold in range(5)]
    assert {one.seed for one in made.networks} == {1}
    assert made.study == study.key(trained)
    low, high = made.chosen.forecast.interval
    assert low < made.chosen.forecast.accuracy < high


def test_a_configuration_needs_all_its_folds(context: RunContext) -> None:
    opened = planted.search(context)
    planted.train(context, 1, 5, only=(0, 1, 3, 4))
    assert out_of_fold.choose(context, opened, 5) is None
    planted.train(context, 0, 5)
    made = out_of_fold.choose(context, opened, 5)
    assert made is not None
    assert {one.trial for one in made.networks} == {0}
    planted.train(context, 1, 5, only=(2,))
    made = out_of_fold.choose(context, opened, 5)
    assert made is not None
    assert {one.trial for one in made.networks} >= {1}
    assert out_of_fold.choose(context, opened, 10) is None, "other folds are another study"


def test_a_search_that_went_on_is_not_replaced_by_older_folds(context: RunContext) -> None:
    """The folds of a weak configuration, which was all that the search had then."""
    opened = planted.search(context)
    planted.train(context, 0, 5)
    weak = out_of_fold.choose(context, opened, 5)
    assert weak is not None
    assert out_of_fold.is_behind(context, opened, weak)
    planted.train(context, 1, 5)
    both = out_of_fold.choose(context, opened, 5)
    assert both is not None
    assert not out_of_fold.is_behind(context, opened, both)


@pytest.mark.parametrize(
    ("difference", "p", "is_behind"),
    [(0.01, 0.04, True), (0.01, 0.06, False), (-0.01, 0.04, False), (0.0, 1.0, False)],
)
def test_only_a_clear_difference_counts(
    context: RunContext, monkeypatch: pytest.MonkeyPatch, difference: float, p: float, is_behind: bool
) -> None:
    opened = planted.search(context)
    planted.train(context, 1, 5)
    made = out_of_fold.choose(context, opened, 5)
    assert made is not None
    found = metrics.Paired(1, 1, difference, (difference, difference), p)
    monkeypatch.setattr(metrics, "mcnemar", lambda *_: found)
    assert out_of_fold.is_behind(context, opened, made) == is_behind


def test_a_search_whose_networks_are_gone_is_not_better(context: RunContext) -> None:
    opened = planted.search(context)
    planted.train(context, 0, 5)
    weak = out_of_fold.choose(context, opened, 5)
    assert weak is not None
    for trial in study.complete(opened):
        context.paths.probabilities(study.key(opened), trial.number).unlink()
    assert not out_of_fold.is_behind(context, opened, weak)


def test_a_damaged_file_is_one_line(context: RunContext) -> None:
    """As it may be after a loss of power; once it is renamed, the other configuration is left."""
    opened = planted.search(context)
    planted.train(context, 0, 5)
    trained = planted.train(context, 1, 5)
    damaged = context.paths.probabilities(study.key(trained), 7)
    damaged.write_bytes(b"")
    with pytest.raises(UserError, match=r"00007\.npy is damaged"):
        out_of_fold.choose(context, opened, 5)
    damaged.rename(damaged.with_suffix(".damaged"))
    made = out_of_fold.choose(context, opened, 5)
    assert made is not None
    assert {one.trial for one in made.networks} == {0}


def test_networks_that_are_gone_do_not_count(context: RunContext) -> None:
    opened = planted.search(context)
    trained = planted.train(context, 1, 5)
    assert sorted(fold_study.complete_sets(trained)) == [1]
    context.paths.model(study.key(trained), 2).unlink()
    assert out_of_fold.choose(context, opened, 5) is None
