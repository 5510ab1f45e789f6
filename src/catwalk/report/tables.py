"""Tables: what the notebooks show as tables."""

from typing import TYPE_CHECKING

from catwalk.models.metrics import Scores
from catwalk.report.formatting import number
from catwalk.report.results import Results

if TYPE_CHECKING:
    import pandas as pd


def classes(results: Results) -> "pd.DataFrame":
    """Each class's scores on validation; the last row is accuracy and the plain means."""
    return scored(results.scores, results.competition.classes)


def scored(scores: Scores, names: tuple[str, ...]) -> "pd.DataFrame":
    """A row a class, the last one the system's: accuracy, and the plain means over the classes."""
    import pandas as pd

    table = pd.DataFrame(
        scores.by_class,
        index=list(names),
        columns=["accuracy (one against rest)", "precision", "recall", "F1"],
    )
    table.loc["all (accuracy, then macro averages)"] = [
        scores.accuracy,
        scores.precision,
        scores.recall,
        scores.f1,
    ]
    return table.round(4)


def trials(results: Results, most: int = 10) -> "pd.DataFrame":
    """The best complete trials, and what they were."""
    import pandas as pd

    best = sorted(results.complete, key=lambda trial: (-trial.accuracy, trial.number))[:most]
    rows = [
        {"trial": t.number, "kind": t.kind, "validation": round(t.accuracy, 4)}
        | {name: number(value) for name, value in t.params.items()}
        for t in best
    ]
    return pd.DataFrame(rows).set_index("trial").fillna("")
