"""Doubtful labels: lists the labels that may be wrong in ``labels.csv``. Nothing is changed by the list."""

import csv

import numpy as np

from catwalk.core.paths import atomic_write
from catwalk.data import raw_rows
from catwalk.data.run_context import RunContext
from catwalk.submission import confident_learning
from catwalk.submission.predictions import Predictions

COLUMNS = (
    "label", "class", "answer", "answer class", "probability of label", "probability of answer",
)  # fmt: skip


def write(context: RunContext, name: str, made: Predictions) -> None:
    """Write the list, the most doubtful label first, and say how many there are.

    Args:
        context: the competition and its prepared rows.
        name: of the submission.
        made: the out-of-fold probabilities.
    """
    assert made.rows is not None
    labels = np.asarray(context.prepared.labels[made.rows])
    found = confident_learning.doubtful(made.probabilities, labels)
    numbers = raw_rows.read(context.paths, len(context.prepared.labels))
    written, classes = context.competition.submitted, context.competition.classes
    with (
        atomic_write(context.paths.doubtful_labels(name)) as path,
        path.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*([numbers.counted] if numbers else []), *COLUMNS])
        for place in found:
            own, said = int(labels[place]), made.probabilities[place]
            answer = int(said.argmax())
            where = [int(numbers.numbers[made.rows[place]])] if numbers else []
            chances = [f"{said[own]:.4f}", f"{said[answer]:.4f}"]
            writer.writerow([*where, written[own], classes[own], written[answer], classes[answer], *chances])
    _say(context, name, len(found), len(labels), numbers is not None)


def _say(context: RunContext, name: str, found: int, labels: int, is_numbered: bool) -> None:
    if not found:
        return
    missing = "" if is_numbered else ", without row numbers, which are not known"
    file = context.paths.shown(context.paths.doubtful_labels(name))
    context.say(f"predict: {found:,} of {labels:,} labels look doubtful, see {file}{missing}")
