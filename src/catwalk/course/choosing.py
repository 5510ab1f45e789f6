"""Choosing: groups of runs, the rules for model selection, and the expected loss before training."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from catwalk.core.errors import UserError
from catwalk.course.numpy_network import Array
from catwalk.course.training_runs import Plan, Run

if TYPE_CHECKING:
    import pandas as pd

GUESSING = 0.98  # of the loss of guessing: a run that ends above it has hardly learned

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Group:
    """Independent runs of one plan: they differ in their seeds only.

    Attributes:
        runs: at least one.
    """

    runs: tuple[Run, ...]

    @property
    def plan(self) -> Plan:
        """The plan, with the first run's seed."""
        return self.runs[0].plan

    @property
    def diverged(self) -> bool:
        """Whether any of the runs diverged."""
        return any(run.history.diverged for run in self.runs)

    @property
    def seconds(self) -> float:
        """Of an epoch: the median of the runs."""
        return float(np.median([run.seconds for run in self.runs]))

    def curves(self, what: str) -> Floats:
        """(runs, epochs + 1): a row of the runs' histories, as "other_loss"; up to the shortest one's end."""
        rows = [getattr(run.history, what) for run in self.runs]
        shortest = min(map(len, rows))
        return np.array([row[:shortest] for row in rows], np.float64)

    def values(self, what: str = "other_loss", epoch: int = -1) -> Floats:
        """(runs,): the same after one epoch, by default the last one."""
        return self.curves(what)[:, epoch]

    def by_seed(self, what: str = "other_loss", epoch: int = -1) -> dict[int, float]:
        """Each run's value after an epoch, by its seed."""
        seeds = [run.plan.seed for run in self.runs]
        return dict(zip(seeds, self.values(what, epoch).tolist(), strict=True))

    def mean(self, what: str = "other_loss", epoch: int = -1) -> float:
        """The runs' mean after an epoch."""
        return float(self.values(what, epoch).mean())

    def deviation(self, what: str = "other_loss", epoch: int = -1) -> float:
        """The runs' standard deviation after an epoch; 0 of a single run."""
        return deviation(self.values(what, epoch))

    def error(self, what: str = "other_loss", epoch: int = -1) -> float:
        """The standard error of the mean: the deviation, divided by the root of the number of runs."""
        return self.deviation(what, epoch) / math.sqrt(len(self.runs))


def deviation(values: Floats) -> float:
    """The standard deviation of a sample; 0 of a single value, not a number if one is infinite."""
    with np.errstate(invalid="ignore"):
        return float(values.std(ddof=1)) if len(values) > 1 else 0.0


def grouped(runs: Sequence[Run]) -> list[Group]:
    """The runs, grouped by their plan without the seed; in the order of the first of each."""
    found: dict[Plan, list[Run]] = {}
    for run in runs:
        found.setdefault(replace(run.plan, seed=0), []).append(run)
    return [Group(tuple(some)) for some in found.values()]


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


def guessing_loss(labels: npt.NDArray[np.integer], classes: int) -> float:
    """The loss of predicting each class with its share, whatever the picture: log(k) for equal shares."""
    shares = np.bincount(labels, minlength=classes) / len(labels)
    return float(-(shares[shares > 0] * np.log(shares[shares > 0])).sum())


def learns(group: Group, guessing: float) -> bool:
    """Whether all of its runs end with a training loss below that of guessing.

    A rate that is too high can leave every hidden ReLU unit at 0 for all pictures: such a network is dead, it
    predicts the same for each of them.
    """
    return not group.diverged and bool((group.values("loss") < GUESSING * guessing).all())


def best(groups: Sequence[Group], guessing: float) -> Group:
    """The group with the lowest mean validation loss after the last epoch, of those that learn.

    Args:
        groups: to choose from.
        guessing: of ``guessing_loss``.

    Raises:
        UserError: none of them learns.
    """
    kept = [group for group in groups if learns(group, guessing)]
    if not kept:
        raise UserError("every training run diverged, or learned nothing", fix="choose other learning rates")
    return min(kept, key=Group.mean)


