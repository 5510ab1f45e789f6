"""Optimizers: how a training step updates the weights from their gradients; averaging of the weights.

To add one: a class like those here, a row in ``OPTIMIZERS``, and its name in ``space.SPACE`` and
``space.RATE_FACTORS``.
"""

import math
from collections.abc import Callable
from typing import Protocol

import tensorflow as tf

from catwalk.models import placement, space
from catwalk.models.space import Params

AVERAGE_EVERY = DECAY_EVERY = 4  # steps; each is a pass over all weights, and changes little in one step


class Optimizer(Protocol):
    """Updates the weights.

    Attributes:
        RATE_FACTOR: how much higher its learning rates are than those of the search space.
    """

    RATE_FACTOR: int

    def apply(self, gradients: list[tf.Tensor], rate: tf.Tensor, step: tf.Tensor) -> None:
        """Update the weights; ``step`` counts from 1."""


def create(params: Params, weights: list[tf.Variable]) -> Optimizer:
    """Create the optimizer named in ``params``; with "conv_muon", kernels are updated by Muon.

    Raises:
        ValueError: there is none of this name.
    """
    name = params["optimizer"]
    if name not in OPTIMIZERS:
        raise ValueError(f"unknown optimizer {name!r}: optimizers.py has {', '.join(OPTIMIZERS)}")
    if not params["conv_muon"]:
        return OPTIMIZERS[name](weights, params)
    kernels = [weight for weight in weights if is_kernel(weight)]
    others = [weight for weight in weights if not is_kernel(weight)]
    return WithMuon(weights, Muon(kernels), OPTIMIZERS[name](others, params))


def is_kernel(weight: tf.Variable) -> bool:
    """Whether a weight is a convolution's kernel: (height, width, channels in, channels out)."""
    return bool(weight.shape.rank == 4)


# TensorFlow's own update kernels, called directly: a Keras optimizer that was traced into a graph never lets
# go of it (7 MB a trial), and takes many small operations where a kernel passes over the weights once.


