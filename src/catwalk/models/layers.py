"""The learned layers of a network as TensorFlow functions, for the training step.

Each kind of layer that the networks are built of is implemented here again, because a step of Keras's own
takes longer (see step.py); the tests compare both.
"""

import math
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from catwalk.models.optimizers import Averages

# Numbers for dropout are drawn for so many steps, of which all steps of an epoch use parts; at most so many
# more than a step needs, because of the memory.
STEPS_OF_MASKS, MOST_FURTHER = 4, 2**21


class Layers:
    """The layers of one network after its layer "features", run in the order in which they were built.

    Args:
        model: from ``network.build``.
        precision: "float32", "bfloat16" or "float16", of the layers; the logits are always in the weights'
            own.
        random_seed: from a position in the network to a random seed, another one in each step; or from a
            position and a number of steps, the seed so many steps ago.

    Attributes:
        features: the model up to the layer "features".
        weights: those that are trained.
        moving: the statistics of batch norms.
        full: the weights' own dtype, for all that is not worth rounding.
        dtype: the layers' precision.
        classes: how many there are.
        averages: of weights and statistics, which are used instead of them where nothing is trained.
    """

    def __init__(self, model: keras.Model, precision: str, random_seed: Callable[..., tf.Tensor]) -> None:
        fixed = model.get_layer("features")
        learned = model.layers[model.layers.index(fixed) + 1 : -1]  # the last one is the softmax
        self.features = keras.Model(model.input, fixed.output)
        self.weights = [weight.value for weight in model.trainable_variables]
        moving = [weight for layer in learned for weight in layer.non_trainable_variables]
        self.moving = [weight.value for weight in moving if "float" in weight.dtype]  # not dropout's seeds
        self.full = self.weights[0].dtype
        self.dtype = tf.as_dtype(precision)
        self.averages: Averages | None = None
        self._last = learned[-1]
        self.classes: int = self._last.units
        self._runs = _runs(fixed, learned)
        self._random_seed = random_seed
        self._masks: dict[int, tf.Tensor] = {}

    def draw_masks(self, rows: int, first: tf.Tensor) -> None:
        """Draw what dropout's masks are made of, before steps are run.

        To draw them in each step would take almost as long as the update of the weights. So numbers are drawn
        for a few steps, and each step takes its masks from a random place among them, as evolution strategies
        take their noise from a table (Salimans et al. 2017, arXiv 1703.03864, section 2.1).

        Args:
            rows: of a step.
            first: steps of this epoch that were run before; the numbers are the same in all of its parts.
        """
        for place, (run, layer, _) in enumerate(self._runs, 1):
            if run is Layers._dropout and (dropped := _dropped(layer)):
                size = rows * math.prod(layer.input.shape[1:])
                values = size + min((STEPS_OF_MASKS - 1) * size, MOST_FURTHER)
                self._masks[place] = self._mask(dropped, values, self._random_seed(place, first))

    def _mask(self, dropped: int, values: int, seed: tf.Tensor) -> tf.Tensor:
        """(values,) in the layers' precision: of 256 units ``dropped`` are 0, the others keep the mean."""
        words = tf.random.stateless_uniform([math.ceil(values / 4)], seed, None, None, tf.uint32, "philox")
        random = tf.reshape(tf.bitcast(words, tf.uint8), [-1])[:values]
        kept = tf.cast(random >= tf.constant(dropped, tf.uint8), self.dtype)
        return kept * tf.constant(256 / (256 - dropped), self.dtype)

    def logits(self, x: tf.Tensor, training: bool) -> tf.Tensor:
        """Logits (rows, classes), in full precision, of features (rows, values) in the layers' precision."""
        outputs = [x]
        for place, (run, layer, sources) in enumerate(self._runs, 1):
            inputs = [outputs[source] for source in sources]
            outputs.append(run(self, layer, inputs if len(inputs) > 1 else inputs[0], place, training))
        return outputs[-1]

    def _weight(self, variable: Any, training: bool) -> tf.Tensor:
        """A layer's variable: its current value in training, else its average."""
        weight = variable.value
        return weight if training or not self.averages else self.averages.of(weight)

    # Each layer takes (rows, units) or pictures (rows, height, width, channels), or a list of these, and
    # gives one of them, in the layers' precision.

    def _dense(self, layer: Any, x: tf.Tensor, _place: int, training: bool) -> tf.Tensor:
        # The logits are not rounded: that would flip near ties.
        dtype = self.full if layer is self._last else self.dtype
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
            mean, variance = tf.nn.moments(x, axes=list(range(x.shape.rank - 1)))
            x = tf.nn.batch_normalization(x, mean, variance, beta, gamma, layer.epsilon)
        else:
            x, mean, variance = _fused_batch_norm(x, gamma, beta, layer.epsilon)
        for moving, now in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
            moving.value.assign_sub((1 - layer.momentum) * (moving.value - tf.stop_gradient(now)))
        return x

    def _layer_norm(self, layer: Any, x: tf.Tensor, _place: int, training: bool) -> tf.Tensor:
        """Layer normalisation (Ba et al. 2016, arXiv 1607.06450)."""
        gamma, beta = self._weight(layer.gamma, training), self._weight(layer.beta, training)
        full = tf.cast(x, self.full)
        away = full - tf.reduce_mean(full, axis=1, keepdims=True)
        variance = tf.reduce_mean(away * away, axis=1, keepdims=True)
        return tf.cast(away * tf.math.rsqrt(variance + layer.epsilon) * gamma + beta, x.dtype)

    def _activation(self, layer: Any, x: tf.Tensor, _place: int, _training: bool) -> tf.Tensor:
        name = layer.activation.__name__
        if name == "relu":
            return tf.nn.relu(x)
        # In float32: TensorFlow computes these in bfloat16 one value at a time, which takes twice as long.
        full = tf.cast(x, self.full)
        # silu is written out: tf.nn.silu has a gradient of its own, and a graph that holds one is never
        # freed, which costs a worker 5 MB a trial.
        full = tf.nn.gelu(full) if name == "gelu" else full * tf.sigmoid(full)
        return tf.cast(full, x.dtype)

    def _dropout(self, layer: Any, x: tf.Tensor, place: int, training: bool) -> tf.Tensor:
        """Dropout (Srivastava et al. 2014); see ``draw_masks``."""
        if not training or not _dropped(layer):
            return x
        masks, size = self._masks[place], math.prod(x.shape)
        start = tf.random.stateless_uniform([], self._random_seed(place), 0, masks.shape[0] - size, tf.int32)
        return x * tf.reshape(tf.slice(masks, [start], [size]), x.shape)

    def _convolution(self, layer: Any, x: tf.Tensor, _place: int, training: bool) -> tf.Tensor:
        kernel = tf.cast(self._weight(layer.kernel, training), self.dtype)
        return tf.nn.conv2d(x, kernel, layer.strides, layer.padding.upper())

    def _reshape(self, layer: Any, x: tf.Tensor, _place: int, _training: bool) -> tf.Tensor:
        return tf.reshape(x, [-1, *layer.target_shape])

    def _add(self, _layer: Any, inputs: list[tf.Tensor], _place: int, _training: bool) -> tf.Tensor:
        return tf.add_n(inputs)

    def _concatenate(self, _layer: Any, inputs: list[tf.Tensor], _place: int, _training: bool) -> tf.Tensor:
        return tf.concat(inputs, axis=-1)

    def _mean_pool(self, _layer: Any, x: tf.Tensor, _place: int, _training: bool) -> tf.Tensor:
        return tf.reduce_mean(x, axis=[1, 2])

    def _max_pool(self, _layer: Any, x: tf.Tensor, _place: int, _training: bool) -> tf.Tensor:
        return tf.reduce_max(x, axis=[1, 2])


