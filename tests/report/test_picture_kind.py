"""picture_kind.py: digits are ink on paper, photographs are not; also in the samples of a new competition."""

import numpy as np
import numpy.typing as npt

from catwalk.report import drawing, picture_kind, sample_pictures
from tests.support.forms.pictures import Pictures, as_photos, draw, in_colour, shuffled

DIGITS = draw(shuffled(10, 60), 8)


def uint8(drawn: Pictures, most: int = 255) -> npt.NDArray[np.uint8]:
    return np.asarray(np.rint(drawn.values * most), np.uint8)


def test_the_border_tells() -> None:
    assert picture_kind.is_ink(uint8(DIGITS))
    assert picture_kind.is_ink(uint8(DIGITS)[..., None])
    assert picture_kind.is_ink(uint8(DIGITS, 16)), "as dark as they may be in a file"
    assert not picture_kind.is_ink(255 - uint8(DIGITS)), "already dark on light"
    for most in (255, 16):
        assert not picture_kind.is_ink(uint8(as_photos(DIGITS), most))
    assert not picture_kind.is_ink(uint8(in_colour(DIGITS)))


def test_a_new_competition_s_samples_are_drawn_so() -> None:
    for kind, is_ink in ((DIGITS, True), (as_photos(DIGITS), False)):
        shown = uint8(kind)[:10]
        axes = sample_pictures.draw(shown, ["a"] * 10).axes[0]
        first = np.asarray(axes.images[0].get_array())
        np.testing.assert_array_equal(first, drawing.coloured(shown[0], is_ink))
