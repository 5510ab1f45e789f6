"""placement.py: what a GPU's process does otherwise, as far as CPU cores can do it too.

Also: precision.py.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catwalk.core import tensorflow_setup
from catwalk.data.prepare import Prepared
from tests.conftest import load

tensorflow_setup.setup(threads=1)

import tensorflow as tf  # noqa: E402  (after the set-up)

from catwalk.core.paths import Paths  # noqa: E402
from catwalk.models import placement, portfolio, precision  # noqa: E402
from catwalk.models.features import FeatureSet  # noqa: E402
from catwalk.models.train import Training  # noqa: E402

NETS: dict[str, dict[str, Any]] = {
    "dense": {**portfolio.MOVED, "width_1": 32, "width_2": 16, "mixup": 0.2, "erase": 0.3},
    "conv": {**portfolio.CONV, "conv_width": 16, "conv_depth": 1, "batch_size": 64},
}


@pytest.fixture
def as_on_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement, "on_gpu", lambda: True)
    monkeypatch.setattr(placement, "compiles", lambda: False)


@pytest.mark.usefixtures("as_on_gpu")
@pytest.mark.parametrize("how", ["bfloat16", "float16", "float32"])
def test_arrays_keep_their_values_in_the_layers_precision(how: str) -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(2, 128)
    placed = placement.pixels(pixels, how)
    assert placed.dtype == how
    assert np.array_equal(tf.cast(placed, tf.int32).numpy(), pixels)
    assert placement.labels(pixels[0]).dtype == tf.int32
    bits = tf.bitcast(tf.cast(tf.constant([0.5, -3.0]), tf.bfloat16), tf.uint16).numpy()
    for table in (bits, np.array([0.5, -3.0], np.float32)):
        assert tf.cast(placement.table(table, how), tf.float32).numpy().tolist() == [0.5, -3.0]


@pytest.mark.parametrize("network", list(NETS))
def test_compiled_steps_train_as_the_others(
    network: str, digits: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same random numbers, pictures and updates: the losses differ by rounding alone."""
    few = replace(digits, train=digits.train[:256])
    losses = []
    for is_gpu in (False, True):
        monkeypatch.setattr(placement, "on_gpu", lambda is_gpu=is_gpu: is_gpu)
        monkeypatch.setattr(placement, "compiles", lambda is_gpu=is_gpu: is_gpu)
        views = FeatureSet(Paths(tmp_path, "digits"), digits, (8, 8))
        training = Training(few, load("digits"), views, "float32", NETS[network], 3)
        losses.append([(epoch.train_loss, epoch.loss) for epoch in training.epochs(2, None)])
    assert np.allclose(losses[0], losses[1], rtol=0.02), losses
    assert losses[0][1][0] < losses[0][0][0], "it learns"


@pytest.mark.usefixtures("as_on_gpu")
def test_float16_learns_as_float32_does(digits: Prepared, tmp_path: Path) -> None:
    losses, params = {}, portfolio.BASELINES["beginner"]
    for how in ("float16", "float32"):
        views = FeatureSet(Paths(tmp_path, "digits"), digits, (8, 8))
        training = Training(digits, load("digits"), views, how, params, 3)
        losses[how] = [epoch.loss for epoch in training.epochs(8, None)]
    assert losses["float16"][-1] < 0.8 * losses["float16"][0]
    assert losses["float16"][-1] == pytest.approx(losses["float32"][-1], rel=0.1), losses


def test_each_gpu_has_its_own_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "fastest", lambda: "measured")
    monkeypatch.setattr(precision, "_has_units", lambda: False)
    assert precision.here("float32") == "float32"
    assert {precision.here("float16"), precision.here("bfloat16")} == {"measured"}
    monkeypatch.setattr(precision, "_has_units", lambda: True)
    assert precision.here("bfloat16") == "bfloat16"
    monkeypatch.undo()
    monkeypatch.setattr(placement, "on_gpu", lambda: True)
    owns = {(9, 0): "bfloat16", (8, 0): "bfloat16", (7, 5): "float16", (6, 1): "float32", (6, 0): "float16"}
    for capability, own in owns.items():
        monkeypatch.setattr(placement, "capability", lambda capability=capability: capability)
        assert {precision.here(known) for known in ("float32", "bfloat16", "float16")} == {own}


@pytest.mark.parametrize(
    ("has_units", "share", "chosen"),
    [(True, 1.8, "bfloat16"), (True, 0.75, "bfloat16"), (True, 0.4, "float32"), (False, 1.8, "float32")],
)
def test_cpu_cores_have_bfloat16_where_it_is_worth_it(
    has_units: bool, share: float, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``share`` of float32's rate: with instructions for it, beside other programs, and emulated."""
    asked: set[str] = set()

    def rate(how: str, *_: int) -> float:
        asked.add(how)
        return {"bfloat16": share, "float32": 1.0}[how]

    monkeypatch.setattr(precision, "_has_units", lambda: has_units)
    monkeypatch.setattr(precision, "rate", rate)
    assert precision.fastest() == chosen
    assert asked == ({"bfloat16", "float32"} if has_units else set())


def test_where_the_system_names_no_instructions_float32_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS, which has no /proc; also where another machine has measured bfloat16."""

    def no_such_file(*_: object, **__: object) -> str:
        raise FileNotFoundError

    assert not placement.on_gpu()
    monkeypatch.setattr(Path, "read_text", no_such_file)
    monkeypatch.setattr(precision, "rate", lambda how, *_: {"bfloat16": 0.85, "float32": 1.0}[how])
    assert precision.fastest() == precision.here("bfloat16") == "float32"


def test_cpu_cores_compile_nothing() -> None:
    assert not placement.on_gpu()
    assert not placement.compiles()
    assert placement.capability() == (0, 0)
