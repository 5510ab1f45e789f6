"""Picture kind: whether grey pictures are ink on paper, as handwriting is, or photographs.

The files of the first have bright strokes before black, which are drawn dark on paper; a photograph would be
its own negative that way, and is drawn as it is.
"""

import numpy as np
import numpy.typing as npt

SOME = 200  # pictures are looked at
DARK = 0.1  # of the brightest pixel: an empty background is no brighter


def is_ink(pictures: npt.NDArray[np.uint8]) -> bool:
    """Whether these grey pictures are ink on paper: most of their borders is black. No colour picture is.

    Args:
        pictures: (at least one, height, width[, channels]) uint8; the first ``SOME`` decide.
    """
    some = pictures[:SOME]
    if some.shape[3:] not in ((), (1,)):
        return False
    border = np.ones(some.shape[1:3], bool)
    border[1:-1, 1:-1] = False
    return float(np.median(some[:, border])) <= DARK * int(some.max())
