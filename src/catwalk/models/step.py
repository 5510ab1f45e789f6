"""One training step, from pixels to weight update, with the learning rate's schedule.

The update rules are in optimizers.py.

The network is a plain Keras model whose variables are trained here in place. Keras's own layers are not run
in a step: the same computation, in few TensorFlow operations and in the machine's fastest precision
(layers.py), takes a fifth to a half of the time of ``model.fit`` (benchmarks/engine.py).

Read ``Step._step`` first, then ``_gradients``: rows, pictures, loss, gradients, update, average.
"""

import math
from dataclasses import dataclass

import keras
import tensorflow as tf

from catwalk.models import augment, graph, optimizers, placement, space
from catwalk.models.augment import Augmentation
from catwalk.models.layers import Layers
from catwalk.models.loss_scale import LossScale
from catwalk.models.optimizers import Averages
from catwalk.models.space import Params

WARM_UP = 0.05  # share of the steps in which the cosine schedule climbs to the learning rate
BLOCK = {"dense": 2000, "conv": 250}  # rows that are evaluated at a time


@dataclass(frozen=True)
class Labelled:
    """The labelled pictures.

    Attributes:
        pixels: (rows, pixels) uint8, or on a GPU in the layers' precision; see ``placement`` for all of them.
        labels: (rows,) uint8 or int32, positions of classes.
        validation: (validation rows,) int32, those that ``Step.evaluate`` uses.
        table: (rows or 2 x rows, features) float32, or uint16 that are the bits of bfloat16: the features of
            all pictures and, needed for "flip", then of their mirror images; for networks whose pictures are
            at most mirrored. None: computed in each step.
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
        precision: "float32", "bfloat16" or, on a GPU, "float16", of the layers; weights, norms, loss and
            update are float32. Tests take float64, with a model of float64.
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

    Attributes:
        run: (order, first, count) -> (loss, right): trains ``count`` steps from step ``first``, on the rows
            ``order``, (rows,) int32; the loss and the correct rows (int32) are totals.
        evaluate: () -> (loss, accuracy): means over the validation rows, with the averaged weights.
    """

    def __init__(self, model: keras.Model, labelled: Labelled, settings: Settings) -> None:
        self._pixels, self._labels, self._table = labelled.pixels, labelled.labels, labelled.table
        self._params = params = settings.params
        self._batch, self._seed = settings.batch, settings.seed
        self._augment = Augmentation(
            params, settings.shape, settings.batch, settings.seed, settings.precision
        )
        self._layers = layers = Layers(model, settings.precision, self._random_seed)
        self._full = layers.full
        self._update = optimizers.create(params, layers.weights)
        if params["average"]:
            layers.averages = Averages(layers.weights + layers.moving)
        self._loss_scale = LossScale() if settings.precision == "float16" else None
        self._done = tf.Variable(0, dtype=tf.int64)  # steps so far; GPUs hold no int32 variables
        self._planned = tf.Variable(1.0)  # steps in all: the schedule's length
        self._steps_per_epoch = tf.Variable(1.0)
        number = tf.TensorSpec([], tf.int32)
        order = tf.TensorSpec([None], tf.int32)
        self.run = tf.function(
            self._run, input_signature=[order, number, number], autograph=False,
            jit_compile=placement.compiles(),
        )  # fmt: skip
        # The same in each epoch, so it is rescaled once.
        rows = labelled.validation
        seen = self._computed(rows) if self._table is None else self._looked_up(rows)
        self._held_out = seen, tf.gather(self._labels, rows)
        self.evaluate = tf.function(self._evaluate, input_signature=[], autograph=False)

    def plan(self, epochs: int, steps_per_epoch: int) -> None:
        """Set how many epochs of how many steps are planned; may change during training."""
        self._planned.assign(float(epochs * steps_per_epoch))
        self._steps_per_epoch.assign(float(steps_per_epoch))

    def finish(self) -> None:
        """End the training: put the averaged weights, if there are any, into the model."""
        if self._layers.averages:
            self._layers.averages.assign_to_originals()

    def _run(self, order: tf.Tensor, first: tf.Tensor, count: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Run ``count`` steps from step ``first``; return the total loss and the number of correct rows."""

        def body(i: tf.Tensor, loss: tf.Tensor, right: tf.Tensor) -> tuple[tf.Tensor, ...]:
            rows = tf.slice(order, [i * self._batch], [self._batch])
            step_loss, step_right = self._step(rows)
            return i + 1, loss + step_loss, right + step_right

        self._layers.draw_masks(self._batch, first)
        start = (first, tf.zeros((), self._full), tf.zeros((), tf.int32))
        end = first + count
        _, loss, right = tf.while_loop(lambda i, *_: i < end, body, start, parallel_iterations=1)
        return loss, right

    def _step(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """One step; the loss and the correct predictions, summed over its rows."""
        gradients, losses, right = self._gradients(rows)
        if self._params["clip"]:
            gradients, _ = tf.clip_by_global_norm(gradients, self._params["clip"])
        done = tf.cast(self._done.assign_add(1), tf.int32)
        self._update.apply(gradients, self._learning_rate(done), done)
        if self._layers.averages:
            self._layers.averages.update(done, self._params["average"] * self._steps_per_epoch)
        return tf.reduce_sum(losses), tf.math.count_nonzero(right, dtype=tf.int32)

    def _gradients(self, rows: tf.Tensor) -> tuple[list[tf.Tensor], tf.Tensor, tf.Tensor]:
        """Gradients of the mean loss; each row's loss, and whether it was classified correctly."""
        labels = tf.cast(tf.gather(self._labels, rows), tf.int32)
        inputs, target = self._batch_inputs(rows), self._target(labels)
        if self._params["mixup"]:
            inputs, target = augment.mixed(inputs, target, self._params["mixup"], self._random_seed(63))
        with tf.GradientTape() as tape:
            logits = self._layers.logits(inputs, training=True)
            losses = tf.nn.softmax_cross_entropy_with_logits(target, logits)
            loss = tf.reduce_mean(losses)
            if self._loss_scale:
                loss = self._loss_scale.scaled(loss)
        gradients = tape.gradient(loss, self._layers.weights)
        if self._loss_scale:
            gradients = self._loss_scale.unscaled(gradients)
        right = tf.equal(tf.argmax(logits, axis=1, output_type=tf.int32), labels)
        return gradients, losses, right

    def _target(self, labels: tf.Tensor) -> tf.Tensor:
        """Target distribution: one-hot with label smoothing (Szegedy et al. 2016, arXiv 1512.00567)."""
        classes = self._layers.classes
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
        count, block = len(labels), BLOCK[space.family_in(self._params)]

        def body(start: tf.Tensor, loss: tf.Tensor, right: tf.Tensor) -> tuple[tf.Tensor, ...]:
            asked = tf.cast(labels[start : start + block], tf.int32)
            logits = self._layers.logits(inputs[start : start + block], training=False)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(asked, logits)
            hits = tf.equal(tf.argmax(logits, axis=1, output_type=tf.int32), asked)
            return start + block, loss + tf.reduce_sum(losses), right + tf.math.count_nonzero(hits)

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

    def _computed(self, rows: tf.Tensor) -> tf.Tensor:
        pixels = tf.TensorSpec([None, self._pixels.shape[1]], self._pixels.dtype)
        inputs = tf.function(self._inputs, input_signature=[pixels], autograph=False)
        return tf.concat([inputs(tf.gather(self._pixels, block)) for block in graph.blocks(rows)], axis=0)

    def _inputs(self, pixels: tf.Tensor) -> tf.Tensor:
        """Features of raw pixels (rows, pixels) 0-255, in the layers' precision."""
        return tf.cast(self._layers.features(tf.cast(pixels, self._full)), self._layers.dtype)

    def _random_seed(self, place: int, ago: tf.Tensor | int = 0) -> tf.Tensor:
        """A random seed, different in each step and at each position in the network; or so many steps ago."""
        step = tf.cast(self._done, tf.int32) - ago
        return tf.stack([step, tf.constant((self._seed * 64 + place) % 2**31)])
