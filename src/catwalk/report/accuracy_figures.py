"""Figures of accuracies with their 95% intervals: dots, the baselines, and out-of-fold validation."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from catwalk.core.plurals import counted
from catwalk.models.metrics import wilson
from catwalk.models.portfolio import BASELINES
from catwalk.report.drawing import (
    BLUE,
    BLUE_TEXT,
    GREY,
    INK,
    MUTED,
    PALE,
    SMALL,
    canvas,
    shortened,
    text,
)
from catwalk.report.folds_slide import on_the_split
from catwalk.report.formatting import number, percent
from catwalk.report.network_words import widths
from catwalk.report.results import Results


@dataclass(frozen=True)
class Accuracy:
    """An accuracy with its 95% interval: ``is_ours`` marks the submission's."""

    name: str
    value: float
    interval: tuple[float, float]
    is_ours: bool = False


def simple_networks(results: Results) -> list[Accuracy]:
    """The baselines, on the split's validation rows."""
    rows = results.distinct.validation
    made = []
    for trial in results.trials:
        if trial.kind in BASELINES and trial.value is not None:
            units = " + ".join(number(width) for width in widths(trial.params))
            name = f"{units} units" if units else "softmax"
            made.append(Accuracy(name, trial.value, wilson(trial.value, rows)))
    return made


def dots(results: Results) -> Figure:
    """Dots with intervals: the baselines, as softmax and a layer of units, and the submission."""
    ours = Accuracy("ours", results.scores.accuracy, results.scores.interval, is_ours=True)
    shown = [*simple_networks(results), ours]
    figure, axes = canvas(500, 52 * len(shown) + 66)
    _dotted(axes, shown, 130, 380, 52)
    words = "95% intervals, on validation"
    if results.recipe.folds > 1:
        words = f"95% intervals; ours on all rows, {results.recipe.folds} folds"
    text(axes, 0, 52 * len(shown) + 48, words, size=SMALL, colour=MUTED)
    return figure


def baselines(results: Results) -> Figure:
    """Accuracy of the baselines, the best network and the submission, with 95% intervals."""
    best = results.best
    shown = [
        *simple_networks(results),
        Accuracy(f"best network (trial {best.number})", best.accuracy,
                 wilson(best.accuracy, results.distinct.validation)),
        Accuracy("submission", results.scores.accuracy, results.scores.interval, is_ours=True),
    ]  # fmt: skip
    figure, axes = canvas(900, 64 * len(shown) + 70)
    _dotted(axes, shown, 250, 750, 64)
    words = "validation accuracy with its 95% interval"
    if results.recipe.folds > 1:
        words = f"accuracy with its 95% interval; the submission's on all rows, {results.recipe.folds} folds"
    text(axes, 250, 64 * len(shown) + 48, words, size=SMALL, colour=MUTED)
    return figure


def scale_of(values: Sequence[float]) -> tuple[float, float]:
    """The ends of a scale for shares, in whole percent, as they are written beside it; never the same."""
    low, high = math.floor(100 * min(values)), math.ceil(100 * max(values))
    if low == high:
        low, high = max(0, low - 1), min(100, high + 1)
    return low / 100, high / 100


def _dotted(axes: Axes, shown: Sequence[Accuracy], left: float, right: float, row: float) -> None:
    """Draw a row for each accuracy: name, interval and dot, value; and the ends of the scale below."""
    low, high = scale_of([end for one in shown for end in one.interval])

    def across(value: float) -> float:
        return left + (right - left) * (value - low) / (high - low)

    for k, one in enumerate(shown):
        y = row * (k + 0.5)
        colour, ink = (BLUE, BLUE_TEXT) if one.is_ours else (MUTED, MUTED)
        text(axes, left - 20, y, shortened(one.name, left - 20), bold=one.is_ours, anchor="right")
        axes.plot([left, right], [y, y], color=PALE, linewidth=1.5, zorder=1)
        ends = [across(end) for end in one.interval]
        axes.plot(ends, [y, y], color=colour, linewidth=5, solid_capstyle="butt", zorder=2)
        axes.plot(across(one.value), y, "o", color=colour, markersize=13, zorder=3)
        size = 30 if one.is_ours else 20
        text(axes, right + 20, y, percent(one.value), colour=ink, bold=one.is_ours, size=size)
    for end, anchor in ((low, "left"), (high, "right")):
        x, y = across(end), row * len(shown) + 14
        text(axes, x, y, percent(end, 0), size=SMALL, colour=MUTED, anchor=anchor)


def out_of_fold(results: Results) -> Figure:
    """The accuracy of each network on its fold; below, the submission's on the split, and on all rows."""
    folds, networks = results.recipe.folds, results.recipe.fold_networks
    value, interval = on_the_split(results)
    shown = [*interval, *results.scores.interval, *(net.accuracy for net in networks)]
    low, high = min(shown), max(shown)
    figure, axes = canvas(1180, 560)
    left, right, row = 330.0, 960.0, min(46.0, 280 / folds)

    def across(share: float) -> float:
        return left + (right - left) * (share - low) / (high - low or 1.0)

    for fold in range(folds):
        y = row * (fold + 0.5)
        text(axes, left - 30, y, f"fold {fold + 1}", anchor="right", colour=MUTED)
        axes.plot([left, right], [y, y], color=PALE, linewidth=1.5)
        for net in networks:
            if net.fold == fold:
                axes.plot(across(net.accuracy), y, "o", color=GREY, markersize=11)
    count = len({net.trial for net in networks})
    words = counted(count, "network") + " on each"
    text(axes, right + 30, row * folds / 2, words, colour=MUTED)
    y = row * folds + 60
    split, every = results.distinct.validation, results.validated
    rows = (
        (f"validation alone, {split:,}", value, interval, MUTED, INK),
        (f"all folds, {every:,}", results.scores.accuracy, results.scores.interval, BLUE, BLUE_TEXT),
    )
    for name, share, (start, end), colour, ink in rows:
        ours = colour == BLUE
        text(axes, left - 30, y, name, size=22, bold=ours, anchor="right")
        axes.plot([across(start), across(end)], [y, y], color=colour, linewidth=8, solid_capstyle="butt")
        axes.plot(across(share), y, "o", color=colour, markersize=18, zorder=3)
        width = f"{percent(share)}, {100 * (end - start):.1f} points wide"
        text(axes, across(share), y + 36, width, bold=ours, colour=ink, size=22, anchor="center")
        y += 96
    for end, anchor in ((low, "left"), (high, "right")):
        text(axes, across(end), y, percent(end), size=SMALL, colour=MUTED, anchor=anchor)
    return figure
