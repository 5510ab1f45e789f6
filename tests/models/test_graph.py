"""graph.py: computes what the model itself computes, block by block."""

import gc
from pathlib import Path

import numpy as np
import pytest

from catwalk.core import tensorflow_setup
from catwalk.data import download, prepare
from catwalk.data.prepare import Prepared
from catwalk.models import graph, portfolio
from catwalk.models.features import FeatureSet
from tests.conftest import digits_paths, load

tensorflow_setup.setup(threads=1)

import keras  # noqa: E402  (after the set-up)
from tensorflow.python.framework.func_graph import FuncGraph  # noqa: E402

from catwalk.models import network  # noqa: E402

Digits = tuple[Prepared, FeatureSet]
SILU = {**portfolio.PLAIN, "depth": 2, "activation": "silu"}


@pytest.fixture
def digits(tmp_path: Path, digits_raw: Path) -> Digits:
    paths = digits_paths(tmp_path, digits_raw)
    download.run(paths, load("digits"), "auto", print)
    prepare.run(paths, load("digits"), 1, print)
    prepared = prepare.load(paths, 1)
    return prepared, FeatureSet(paths, prepared, (8, 8))


@pytest.mark.parametrize("params", [portfolio.STRONG, SILU, portfolio.CONV], ids=["dense", "silu", "conv"])
def test_the_model_s_own_probabilities(params: dict[str, object], digits: Digits) -> None:
    prepared, views = digits
    model = network.build(10, params, views, seed=1)
    predicted = graph.Predictor(model)
    for rows in (1, graph.BLOCK, graph.BLOCK + 3):
        chosen = prepared.train[:rows]
        expected = np.asarray(model(prepared.pixels[chosen].astype(np.float32), training=False))
        np.testing.assert_allclose(predicted(prepared.pixels, chosen), expected, atol=1e-6)
        np.testing.assert_allclose(predicted(prepared.pixels[chosen]), expected, atol=1e-6)


def test_no_graph_is_kept(digits: Digits) -> None:
    """Not even one with silu, whose gradient TensorFlow would register, and keep the graph with it."""
    prepared, views = digits

    def graphs() -> int:
        gc.collect()
        return sum(isinstance(one, FuncGraph) for one in gc.get_objects())

    before = graphs()
    for params in (SILU, portfolio.CONV):
        model = network.mirrored(network.build(10, params, views, seed=1), (8, 8, 1))
        graph.Predictor(model)(prepared.pixels[:3])
        del model
        keras.backend.clear_session()
    assert graphs() == before
