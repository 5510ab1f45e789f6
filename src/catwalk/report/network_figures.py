"""Figures of the best network: its layers, and how it learned."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from catwalk.data import duplicates
from catwalk.models import space
from catwalk.report import conv_layers, findings, network_words
from catwalk.report.accuracy_figures import scale_of
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
    shortened,
    text,
    width_of,
)
from catwalk.report.formatting import number, parameter, percent
from catwalk.report.network_slide import averaged
from catwalk.report.results import Results

TRAINING = ("learning_rate", "dropout", "conv_dropout", "batch_size", "weight_decay")


def architecture(results: Results) -> Figure:
    """The best network's layers, and its training parameters."""
    params = results.best.params
    figure, axes = canvas(430, 520)
    is_conv = space.family_in(params) == "conv"
    below = 20 + (conv_layers.draw(axes, results) if is_conv else _dense_layers(axes, results))
    axes.plot([0, 430], [below, below], color=PALE, linewidth=1.5)
    told = [name for name in TRAINING if network_words.has(params, name)]
    rows = [(parameter(name).replace("\n", " "), _used(results, name)) for name in told]
    rows.append(("augmentation", ", ".join(network_words.augmentations(params)) or "none"))
    for k, (name, value) in enumerate(rows):
        y = below + 30 + (500 - below - 30) / len(rows) * k
        text(axes, 0, y, name, colour=MUTED)
        text(axes, 170, y, shortened(value, 255, bold=True), bold=True)
    return figure


def _used(results: Results, name: str) -> str:
    """The best network's value of a parameter, as its training used it.

    With few rows, batches are smaller than those chosen. SGD's and Muon's learning rates are higher, and
    SGD's weight decay is lower by as much; see ``optimizers.py``.
    """
    params = results.best.params
    if name == "batch_size":
        return number(space.batch_size(params, len(duplicates.of_learning(results.prepared))))
    factor = space.RATE_FACTORS.get(params.get("optimizer", ""), 1)
    if name == "weight_decay":
        return number(params[name] / factor)
    if name != "learning_rate":
        return number(params[name])
    muon = f", Muon: {number(space.RATE_FACTORS['muon'] * params[name])}" if params.get("conv_muon") else ""
    return number(factor * params[name]) + muon


def _dense_layers(axes: Axes, results: Results) -> float:
    """Draw a bar for each layer's width; returns where they end, in pixels."""
    params = results.best.params
    is_colour = results.competition.shape[2:] not in ((), (1,))  # a pixel has a value for each colour
    layers = [(results.competition.pixels, "values in" if is_colour else "pixels in", GREY)]
    if params.get("view", "pixels") != "pixels":
        layers.append((0, f"fixed: {network_words.BRIEFLY[params['view']]}", GREY))
    layers += [(width, "units", BLUE) for width in network_words.widths(params)]
    layers.append((len(results.competition.classes), "classes out", GREY))
    widest = max(count for count, _, _ in layers)
    step = min(58.0, 290 / len(layers))
    for k, (count, words, colour) in enumerate(layers):
        y = step * k
        if not count:
            text(axes, 0, y + step * 0.4, shortened(f"↓ {words}", 430), colour=MUTED)
            continue
        long = max(12.0, 200 * (count / widest) ** 0.5)
        box(axes, 0, y, long, step * 0.72, color=colour)
        text(axes, long + 14, y + step * 0.36, f"{count:,}", size=24, bold=True)
        text(axes, long + 26 + width_of(f"{count:,}", 24, bold=True), y + step * 0.36, words, colour=MUTED)
    return step * len(layers)


def learning_curves(results: Results) -> Figure:
    """The best trial's training and validation accuracy by epoch, and the accuracy of what was kept."""
    history = results.best.history
    figure, axes = canvas(700, 570)
    left, right, top, bottom = 60.0, 520.0, 60.0, 420.0
    epochs = [epoch.epoch for epoch in history]
    keys = {"accuracy": ("validation", BLUE, BLUE_TEXT), "train_accuracy": ("training", MUTED, MUTED)}
    kept = results.best.accuracy
    # Training may begin further below, which is not shown, but its end is.
    shown = [kept, history[-1].train_accuracy, *(epoch.accuracy for epoch in history)]
    low, high = scale_of([*shown, max(epoch.train_accuracy for epoch in history)])

    def across(epoch: float) -> float:
        return float(left + (right - left) * (epoch - epochs[0]) / max(1, epochs[-1] - epochs[0]))

    def up(value: float) -> float:
        return float(bottom - (bottom - top) * (value - low) / (high - low))

    late = findings.overfitting(results)
    if late:
        box(axes, across(late.epoch), top, right - across(late.epoch), bottom - top, color=ORANGE, alpha=0.13)
        words = f"loss +{percent(late.rise, 0)} after epoch {late.epoch}"
        text(axes, right, top - 20, words, colour=ORANGE_TEXT, bold=True, anchor="right")
    text(axes, 0, 20, "accuracy", bold=True)
    ended = {"accuracy": results.best.accuracy, "train_accuracy": history[-1].train_accuracy}
    ends = {key: up(value) for key, value in ended.items()}
    spread = 60 - abs(ends["accuracy"] - ends["train_accuracy"])
    higher = min(ends, key=lambda key: ends[key])
    for key, (word, colour, ink) in keys.items():
        seen = [epoch for epoch in history if getattr(epoch, key) >= low]
        curve = [across(epoch.epoch) for epoch in seen], [up(getattr(epoch, key)) for epoch in seen]
        axes.plot(*curve, "-o", color=colour, linewidth=3, markersize=7 if len(epochs) < 30 else 0, zorder=3)
        y = ends[key] + (0 if spread < 0 else spread / 2 * (-1 if key == higher else 1))
        text(axes, right + 16, y - 13, word, colour=ink, bold=True)
        text(axes, right + 16, y + 13, percent(ended[key]), colour=ink, bold=True)
    axes.plot([left, right], [bottom + 8] * 2, color=PALE, linewidth=1.5)
    text(axes, left, bottom + 30, "epoch 1", size=SMALL, colour=MUTED, anchor="center")
    text(axes, right, bottom + 30, f"{epochs[-1]}", size=SMALL, colour=MUTED, anchor="center")
    axes.plot(right, up(results.best.accuracy), "o", color=BLUE, markersize=12, zorder=4)
    for line, words in enumerate(_two_accuracies(results)):
        text(axes, 0, bottom + 76 + 28 * line, shortened(words, 700), colour=MUTED)
    for value in (low, high):
        text(axes, left - 14, up(value), percent(value, 0), size=SMALL, colour=MUTED, anchor="right")
    return figure


def _two_accuracies(results: Results) -> list[str]:
    """Why the curve ends elsewhere than the network, and the submission is not the network."""
    best, nets = results.best, results.recipe.trials
    said = ["training: the mean over an epoch, while the network changes"]
    if percent(best.history[-1].accuracy) != percent(best.accuracy):
        measured = f"last epoch: {percent(best.history[-1].accuracy)};"
        said.append(f"{measured} {network_words.why_kept_differs(best)}")
    if len(nets) > 1:
        ours, folds = percent(results.scores.accuracy), results.recipe.folds
        said.append(
            f"the average of {averaged(nets)} reaches {ours}"
            if folds == 1
            else f"average of {averaged(nets)} in each of {folds} folds: {ours}"
        )
    return said
