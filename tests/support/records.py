"""Records of no search: what tests of their readers change as they need."""

from dataclasses import replace
from typing import Any

from catwalk.search.trial_record import TrialRecord
from catwalk.submission import recipe
from catwalk.submission.forecast import Forecast
from catwalk.submission.recipe import Recipe, RecipeTrial

PARAMS = {"depth": 2, "width_1": 512, "learning_rate": 0.00123456, "activation": "relu"}


def trial_record(number: int, state: str, value: float | None, **changes: Any) -> TrialRecord:
    """A trial of a search that took a second."""
    made = TrialRecord(
        number=number, state=state, kind="search", value=value, params=PARAMS, history=(),
        seed=100_000 + number, precision="float32", seconds=1.0, ended=None, versions={"catwalk": "0.1.0"},
    )  # fmt: skip
    return replace(made, **changes)


def made_recipe(**changes: Any) -> Recipe:
    """Of two networks."""
    trial = RecipeTrial(
        number=1, weight=0.5, temperature=1.0, validation_accuracy=0.9, seed=100_001, precision="float32",
        plan=(2, 2, 2), params=PARAMS,
    )  # fmt: skip
    made = Recipe(
        competition="digits", study="digits-0123456789ab-s1-pixels", features="pixels", seed=1,
        fingerprint="0123456789ab", test_fingerprint="ba9876543210", split="s1", trials_finished=3,
        trials=(trial, replace(trial, number=2)),
        validation=recipe.Validation(
            rows=144, pictures=144, accuracy=0.9, interval=(0.85, 0.94), best_single=0.9
        ),
        forecast=Forecast(0.9, (0.85, 0.94), 0.0), test_rows=360, test_known=0,
        versions={"catwalk": "0.1.0"}, processor="one", git_commit=None, refit=(),
    )  # fmt: skip
    return replace(made, **changes)
