"""Leaderboard: compares all submissions in a table."""

import hashlib
import math
from typing import TYPE_CHECKING, Any

from catwalk.core import advice
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.core.plurals import counted
from catwalk.data import scope
from catwalk.submission import made_before, recipe, score, submission_names

if TYPE_CHECKING:
    import pandas as pd

KNOWN = "test pictures among the labelled ones"  # a column where there are any
USUAL = {"SEED": "1", "FEATURES": "auto", "MODELS": scope.DENSE}  # where they are not given
DIFFERENT = "validation accuracies on different rows (another split, folds, a blend) are not comparable"


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
        of_study = _variables(made)
        row = {
            "submission": name,
            "validation": made.validation.accuracy if made.validation else None,
            "rows": f"{made.validation.rows:,}" if made.validation else "-",
            "95% interval": "{:.4f}-{:.4f}".format(*made.validation.interval) if made.validation else "-",
            "forecast": "{:.4f}-{:.4f}".format(*made.forecast.interval) if made.forecast else "-",
            "nets": f"blend of {len(made.parts)}" if made.parts else len(made.networks) or "-",
            "trials": made.trials_finished or "-",
            **of_study,
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


def lines(board: "pd.DataFrame") -> list[str]:
    """A table as text, without columns in which every submission has nothing, or only what is usual."""
    columns = []
    for name in map(str, board.columns):
        cells = [_shown(value) for value in board[name]]
        if name not in ("split", KNOWN) and set(cells) - {"-", USUAL.get(name)}:
            columns.append([name, *cells])
    names, *others = columns
    padded = [[cell.ljust(max(map(len, names))) for cell in names]]
    padded += [[cell.rjust(max(map(len, column))) for cell in column] for column in others]
    return ["  ".join(row) for row in zip(*padded, strict=True)]


def _shown(value: Any) -> str:
    """A cell of the table; "-" where nothing is known."""
    if isinstance(value, float):
        return "-" if math.isnan(value) else f"{value:.4f}"
    return str(value) or "-"


def known(board: "pd.DataFrame") -> str | None:
    """How many test pictures are labelled, in words; None: none is."""
    if KNOWN not in board:
        return None
    most = max(board[KNOWN].tolist())  # they differ where the rows have changed
    return f"{counted(most, 'test picture')} {'is' if most == 1 else 'are'} also among the labelled ones"


def _variables(made: recipe.Recipe) -> dict[str, str]:
    """The variables of the study that it was made from; a blend has none."""
    if not made.study:
        return dict.fromkeys(USUAL, "-")
    features = made.features if made.features == "pixels" else USUAL["FEATURES"]
    return {"SEED": str(made.seed), "FEATURES": features, "MODELS": made.models}


def has_different_rows(board: "pd.DataFrame") -> bool:
    """Whether validation accuracies of a table are of different rows, or may be, as a blend's are."""
    validated = board[board["validation"].notna()]
    return len(validated[["split", "rows"]].drop_duplicates()) > 1


def left_out(paths: Paths) -> list[UserError]:
    """What is wrong with the submissions whose recipe can't be read, so that they have no row."""
    found = []
    for name in submission_names.names(paths):
        try:
            recipe.read(paths, name)
        except UserError as error:
            found.append(error)
    return found
