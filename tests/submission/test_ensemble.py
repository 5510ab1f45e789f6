"""ensemble.py: selection is never worse on validation than its best member, by the Brier score."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from catwalk.models import metrics
from catwalk.submission import ensemble
from catwalk.submission.ensemble import Ensemble
from tests.support import brier


@given(st.integers(1, 6), st.integers(1, 40), st.integers(2, 5), st.integers(0, 2**31))
def test_never_worse_than_the_best(networks: int, rows: int, classes: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.ones(classes), (networks, rows)).astype(np.float32)
    labels = random.integers(0, classes, rows)
    weights = ensemble.weights(probabilities, labels)
    assert np.isclose(weights.sum(), 1)
    assert (weights >= 0).all()
    chosen = Ensemble(weights, np.ones(networks)).average(probabilities)
    assert brier.score(chosen, labels) <= min(brier.score(one, labels) for one in probabilities) + 1e-6


def test_the_first_pick_is_the_best_and_ties_go_to_the_earlier() -> None:
    labels = np.array([0, 1])
    bad, good = np.full((2, 2), 0.5), np.eye(2) * 0.8 + 0.1
    np.testing.assert_array_equal(ensemble.weights(np.stack([bad, good, good]), labels), [0, 1, 0])


def test_two_halves_are_joined() -> None:
    """Each net knows half of the rows and is unsure of the rest: together they know all."""
    labels = np.array([0, 1, 0, 1])
    sure, unsure = np.eye(2)[labels] * 0.8 + 0.1, np.array([[0.45, 0.55], [0.55, 0.45]] * 2)
    first, second = sure.copy(), sure.copy()
    first[2:], second[:2] = unsure[2:], unsure[:2]
    both = np.stack([first, second])
    chosen = ensemble.select(both, labels)
    assert metrics.accuracy(chosen.average(both), labels) == 1
    np.testing.assert_allclose(chosen.weights, [0.5, 0.5])


@pytest.mark.parametrize("true", [0.5, 1.0, 2.0])
def test_the_temperature_is_found(true: float) -> None:
    """Labels drawn from probabilities that are then made too sure or too unsure."""
    random = np.random.default_rng(1)
    honest = random.dirichlet(np.ones(5) / 2, 20_000)
    labels = (honest.cumsum(axis=1) > random.random((20_000, 1))).argmax(axis=1)
    assert ensemble.temperature(ensemble.scaled(honest, 1 / true), labels) == pytest.approx(true, rel=0.06)


@given(hnp.arrays(np.float64, (7, 3), elements=st.floats(0.01, 1)), st.floats(0.3, 3))
def test_scaling_keeps_the_order(values: npt.NDArray[np.float64], temperature: float) -> None:
    given_ = values / values.sum(axis=1, keepdims=True)
    made = ensemble.scaled(given_, temperature)
    np.testing.assert_allclose(made.sum(axis=1), 1)
    rows = np.arange(7)
    np.testing.assert_allclose(made[rows, given_.argmax(axis=1)], made.max(axis=1))
    np.testing.assert_allclose(ensemble.scaled(given_, 1.0), given_, atol=1e-6)


@given(hnp.arrays(np.float64, (3, 2), elements=st.floats(0.01, 1)))
def test_average_is_the_weighted_mean(values: npt.NDArray[np.float64]) -> None:
    one = values / values.sum(axis=1, keepdims=True)
    stacked = np.stack([one, one[:, ::-1]])
    joined = Ensemble(np.array([0.25, 0.75]), np.ones(2)).average(stacked)
    np.testing.assert_allclose(joined, 0.25 * one + 0.75 * one[:, ::-1], atol=1e-6)


def test_the_networks_of_all_folds_share_the_weight_of_their_configuration() -> None:
    """Two configurations in two folds: the first is made more confident, the second less."""
    four = np.random.default_rng(0).dirichlet(np.ones(3), (4, 5))
    squares, roots = four[:2] ** 2, np.sqrt(four[2:])
    first = (squares / squares.sum(axis=-1, keepdims=True)).mean(axis=0)
    second = (roots / roots.sum(axis=-1, keepdims=True)).mean(axis=0)
    joined = Ensemble(np.array([0.75, 0.25]), np.array([0.5, 2.0])).of_folds(2).average(four)
    np.testing.assert_allclose(joined, 0.75 * first + 0.25 * second, atol=1e-6)
