"""Tables: builds the tables shown in the notebooks."""

from typing import TYPE_CHECKING

from catwalk.models.metrics import Scores
from catwalk.report.formatting import number
from catwalk.report.network_words import has
from catwalk.report.results import Results
from catwalk.search.trial_record import best_first

if TYPE_CHECKING:
    import pandas as pd


def classes(results: Results) -> "pd.DataFrame":
    """The validation scores of each class; the last row has the accuracy and the macro averages."""
    return scored(results.scores, results.competition.classes)


def scored(scores: Scores, names: tuple[str, ...]) -> "pd.DataFrame":
    """One row per class; the last row has the overall accuracy and the macro averages."""
    import pandas as pd

    table = pd.DataFrame(
        scores.by_class,
        index=list(names),
        columns=["accuracy (one vs. rest)", "precision", "recall", "F1"],
    )
    table.loc["all (accuracy, then macro averages)"] = [
        scores.accuracy,
        scores.precision,
        scores.recall,
        scores.f1,
    ]
    return table.round(4)


def trials(results: Results, most: int = 10) -> "pd.DataFrame":
    """The best complete trials and their parameters."""
    import pandas as pd

    best = best_first(results.complete)[:most]
    rows = [
        {"trial": t.number, "kind": t.kind, "validation": round(t.accuracy, 4)}
        | {name: number(value) for name, value in t.params.items() if has(t.params, name)}
        for t in best
    ]
    table = pd.DataFrame(rows).set_index("trial")
    if "family" in table:
        table["family"] = table["family"].fillna("dense")  # baselines don't name theirs
    return table.fillna("")
