"""One training step, from pixels to weight update; the update rules are in optimizers.py.

The network is a plain Keras model whose variables are trained here in place. Keras's own layers are not run
in a step: the same computation, in few TensorFlow operations and in the machine's fastest precision,
takes a third to a half of the time (benchmarks/engine.py). So each kind of layer that network.py builds is
implemented here again, as a function; the tests compare both.

Read ``Step._step`` first, then ``_gradients``: rows, pictures, loss, gradients, update, average.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from catwalk.models import augment, optimizers
from catwalk.models.augment import Augmentation
from catwalk.models.optimizers import Averages
from catwalk.models.space import Params

WARM_UP = 0.05  # share of the steps in which the cosine schedule climbs to the learning rate
BLOCK = 2000  # rows that are evaluated at a time


@dataclass(frozen=True)
class Labelled:
    """The labelled pictures.

    Attributes:
        pixels: (rows, pixels) uint8.
        labels: (rows,) uint8, positions of classes.
        validation: (validation rows,) int32, those that ``Step.evaluate`` uses.
        table: (2 x rows, features) float32, or uint16 that are the bits of bfloat16: the features of all
            pictures, then of their mirror images; for networks whose pictures are at most mirrored. None:
            computed in each step.
    """

    pixels: tf.Tensor
    labels: tf.Tensor
    validation: tf.Tensor
    table: tf.Tensor | None = None


@dataclass(frozen=True)
class Settings:
    """The settings of a training step.

    Attributes:
        params: a choice from ``space.SPACE``; flips and shifts only as far as the competition allows them.
        shape: of one picture, (height, width) or (height, width, channels).
        batch: rows of a step.
        seed: of order, augmentation and dropout.
        precision: "float32" or "bfloat16", of the layers; weights, norms, loss and update are float32.
            Tests take float64, with a model of float64.
    """

    params: Params
    shape: tuple[int, ...]
    batch: int
    seed: int
    precision: str


class Step:
    """The training step of one network, and its evaluation, as TensorFlow graphs.

    Args:
        model: from ``network.build``; ``finish`` leaves the trained weights in it.
        labelled: what it is trained and evaluated on.
        settings: of the step.
    """

    def __init__(self, model: keras.Model, labelled: Labelled, settings: Settings) -> None:
        self._pixels, self._labels, self._table = labelled.pixels, labelled.labels, labelled.table
        self._params = params = settings.params
        self._batch, self._seed = settings.batch, settings.seed
        self._dtype = tf.as_dtype(settings.precision)
        self._augment = Augmentation(
            params, settings.shape, settings.batch, settings.seed, settings.precision
        )
        fixed = model.get_layer("features")
        self._features = keras.Model(model.input, fixed.output)
        learned = model.layers[model.layers.index(fixed) + 1 : -1]  # the last one is the softmax
        self._layers = [(_LAYERS[type(layer).__name__], layer) for layer in learned]
        self._weights = [weight.value for weight in model.trainable_variables]
        self._full = self._weights[0].dtype  # of all that is not worth rounding
        moving = [weight for layer in learned for weight in layer.non_trainable_variables]
        self._moving = [weight.value for weight in moving if "float" in weight.dtype]  # not dropout's seeds
        self._update = optimizers.create(params, self._weights)
        self._averages = Averages(self._weights + self._moving) if params["average"] else None
        self._done = tf.Variable(0, dtype=tf.int32)  # steps so far
        self._planned = tf.Variable(1.0)  # steps in all: the schedule's length
        self._per_epoch = tf.Variable(1.0)
        number = tf.TensorSpec([], tf.int32)
        order = tf.TensorSpec([None], tf.int32)
        self.run = tf.function(self._run, input_signature=[order, number, number], autograph=False)
        # The same in each epoch, so it is rescaled once.
        rows = labelled.validation
        seen = self._inputs(tf.gather(self._pixels, rows)) if self._table is None else self._looked_up(rows)
        self._held_out = seen, tf.gather(self._labels, rows)
        self.evaluate = tf.function(self._evaluate, input_signature=[], autograph=False)

    def plan(self, epochs: int, per_epoch: int) -> None:
        """Set how many epochs of how many steps are planned; may change during training."""
        self._planned.assign(float(epochs * per_epoch))
        self._per_epoch.assign(float(per_epoch))

    def finish(self) -> None:
        """End the training: put the averaged weights, if there are any, into the model."""
        if self._averages:
            self._averages.assign_to_originals()

    def _run(self, order: tf.Tensor, first: tf.Tensor, count: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Run ``count`` steps from step ``first``; return the total loss and the number of correct rows."""

        def body(i: tf.Tensor, loss: tf.Tensor, right: tf.Tensor) -> tuple[tf.Tensor, ...]:
            rows = tf.slice(order, [i * self._batch], [self._batch])
            step_loss, step_right = self._step(rows)
            return i + 1, loss + step_loss, right + step_right

        start = (first, tf.zeros((), self._full), tf.zeros((), tf.int32))
        end = first + count
        _, loss, right = tf.while_loop(lambda i, *_: i < end, body, start, parallel_iterations=1)
        return loss, right

    def _step(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """One step; the loss and the correct predictions, summed over its rows."""
        gradients, losses, right = self._gradients(rows)
        if self._params["clip"]:
            gradients, _ = tf.clip_by_global_norm(gradients, self._params["clip"])
        done = self._done.assign_add(1)
        self._update.apply(gradients, self._learning_rate(done), done)
        if self._averages:
            self._averages.update(done, self._params["average"] * self._per_epoch)
        return tf.reduce_sum(losses), tf.math.count_nonzero(right, dtype=tf.int32)

    def _gradients(self, rows: tf.Tensor) -> tuple[list[tf.Tensor], tf.Tensor, tf.Tensor]:
        """Gradients of the mean loss; each row's loss, and whether it was classified correctly."""
        labels = tf.cast(tf.gather(self._labels, rows), tf.int32)
        inputs, target = self._batch_inputs(rows), self._target(labels)
        if self._params["mixup"]:
            inputs, target = augment.mixed(inputs, target, self._params["mixup"], self._random_seed(63))
        with tf.GradientTape() as tape:
            logits = self._forward(inputs, training=True)
            losses = tf.nn.softmax_cross_entropy_with_logits(target, logits)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, self._weights)
        right = tf.equal(tf.argmax(logits, axis=1, output_type=tf.int32), labels)
        return gradients, losses, right

    def _target(self, labels: tf.Tensor) -> tf.Tensor:
        """Target distribution: one-hot with label smoothing (Szegedy et al. 2016, arXiv 1512.00567)."""
        classes = self._layers[-1][1].units
        smooth = self._params["label_smoothing"]
        return tf.one_hot(labels, classes, 1 - smooth + smooth / classes, smooth / classes, dtype=self._full)

    def _learning_rate(self, done: tf.Tensor) -> tf.Tensor:
        """Learning rate: constant, or warm-up and cosine (Loshchilov and Hutter 2017, arXiv 1608.03983)."""
        highest = self._update.RATE_FACTOR * float(self._params["learning_rate"])
        if self._params["schedule"] == "constant":
            return tf.constant(highest)
        step = tf.cast(done, tf.float32)
        warm = tf.maximum(1.0, WARM_UP * self._planned)
        part = tf.clip_by_value((step - warm) / tf.maximum(1.0, self._planned - warm), 0.0, 1.0)
        return highest * tf.minimum(step / warm, 0.5 * (1 + tf.cos(math.pi * part)))

    def _evaluate(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean cross-entropy and accuracy on the validation rows, with the averaged weights."""
        inputs, labels = self._held_out
        count = len(labels)

        def body(start: tf.Tensor, loss: tf.Tensor, right: tf.Tensor) -> tuple[tf.Tensor, ...]:
            asked = tf.cast(labels[start : start + BLOCK], tf.int32)
            logits = self._forward(inputs[start : start + BLOCK], training=False)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(asked, logits)
            hits = tf.equal(tf.argmax(logits, axis=1, output_type=tf.int32), asked)
            return start + BLOCK, loss + tf.reduce_sum(losses), right + tf.math.count_nonzero(hits)

        begin = (tf.constant(0), tf.zeros((), self._full), tf.zeros((), tf.int64))
        _, loss, right = tf.while_loop(lambda start, *_: start < count, body, begin, parallel_iterations=1)
        return loss / count, tf.cast(right, tf.float64) / count

    def _batch_inputs(self, rows: tf.Tensor) -> tf.Tensor:
        """Features (batch, features) of augmented pictures."""
        if self._table is None:
            return self._inputs(self._augment(tf.gather(self._pixels, rows), self._random_seed(0)))
        if self._params["flip"]:
            half = self._batch // 2
            rows = tf.concat([rows[:half], rows[half:] + self._pixels.shape[0]], axis=0)
        return self._looked_up(rows)

    def _looked_up(self, rows: tf.Tensor) -> tf.Tensor:
        seen = tf.gather(self._table, rows)
        return tf.bitcast(seen, tf.bfloat16) if seen.dtype == tf.uint16 else seen

    def _inputs(self, pixels: tf.Tensor) -> tf.Tensor:
        """Features of raw pixels (rows, pixels) 0-255, in the layers' precision."""
        return tf.cast(self._features(tf.cast(pixels, self._full)), self._dtype)

    def _forward(self, x: tf.Tensor, training: bool) -> tf.Tensor:
        """Logits (rows, classes) of features, in full precision."""
        for place, (run, layer) in enumerate(self._layers, 1):
            x = run(self, layer, x, place, training)
        return x

    def _weight(self, variable: Any, training: bool) -> tf.Tensor:
        """A layer's variable: its current value in training, else its average."""
        weight = variable.value
        return weight if training or not self._averages else self._averages.of(weight)

    def _random_seed(self, place: int) -> tf.Tensor:
        """A random seed, different in each step and at each position in the network."""
        return tf.stack([self._done + 0, tf.constant((self._seed * 64 + place) % 2**31)])

    # The layers. Each takes (rows, units) and gives (rows, units), in the layers' precision.

    def _dense(self, layer: Any, x: tf.Tensor, _place: int, training: bool) -> tf.Tensor:
        # The logits are not rounded: that would flip near ties.
        dtype = self._full if layer is self._layers[-1][1] else self._dtype
        x = tf.matmul(tf.cast(x, dtype), tf.cast(self._weight(layer.kernel, training), dtype))
        if layer.use_bias:
            x = tf.nn.bias_add(x, tf.cast(self._weight(layer.bias, training), dtype))
        return x

    def _batch_norm(self, layer: Any, x: tf.Tensor, _place: int, training: bool) -> tf.Tensor:
        """Batch normalisation (Ioffe and Szegedy 2015, arXiv 1502.03167)."""
        gamma, beta = self._weight(layer.gamma, training), self._weight(layer.beta, training)
        if not training:
            mean = self._weight(layer.moving_mean, False)
            variance = self._weight(layer.moving_variance, False)
            scale = gamma * tf.math.rsqrt(variance + layer.epsilon)
            return x * tf.cast(scale, x.dtype) + tf.cast(beta - mean * scale, x.dtype)
        if x.dtype == tf.float64:  # the kernel below has no float64
            mean, variance = tf.nn.moments(x, axes=[0])
            x = tf.nn.batch_normalization(x, mean, variance, beta, gamma, layer.epsilon)
        else:
            x, mean, variance = _fused_batch_norm(x, gamma, beta, layer.epsilon)
        for moving, now in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
            moving.value.assign_sub((1 - layer.momentum) * (moving.value - tf.stop_gradient(now)))
        return x

    def _layer_norm(self, layer: Any, x: tf.Tensor, _place: int, training: bool) -> tf.Tensor:
        """Layer normalisation (Ba et al. 2016, arXiv 1607.06450)."""
        gamma, beta = self._weight(layer.gamma, training), self._weight(layer.beta, training)
        full = tf.cast(x, self._full)
        away = full - tf.reduce_mean(full, axis=1, keepdims=True)
        variance = tf.reduce_mean(away * away, axis=1, keepdims=True)
        return tf.cast(away * tf.math.rsqrt(variance + layer.epsilon) * gamma + beta, x.dtype)

    def _activation(self, layer: Any, x: tf.Tensor, _place: int, _training: bool) -> tf.Tensor:
        name = layer.activation.__name__
        if name == "relu":
            return tf.nn.relu(x)
        # In float32: TensorFlow computes these in bfloat16 one value at a time, which takes twice as long.
        full = tf.cast(x, self._full)
        # silu is written out: tf.nn.silu has a gradient of its own, and a graph that holds one is never
        # freed, which costs a worker 5 MB a trial.
        full = tf.nn.gelu(full) if name == "gelu" else full * tf.sigmoid(full)
        return tf.cast(full, x.dtype)

    def _dropout(self, layer: Any, x: tf.Tensor, place: int, training: bool) -> tf.Tensor:
        """Dropout (Srivastava et al. 2014) with one random byte per unit: the rate is a multiple of 1/256."""
        dropped = round(layer.rate * 256)
        if not training or not dropped:
            return x
        rows, units = x.shape
        words = tf.random.stateless_uniform(
            [math.ceil(rows * units / 4)], self._random_seed(place), None, None, tf.uint32, "philox"
        )
        random = tf.reshape(tf.reshape(tf.bitcast(words, tf.uint8), [-1])[: rows * units], [rows, units])
        kept = tf.cast(random >= tf.constant(dropped, tf.uint8), x.dtype)
        return x * (kept * tf.constant(256 / (256 - dropped), x.dtype))


_LAYERS: dict[str, Callable[..., tf.Tensor]] = {
    "Dense": Step._dense,
    "BatchNormalization": Step._batch_norm,
    "LayerNormalization": Step._layer_norm,
    "Activation": Step._activation,
    "Dropout": Step._dropout,
}


def _fused_batch_norm(
    x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon: float
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Batch normalisation by TensorFlow's kernel for images, which is faster; each unit is a channel."""
    rows, units = x.shape
    normed, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=tf.reshape(x, [rows, 1, 1, units]), scale=gamma, offset=beta, mean=tf.zeros(0),
        variance=tf.zeros(0), epsilon=epsilon, is_training=True,
    )  # fmt: skip
    # It gives the unbiased variance; Keras keeps the biased one.
    return tf.reshape(normed, [rows, units]), mean, variance * ((rows - 1) / rows)
