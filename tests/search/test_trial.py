"""trial.py: how long a trial is trained."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from catwalk.core import tensorflow_setup

tensorflow_setup.setup(threads=1)

from catwalk.models import placement, portfolio  # noqa: E402  (after the set-up)
from catwalk.models.train import Training  # noqa: E402
from catwalk.search.trial import EPOCHS, Clock, Objective, Plan  # noqa: E402


def test_the_pruner_asks_half_as_often_in_a_convolutional_training_of_twice_the_epochs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of 30 epochs on CPU cores and of 60 on a GPU; of a dense one, after as many epochs as ever."""

    class Search(Objective):
        def _origin(self, trial: object) -> str:
            return "search"

    context = SimpleNamespace(scope="local.all")
    one = Search(
        cast(Any, context), "x", cast(Any, None), "float32", Clock(0.0, None, 600.0), lambda *_: None
    )

    def plan(family: str) -> Plan:
        params = {**portfolio.PLAIN, "family": family, "batch_size": 128}
        training = SimpleNamespace(params=params, rows=54_000, per_epoch=421)
        return one._plan(cast(Any, None), cast(Training, training))

    assert (plan("conv").epochs, plan("conv").every) == (EPOCHS["conv"], 1)
    monkeypatch.setattr(placement, "on_gpu", lambda: True)
    assert (plan("conv").epochs, plan("conv").every) == (2 * EPOCHS["conv"], 2)
    assert plan("dense").every == 1


def test_a_convolutional_network_is_trained_longer_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    context = SimpleNamespace(scope="local.all")
    one = cast(Objective, SimpleNamespace(clock=Clock(0.0, None, 600.0), context=context))
    usual = {family: Objective._usual_epochs(one, "search", family) for family in ("dense", "conv")}
    monkeypatch.setattr(placement, "on_gpu", lambda: True)
    assert Objective._usual_epochs(one, "search", "conv") == portfolio.CONV_EPOCHS_ON_GPU > usual["conv"]
    assert Objective._usual_epochs(one, "search", "dense") == usual["dense"]
