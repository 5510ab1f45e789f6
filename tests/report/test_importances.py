"""importances.py: which trials and parameters are compared, where there are networks of both families."""

from dataclasses import replace
from typing import Any

import numpy as np

from catwalk.models import portfolio
from catwalk.report import importances
from catwalk.search.trial_record import TrialRecord

RANDOM = np.random.default_rng(0)


def record(number: int, kind: str, value: float, **params: Any) -> TrialRecord:
    return TrialRecord(
        number=number, state="complete", kind=kind, value=value, params=params, history=(), seed=1,
        precision="float32", seconds=1.0, ended=None, versions={},
    )  # fmt: skip


def baselines(value: float) -> list[TrialRecord]:
    """They are dense, and don't name their family."""
    return [
        record(number, kind, value - 0.01 * number, view="pixels", depth=number, learning_rate=1e-3)
        for number, kind in enumerate(portfolio.BASELINES)
    ]


def some(family: str, count: int, first: int, **fixed: Any) -> list[TrialRecord]:
    """Networks of a family, found by the search, whose learning rate hardly matters."""
    made = []
    for number in range(first, first + count):
        rate, size = float(RANDOM.uniform(2e-4, 1e-2)), int(RANDOM.integers(16, 128))
        own = {"conv_width": size} if family == "conv" else {"view": "gradients", "width_1": size}
        value = 0.9 + (0.05 if family == "conv" else 0) + size / 10_000 + rate / 10
        made.append(record(number, "search", value, family=family, learning_rate=rate, **own, **fixed))
    return made


def test_both_families_are_compared_by_what_both_have() -> None:
    trials = [*baselines(0.8), *some("dense", 8, 2), *some("conv", 8, 10)]
    assert importances.compared(trials) == trials
    shares = importances.importances(trials)
    assert list(shares) == ["family", "learning_rate"]
    assert shares["family"] > 0.5
    assert importances.shown_parameters(trials, shares) == ["family", "learning_rate"]
    assert importances.shown_parameters(trials, {}) == ["family", "learning_rate"]
    assert [importances.value(t, "family") for t in trials[:3]] == ["dense"] * 3


def test_baselines_are_left_out_of_convolutional_networks() -> None:
    conv = some("conv", 14, 2)
    trials = [*baselines(0.8), *conv]
    assert importances.compared(trials) == conv
    shares = importances.importances(trials)
    assert list(shares) == ["conv_width", "learning_rate"]
    assert importances.shown_parameters(conv, {}) == ["conv_width", "learning_rate"]
    beaten = [*baselines(1.0), *conv]
    assert importances.compared(beaten) == beaten, "the best trial is never left out"


def test_dense_networks_are_compared_as_ever() -> None:
    trials = [*baselines(0.8), *some("dense", 12, 2)]
    for trial in trials:
        trial.params.pop("family", None)
    assert importances.compared(trials) == trials
    assert list(importances.importances(trials)) == ["view", "learning_rate"]
    assert importances.shown_parameters(trials, {}) == ["view", "depth", "width_1", "learning_rate"]
    assert importances.importances(trials[:4]) == {}, "too few"


def test_what_two_parameters_do_together_is_no_share_of_either() -> None:
    """The accuracy is high where both are low or both are high: neither tells it alone."""
    levels = np.linspace(-1, 1, 8)
    signs = [(first, second) for first in levels for second in levels]
    trials = [
        record(number, "search", 0.9 + 0.05 * float(np.sign(first * second)), view="pixels",
               dropout=0.25 + 0.2 * float(first), label_smoothing=0.075 + 0.07 * float(second))
        for number, (first, second) in enumerate(signs)
    ]  # fmt: skip
    assert importances.judged(trials) == trials
    shares = importances.importances(trials)
    assert shares.keys() == {"dropout", "label_smoothing"}
    assert sum(shares.values()) < 0.5


def test_pruned_trials_are_not_compared() -> None:
    trials = [*baselines(0.8), *some("dense", 3, 2)]
    pruned = replace(trials[-1], state="pruned")
    assert pruned not in importances.compared([*trials[:-1], pruned])
