"""The forecast: an interval for a submission's accuracy on the test rows, made without test labels.

Three things separate validation accuracy from test accuracy: the validation rows are a sample, the test
rows are another, and an ensemble that was chosen on the validation rows looks a little too good there. The
first two are sampling; of the third, the choice of the kept networks' weights is measured by choosing again
on random halves and scoring on the others. Which of all trials were kept was also chosen on these rows, and
that is not measured: with few validation rows and many trials the forecast is a little too high. Nothing is
learned from any test: if its rows are harder than the training rows, the forecast can't know.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catwalk.models import metrics
from catwalk.submission import ensemble

HALVES = 20  # random ways to cut the validation rows in two
CUT_ROWS = 300_000  # rows of all halves together, at most but for the first cut: many rows need fewer cuts


@dataclass(frozen=True)
class Forecast:
    """The accuracy expected on the test rows.

    Attributes:
        accuracy: the point forecast: validation accuracy minus the optimism.
        interval: the 95% predictive interval of the accuracy on the test rows.
        optimism: by how much accuracy is overestimated on the rows that the ensemble was chosen on.
    """

    accuracy: float
    interval: tuple[float, float]
    optimism: float

    def described(self) -> str:
        """The forecast as a line for the user."""
        low, high = self.interval
        return (
            f"  forecast for the test rows: {self.accuracy:.4f} (95% {low:.4f} to {high:.4f}), "
            "if they are like the training rows"
        )


def estimate(
    probabilities: npt.NDArray[np.floating],
    labels: npt.NDArray[np.integer],
    accuracy: float,
    test_pictures: int,
    pictures: npt.NDArray[np.integer] | None = None,
) -> Forecast:
    """Forecast the test accuracy of the ensemble that ``ensemble.select`` chose from these networks.

    The interval is the beta-binomial predictive distribution under Jeffreys's prior (Brown, Cai and DasGupta
    2001, Statistical Science 16:101-133, for the prior).

    Args:
        probabilities: (networks, rows, classes), all that it could choose from, on the validation rows.
        labels: (rows,) positions of classes.
        accuracy: of the chosen ensemble on the same rows.
        test_pictures: how many different ones will be scored.
        pictures: (rows,) the number of each row's picture, the same for identical ones: they are one sample;
            None: all differ.
    """
    from scipy.stats import betabinom

    pictures = np.arange(len(labels)) if pictures is None else pictures
    count = len(np.unique(pictures))
    less = optimism(probabilities, labels, pictures)
    right = max(0.0, (accuracy - less) * count)
    expected = betabinom(test_pictures, right + 0.5, count - right + 0.5)
    low, high = expected.ppf([0.025, 0.975]) / test_pictures
    return Forecast(right / count, (float(low), float(high)), less)


def optimism(
    probabilities: npt.NDArray[np.floating],
    labels: npt.NDArray[np.integer],
    pictures: npt.NDArray[np.integer] | None = None,
    halves: int = HALVES,
) -> float:
    """Mean accuracy on the half that an ensemble is chosen on, minus its accuracy on the other half.

    A choice on all rows has half the variance to be fooled by, so the difference is divided by sqrt(2).
    Never below 0. Identical pictures stay in one half.

    Args:
        probabilities: as for ``estimate``, and so are labels and pictures.
        labels: of the rows.
        pictures: of the rows.
        halves: how many times the rows are cut in two, at most.
    """
    if len(probabilities) == 1:
        return 0.0
    pictures = np.arange(len(labels)) if pictures is None else pictures
    rows = np.split(np.argsort(pictures, kind="stable"), np.flatnonzero(np.diff(np.sort(pictures))) + 1)
    random = np.random.default_rng(0)
    differences = []
    for _ in range(max(1, min(halves, CUT_ROWS // len(labels)))):
        order = random.permutation(len(rows))
        here, there = (
            np.concatenate([rows[i] for i in half])
            for half in (order[: len(order) // 2], order[len(order) // 2 :])
        )
        both = ensemble.select(probabilities[:, here], labels[here]).average(probabilities)
        differences.append(
            metrics.accuracy(both[here], labels[here]) - metrics.accuracy(both[there], labels[there])
        )
    return max(0.0, float(np.mean(differences))) / float(np.sqrt(2))
