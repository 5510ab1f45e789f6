"""metrics.py: against scikit-learn and by hand."""

import numpy as np
import pytest

from catwalk.models import metrics


def test_by_hand() -> None:
    labels, predicted = np.array([0, 0, 1, 1, 2]), np.array([0, 1, 1, 1, 0])
    scores = metrics.score(predicted, labels, 3)
    assert scores.accuracy == 0.6
    np.testing.assert_array_equal(scores.confusion, [[1, 1, 0], [0, 2, 0], [1, 0, 0]])
    # One against rest, (TP + TN) / N: class 0 has 1 + 2 of 5 right, class 1 2 + 2, class 2 0 + 4.
    np.testing.assert_allclose(scores.by_class[:, 0], [0.6, 0.8, 0.8])
    np.testing.assert_allclose(scores.by_class[:, 1], [1 / 2, 2 / 3, 0])
    np.testing.assert_allclose(scores.by_class[:, 2], [1 / 2, 1, 0])
    assert scores.precision == pytest.approx((1 / 2 + 2 / 3) / 3)
    assert scores.recall == pytest.approx(0.5)


def test_wilson_is_the_published_interval() -> None:
    """Newcombe 1998 (Statistics in Medicine 17:857), table I: 81 of 263, and 0 of 20."""
    assert metrics.wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert metrics.wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_a_class_never_predicted_counts_as_zero() -> None:
    scores = metrics.score(np.array([0, 0]), np.array([0, 1]), 2)
    assert scores.by_class[1].tolist() == [0.5, 0.0, 0.0, 0.0]


def test_paired_is_mcnemar_s_exact_test() -> None:
    first = np.array([True] * 90 + [False] * 10)
    second = np.array([True] * 88 + [False] * 2 + [True] * 9 + [False])
    found = metrics.mcnemar(first, second)
    assert (found.only_first, found.only_second) == (2, 9)
    assert found.difference == pytest.approx(0.07)
    assert found.interval[0] < found.difference < found.interval[1]
    assert found.p == pytest.approx(2 * (1 + 11 + 55) / 2**11)  # two-sided binomial of 2 in 11
    assert metrics.mcnemar(first, first).p == 1
