"""loss_scale.py: float16's small gradients are kept, and its overflows are left out."""

import numpy as np
import pytest

from catwalk.core import tensorflow_setup

tensorflow_setup.setup(threads=1)

import tensorflow as tf  # noqa: E402  (after the set-up)

from catwalk.models import loss_scale  # noqa: E402
from catwalk.models.loss_scale import FIRST, LossScale  # noqa: E402


def test_a_gradient_that_float16_would_round_to_zero_is_kept() -> None:
    weight, scale = tf.Variable(2.0), LossScale()
    with tf.GradientTape() as tape:
        loss = tf.cast(tf.cast(weight, tf.float16) * 1e-4, tf.float32) * 1e-4
        scaled = scale.scaled(loss)
    assert float(scaled) == pytest.approx(FIRST * float(loss))
    (gradient,) = scale.unscaled([tape.gradient(scaled, weight)])
    assert float(gradient) == pytest.approx(1e-8, rel=1e-2)
    assert float(tf.cast(1e-4 * 1e-4, tf.float16)) == 0


def test_the_gradients_of_an_overflow_are_zero_and_it_halves_the_factor() -> None:
    scale = LossScale()
    whole = scale.unscaled([tf.constant([1.0, np.inf]), tf.constant(3.0)])
    assert [value.numpy().tolist() for value in whole] == [[0, 0], 0]
    assert float(scale.scaled(tf.constant(1.0))) == FIRST / 2
    for _ in range(30):
        scale.unscaled([tf.constant(np.nan)])
    assert float(scale.scaled(tf.constant(1.0))) == 1, "it does not become smaller"


def test_the_factor_grows_after_many_steps_without_an_overflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loss_scale, "GROWS_AFTER", 3.0)
    scale, factors = LossScale(), []
    for gradient in (1.0, 1.0, np.inf, 1.0, 1.0, 1.0, 1.0):
        (unscaled,) = scale.unscaled([tf.constant(gradient)])
        assert float(unscaled) in (0.0, 1 / FIRST, 2 / FIRST)
        factors.append(float(scale.scaled(tf.constant(1.0))) / FIRST)
    assert factors == [1, 1, 0.5, 0.5, 0.5, 1, 1]
