"""kept_networks.py: the weights that the talk shows, read from networks as they are kept."""

import itertools
from pathlib import Path

import numpy as np

from catwalk.core import tensorflow_setup
from catwalk.models import space

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
