"""augment.py: what a batch of pictures becomes."""

import numpy as np

from catwalk import tensorflow_setup

tensorflow_setup.setup(threads=1)

import tensorflow as tf  # noqa: E402  (after the set-up)

from catwalk import augment  # noqa: E402

SEED = tf.constant([1, 2])
PICTURES = np.random.default_rng(0).integers(1, 256, (32, 6, 5), dtype=np.uint8)
COLOUR = np.random.default_rng(0).integers(1, 256, (32, 6, 5, 3), dtype=np.uint8)


def test_half_are_mirrored() -> None:
    for pictures in (PICTURES, COLOUR):
        made = augment.pictures(tf.constant(pictures), {"flip": True, "shift": 0}, SEED).numpy()
        np.testing.assert_array_equal(made[:16], pictures[:16])
        np.testing.assert_array_equal(made[16:], pictures[16:, :, ::-1])


def test_shifts_move_whole_pictures_and_bring_zeros() -> None:
    for pictures in (PICTURES, COLOUR):
        made = augment.pictures(tf.constant(pictures), {"flip": False, "shift": 2}, SEED).numpy()
        assert made.shape == pictures.shape
        assert made.dtype == np.uint8
        padded = np.pad(pictures, [(0, 0), (2, 2), (2, 2)] + [(0, 0)] * (pictures.ndim - 3))
        found = set()
        for i, picture in enumerate(made):
            places = [
                (y, x)
                for y in range(5)
                for x in range(5)
                if (padded[i, y : y + 6, x : x + 5] == picture).all()
            ]
            assert len(places) == 1
            found.add(places[0])
        assert len(found) > 3


def test_a_batch_smaller_than_the_groups_stays_whole() -> None:
    made = augment.pictures(tf.constant(PICTURES[:3]), {"flip": True, "shift": 1}, SEED)
    assert made.shape == (3, 6, 5)


def test_nothing_asked_nothing_done() -> None:
    made = augment.pictures(tf.constant(PICTURES), {"flip": False, "shift": 0}, SEED)
    np.testing.assert_array_equal(made, PICTURES)
