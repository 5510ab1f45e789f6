"""The slide of out-of-fold validation: every labelled row is predicted by networks not trained on it."""

import numpy as np

from catwalk.data import duplicates
from catwalk.models.metrics import accuracy as accuracy_of
from catwalk.models.metrics import wilson
from catwalk.report.formatting import percent
from catwalk.report.results import Results
from catwalk.report.slide import Slide, fitted, told

SECONDS = 15


def folds(results: Results) -> Slide:
    """All labelled rows, and how narrow their interval is; only of a submission with folds."""
    accuracy, pictures = percent(results.scores.accuracy), results.validated
    low, high = results.scores.interval
    _, (low_split, high_split) = on_the_split(results)
    narrow, wide = 100 * (high - low), 100 * (high_split - low_split)
    each = f"Each picture is predicted by networks not trained on its fold, one of {results.recipe.folds}. "
    rows = f"{len(results.rows):,} {results.unit}"
    all_rows = f"So all {pictures:,}{' different pictures' if results.unit == 'rows' else ''} validate: "
    width = f"the 95% interval is {narrow:.1f} points wide, instead of {wide:.1f}."
    return Slide(
        "folds",
        SECONDS,
        fitted(
            f"Out of fold, {accuracy} of all {rows} are correct",
            f"{accuracy} of {rows} are correct",
        ),
        "oof.npz · recipe.fold_networks",
        told(SECONDS, f"{each}{all_rows}{width}", f"All {pictures:,} pictures validate: {width}"),
        (("out_of_fold", "Accuracy on each fold, on the validation rows alone, and on all labelled rows"),),
    )


def on_the_split(results: Results) -> tuple[float, tuple[float, float]]:
    """The submission's accuracy on the split's validation rows alone, and its 95% interval."""
    there = np.isin(results.rows, results.prepared.validation)
    accuracy = accuracy_of(results.validation[there], results.labels[there]) if there.any() else 0.0
    return accuracy, wilson(accuracy, duplicates.distinct(results.prepared, results.rows[there]))
