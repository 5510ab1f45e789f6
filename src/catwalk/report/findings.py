"""Findings: conclusions drawn from the results by fixed rules, the same for figures and slides."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from catwalk.data import duplicates
from catwalk.models.epoch import Epoch
from catwalk.models.metrics import wilson
from catwalk.report.formatting import change
from catwalk.report.results import Results
from catwalk.submission import confident_learning

ENOUGH_PICTURES = 20  # distinct ones: no conclusion is drawn from fewer
LEAST_DIFFERENCE = 0.003  # of accuracies: a smaller one is no reason for anything
SHOWN_MISTAKES = 5
ENOUGH_DOUBTFUL = 3  # pictures with doubtful labels: fewer are left to labels.csv
LARGEST_BLOCK = 4  # classes in a group that is confused
MOST_COMPARED = 16  # classes of which groups are tried
LARGE_GAP = 0.02  # of training and validation accuracy: a smaller one is not mentioned
OVERFITTING = 0.03  # rise of the validation loss, as a fraction, from which a network counts as overfitted


@dataclass(frozen=True)
class Block:
    """Classes that are often confused with each other.

    Attributes:
        classes: positions of the classes.
        share: the share of all mistakes that are within the group.
    """

    classes: list[int]
    share: float


@dataclass(frozen=True)
class Overfitting:
    """Where overfitting begins: the epoch of the lowest validation loss, and the rise after it."""

    epoch: int
    rise: float


def is_enough(results: Results) -> bool:
    """Whether there are enough validation pictures to judge the search's networks."""
    return results.distinct.validation >= ENOUGH_PICTURES


def is_judged(results: Results) -> bool:
    """Whether enough pictures validate the submission."""
    return results.validated >= ENOUGH_PICTURES


def judged_classes(results: Results) -> list[int]:
    """The classes with enough validation pictures to compare their scores."""
    first = np.unique(duplicates.groups(results.prepared, results.rows), return_index=True)[1]
    counts = np.bincount(results.labels[first], minlength=len(results.competition.classes))
    return [int(i) for i in np.flatnonzero(counts >= ENOUGH_PICTURES)]


def learned_classes(results: Results) -> list[int]:
    """The classes with enough training pictures to interpret their weights."""
    learned = np.asarray(results.prepared.labels[duplicates.of_learning(results.prepared)])
    counts = np.bincount(learned, minlength=len(results.competition.classes))
    return [int(i) for i in np.flatnonzero(counts >= ENOUGH_PICTURES)]


def confused(results: Results) -> tuple[tuple[int, int, int] | None, Block | None]:
    """The results of ``worst_pair`` and ``hard_block``; None where they rest on too few mistakes."""
    wrong = len(mistakes(results))
    if wrong < ENOUGH_PICTURES:
        return None, None
    pair, block = worst_pair(results.scores.confusion), hard_block(results.scores.confusion)
    if pair is not None and pair[2] < ENOUGH_PICTURES:
        pair = None
    if block is not None and block.share * wrong < ENOUGH_PICTURES:
        block = None
    return pair, block


def is_level(results: Results, one: float, other: float) -> bool:
    """Whether two networks' validation accuracies differ by less than can be told on so many pictures."""
    low, high = wilson(max(one, other), results.distinct.validation)
    return abs(one - other) < max(LEAST_DIFFERENCE, (high - low) / 2)


def overfitting(results: Results) -> "Overfitting | None":
    """The result of ``overfitting_of`` for the best trial; None if there are too few validation pictures."""
    return overfitting_of(results.best.history) if is_enough(results) else None


def large_gap(results: Results) -> str | None:
    """By how many points the best trial's training accuracy is above its validation accuracy, as "+2.4".

    Points as ``change`` counts them; None if they are few or unsure.
    """
    training, validation = results.best.history[-1].train_accuracy, results.best.accuracy
    is_large = is_enough(results) and training - validation > LARGE_GAP
    return change(validation, training) if is_large else None


def similar_order(confusion: npt.NDArray[np.int64]) -> list[int]:
    """The classes' positions, ordered so that classes that are often confused are neighbours.

    Hierarchical clustering with optimal leaf ordering (Bar-Joseph et al. 2001, Bioinformatics 17:S22-S29).
    """
    from scipy.cluster.hierarchy import leaves_list, linkage

    classes = len(confusion)
    if classes < 3:
        return list(range(classes))
    shares = confusion / np.maximum(1, confusion.sum(axis=1, keepdims=True))
    alike = shares + shares.T
    distances = 1 / (0.01 + alike[np.triu_indices(classes, 1)])
    return [int(i) for i in leaves_list(linkage(distances, "average", optimal_ordering=True))]


def hard_block(confusion: npt.NDArray[np.int64]) -> Block | None:
    """The smallest group of classes with half of all mistakes among them, else the worst group of four.

    Every group is tried, of the classes with most mistakes where there are many.
    """
    wrong = confusion - np.diag(np.diag(confusion))
    if not wrong.sum():
        return None
    most = np.argsort(-(wrong.sum(axis=0) + wrong.sum(axis=1)), kind="stable")[:MOST_COMPARED]
    best = None
    for size in range(2, min(LARGEST_BLOCK, len(confusion) - 1) + 1):
        for inside in combinations(sorted(int(i) for i in most), size):
            share = float(wrong[np.ix_(inside, inside)].sum() / wrong.sum())
            if best is None or share > best.share:
                best = Block(list(inside), share)
        if best and best.share >= 0.5:
            break
    return best


