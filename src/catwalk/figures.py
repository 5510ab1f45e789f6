"""Figures: every picture of the report, drawn from ``Results`` alone.

A colour has one meaning: blue is the model or right, orange is wrong or look here, grey is context; a
mark, a weight or a word says the same for those who see no colour.
"""

import io
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from catwalk.results import Results

PAPER, INK, MUTED, GREY = "#FAF8F3", "#15171C", "#545966", "#C9C5BA"
BLUE, ORANGE = "#0072B2", "#D55E00"

STYLE: Any = {
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "font.size": 12,
}


def samples(results: Results, each: int = 8) -> Figure:
    """The first training pictures of every class, a row a class."""
    classes = results.competition.classes
    train = results.prepared.train
    labels = np.asarray(results.prepared.labels[train])
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(each * 0.7 + 2.2, len(classes) * 0.7))
        grid = figure.subplots(len(classes), each, squeeze=False)
        for i, name in enumerate(classes):
            rows = train[np.flatnonzero(labels == i)[:each]]
            for axes in grid[i]:
                axes.axis("off")
            for axes, picture in zip(grid[i], results.pictures(rows), strict=False):
                _picture(axes, picture)
            grid[i][0].text(-0.3, 0.5, name, transform=grid[i][0].transAxes, ha="right", va="center")
        figure.subplots_adjust(left=2.0 / (each * 0.7 + 2.2), right=0.99, top=0.99, bottom=0.01)
    return figure


def split(results: Results) -> Figure:
    """Rows of every class on each side of the split."""
    classes = results.competition.classes
    labels = np.asarray(results.prepared.labels)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 0.38 * len(classes) + 1.2), layout="constrained")
        axes = figure.subplots()
        places = np.arange(len(classes))
        train, held = (
            np.bincount(labels[rows], minlength=len(classes))
            for rows in (results.prepared.train, results.prepared.validation)
        )
        axes.barh(places, train, color=GREY)
        axes.barh(places, held, left=train, color=BLUE)
        for place, (a, b) in enumerate(zip(train, held, strict=True)):
            axes.text(a / 2, place, f"{a:,}", ha="center", va="center")
            axes.text(a + b, place, f" {b:,}", va="center", color=BLUE)
        axes.set_yticks(places, classes)
        axes.invert_yaxis()
        axes.set_xticks([])
        axes.spines[["bottom", "left"]].set_visible(False)
        axes.tick_params(left=False)
        axes.set_title(f"{train.sum():,} rows to learn from (grey), {held.sum():,} to compare on (blue)")
    return figure


def baselines(results: Results) -> Figure:
    """Validation accuracy of the baselines, the best network and the submission, with 95% intervals."""
    from catwalk.metrics import wilson

    best = results.best
    bars = [(t["kind"], t["value"]) for t in results.trials if t["kind"] in ("softmax", "beginner")]
    bars += [(f"best net (trial {best['number']})", best["value"])]
    bars += [("submission", results.scores.accuracy)]
    bars = [(name, value) for name, value in bars if value is not None]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 0.55 * len(bars) + 1.1), layout="constrained")
        axes = figure.subplots()
        for place, (name, value) in enumerate(bars):
            low, high = wilson(value, len(results.labels))
            colour = BLUE if name == "submission" else MUTED
            axes.plot([low, high], [place, place], color=colour, linewidth=3, solid_capstyle="butt")
            axes.plot(value, place, "o", color=colour, markersize=9)
            weight = "bold" if name == "submission" else "normal"
            axes.text(high, place, f"  {value:.2%}", va="center", color=colour, weight=weight)
        axes.set_yticks(range(len(bars)), [name for name, _ in bars])
        axes.invert_yaxis()
        axes.margins(x=0.15, y=0.15)
        axes.xaxis.set_major_formatter("{x:.0%}")
        axes.set_title("Validation accuracy; the line is its 95% interval")
    return figure


