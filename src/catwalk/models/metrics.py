"""Metrics: the scores of predictions, computed in the same way for search, ensemble, report and score.

Five count correct rows themselves: ``step.py`` while a network is trained, ``out_of_fold.py``, the exercises'
network in NumPy and their comparison of methods, and ``grade``, whose rows are public or private.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Scores:
    """The scores of a list of predictions.

    Attributes:
        accuracy: share of rows that are classified correctly.
        interval: Wilson's 95% interval of the accuracy.
        precision, recall, f1: macro averages, the plain mean over the classes.
        by_class: (classes, 4) float64: one-against-rest accuracy (TP+TN)/N, precision, recall, F1.
        confusion: (classes, classes) int64: rows are the true class, columns the predicted one.
    """

    accuracy: float
    interval: tuple[float, float]
    precision: float
    recall: float
    f1: float
    by_class: npt.NDArray[np.float64]
    confusion: npt.NDArray[np.int64]


def accuracy(probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> float:
    """Share of rows whose most probable class is the label."""
    return float(np.mean(probabilities.argmax(axis=1) == labels))


def wilson(share: float, rows: int) -> tuple[float, float]:
    """The 95% confidence interval of a proportion of ``rows`` rows (Wilson 1927, JASA 22:209-212).

    Identical pictures are not independent: ``duplicates.count`` says how many different ones there are.
    """
    z = 1.959963984540054
    centre = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    half = z / (1 + z * z / rows) * math.sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows))
    return max(0.0, centre - half), min(1.0, centre + half)


def grade(accuracy: float, full_marks: float) -> float:
    """A course's grade from 0 to 1: full marks from ``full_marks`` up, proportional below."""
    return min(1.0, accuracy / full_marks)


def score(
    predicted: npt.NDArray[np.integer],
    labels: npt.NDArray[np.integer],
    classes: int,
    pictures: int | None = None,
) -> Scores:
    """Compare predicted with true classes.

    Args:
        predicted: (rows,) positions of classes.
        labels: (rows,) positions of classes.
        classes: how many classes there are.
        pictures: how many different ones, for the interval; None: as many as rows.
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    everyone = np.arange(classes)
    confusion = confusion_matrix(labels, predicted, labels=everyone)
    precision, recall, f1, _ = precision_recall_fscore_support(
        labels, predicted, labels=everyone, zero_division=0.0
    )
    wrong = confusion.sum(0) + confusion.sum(1) - 2 * np.diag(confusion)  # false positives + negatives
    share = float(np.mean(predicted == labels))
    return Scores(
        accuracy=share,
        interval=wilson(share, len(labels) if pictures is None else pictures),
        precision=float(precision.mean()),
        recall=float(recall.mean()),
        f1=float(f1.mean()),
        by_class=np.column_stack([1 - wrong / len(labels), precision, recall, f1]),
        confusion=confusion,
    )


@dataclass(frozen=True)
class Paired:
    """A paired comparison of two classifiers on the same rows.

    Attributes:
        only_first, only_second: rows that only one of them classifies correctly.
        difference: of the accuracies, second less first.
        interval: its 95% interval.
        p: the p-value: how often a difference this large would arise by chance if both were equally good.
    """

    only_first: int
    only_second: int
    difference: float
    interval: tuple[float, float]
    p: float

    def __str__(self) -> str:
        low, high = (100 * end for end in self.interval)
        chance = f"p = {self.p:.2g}" if self.p >= 1e-4 else "p < 0.0001"
        return (
            f"{100 * self.difference:+.2f} points ({low:+.2f} to {high:+.2f}); only the second is right on "
            f"{self.only_second}, only the first on {self.only_first}; {chance}"
        )


def mcnemar(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> Paired:
    """McNemar's exact test (McNemar 1947, Psychometrika 12:153-157).

    Args:
        first: (rows,) whether the first classifier is right.
        second: (rows,) the same for the second.
    """
    from scipy.stats import binomtest

    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    differ, rows = only_first + only_second, len(first)
    difference = (only_second - only_first) / rows
    half = 1.96 * math.sqrt(max(0.0, differ / rows - difference**2) / rows)
    p = float(binomtest(only_second, differ).pvalue) if differ else 1.0
    return Paired(only_first, only_second, difference, (difference - half, difference + half), p)
