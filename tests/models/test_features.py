"""features.py and what network.py builds of it: the dictionary, the table, any shape that a TOML allows.

Also: dense_network.py.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from catwalk.core import memory, tensorflow_setup
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.data import download, prepare
from catwalk.data.prepare import Prepared
from catwalk.models import dense_network, features, network, portfolio, space
from catwalk.models.features import PATCHES, FeatureSet
from tests.conftest import digits_paths, load

tensorflow_setup.setup(threads=1)

import keras  # noqa: E402  (after the set-up)
import tensorflow as tf  # noqa: E402

from catwalk.models.train import Training  # noqa: E402

PATCHED = {**portfolio.STRONG, "width_1": 32, "width_2": 16, "batch_size": 64}


@pytest.fixture
def digits(tmp_path: Path, digits_raw: Path) -> tuple[Paths, Prepared]:
    paths = digits_paths(tmp_path, digits_raw)
    download.run(paths, load("digits"), "auto", print)
    prepare.run(paths, load("digits"), 1, print)
    return paths, prepare.load(paths, 1)


def test_what_the_user_may_ask_for() -> None:
    assert features.resolve("auto", (28, 28)) == "local"
    assert features.resolve("pixels", (28, 28)) == "pixels"
    assert features.resolve("auto", (1, 300)) == "pixels", "a row has no cells"
    with pytest.raises(UserError, match="FEATURES=hog: choose one of auto, pixels"):
        features.resolve("hog", (28, 28))


@pytest.mark.parametrize(
    ("low", "high", "found"),
    [(0, 255, 255), (0, 240, 255), (0, 128, 255), (0, 16, 16), (100, 116, 16), (0, 1, 1), (7, 7, 1)],
)
def test_the_range_of_grey_values(low: int, high: int, found: float) -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(low, high + 1, (3000, 64), dtype=np.uint8)
    assert features.grey_range(pixels) == found
    if high == 16:
        pixels[0, 0] = 255  # one bright pixel does not make the others dark
        assert features.grey_range(pixels) == found


def test_thin_lines_are_no_outliers() -> None:
    pixels = np.zeros((100, 64), np.uint8)
    pixels[0, :3] = 200
    assert features.grey_range(pixels) == 255
    assert features.grey_range(pixels[:0]) == 1


@pytest.mark.parametrize("view", ["pixels", "gradients", pytest.param("patches", marks=pytest.mark.slow)])
def test_features_are_a_matter_of_contrast_not_of_grey_values(
    digits: tuple[Paths, Prepared], tmp_path: Path, view: str
) -> None:
    """Pixels of 0 to 16 instead of 0 to 240."""
    _, prepared = digits
    said = []
    for name, pixels in (("as they are", prepared.pixels), ("16", prepared.pixels // 15)):
        views = FeatureSet(Paths(tmp_path / name, "digits"), replace(prepared, pixels=pixels), (8, 8))
        assert views.contrast == pytest.approx(features.CONTRAST * (1 if name != "16" else 16 / 255))
        inputs = keras.Input((64,))
        model = keras.Model(inputs, dense_network.features(inputs, view, views))
        some = np.asarray(model(pixels[:200].astype(np.float32)))
        said.append(some @ some.T)  # alike pictures are alike, whatever the components' signs are
    agreement = np.corrcoef(said[0].ravel(), said[1].ravel())[0, 1]
    assert agreement > 0.99


def test_principal_components_have_the_variances_that_are_asked_for(digits: tuple[Paths, Prepared]) -> None:
    """Of the training rows: without whitening their own, with all of it equal ones, and 1 in the mean."""
    _, prepared = digits
    pixels = np.asarray(prepared.pixels[prepared.train], np.float64)
    # Without the weakest ones, of pixels that are nearly always blank.
    own = np.linalg.eigvalsh(np.cov(pixels.T))[::-1][:50]
    for whitening in (0.0, 0.5, 1.0):
        views = FeatureSet(*digits, (8, 8))
        projection, offset = views.components(lambda some: some.astype(np.float64), whitening)
        found = pixels @ projection + offset
        np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-3)
        variances = found.var(axis=0, ddof=1)
        assert variances.mean() == pytest.approx(1, rel=1e-3)
        asked = (own / own[0]) ** (1 - whitening)
        np.testing.assert_allclose(variances[:50] / variances[0], asked, rtol=0.01)


FLAT = {
    "zeros": np.zeros((300, 64), np.uint8),
    "white": np.full((300, 64), 255, np.uint8),
    "constant pictures": np.repeat(np.arange(30, dtype=np.uint8) * 8, 10)[:, None].repeat(64, 1),
    "0 and 1": np.random.default_rng(0).integers(0, 2, (300, 64), dtype=np.uint8),
    "columns of zeros": np.random.default_rng(0).integers(0, 256, (300, 64), dtype=np.uint8)
    * (np.arange(64) % 8 > 3).astype(np.uint8),
    "one pixel in all": np.eye(300, 64, dtype=np.uint8)[:, :1].repeat(64, 1)
    // np.arange(1, 65, dtype=np.uint8),
}


@pytest.mark.filterwarnings("error::RuntimeWarning:catwalk")
@pytest.mark.parametrize("view", ["whitened", "patches"])
@pytest.mark.parametrize("pixels", FLAT.values(), ids=FLAT)
def test_pictures_that_say_nothing_still_have_features(pixels: np.ndarray, view: str, tmp_path: Path) -> None:
    rows = np.arange(300, dtype=np.int32)
    prepared = Prepared(
        pixels=pixels, labels=(rows % 10).astype(np.uint8), train=rows[:250], validation=rows[250:],
        test_pixels=pixels[:5], test_ids=[], fingerprint="f", test_fingerprint="t", split="s1",
        duplicates={"train": 0, "test": 0, "known": 0},
    )  # fmt: skip
    model = network.build(
        10, {**PATCHED, "view": view}, FeatureSet(Paths(tmp_path, "any"), prepared, (8, 8)), 1
    )
    for asked in (pixels, 255 - pixels):
        said = network.probabilities(model, asked)
        np.testing.assert_allclose(said.sum(axis=1), 1, atol=1e-5)


@pytest.mark.slow
def test_the_dictionary_is_the_same_each_time_and_blind_to_grey(digits: tuple[Paths, Prepared]) -> None:
    one, other = (FeatureSet(*digits, (8, 8)).dictionary for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert one.shape == (3, 3, 1, PATCHES)
    np.testing.assert_allclose(one.sum(axis=(0, 1, 2)), 0, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("precision", "near", "augment"),
    [("bfloat16", 1 / 128, ("flip", "shift")), ("float32", 1e-4, ("shift",))],
)
def test_the_table_is_what_the_model_computes(
    digits: tuple[Paths, Prepared], precision: str, near: float, augment: tuple[str, ...]
) -> None:
    """Mirror images are in it where the competition allows them, or a network again needs them."""
    paths, prepared = digits
    views, allowing = FeatureSet(paths, prepared, (8, 8)), replace(load("digits"), augment=augment)
    training = Training(prepared, allowing, views, precision, {**PATCHED, "flip": 0}, 1)
    (path,) = paths.prepared.glob("features-table-*.npy")
    table = np.load(path)
    model = training.model
    seen = keras.Model(model.input, model.get_layer("features").output)
    kinds = 2 if "flip" in augment else 1
    assert table.shape == (kinds * len(prepared.pixels), seen.output.shape[1])
    pictures = prepared.pixels[100:140].astype(np.float32)
    mirrors = pictures.reshape(-1, 8, 8)[:, :, ::-1].reshape(-1, 64)
    for start, asked in ((100, pictures), (100 + len(prepared.pixels), mirrors))[:kinds]:
        kept = tf.constant(table[start : start + 40])
        if precision == "bfloat16":
            kept = tf.cast(tf.bitcast(kept, tf.bfloat16), tf.float32)
        np.testing.assert_allclose(kept, seen(asked), rtol=near, atol=near / 8)
    before = path.stat().st_mtime_ns
    list(Training(prepared, allowing, views, precision, PATCHED, 2).epochs(1, None))
    assert path.stat().st_mtime_ns == before, "made once"
    assert len(list(paths.prepared.glob("features-table-*.npy"))) == (1 if "flip" in augment else 2)


def test_a_table_without_mirror_images_is_another_file(digits: tuple[Paths, Prepared]) -> None:
    """Of half the size; where flip is allowed later, nobody reads past its end."""
    paths, prepared = digits
    views, rows = FeatureSet(paths, prepared, (8, 8)), len(prepared.pixels)

    def growth() -> tuple[int, int]:
        half, whole = (features.table_growth(paths, prepared, has_mirrors) for has_mirrors in (False, True))
        return half, whole

    def table(has_mirrors: bool) -> np.ndarray:
        made = views.table(lambda pixels: pixels.astype(np.float32), has_mirrors)
        assert made is not None
        return np.asarray(made)

    half, whole = growth()
    assert whole == 2 * half > 0
    np.testing.assert_array_equal(table(has_mirrors=False), prepared.pixels)
    assert growth() == (0, whole)
    both = table(has_mirrors=True)
    np.testing.assert_array_equal(both[:rows], prepared.pixels)
    mirrors = prepared.pixels.reshape(-1, 8, 8)[:, :, ::-1].reshape(-1, 64)
    np.testing.assert_array_equal(both[rows:], mirrors)
    assert growth() == (0, 0)
    assert len(table(has_mirrors=False)) == 2 * rows, "the larger one is there anyway"


@pytest.mark.slow
def test_another_split_s_table_takes_the_place(digits: tuple[Paths, Prepared]) -> None:
    paths, _ = digits
    prepare.run(paths, load("digits"), 2, print)
    names = []
    for split in (1, 2):
        prepared = prepare.load(paths, split)
        Training(prepared, load("digits"), FeatureSet(paths, prepared, (8, 8)), "bfloat16", PATCHED, 1)
        (path,) = paths.prepared.glob("features-table-*.npy")
        names.append(path.name)
    assert names[0] != names[1]


def test_machines_of_two_precisions_that_share_a_folder_keep_a_table_each(
    digits: tuple[Paths, Prepared],
) -> None:
    """Else each would compute its own again, and remove what the other has mapped into its memory."""

    def as_type(name: str) -> features.Compute:
        return lambda pixels: pixels.astype(name)

    paths, _ = digits
    kept: list[Path] = []
    for precision in ("float16", "float32"):
        assert FeatureSet(*digits, (8, 8)).table(as_type(precision), has_mirrors=True) is not None
        kept += set(paths.prepared.glob("features-table-*.npy")) - set(kept)
    assert len(kept) == 2
    assert all(path.is_file() for path in kept)


@pytest.mark.slow
def test_without_the_memory_each_step_computes_them(
    digits: tuple[Paths, Prepared], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths, prepared = digits
    kept = Training(prepared, load("digits"), FeatureSet(paths, prepared, (8, 8)), "bfloat16", PATCHED, 1)
    for path in paths.prepared.glob("features-table-*.npy"):
        path.unlink()
    monkeypatch.setattr(memory, "available", lambda: 1_000_000)
    poor = Training(prepared, load("digits"), FeatureSet(paths, prepared, (8, 8)), "bfloat16", PATCHED, 1)
    assert not list(paths.prepared.glob("features-table-*.npy"))
    for one, other in zip(kept.epochs(2, None), poor.epochs(2, None), strict=True):
        assert one.train_loss == pytest.approx(other.train_loss, rel=1e-2)


@pytest.mark.parametrize(
    "shape",
    [
        (6, 6),
        (8, 8),
        (40, 8),
        *(pytest.param(big, marks=pytest.mark.slow) for big in ((28, 20), (32, 32, 3))),
    ],
)
@pytest.mark.parametrize("view", space.SPACE["view"][1])
def test_any_shape_that_a_competition_has(shape: tuple[int, ...], view: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (300, int(np.prod(shape))), dtype=np.uint8)
    rows = np.arange(300, dtype=np.int32)
    prepared = Prepared(
        pixels=pixels, labels=random.integers(0, 24, 300).astype(np.uint8), train=rows[:250],
        validation=rows[250:], test_pixels=pixels[:5], test_ids=[], fingerprint="f", test_fingerprint="t",
        split="s1", duplicates={"train": 0, "test": 0, "known": 0},
    )  # fmt: skip
    views = FeatureSet(Paths(tmp_path, "any"), prepared, shape)
    model = network.build(24, {**PATCHED, "view": view}, views, 1)
    model = network.mirrored(model, views.shape)
    model.save(tmp_path / "net.keras")
    opened = keras.models.load_model(tmp_path / "net.keras", compile=False, safe_mode=True)
    said = network.probabilities(opened, pixels, rows[250:])
    assert said.shape == (50, 24)
    np.testing.assert_allclose(said.sum(axis=1), 1, atol=1e-5)
    mirror = pixels.reshape(-1, *views.shape)[:, :, ::-1].reshape(pixels.shape)
    np.testing.assert_allclose(network.probabilities(opened, mirror, rows[250:]), said, atol=1e-5)
