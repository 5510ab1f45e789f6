"""step.py against finite differences, against plain Keras, and against the model that is saved.

Also: layers.py.
"""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from catwalk.core import tensorflow_setup
from catwalk.core.paths import Paths
from catwalk.data.prepare import Prepared
from catwalk.models import network, portfolio, precision, space
from catwalk.models.features import FeatureSet
from tests.conftest import clean_environment, load

tensorflow_setup.setup(threads=1)

import keras  # noqa: E402  (after the set-up)
import tensorflow as tf  # noqa: E402

from catwalk.models import optimizers  # noqa: E402
from catwalk.models.optimizers import AVERAGE_EVERY, DECAY_EVERY, SGD  # noqa: E402
from catwalk.models.step import Labelled, Settings, Step  # noqa: E402
from catwalk.models.train import Training  # noqa: E402


@pytest.fixture
def float64() -> Iterator[None]:
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy("float32")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """Where the features are kept."""
    return Paths(tmp_path_factory.mktemp("features"), "digits")


CONV: dict[str, Any] = {
    "family": "conv", "conv_width": 8, "conv_depth": 1, "conv_stem": "direct", "conv_kernel": 3,
    "conv_pool": "both", "conv_dropout": 0.0,
}  # fmt: skip

PLAIN: dict[str, Any] = {
    "depth": 2, "width_1": 24, "width_2": 16, "norm": "none", "dropout": 0.0, "input_dropout": 0.0,
    "label_smoothing": 0.0, "average": 0.0, "flip": 0, "batch_size": 64, "view": "pixels",
}  # fmt: skip


def make(here: Paths, digits: Prepared, dtype: str, **changes: Any) -> tuple[Step, keras.Model]:
    params, seed = {**portfolio.STRONG, **PLAIN, **changes}, 3
    model = network.build(10, params, FeatureSet(here, digits, (8, 8)), seed)
    labelled = Labelled(*map(tf.constant, (digits.pixels, digits.labels, digits.validation)))
    return Step(model, labelled, Settings(params, (8, 8), params["batch_size"], seed, dtype)), model


@pytest.mark.parametrize(
    "changes",
    [
        {"depth": 0},
        {"activation": "gelu"},
        pytest.param({"activation": "relu"}, marks=pytest.mark.slow),
        pytest.param({"activation": "silu"}, marks=pytest.mark.slow),
        {"norm": "batch"},
        {"norm": "layer"},
        {**CONV, "conv_stem": "stepped"},
        pytest.param(
            {
                **CONV,
                "conv_depth": 2,
                "conv_kernel": 5,
                "conv_dropout": 0.3,
                "conv_pool": "max",
                "mixup": 0.2,
            },
            marks=pytest.mark.slow,
        ),
        {"dropout": 0.4, "input_dropout": 0.1},
        pytest.param({"label_smoothing": 0.1}, marks=pytest.mark.slow),
        pytest.param(
            {"norm": "batch", "activation": "gelu", "dropout": 0.3, "depth": 3, "width_3": 8},
            marks=pytest.mark.slow,
        ),
        pytest.param(
            {"view": "patches", "mixup": 0.2, "flip": 1, "shift": 1.0, "erase": 0.3}, marks=pytest.mark.slow
        ),
    ],
    ids=str,
)
@pytest.mark.usefixtures("float64")
def test_gradients_agree_with_finite_differences(
    here: Paths, digits: Prepared, changes: dict[str, Any]
) -> None:
    step, model = make(here, digits, "float64", **changes)
    for weight in model.trainable_variables:  # away from zero and one, where mistakes hide
        weight.assign(weight + 0.05 * np.random.default_rng(1).normal(size=weight.shape))
    rows = tf.constant(digits.train[:64])

    def one_step() -> tuple[list[tf.Tensor], tf.Tensor]:
        step._layers.draw_masks(64, tf.constant(0))
        return step._gradients(rows)[:2]

    run = tf.function(one_step, autograph=False)
    gradients, losses = run()
    random = np.random.default_rng(0)
    assert len(gradients) == len(model.trainable_variables)
    for weight, gradient in zip(model.trainable_variables, gradients, strict=True):
        for _ in range(5):
            place = tuple(int(random.integers(size)) for size in weight.shape)
            at, e = weight.numpy(), 1e-6
            found = []
            for sign in (1, -1):
                moved = at.copy()
                moved[place] += sign * e
                weight.assign(moved)
                found.append(float(tf.reduce_mean(run()[1])))
            weight.assign(at)
            slope = (found[0] - found[1]) / (2 * e)
            np.testing.assert_allclose(gradient[place], slope, rtol=1e-5, atol=1e-8, err_msg=weight.path)
    assert losses.dtype == tf.float64


