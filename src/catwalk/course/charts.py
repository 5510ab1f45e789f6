"""The exercises' figures, drawn from histories, runs and networks."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from catwalk.course.choosing import accuracies
from catwalk.course.numpy_network import Array, History, Network
from catwalk.course.pictures import Part
from catwalk.course.training import Run
from catwalk.data.competition import Competition
from catwalk.models.metrics import Scores
from catwalk.report.drawing import (
    BLUE,
    BLUE_TEXT,
    FONT,
    INK,
    MUTED,
    ORANGE,
    ORANGE_TEXT,
    SMALL,
    canvas,
    legend,
    picture,
    plots,
    shortened,
    text,
    two_colours,
)
from catwalk.report.findings import confident_mistakes
from catwalk.report.formatting import percent

COLOURS = (BLUE, ORANGE, INK, "#009E73", "#B8860B", MUTED)
TITLES = ("loss", "accuracy")


def histories(several: dict[str, History], other: str) -> Figure:
    """Loss and accuracy by epoch: training as solid lines, validation or test dashed.

    Args:
        several: histories by name.
        other: which pictures the dashed lines show, "test" or "validation".
    """
    figure, panels = plots(590, 420, TITLES)
    for colour, (name, history) in zip(COLOURS, several.items(), strict=False):
        said = f"{name} (diverges)" if history.diverged else name
        for axes, seen, there in zip(
            panels,
            (history.loss, history.accuracy),
            (history.other_loss, history.other_accuracy),
            strict=True,
        ):
            axes.plot(seen, color=colour, linewidth=2.5, label=f"{said}, training")
            axes.plot(there, color=colour, linewidth=2.5, linestyle=(0, (3, 2)), label=f"{said}, {other}")
    _finish(panels, list(several.values()))
    return figure


def bands(several: dict[str, list[Run]]) -> Figure:
    """The mean learning curve of independent runs, with a band of one standard deviation."""
    figure, panels = plots(590, 420, TITLES)
    for colour, (name, runs) in zip(COLOURS, several.items(), strict=False):
        for axes, key in zip(panels, ("loss", "accuracy"), strict=True):
            for prefix, style, word in (("", "-", "training"), ("other_", (0, (3, 2)), "validation")):
                curves = np.array([getattr(run.history, prefix + key) for run in runs])
                middle, spread = curves.mean(axis=0), curves.std(axis=0, ddof=1)
                epochs = np.arange(len(middle))
                axes.fill_between(
                    epochs, middle - spread, middle + spread, color=colour, alpha=0.2, linewidth=0
                )
                axes.plot(middle, color=colour, linewidth=2, linestyle=style, label=f"{name}, {word}")
    _finish(panels, [run.history for runs in several.values() for run in runs])
    return figure


def scan(runs: list[Run], chosen: Run) -> Figure:
    """Validation loss after the last epoch by learning rate; diverged runs are marked at the top."""
    figure, (axes,) = plots(900, 400, [f"validation loss after {chosen.plan.epochs} epochs"])
    kept = sorted((run for run in runs if not run.history.diverged), key=lambda run: run.plan.rate)
    losses = [run.history.other_loss[-1] for run in kept]
    axes.plot([run.plan.rate for run in kept], losses, "-o", color=MUTED, linewidth=2, markersize=9)
    axes.plot(chosen.plan.rate, chosen.history.other_loss[-1], "o", color=BLUE, markersize=14, zorder=3)
    top = max(losses) + 0.08 * (max(losses) - min(losses) or 1)
    for run in runs:
        if run.history.diverged:
            axes.plot(run.plan.rate, top, "x", color=ORANGE, markersize=12, markeredgewidth=3)
            text(axes, 1.15 * run.plan.rate, top, "diverges", colour=ORANGE_TEXT, bold=True)
    axes.set(xscale="log", xlabel="learning rate")
    rates = sorted({run.plan.rate for run in runs})
    axes.set_xticks(rates, [f"{rate:g}" for rate in rates])
    axes.set_xticks([], minor=True)
    axes.margins(x=0.12)
    return figure


def sizes(groups: dict[int, list[Run]], chosen: int) -> Figure:
    """Accuracy by number of hidden units: means with error bars of one standard deviation."""
    figure, (axes,) = plots(900, 420, ["accuracy after the last epoch"])
    units = sorted(groups)
    training = [np.array([run.history.accuracy[-1] for run in groups[size]]) for size in units]
    validation = [accuracies(groups[size]) for size in units]
    for seen, colour, word in ((training, MUTED, "training"), (validation, BLUE, "validation")):
        axes.errorbar(
            units, [one.mean() for one in seen], yerr=[one.std(ddof=1) for one in seen],
            fmt="-o", color=colour, linewidth=2, markersize=8, capsize=6, label=word,
        )  # fmt: skip
    axes.axvline(chosen, color=BLUE, linewidth=1.5, linestyle=":")
    axes.set(xscale="log", xlabel="hidden units (dotted: the chosen number)")
    axes.set_xticks(units, [str(size) for size in units])
    axes.set_xticks([], minor=True)
    legend(axes)
    return figure


def weights(network: Network, competition: Competition) -> Figure:
    """A softmax layer's weights, one picture per class: blue is positive, orange negative."""
    shape = (len(competition.classes), *competition.shape)
    pictures = np.asarray(network.weights[-1], np.float64).reshape(shape)
    pictures = pictures.sum(axis=3) if pictures.ndim == 4 else pictures  # the channels of a pixel together
    columns = 5
    figure, axes = canvas(1180, 262 * -(-len(pictures) // columns))
    for k, (one, name) in enumerate(zip(pictures, competition.classes, strict=True)):
        x, y = 236 * (k % columns), 262 * (k // columns)
        picture(axes, two_colours(one), x, y, 210)
        text(axes, x, y + 234, shortened(name, 220, bold=True), bold=True)
    return figure


def mistakes(part: Part, said: Array, competition: Competition, most: int = 10) -> Figure:
    """The misclassified pictures, the most confident first."""
    return answers(part, said, competition, confident_mistakes(said, part.labels)[:most])


def answers(part: Part, said: Array, competition: Competition, rows: Iterable[int]) -> Figure:
    """Pictures with predicted class and probability, and the true class if it differs.

    Args:
        part: the pictures.
        said: (n, k) probabilities of all of them.
        competition: names the classes.
        rows: the pictures to show.
    """
    rows, columns = list(rows), 5
    figure, axes = canvas(1180, 290 * max(1, -(-len(rows) // columns)))
    if not rows:
        text(axes, 0, 60, "No picture was misclassified.", size=26)
    for k, row in enumerate(rows):
        x, y = 236 * (k % columns), 290 * (k // columns)
        guess, truth = int(said[row].argmax()), int(part.labels[row])
        picture(axes, part.raw[row].reshape(competition.shape), x, y, 200)
        words = f"{competition.classes[guess]} ({percent(float(said[row, guess]), 0)})"
        colour = BLUE_TEXT if guess == truth else ORANGE_TEXT
        text(axes, x, y + 222, shortened(words, 226, bold=True), bold=True, colour=colour)
        if guess != truth:
            text(axes, x, y + 250, shortened(f"label: {competition.classes[truth]}", 226), colour=MUTED)
    return figure


def confusion(scores: Scores, classes: tuple[str, ...]) -> Figure:
    """The confusion matrix as counts: true classes as rows, predicted ones as columns."""
    counts = scores.confusion
    side = max(34.0, min(56.0, 900 / len(classes)))
    figure, axes = canvas(340 + side * len(classes), 160 + side * len(classes))
    text(axes, 0, 130, "true ↓  pred. →", size=SMALL, colour=MUTED)
    most = max(1, int((counts - np.diag(np.diag(counts))).max()))
    shades = _shades(counts, most)
    axes.imshow(
        shades, extent=(250, 250 + side * len(classes), 150 + side * len(classes), 150), aspect="auto"
    )
    for i, name in enumerate(classes):
        text(axes, 240, 150 + side * (i + 0.5), shortened(name, 230), anchor="right")
        axes.text(
            250 + side * (i + 0.5), 140, shortened(name, 120, SMALL), size=SMALL, rotation=45, ha="left",
            va="bottom", color=INK, family=[FONT, "DejaVu Sans"], parse_math=False,
        )  # fmt: skip
        for j in range(len(classes)):
            if counts[i, j]:
                dark = i == j or counts[i, j] > 0.6 * most
                text(axes, 250 + side * (j + 0.5), 150 + side * (i + 0.5), f"{counts[i, j]:,}", size=15,
                     colour="white" if dark else INK, anchor="center")  # fmt: skip
    return figure


def _shades(counts: npt.NDArray[np.int64], most: int) -> npt.NDArray[np.uint8]:
    """Colours of the matrix: the diagonal blue, other cells more orange the higher the count."""
    signed = -counts / most
    np.fill_diagonal(signed, 1.0)
    return two_colours(signed)


def _finish(panels: list[Axes], seen: Sequence[History]) -> None:
    for axes in panels:
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    finite = [v for h in seen for v in (*h.loss, *h.other_loss) if np.isfinite(v)]
    start = max(h.loss[0] for h in seen)
    panels[0].set_ylim(0, min(1.05 * max(finite), 3 * start))  # one that diverges would hide the others
    low, high = panels[1].get_ylim()
    panels[1].set_ylim(max(0.0, min(low, high - 0.2)), max(high, 0.2))
    legend(panels[1])
