"""Parallel coordinates: each complete trial as a line through its parameter values and its score."""

from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Curve

from catwalk.models import space
from catwalk.report import importances
from catwalk.report.drawing import (
    BLUE,
    BLUE_TEXT,
    GREY,
    INK,
    MUTED,
    PALE,
    SMALL,
    box,
    canvas,
    shortened,
    text,
    width_of,
)
from catwalk.report.formatting import number, parameter, percent
from catwalk.report.results import Results
from catwalk.search.trial_record import TrialRecord, best_first


def parallel(results: Results) -> Figure:
    """Parallel coordinates of the complete trials; the most important parameter is next to the score."""
    shares = importances.shares(results)
    whole = best_first(importances.compared(results.trials))[::-1]
    complete = importances.evenly(whole)  # the last is the best
    columns: list[str | None] = [
        *reversed(importances.shown_parameters(complete, shares)),
        None,
    ]  # None: the score
    scales = [_Scale([_value(t, name) for t in complete], name) for name in columns]
    figure, axes = canvas(780, 520)
    top, bottom, step = 150.0, 460.0, 650 / max(4, len(columns) - 1)
    places = [60 + step * k for k in range(len(columns))]
    best = results.best
    for x, name, scale in zip(places, columns, scales, strict=True):
        heading = parameter(name).split("\n") if name else ["validation", "accuracy"]
        for line, word in enumerate(heading):
            text(axes, x, 20 + 24 * line, shortened(word, step - 4, 20), bold=True, anchor="center")
        if name in shares:
            box(axes, x - 40, 78, 80, 7, color=PALE)
            box(axes, x - 40, 78, 80 * shares[name], 7, color=BLUE)
            text(axes, x, 104, percent(shares[name], 0), anchor="center", colour=BLUE_TEXT)
        for end, y in ((scale.last, top - 26), (scale.first, bottom + 26)):
            if end != scale.words(_value(best, name)):  # else the best trial's label shows it
                text(axes, x, y, shortened(end, step - 4, SMALL), size=SMALL, colour=MUTED, anchor="center")
        axes.plot([x, x], [top, bottom], color=INK, linewidth=1.5, zorder=2)
    for trial in complete:
        points = [
            (x, bottom + (top - bottom) * scale.height(_value(trial, name)))
            for x, name, scale in zip(places, columns, scales, strict=True)
            if _value(trial, name) is not None
        ]
        _curve(axes, points, best=trial.number == best.number)
    for x, name, scale in zip(places, columns, scales, strict=True):
        if (value := _value(best, name)) is not None:
            _flag(axes, x, bottom + (top - bottom) * scale.height(value), scale.words(value))
    if whose := _whose(results):
        text(axes, 60, 511, whose, size=SMALL, colour=MUTED)
    return figure


def _whose(results: Results) -> str:
    """Whose parameters are compared, where the study has networks of both families; else nothing."""
    there = importances.families(importances.compared(results.trials))
    if len(there) > 1:
        return "shown are parameters that dense and convolutional networks share"
    if len(importances.families(results.complete)) > 1:
        return f"shown are the {space.NETWORKS[there[0]]} networks"
    return ""


class _Scale:
    """A parameter's axis: the values' positions from 0 (bottom) to 1 (top), and their labels."""

    def __init__(self, values: list[Any], name: str | None) -> None:
        known = [value for value in values if value is not None]
        kind, choices = space.SPACE.get(name or "", ("float", []))
        self._order = [c for c in choices if c in known] if kind == "one of" else []
        self._percent = name is None
        self._log = kind.startswith("log")
        ends = (self._order[0], self._order[-1]) if self._order else (min(known), max(known))
        self._ends = ends
        self.first, self.last = self.words(ends[0]), self.words(ends[1])

    def height(self, value: Any) -> float:
        if self._order:
            return self._order.index(value) / max(1, len(self._order) - 1)
        low, high, value = (np.log(v) if self._log else v for v in (*self._ends, value))
        return float((value - low) / (high - low)) if high > low else 1.0

    def words(self, value: Any) -> str:
        return percent(value) if self._percent else number(value)


def _value(trial: TrialRecord, name: str | None) -> Any:
    """The trial's value of a parameter that its network has, else None; without a name, its score."""
    return importances.shown_value(trial, name) if name else trial.value


def _curve(axes: Axes, points: list[tuple[float, float]], best: bool) -> None:
    """Draw a smooth curve through the points, horizontal at each axis."""
    vertices, codes = [points[0]], [int(Curve.MOVETO)]
    for (x0, y0), (x1, y1) in pairwise(points):
        vertices += [((x0 + x1) / 2, y0), ((x0 + x1) / 2, y1), (x1, y1)]
        codes += [int(Curve.CURVE4)] * 3
    look: dict[str, Any] = {"edgecolor": GREY, "linewidth": 1.5, "alpha": 0.8, "zorder": 1}
    if best:
        look = {"edgecolor": BLUE, "linewidth": 4, "zorder": 3}
    axes.add_patch(PathPatch(Curve(vertices, codes), facecolor="none", **look))


def _flag(axes: Axes, x: float, y: float, words: str) -> None:
    """Draw a value of the best trial on its line."""
    words = shortened(words, 116, SMALL, bold=True)
    wide = width_of(words, SMALL, bold=True) + 14
    box(axes, x - wide / 2, y - 14, wide, 28, color=BLUE, zorder=4)
    text(axes, x, y, words, size=SMALL, colour="white", bold=True, anchor="center")
