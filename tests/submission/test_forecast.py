"""forecast.py: intervals that hold what they promise, on networks whose true accuracy is known."""

import numpy as np
import numpy.typing as npt
import pytest

from catwalk.models import metrics
from catwalk.submission import ensemble, forecast


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


def test_weights_chosen_for_coin_tosses_are_seen_as_optimism() -> None:
    """Twenty networks that are right half of the time: more, where their weights were chosen, is luck."""
    gaps, said = [], []
    for seed in range(3):
        tossed, labels = networks(20, 60, 0.5, seed)
        chosen = ensemble.select(tossed, labels).average(tossed)
        gaps.append(metrics.accuracy(chosen, labels) - 0.5)
        said.append(forecast.optimism(tossed, labels))
    assert min(gaps) > 0.05, "they do look too good"
    assert min(said) > 0.05


def test_the_forecast_is_the_accuracy_less_the_optimism() -> None:
    """The mean lead on the half that chose, over sqrt(2): a choice on all rows has half the variance."""
    tossed, labels = networks(20, 60, 0.5, 0)
    accuracy = metrics.accuracy(ensemble.select(tossed, labels).average(tossed), labels)
    said = forecast.estimate(tossed, labels, accuracy, 1000)
    random, leads = np.random.default_rng(0), list[float]()
    for _ in range(forecast.HALVES):
        order = random.permutation(60)
        here, there = order[:30], order[30:]
        joined = ensemble.select(tossed[:, here], labels[here]).average(tossed)
        is_right = joined.argmax(axis=1) == labels
        leads.append(float(is_right[here].mean() - is_right[there].mean()))
    assert said.optimism == pytest.approx(np.mean(leads) / 2**0.5)
    assert said.optimism > 0.05
    assert said.accuracy == pytest.approx(accuracy - said.optimism)


def test_one_network_was_not_chosen() -> None:
    one, labels = networks(1, 500, 0.9, 1)
    assert forecast.optimism(one, labels) == 0


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_ends_of_the_scale(share: float) -> None:
    said = forecast.estimate(*networks(1, 50, share, 2), share, 20)
    assert 0 <= said.interval[0] <= said.accuracy <= said.interval[1] <= 1
