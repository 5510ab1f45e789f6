"""A network in NumPy only: initialisation, forward, loss, backward, update, and the training loop.

Notation: n pictures of d pixels, h hidden units, k classes. A network without hidden layers is softmax
regression. Everything is computed in the pictures' dtype: float64 to compare with other gradients,
float32 for twice the speed.
"""

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from catwalk.core.errors import UserError

Array = npt.NDArray[np.floating[Any]]

CHUNK = 1024  # pictures at a time: intermediate results then stay in the cache


@dataclass
class Network:
    """Weights and biases, layer by layer.

    Attributes:
        weights: a layer's is (units, inputs), as in the course.
        biases: a layer's is (units,).
        activation: of the hidden layers, sigmoid or relu.
    """

    weights: list[Array]
    biases: list[Array]
    activation: str


@dataclass
class Step:
    """Loss, accuracy and gradients on n pictures.

    Attributes:
        loss: mean cross-entropy, in nats.
        accuracy: share of the pictures whose largest probability is at their class.
        weights, biases: the gradients of the loss, as large as the network's.
    """

    loss: float
    accuracy: float
    weights: list[Array]
    biases: list[Array]


@dataclass
class History:
    """Losses and accuracies before the first epoch and after each; ``other``: on held-out pictures."""

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    other_loss: list[float] = field(default_factory=list)
    other_accuracy: list[float] = field(default_factory=list)

    def add(self, loss: float, accuracy: float, other_loss: float, other_accuracy: float) -> None:
        for row, value in zip(
            (self.loss, self.accuracy, self.other_loss, self.other_accuracy),
            (loss, accuracy, other_loss, other_accuracy),
            strict=True,
        ):
            row.append(value)

    @property
    def diverged(self) -> bool:
        """Whether the final loss is higher than the first, or not a number."""
        return not self.loss[-1] <= self.loss[0]

    def until(self, epoch: int) -> "History":
        """The history up to an epoch."""
        rows = (self.loss, self.accuracy, self.other_loss, self.other_accuracy)
        return History(*(row[: epoch + 1] for row in rows))

    def __add__(self, more: "History") -> "History":
        """Join two histories; the second run continued training the first one's network."""
        return History(
            self.loss + more.loss[1:],
            self.accuracy + more.accuracy[1:],
            self.other_loss + more.other_loss[1:],
            self.other_accuracy + more.other_accuracy[1:],
        )


def one_hot(labels: npt.NDArray[np.integer], classes: int, dtype: npt.DTypeLike = np.float32) -> Array:
    """Convert (n,) class positions to (n, k) rows with 1 at each picture's class and 0 elsewhere."""
    matrix = np.zeros((len(labels), classes), dtype)
    matrix[np.arange(len(labels)), labels] = 1
    return matrix


def initial(
    sizes: tuple[int, ...],
    seed: int,
    *,
    gain: float = 2.0,
    activation: str = "sigmoid",
    dtype: npt.DTypeLike = np.float32,
) -> Network:
    """Draw weights from a normal distribution, mean 0 and standard deviation sqrt(gain / inputs); biases 0.

    The numbers are those of ``np.random.seed(seed)`` and ``np.random.randn``, as the course draws them.

    Args:
        sizes: d, then the units of each hidden layer, then k.
        seed: of the random numbers.
        gain: 2 as in the first exercise, 1 as in the second.
        activation: of the hidden layers, sigmoid or relu.
        dtype: float32 or float64.

    Raises:
        UserError: a layer has no unit, or there is no such activation.
    """
    if min(sizes) < 1:
        raise UserError(f"layers of {sizes} units", fix="give each layer at least 1 unit, or leave it out")
    if activation not in ("sigmoid", "relu"):
        raise UserError(f"activation {activation!r}", fix="choose sigmoid or relu")
    draw = np.random.RandomState(seed)  # the generator behind np.random.seed
    weights = [
        (draw.randn(units, inputs) * np.sqrt(gain / inputs)).astype(dtype)
        for inputs, units in pairwise(sizes)
    ]
    return Network(weights, [np.zeros(units, dtype) for units in sizes[1:]], activation)


def sigmoid(z: Array) -> Array:
    """Compute 1 / (1 + exp(-z)) in place, using the hyperbolic tangent, which can't overflow."""
    z *= 0.5
    np.tanh(z, out=z)
    z += 1
    z *= 0.5
    return z


def log_softmax(z: Array) -> Array:
    """Compute the logarithms of exp(z) / sum(exp(z)) row by row, in place.

    The textbook's exp(z) overflows from z = 89 (float32); minus the row's maximum, z is at most 0.
    """
    z -= z.max(axis=1, keepdims=True)
    z -= np.log(np.exp(z).sum(axis=1, keepdims=True))
    return z


def no_warnings() -> np.errstate:
    """Hide NumPy's warnings of overflow: on macOS it warns of correct products too (numpy#28687)."""
    return np.errstate(over="ignore", invalid="ignore", divide="ignore")


