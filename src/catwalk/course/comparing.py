"""Comparing: the test results of two training methods, each from several runs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from catwalk.course.choosing import deviation
from catwalk.course.numpy_network import Array, probabilities
from catwalk.course.training_runs import Run
from catwalk.models import metrics
from catwalk.models.metrics import Scores

if TYPE_CHECKING:
    import pandas as pd

Bools = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.integer]


@dataclass(frozen=True)
class MethodScores:
    """A method's runs on the test pictures.

    Attributes:
        right: (runs, rows) whether a run classifies a picture correctly.
        scores: of each run.
        pictures: how many different ones, for intervals; None: as many as rows.
    """

    right: Bools
    scores: list[Scores]
    pictures: int | None = None

    @property
    def accuracies(self) -> npt.NDArray[np.float64]:
        """(runs,): each run's test accuracy."""
        return np.array([one.accuracy for one in self.scores])

    @property
    def recall(self) -> npt.NDArray[np.float64]:
        """(classes,): each class's recall, the mean of the runs."""
        return np.asarray(np.mean([one.by_class[:, 2] for one in self.scores], axis=0))


def tested(runs: Sequence[Run], pixels: Array, labels: Integers, classes: int, pictures: int) -> MethodScores:
    """Classify the test rows (n, d), with so many different pictures, with each run's network."""
    said = [probabilities(run.network, pixels).argmax(axis=1) for run in runs]
    right = np.array([one == labels for one in said])
    return MethodScores(right, [metrics.score(one, labels, classes, pictures) for one in said], pictures)


@dataclass(frozen=True)
class Difference:
    """The difference of two methods' mean test accuracies, second less first.

    Attributes:
        value: the difference.
        interval: its 95% interval, for other runs and other pictures of the same kind; of a method with a
            single run, for other pictures only.
        by_runs: the part of its standard error that comes from the variation between runs.
        by_pictures: the part that comes from the choice of the test pictures.
    """

    value: float
    interval: tuple[float, float]
    by_runs: float
    by_pictures: float


def difference(first: MethodScores, second: MethodScores) -> Difference:
    """The difference of two methods with its interval.

    The variances of both runs' means and of the pictures are added (Welch 1947, Biometrika 34:28-35, with the
    pictures as a third part). A picture counts by the shares of both methods' runs that are right on it.
    """
    from scipy.stats import t

    each = second.right.mean(axis=0) - first.right.mean(axis=0)
    samples = (first.accuracies, second.accuracies, each)
    freedoms = [len(first.scores) - 1, len(second.scores) - 1, (first.pictures or len(each)) - 1]
    variances = [
        float(one.var()) / free if free else 0.0 for one, free in zip(samples, freedoms, strict=True)
    ]
    total = sum(variances)
    parts = sum(v**2 / free for v, free in zip(variances, freedoms, strict=True) if free)
    half = float(t.ppf(0.975, total**2 / parts)) * math.sqrt(total) if parts else 0.0
    value = float(each.mean())
    by_runs, by_pictures = math.sqrt(variances[0] + variances[1]), math.sqrt(variances[2])
    return Difference(value, (value - half, value + half), by_runs, by_pictures)


def table(methods: dict[str, MethodScores]) -> "pd.DataFrame":
    """Accuracy and macro averages of each method: mean and standard deviation of its runs."""
    import pandas as pd

    names = {"accuracy": "accuracy", "precision": "precision", "recall": "recall", "F1": "f1"}
    rows = {}
    for method, runs in methods.items():
        row: dict[str, float] = {"runs": len(runs.scores)}
        for name, attribute in names.items():
            values = np.array([getattr(one, attribute) for one in runs.scores])
            row |= {name: float(values.mean()), f"{name} (deviation)": deviation(values)}
        rows[method] = row
    made = pd.DataFrame(rows).T
    return made.astype({"runs": int})
