"""Choosing: the exercises' rules for model selection, and the expected loss before training."""

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from catwalk.core.errors import UserError
from catwalk.course.numpy_network import Array
from catwalk.course.training import Plan, Run

if TYPE_CHECKING:
    import pandas as pd


def expected_loss(squares: float, classes: int) -> float:
    """The expected cross-entropy of an untrained softmax layer.

    Its k sums z are independent normal numbers of mean 0 and variance s, where s is the mean square of what
    the layer takes in (weights of variance 1/inputs). The loss is log(sum(exp(z))) - z_label. The second part
    is 0 in the mean; the first, to second order in the sum's own variation, is
    log(k) + s/2 - (exp(s) - 1) / (2k). With s near 0 it is log(k), the loss of guessing.

    Args:
        squares: s, above 0.
        classes: k.
    """
    return math.log(classes) + squares / 2 - math.expm1(squares) / (2 * classes)


def mean_square(pixels: Array, hidden: bool) -> float:
    """The mean square of the last layer's inputs.

    Behind a hidden ReLU layer of deviation 1/sqrt(inputs) it is half of the pixels' mean square: its sums are
    symmetric around 0, and half of their squares are cut away.
    """
    squares = float(np.mean(np.square(pixels), dtype=np.float64))
    return squares / 2 if hidden else squares


def best(runs: list[Run]) -> Run:
    """The run with the lowest validation loss after its last epoch, without those that diverged.

    Raises:
        UserError: all of them diverged.
    """
    kept = [run for run in runs if not run.history.diverged]
    if not kept:
        raise UserError("every training run diverged", fix="choose lower learning rates")
    return min(kept, key=lambda run: run.history.other_loss[-1])


def enough_epochs(losses: list[float], patience: int, gain: float = 0.01) -> int:
    """The first epoch after which ``patience`` more epochs lower the loss by less than ``gain``.

    Args:
        losses: on validation, before the first epoch and after each.
        patience: epochs.
        gain: fraction of the loss.

    Returns:
        At least 1; the last epoch if the loss falls until then.
    """
    for epoch in range(1, len(losses) - patience):
        if min(losses[epoch + 1 : epoch + 1 + patience]) > (1 - gain) * losses[epoch]:
            return epoch
    return len(losses) - 1


def told(enough: int, epochs: int) -> str:
    """Describe the result of ``enough_epochs`` for a run of ``epochs`` epochs."""
    return f"{enough} epochs are enough" if enough < epochs else f"the loss still falls after {epochs} epochs"


def compared(ways: dict[str, tuple[list[Run], int]], rows: int) -> "pd.DataFrame":
    """Compare the cost and the results of training methods, one column per method.

    Args:
        ways: for each method's name its independent runs, and the epoch after which they are compared.
        rows: training pictures.
    """
    import pandas as pd

    return pd.DataFrame(
        {
            name: {
                "learning rate": runs[0].plan.rate,
                "epochs": epochs,
                "updates": epochs * runs[0].plan.updates(rows),
                "seconds": epochs * float(np.median([run.seconds for run in runs])),
                "validation loss": _after(epochs, runs, "other_loss").mean(),
                "validation accuracy": _after(epochs, runs, "other_accuracy").mean(),
                "standard deviation": _after(epochs, runs, "other_accuracy").std(ddof=1),
            }
            for name, (runs, epochs) in ways.items()
        }
    )


def final(ways: dict[str, tuple[list[Run], int]]) -> Plan:
    """The plan of the method with the lowest mean validation loss, with its first run's seed."""
    runs, epochs = min(ways.values(), key=lambda way: _after(way[1], way[0], "other_loss").mean())
    return replace(runs[0].plan, epochs=epochs)


def _after(epoch: int, runs: list[Run], what: str) -> npt.NDArray[np.float64]:
    return np.array([getattr(run.history, what)[epoch] for run in runs])


def accuracies(runs: list[Run]) -> npt.NDArray[np.float64]:
    """Validation accuracy of each run after its last epoch."""
    return np.array([run.history.other_accuracy[-1] for run in runs])


def smallest_good(groups: dict[int, list[Run]]) -> int:
    """The smallest layer whose mean accuracy is within one standard deviation of the best.

    Args:
        groups: units of the hidden layer, and independent runs of it.
    """
    means = {size: float(accuracies(runs).mean()) for size, runs in groups.items()}
    largest = max(means, key=lambda size: means[size])
    spread = float(accuracies(groups[largest]).std(ddof=1)) if len(groups[largest]) > 1 else 0.0
    return min(size for size in means if means[size] >= means[largest] - spread)
