"""train.py, network.py and space.py: what is learned, for how long, and what is kept of it."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import optuna
import pytest
from conftest import load

from catwalk import portfolio, space, tensorflow_setup
from catwalk.competition import AUGMENTATIONS
from catwalk.features import Views
from catwalk.paths import Paths
from catwalk.prepare import Prepared

tensorflow_setup.setup(threads=1)

from catwalk.train import DivergedError, OutOfTimeError, Training  # noqa: E402  (after the set-up)

FOLDER = TemporaryDirectory()  # for the features that are kept
HERE = Paths(Path(FOLDER.name), "digits")


def net(digits: Prepared, params: space.Params, seed: int) -> Training:
    return Training(digits, load("digits"), Views(HERE, digits, (8, 8)), "float32", params, seed)


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
def test_every_kind_of_net_learns(digits: Prepared, changes: dict[str, object]) -> None:
    training = net(digits, choice(**{"batch_size": 64, "learning_rate": 5e-3, **changes}), seed=1)
    epochs = list(training.epochs(20, deadline=None))
    assert [epoch.epoch for epoch in epochs] == list(range(1, 21))
    assert epochs[-1].accuracy > 0.85
    assert epochs[-1].train_loss < epochs[0].train_loss
    assert epochs[-1].loss < epochs[0].loss


def test_the_same_seed_gives_the_same_net(digits: Prepared) -> None:
    runs = [list(net(digits, choice(), seed).epochs(2, None)) for seed in (5, 5, 6)]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_the_epochs_fit_the_time(digits: Prepared) -> None:
    began = time.monotonic()
    epochs = list(net(digits, choice(), 1).epochs(100_000, deadline=began + 4))
    assert time.monotonic() < began + 5
    assert 1 < epochs[-1].epoch < 100_000
    assert epochs[-1].epoch == epochs[-1].epochs, "the schedule has come to its end"


def test_no_time_for_one_epoch(digits: Prepared) -> None:
    with pytest.raises(OutOfTimeError):
        list(net(digits, choice(batch_size=64), 1).epochs(5, deadline=time.monotonic() - 1))


def test_a_limit_ends_between_epochs(digits: Prepared) -> None:
    assert len(list(net(digits, choice(), 1).epochs(5, None, limit=0.0))) == 1


def test_a_loss_that_is_not_finite_ends_the_training(digits: Prepared) -> None:
    wild = choice(optimizer="sgd", learning_rate=1e30, norm="none", schedule="constant")
    with pytest.raises(DivergedError):
        list(net(digits, wild, 1).epochs(5, None))


def test_the_portfolio_s_networks_are_choices_of_the_space() -> None:
    study = optuna.create_study()
    for _, params in portfolio.first("local", AUGMENTATIONS):
        study.enqueue_trial(params)
        assert space.suggest(study.ask(), "local", AUGMENTATIONS) == params
    for trial in study.get_trials(deepcopy=False):
        for name, distribution in trial.distributions.items():
            assert distribution._contains(distribution.to_internal_repr(trial.params[name])), name


def test_the_pictures_are_mapped_not_copied(digits: Prepared) -> None:
    from catwalk.train import mapped

    pixels = digits.pixels[:]  # the same memory
    tensor = mapped(pixels)
    before = int(tensor[3, 5])
    pixels[3, 5] = before ^ 255  # seen by both; the file stays as it is
    assert int(tensor[3, 5]) == before ^ 255
    pixels[3, 5] = before
