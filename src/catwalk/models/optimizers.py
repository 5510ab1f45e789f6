"""Optimizers: how a training step updates the weights from their gradients; averaging of the weights.

To add one: a class like those here, a row in ``OPTIMIZERS``, and its name in ``space.SPACE``.
"""

from collections.abc import Callable
from typing import Protocol

import tensorflow as tf

from catwalk.models.space import Params

AVERAGE_EVERY = 4  # steps; the average of the weights is a pass over all of them


class Optimizer(Protocol):
    """Updates the weights.

    Attributes:
        RATE_FACTOR: how much higher its learning rates are than those of the search space.
    """

    RATE_FACTOR: int

    def apply(self, gradients: list[tf.Tensor], rate: tf.Tensor, step: tf.Tensor) -> None:
        """Update the weights; ``step`` counts from 1."""


def create(params: Params, weights: list[tf.Variable]) -> Optimizer:
    """Create the optimizer named in ``params``.

    Raises:
        ValueError: there is none of this name.
    """
    name = params["optimizer"]
    if name not in OPTIMIZERS:
        raise ValueError(f"unknown optimizer {name!r}: optimizers.py has {', '.join(OPTIMIZERS)}")
    return OPTIMIZERS[name](weights, params)


# TensorFlow's own update kernels, called directly: a Keras optimizer that was traced into a graph never lets
# go of it (7 MB a trial), and takes many small operations where a kernel passes over the weights once.


class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv 1711.05101)."""

    RATE_FACTOR = 1
    BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7

    def __init__(self, weights: list[tf.Variable], params: Params) -> None:
        self._weights, self._decay = weights, params["weight_decay"]
        self._first = [tf.Variable(tf.zeros_like(weight)) for weight in weights]
        self._second = [tf.Variable(tf.zeros_like(weight)) for weight in weights]

    def apply(self, gradients: list[tf.Tensor], rate: tf.Tensor, step: tf.Tensor) -> None:
        """Update the weights; ``step`` counts from 1."""
        step = tf.cast(step, tf.float32)
        power_1, power_2 = self.BETA_1**step, self.BETA_2**step
        for weight, first, second, gradient in zip(
            self._weights, self._first, self._second, gradients, strict=True
        ):
            _decay(weight, rate * self._decay)
            tf.raw_ops.ResourceApplyAdam(
                var=weight.handle, m=first.handle, v=second.handle, beta1_power=power_1, beta2_power=power_2,
                lr=rate, beta1=self.BETA_1, beta2=self.BETA_2, epsilon=self.EPSILON, grad=gradient,
            )  # fmt: skip


class SGD:
    """Stochastic gradient descent with Nesterov momentum and decoupled weight decay."""

    RATE_FACTOR = 30  # how much higher its learning rates are than AdamW's
    MOMENTUM = 0.9

    def __init__(self, weights: list[tf.Variable], params: Params) -> None:
        self._weights = weights
        # The rate is this many times as high; divided out here, so that weight_decay means the same.
        self._decay = params["weight_decay"] / self.RATE_FACTOR
        self._velocity = [tf.Variable(tf.zeros_like(weight)) for weight in weights]

    def apply(self, gradients: list[tf.Tensor], rate: tf.Tensor, step: tf.Tensor) -> None:
        """Update the weights."""
        for weight, velocity, gradient in zip(self._weights, self._velocity, gradients, strict=True):
            _decay(weight, rate * self._decay)
            tf.raw_ops.ResourceApplyKerasMomentum(
                var=weight.handle, accum=velocity.handle, lr=rate, grad=gradient, momentum=self.MOMENTUM,
                use_nesterov=True,
            )  # fmt: skip


OPTIMIZERS: dict[str, Callable[[list[tf.Variable], Params], Optimizer]] = {"adamw": AdamW, "sgd": SGD}


def _decay(weight: tf.Variable, amount: tf.Tensor) -> None:
    """Apply weight decay to a layer's weights, but not to vectors: biases and normalisation parameters."""
    if weight.shape.rank > 1:
        weight.assign_sub(amount * weight)


class Averages:
    """Exponential moving averages of weights and normalisation statistics (Polyak and Juditsky 1992)."""

    def __init__(self, originals: list[tf.Variable]) -> None:
        self._pairs = [(original, tf.Variable(original)) for original in originals]
        self._by_original = {id(original): average for original, average in self._pairs}

    def of(self, original: tf.Variable) -> tf.Variable:
        return self._by_original[id(original)]

    def update(self, step: tf.Tensor, length: tf.Tensor) -> None:
        """Every few steps, move the averages towards the current weights.

        Args:
            step: counts from 1.
            length: steps over which the average reaches back; in the beginning, a tenth of those done.
        """
        reach = tf.maximum(1.0, tf.minimum(length, tf.cast(step, tf.float32) / 10) / AVERAGE_EVERY)

        def move() -> tf.Tensor:
            for original, average in self._pairs:
                average.assign_sub((average - original) / reach)
            return tf.constant(0)

        tf.cond(step % AVERAGE_EVERY == 0, move, lambda: tf.constant(0))

    def assign_to_originals(self) -> None:
        for original, average in self._pairs:
            original.assign(average)
