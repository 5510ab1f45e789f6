"""train.py, network.py and space.py: what is learned, for how long, and what is kept of it."""

import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import optuna
import pytest
from sklearn.linear_model import LogisticRegression

from catwalk.core import tensorflow_setup
from catwalk.core.paths import Paths
from catwalk.data import download, prepare
from catwalk.data.competition import AUGMENTATIONS
from catwalk.data.prepare import Prepared
from catwalk.models import placement, portfolio, space
from catwalk.models.features import FeatureSet
from tests.conftest import load

tensorflow_setup.setup(threads=1)

from catwalk.models import graph, train  # noqa: E402
from catwalk.models.train import DivergedError, OutOfTimeError, Training, seconds_an_epoch  # noqa: E402
from catwalk.search import trial as trials  # noqa: E402  (after the set-up)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """Where the features are kept."""
    return Paths(tmp_path_factory.mktemp("features"), "digits")


def net(here: Paths, digits: Prepared, params: space.Params, seed: int) -> Training:
    return Training(digits, load("digits"), FeatureSet(here, digits, (8, 8)), "float32", params, seed)


def choice(**changes: object) -> space.Params:
    return {
        **portfolio.STRONG,
        "width_1": 64,
        "width_2": 32,
        "width_3": 16,
        "view": "pixels",
        "flip": 0,
        "dropout": 0.3,
        "label_smoothing": 0.05,
        "average": 0.5,
        **changes,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"depth": 0},
        {"depth": 3, "norm": "layer", "activation": "gelu"},
        {"norm": "batch", "activation": "silu", "batch_size": 64},
        {"norm": "none", "optimizer": "sgd", "label_smoothing": 0.1},
        {"schedule": "constant", "dropout": 0.0, "input_dropout": 0.0},
    ],
)
def test_every_kind_of_net_learns(here: Paths, digits: Prepared, changes: dict[str, object]) -> None:
    training = net(here, digits, choice(**{"batch_size": 64, "learning_rate": 5e-3, **changes}), seed=1)
    epochs = list(training.epochs(20, deadline=None))
    assert [epoch.epoch for epoch in epochs] == list(range(1, 21))
    assert epochs[-1].accuracy > 0.85
    assert epochs[-1].train_loss < epochs[0].train_loss
    assert epochs[-1].loss < epochs[0].loss


