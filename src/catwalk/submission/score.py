"""Score: a submission against the sealed labels; and the leaderboard of all submissions."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from catwalk.core import advice
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths, atomic_write
from catwalk.data import duplicates, prepare, test_labels
from catwalk.data.competition import Competition
from catwalk.models import metrics
from catwalk.submission import recipe, submission_csv

if TYPE_CHECKING:
    import pandas as pd


KNOWN = "test pictures among the labelled"  # shown where there are any


def run(paths: Paths, competition: Competition, name: str, say: Callable[[str], None]) -> None:
    """Look at the sealed labels once (logged), and keep what came out beside the submission.

    Raises:
        UserError: there are no test labels, or the submission is not one for these test rows.
    """
    content = recipe.read(paths, name)
    prepared = prepare.load(paths, content["seed"])
    if content["test_fingerprint"] != prepared.test_fingerprint:
        raise UserError(
            f"{name} was made for other test rows than those prepared here", fix=advice.PREDICT_AGAIN
        )
    predicted = submission_csv.read(paths.submission(name), prepared.test_ids, competition)
    labels = test_labels.open_labels(paths, "score", name)
    pictures = duplicates.count(prepared)
    scores = metrics.score(predicted, labels, len(competition.labels), pictures.test)
    looks = len(test_labels.looks(paths))
    with atomic_write(paths.score(name)) as path:
        kept = {
            "accuracy": scores.accuracy,
            "interval": list(scores.interval),
            "precision": scores.precision,
            "recall": scores.recall,
            "f1": scores.f1,
            "rows": len(labels),
            "pictures": pictures.test,
            "known": pictures.known,
            "looks": looks,
        }
        path.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    low, high = scores.interval
    expected = content["forecast"]
    say(
        f"score: {name}: {scores.accuracy:.4f} on {len(labels):,} test rows "
        f"(95% interval {low:.4f} to {high:.4f}; validation said {content['validation']['accuracy']:.4f})"
    )
    if pictures.known:
        say(f"  {duplicates.warning(pictures.known, len(labels))}")
    low, high = expected["interval"]
    held = "inside" if low <= scores.accuracy <= high else "outside"
    say(f"  the forecast was {expected['accuracy']:.4f} (95% {low:.4f} to {high:.4f}): the score is {held}")
    say(
        f"  macro precision {scores.precision:.4f}, recall {scores.recall:.4f}, F1 {scores.f1:.4f}; "
        f"look number {looks} at these labels: choose nothing by it"
    )

    if competition.full_marks is not None:
        grade = metrics.grade(scores.accuracy, competition.full_marks)
        say(f"  the course would grade it {grade:.0%} (full marks from {competition.full_marks:.0%} right)")


def leaderboard(paths: Paths) -> "pd.DataFrame":
    """All submissions, the best on validation first; test columns where ``make score`` looked.

    Raises:
        UserError: there are none.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for name, content in recipe.known(paths, submission_csv.names(paths)).items():
        said = content["validation"]
        row = {
            "submission": name,
            "validation": said["accuracy"],
            "95% interval": "{:.4f}-{:.4f}".format(*said["interval"]),
            "forecast": "{:.4f}-{:.4f}".format(*content["forecast"]["interval"]),
            "nets": len(content["trials"]),
            "trials": content["trials_finished"],
            "features": content["features"],
            "split": content["split"],
            "public": (content.get("sent") or [{}])[-1].get("public"),
            "test": None,
            "test 95% interval": "",
            KNOWN: content.get("test_known", 0),
        }
        if paths.score(name).is_file():
            seen = json.loads(paths.score(name).read_text(encoding="utf-8"))
            row |= {
                "test": seen["accuracy"],
                "test 95% interval": "{:.4f}-{:.4f}".format(*seen["interval"]),
            }
        rows.append(row)
    if not rows:
        raise UserError(f"{paths.competition} has no submission yet", fix=advice.RUN_PREDICT)
    table = pd.DataFrame(rows).astype({"public": float, "test": float})
    if not table[KNOWN].any():
        table = table.drop(columns=KNOWN)
    return table.sort_values("validation", ascending=False, kind="stable")
