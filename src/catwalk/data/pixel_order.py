"""Pixel order: where a row of a CSV holds each value of a picture."""

import numpy as np

from catwalk.data.competition import Competition


def places(competition: Competition) -> list[int]:
    """For each value of a picture (rows, columns, channels), its place among the values as written."""
    written = np.arange(competition.pixels).reshape(competition.written_shape)
    if competition.is_planar:
        written = np.moveaxis(written, 0, -1)
    if competition.is_transposed:
        written = written.swapaxes(0, 1)
    return [int(place) for place in written.ravel()]
