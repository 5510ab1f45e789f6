"""numpy_network.py: the first network, and with it an oracle for what others compute."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from catwalk.core.errors import UserError
from catwalk.course import numpy_network
from catwalk.course.numpy_network import (
    Array,
    Batches,
    Network,
    descend,
    evaluate,
    gradients,
    initial,
    one_hot,
)

DIGITS, LABELS = load_digits(return_X_y=True)
SHAPES = [("sigmoid", (64, 10)), ("sigmoid", (64, 12, 10)), ("relu", (64, 12, 10)), ("relu", (64, 9, 7, 10))]


def some(rows: int, dtype: type = np.float64) -> tuple[Array, Array]:
    return DIGITS[:rows].astype(dtype) / 16, one_hot(LABELS[:rows], 10, dtype)


def shaken(activation: str, sizes: tuple[int, ...]) -> Network:
    """A network whose biases are not 0 either."""
    network = initial(sizes, 1, activation=activation, dtype=np.float64)
    draw = np.random.default_rng(0)
    network.biases = [draw.normal(size=biases.shape) for biases in network.biases]
    return network


@pytest.mark.parametrize(("activation", "sizes"), SHAPES)
def test_gradients_are_finite_differences(activation: str, sizes: tuple[int, ...]) -> None:
    network, data = shaken(activation, sizes), some(100)
    found = gradients(network, *data)
    for values, slopes in zip(
        [*network.weights, *network.biases], [*found.weights, *found.biases], strict=True
    ):
        for place in np.random.default_rng(1).integers(values.size, size=20):
            at = np.unravel_index(place, values.shape)
            here, losses = values[at], []
            for step in (1e-6, -1e-6):
                values[at] = here + step
                losses.append(evaluate(network, *data).loss)
            values[at] = here
            assert (losses[0] - losses[1]) / 2e-6 == pytest.approx(slopes[at], abs=1e-6)


@pytest.mark.parametrize(("activation", "sizes"), SHAPES)
def test_gradients_are_tensorflow_s(activation: str, sizes: tuple[int, ...]) -> None:
    from catwalk.core import tensorflow_setup

    tensorflow_setup.setup()
    import tensorflow as tf

    network, (pixels, targets) = shaken(activation, sizes), some(1500)  # more than a chunk
    found = gradients(network, pixels, targets)
    weights, biases = ([tf.Variable(v) for v in values] for values in (network.weights, network.biases))
    with tf.GradientTape() as tape:
        x = tf.constant(pixels)
        for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            x = x @ tf.transpose(weight) + bias
            if layer < len(weights) - 1:
                x = tf.sigmoid(x) if activation == "sigmoid" else tf.nn.relu(x)
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(targets, x))
    theirs = tape.gradient(loss, [*weights, *biases])
    assert found.loss == pytest.approx(float(loss), abs=1e-6)
    for ours, other in zip([*found.weights, *found.biases], theirs, strict=True):
        np.testing.assert_allclose(ours, other.numpy(), atol=1e-6)


def test_the_course_s_first_weights() -> None:
    """As ``np.random.seed`` and ``np.random.randn`` give them, layer after layer."""
    np.random.seed(1234)
    first = np.random.randn(300, 784) * np.sqrt(2 / 784)
    second = np.random.randn(10, 300) * np.sqrt(2 / 300)
    network = initial((784, 300, 10), 1234, dtype=np.float64)
    np.testing.assert_array_equal(network.weights[0], first)
    np.testing.assert_array_equal(network.weights[1], second)
    assert not any(biases.any() for biases in network.biases)


@given(st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=2, max_size=9))
def test_softmax_never_overflows(sums: list[float]) -> None:
    said = np.exp(numpy_network.log_softmax(np.array([sums], np.float32)))
    assert np.isfinite(said).all()
    assert said.sum() == pytest.approx(1, abs=1e-5)


def test_sigmoid_at_both_ends() -> None:
    said = numpy_network.sigmoid(np.array([-1e30, -1.0, 0.0, 1.0, 1e30], np.float32))
    np.testing.assert_allclose(said, [0, 0.26894143, 0.5, 0.7310586, 1], atol=1e-7)


def test_it_learns_and_going_on_is_not_starting_again() -> None:
    learning, others = some(1200), (DIGITS[1200:] / 16, one_hot(LABELS[1200:], 10, np.float64))
    whole, half = (initial((64, 30, 10), 1, dtype=np.float64) for _ in range(2))
    at_once = descend(whole, learning, others, rate=0.1, epochs=40)
    first = descend(half, learning, others, rate=0.1, epochs=20)
    both = first + descend(half, learning, others, rate=0.1, epochs=20)
    assert both.loss == pytest.approx(at_once.loss)
    assert both.other_accuracy == at_once.other_accuracy
    assert len(both.loss) == 41
    assert at_once.loss[-1] < 0.95 * at_once.loss[0]

    quick = initial((64, 30, 10), 1, activation="relu", dtype=np.float64)
    small = descend(quick, learning, others, rate=0.3, epochs=10, batches=Batches(32))
    assert small.other_accuracy[-1] > 0.85


def test_a_mini_batch_of_all_pictures_is_batch_gradient_descent() -> None:
    networks = [initial((64, 10), 1, dtype=np.float64) for _ in range(2)]
    histories = [
        descend(network, some(500), some(100), rate=0.1, epochs=5, batches=batches)
        for network, batches in zip(networks, (None, Batches(500)), strict=True)
    ]
    assert histories[0].loss == pytest.approx(histories[1].loss)


def test_the_seed_decides_which_pictures_are_in_a_batch() -> None:
    ends = []
    for seed in (1, 1, 2):
        network = initial((64, 10), 1, dtype=np.float64)
        history = descend(network, some(200), some(100), rate=0.1, epochs=1, batches=Batches(50, seed))
        ends.append(history.loss[-1])
    assert ends[0] == pytest.approx(ends[1])
    assert ends[0] != pytest.approx(ends[2])


@pytest.mark.parametrize("rate", [1e3, 1e38])
def test_a_rate_that_is_too_high_is_told_not_a_crash(rate: float) -> None:
    network = initial((64, 30, 10), 1, activation="relu")
    history = descend(network, some(500, np.float32), some(100, np.float32), rate=rate, epochs=5)
    assert history.diverged
    assert len(history.loss) >= 2


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_products_give_no_warnings(activation: str) -> None:
    """On macOS they would, even where all is right (numpy#28687)."""
    network, (pixels, _) = initial((64, 12, 10), 1, activation=activation), some(50, np.float32)
    for weights in network.weights:
        weights[:] = 3e38
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        activations, logs = numpy_network.forward(network, pixels)
        found = numpy_network.backward(network, activations, np.full_like(logs, 3e38))
    assert not np.isfinite(found[0]).all(), "it overflows"


@pytest.mark.parametrize(
    ("sizes", "activation", "said"),
    [((64, 0, 10), "relu", "at least 1"), ((64, 10), "tanh", "sigmoid or relu")],
)
def test_a_network_that_can_not_be(sizes: tuple[int, ...], activation: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        initial(sizes, 1, activation=activation)


@pytest.mark.parametrize(
    ("rate", "epochs", "batches"), [(0.0, 5, None), (0.1, 0, None), (0.1, 5, Batches(0))]
)
def test_a_descent_that_can_not_be(rate: float, epochs: int, batches: Batches | None) -> None:
    with pytest.raises(UserError, match="positive"):
        descend(initial((64, 10), 1), some(50), some(50), rate=rate, epochs=epochs, batches=batches)
