"""Figures of learned weights: the softmax baseline's, and the first filters of a convolutional network.

The talk shows those of one class beside a mean picture, the notebook all classes.
"""

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from catwalk.report import evidence, findings
from catwalk.report.drawing import (
    BLUE_TEXT,
    INK,
    MUTED,
    ORANGE_TEXT,
    canvas,
    picture,
    shortened,
    text,
    two_colours,
)
from catwalk.report.results import Results
from catwalk.report.weights_slide import FEW_FILTERS, MOST_STENCILS, few_filters

MOST_FILTERS, IN_ROW = 32, 4
SIDE = 410.0  # of a mean picture and of a stencil
SIDE_OF_THREE = 370.0  # where filters are between them


def looks_at(results: Results) -> Figure:
    """A mean picture, and beside it one stencil or first filters, with what counts for and against."""
    figure, axes = canvas(1180, 560)
    place = evidence.shown_class(results)
    side = SIDE_OF_THREE if evidence.are_filters_shown(results) else SIDE
    name = results.competition.classes[place]
    picture(axes, evidence.mean_picture(results, place), 0, 0, side, is_ink=results.is_ink)
    text(axes, 0, side + 30, shortened(f"the mean {name}", side, 22, bold=True), size=22, bold=True)
    if evidence.are_filters_shown(results):
        _filters_beside(axes, results, side)
        return figure
    said = evidence.votes(results)
    if said is None:
        text(axes, side + 40, 60, "The softmax baseline's weights were not kept.", size=26)
        return figure
    picture(axes, two_colours(said[place]), side + 40, 0, side, is_ink=False)
    text(axes, side + 40, side + 30, "softmax's weights for it", size=22, bold=True)
    _counts(axes, results, 2 * side + 70, evidence.clearest(results))
    return figure


def _counts(axes: Axes, results: Results, left: float, found: evidence.Evidence | None) -> None:
    """Say what counts for and against the class."""
    what = evidence.ink(results)
    rows = (
        (60.0, f"blue: {what} counts for it", BLUE_TEXT, found.supports if found else ""),
        (200.0, f"orange: {what} counts against it", ORANGE_TEXT, found.opposes if found else ""),
    )
    for y, words, colour, where in rows:
        text(axes, left, y, words, bold=True, colour=colour)
        if where:
            text(axes, left, y + 32, f"most at {where}", colour=INK)


def _filters_beside(axes: Axes, results: Results, side: float) -> None:
    """Draw the filters, and the answer of the first of them to the mean picture."""
    assert results.filters is not None
    left, step = side + 40, side / 4
    shown = filter_pictures(results.filters)[:FEW_FILTERS]
    for k, one in enumerate(shown):
        picture(axes, one, left + step * (k % IN_ROW), step * (k // IN_ROW), step - 10, is_ink=False)
    text(axes, left, side + 30, few_filters(results.filters.shape[3]), size=22, bold=True)
    what = evidence.ink(results)
    blue = f"{what} under blue counts for a filter's pattern,"
    orange = f"{what} under orange counts against it"
    if results.filters.shape[2] == 3:  # shown in colours, see ``filter_pictures``
        blue, orange = "in its answer, blue counts for the filter's colours,", "orange counts against them"
    text(axes, left, side + 64, shortened(blue, side + 20), colour=BLUE_TEXT)
    text(axes, left, side + 92, orange, colour=ORANGE_TEXT)
    picture(axes, two_colours(evidence.answer(results)), left + side + 30, 0, side, is_ink=False)
    text(axes, left + side + 30, side + 30, "the first filter's answer", size=22, bold=True)


def stencils(results: Results) -> Figure:
    """The weights of the softmax baseline as one picture per class: evidence for and against it.

    With a convolutional network in the ensemble, its first filters are beside them.
    """
    said = evidence.votes(results)
    figure, axes = canvas(1180, 560)
    if results.filters is not None:
        _filters(axes, results.filters, 940.0)
    if said is None:
        text(axes, 0, 60, "The softmax baseline's weights were not kept.", size=26)
        return figure
    shown = sorted(findings.shown_classes(results, MOST_STENCILS))
    column, row, side = (1180 / 5, 258.0, 200.0) if results.filters is None else (176.0, 230.0, 158.0)
    for k, i in enumerate(shown):
        x, y = column * (k % 5), row * (k // 5)
        picture(axes, two_colours(said[i]), x, y, side, is_ink=False)
        text(
            axes,
            x,
            y + side + 24,
            shortened(results.competition.classes[i], column - 20, bold=True),
            bold=True,
        )
    y = 2 * row + 24 if len(shown) > 5 else row + 32
    text(axes, 0, y, "orange: against the class", colour=ORANGE_TEXT, bold=True)
    text(axes, 300, y, "blue: for it", colour=BLUE_TEXT, bold=True)
    if len(shown) < len(said):
        text(axes, 460, y, f"shown: {len(shown)} of {len(said)} classes", colour=MUTED)
    return figure


def _filters(axes: Axes, filters: npt.NDArray[np.float32], left: float) -> None:
    """Draw the filters with the largest weights as small squares."""
    count = filters.shape[3]
    kind = f"{MOST_FILTERS} of {count}" if count > MOST_FILTERS else "convolutional"
    text(axes, left, 14, f"{kind} filters", bold=True)
    text(axes, left, 42, "moved over the picture", colour=MUTED)
    step, top = 57.0, 70.0
    for k, one in enumerate(filter_pictures(filters)):
        picture(axes, one, left + step * (k % IN_ROW), top + step * (k // IN_ROW), step - 9, is_ink=False)


def filter_pictures(filters: npt.NDArray[np.float32]) -> list[npt.NDArray[np.uint8]]:
    """The filters with the largest weights, the largest first, each (side, side, 3) uint8.

    Those of colour pictures are shown in the colours that they look for, others blue above zero and orange
    below; all have the same scale.

    Args:
        filters: (side, side, channels, filters) float32.
    """
    sizes = np.sqrt(np.square(filters).sum(axis=(0, 1, 2)))
    largest = np.argsort(-sizes, kind="stable")[:MOST_FILTERS]
    shown = np.moveaxis(filters[..., largest], 3, 0)
    count, side, _, channels = shown.shape
    if channels == 3:
        most = float(np.abs(shown).max()) or 1.0
        return list(np.rint(127.5 + 127.5 * shown / most).astype(np.uint8))
    return list(two_colours(shown.sum(axis=3).reshape(count * side, side)).reshape(count, side, side, 3))
