"""Confusion: the confusion matrix, and each class's precision, recall and F1."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from catwalk.report import findings
from catwalk.report.drawing import (
    BLUE,
    BLUE_TEXT,
    GREY,
    INK,
    MUTED,
    ORANGE,
    ORANGE_TEXT,
    PALE,
    PAPER,
    SMALL,
    box,
    canvas,
    picture,
    shortened,
    text,
    upright,
)
from catwalk.report.formatting import percent
from catwalk.report.results import Results

TOP = 136.0  # room for the names of the columns


def confusion(results: Results) -> Figure:
    """The confusion matrix in percent of the true class (rows), and each class's scores beside it."""
    classes, counts = results.competition.classes, results.scores.confusion
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    shown = findings.shown_classes(results)
    icons = _icons(results)
    figure, axes = canvas(1180, 560)
    left, top = 240.0, TOP
    side = min(46.0, (526 - top) / len(shown))
    text(axes, 0, top - 46, "true class ↓", size=SMALL, colour=MUTED)
    text(axes, 0, top - 20, "predicted →", size=SMALL, colour=MUTED)
    for r, i in enumerate(shown):
        y = top + side * r
        text(axes, left - side - 4, y + side / 2, shortened(classes[i], left - side - 8), anchor="right")
        if i in icons:
            picture(axes, icons[i], left - side + 4, y + 4, side - 10, is_ink=results.is_ink)
        upright(axes, left + side * (r + 0.5), top - 8, shortened(classes[i], top - 8))
        for c, j in enumerate(shown):
            right = i == j
            strength = 0.15 + 0.3 * shares[i, j] if right else min(0.85, 4 * shares[i, j])
            if counts[i, j]:
                box(axes, left + side * c + 1, y + 1, side - 2, side - 2, alpha=strength,
                    color=BLUE if right else ORANGE)  # fmt: skip
            if right or shares[i, j] >= 0.03:
                text(axes, left + side * (c + 0.5), y + side / 2, percent(shares[i, j], 0, sign=""),
                     size=SMALL, bold=not right, anchor="center")  # fmt: skip
    _hard_block(axes, results, shown, left, top, side)
    if part := findings.shown_part(results):
        text(axes, 1180, top + side * len(shown) + 24, f"shown: {part}", colour=MUTED, anchor="right")
    _class_scores(axes, results, shown, left + side * len(shown) + 90, top, side)
    return figure


def _hard_block(axes: Axes, results: Results, shown: list[int], left: float, top: float, side: float) -> None:
    _, block = findings.confused(results)
    if block is None or not set(block.classes) <= set(shown):
        return
    places = sorted(shown.index(i) for i in block.classes)
    start, size = places[0], places[-1] - places[0] + 1
    edge = side * size
    frame: dict[str, Any] = {"facecolor": "none", "edgecolor": ORANGE, "linewidth": 3, "zorder": 4}
    box(axes, left + side * start, top + side * start, edge, edge, **frame)
    words = f"the box: {percent(block.share, 0)} of all mistakes"
    text(axes, left, top + side * len(shown) + 24, words, colour=ORANGE_TEXT, bold=True)


def _class_scores(
    axes: Axes, results: Results, shown: list[int], left: float, top: float, side: float
) -> None:
    """Draw precision, recall and F1 of each class as dots on one line."""
    wide = 1180 - left - 60
    scores = results.scores.by_class[:, 1:]
    low = np.floor(10 * min(scores[shown].min(), 0.9)) / 10

    def across(value: float) -> float:
        return float(left + wide * (value - low) / (1 - low))

    text(axes, left, top - 66, "○ precision", size=SMALL)
    text(axes, left + 120, top - 66, "■ recall", size=SMALL)
    text(axes, 1180, top - 66, "● F1", size=SMALL, colour=BLUE_TEXT, bold=True, anchor="right")
    for value in (low, 1.0):
        text(axes, across(value), top - 24, percent(value, 0), size=SMALL, colour=MUTED, anchor="center")
        axes.plot([across(value)] * 2, [top, top + side * len(shown)], color=PALE, linewidth=1.5)
    for r, i in enumerate(shown):
        y = top + side * (r + 0.5)
        precision, recall, f1 = scores[i]
        axes.plot([across(precision), across(recall)], [y, y], color=GREY, linewidth=2)
        axes.plot(across(recall), y, "s", color=INK, markersize=9, zorder=3)
        axes.plot(across(precision), y, "o", markerfacecolor=PAPER, markeredgecolor=INK, markersize=10,
                  markeredgewidth=2, zorder=4)  # fmt: skip
        axes.plot(across(f1), y, "o", color=BLUE, markersize=9, zorder=5)
        text(axes, 1180, y, percent(f1, 0, sign=""), bold=True, colour=BLUE_TEXT, anchor="right")


def _icons(results: Results) -> dict[int, Any]:
    """The first training picture of each class, if it has one."""
    train = results.prepared.train
    known, first = np.unique(np.asarray(results.prepared.labels[train]), return_index=True)
    return dict(zip(known.tolist(), results.pictures(train[first]), strict=True))
