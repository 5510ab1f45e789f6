"""Charts: the exercises' learning curves, learning rates and layer sizes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from catwalk.course import choosing
from catwalk.course.choosing import Group
from catwalk.course.numpy_network import History
from catwalk.report.drawing import BLUE, FONT, INK, MUTED, ORANGE, ORANGE_TEXT, SMALL, legend, plots, text

COLOURS = (BLUE, ORANGE, INK, "#009E73", "#B8860B", MUTED)
HIGH = 1.5  # times the loss at the start: what is higher gets a logarithmic axis
CUT = 1e4  # times the loss at the start: what is higher is cut off
DASHED: Any = (0, (3, 2))


def histories(several: dict[str, History], other: str) -> Figure:
    """Loss and accuracy by epoch: training as solid lines, validation or test dashed.

    Args:
        several: histories by name.
        other: which pictures the dashed lines show, "test" or "validation".
    """
    figure, panels = plots(590, 420, (f"loss (dashed: {other})", f"accuracy (dashed: {other})"))
    for colour, (name, history) in zip(COLOURS, several.items(), strict=False):
        said = f"{name} (diverges)" if history.diverged else name
        for axes, seen, there in zip(
            panels,
            (history.loss, history.accuracy),
            (history.other_loss, history.other_accuracy),
            strict=True,
        ):
            axes.plot(seen, color=colour, linewidth=2.5, label=said)
            axes.plot(there, color=colour, linewidth=2.5, linestyle=DASHED)
    _loss_axis(panels[0], several)
    _finish(panels)
    return figure


def bands(group: Group) -> Figure:
    """Independent runs: each one thin, their mean, and a band of one standard deviation.

    The band is narrow beside the loss's fall from the start. So the second and third plot leave out the
    first quarter of the epochs, and the third shows each run's validation loss less the mean.
    """
    epochs = len(group.curves("loss")[0])
    first = epochs // 4
    titles = ("loss", f"accuracy, from epoch {first}", f"loss less its mean, from epoch {first}")
    figure, panels = plots(460, 420, titles)
    for prefix, colour, word in (("", MUTED, "training"), ("other_", BLUE, "validation")):
        _band(panels[0], group.curves(f"{prefix}loss"), 0, colour, word)
        _band(panels[1], group.curves(f"{prefix}accuracy")[:, first:], first, colour, word)
    losses = group.curves("other_loss")
    _band(panels[2], (losses - losses.mean(axis=0))[:, first:], first, BLUE, "validation")
    _loss_axis(panels[0], {f"seed {run.plan.seed}": run.history for run in group.runs})
    _epochs(panels)
    legend(panels[1])
    return figure


def scan(groups: Sequence[Group], chosen: Group, guessing: float) -> Figure:
    """Mean validation loss by learning rate, with error bars of one standard deviation.

    Rates that fail are marked at the top, so that they do not squash the others.

    Args:
        groups: one for each rate.
        chosen: one of them.
        guessing: of ``choosing.guessing_loss``.
    """
    figure, (axes,) = plots(900, 420, [f"validation loss after {chosen.plan.epochs} epochs"])
    kept = sorted((one for one in groups if choosing.learns(one, guessing)), key=lambda one: one.plan.rate)
    rates, losses = [one.plan.rate for one in kept], [one.mean() for one in kept]
    errors = [one.deviation() for one in kept]
    axes.set(xscale="log", yscale="log", xlabel="learning rate (bars: one standard deviation of the runs)")
    axes.errorbar(rates, losses, yerr=errors, fmt="-o", color=MUTED, linewidth=2, markersize=9, capsize=6)
    axes.plot(chosen.plan.rate, chosen.mean(), "o", color=BLUE, markersize=14, zorder=3)
    ends = [loss + sign * error for loss, error in zip(losses, errors, strict=True) for sign in (-1, 1)]
    low, high = min(ends), max(ends)
    wide = max(high / low, 1.1)
    axes.set_ylim(low * wide**-0.08, high * wide**0.3)
    _few_ticks(axes, low, high)
    everywhere = sorted(one.plan.rate for one in groups)
    for one in groups:
        words = choosing.state(one, guessing)
        if words:
            height = high * wide ** (0.2 if one.diverged else 0.1)
            axes.plot(one.plan.rate, height, "x", color=ORANGE, markersize=12, markeredgewidth=3)
            right = one.plan.rate > everywhere[len(everywhere) // 2]  # the words are on the side with room
            aside, anchor = (0.88, "right") if right else (1.14, "left")
            text(axes, aside * one.plan.rate, height, words, colour=ORANGE_TEXT, bold=True, anchor=anchor)
    axes.set_xticks(everywhere, [f"{rate:g}" for rate in everywhere])
    axes.set_xticks([], minor=True)
    axes.margins(x=0.12)
    return figure


def sizes(groups: dict[int, Group], chosen: int) -> Figure:
    """Accuracy by number of hidden units: means with error bars of one standard error."""
    figure, (axes,) = plots(900, 420, ["accuracy after the last epoch"])
    units = sorted(groups)
    for what, colour, word in (("accuracy", MUTED, "training"), ("other_accuracy", BLUE, "validation")):
        axes.errorbar(
            units, [groups[size].mean(what) for size in units],
            yerr=[groups[size].error(what) for size in units],
            fmt="-o", color=colour, linewidth=2, markersize=8, capsize=6, label=word,
        )  # fmt: skip
    highest = choosing.most_accurate(groups)
    limit = groups[highest].mean("other_accuracy") - groups[highest].error("other_accuracy")
    axes.axhline(limit, color=BLUE, linewidth=1, linestyle=DASHED, label="highest less one standard error")
    axes.axvline(chosen, color=BLUE, linewidth=1.5, linestyle=":")
    axes.set(xscale="log", xlabel="hidden units (dotted: the chosen number; bars: one standard error)")
    axes.set_xticks(units, [str(size) for size in units])
    axes.set_xticks([], minor=True)
    legend(axes)
    return figure


def _band(axes: Axes, curves: choosing.Floats, first: int, colour: str, word: str) -> None:
    """Each run, their mean, and one standard deviation around it; the curves begin at epoch ``first``."""
    epochs = np.arange(first, first + curves.shape[1])
    middle, spread = curves.mean(axis=0), np.array([choosing.deviation(column) for column in curves.T])
    axes.fill_between(epochs, middle - spread, middle + spread, color=colour, alpha=0.25, linewidth=0)
    axes.plot(epochs, curves.T, color=colour, linewidth=0.7, alpha=0.7)
    axes.plot(epochs, middle, color=colour, linewidth=2.5, label=f"{word}, mean of {len(curves)} runs")


def _loss_axis(axes: Axes, several: dict[str, History]) -> None:
    """From 0, or logarithmic where a loss rises; a curve that leaves the plot is named."""
    losses = {name: np.array([*one.loss, *one.other_loss]) for name, one in several.items()}
    finite = np.concatenate([some[np.isfinite(some)] for some in losses.values()])
    start = max(one.loss[0] for one in several.values())
    if finite.max() <= HIGH * start:
        axes.set_ylim(0, 1.05 * finite.max())
        return
    axes.set_yscale("log")
    top = min(float(finite.max()), CUT * start)
    axes.set_ylim(0.9 * finite.min(), 1.1 * top)
    _few_ticks(axes, float(finite.min()), top)
    axes.set_ylabel("logarithmic axis", size=SMALL, color=MUTED)
    beyond = [name for name, some in losses.items() if not (some <= top).all()]
    if beyond:
        axes.text(0.98, 0.97, f"beyond the axis: {', '.join(beyond)}", transform=axes.transAxes, ha="right",
                  va="top", size=SMALL, color=ORANGE_TEXT, family=FONT, parse_math=False)  # fmt: skip


def _few_ticks(axes: Axes, low: float, high: float) -> None:
    """Plain numbers on a logarithmic axis."""
    between = (1, 2, 5) if high > 10 * low else (1, 1.5, 2, 3, 4, 5, 7)
    axes.yaxis.set_major_locator(LogLocator(subs=between) if high > 2 * low else MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(_plain))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="y", which="minor", length=0)


def _plain(value: float, _: int | None = None) -> str:
    return f"{value:g}"


def _epochs(panels: list[Axes]) -> None:
    for axes in panels:
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))


def _finish(panels: list[Axes]) -> None:
    """Both axes of loss and accuracy; small ups and downs of the accuracy stay small."""
    _epochs(panels)
    low, high = panels[1].get_ylim()
    panels[1].set_ylim(max(0.0, min(low, high - 0.2)), max(high, 0.2))
    legend(panels[1])
