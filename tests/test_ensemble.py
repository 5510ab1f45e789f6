"""ensemble.py: greedy selection is never worse on validation than its best member."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from catwalk import ensemble, metrics


@given(st.integers(1, 6), st.integers(1, 40), st.integers(2, 5), st.integers(0, 2**31))
def test_never_worse_than_the_best(networks: int, rows: int, classes: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.ones(classes), (networks, rows)).astype(np.float32)
    labels = random.integers(0, classes, rows)
    weights = ensemble.select(probabilities, labels)
    assert np.isclose(weights.sum(), 1)
    assert (weights >= 0).all()
    chosen = metrics.accuracy(ensemble.average(probabilities, weights), labels)
    assert chosen >= max(metrics.accuracy(one, labels) for one in probabilities)


def test_two_halves_are_joined() -> None:
    """Each net knows half of the rows and is unsure of the rest: together they know all."""
    labels = np.array([0, 1, 0, 1])
    sure, unsure = np.eye(2)[labels] * 0.8 + 0.1, np.array([[0.45, 0.55], [0.55, 0.45]] * 2)
    first, second = sure.copy(), sure.copy()
    first[2:], second[:2] = unsure[2:], unsure[:2]
    weights = ensemble.select(np.stack([first, second]), labels)
    assert metrics.accuracy(ensemble.average(np.stack([first, second]), weights), labels) == 1
    np.testing.assert_array_equal(weights, [0.5, 0.5])


@given(hnp.arrays(np.float64, (3, 2), elements=st.floats(0, 1)))
def test_average_is_the_weighted_mean(values: np.ndarray) -> None:
    stacked = np.stack([values, 1 - values])
    np.testing.assert_allclose(
        ensemble.average(stacked, np.array([0.25, 0.75])), 0.75 - values / 2, atol=1e-6
    )