def together(order: list[int], group: list[int]) -> list[int]:
    """The order with a group's members side by side, where the first of them is."""
    first = min(order.index(one) for one in group)
    inside = [one for one in order if one in group]
    return [*order[:first], *inside, *(one for one in order[first:] if one not in group)]


def worst_pair(confusion: npt.NDArray[np.int64]) -> tuple[int, int, int] | None:
    """The most common mistake: true class, predicted class and count."""
    wrong = confusion - np.diag(np.diag(confusion))
    if not wrong.sum():
        return None
    true, said = np.unravel_index(int(wrong.argmax()), wrong.shape)
    return int(true), int(said), int(wrong[true, said])


def shown_classes(results: Results, most: int = 12) -> list[int]:
    """The classes by similarity, those of the confused group together; if many, those with most mistakes.

    The confused group is among them also where others have more mistakes, with many classes.
    """
    confusion = results.scores.confusion
    order, (_, block) = similar_order(confusion), confused(results)
    if block is not None:
        order = together(order, block.classes)
    if len(order) <= most:
        return order
    first = [] if block is None else block.classes
    ranked = dict.fromkeys([*first, *np.argsort(-_wrong(confusion), kind="stable").tolist()])
    kept = set(list(ranked)[:most])
    return [i for i in order if i in kept]


def shown_part(results: Results) -> str:
    """Which classes ``shown_classes`` gives, where they are not all; else empty."""
    shown, classes = shown_classes(results), len(results.competition.classes)
    part = f"{len(shown)} of {classes} classes"
    if len(shown) == classes:
        return ""
    if not len(mistakes(results)):
        return part
    wrong = _wrong(results.scores.confusion)
    if np.delete(wrong, shown).max() > wrong[shown].min():  # some of the box's have fewer
        return f"{part}, the box's and those with most mistakes"
    return f"the {part} with most mistakes"


def _wrong(confusion: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """(classes,): of each class, the mistakes on it, and those for which it was taken."""
    return np.asarray(confusion.sum(0) + confusion.sum(1) - 2 * np.diag(confusion))


def mistakes(results: Results) -> npt.NDArray[np.intp]:
    """Positions of the misclassified validation rows, the most confident first, each picture once."""
    return _once(results, confident_mistakes(results.validation, results.labels))


def mistakes_of_the_model(results: Results) -> npt.NDArray[np.intp]:
    """The same without the rows whose label looks doubtful, if the talk has a slide of these."""
    wrong = mistakes(results)
    return wrong[~np.isin(wrong, doubtful(results))] if are_labels_doubtful(results) else wrong


def surest_mistakes(results: Results) -> npt.NDArray[np.intp]:
    """Those of them that the talk shows."""
    return mistakes_of_the_model(results)[:SHOWN_MISTAKES]


def doubtful(results: Results) -> npt.NDArray[np.intp]:
    """Positions of the validation rows whose label may be wrong, the most doubtful first."""
    return confident_learning.doubtful(results.validation, results.labels)


def doubtful_pictures(results: Results) -> npt.NDArray[np.intp]:
    """The same, each picture once."""
    return _once(results, doubtful(results))


def are_labels_doubtful(results: Results) -> bool:
    """Whether there are enough doubtful labels for a slide, and mistakes whose labels are not doubtful."""
    found = doubtful(results)
    others = np.isin(mistakes(results), found, invert=True)
    return is_judged(results) and len(_once(results, found)) >= ENOUGH_DOUBTFUL and bool(others.any())


def _once(results: Results, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """The first of the rows with each picture, in their order."""
    first = np.unique(duplicates.groups(results.prepared, results.rows)[rows], return_index=True)[1]
    return rows[np.sort(first)]


def confident_mistakes(
    probabilities: npt.NDArray[np.floating[Any]], labels: npt.NDArray[np.integer]
) -> npt.NDArray[np.intp]:
    """The misclassified rows, the most confident first.

    Args:
        probabilities: (rows, classes).
        labels: (rows,) positions of classes.
    """
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    sure = probabilities[wrong].max(axis=1)
    return wrong[np.argsort(-sure, kind="stable")]


def overfitting_of(history: Sequence[Epoch]) -> Overfitting | None:
    """When the validation loss began to rise without a gain in accuracy; None if it did not.

    With label smoothing the loss alone may rise while a network still learns.
    """
    losses = [epoch.loss for epoch in history]
    lowest = int(np.argmin(losses))
    rise = losses[-1] / losses[lowest] - 1 if losses[lowest] > 0 else 0.0
    better = history[-1].accuracy > history[lowest].accuracy
    return Overfitting(lowest + 1, rise) if rise >= OVERFITTING and not better else None
