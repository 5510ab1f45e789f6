"""augment.py: what a batch of pictures becomes."""

import math

import numpy as np
import numpy.typing as npt
import pytest

from catwalk.core import tensorflow_setup
from catwalk.models import portfolio

tensorflow_setup.setup(threads=1)

import tensorflow as tf  # noqa: E402  (after the set-up)

from catwalk.models import placement  # noqa: E402
from catwalk.models.augment import BANK, GROUPS, Augmentation, as_matrices, mixed, warps  # noqa: E402

SEED = tf.constant([1, 2])
SHAPES = [(6, 5), (6, 5, 3)]


def some(shape: tuple[int, ...], rows: int = 32) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(0).integers(1, 256, (rows, int(np.prod(shape))), dtype=np.uint8)


def changed(pictures: npt.NDArray[np.uint8], shape: tuple[int, ...], **params: float) -> np.ndarray:
    augmentation = Augmentation({**portfolio.PLAIN, **params}, shape, len(pictures), 7, "float32")
    return np.asarray(augmentation(tf.constant(pictures), SEED))


@pytest.mark.parametrize("shape", SHAPES)
def test_half_are_mirrored(shape: tuple[int, ...]) -> None:
    pictures = some(shape)
    made = changed(pictures, shape, flip=1)
    np.testing.assert_array_equal(made[:16], pictures[:16])
    mirror = pictures.reshape(-1, *shape)[16:, :, ::-1].reshape(16, -1)
    np.testing.assert_array_equal(made[16:], mirror)


def test_a_whole_shift_is_an_exact_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """With moves forced to two pixels down and one right, the matrices move pixels and bring zeros."""

    class Fixed:
        def uniform(
            self, _low: float, _high: float, size: int | tuple[int, ...] | None = None
        ) -> npt.NDArray[np.float64] | float:
            if size is None:
                return 0.0
            return np.array([-1.0, -0.5]) if size == 2 else np.ones(size)

    monkeypatch.setattr(np.random, "default_rng", lambda _seed: Fixed())
    (matrix,) = as_matrices(warps({**portfolio.PLAIN, "shift": 2.0}, 6, 5, 1, 0))
    picture = np.arange(1.0, 31).reshape(6, 5)
    expected = np.zeros((6, 5))
    expected[2:, 1:] = picture[:4, :4]
    np.testing.assert_allclose((picture.ravel() @ matrix).reshape(6, 5), expected, atol=1e-6)


def test_a_turn_of_a_right_angle_is_numpys() -> None:
    """Of many random turns up to 90 degrees the largest come near ``np.rot90``."""
    picture = np.zeros((9, 9))
    picture[2, 4] = 1.0
    made = [
        (picture.ravel() @ warp).reshape(9, 9)
        for warp in as_matrices(warps({**portfolio.PLAIN, "rotate": 90}, 9, 9, 64, 3))
    ]
    ends = {np.unravel_index(one.argmax(), one.shape) for one in made}
    assert {(4, 2), (4, 6)} <= ends, "to both sides"
    assert all(abs(one.sum() - 1) < 0.2 for one in made)


