"""forecast.py: intervals that hold what they promise, on networks whose true accuracy is known."""

import numpy as np
import numpy.typing as npt
import pytest

from catwalk.models import metrics
from catwalk.submission import forecast


def networks(
    count: int, rows: int, share: float, seed: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Networks that are each right with this probability, independently, and sure of what they say."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, rows)
    said = np.where(random.random((count, rows)) < share, labels, (labels + 1) % 10)
    return np.eye(10)[said] * 0.9 + 0.01, labels


@pytest.mark.slow
def test_the_interval_holds_nineteen_times_of_twenty() -> None:
    held = 0
    for seed in range(200):
        both, labels = networks(1, 6000 + 10000, 0.93, seed)
        validation, test = both[:, :6000], both[0, 6000:]
        said = forecast.estimate(
            validation, labels[:6000], metrics.accuracy(validation[0], labels[:6000]), 10000
        )
        low, high = said.interval
        held += low <= metrics.accuracy(test, labels[6000:]) <= high
        assert (high - low) / 2 < 0.01, "at 93% at most one point"
    assert 180 <= held <= 199


@pytest.mark.slow
def test_choosing_among_equals_is_seen_as_optimism() -> None:
    """Twenty networks that are equally good: the best on validation is so by luck."""
    gaps, said = [], []
    for seed in range(10):
        both, labels = networks(20, 1000, 0.8, seed)
        best = max(both, key=lambda one: metrics.accuracy(one, labels))
        gaps.append(metrics.accuracy(best, labels) - 0.8)
        single = both * 0.1 + best * 0.9  # all say nearly the same: averaging gains nothing
        said.append(forecast.optimism(single, labels))
    assert np.mean(gaps) > 0.01, "they do look too good"
    assert np.mean(said) >= 0


def test_one_network_was_not_chosen() -> None:
    one, labels = networks(1, 500, 0.9, 1)
    assert forecast.optimism(one, labels) == 0


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_ends_of_the_scale(share: float) -> None:
    said = forecast.estimate(*networks(1, 50, share, 2), share, 20)
    assert 0 <= said.interval[0] <= said.accuracy <= said.interval[1] <= 1
