"""Trains a network: the only file that runs the training step.

The pictures stay uint8, mapped from disk; a step gathers its rows, and many steps run inside one graph.
"""

import math
import time
from collections.abc import Iterator

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from catwalk import network
from catwalk.messages import Epoch
from catwalk.prepare import Prepared
from catwalk.space import Params

WARM_UP = 0.05  # share of the steps in which the cosine schedule climbs to the learning rate
SGD_FACTOR = 30  # how much higher SGD's learning rates are than AdamW's
CHECK_SECONDS = 0.5  # how often, about, the training looks at the clock
PLAN_SHARE = 0.95  # of the time left is planned for; the rest is for the evaluation of the last epoch


class OutOfTimeError(Exception):
    """The time allowed was over before the first epoch was."""


class DivergedError(Exception):
    """The loss is no longer a finite number."""


class Training:
    """The training of one network on one competition's training rows."""

    def __init__(self, prepared: Prepared, classes: int, params: Params, seed: int) -> None:
        self._began = time.monotonic()
        self.prepared = prepared
        self.batch = min(params["batch_size"], len(prepared.train))
        self.params = params
        self.model = network.build(prepared.pixels.shape[1], classes, params, *_moments(prepared), seed)
        self._logits = keras.Model(self.model.input, self.model.get_layer("logits").output)
        self._weights = [weight.value for weight in self.model.trainable_variables]
        update = _AdamW if params["optimizer"] == "adamw" else _SGD
        self._update = update(self._weights, params)
        self._random = np.random.default_rng(seed)
        self._pixels = mapped(prepared.pixels)
        self._labels = tf.convert_to_tensor(prepared.labels)
        self._steps = tf.Variable(0, dtype=tf.int32)  # done so far
        self._planned = tf.Variable(1.0)  # the schedule's length in steps
        self._run = tf.function(self._run_steps, autograph=True)
        rows = tf.TensorSpec([None], tf.int32)
        self._predict = tf.function(self._probabilities, input_signature=[rows])

    def epochs(self, epochs: int, deadline: float | None, limit: float | None = None) -> Iterator[Epoch]:
        """Train, and give each epoch as it ends.

        Args:
            epochs: how many at most.
            deadline: ``time.monotonic()`` by which the training is over; the number of epochs is
                planned to fit, so that the schedule reaches its end. None: the clock is not asked.
            limit: seconds, the building included, in which a further epoch must fit to begin.

        Raises:
            OutOfTimeError: the deadline came before an epoch's end.
            DivergedError: the loss became NaN or infinite.
        """
        per_epoch = math.ceil(len(self.prepared.train) / self.batch)
        self._planned.assign(float(epochs * per_epoch))
        wanted, epoch = epochs, 0
        while epoch < epochs:
            started = time.monotonic()
            train_loss, train_accuracy = self._epoch(per_epoch, deadline)
            probabilities = self.probabilities(self.prepared.validation)
            epoch += 1
            now = time.monotonic()
            if deadline is not None:
                fit = epoch + max(0, int(PLAN_SHARE * (deadline - now) / (now - started)))
                if epoch <= 3 or fit < epochs:  # the first epoch's time includes the tracing
                    epochs = max(epoch, min(wanted, fit))
                    self._planned.assign(float(epochs * per_epoch))
            if limit is not None and now - self._began + (now - started) > limit:
                epochs = epoch
            loss, accuracy = _evaluate(probabilities, self.prepared.labels[self.prepared.validation])
            yield Epoch(epoch, epochs, train_loss, train_accuracy, loss, accuracy)

    def probabilities(self, rows: npt.NDArray[np.integer]) -> npt.NDArray[np.float32]:
        """The net's probabilities, (rows, classes) float32, for rows of the labelled pictures."""
        parts = [
            self._predict(tf.convert_to_tensor(rows[start : start + 2048])).numpy()
            for start in range(0, len(rows), 2048)
        ]
        return np.concatenate(parts)

    def _epoch(self, per_epoch: int, deadline: float | None) -> tuple[float, float]:
        order = tf.convert_to_tensor(self._random.permutation(self.prepared.train))
        loss = right = 0.0
        step, count = 0, per_epoch if deadline is None else 10
        while step < per_epoch:
            count = min(count, per_epoch - step)
            started = time.monotonic()
            # Tensors, not Python integers: each new integer would be traced anew.
            sums = self._run(order, tf.constant(step), tf.constant(count))
            loss, right, step = loss + float(sums[0]), right + float(sums[1]), step + count
            if not math.isfinite(loss):
                raise DivergedError
            if deadline is not None:
                now = time.monotonic()
                if now > deadline:
                    raise OutOfTimeError
                count = max(10, int(count * CHECK_SECONDS / max(now - started, 1e-3)))
        return loss / len(self.prepared.train), right / len(self.prepared.train)

    def _run_steps(self, order: tf.Tensor, first: tf.Tensor, count: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Run ``count`` steps of an epoch from step ``first`` on; sums of loss and of right answers."""
        loss, right = tf.constant(0.0), tf.constant(0.0)
        for i in tf.range(first, first + count):
            step_loss, step_right = self._step(order[i * self.batch : (i + 1) * self.batch])
            loss, right = loss + step_loss, right + step_right
        return loss, right

    def _step(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """One step, from pixels to update; the loss and right answers summed over the batch."""
        pixels = tf.cast(tf.gather(self._pixels, rows), tf.float32)
        labels = tf.cast(tf.gather(self._labels, rows), tf.int32)
        with tf.GradientTape() as tape:
            logits = self._logits(pixels, training=True)
            smooth = self.params["label_smoothing"]
            classes = logits.shape[-1]
            target = tf.one_hot(labels, classes) * (1 - smooth) + smooth / classes
            losses = tf.nn.softmax_cross_entropy_with_logits(target, logits)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, self._weights)
        self._steps.assign_add(1)
        self._update.apply(gradients, self._learning_rate(), self._steps)
        right = tf.equal(tf.argmax(logits, axis=1, output_type=tf.int32), labels)
        return tf.reduce_sum(losses), tf.reduce_sum(tf.cast(right, tf.float32))

    def _learning_rate(self) -> tf.Tensor:
        highest = _highest_rate(self.params)
        if self.params["schedule"] == "constant":
            return tf.constant(highest)
        step = tf.cast(self._steps, tf.float32)
        warm = tf.maximum(1.0, WARM_UP * self._planned)
        done = tf.clip_by_value((step - warm) / tf.maximum(1.0, self._planned - warm), 0.0, 1.0)
        return highest * tf.minimum(step / warm, 0.5 * (1 + tf.cos(math.pi * done)))

    def _probabilities(self, rows: tf.Tensor) -> tf.Tensor:
        return self.model(tf.cast(tf.gather(self._pixels, rows), tf.float32), training=False)


# TensorFlow's own update kernels, called directly: a Keras optimizer that was traced into a graph never lets
# go of it (7 MB a trial), and takes many small operations where a kernel passes over the weights once.


class _AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv 1711.05101)."""

    BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7

    def __init__(self, weights: list[tf.Variable], params: Params) -> None:
        self._weights, self._decay = weights, params["weight_decay"]
        self._first = [tf.Variable(tf.zeros_like(weight)) for weight in weights]
        self._second = [tf.Variable(tf.zeros_like(weight)) for weight in weights]

    def apply(self, gradients: list[tf.Tensor], rate: tf.Tensor, step: tf.Tensor) -> None:
        """Change the weights; ``step`` counts from 1."""
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


class _SGD:
    """Stochastic gradient descent with Nesterov momentum and decoupled weight decay."""

    MOMENTUM = 0.9

    def __init__(self, weights: list[tf.Variable], params: Params) -> None:
        self._weights = weights
        # The rate is SGD_FACTOR times as high; divided out, so that weight_decay means the same.
        self._decay = params["weight_decay"] / SGD_FACTOR
        self._velocity = [tf.Variable(tf.zeros_like(weight)) for weight in weights]

    def apply(self, gradients: list[tf.Tensor], rate: tf.Tensor, _step: tf.Tensor) -> None:
        """Change the weights."""
        for weight, velocity, gradient in zip(self._weights, self._velocity, gradients, strict=True):
            _decay(weight, rate * self._decay)
            tf.raw_ops.ResourceApplyKerasMomentum(
                var=weight.handle, accum=velocity.handle, lr=rate, grad=gradient, momentum=self.MOMENTUM,
                use_nesterov=True,
            )  # fmt: skip


def _decay(weight: tf.Variable, amount: tf.Tensor) -> None:
    """Shrink a layer's weights; biases and norms, which are vectors, stay as they are."""
    if weight.shape.rank > 1:
        weight.assign_sub(amount * weight)


def mapped(array: npt.NDArray[np.uint8]) -> tf.Tensor:
    """A tensor over the array's own memory: what is mapped from disk is there once for all workers."""
    return tf.experimental.dlpack.from_dlpack(np.asarray(array).__dlpack__())


def _highest_rate(params: Params) -> float:
    return float(params["learning_rate"]) * (SGD_FACTOR if params["optimizer"] == "sgd" else 1)


def _moments(prepared: Prepared) -> tuple[float, float]:
    """Mean and standard deviation of the training pixels (of 5,000 rows, which is plenty)."""
    some = prepared.pixels[prepared.train[:5000]].astype(np.float64)
    return float(some.mean()), max(1.0, float(some.std()))


def _evaluate(probabilities: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8]) -> tuple[float, float]:
    from catwalk.metrics import accuracy

    chosen = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chosen, 1e-12)).mean()), accuracy(probabilities, labels)
