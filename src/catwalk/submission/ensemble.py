"""The ensemble: which networks are averaged, with which weights, and how each one is calibrated."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

ROUNDS = 30  # of greedy selection at most; each adds one network
LEAST = 1e-9  # of a probability whose logarithm is taken
CALIBRATED = 10_000  # rows that tell a temperature


@dataclass(frozen=True)
class Ensemble:
    """A weighted mean of networks.

    Attributes:
        weights: (networks,) that sum to 1; zero for those not chosen.
        temperatures: (networks,) that each network's logits are divided by first.
    """

    weights: npt.NDArray[np.float64]
    temperatures: npt.NDArray[np.float64]

    def average(self, probabilities: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Average the calibrated probabilities: (networks, rows, classes) to (rows, classes) float32."""
        total = np.zeros(probabilities.shape[1:])
        for i in np.flatnonzero(self.weights):
            total += self.weights[i] * scaled(probabilities[i], self.temperatures[i])
        return total.astype(np.float32)

    def of_folds(self, folds: int) -> "Ensemble":
        """The same where each network was trained once a fold: the mean over its folds has its weight."""
        return Ensemble(self.weights.repeat(folds) / folds, self.temperatures.repeat(folds))


def select(probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> Ensemble:
    """Choose networks and weights on validation rows.

    Each network is first calibrated (``temperature``). Then greedy selection with
    replacement (Caruana et al. 2004, ICML, section 2): in each round the network is added that brings the
    average's Brier score lowest, and the best round is kept. Choosing by accuracy instead looked 0.3
    points better than it was, and was 0.1 to 0.2 points worse on unseen rows (20 halves of
    Fashion-MNIST's validation rows, 7 to 18 networks).

    Args:
        probabilities: (networks, rows, classes) on the validation rows.
        labels: (rows,) positions of classes.
    """
    temperatures = np.array([temperature(one, labels) for one in probabilities])
    calibrated = np.stack([scaled(one, t) for one, t in zip(probabilities, temperatures, strict=True)])
    return Ensemble(weights(calibrated, labels), temperatures)


def weights(
    probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]
) -> npt.NDArray[np.float64]:
    """Ensemble weights chosen for a low Brier score, the squared distance from the true labels."""
    networks, rows, _ = probabilities.shape
    # All that an average's score needs: the networks' similarity, and their closeness to the true labels.
    flat = probabilities.reshape(networks, -1).astype(np.float64)
    gram = flat @ flat.T / rows
    right = probabilities[:, np.arange(rows), labels].mean(axis=1, dtype=np.float64)
    counts = np.zeros(networks)
    best, chosen = np.inf, counts
    for length in range(1, ROUNDS + 1):
        squares = counts @ gram @ counts + 2 * gram @ counts + np.diag(gram)
        scores = squares / length**2 - 2 * (counts @ right + right) / length
        pick = int(np.argmin(scores))
        counts = counts + np.eye(networks)[pick]
        if scores[pick] < best - 1e-12:
            best, chosen = scores[pick], counts
    return np.asarray(chosen / chosen.sum())


def temperature(probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> float:
    """The temperature that maximises the likelihood of the labels (Guo et al. 2017, arXiv 1706.04599).

    Of many rows, which come in the order of their pictures' hashes, every n-th tells it.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    every = max(1, len(labels) // CALIBRATED)
    logs = np.log(np.maximum(probabilities[::every], LEAST))
    right = logs[np.arange(len(logs)), labels[::every]]

    def nll(log_temperature: float) -> float:
        t = float(np.exp(log_temperature))
        return float((logsumexp(logs / t, axis=1) - right / t).mean())

    found = minimize_scalar(nll, bounds=(np.log(0.2), np.log(5)), method="bounded", options={"xatol": 0.01})
    return float(np.exp(found.x))


def scaled(probabilities: npt.NDArray[np.floating], temperature: float) -> npt.NDArray[np.float64]:
    """Temperature scaling: a temperature below 1 makes probabilities more confident, one above 1 less."""
    logits = np.log(np.maximum(probabilities, LEAST)) / temperature
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))
