"""Figures: all figures of talk, notebooks and README, drawn from ``Results`` with drawing.py.

Each takes the results and returns a figure whose unit is a pixel of the talk. Some have files of their own.
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from catwalk.data import duplicates
from catwalk.report import findings
from catwalk.report.confusion import confusion as confusion
from catwalk.report.drawing import (
    BLUE,
    BLUE_TEXT,
    GREY,
    MUTED,
    ORANGE,
    ORANGE_TEXT,
    PALE,
    SMALL,
    box,
    canvas,
    mosaic,
    picture,
    png,
    shortened,
    text,
    width_of,
)
from catwalk.report.formatting import percent
from catwalk.report.network_figures import architecture as architecture
from catwalk.report.network_figures import learning_curves as learning_curves
from catwalk.report.parallel_coordinates import parallel as parallel
from catwalk.report.results import Data, Results
from catwalk.report.weight_figures import stencils as stencils
from catwalk.search.trial_record import TrialRecord

ROWS_OF_CLASSES = 12  # one below the other, at most
DOZEN = 12


def samples(results: Data) -> Figure:
    """The first training pictures of every class, one row per class."""
    classes = results.competition.classes
    labels = np.asarray(results.prepared.labels[results.prepared.train])
    wide, high = 700.0, 600.0
    blocks = -(-len(classes) // ROWS_OF_CLASSES)
    rows = -(-len(classes) // blocks)
    side = min(64.0, high / rows)
    column = wide / blocks
    names = min(max(width_of(name) for name in classes) + 14, column / 2)
    each = max(1, int((column - names - 10) // side))
    figure, axes = canvas(wide, rows * side)
    for i, name in enumerate(classes):
        x, y = column * (i // rows) + names, side * (i % rows)
        chosen = results.prepared.train[np.flatnonzero(labels == i)[:each]]
        text(axes, x - 12, y + side / 2, shortened(name, names - 12), colour=MUTED, anchor="right")
        if len(chosen):
            mosaic(axes, list(results.pictures(chosen)), x, y, side)
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


def baselines(results: Results) -> Figure:
    """Validation accuracy of the baselines, the best network and the submission, with 95% intervals."""
    from catwalk.models.metrics import wilson

    simple = [t for t in results.trials if t.kind in ("softmax", "beginner")]
    bars = [(t.kind, t.value) for t in simple if t.value is not None]
    bars += [(f"best network (trial {results.best.number})", results.best.accuracy)]
    ranges = [wilson(value, results.distinct.validation) for _, value in bars]
    bars += [("submission", results.scores.accuracy)]
    ranges += [results.scores.interval]
    figure, axes = canvas(900, 64 * len(bars) + 70)
    low, high = min(a for a, _ in ranges), max(b for _, b in ranges)

    def across(value: float) -> float:
        return 250 + 500 * (value - low) / (high - low)

    for k, ((name, value), (a, b)) in enumerate(zip(bars, ranges, strict=True)):
        y, ours = 32 + 64 * k, name == "submission"
        colour = BLUE if ours else MUTED
        text(axes, 230, y, name, bold=ours, anchor="right")
        axes.plot([across(a), across(b)], [y, y], color=colour, linewidth=4, solid_capstyle="butt")
        axes.plot(across(value), y, "o", color=colour, markersize=12)
        text(axes, across(b) + 14, y, percent(value, 2), colour=BLUE_TEXT if ours else MUTED, bold=ours)
    text(axes, 250, 64 * len(bars) + 40, "validation accuracy with its 95% interval", size=SMALL,
         colour=MUTED)  # fmt: skip
    return figure


def progress(results: Results) -> Figure:
    """The accuracy of every finished trial in order, and the best so far."""
    seen = [t for t in results.trials if t.value is not None]
    whole = results.complete
    stopped = [t for t in seen if t.state == "pruned" and not t.ended]
    figure, axes = canvas(400, 520)
    left, right, top, bottom = 24.0, 330.0, 150.0, 430.0
    last = max(1, *(t.number for t in seen))
    low, high = float(np.quantile([t.accuracy for t in whole], 0.1)), max(t.accuracy for t in whole)
    low = min(low, high - 0.01)

    def place(trial: TrialRecord) -> tuple[float, float]:
        share = max(0.0, (trial.accuracy - low) / (high - low))
        return left + (right - left) * trial.number / last, bottom - (bottom - top) * share

    text(axes, left, 20, "best so far", bold=True)
    text(axes, left, 56, f"{len(whole)} complete trials", colour=MUTED)
    if stopped:
        text(axes, left, 84, f"| {len(stopped)} stopped early", colour=MUTED)
    for trial in stopped:
        x, _ = place(trial)
        axes.plot([x, x], [bottom + 14, bottom + 28], color=GREY, linewidth=1.5)
    steps: list[tuple[float, float]] = []
    best = -1.0
    for trial in whole:
        x, y = place(trial)
        axes.plot(x, y, "o", color=GREY, markersize=7, zorder=2)
        if steps:
            steps.append((x, steps[-1][1]))
        if trial.accuracy > best:
            best = trial.accuracy
            steps.append((x, y))
    steps.append((right, steps[-1][1]))
    axes.plot(*zip(*steps, strict=True), color=BLUE, linewidth=3, zorder=3)
    x, y = place(results.best)
    axes.plot(x, y, "o", color=BLUE, markersize=11, zorder=4)
    words = f"trial {results.best.number}: {percent(results.best.accuracy)}"
    text(axes, right, top - 24, words, bold=True, colour=BLUE_TEXT, anchor="right")
    text(axes, left, bottom + 50, "trial 0", size=SMALL, colour=MUTED)
    text(axes, right, bottom + 50, f"{last}", size=SMALL, colour=MUTED, anchor="right")
    under = "≤ " if any(t.accuracy < low for t in whole) else ""  # those are drawn on the lowest line
    text(axes, right + 6, bottom, under + percent(low), size=SMALL, colour=MUTED)
    return figure


def mistakes(results: Results) -> Figure:
    """The validation pictures that the submission misclassified with the highest confidence."""
    classes = results.competition.classes
    worst = findings.mistakes_of_the_model(results)[:10]
    figure, axes = canvas(1180, 560)
    if not len(worst):
        text(axes, 0, 60, "No mistakes on the validation rows.", size=30)
        return figure
    said = results.validation[worst].argmax(axis=1)
    column, row, side = 1180 / 5, 280.0, 190.0
    for k, one in enumerate(results.pictures(results.rows[worst])):
        x, y = column * (k % 5), row * (k // 5)
        box(axes, x, y, column - 24, side + 8, color=PALE, alpha=0.5)
        picture(axes, one, x + (column - 24 - side) / 2, y + 4, side)
        words = shortened(f"“{classes[said[k]]}”", column - 24, bold=True)
        text(axes, x, y + side + 28, words, colour=ORANGE_TEXT, bold=True)
        true = shortened(f"label: {classes[results.labels[worst[k]]]}", column - 24)
        text(axes, x, y + side + 56, true)
    return figure


def doubtful(results: Results) -> Figure:
    """The validation pictures with the most doubtful labels, each with its label and the answer."""
    classes = results.competition.classes
    found = findings.doubtful_pictures(results)[:DOZEN]
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
        picture(axes, one, x + (wide - side) / 2, y + 4, side)
        label = shortened(f"label: {classes[results.labels[found[k]]]}", wide, bold=True)
        text(axes, x, y + side + 28, label, colour=ORANGE_TEXT, bold=True)
        answer = shortened(f"“{classes[said.argmax()]}”", wide - width_of(chance) - 8)
        text(axes, x, y + side + 56, answer + chance, colour=BLUE_TEXT)
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