def test_the_same_seed_gives_the_same_net(here: Paths, digits: Prepared) -> None:
    runs = [list(net(here, digits, choice(), seed).epochs(2, None)) for seed in (5, 5, 6)]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def own_clock(training: Training, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock of the test's own, the time in a list: a step takes 50 ms and an evaluation 200."""
    clock, run, evaluate = [0.0], training._step.run, training._step.evaluate

    def timed_run(order: Any, first: Any, count: Any) -> Any:
        clock[0] += 0.05 * int(count)
        return run(order, first, count)

    def timed_evaluate() -> Any:
        clock[0] += 0.2
        return evaluate()

    monkeypatch.setattr(training._step, "run", timed_run)
    monkeypatch.setattr(training._step, "evaluate", timed_evaluate)
    monkeypatch.setattr(train, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    return clock


def test_the_epochs_fit_the_time(here: Paths, digits: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    training = net(here, digits, choice(), 1)
    clock = own_clock(training, monkeypatch)
    epochs = list(training.epochs(100_000, deadline=16.0))
    assert 12 < clock[0] <= 16
    assert 1 < epochs[-1].epoch == len(epochs)
    assert epochs[-1].epoch == epochs[-1].epochs, "the schedule has come to its end"


@pytest.mark.parametrize(("flip", "seconds"), [(0, 5.0), (1, 10.0)])
def test_there_is_time_to_predict(
    flip: int, seconds: float, here: Paths, digits: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four times the rows of the sample, which takes a second, and a second to begin; mirrored, twice."""
    training, clock = net(here, digits, choice(flip=flip), 1), [0.0]
    training.predicted_rows *= 4

    def predicted(_pixels: object, _rows: object) -> None:
        clock[0] += 1.0

    def epoch(_deadline: float | None) -> tuple[float, float]:
        clock[0] += 1.0
        return 0.5, 0.8

    monkeypatch.setattr(graph, "Predictor", lambda _model: predicted)
    monkeypatch.setattr(train, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(training, "_epoch", epoch)
    list(training.epochs(100_000, deadline=20.0))
    assert 18 - seconds < clock[0] <= 20 - seconds


@pytest.mark.parametrize(("slow", "planned", "ended"), [(3, 12, 30), (5, 12, 12), (0, 19, 19)])
def test_the_plan_follows_the_time_until_the_learning_rate_falls(
    slow: int, planned: int, ended: int, here: Paths, digits: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a clock of the test's own: the first epochs take three seconds, while others start, then one."""
    training, clock = net(here, digits, choice(), 1), [0.0]

    def epoch(_deadline: float | None) -> tuple[float, float]:
        begun.append(clock[0])
        clock[0] += 3.0 if len(begun) <= slow else 1.0
        return 0.5, 0.8

    begun: list[float] = []
    monkeypatch.setattr(train, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(training, "_epoch", epoch)
    plans = [one.epochs for one in training.epochs(20, deadline=40.0)]
    assert plans[2] == planned
    assert len(plans) == plans[-1] == ended
    assert clock[0] <= 40


def test_compiling_is_no_epoch_s_pace(here: Paths, digits: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither for the deadline nor for a baseline's limit, which counts from the first epoch's end."""
    monkeypatch.setattr(placement, "compiles", lambda: False)  # XLA takes seconds here
    training, clock = net(here, digits, choice(), 1), [0.0]
    monkeypatch.setattr(placement, "compiles", lambda: True)

    def epoch(_deadline: float | None) -> tuple[float, float]:
        clock[0] += 0.5 if clock[0] else 12.0
        return 0.5, 0.8

    monkeypatch.setattr(train, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(training, "_epoch", epoch)
    assert len(list(training.epochs(10, deadline=15.0))) == 6
    clock[0], training._began = 0.0, 0.0
    assert len(list(training.epochs(10, deadline=100.0, limit=3.0, may_stretch=False))) == 7


def test_no_time_for_one_epoch(here: Paths, digits: Prepared) -> None:
    with pytest.raises(OutOfTimeError):
        list(net(here, digits, choice(batch_size=64), 1).epochs(5, deadline=time.monotonic() - 1))


def test_a_limit_ends_between_epochs(here: Paths, digits: Prepared) -> None:
    assert len(list(net(here, digits, choice(), 1).epochs(5, None, limit=0.0))) == 1


def test_a_training_that_must_be_there_has_its_seconds(
    here: Paths, digits: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also after the deadline: an epoch of few rows alone teaches nothing."""
    training = net(here, digits, {**portfolio.PLAIN, "batch_size": 64}, 1)
    clock = own_clock(training, monkeypatch)
    epochs = list(training.epochs(100_000, deadline=-1.0, first_epoch_seconds=30.0))
    assert 20 < clock[0] <= 30
    assert epochs[-1].epoch == len(epochs) > 1
    assert epochs[-1].accuracy > epochs[0].accuracy


def test_the_time_of_an_epoch_is_a_mean_of_the_last_second() -> None:
    assert seconds_an_epoch([10.0, 13.0]) == 3.0, "the first one, for there is no other"
    assert seconds_an_epoch([10.0, 13.0, 13.5]) == 0.5, "without the first, which traces"
    assert seconds_an_epoch([0.0, 3.0, 5.0, 9.0]) == 4.0, "long ones count alone"
    hiccup = [0.0, 3.0, *(3 + 0.01 * i for i in range(1, 200)), 5.5]
    assert seconds_an_epoch(hiccup) == pytest.approx((5.5 - 4.49) / 51, rel=0.05)


def test_a_step_has_at_most_a_twentieth_of_the_rows() -> None:
    sizes = {rows: space.batch_size({"batch_size": 512}, rows) for rows in (5, 40, 360, 1293, 10_240, 54_000)}
    assert sizes == {5: 5, 40: 16, 360: 18, 1293: 64, 10_240: 512, 54_000: 512}
    assert space.batch_size({"batch_size": 2048}, 54_000) == 2048
    assert space.batch_size({"batch_size": 64}, 54_000) == 64


class Sized:
    """As much of a training as its plan is made of."""

    def __init__(self, rows: int, batch: int) -> None:
        self.params, self.rows = {"batch_size": batch}, rows
        self.steps_per_epoch = rows // space.batch_size(self.params, rows)


@pytest.mark.parametrize(
    ("kind", "rows", "epochs"),
    [
        ("softmax", 54_000, 10), ("softmax", 1293, 200), ("softmax", 360, 200), ("softmax", 40, 500),
        ("quick", 54_000, 6), ("quick", 1293, 5), ("portfolio 1", 54_000, 30), ("portfolio 1", 60_000, 30),
        ("portfolio 1", 1293, 10), ("portfolio 1", 5000, 27), ("search", 40, 100),
    ],
)  # fmt: skip
def test_how_long_a_training_is_follows_from_its_rows(kind: str, rows: int, epochs: int) -> None:
    batch = 128 if kind == "softmax" else 512
    usual = trials.SHORT.get(kind, 30)
    assert trials.epochs(kind, usual, cast(Training, Sized(rows, batch))) == epochs
    assert trials.epochs("search", 15, cast(Training, Sized(54_000, 2048))) == 15, "as it was"


def softmax_and_scikit_learn(paths: Paths, prepared: Prepared, name: str, most: int) -> tuple[float, float]:
    """Validation accuracies of the softmax baseline, and of logistic regression in ``most`` iterations."""
    loaded = load(name)
    views = FeatureSet(paths, prepared, loaded.shape)
    training = Training(prepared, loaded, views, "float32", portfolio.BASELINES["softmax"], 100_000)
    *_, last = training.epochs(trials.epochs("softmax", trials.SHORT["softmax"], training), None)
    pixels = prepared.pixels / np.float32(255)
    model = LogisticRegression(max_iter=most).fit(pixels[prepared.train], prepared.labels[prepared.train])
    right = model.predict(pixels[prepared.validation]) == prepared.labels[prepared.validation]
    return last.accuracy, float(right.mean())


def test_the_softmax_baseline_is_trained_to_its_end(here: Paths, digits: Prepared) -> None:
    ours, theirs = softmax_and_scikit_learn(here, digits, "digits", 1000)
    assert theirs > 0.95
    assert ours >= theirs - 0.01


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
@pytest.mark.parametrize("name", ["fashion-mnist", "mnist"])
def test_and_of_the_large_ones(name: str, project: Path, request: pytest.FixtureRequest) -> None:
    """Within one point of scikit-learn's default of 100 iterations, both on a third of the rows."""
    folder = request.getfixturevalue("fashion_idx" if name == "fashion-mnist" else "mnist_idx")
    paths = Paths(project, name)
    download.run(paths, load(name), str(folder), print)
    prepare.run(paths, load(name), 1, print)
    prepared = prepare.load(paths, 1)
    prepared = replace(prepared, train=prepared.train[::3])
    ours, theirs = softmax_and_scikit_learn(paths, prepared, name, 100)
    assert theirs > 0.8
    assert ours >= theirs - 0.01


def test_a_loss_that_is_not_finite_ends_the_training(here: Paths, digits: Prepared) -> None:
    wild = choice(optimizer="sgd", learning_rate=1e30, norm="none", schedule="constant")
    with pytest.raises(DivergedError):
        list(net(here, digits, wild, 1).epochs(5, None))


def test_the_portfolio_s_networks_are_choices_of_the_space() -> None:
    study = optuna.create_study()
    for _, params in portfolio.first("local", AUGMENTATIONS):
        study.enqueue_trial(params)
        assert space.suggest(study.ask(), "local", AUGMENTATIONS) == params
    for trial in study.get_trials(deepcopy=False):
        for name, distribution in trial.distributions.items():
            assert distribution._contains(distribution.to_internal_repr(trial.params[name])), name


def test_the_pictures_are_mapped_not_copied(digits: Prepared) -> None:
    from catwalk.models.placement import mapped

    pixels = digits.pixels[:]  # the same memory
    tensor = mapped(pixels)
    before = int(tensor[3, 5])
    pixels[3, 5] = before ^ 255  # seen by both; the file stays as it is
    assert int(tensor[3, 5]) == before ^ 255
    pixels[3, 5] = before