class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv 1711.05101)."""

    RATE_FACTOR = space.RATE_FACTORS["adamw"]
    BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7

    def __init__(self, weights: list[tf.Variable], params: Params) -> None:
        self._weights, self._decay = weights, params["weight_decay"]
        self._first = [tf.Variable(tf.zeros_like(weight)) for weight in weights]
        self._second = [tf.Variable(tf.zeros_like(weight)) for weight in weights]

    def apply(self, gradients: list[tf.Tensor], rate: tf.Tensor, step: tf.Tensor) -> None:
        """Update the weights; ``step`` counts from 1."""
        _decay(self._weights, rate * self._decay, step)
        number = tf.cast(step, tf.float32)
        power_1, power_2 = self.BETA_1**number, self.BETA_2**number
        for weight, first, second, gradient in zip(
            self._weights, self._first, self._second, gradients, strict=True
        ):
            tf.raw_ops.ResourceApplyAdam(
                var=weight.handle, m=first.handle, v=second.handle, beta1_power=power_1, beta2_power=power_2,
                lr=rate, beta1=self.BETA_1, beta2=self.BETA_2, epsilon=self.EPSILON, grad=gradient,
            )  # fmt: skip


class SGD:
    """Stochastic gradient descent with Nesterov momentum and decoupled weight decay."""

    RATE_FACTOR = space.RATE_FACTORS["sgd"]
    MOMENTUM = 0.9

    def __init__(self, weights: list[tf.Variable], params: Params) -> None:
        self._weights = weights
        # The rate is this many times as high; divided out here, so that weight_decay means the same.
        self._decay = params["weight_decay"] / self.RATE_FACTOR
        self._velocity = [tf.Variable(tf.zeros_like(weight)) for weight in weights]

    def apply(self, gradients: list[tf.Tensor], rate: tf.Tensor, step: tf.Tensor) -> None:
        """Update the weights; ``step`` counts from 1."""
        _decay(self._weights, rate * self._decay, step)
        for weight, velocity, gradient in zip(self._weights, self._velocity, gradients, strict=True):
            tf.raw_ops.ResourceApplyKerasMomentum(
                var=weight.handle, accum=velocity.handle, lr=rate, grad=gradient, momentum=self.MOMENTUM,
                use_nesterov=True,
            )  # fmt: skip


class Muon:
    """Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon): SGD whose steps are orthogonal matrices.

    A kernel is a matrix with a column for each channel out. Its momentum is replaced by the nearest matrix
    whose singular values are all about 1, so that no direction learns faster than another. Batch norm
    follows each convolution, so the length of a kernel has no effect: it is held, instead of weight decay,
    as in his training of CIFAR-10 in seconds (github.com/KellerJordan/cifar10-airbench).

    Args:
        kernels: (height, width, channels in, channels out).
    """

    RATE_FACTOR = space.RATE_FACTORS["muon"]
    MOMENTUM = 0.9
    COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of Newton and Schulz's iteration, which Jordan tuned
    ITERATIONS = 4
    EPSILON = 1e-7

    def __init__(self, kernels: list[tf.Variable]) -> None:
        self._kernels = kernels
        self._momenta = [tf.Variable(tf.zeros_like(kernel)) for kernel in kernels]

    def apply(self, gradients: list[tf.Tensor], rate: tf.Tensor, step: tf.Tensor) -> None:
        """Update the kernels."""
        for kernel, momentum, gradient in zip(self._kernels, self._momenta, gradients, strict=True):
            momentum.assign(self.MOMENTUM * momentum + gradient)
            matrix = tf.reshape(gradient + self.MOMENTUM * momentum, [-1, kernel.shape[-1]])
            change = tf.reshape(self._orthogonal(matrix), kernel.shape)
            length = math.sqrt(min(matrix.shape))  # of a change too
            kernel.assign(kernel * (length / tf.norm(kernel)) - rate * change)

    def _orthogonal(self, matrix: tf.Tensor) -> tf.Tensor:
        """Its nearest matrix with singular values of about 1, 0.7 to 1.2.

        All products but two are of its Gram matrix, whose side is the shorter one.
        """
        is_wide = matrix.shape[0] < matrix.shape[1]
        matrix = matrix / (tf.norm(matrix) + self.EPSILON)
        gram = tf.matmul(matrix, matrix, transpose_a=not is_wide, transpose_b=is_wide)
        first, second, third = self.COEFFICIENTS
        unit = tf.eye(min(matrix.shape), dtype=matrix.dtype)
        total = unit
        for _ in range(self.ITERATIONS):
            factor = first * unit + second * gram + third * tf.matmul(gram, gram)
            total = tf.matmul(total, factor)
            gram = tf.matmul(factor, tf.matmul(gram, factor))
        return tf.matmul(total, matrix) if is_wide else tf.matmul(matrix, total)


class WithMuon:
    """Muon for kernels, another optimizer for all other weights.

    Args:
        weights: all, in the order of their gradients.
        muon: of the kernels among them.
        others: of the others.
    """

    RATE_FACTOR = 1  # each of both has its own

    def __init__(self, weights: list[tf.Variable], muon: Muon, others: Optimizer) -> None:
        self._of = [muon if is_kernel(weight) else others for weight in weights]
        self._both = muon, others

    def apply(self, gradients: list[tf.Tensor], rate: tf.Tensor, step: tf.Tensor) -> None:
        """Update the weights."""
        for optimizer in self._both:
            its = [one for one, of in zip(gradients, self._of, strict=True) if of is optimizer]
            optimizer.apply(its, rate * optimizer.RATE_FACTOR, step)


OPTIMIZERS: dict[str, Callable[[list[tf.Variable], Params], Optimizer]] = {"adamw": AdamW, "sgd": SGD}


def _decay(weights: list[tf.Variable], amount: tf.Tensor, step: tf.Tensor) -> None:
    """Every few steps, apply their weight decay, of ``amount`` a step.

    Only layers' weights decay, not vectors: biases and normalisation parameters.
    """

    def decay(share: tf.Tensor) -> None:
        for weight in weights:
            if weight.shape.rank > 1:
                weight.assign_sub(share * DECAY_EVERY * amount * weight)

    _every(DECAY_EVERY, step, decay)


def _every(steps: int, step: tf.Tensor, change: Callable[[tf.Tensor], None]) -> None:
    """Change variables every few steps; ``change`` gets the share of the change to make, 1 or 0."""
    is_due = step % steps == 0
    if placement.compiles():  # a GPU would wait for the decision; a pass over the weights takes it no time
        change(tf.cast(is_due, tf.float32))
        return

    def changed() -> tf.Tensor:
        change(tf.constant(1.0))
        return tf.constant(0)

    tf.cond(is_due, changed, lambda: tf.constant(0))


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
        _every(AVERAGE_EVERY, step, lambda share: self._move(share / reach))

    def _move(self, share: tf.Tensor) -> None:
        for original, average in self._pairs:
            average.assign_sub(share * (average - original))

    def assign_to_originals(self) -> None:
        for original, average in self._pairs:
            original.assign(average)
