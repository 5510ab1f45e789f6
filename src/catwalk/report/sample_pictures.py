"""Sample pictures: what a new competition's pictures look like, each with its class."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from catwalk.report import picture_kind
from catwalk.report.drawing import canvas, picture, shortened, text

IN_ROW, SIDE, GAP, LINE = 5, 180, 20, 36


def draw(pictures: npt.NDArray[np.uint8], names: Sequence[str]) -> Figure:
    """Draw pictures in rows of five.

    Args:
        pictures: (any, height, width) or (any, height, width, channels) uint8.
        names: a line below each.
    """
    rows = -(-len(pictures) // IN_ROW)
    figure, axes = canvas(IN_ROW * (SIDE + GAP) + GAP, rows * (SIDE + GAP + LINE) + GAP)
    is_ink = picture_kind.is_ink(pictures)
    for k, (one, name) in enumerate(zip(pictures, names, strict=True)):
        x, y = GAP + k % IN_ROW * (SIDE + GAP), GAP + k // IN_ROW * (SIDE + GAP + LINE)
        picture(axes, one, x, y, SIDE, is_ink=is_ink)
        text(axes, x, y + SIDE + LINE / 2, shortened(name, SIDE))
    return figure
