"""study_progress.py: the baselines beside the best trial; its other part is in test_postgres_storage.py."""

from types import SimpleNamespace
from typing import Any, cast

from catwalk.search import study_progress


def trial(number: int, kind: str, value: float | None) -> Any:
    return cast(Any, SimpleNamespace(number=number, user_attrs={"kind": kind}, value=value))


def test_how_far_the_baselines_are_below_the_best_trial() -> None:
    softmax, best = trial(0, "softmax", 0.85), trial(1, "search", 0.9109)
    beginner = trial(2, "beginner", 0.8801)
    assert study_progress.baselines([softmax, best, beginner], best) == [
        "  baseline softmax: 0.8500, 6.09 percentage points below",
        "  baseline with 128 hidden units: 0.8801, 3.08 percentage points below",
    ]
    assert study_progress.baselines([trial(0, "softmax", None), best], best) == []


def test_a_baseline_that_is_the_best_trial_is_not_below_it() -> None:
    softmax, other = trial(0, "softmax", 0.85), trial(1, "search", 0.85)
    (line,) = study_progress.baselines([softmax, other], softmax)
    assert line == "  baseline softmax: 0.8500, the best trial"
