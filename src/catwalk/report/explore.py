"""Explore: figures of a competition's data, drawn from ``Data``; all but one need no trained network."""

import numpy as np
from matplotlib.figure import Figure

from catwalk.core import advice
from catwalk.core.errors import UserError
from catwalk.report import figures
from catwalk.report.drawing import BLUE, MUTED, box, canvas, mosaic, picture, shortened, text
from catwalk.report.formatting import percent
from catwalk.report.results import DEFAULT, Data, load

SOME = 4000  # pictures among which neighbours are looked for
PAIRS = 10
COPIES = 9


def balance(data: Data) -> Figure:
    """The number of labelled pictures in each class."""
    labels = np.asarray(data.prepared.labels[_labelled(data)])
    counts = np.bincount(labels, minlength=len(data.competition.classes))
    figure, axes = canvas(900, 36 * len(counts) + 10)
    for k, (name, count) in enumerate(zip(data.competition.classes, counts, strict=True)):
        y = 20 + 36 * k
        text(axes, 210, y, shortened(name, 200), anchor="right")
        box(axes, 224, y - 12, 500 * count / counts.max(), 24, color=BLUE)
        text(axes, 734 + 500 * (count / counts.max() - 1), y, f" {count:,} ({percent(count / counts.sum())})",
             colour=MUTED)  # fmt: skip
    return figure


def means(data: Data) -> Figure:
    """The mean training picture of each class."""
    train = data.prepared.train
    labels = np.asarray(data.prepared.labels[train])
    classes = data.competition.classes
    figure, axes = canvas(1180, 196 * -(-len(classes) // 6))
    for i, name in enumerate(classes):
        x, y = 197 * (i % 6), 196 * (i // 6)
        text(axes, x, y + 176, shortened(name, 180))
        if (labels == i).any():
            mean = data.pictures(train[labels == i]).mean(axis=0)
            picture(axes, np.rint(mean).astype(np.uint8), x, y, 156, is_ink=data.is_ink)
    return figure


def neighbours(data: Data) -> Figure:
    """The closest pairs of training pictures from different classes, at most one pair for any two classes."""
    from sklearn.neighbors import NearestNeighbors

    rows = data.prepared.train[:: max(1, len(data.prepared.train) // SOME)]
    labels = np.asarray(data.prepared.labels[rows])
    values = np.asarray(data.prepared.pixels[rows], np.float32)
    distances, near = NearestNeighbors(n_neighbors=min(20, len(rows))).fit(values).kneighbors(values)
    found: dict[tuple[int, int], tuple[float, int, int]] = {}
    for i, (away, others) in enumerate(zip(distances, near, strict=True)):
        for distance, j in zip(away, others, strict=True):
            pair = min(labels[i], labels[j]), max(labels[i], labels[j])
            if pair[0] != pair[1] and distance < found.get(pair, (np.inf, 0, 0))[0]:
                found[pair] = (float(distance), i, int(j))
    figure, axes = canvas(1180, 420)
    for k, (_, i, j) in enumerate(sorted(found.values())[:PAIRS]):
        x, y = 236 * (k % 5), 210 * (k // 5)
        mosaic(axes, list(data.pictures(rows[[i, j]])), x, y, 105, is_ink=data.is_ink)
        for line, one in enumerate((i, j)):
            name = data.competition.classes[labels[one]]
            text(axes, x, y + 124 + 26 * line, shortened(name, 225))
    return figure


def doubtful(data: Data) -> Figure:
    """The labels that look most doubtful to the newest submission; without one, a line that says so."""
    try:
        return figures.doubtful(load(data.competition.name))
    except UserError as error:
        figure, axes = canvas(1180, 60)
        text(axes, 0, 30, shortened(_with_competition(str(error), data), 1180))
        return figure


def _with_competition(line: str, data: Data) -> str:
    """The line with the competition in the command that it names, as it is to be typed."""
    if data.competition.name == DEFAULT:
        return line
    return line.replace(advice.RUN_PREDICT, f"{advice.RUN_PREDICT} COMPETITION={data.competition.name}")


def augmented(data: Data) -> Figure:
    """A picture, and copies of it after each augmentation that the competition allows."""
    from catwalk.core import tensorflow_setup
    from catwalk.models import space

    tensorflow_setup.setup(whole=True)
    import tensorflow as tf

    from catwalk.models.augment import Augmentation

    allowed = data.competition.augment
    figure, axes = canvas(1180, max(1, len(allowed)) * 112)
    if not allowed:
        text(axes, 0, 50, "The competition's TOML allows no augmentation.")
    first = data.pictures(data.prepared.train[:1])  # as bright as they are shown
    for k, name in enumerate(allowed):
        strongest = {**space.disabled_augmentations(()), name: space.SPACE[name][1][-1]}
        change = Augmentation(strongest, data.competition.shape, 8 * COPIES, seed=1, precision="float32")
        copies = tf.constant(np.repeat(first.reshape(1, -1), 8 * COPIES, axis=0))
        changed = np.clip(np.asarray(change(copies, tf.constant([1, 2]))), 0, 255).astype(np.uint8)
        shown = changed[4::8].reshape(-1, *data.competition.shape)
        text(axes, 130, 112 * k + 50, f"{name} {strongest[name]:g}", anchor="right")
        mosaic(axes, [first[0], *shown], 150, 112 * k, 100, is_ink=data.is_ink)
    return figure


def _labelled(data: Data) -> np.ndarray:
    return np.concatenate([data.prepared.train, data.prepared.validation])
