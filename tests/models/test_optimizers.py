"""optimizers.py: Muon against the singular value decomposition, and beside the other optimizers."""

from typing import Any

import numpy as np
import pytest

from catwalk.core import tensorflow_setup
from catwalk.models import portfolio

tensorflow_setup.setup(threads=1)

import tensorflow as tf  # noqa: E402  (after the set-up)

from catwalk.models import optimizers, placement  # noqa: E402
from catwalk.models.optimizers import SGD, AdamW, Muon  # noqa: E402

RATE = 0.01


def variables() -> list[tf.Variable]:
    """A kernel whose matrix is tall, a bias, one whose matrix is wide, and the weights of a dense layer."""
    random = np.random.default_rng(1)
    shapes = [(3, 3, 4, 8), (8,), (1, 1, 2, 6), (6, 10)]
    return [tf.Variable(random.normal(size=shape).astype(np.float32)) for shape in shapes]


def gradients(seed: int) -> list[tf.Tensor]:
    random = np.random.default_rng(seed)
    return [tf.constant(random.normal(size=one.shape).astype(np.float32)) for one in variables()]


def updated(steps: int, **changes: Any) -> list[np.ndarray]:
    weights = variables()
    optimizer = optimizers.create({**portfolio.CONV, **changes}, weights)
    for step in range(1, steps + 1):
        rate = tf.constant(optimizer.RATE_FACTOR * RATE)
        optimizer.apply(gradients(step), rate, tf.constant(step))
    return [weight.numpy() for weight in weights]


@pytest.mark.parametrize("shape", [(3, 3, 4, 8), (3, 3, 1, 32), (2, 2, 8, 16)], ids=str)
def test_a_step_of_muon_is_the_nearest_orthogonal_matrix(shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(0)
    start = random.normal(size=shape).astype(np.float32)
    gradient = (random.normal(size=shape) * np.geomspace(1, 10, shape[-1])).astype(np.float32)
    kernel = tf.Variable(start)
    Muon([kernel]).apply([tf.constant(gradient)], tf.constant(1.0), tf.constant(1))
    matrix = gradient.reshape(-1, shape[-1])
    length = np.sqrt(min(matrix.shape))
    change = (start * length / np.linalg.norm(start) - kernel.numpy()).reshape(matrix.shape)
    left, _, right = np.linalg.svd(matrix.astype(np.float64), full_matrices=False)
    inner = left.T @ change @ right.T
    values = np.diag(inner)
    assert 0.6 < values.min() < values.max() < 1.3, "as if all singular values were 1"
    np.testing.assert_allclose(inner - np.diag(values), 0, atol=0.02)
    outside = change - left @ inner @ right
    np.testing.assert_allclose(outside, 0, atol=1e-3)


def test_momentum_is_nesterovs() -> None:
    first, second = gradients(1)[0], gradients(2)[0]
    kernel = tf.Variable(variables()[0])
    muon = Muon([kernel])
    muon.apply([first], tf.constant(0.0), tf.constant(1))
    before = kernel.numpy()
    muon.apply([second], tf.constant(1.0), tf.constant(2))
    momentum = 0.9 * first + second  # the same steps as SGD's
    towards = (second + 0.9 * momentum).numpy().reshape(-1, 8)
    left, _, right = np.linalg.svd(towards, full_matrices=False)
    change = (before - kernel.numpy()).reshape(-1, 8)
    assert np.diag(left.T @ change @ right.T).min() > 0.6


@pytest.mark.parametrize(("name", "other"), [("sgd", SGD), ("adamw", AdamW)])
def test_muon_updates_kernels_and_the_other_optimizer_all_else(name: str, other: Any) -> None:
    with_it, without = updated(5, optimizer=name), updated(5, optimizer=name, conv_muon=0)
    for place in (1, 3):
        np.testing.assert_allclose(with_it[place], without[place], atol=1e-6)
        assert (with_it[place] != variables()[place].numpy()).any()
    alone = [tf.Variable(variables()[place]) for place in (0, 2)]
    muon = Muon(alone)
    for step in range(1, 6):
        both = [gradients(step)[place] for place in (0, 2)]
        muon.apply(both, tf.constant(Muon.RATE_FACTOR * RATE), tf.constant(step))
    for place, kernel in zip((0, 2), alone, strict=True):
        np.testing.assert_allclose(with_it[place], kernel.numpy(), atol=1e-6)
    assert isinstance(optimizers.create({**portfolio.CONV, "optimizer": name, "conv_muon": 0}, alone), other)


@pytest.mark.parametrize("compiles", [False, True], ids=["cpu", "gpu"])
@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_weights_decay_by_their_rate_a_step(
    name: str, compiles: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without gradients nothing else changes them; on a GPU it is another branch of the same graph."""
    monkeypatch.setattr(placement, "compiles", lambda: compiles)
    weights, starts = variables(), [weight.numpy() for weight in variables()]
    params = {**portfolio.CONV, "optimizer": name, "conv_muon": 0, "weight_decay": 0.1}
    optimizer = optimizers.create(params, weights)
    for step in range(1, 9):
        none = [tf.zeros_like(weight) for weight in weights]
        optimizer.apply(none, tf.constant(optimizer.RATE_FACTOR * RATE), tf.constant(step))
    for weight, start in zip(weights, starts, strict=True):
        kept = (1 - RATE * 0.1) ** 8 if start.ndim > 1 else 1.0
        np.testing.assert_allclose(weight.numpy(), kept * start, rtol=1e-4)


def test_a_kernel_keeps_its_length() -> None:
    kernels = [updated(50)[place] for place in (0, 2)]
    for kernel in kernels:
        side = min(int(np.prod(kernel.shape[:-1])), kernel.shape[-1])
        assert np.linalg.norm(kernel) == pytest.approx(np.sqrt(side), rel=0.03)


def test_a_gradient_of_zeros_changes_no_direction() -> None:
    kernel = tf.Variable(variables()[0])
    Muon([kernel]).apply([tf.zeros_like(kernel)], tf.constant(1.0), tf.constant(1))
    start = variables()[0].numpy()
    np.testing.assert_allclose(kernel.numpy(), start * np.sqrt(8) / np.linalg.norm(start), rtol=1e-6)