def test_the_fused_batch_norm_is_the_written_one(
    here: Paths, digits: Prepared, request: pytest.FixtureRequest
) -> None:
    rows = tf.constant(digits.train[:64])
    single, _ = make(here, digits, "float32", norm="batch")
    starts = [weight.numpy() for weight in single._layers.weights]
    gradients = single._gradients(rows)[0]
    request.getfixturevalue("float64")
    double, _ = make(here, digits, "float64", norm="batch")
    for weight, start in zip(double._layers.weights, starts, strict=True):
        weight.assign(start.astype(np.float64))
    for one, other in zip(gradients, double._gradients(rows)[0], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)
    for one, other in zip(single._layers.moving, double._layers.moving, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def keras_run(
    model: keras.Model, params: space.Params, digits: Prepared, rows: npt.NDArray[np.int32]
) -> tuple[list[float], list[npt.NDArray[Any]]]:
    """The same training in plain Keras: losses, and the averages of the weights."""
    logits = keras.Model(model.input, model.get_layer("logits").output)
    rate, decay, clip = params["learning_rate"], params["weight_decay"], params["clip"] or None
    if params["optimizer"] == "adamw":
        optimizer = keras.optimizers.Adam(rate, global_clipnorm=clip)
    else:
        optimizer = keras.optimizers.SGD(
            rate * SGD.RATE_FACTOR, momentum=0.9, nesterov=True, global_clipnorm=clip
        )
    losses, averages = [], [w.numpy() for w in model.weights]
    for number, batch in enumerate(rows, 1):
        with tf.GradientTape() as tape:
            target = tf.one_hot(digits.labels[batch], 10)
            output = logits(tf.constant(digits.pixels[batch], tf.float32), training=True)
            loss = tf.reduce_mean(
                keras.losses.categorical_crossentropy(
                    target, output, from_logits=True, label_smoothing=params["label_smoothing"]
                )
            )
        gradients = tape.gradient(loss, model.trainable_variables)
        if number % DECAY_EVERY == 0:
            for weight in model.trainable_variables:
                if len(weight.shape) > 1:
                    weight.assign(weight * (1 - DECAY_EVERY * rate * decay))
        optimizer.apply(gradients, model.trainable_variables)
        losses.append(float(loss))
        if number % AVERAGE_EVERY == 0:
            reach = max(1.0, min(params["average"] * 20, number / 10) / AVERAGE_EVERY)
            averages = [a + (w.numpy() - a) / reach for a, w in zip(averages, model.weights, strict=True)]
    return losses, averages


@pytest.mark.parametrize(
    "changes",
    [
        {"norm": "none", "activation": "relu"},
        pytest.param({**CONV, "average": 2.0, "learning_rate": 3e-4}, marks=pytest.mark.slow),
        pytest.param({"norm": "batch", "activation": "gelu", "label_smoothing": 0.1}, marks=pytest.mark.slow),
        pytest.param(
            {"norm": "layer", "activation": "silu", "optimizer": "sgd", "clip": 1.0}, marks=pytest.mark.slow
        ),
        pytest.param({"norm": "batch", "optimizer": "sgd", "average": 2.0}, marks=pytest.mark.slow),
        pytest.param(
            {"norm": "batch", "average": 0.5, "clip": 1.0, "depth": 3, "width_3": 12}, marks=pytest.mark.slow
        ),
    ],
    ids=str,
)
def test_fifty_steps_are_those_of_plain_keras(here: Paths, digits: Prepared, changes: dict[str, Any]) -> None:
    params = {
        **portfolio.STRONG, **PLAIN, "schedule": "constant", "learning_rate": 1e-3, "weight_decay": 0.05,
        **changes,
    }  # fmt: skip
    step, model = make(here, digits, "float32", **params)
    step.plan(epochs=2, steps_per_epoch=20)
    twin = keras.models.clone_model(model)
    start = model.get_weights()
    twin.set_weights(start)
    rows = np.random.default_rng(0).choice(digits.train, (50, 64)).astype(np.int32)
    order = tf.constant(rows.ravel())
    losses = [float(step.run(order, tf.constant(i), tf.constant(1))[0]) / 64 for i in range(50)]
    theirs, averages = keras_run(twin, params, digits, rows)
    atol, share = (1e-4, 1e-3) if params["family"] == "dense" else (2e-3, 2e-2)  # more layers, more rounding
    np.testing.assert_allclose(losses, theirs, atol=atol)
    assert losses[-1] < 0.85 * losses[0], "it learned, so the weights did move"
    step.finish()
    for ours, other, first in zip(
        model.weights, averages if params["average"] else twin.weights, start, strict=True
    ):
        # As a whole: Adam makes much of a gradient that is nothing but rounding.
        apart = np.linalg.norm(ours.numpy() - np.asarray(other))
        assert apart <= share * np.linalg.norm(ours.numpy() - first), ours.path


def test_the_cosine_schedule_climbs_and_comes_to_zero(here: Paths, digits: Prepared) -> None:
    step, _ = make(here, digits, "float32", learning_rate=0.01)
    step.plan(epochs=10, steps_per_epoch=20)
    rates = [float(step._learning_rate(tf.constant(done))) for done in (1, 5, 10, 105, 200, 220)]
    np.testing.assert_allclose(rates, [0.001, 0.005, 0.01, 0.005, 0, 0], atol=1e-8)


def test_dropout_meets_its_rate_and_keeps_the_mean(here: Paths, digits: Prepared) -> None:
    step, model = make(here, digits, "float32", dropout=0.3, width_1=512, width_2=512)
    layer = model.get_layer("dropout_1")
    layers, place = step._layers, place_of(step, layer)
    first = dropped(step, layer, since=0)
    assert abs((first == 0).mean() - 77 / 256) < 0.01
    assert set(np.unique(first)) == {np.float32(0), np.float32(256 / 179)}
    np.testing.assert_array_equal(first, dropped(step, layer, since=0))
    other = dropped(step, model.get_layer("dropout_2"), since=0)
    assert (first != other).any(), "another place, another mask"
    assert len(layers._masks[place]) == 4 * 64 * 512
    step._done.assign_add(1)
    second = dropped(step, layer, since=1)
    assert (first != second).any(), "another step, another mask"
    assert (second != dropped(step, layer, since=0)).any(), "another epoch, other numbers"
    ones = tf.ones((64, 512))
    np.testing.assert_array_equal(layers._dropout(layer, ones, place, False), ones)


def place_of(step: Step, layer: Any) -> int:
    """A layer's position in the network, by which its random numbers are drawn."""
    return 1 + [one for _, one, _ in step._layers._runs].index(layer)


def dropped(step: Step, layer: Any, since: int) -> npt.NDArray[np.float32]:
    """Dropout of ones, with masks that were drawn so many steps ago."""
    step._layers.draw_masks(64, tf.constant(since))
    return np.asarray(step._layers._dropout(layer, tf.ones((64, 512)), place_of(step, layer), True))


def test_a_wide_network_s_numbers_need_little_more_memory(here: Paths, digits: Prepared) -> None:
    step, _ = make(here, digits, "float32", dropout=0.3, width_1=2048)
    step._layers.draw_masks(2048, tf.constant(0))
    assert max(map(len, step._layers._masks.values())) == 2048 * 2048 + 2**21


def test_the_steps_of_a_run_have_different_masks(here: Paths, digits: Prepared) -> None:
    rows = tf.constant(np.tile(digits.train[:64], 2).astype(np.int32))
    losses = []
    for steps in (1, 2):
        step, _ = make(here, digits, "float32", dropout=0.4, learning_rate=1e-12, schedule="constant")
        losses.append(float(step.run(rows, tf.constant(0), tf.constant(steps))[0]))
    assert abs(losses[1] - 2 * losses[0]) > 0.1, "the same pictures and weights: only the masks differ"


@pytest.mark.parametrize("changes", [{}, {**CONV, "conv_dropout": 0.3}], ids=["dense", "conv"])
def test_an_epoch_is_the_same_in_parts(here: Paths, digits: Prepared, changes: dict[str, Any]) -> None:
    rows = np.random.default_rng(0).choice(digits.train, 10 * 64).astype(np.int32)
    ended = []
    for parts in ([10], [3, 4, 3]):
        step, model = make(here, digits, "float32", **{"dropout": 0.4, "input_dropout": 0.1, **changes})
        step.plan(epochs=1, steps_per_epoch=10)
        for first, count in zip(np.cumsum([0, *parts]), parts, strict=False):
            step.run(tf.constant(rows), tf.constant(first, tf.int32), tf.constant(count))
        ended.append(model.get_weights())
    for one, other in zip(*ended, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("norm", "view"),
    [
        ("none", "pixels"),
        ("batch", "pixels"),
        pytest.param("layer", "pixels", marks=pytest.mark.slow),
        ("batch", "whitened"),
        pytest.param("batch", "gradients", marks=pytest.mark.slow),
        pytest.param("batch", "patches", marks=pytest.mark.slow),
        pytest.param("batch", "convolutions", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize(("dtype", "equal"), [("float32", 1.0), ("bfloat16", 0.999)])
def test_the_saved_model_is_what_was_trained(
    digits: Prepared, norm: str, view: str, dtype: str, equal: float, tmp_path: Path
) -> None:
    """Of all 1,437 labelled rows, of which bfloat16 may label one differently."""
    params = {
        **portfolio.STRONG,
        **PLAIN,
        "norm": norm,
        "view": view,
        "average": 0.5,
        "dropout": 0.2,
        "learning_rate": 1e-2,
        **({**CONV, "view": "pixels", "conv_dropout": 0.2} if view == "convolutions" else {}),
    }
    paths = Paths(tmp_path, "digits")
    training = Training(digits, load("digits"), FeatureSet(paths, digits, (8, 8)), dtype, params, 1)
    last = list(training.epochs(12, None))[-1]
    step, rows = training._step, tf.constant(np.arange(len(digits.pixels), dtype=np.int32))
    inputs = step._computed(rows) if step._table is None else step._looked_up(rows)
    ours = tf.nn.softmax(step._layers.logits(inputs, training=False)).numpy()
    training.finish().save(tmp_path / "net.keras")
    saved = keras.models.load_model(tmp_path / "net.keras", compile=False, safe_mode=True)
    theirs = network.probabilities(saved, digits.pixels)
    assert (ours.argmax(axis=1) == theirs.argmax(axis=1)).mean() >= equal
    accuracy = (theirs.argmax(axis=1) == digits.labels)[digits.validation].mean()
    assert accuracy > 0.85
    if dtype == "float32":
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
        assert last.accuracy == pytest.approx(accuracy)


@pytest.mark.parametrize(
    ("shape", "stem"),
    [((32, 32, 3), "direct"), pytest.param((48, 48, 1), "stepped", marks=pytest.mark.slow)],
)
def test_a_convolutional_network_of_larger_pictures_is_saved_as_trained(
    digits: Prepared, shape: tuple[int, int, int], stem: str, tmp_path: Path
) -> None:
    """Two steps on enlarged digits, each channel of another brightness."""
    count, times = 96, shape[0] // 8
    grey = np.asarray(digits.pixels[:count]).reshape(count, 8, 8).repeat(times, axis=1).repeat(times, axis=2)
    pixels = np.stack([grey * (channel + 1) for channel in range(shape[2])], axis=-1).astype(np.uint8)
    rows = np.arange(count, dtype=np.int32)
    large = replace(
        digits, pixels=pixels.reshape(count, -1), labels=digits.labels[:count],
        train=rows[:32], validation=rows[32:],
    )  # fmt: skip
    params = {**portfolio.STRONG, **PLAIN, **CONV, "conv_stem": stem}
    views = FeatureSet(Paths(tmp_path, "digits"), large, shape)
    training = Training(large, load("digits"), views, "float32", params, 1)
    assert training.steps_per_epoch == 2
    untrained = network.probabilities(training.model, large.pixels, large.validation)
    list(training.epochs(1, None))
    inputs, _ = training._step._held_out
    ours = tf.nn.softmax(training._step._layers.logits(inputs, training=False)).numpy()
    assert np.abs(ours - untrained).max() > 0.01
    training.finish().save(tmp_path / "net.keras")
    saved = keras.models.load_model(tmp_path / "net.keras", compile=False, safe_mode=True)
    assert saved.input_shape == (None, np.prod(shape))
    theirs = network.probabilities(saved, large.pixels, large.validation)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_a_mirrored_training_s_model_is_the_mean_of_both_pictures(here: Paths, digits: Prepared) -> None:
    params = {**portfolio.STRONG, **PLAIN, "flip": 1}
    views = FeatureSet(here, digits, (8, 8))
    training = Training(digits, load("digits"), views, "float32", params, 1)
    list(training.epochs(1, None))
    whole, pixels = training.finish(), np.asarray(digits.pixels[:200])
    mirror = np.ascontiguousarray(pixels.reshape(-1, 8, 8)[:, :, ::-1]).reshape(pixels.shape)
    one, other = (network.probabilities(training.model, seen) for seen in (pixels, mirror))
    assert np.abs(one - other).max() > 0.01
    np.testing.assert_allclose(network.probabilities(whole, pixels), (one + other) / 2, atol=1e-6)


OPENING = """
import sys
sys.modules["catwalk"] = None  # as where it is not installed
import keras, numpy
pixels = numpy.load(sys.argv[1])
for path in sys.argv[2:]:
    model = keras.models.load_model(path, safe_mode=True)
    numpy.save(f"{path}.npy", model.predict(pixels, verbose=0))
"""


@pytest.mark.slow
def test_a_saved_network_is_opened_where_catwalk_is_not_installed(
    here: Paths, digits: Prepared, tmp_path: Path
) -> None:
    """One of each kind of features, in one process, by Keras alone."""
    views, pixels = FeatureSet(here, digits, (8, 8)), np.asarray(digits.pixels[:200])
    kinds: dict[str, dict[str, Any]] = {
        "dense": {}, "whitened": {"view": "whitened", "norm": "batch"},
        "gradients": {"view": "gradients", "norm": "layer"}, "patches": {"view": "patches"}, "conv": CONV,
    }  # fmt: skip
    expected = {}
    for name, changes in kinds.items():
        model = network.build(10, {**portfolio.STRONG, **PLAIN, **changes}, views, 3)
        model = network.mirrored(model, views.shape)
        model.save(tmp_path / f"{name}.keras")
        expected[f"{name}.keras"] = network.probabilities(model, pixels)
    np.save(tmp_path / "pixels.npy", pixels.astype(np.float32))
    done = subprocess.run(
        [sys.executable, "-I", "-c", OPENING, "pixels.npy", *expected],
        cwd=tmp_path, capture_output=True, text=True, env=clean_environment(),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for name, probabilities in expected.items():
        np.testing.assert_allclose(np.load(tmp_path / f"{name}.npy"), probabilities, atol=1e-5)


def test_precision_is_one_of_two_and_measured() -> None:
    assert precision.fastest() in ("float32", "bfloat16")
    assert 1e8 < precision.rate("float32", 64, 64, 64) < 1e14


def test_an_optimizer_that_is_none_is_refused(here: Paths, digits: Prepared) -> None:
    with pytest.raises(ValueError, match=r"unknown optimizer 'lion': optimizers.py has adamw, sgd"):
        make(here, digits, "float32", optimizer="lion")


def test_every_optimizer_of_the_space_is_there() -> None:
    assert set(space.SPACE["optimizer"][1]) == set(optimizers.OPTIMIZERS)