_LAYERS: dict[str, Callable[..., tf.Tensor]] = {
    "Dense": Layers._dense,
    "Conv2D": Layers._convolution,
    "Reshape": Layers._reshape,
    "Add": Layers._add,
    "Concatenate": Layers._concatenate,
    "GlobalAveragePooling2D": Layers._mean_pool,
    "GlobalMaxPooling2D": Layers._max_pool,
    "BatchNormalization": Layers._batch_norm,
    "LayerNormalization": Layers._layer_norm,
    "Activation": Layers._activation,
    "Dropout": Layers._dropout,
}


def _runs(fixed: Any, learned: list[Any]) -> list[tuple[Callable[..., tf.Tensor], Any, list[int]]]:
    """How each layer runs, the layer, and where its inputs come from.

    0 is the output of ``fixed``, then come the layers' outputs in their order, in which a layer is never
    before one whose output it needs.
    """
    numbers = {id(layer.output): number for number, layer in enumerate([fixed, *learned])}
    return [
        (_LAYERS[type(layer).__name__], layer, [numbers[id(x)] for x in tf.nest.flatten(layer.input)])
        for layer in learned
    ]


def _dropped(layer: Any) -> int:
    """How many units of 256 are dropped: there is one random byte per unit."""
    return round(float(layer.rate) * 256)


def _fused_batch_norm(
    x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon: float
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Batch normalisation by TensorFlow's kernel for images, which is faster; each unit is a channel."""
    rows = math.prod(x.shape[:-1])
    # Pictures stay as they are: with a reshape in between, batch norm and ReLU would be two passes, not one.
    pictures = x if x.shape.rank == 4 else tf.reshape(x, [rows, 1, 1, x.shape[-1]])
    normed, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=pictures, scale=gamma, offset=beta, mean=tf.zeros(0), variance=tf.zeros(0), epsilon=epsilon,
        is_training=True,
    )  # fmt: skip
    # It gives the unbiased variance; Keras keeps the biased one.
    return normed if pictures is x else tf.reshape(normed, x.shape), mean, variance * ((rows - 1) / rows)
