"""Out-of-fold probabilities in a second, of a linear model."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from threadpoolctl import threadpool_limits


def probabilities(pixels: npt.NDArray[Any], labels: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
    """(rows, classes): each row's by a model that did not learn from it.

    Args:
        pixels: (rows, pixels), from 0 to 1.
        labels: (rows,) positions of classes.
    """
    model = LogisticRegression(C=0.1, max_iter=200)
    with threadpool_limits(1):  # such small products are slower with more threads
        made = cross_val_predict(model, pixels, labels, cv=5, method="predict_proba")
    return np.asarray(made, np.float64)