def search(results: Results) -> Figure:
    """Every finished trial in order, and the best so far."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 3.6), layout="constrained")
        axes = figure.subplots()
        seen = [t for t in results.trials if t["value"] is not None]
        whole = [t for t in seen if t["state"] == "complete"]
        stopped = [t for t in seen if t["state"] == "pruned"]
        axes.plot(
            [t["number"] for t in stopped],
            [t["value"] for t in stopped],
            "x",
            color=GREY,
            markersize=7,
        )
        numbers = [t["number"] for t in whole]
        values = [t["value"] for t in whole]
        axes.plot(numbers, values, "o", color=MUTED, markersize=6)
        axes.step(numbers, np.maximum.accumulate(values), where="post", color=BLUE, linewidth=2.5)
        last = max(t["number"] for t in seen)
        axes.plot([numbers[-1], last], [max(values)] * 2, color=BLUE, linewidth=2.5)
        floor = min(*values, float(np.quantile([t["value"] for t in seen], 0.1)))
        axes.set_ylim(floor - 0.01, max(values) + 0.01)
        axes.yaxis.set_major_formatter("{x:.0%}")
        axes.set_xlabel("trial")
        axes.set_title(
            f"{len(whole)} trials to their end (dots), {len(stopped)} stopped early (crosses), "
            "best so far (line)"
        )
    return figure


def learning_curves(results: Results) -> Figure:
    """Loss and accuracy of the best trial, epoch by epoch, on training and validation rows."""
    history = results.best["history"]
    epochs = [epoch["epoch"] for epoch in history]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 3.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        for axes, train, held, title in (
            (left, "train_loss", "loss", "Loss"),
            (right, "train_accuracy", "accuracy", "Accuracy"),
        ):
            train_is_higher = history[-1][train] > history[-1][held]
            for key, colour, word in ((train, MUTED, "training"), (held, BLUE, "validation")):
                values = [epoch[key] for epoch in history]
                axes.plot(epochs, values, "o-", color=colour, markersize=4)
                above = (key == train) == train_is_higher
                axes.annotate(
                    word, (epochs[-1], values[-1]), xytext=(6, 7 if above else -7),
                    textcoords="offset points", color=colour, va="center",
                )  # fmt: skip
            axes.set_title(title)
            axes.set_xlabel("epoch")
            axes.margins(x=0.3)
            axes.set_xlim(left=min(epochs) - 0.5)
        right.yaxis.set_major_formatter("{x:.0%}")
    return figure


def confusion(results: Results) -> Figure:
    """True classes down, predicted ones across, in percent of the true class; scores on the same rows."""
    classes = results.competition.classes
    counts = results.scores.confusion
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    n = len(classes)
    side = max(4.5, 0.55 * n)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(side + 5.5, side + 1.5), layout="constrained")
        axes = figure.subplots()
        axes.set_xlim(-0.5, n + 4)
        axes.set_ylim(n - 0.5, -1.2)
        for i in range(n):
            for j in range(n):
                colour = BLUE if i == j else ORANGE
                strength = shares[i, j] ** 0.7 if i == j else min(1.0, shares[i, j] * 4)
                axes.add_patch(
                    mpl.patches.Rectangle((j - 0.5, i - 0.5), 1, 1, color=colour, alpha=strength, lw=0)
                )
                if i == j or shares[i, j] >= 0.03:
                    light = i == j and shares[i, j] > 0.5
                    axes.text(
                        j, i, f"{100 * shares[i, j]:.0f}", ha="center", va="center",
                        color="white" if light else INK, weight="bold" if i != j else "normal",
                    )  # fmt: skip
            for k, value in enumerate(results.scores.by_class[i, 1:]):
                axes.text(n + 0.5 + 1.2 * k, i, f"{value:.2f}", ha="center", va="center")
        for k, word in enumerate(("precision", "recall", "F1")):
            axes.text(n + 0.5 + 1.2 * k, -0.9, word, ha="center", color=MUTED, size=10)
        axes.set_xticks(range(n), classes, rotation=45, ha="right")
        axes.set_yticks(range(n), classes)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        axes.set_ylabel("true class")
        axes.set_xlabel("predicted class, % of the true class (from 3%)", loc="left")
    return figure


def mistakes(results: Results, count: int = 18) -> Figure:
    """The validation pictures that the submission's networks got wrong with most confidence."""
    classes = results.competition.classes
    predicted = results.validation.argmax(axis=1)
    wrong = np.flatnonzero(predicted != results.labels)
    wrong = wrong[np.argsort(-results.validation[wrong].max(axis=1), kind="stable")][:count]
    across = 6
    down = max(1, -(-len(wrong) // across))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(across * 1.7, down * 2.1), layout="constrained")
        grid = figure.subplots(down, across, squeeze=False).ravel()
        for axes in grid:
            axes.axis("off")
        if not len(wrong):
            grid[0].text(0, 0.5, "No mistake on the validation rows")
        pictures = results.pictures(results.prepared.validation[wrong])
        for axes, picture, row in zip(grid, pictures, wrong, strict=False):
            _picture(axes, picture)
            sure = int(100 * results.validation[row].max())  # floored: 99.9% is not 100%
            axes.set_title(
                f"{classes[results.labels[row]]}\nnot {classes[predicted[row]]} ({sure}%)",
                size=9, color=INK, weight="normal", loc="center",
            )  # fmt: skip
    return figure


def png(figure: Figure) -> bytes:
    """The figure as a PNG, the same bytes for the same figure."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return buffer.getvalue()


def show(figure: Figure, alt: str) -> Any:
    """The figure for a notebook: a PNG with a text for those who can't see it."""
    from IPython.display import Image

    return Image(data=png(figure), format="png", alt=alt)  # type: ignore[no-untyped-call]


def _picture(axes: Axes, picture: npt.NDArray[np.uint8]) -> None:
    """Ink on paper, pixels stay pixels."""
    grey = picture if picture.ndim == 2 or picture.shape[2] == 3 else picture[:, :, 0]
    axes.imshow(grey, cmap="gray_r", vmin=0, vmax=255, interpolation="none")
