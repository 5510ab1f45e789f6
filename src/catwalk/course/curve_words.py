"""Curve words: the sentences below the curves, what losses and accuracies show, computed from a history."""

from itertools import pairwise

import numpy as np

from catwalk.core.plurals import counted
from catwalk.course.conclusions import listed
from catwalk.course.numpy_network import History, Step
from catwalk.models import metrics
from catwalk.report.findings import OVERFITTING
from catwalk.report.formatting import change, percent, points


def one_step(before: Step, after: Step) -> str:
    """What one update did to loss and accuracy."""
    gain = points(after.accuracy - before.accuracy, 2)
    if after.loss < before.loss:
        fall = before.loss - after.loss
        return f"One step lowers the loss by {fall:.3f}, and changes the accuracy by {gain} points."
    rise = after.loss - before.loss
    return f"The step raises the loss by {rise:.3f}: it is too large. The accuracy changes by {gain} points."


def longer(first: History, whole: History) -> str:
    """What more epochs of the same network brought.

    Args:
        first: until the first stop.
        whole: with the epochs after it.
    """
    more, falls = len(whole.loss) - len(first.loss), _falls(whole)
    before, after = first.other_accuracy[-1], whole.other_accuracy[-1]
    return (
        f"{counted(more, 'more epoch')} {'changes' if more == 1 else 'change'} the test accuracy from "
        f"{percent(before)} to {percent(after)} ({change(before, after)} points) and the training loss from "
        f"{first.loss[-1]:.3f} to {whole.loss[-1]:.3f}, which "
        f"{'still falls' if falls else 'no longer falls'} at the end."
    )


def marks(accuracy: float, interval: tuple[float, float], full: float) -> str:
    """Which marks an accuracy gives, and whether that would be so with other pictures.

    Args:
        accuracy: on the test pictures.
        interval: its 95% interval.
        full: the accuracy that gives full marks.
    """
    low, high = interval
    given = f"{percent(metrics.grade(accuracy, full), 0)} of the marks"
    if low >= full:
        sure = (
            "The whole 95% interval is above this limit, so other pictures of the same kind would very "
            "likely give the same."
        )
    elif high < full:
        sure = "The whole 95% interval is below this limit."
    else:
        sure = "The limit is within the interval, so other pictures of the same kind may give others."
    return (
        f"An accuracy of {percent(accuracy)} gives {given}, with full marks from {percent(full, 0)}. {sure}"
    )


def overfitting(history: History, other: str = "validation") -> str:
    """After which epoch the held-out loss is lowest, and whether the network then overfits."""
    losses = history.other_loss
    lowest, last = int(np.argmin(losses)), len(losses) - 1
    here, there = history.accuracy[-1], history.other_accuracy[-1]
    ends = (
        f"At the end training accuracy is {percent(here)}, {other} accuracy {percent(there)}: a gap of "
        f"{change(there, here)} points."
    )
    if lowest == last:
        return f"The {other} loss is lowest after the last epoch, {losses[-1]:.4f}. {ends}"
    rise = losses[-1] / losses[lowest] - 1
    said = f"The {other} loss is lowest after epoch {lowest} ({losses[lowest]:.4f})"
    said += f" and is {losses[-1]:.4f} at the end"
    if history.loss[-1] >= history.loss[lowest]:
        return f"{said}. {ends}"
    if rise < OVERFITTING:
        return f"{said}, a rise of {percent(rise)}: too little to call it overfitting after one run. {ends}"
    return f"{said}, while the training loss falls: the network overfits. {ends}"


def two_rates(curves: dict[float, History]) -> str:
    """Compare two learning rates: where the training ends, whether it is done, whether it overfits."""
    slow, fast = (curves[one] for one in sorted(curves))
    low, high = sorted(curves)
    falls = sum(after < before for before, after in pairwise(fast.accuracy))
    said = [
        f"After {len(fast.loss) - 1} epochs the training loss is {fast.loss[-1]:.3f} with rate {high:g} and "
        f"{slow.loss[-1]:.3f} with rate {low:g}, the training accuracy {percent(fast.accuracy[-1])} and "
        f"{percent(slow.accuracy[-1])}."
    ]
    if falls:
        said.append(
            f"With rate {high:g} the training accuracy is lower after {falls} of the epochs than before: an "
            "update improves some classes and makes others worse."
        )
    going = [f"{one:g}" for one in (low, high) if _falls(curves[one])]
    if going:
        said.append(
            f"The loss still falls at the end (rate {listed(going, 'and')}): training longer lowers it."
        )
    # A gap alone is no overfitting: the held-out loss would have to rise.
    held_out = overfitting(fast, "test")
    said.append(f"With rate {high:g} {held_out[0].lower()}{held_out[1:]}")
    return " ".join(said)


def too_high(history: History) -> str:
    """What a learning rate does that is too high."""
    pairs = list(pairwise(history.loss))
    rises = [after for before, after in pairs if not after < before]
    if not rises:
        return "The loss falls after every epoch: this rate is not too high."
    ends = "not a number" if not np.isfinite(history.loss[-1]) else f"{history.loss[-1]:.2f}"
    end = "the training diverges" if history.diverged else "it comes down again, but the steps are too large"
    return (
        f"The training loss begins at {history.loss[0]:.2f}, rises to {np.nanmax(history.loss):.2f} and "
        f"ends at {ends}; it rises in {len(rises)} of {len(pairs)} epochs: {end}."
    )


def _falls(history: History) -> bool:
    """Whether the training loss is lower than five epochs before; single epochs may go up and down."""
    return history.loss[-1] < history.loss[-6:][0]
