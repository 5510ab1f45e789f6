"""The ensemble: which trials' networks are averaged, and with which weights."""

import numpy as np
import numpy.typing as npt

ROUNDS = 30  # picks at most; the weights are shares of as many


def select(
    probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]
) -> npt.NDArray[np.float64]:
    """Greedy ensemble selection with replacement (Caruana et al. 2004, ICML, section 2).

    Begins with the best single network, adds in each round the one that helps the average most on
    validation, and keeps the round that was best; so it is never worse there than the best network.

    Args:
        probabilities: (networks, rows, classes) on the validation rows.
        labels: (rows,) positions of classes.

    Returns:
        (networks,) weights that sum to 1; zero for those not chosen.
    """
    networks, rows, _ = probabilities.shape
    total = np.zeros(probabilities.shape[1:])
    picks: list[int] = []
    best: tuple[int, float] | None = None
    best_length = 0
    for _ in range(ROUNDS):
        scores = _scores(total + probabilities, labels)
        pick = max(range(networks), key=lambda i: scores[i])
        picks.append(pick)
        total = total + probabilities[pick]
        if best is None or scores[pick] > best:
            best, best_length = scores[pick], len(picks)
        if best[0] == rows or networks == 1:
            break
    return np.bincount(picks[:best_length], minlength=networks) / best_length


def average(
    probabilities: npt.NDArray[np.floating], weights: npt.NDArray[np.floating]
) -> npt.NDArray[np.float32]:
    """Weighted mean over the first axis: (networks, rows, classes) to (rows, classes) float32."""
    return np.tensordot(weights, probabilities, axes=1).astype(np.float32)


def _scores(totals: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> list[tuple[int, float]]:
    """For each of (candidates, rows, classes): right answers; and to break ties, the mean log-probability."""
    right = (totals.argmax(axis=2) == labels).sum(axis=1)
    share = totals[:, np.arange(len(labels)), labels] / totals.sum(axis=2)
    likely = np.log(np.maximum(share, 1e-12)).mean(axis=1)
    return list(zip(right.tolist(), likely.tolist(), strict=True))