@pytest.mark.parametrize(
    ("name", "value", "limit"),
    [
        ("shift", 2.0, 2.0),
        ("rotate", 15.0, 2 * math.sin(math.radians(15))),
        ("zoom", 0.1, 2 / 0.9 - 2),
        ("elastic", 1.0, 1.0),
    ],
)
def test_a_warp_moves_pixels_no_farther_than_asked(name: str, value: float, limit: float) -> None:
    """In all warps of a bank, at two pixels from the middle; the largest move comes near the limit."""
    side, y, x = 15, 7, 9
    bank = warps({**portfolio.PLAIN, name: value}, side, side, BANK, 7)
    from_y, from_x = np.divmod(bank.sources[:, :, side * y + x], side)
    shares = bank.shares[:, :, side * y + x]  # of a pixel that comes from between four others
    moves = [np.abs((shares * come).sum(axis=1) - to) for come, to in ((from_y, y), (from_x, x))]
    assert 0.8 * limit < np.max(moves) <= limit + 1e-4


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["shift", "rotate", "zoom", "elastic"])
def test_a_warp_blends_and_invents_nothing(shape: tuple[int, ...], name: str) -> None:
    pictures = some(shape)
    made = changed(pictures, shape, **{name: {"rotate": 15.0, "zoom": 0.15}.get(name, 1.5)})
    assert made.shape == pictures.shape
    assert made.min() >= 0
    assert made.max() <= 255.001
    assert (np.abs(made - pictures) > 1).any(axis=1).mean() > 0.5


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("params", [{"shift": 2.0}, {"shift": 1.0, "rotate": 15.0, "elastic": 1.5}])
def test_a_gpu_s_matrices_make_the_same_pictures(
    shape: tuple[int, ...], params: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = some(shape)
    gathered = changed(pictures, shape, **params)
    monkeypatch.setattr(placement, "compiles", lambda: True)
    np.testing.assert_allclose(changed(pictures, shape, **params), gathered, atol=1e-3)
    assert (gathered != pictures).mean() > 0.5


def test_a_shift_by_whole_pixels_keeps_bytes() -> None:
    assert changed(some((6, 5)), (6, 5), shift=1.0).dtype == np.uint8


def test_the_bank_of_large_pictures_is_small() -> None:
    """It grows with the pixels; as matrices it would grow with their square: 22 GB here."""
    bank = warps({**portfolio.PLAIN, "shift": 1.0, "zoom": 0.1}, 96, 96, BANK, 0)
    assert sum(part.nbytes for part in bank) == BANK * 96 * 96 * 4 * (4 + 4)


def test_colours_stay_apart() -> None:
    pictures = some((6, 5, 3))
    pictures.reshape(-1, 30, 3)[..., 1] = 0
    made = changed(pictures, (6, 5, 3), shift=1.0, elastic=1.0).reshape(-1, 30, 3)
    assert not made[..., 1].any()
    assert made[..., 0].any()


@pytest.mark.parametrize("shape", SHAPES)
def test_a_square_is_erased(shape: tuple[int, ...]) -> None:
    pictures = some(shape)
    made = changed(pictures, shape, erase=0.4)
    gone = (made == 0).reshape(32, 6, 5, -1)
    assert (gone.any(axis=(2, 3)).sum(axis=1) == 2).all(), "0.4 of 6 rows"
    assert (gone.any(axis=(1, 3)).sum(axis=1) == 2).all(), "0.4 of 5 columns"
    assert (gone.sum(axis=(1, 2, 3)) == 4 * gone.shape[-1]).all()
    assert len(np.unique(gone.reshape(32, -1), axis=0)) > 2, "not the same place for all"
    np.testing.assert_array_equal(made[made > 0], pictures[made > 0])


def test_a_batch_smaller_than_the_groups_stays_whole() -> None:
    made = changed(some((6, 5), rows=GROUPS - 5), (6, 5), flip=1, shift=1.0, erase=0.3)
    assert made.shape == (GROUPS - 5, 30)


def test_nothing_asked_nothing_done() -> None:
    made = changed(some((6, 5)), (6, 5))
    assert made.dtype == np.uint8
    np.testing.assert_array_equal(made, some((6, 5)))


def test_mixup_blends_inputs_and_targets_alike() -> None:
    inputs = tf.constant(np.eye(64, dtype=np.float32))
    made, target = (np.asarray(one) for one in mixed(inputs, inputs, 0.4, SEED))
    np.testing.assert_allclose(made, target, atol=1e-6)
    np.testing.assert_allclose(target.sum(axis=1), 1, atol=1e-6)
    own = np.diag(target)
    assert (own >= 0.5).all()
    assert 0.5 < own.min() < 0.7
    assert own.max() > 0.99
