"""conv_plan.py: the stages that it names are those of the network that is built.

Also: conv_network.py, portfolio.py.
"""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catwalk.core import tensorflow_setup
from catwalk.models import conv_plan, portfolio, space
from catwalk.models.conv_plan import Stage
from catwalk.models.portfolio import Room

tensorflow_setup.setup(threads=1)

import keras  # noqa: E402  (after the set-up)

from catwalk.models import conv_network, network  # noqa: E402


def params(**changes: Any) -> space.Params:
    return {**space.fill_defaults({}), "family": "conv", "conv_width": 16, **changes}


def built(shape: tuple[int, int, int], chosen: space.Params) -> keras.Model:
    inputs = keras.Input((int(np.prod(shape)),))
    return keras.Model(inputs, conv_network.hidden(inputs, shape, chosen, itertools.count()))


@pytest.mark.parametrize(
    ("shape", "changes"),
    [
        ((28, 28, 1), {}),
        ((8, 8, 1), {"conv_stem": "stepped"}),
        ((32, 32, 3), {"conv_stem": "stepped", "conv_depth": 2, "conv_width": 40}),
        ((29, 33, 1), {"conv_kernel": 5}),
    ],
)
def test_the_plan_is_what_is_built(shape: tuple[int, int, int], changes: dict[str, Any]) -> None:
    model, chosen = built(shape, params(**changes)), params(**changes)
    stem = conv_plan.stem(shape, chosen)
    assert model.get_layer("stem").output.shape == (None, stem.height, stem.width, stem.channels)
    plan = conv_plan.stages(shape, chosen)
    blocks = [layer for layer in model.layers if type(layer).__name__ == "Add"]
    planned = {f"block_{i}_{b}": stage for i, stage in enumerate(plan, 1) for b in range(1, stage.blocks + 1)}
    assert [block.name for block in blocks] == list(planned)
    for block, stage in zip(blocks, planned.values(), strict=True):
        assert block.output.shape == (None, stage.height, stage.width, stage.channels)
    products = 0
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            _, height, width, _ = layer.output.shape
            products += height * width * int(np.prod(layer.kernel.shape))
    assert conv_plan.operations(shape, chosen) == 2 * products


def test_a_width_is_chosen_by_the_time_for_it() -> None:
    """Where there is no time for the least width, the dense networks come first."""
    shape, slow, fast = (28, 28, 1), 42e9, 360e9
    room = Room(580.0, 54_000, shape, "float32", slow, is_shared=False)
    rooms = [replace(room, seconds=seconds) for seconds in (60.0, 580.0, 1800.0, 3600.0)]
    widths = [one.conv_width() if one.is_enough() else 0 for one in rooms]
    assert widths[0] == 0
    assert widths == sorted(widths)
    assert len(set(widths)) == 4
    assert replace(room, rate=fast).conv_width() > widths[1]
    assert not replace(room, precision="bfloat16").is_enough(), "24 channels are not faster than 32 there"
    assert replace(room, precision="bfloat16", rate=2 * slow).is_enough()
    kinds = [kind for kind, _ in portfolio.first("local.all", ("flip",), room)]
    assert kinds[:3] == ["softmax", "portfolio conv 1", "quick"]
    assert kinds.index("portfolio 1") < kinds.index("portfolio conv 2") < kinds.index("portfolio 2")
    short = replace(room, seconds=60.0)
    late = [kind for kind, _ in portfolio.first("local.all", ("flip",), short)]
    assert sorted(late) == sorted(kinds)
    assert late.index("portfolio conv 1") > late.index("portfolio 4")
    assert dict(portfolio.first("local.all", (), short))["portfolio conv 1"]["conv_width"] == 24
    shared = replace(rooms[2], is_shared=True)
    assert shared.conv_width() == replace(rooms[2], seconds=900.0).conv_width() < widths[2]
    alone = [kind for kind, _ in portfolio.first("local.all", ("flip",), shared)]
    assert alone[:5] == ["softmax", "quick", "beginner", "portfolio 1", "portfolio conv 1"]
    assert sorted(alone) == sorted(kinds)
    of = {"H200": ("bfloat16", 19e12), "T4": ("float16", 3.2e12)}
    on_gpu = {
        name: replace(shared, seconds=580.0, precision=how, rate=rate, is_gpu=True)
        for name, (how, rate) in of.items()
    }
    assert {name: one.conv_width() for name, one in on_gpu.items()} == {"H200": 128, "T4": 64}
    chosen = dict(portfolio.first("local.conv", ("flip",), room))
    assert chosen["portfolio conv 1"]["conv_width"] == widths[1]


def test_the_plan_of_known_pictures() -> None:
    fashion = conv_plan.stages((28, 28, 1), params(conv_width=32, conv_depth=1))
    assert fashion == [Stage(14, 14, 32, 1), Stage(7, 7, 64, 1)]
    sides = [stage.side for stage in conv_plan.stages((32, 32, 3), params())]
    assert sides == [16, 8, 4]
    assert conv_plan.stages((8, 8, 1), params(conv_width=1))[0] == Stage(8, 8, 8, 1), "not halved"


def test_the_first_filters_are_the_stem_s(tmp_path: Path) -> None:
    """Of a network as it is kept, also where it is wrapped to average mirror images."""
    shape = (8, 8, 1)
    inputs = keras.Input((64,), name="pixels")
    x = conv_network.hidden(inputs, shape, params(conv_kernel=5), itertools.count())
    inner = keras.Model(inputs, keras.layers.Softmax()(keras.layers.Dense(3)(x)))
    filters = network.stem_filters(inner)
    assert filters.shape == (5, 5, 1, 16)
    assert filters.dtype == np.float32
    network.mirrored(inner, shape).save(tmp_path / "1.keras")
    assert np.array_equal(network.stem_filters(network.load(tmp_path / "1.keras")), filters)
