"""Figures of the search's trials: a bar for each network, and the best so far."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from catwalk.core.plurals import counted
from catwalk.models import portfolio
from catwalk.report import importances, network_words, origins
from catwalk.report.drawing import (
    BLUE,
    BLUE_TEXT,
    GREY,
    INK,
    MUTED,
    PAPER,
    SMALL,
    box,
    canvas,
    shortened,
    text,
)
from catwalk.report.formatting import percent
from catwalk.report.results import Results
from catwalk.report.search_slide import MOST_BARS
from catwalk.search.trial_record import YOURS, TrialRecord, best_first

NAME, BARS, KIND, ACCURACY = 480.0, 500.0, 920.0, 1180.0  # where the columns end or begin, in pixels
LONGEST = 340.0  # bar
# Of each origin's trials: the marker, its colour and its size.
MARKS = {origins.PRESET: ("s", MUTED, 10), origins.SEARCH: ("o", GREY, 7), YOURS: ("D", MUTED, 8)}


def trial_bars(results: Results) -> Figure:
    """The mistakes of complete networks on validation, the best first, and their parameters' origin.

    At most ``MOST_BARS`` have a bar; a line below says so where there are more.
    """
    trials = best_first(results.complete)[:MOST_BARS]
    rows = len(results.prepared.validation)
    mistakes = "mistakes" if rows == results.distinct.validation else "mistakes (rows)"
    figure, axes = canvas(1180, 560)
    for x, words, anchor in (
        (0.0, "network", "left"), (BARS, mistakes, "left"), (KIND, "parameters", "left"),
        (ACCURACY, "validation accuracy", "right"),
    ):  # fmt: skip
        text(axes, x, 16, words, size=SMALL, colour=MUTED, anchor=anchor)
    step = min(60.0, 430 / len(trials))
    most = max(1, *(_wrong(trial, rows) for trial in trials))
    for k, trial in enumerate(trials):
        y, is_best = 42 + step * (k + 0.5), trial.number == results.best.number
        origin = origins.of(trial)
        name = shortened(network_words.named(trial), NAME, bold=is_best)
        text(axes, 0, y, name, bold=is_best)
        wrong = _wrong(trial, rows)
        long = LONGEST * wrong / most
        is_preset = origin == origins.PRESET
        # The best in blue; a preset's bar is an outline, the others are filled.
        colour = BLUE if is_best else GREY
        face = PAPER if is_preset else colour
        box(
            axes,
            BARS,
            y - 0.3 * step,
            max(4.0, long),
            0.6 * step,
            facecolor=face,
            edgecolor=colour,
            linewidth=3,
        )
        text(axes, BARS + max(4.0, long) + 12, y, f"{wrong:,}", colour=BLUE_TEXT if is_best else MUTED)
        kind = "our own" if origin == YOURS else origin
        kind = f"{kind} (baseline)" if trial.kind in portfolio.BASELINES else kind
        text(axes, KIND, y, kind, colour=MUTED if is_preset else INK, bold=not is_preset)
        ink = BLUE_TEXT if is_best else INK
        text(axes, ACCURACY, y, percent(trial.accuracy), bold=is_best, colour=ink, anchor="right")
    _below(axes, results, 42 + step * len(trials))
    return figure


def _below(axes: Axes, results: Results, y: float) -> None:
    """What a preset was worth against the search, and the trials that have no bar."""
    text(axes, 0, y + 26, origins.compared(results), bold=True)
    text(axes, 0, y + 54, "outlined: presets, parameters that came with catwalk", colour=MUTED)
    stopped, count = len(importances.stopped_early(results)), len(results.complete)
    words = [f"shown are the best {MOST_BARS} of {count:,} networks"] if count > MOST_BARS else []
    if stopped:
        words.append(f"{counted(stopped, 'trial')} {'was' if stopped == 1 else 'were'} stopped early")
    if words:
        text(axes, 0, y + 82, "; ".join(words), colour=MUTED)


def _wrong(trial: TrialRecord, rows: int) -> int:
    return round((1 - trial.accuracy) * rows)


def progress(results: Results) -> Figure:
    """The accuracy of every finished trial in order, and the best so far."""
    seen = [t for t in results.trials if t.value is not None]
    whole = results.complete
    stopped = importances.stopped_early(results)
    figure, axes = canvas(400, 570)
    left, right, top, bottom = 24.0, 330.0, 150.0, 430.0
    last = max(1, *(t.number for t in seen))
    low, high = float(np.quantile([t.accuracy for t in whole], 0.1)), max(t.accuracy for t in whole)
    low = min(low, high - 0.01)

    def place(trial: TrialRecord) -> tuple[float, float]:
        share = max(0.0, (trial.accuracy - low) / (high - low))
        return left + (right - left) * trial.number / last, bottom - (bottom - top) * share

    text(axes, left, 20, "best so far, on validation", bold=True)
    text(axes, left, 52, counted(len(whole), "complete trial"), colour=MUTED)
    if stopped:
        text(axes, left, 80, f"| {len(stopped):,} stopped early", colour=MUTED)
    for trial in stopped:
        x, _ = place(trial)
        axes.plot([x, x], [bottom + 14, bottom + 28], color=GREY, linewidth=1.5)
    steps: list[tuple[float, float]] = []
    best = -1.0
    for trial in whole:
        x, y = place(trial)
        mark, colour, size = MARKS[origins.of(trial)]
        axes.plot(x, y, mark, color=colour, markersize=size, zorder=2)
        if steps:
            steps.append((x, steps[-1][1]))
        if trial.accuracy > best:
            best = trial.accuracy
            steps.append((x, y))
    steps.append((right, steps[-1][1]))
    axes.plot(*zip(*steps, strict=True), color=BLUE, linewidth=3, zorder=3)
    x, y = place(results.best)
    axes.plot(x, y, MARKS[origins.of(results.best)][0], color=BLUE, markersize=12, zorder=4)
    words = f"trial {results.best.number}: {percent(results.best.accuracy)}"
    text(axes, right, top - 24, words, bold=True, colour=BLUE_TEXT, anchor="right")
    text(axes, left, bottom + 50, "trial 0", size=SMALL, colour=MUTED)
    text(axes, right, bottom + 50, f"{last}", size=SMALL, colour=MUTED, anchor="right")
    under = "≤ " if any(t.accuracy < low for t in whole) else ""  # those are drawn on the lowest line
    text(axes, right + 6, bottom, under + percent(low), size=SMALL, colour=MUTED)
    _best_of_each(axes, results)
    return figure


def _best_of_each(axes: Axes, results: Results) -> None:
    """The best preset, the best of the search, and the best of our own networks if there are any."""
    names = {origins.PRESET: "presets", origins.SEARCH: "search"}
    if origins.best(results, YOURS):
        names[YOURS] = "our own"
    first, step = (524.0, 28.0) if len(names) == 2 else (504.0, 26.0)
    for k, (origin, name) in enumerate(names.items()):
        mark, colour, _ = MARKS[origin]
        axes.plot(32, first + step * k, mark, color=colour, markersize=10)
        trial = origins.best(results, origin)
        reached = f"{percent(trial.accuracy)} at best" if trial else "none complete"
        text(axes, 50, first + step * k, f"{name}: {reached}")
