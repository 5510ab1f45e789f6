"""training_speed.py: what a search learns of its machine before it chooses a network's width."""

import pytest

from catwalk.core import tensorflow_setup

tensorflow_setup.setup(threads=1)

from catwalk.models import conv_speed, placement, precision, training_speed  # noqa: E402  (after the set-up)


def test_one_disturbed_process_does_not_decide() -> None:
    measured = [("bfloat16", 90.0), ("float32", 1.0), ("bfloat16", 80.0), ("bfloat16", 85.0)]
    assert training_speed.middle(measured) == ("bfloat16", 85.0)
    assert training_speed.middle(measured[:2]) == ("bfloat16", 90.0)
    assert training_speed.middle(measured[1:2]) == ("float32", 1.0)


def test_the_rate_is_a_share_of_what_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "fastest", lambda: "bfloat16")
    monkeypatch.setattr(conv_speed, "block", lambda how: {"bfloat16": 100.0}[how])
    monkeypatch.setattr(conv_speed, "forward", lambda how: {"bfloat16": 1000.0}[how])
    assert training_speed.measure() == ("bfloat16", 100.0 * training_speed.CPU_SHARE)
    monkeypatch.setattr(placement, "on_gpu", lambda: True)
    assert training_speed.measure() == ("bfloat16", 1000.0 * training_speed.GPU_SHARE)
