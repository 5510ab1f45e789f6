"""Leaderboard: compares all submissions in a table."""

import hashlib
from typing import TYPE_CHECKING, Any

from catwalk.core import advice
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.submission import made_before, recipe, score, submission_names

if TYPE_CHECKING:
    import pandas as pd

KNOWN = "test pictures among the labelled ones"  # shown where there are any


def table(paths: Paths) -> "pd.DataFrame":
    """All submissions but those of ``left_out``, the best on validation first; test columns where scored.

    A CSV that was changed since it was made has neither validation nor forecast.

    Raises:
        UserError: there are none, or none whose recipe can be read.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for name, there in recipe.known(paths, submission_names.names(paths)).items():
        digest = hashlib.sha256(paths.submission(name).read_bytes()).hexdigest()
        made, seen = made_before.of_these_bytes(there, digest), score.read(paths, name)
        row = {
            "submission": name,
            "validation": made.validation.accuracy if made.validation else None,
            "validated rows": f"{made.validation.rows:,}" if made.validation else "-",
            "95% interval": "{:.4f}-{:.4f}".format(*made.validation.interval) if made.validation else "-",
            "forecast": "{:.4f}-{:.4f}".format(*made.forecast.interval) if made.forecast else "-",
            "nets": len(made.networks) or "-",
            "trials": made.trials_finished or "-",
            "features": f"blend of {len(made.parts)}" if made.parts else made.features,
            "models": made.models or "-",
            "split": made.split or "-",
            "public": made.sent[-1].public if made.sent else None,
            "test": seen.accuracy if seen else None,
            "test 95% interval": "{:.4f}-{:.4f}".format(*seen.interval) if seen else "",
            KNOWN: made.test_known,
        }
        rows.append(row)
    if not rows and (damaged := left_out(paths)):
        raise damaged[0]
    if not rows:
        raise UserError(f"{paths.competition} has no submission yet", fix=advice.RUN_PREDICT)
    shown = pd.DataFrame(rows).astype({"validation": float, "public": float, "test": float})
    if not shown[KNOWN].any():
        shown = shown.drop(columns=KNOWN)
    return shown.sort_values("validation", ascending=False, kind="stable")


def left_out(paths: Paths) -> list[UserError]:
    """What is wrong with the submissions whose recipe can't be read, so that they have no row."""
    found = []
    for name in submission_names.names(paths):
        try:
            recipe.read(paths, name)
        except UserError as error:
            found.append(error)
    return found
