"""Figures: those of the talk and of its notebook, drawn from ``Results`` with drawing.py.

Each takes the results and returns a figure whose unit is a pixel of the talk. Some have files of their own.
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from catwalk.data import duplicates
from catwalk.report.accuracy_figures import baselines as baselines
from catwalk.report.accuracy_figures import dots as dots
from catwalk.report.accuracy_figures import out_of_fold as out_of_fold
from catwalk.report.confusion import confusion as confusion
from catwalk.report.drawing import (
    BLUE,
    BLUE_TEXT,
    GREY,
    MUTED,
    ORANGE,
    ORANGE_TEXT,
    SMALL,
    box,
    canvas,
    mosaic,
    png,
    shortened,
    text,
    width_of,
)
from catwalk.report.mistake_figures import doubtful as doubtful
from catwalk.report.mistake_figures import mistakes as mistakes
from catwalk.report.network_figures import architecture as architecture
from catwalk.report.network_figures import learning_curves as learning_curves
from catwalk.report.parallel_coordinates import parallel as parallel
from catwalk.report.problem_slide import MOST_SAMPLED
from catwalk.report.results import Data, Results
from catwalk.report.trial_figures import progress as progress
from catwalk.report.trial_figures import trial_bars as trial_bars
from catwalk.report.weight_figures import looks_at as looks_at
from catwalk.report.weight_figures import stencils as stencils

ROWS_OF_CLASSES = 12  # one below the other, at most
NAME = 120.0  # pixels for a class's name, if one of its pictures has room beside it: about ten letters


def samples(results: Data) -> Figure:
    """The first training pictures of every class, one row per class; of many classes, of the first ones."""
    classes, count = results.competition.classes[:MOST_SAMPLED], len(results.competition.classes)
    labels = np.asarray(results.prepared.labels[results.prepared.train])
    wide, below = 700.0, 30.0 if count > MOST_SAMPLED else 0.0
    high = 600.0 - below
    blocks = -(-len(classes) // ROWS_OF_CLASSES)
    rows = -(-len(classes) // blocks)
    row, column = min(64.0, high / rows), wide / blocks
    most = max(column / 2, min(column - row - 10, NAME))
    names = min(max(width_of(name) for name in classes) + 14, most)
    room = column - names - 10
    side = min(row, room)  # of many classes, a column is narrow
    each = int(room // side)
    figure, axes = canvas(wide, rows * row + below)
    for i, name in enumerate(classes):
        x, y = column * (i // rows) + names, row * (i % rows)
        chosen = results.prepared.train[np.flatnonzero(labels == i)[:each]]
        text(axes, x - 12, y + row / 2, shortened(name, names - 12), colour=MUTED, anchor="right")
        if len(chosen):
            mosaic(axes, list(results.pictures(chosen)), x, y + (row - side) / 2, side, is_ink=results.is_ink)
    if below:
        words = f"the first {MOST_SAMPLED} of {count} classes"
        text(axes, wide, rows * row + below / 2, words, size=SMALL, colour=MUTED, anchor="right")
    return figure


def split(results: Results) -> Figure:
    """The sizes of the training, validation and test sets, as squares; and how balanced the classes are."""
    prepared, distinct = results.prepared, results.distinct
    parts = [
        ("training", distinct.train, BLUE, BLUE_TEXT),
        ("validation", distinct.validation, ORANGE, ORANGE_TEXT),
        ("test", distinct.test, GREY, MUTED),
    ]
    figure, axes = canvas(1180, 500)
    per_square = _round_up(sum(count for _, count, _, _ in parts) / 400)
    squares = [max(1, round(count / per_square)) for _, count, _, _ in parts]
    gap = 44.0
    least = [max(width_of(words, 22), width_of(f"{count:,}", 44, bold=True)) for words, count, _, _ in parts]

    def widths(side: float) -> list[float]:
        return [max(side * -(-n // 10), words) for n, words in zip(squares, least, strict=True)]

    side = next(side for side in range(30, 0, -1) if sum(widths(side)) + 2 * gap <= 1180 or side == 1)
    x = 0.0
    for (words, count, colour, ink), n, wide in zip(parts, squares, widths(side), strict=True):
        text(axes, x, 24, f"{count:,}", size=44, bold=True, colour=ink)
        text(axes, x, 72, words, size=22)
        for k in range(n):
            box(axes, x + side * (k // 10) + 1, 110 + side * (k % 10) + 1, side - 3, side - 3, color=colour)
        x += wide + gap
    learned = np.asarray(prepared.labels[duplicates.of_learning(prepared)])
    counts = np.bincount(learned, minlength=len(results.competition.classes))
    below = 110 + 10 * side + 40
    one = f"1 square = {per_square:,} pictures" if per_square > 1 else "1 square = 1 picture"
    text(axes, 0, below, one, colour=MUTED)
    few, many = int(counts.argmin()), int(counts.argmax())
    each = f"{counts[few]:,}" if counts[few] == counts[many] else f"{counts[few]:,} to {counts[many]:,}"
    even = f"Every class has {each} training pictures"
    if counts[many] > 1.5 * counts[few]:
        even = (
            f"{results.competition.classes[few]} has {counts[few]:,} training pictures, "
            f"{results.competition.classes[many]} {counts[many]:,}"
        )
    text(axes, 0, below + 40, shortened(even, 1180, 22), size=22)
    return figure


def show(figure: Figure, alt: str) -> Any:
    """The figure for a notebook: a PNG with alternative text."""
    return shown(png(figure), alt)


def shown(data: bytes, alt: str) -> Any:
    """The same as ``show``, for a finished PNG."""
    from IPython.display import Image

    # As metadata, for IPython 7, which Kaggle and Colab have, knows no ``alt``.
    return Image(data=data, format="png", metadata={"alt": alt})  # type: ignore[no-untyped-call]


def _round_up(count: float) -> int:
    """Round up to 1, 2, 5, 10, 20, 50 and so on."""
    power = 1
    while True:
        for step in (1, 2, 5):
            if count <= step * power:
                return step * power
        power *= 10