@no_warnings()
def forward(network: Network, pixels: Array) -> tuple[list[Array], Array]:
    """Compute the logarithms of the class probabilities of pictures.

    Args:
        network: of l layers.
        pixels: (n, d), from 0 to 1.

    Returns:
        The inputs of each layer, first ``pixels`` and then (n, h) for each hidden layer; and (n, k).
    """
    activations = [pixels]
    *hidden, last = zip(network.weights, network.biases, strict=True)
    for weights, biases in hidden:
        z = activations[-1] @ weights.T
        z += biases
        activations.append(sigmoid(z) if network.activation == "sigmoid" else np.maximum(z, 0, out=z))
    weights, biases = last
    return activations, log_softmax(activations[-1] @ weights.T + biases)


@no_warnings()
def backward(network: Network, activations: list[Array], error: Array) -> list[Array]:
    """Compute the gradients of the loss on these pictures, from the last layer to the first.

    Args:
        network: of l layers.
        activations: of ``forward``.
        error: (n, k), the gradient of the loss at the last layer's logits: probabilities minus targets.

    Returns:
        The gradients of all layers' weights, then those of all biases.
    """
    weights, biases = [], []
    for layer in reversed(range(len(network.weights))):
        taken = activations[layer]
        weights.append(error.T @ taken)
        biases.append(error.sum(axis=0))
        if layer:
            error = error @ network.weights[layer]
            error *= taken * (1 - taken) if network.activation == "sigmoid" else taken > 0
    return weights[::-1] + biases[::-1]


def gradients(network: Network, pixels: Array, targets: Array) -> Step:
    """Compute the mean loss of n pictures and its gradients.

    Args:
        network: as it is now.
        pixels: (n, d).
        targets: (n, k), of ``one_hot``.
    """
    step, layers, total = Step(0.0, 0.0, [], []), len(network.weights), list[Array]()
    for start in range(0, len(pixels), CHUNK):
        wanted = targets[start : start + CHUNK]
        activations, logs = forward(network, pixels[start : start + CHUNK])
        _count(step, logs, wanted, len(pixels))
        error = np.exp(logs)
        error -= wanted
        error /= len(pixels)
        found = backward(network, activations, error)
        for one, more in zip(total, found, strict=False):  # none at first
            np.add(one, more, out=one)
        total = total or found
    return replace(step, weights=total[:layers], biases=total[layers:])


def evaluate(network: Network, pixels: Array, targets: Array) -> Step:
    """Compute loss and accuracy as ``gradients`` does, without computing gradients."""
    step = Step(0.0, 0.0, [], [])
    for start in range(0, len(pixels), CHUNK):
        _, logs = forward(network, pixels[start : start + CHUNK])
        _count(step, logs, targets[start : start + CHUNK], len(pixels))
    return step


def _count(step: Step, logs: Array, targets: Array, pictures: int) -> None:
    """Add the contribution of some pictures to the mean loss and the accuracy."""
    step.loss -= float((targets * logs).sum()) / pictures
    step.accuracy += float((logs.argmax(axis=1) == targets.argmax(axis=1)).sum()) / pictures


def update(network: Network, step: Step, rate: float) -> None:
    """Subtract ``rate`` times the gradients from the network's parameters, in place."""
    for layer in range(len(network.weights)):
        network.weights[layer] -= rate * step.weights[layer]
        network.biases[layer] -= rate * step.biases[layer]


def probabilities(network: Network, pixels: Array) -> Array:
    """Compute the class probabilities (n, k) of pictures (n, d)."""
    parts = [
        np.exp(forward(network, pixels[start : start + CHUNK])[1]) for start in range(0, len(pixels), CHUNK)
    ]
    return np.concatenate(parts)


class Batches(NamedTuple):
    """Mini-batches: the batch size, and the seed for shuffling."""

    size: int
    seed: int = 0


def descend(
    network: Network,
    train: tuple[Array, Array],
    other: tuple[Array, Array],
    *,
    rate: float,
    epochs: int,
    batches: Batches | None = None,
) -> History:
    """Train with gradient descent, in place: a second call continues the training.

    Args:
        network: the network to train.
        train: (n, d) pictures and (n, k) targets to learn from.
        other: the same for held-out pictures.
        rate: the learning rate.
        epochs: how often all pictures are seen; fewer if the loss becomes not a number.
        batches: mini-batches; None for all pictures in each update (batch gradient descent).

    Raises:
        UserError: the rate, the epochs or the batch size are not positive.
    """
    size = None if batches is None else batches.size
    if rate <= 0 or epochs < 1 or (size is not None and size < 1):
        raise UserError(f"rate {rate}, {epochs} epochs, batches of {size}", fix="choose positive numbers")
    history, order = History(), np.random.default_rng(None if batches is None else batches.seed)
    with no_warnings():  # a rate may be too high
        for epoch in range(epochs + 1):
            now = gradients(network, *train) if size is None else evaluate(network, *train)
            there = evaluate(network, *other)
            history.add(now.loss, now.accuracy, there.loss, there.accuracy)
            if epoch == epochs or not np.isfinite(now.loss):
                break
            if size is None:
                update(network, now, rate)
                continue
            rows = order.permutation(len(train[0]))
            for some in np.split(rows, range(size, len(rows), size)):
                update(network, gradients(network, train[0][some], train[1][some]), rate)
    return history
