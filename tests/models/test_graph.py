"""graph.py: computes what the model itself computes, block by block."""

from pathlib import Path

import numpy as np
import pytest

from catwalk.core import tensorflow_setup
from catwalk.data import download, prepare
from catwalk.models import graph, portfolio
from catwalk.models.features import FeatureSet
from tests.conftest import digits_paths, load

tensorflow_setup.setup(threads=1)

from catwalk.models import network  # noqa: E402  (after the set-up)


@pytest.mark.parametrize("params", [portfolio.STRONG, portfolio.CONV], ids=["dense", "convolutional"])
def test_the_model_s_own_probabilities(params: dict[str, object], tmp_path: Path, digits_raw: Path) -> None:
    paths = digits_paths(tmp_path, digits_raw)
    download.run(paths, load("digits"), "auto", print)
    prepare.run(paths, load("digits"), 1, print)
    prepared = prepare.load(paths, 1)
    model = network.build(10, params, FeatureSet(paths, prepared, (8, 8)), seed=1)
    predicted = graph.Predictor(model)
    for rows in (1, graph.BLOCK, graph.BLOCK + 3):
        chosen = prepared.train[:rows]
        expected = np.asarray(model(prepared.pixels[chosen].astype(np.float32), training=False))
        np.testing.assert_allclose(predicted(prepared.pixels, chosen), expected, atol=1e-6)
        np.testing.assert_allclose(predicted(prepared.pixels[chosen]), expected, atol=1e-6)
