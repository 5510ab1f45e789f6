"""Score: scores a submission with the sealed test labels, and stores the score beside it."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from catwalk.core import records
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths, atomic_write
from catwalk.data import duplicates, prepare, prepared_arrays, test_labels
from catwalk.data.competition import Competition
from catwalk.models import metrics
from catwalk.submission import made_before, recipe, submission_csv


@dataclass(frozen=True, kw_only=True)
class ScoreRecord:
    """``score.json`` beside a submission: its latest score.

    Attributes:
        accuracy, interval: on the test rows; the interval is 95%.
        precision, recall, f1: macro means.
        rows: how many.
        pictures: how many different ones.
        known: of those, how many are among the labelled ones.
        looks: how often anybody had looked at the test labels then.
    """

    SCHEMA_VERSION: ClassVar[int] = 1

    accuracy: float
    interval: tuple[float, float]
    precision: float
    recall: float
    f1: float
    rows: int
    pictures: int
    known: int
    looks: int


def read(paths: Paths, name: str) -> ScoreRecord | None:
    """The score that ``run`` stored for a submission; None if there is none.

    Raises:
        UserError: the file is damaged.
        NewerRecordError: it is of a newer catwalk.
    """
    file = paths.score(name)
    if not file.is_file():
        return None
    shown = paths.shown(file)
    try:
        return records.decode(ScoreRecord, json.loads(file.read_text(encoding="utf-8")), shown)
    except ValueError:
        again = f"run make score SUBMISSION={name}, which logs another look at the test labels"
        raise UserError(f"{shown} is damaged", fix=again) from None


def run(paths: Paths, competition: Competition, name: str, say: Callable[[str], None]) -> None:
    """Read the sealed labels once (which is logged), and store the score beside the submission.

    Raises:
        UserError: there are no test labels, the submission is not one for these test rows, or the TOML has
            changed.
    """
    made = recipe.read(paths, name)
    prepared = prepare.load(paths, made.seed)
    made_before.require_these_rows(made, name, prepared)
    prepared_arrays.require_same_toml(paths, competition)
    csv = paths.submission(name)
    content = csv.read_bytes()
    predicted = submission_csv.parse(content, csv.name, prepared.test_ids, competition)
    labels = test_labels.open_labels(paths, "score", name)
    pictures = duplicates.count(prepared)
    scores = metrics.score(predicted, labels, len(competition.labels), pictures.test)
    kept = ScoreRecord(
        accuracy=scores.accuracy,
        interval=scores.interval,
        precision=scores.precision,
        recall=scores.recall,
        f1=scores.f1,
        rows=len(labels),
        pictures=pictures.test,
        known=pictures.known,
        looks=len(test_labels.looks(paths)),
    )
    with atomic_write(paths.score(name)) as path:
        path.write_text(json.dumps(records.encode(kept), indent=2) + "\n", encoding="utf-8")
    known = made_before.of_these_bytes(made, hashlib.sha256(content).hexdigest())
    for line in _told(name, kept, known):
        say(line)
    if known is not made:
        say(f"  {made_before.CHANGED}")
    if competition.full_marks is not None:
        grade = metrics.grade(scores.accuracy, competition.full_marks)
        say(f"  the course would grade it {grade:.0%} (full marks from {competition.full_marks:.0%})")


def _told(name: str, kept: ScoreRecord, made: recipe.Recipe) -> list[str]:
    """The score, compared with the validation accuracy and the forecast."""
    low, high = kept.interval
    times = "once" if kept.looks == 1 else f"{kept.looks} times"
    lines = [
        f"score: {name}: {kept.accuracy:.4f} on {kept.rows:,} test rows "
        f"(95% interval {low:.4f} to {high:.4f}"
        + (f"; validation {made.validation.accuracy:.4f})" if made.validation else ")")
    ]
    if duplicates.are_many(kept.known, kept.pictures):
        lines.append(f"  {duplicates.warning(kept.known, kept.pictures)}")
    if made.forecast is not None:
        low, high = made.forecast.interval
        held = "inside" if low <= kept.accuracy <= high else "outside"
        said = f"{made.forecast.accuracy:.4f} (95% {low:.4f} to {high:.4f})"
        lines.append(f"  the forecast was {said}: the score is {held}")
    return [
        *lines,
        f"  macro precision {kept.precision:.4f}, recall {kept.recall:.4f}, F1 {kept.f1:.4f}; "
        f"the sealed test labels have been read {times}: do not base any choice on this score",
    ]
