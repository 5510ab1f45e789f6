"""Figures of single pictures: the surest mistakes, and the labels that look doubtful."""

import numpy as np
from matplotlib.figure import Figure

from catwalk.report import findings
from catwalk.report.drawing import (
    BLUE_TEXT,
    ORANGE_TEXT,
    PALE,
    box,
    canvas,
    picture,
    shortened,
    text,
    width_of,
)
from catwalk.report.formatting import percent
from catwalk.report.results import Results

SHOWN_DOUBTFUL = 12  # pictures: two rows of six


def mistakes(results: Results) -> Figure:
    """The pictures that the submission misclassified with the highest confidence, large."""
    classes = results.competition.classes
    worst = findings.surest_mistakes(results)
    figure, axes = canvas(1180, 400)
    if not len(worst):
        text(axes, 0, 60, f"No mistakes on {results.validated:,} {results.validated_as}.", size=30)
        return figure
    column, side = 1180 / findings.SHOWN_MISTAKES, 212.0
    wide = column - 24
    doubted = np.isin(worst, findings.doubtful(results))
    for k, one in enumerate(results.pictures(results.rows[worst])):
        x, said = column * k, results.validation[worst[k]]
        box(axes, x, 0, wide, side + 12, color=PALE, alpha=0.5)
        picture(axes, one, x + (wide - side) / 2, 6, side, is_ink=results.is_ink)
        words = shortened(f"“{classes[said.argmax()]}”", wide, 24, bold=True)
        text(axes, x, side + 44, words, size=24, colour=ORANGE_TEXT, bold=True)
        text(axes, x, side + 80, f"{percent(float(said.max()))} confident", size=22, colour=ORANGE_TEXT)
        true = shortened(f"label: {classes[results.labels[worst[k]]]}", wide, 24)
        text(axes, x, side + 122, true, size=24)
        if doubted[k] and findings.is_judged(results):
            text(axes, x, side + 156, "this label looks doubtful", colour=BLUE_TEXT)
    return figure


def doubtful(results: Results) -> Figure:
    """The pictures with the most doubtful labels, each with its label and the answer."""
    classes = results.competition.classes
    found = findings.doubtful_pictures(results)[:SHOWN_DOUBTFUL]
    figure, axes = canvas(1180, 560)
    if not len(found):
        text(axes, 0, 60, f"None of the {len(results.labels):,} labels looks doubtful.", size=30)
        return figure
    column, row, side = 1180 / 6, 280.0, 172.0
    wide = column - 16
    for k, one in enumerate(results.pictures(results.rows[found])):
        x, y = column * (k % 6), row * (k // 6)
        said = results.validation[found[k]]
        chance = f" {percent(float(said.max()), 0)}"
        box(axes, x, y, wide, side + 8, color=PALE, alpha=0.5)
        picture(axes, one, x + (wide - side) / 2, y + 4, side, is_ink=results.is_ink)
        label = shortened(f"label: {classes[results.labels[found[k]]]}", wide, bold=True)
        text(axes, x, y + side + 28, label, colour=ORANGE_TEXT, bold=True)
        answer = shortened(f"“{classes[said.argmax()]}”", wide - width_of(chance) - 8)
        text(axes, x, y + side + 56, answer + chance, colour=BLUE_TEXT)
    return figure
