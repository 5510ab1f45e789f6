"""Picture charts: samples, predictions, mistakes, weights and the confusion matrix."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from catwalk.course.numpy_network import Array, Network
from catwalk.course.pictures import Part
from catwalk.data.competition import Competition
from catwalk.models.metrics import Scores
from catwalk.report import picture_kind
from catwalk.report.drawing import (
    BLUE_TEXT,
    FONT,
    INK,
    MUTED,
    ORANGE_TEXT,
    SMALL,
    canvas,
    picture,
    shortened,
    text,
    two_colours,
)
from catwalk.report.formatting import percent

COLUMNS, CELL = 5, 236  # pictures in a row; the width of one, in pixels


def samples(part: Part, competition: Competition, rows: Iterable[int]) -> Figure:
    """Pictures with their labels.

    Args:
        part: the pictures.
        competition: names the classes.
        rows: the pictures to show.
    """
    rows = list(rows)
    is_ink = _is_ink(part, competition)
    figure, axes = canvas(CELL * COLUMNS, 256 * -(-len(rows) // COLUMNS))
    for k, row in enumerate(rows):
        x, y = CELL * (k % COLUMNS), 256 * (k // COLUMNS)
        picture(axes, part.raw[row].reshape(competition.shape), x, y, 200, is_ink=is_ink)
        name = competition.classes[int(part.labels[row])]
        text(axes, x, y + 226, shortened(name, 226, bold=True), bold=True)
    return figure


def weights(network: Network, competition: Competition) -> Figure:
    """A softmax layer's weights, one picture per class: blue is positive, orange negative."""
    shape = (len(competition.classes), *competition.shape)
    pictures = np.asarray(network.weights[-1], np.float64).reshape(shape)
    pictures = pictures.sum(axis=3) if pictures.ndim == 4 else pictures  # the channels of a pixel together
    figure, axes = canvas(CELL * COLUMNS, 262 * -(-len(pictures) // COLUMNS))
    for k, (one, name) in enumerate(zip(pictures, competition.classes, strict=True)):
        x, y = CELL * (k % COLUMNS), 262 * (k // COLUMNS)
        picture(axes, two_colours(one), x, y, 210, is_ink=False)
        text(axes, x, y + 234, shortened(name, 220, bold=True), bold=True)
    return figure


def worst_mistakes(probabilities: Array, labels: npt.NDArray[np.integer]) -> npt.NDArray[np.intp]:
    """The misclassified rows, those with the lowest probability of their true class first.

    Args:
        probabilities: (rows, classes).
        labels: (rows,) positions of classes.
    """
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    return wrong[np.argsort(probabilities[wrong, labels[wrong]], kind="stable")]


def mistakes(part: Part, probabilities: Array, competition: Competition, most: int = 10) -> Figure:
    """The misclassified pictures, those with the lowest probability of their true class first."""
    return answers(part, probabilities, competition, worst_mistakes(probabilities, part.labels)[:most])


def answers(part: Part, probabilities: Array, competition: Competition, rows: Iterable[int]) -> Figure:
    """Pictures with the predicted class and, if it differs, the true class, each with its probability.

    Args:
        part: the pictures.
        probabilities: (rows, classes), of all of them.
        competition: names the classes.
        rows: the pictures to show.
    """
    rows = list(rows)
    is_ink = _is_ink(part, competition)
    figure, axes = canvas(CELL * COLUMNS, 290 * max(1, -(-len(rows) // COLUMNS)))
    if not rows:
        text(axes, 0, 60, "No picture was misclassified.", size=26)
    for k, row in enumerate(rows):
        x, y = CELL * (k % COLUMNS), 290 * (k // COLUMNS)
        guess, truth = int(probabilities[row].argmax()), int(part.labels[row])
        picture(axes, part.raw[row].reshape(competition.shape), x, y, 200, is_ink=is_ink)
        words = f"{competition.classes[guess]} ({percent(float(probabilities[row, guess]), 0)})"
        colour = BLUE_TEXT if guess == truth else ORANGE_TEXT
        text(axes, x, y + 222, shortened(words, 226, bold=True), bold=True, colour=colour)
        if guess != truth:
            true = f"true: {competition.classes[truth]} ({small_percent(float(probabilities[row, truth]))})"
            text(axes, x, y + 250, shortened(true, 226), colour=MUTED)
    return figure


def small_percent(share: float) -> str:
    """A small probability as "0.3%", "below 0.01%"."""
    if share < 1e-4:
        return "<0.01%"
    return f"{100 * share:.2g}%" if share < 0.1 else percent(share, 0)


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


def _is_ink(part: Part, competition: Competition) -> bool:
    """Whether these pictures are drawn as ink on paper."""
    return picture_kind.is_ink(part.raw[: picture_kind.SOME].reshape(-1, *competition.shape))


def _shades(counts: npt.NDArray[np.int64], most: int) -> npt.NDArray[np.uint8]:
    """Colours of the matrix: the diagonal blue, other cells more orange the higher the count."""
    signed = -counts / most
    np.fill_diagonal(signed, 1.0)
    return two_colours(signed)
