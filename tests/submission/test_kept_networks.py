"""kept_networks.py: what networks predict together, and the weights that the talk shows."""

import itertools
from pathlib import Path

import numpy as np
import optuna
import pytest

from catwalk.core import tensorflow_setup
from catwalk.core.paths import Paths
from catwalk.data.prepare import Prepared
from catwalk.models import space
from catwalk.submission.chosen_trials import Chosen
from catwalk.submission.ensemble import Ensemble
from catwalk.submission.recipe import FoldNetwork
from tests.support.records import made_recipe, trial_record

tensorflow_setup.setup(threads=1)

import keras  # noqa: E402  (after the set-up)

from catwalk.models import conv_network, network  # noqa: E402
from catwalk.submission import kept_networks  # noqa: E402

SHAPE = (8, 8, 1)


def kept(path: Path, conv: bool) -> keras.Model:
    """A network of the digits, saved as a search saves one trained on mirrored pictures, or a baseline."""
    inputs = keras.Input((64,), name="pixels")
    params = {**space.fill_defaults({}), "family": "conv", "conv_width": 8}
    x = conv_network.hidden(inputs, SHAPE, params, itertools.count()) if conv else inputs
    model = keras.Model(inputs, keras.layers.Softmax()(keras.layers.Dense(10, name="logits")(x)))
    (network.mirrored(model, SHAPE) if conv else model).save(path)
    return model


def test_weights_of_both_families(tmp_path: Path) -> None:
    files = [tmp_path / "1.keras", tmp_path / "2.keras"]
    softmax, conv = kept(files[0], conv=False), kept(files[1], conv=True)
    pixels = np.random.default_rng(0).integers(0, 17, (5, 64)).astype(np.uint8)
    answers, weights = kept_networks._probabilities_and_weights(files, pixels, files[:1], files[1:])
    assert [one.shape for one in answers] == [(5, 10)] * 2
    assert weights.softmax is not None
    assert weights.filters is not None
    assert np.array_equal(weights.softmax, softmax.get_layer("logits").get_weights()[0])
    assert np.array_equal(weights.filters, conv.get_layer("stem").get_weights()[0])
    assert weights.filters.shape == (3, 3, 1, 8)
    _, none = kept_networks._probabilities_and_weights(files[:1], pixels, [], [])
    assert none == kept_networks.Weights(None, None)


def test_damaged_test_probabilities_are_computed_again(tmp_path: Path) -> None:
    file = tmp_path / "trial-00001.test-0.npy"
    assert kept_networks._saved(file) is None
    for content in (b"", b"nonsense", b"PK\x03\x04"):
        file.write_bytes(content)
        assert kept_networks._saved(file) is None
    np.save(file, np.full((3, 2), 0.5, np.float32))
    np.testing.assert_array_equal(kept_networks._saved(file), np.full((3, 2), 0.5))


def test_all_networks_of_a_submission_in_folds_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two configurations with half the weight each, in five folds; nothing is computed."""
    paths = Paths(tmp_path, "digits")
    answers = np.random.default_rng(0).dirichlet(np.ones(10), (10, 3)).astype(np.float32)
    known = {paths.model("folds", number): answer for number, answer in enumerate(answers)}
    monkeypatch.setattr(kept_networks, "_probabilities", lambda files, _: [known[file] for file in files])
    trained = tuple(
        FoldNetwork(1 + number // 5, number % 5, number, 1, (2, 2, 2), 0.9) for number in range(10)
    )
    made = made_recipe(folds=5, fold_study="folds", fold_networks=trained)
    said = kept_networks.predict_proba(paths, made, np.zeros((3, 64), np.uint8))
    np.testing.assert_allclose(said, answers.mean(axis=0), atol=1e-6)


def test_saved_and_computed_answers_have_their_own_weights(
    tmp_path: Path, digits: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three networks the second predicted these test rows when it was trained; nothing is computed."""
    paths, opened = Paths(tmp_path, "digits"), optuna.create_study(study_name="search")
    answers = np.random.default_rng(0).dirichlet(np.ones(10), (3, len(digits.test_ids))).astype(np.float32)
    saved = paths.test_probabilities("search", 1, digits.test_fingerprint)
    saved.parent.mkdir(parents=True)
    np.save(saved, answers[1])
    computed = {paths.model("search", number): answers[number] for number in (0, 2)}
    monkeypatch.setattr(kept_networks, "_probabilities", lambda files, _: [computed[file] for file in files])
    weights = np.array([0.5, 0.3, 0.2])
    trials = [trial_record(number, "complete", 0.9) for number in range(3)]
    rows, candidates = digits.validation, answers[:, : len(digits.validation)]
    chosen = Chosen(trials, Ensemble(weights, np.ones(3)), candidates[0], 0.9, rows, candidates, digits)
    networks = [("search", number) for number in range(3)]
    said, shown = kept_networks.average_and_weights(paths, opened, chosen, networks, digits)
    np.testing.assert_allclose(said, np.tensordot(weights, answers, 1), atol=1e-6)
    assert shown == kept_networks.Weights(None, None)
