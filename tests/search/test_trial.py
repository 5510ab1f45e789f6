"""trial.py: how long a trial is trained."""

from types import SimpleNamespace
from typing import cast

import pytest

from catwalk.core import tensorflow_setup

tensorflow_setup.setup(threads=1)

from catwalk.models import placement, portfolio  # noqa: E402  (after the set-up)
from catwalk.search.trial import Clock, Objective  # noqa: E402


def test_a_convolutional_network_is_trained_longer_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    context = SimpleNamespace(scope="local.all")
    one = cast(Objective, SimpleNamespace(clock=Clock(0.0, None, 600.0), context=context))
    usual = {family: Objective._usual_epochs(one, "search", family) for family in ("dense", "conv")}
    monkeypatch.setattr(placement, "on_gpu", lambda: True)
    assert Objective._usual_epochs(one, "search", "conv") == portfolio.CONV_EPOCHS_ON_GPU > usual["conv"]
    assert Objective._usual_epochs(one, "search", "dense") == usual["dense"]