def enough_epochs(group: Group) -> int:
    """The first epoch at which the mean validation loss is within one standard error of its lowest value.

    Returns:
        At least 1; the last epoch if the loss falls until then.
    """
    means = group.curves("other_loss").mean(axis=0)
    lowest = 1 + int(means[1:].argmin())
    limit = means[lowest] + group.error(epoch=lowest)
    return 1 + int(np.flatnonzero(means[1:] <= limit)[0])


def scanned(groups: Sequence[Group], guessing: float) -> "pd.DataFrame":
    """The learning rates that were tried: one row for each.

    Args:
        groups: one for each rate.
        guessing: of ``guessing_loss``.
    """
    import pandas as pd

    rows = [
        {
            "rate": group.plan.rate,
            "runs": len(group.runs),
            "validation loss": group.mean(),
            "standard deviation": group.deviation(),
            "validation accuracy": group.mean("other_accuracy"),
            "": state(group, guessing),
        }
        for group in sorted(groups, key=lambda group: group.plan.rate)
    ]
    return pd.DataFrame(rows).set_index("rate")


def state(group: Group, guessing: float) -> str:
    """What is wrong with a rate; empty if nothing."""
    if group.diverged:
        return "diverges"
    return "" if learns(group, guessing) else "hardly learns"


def compared(ways: dict[str, tuple[Group, int]], rows: int) -> "pd.DataFrame":
    """Compare the cost and the results of training methods, one column per method.

    Args:
        ways: for each method's name its runs, and the epoch after which they are compared.
        rows: training pictures.
    """
    import pandas as pd

    return pd.DataFrame(
        {
            name: {
                "runs": len(group.runs),
                "learning rate": group.plan.rate,
                "epochs": epochs,
                "updates": epochs * group.plan.updates(rows),
                "seconds per epoch": group.seconds,
                "seconds": epochs * group.seconds,
                "validation loss": group.mean(epoch=epochs),
                "its standard deviation": group.deviation(epoch=epochs),
                "validation accuracy": group.mean("other_accuracy", epochs),
                "its standard deviation ": group.deviation("other_accuracy", epochs),
            }
            for name, (group, epochs) in ways.items()
        }
    )


def final(ways: dict[str, tuple[Group, int]]) -> str:
    """The name of the method with the lowest mean validation loss after its number of epochs."""
    return min(ways, key=lambda name: ways[name][0].mean(epoch=ways[name][1]))


def final_plans(ways: dict[str, tuple[Group, int]], seeds: Sequence[int]) -> list[Plan]:
    """The plan of ``final`` for each seed."""
    group, epochs = ways[final(ways)]
    return [replace(group.plan, epochs=epochs, seed=seed) for seed in seeds]


def most_accurate(groups: dict[int, Group]) -> int:
    """The size of the hidden layer with the highest mean validation accuracy."""
    return max(groups, key=lambda size: groups[size].mean("other_accuracy"))


def smallest_good(groups: dict[int, Group]) -> int:
    """The smallest layer whose mean validation accuracy is within one standard error of the highest.

    Args:
        groups: units of the hidden layer, and its runs.
    """
    highest = groups[most_accurate(groups)]
    limit = highest.mean("other_accuracy") - highest.error("other_accuracy")
    return min(size for size, group in groups.items() if group.mean("other_accuracy") >= limit)


def by_epoch(group: Group) -> "pd.DataFrame":
    """The runs' mean losses and accuracies before the first epoch and after each."""
    import pandas as pd

    names = {
        "training loss": "loss",
        "training accuracy": "accuracy",
        "validation loss": "other_loss",
        "validation accuracy": "other_accuracy",
    }
    means = {name: group.curves(what).mean(axis=0) for name, what in names.items()}
    return pd.DataFrame(means).rename_axis("epoch")
