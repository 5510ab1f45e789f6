"""out_of_fold.py: weights and figures come from all labelled rows, each predicted by what did not see it.

Also: chosen_trials.py.
"""

from dataclasses import replace
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
from catwalk.submission import chosen_trials, ensemble, forecast, out_of_fold
from catwalk.submission.chosen_trials import Chosen
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
    ("difference", "p", "optimism", "is_behind"),
    [
        (0.01, 0.04, 0.0, True),
        (0.01, 0.04, 0.009, True),
        (0.01, 0.04, 0.011, False),
        (0.01, 0.06, 0.0, False),
        (-0.01, 0.04, 0.0, False),
        (0.0, 1.0, 0.0, False),
    ],
)
def test_only_a_clear_difference_counts(
    context: RunContext,
    monkeypatch: pytest.MonkeyPatch,
    difference: float,
    p: float,
    optimism: float,
    is_behind: bool,
) -> None:
    opened = planted.search(context)
    planted.train(context, 1, 5)
    made = out_of_fold.choose(context, opened, 5)
    assert made is not None
    found = metrics.Paired(1, 1, difference, (difference, difference), p)
    monkeypatch.setattr(metrics, "mcnemar", lambda *_: found)
    monkeypatch.setattr(forecast, "optimism", lambda *_: optimism)
    assert out_of_fold.is_behind(context, opened, made) == is_behind


@pytest.mark.parametrize(("fewer", "is_behind"), [(6, False), (40, True)])
def test_what_a_choice_gains_by_chance_is_no_lead(
    context: RunContext, monkeypatch: pytest.MonkeyPatch, fewer: int, is_behind: bool
) -> None:
    """An ensemble of twenty equally good networks against answers that are wrong on some more rows."""
    opened = planted.search(context)
    rows, random = context.prepared.validation, np.random.default_rng(0)
    labels = np.asarray(context.prepared.labels[rows]).astype(int)
    said = np.where(random.random((20, len(rows))) < 0.5, labels, (labels + 1) % 10)
    candidates = (np.eye(10)[said] * 0.5 + 0.05).astype(np.float32)
    selected = ensemble.select(candidates, labels)
    validation = selected.average(candidates)
    own = Chosen([], selected, validation, 0.5, rows, candidates, context.prepared)
    monkeypatch.setattr(chosen_trials, "choose", lambda *_: own)
    answers = np.full((len(context.prepared.labels), 10), 0.1, np.float32)
    answers[rows] = validation
    broken = rows[np.flatnonzero(validation.argmax(axis=1) == labels)[:fewer]]
    answers[broken] = np.eye(10)[(context.prepared.labels[broken] + 1) % 10]
    folds_own = Chosen([], selected, answers, 0.5, rows, candidates, context.prepared)
    found = metrics.mcnemar(*(one.argmax(axis=1) == labels for one in (answers[rows], validation)))
    assert found.p < out_of_fold.CHANCE, "McNemar's test alone calls both leads clear"
    made = out_of_fold.OutOfFold(folds_own, (), "")
    assert out_of_fold.is_behind(context, opened, made) == is_behind


@pytest.mark.parametrize(("more", "is_behind"), [(5, False), (6, True)])
@pytest.mark.parametrize("times", [1, 3])
def test_a_picture_is_compared_once_however_often_it_is_there(
    context: RunContext, monkeypatch: pytest.MonkeyPatch, times: int, more: int, is_behind: bool
) -> None:
    """So many more are right, with p = 0.06 and 0.03; counted three times over, both would be clear."""
    opened, first = planted.search(context), context.prepared
    rows = (times * first.validation[:, None] + np.arange(times)).ravel().astype(np.int32)
    labels = np.repeat(np.asarray(first.labels), times)
    prepared = replace(
        first,
        pixels=np.repeat(np.asarray(first.pixels), times, axis=0),
        labels=labels,
        validation=rows,
        duplicates={**first.duplicates, "train": (times - 1) * len(first.labels)},
    )
    right, wrong = np.eye(10, dtype=np.float32)[labels], rows[: more * times]
    answers = right.copy()
    answers[wrong] = np.eye(10, dtype=np.float32)[(labels[wrong] + 1) % 10]
    alone = ensemble.Ensemble(np.ones(1), np.ones(1))
    own = Chosen([], alone, right[rows], 1.0, rows, right[rows][None], prepared)
    monkeypatch.setattr(chosen_trials, "choose", lambda *_: own)
    made = out_of_fold.OutOfFold(replace(own, validation=answers), (), "")
    assert out_of_fold.is_behind(replace(context, prepared=prepared), opened, made) == is_behind


def test_a_search_whose_networks_are_gone_is_not_better(context: RunContext) -> None:
    opened = planted.search(context)
    planted.train(context, 0, 5)
    weak = out_of_fold.choose(context, opened, 5)
    assert weak is not None
    for trial in study.complete(opened):
        context.paths.probabilities(study.key(opened), trial.number).unlink()
    assert not out_of_fold.is_behind(context, opened, weak)


def test_accuracies_are_those_of_the_networks_that_are_here(context: RunContext) -> None:
    """Where a teammate's trial was trained again, it may be a little better or worse than its record."""
    opened, prepared = planted.search(context), context.prepared
    key, labels = study.key(opened), np.asarray(prepared.labels[prepared.validation])
    first, second = study.complete(opened)
    files = {trial.number: context.paths.probabilities(key, trial.number) for trial in (first, second)}
    again = np.load(files[first.number])
    right = np.flatnonzero(again.argmax(axis=1) == labels)[:2]
    again[right] = np.roll(again[right], 1, axis=1)
    np.save(files[first.number], again)
    here = {number: metrics.accuracy(np.load(file), labels) for number, file in files.items()}
    assert here[second.number] < here[first.number] < (first.value or 0.0)
    made = chosen_trials.choose(context.paths, prepared, key, study.complete(opened))
    assert made.best_single == here[first.number]
    for one in made.recipe_trials():
        assert one.validation_accuracy == here[one.number]
    np.save(files[first.number], np.roll(again, 1, axis=1))
    made = chosen_trials.choose(context.paths, prepared, key, study.complete(opened))
    assert made.best_single == here[second.number], "which is the best one here"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04"])
def test_a_damaged_file_is_one_line(context: RunContext, content: bytes) -> None:
    """As it may be after a loss of power; once it is renamed, the other configuration is left."""
    opened = planted.search(context)
    planted.train(context, 0, 5)
    trained = planted.train(context, 1, 5)
    damaged = context.paths.probabilities(study.key(trained), 7)
    damaged.write_bytes(content)
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
