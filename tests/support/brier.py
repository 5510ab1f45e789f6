"""The Brier score, by its definition; ``ensemble.weights`` computes it without the averages themselves."""

import numpy as np
import numpy.typing as npt


def score(probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> float:
    """Mean squared distance of (rows, classes) from the true labels; 0 is best, 2 worst."""
    truth = np.eye(probabilities.shape[1])[labels]
    return float(((probabilities - truth) ** 2).sum(axis=1).mean())
