"""Submission files: writes what ``predict`` and ``blend`` make: CSV, recipe, and the folder beside them."""

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from catwalk.core.paths import Paths
from catwalk.data import picture_hashes
from catwalk.data.run_context import RunContext
from catwalk.submission import (
    doubtful_labels,
    kept_networks,
    made_before,
    predictions,
    recipe,
    submission_csv,
    submission_names,
)
from catwalk.submission.predictions import Predictions
from catwalk.submission.recipe import Recipe

if TYPE_CHECKING:
    from catwalk.search.trial_record import TrialRecord


@dataclass(frozen=True)
class SubmissionArrays:
    """Arrays of a submission.

    Attributes:
        test: (test rows, classes) float32, probabilities.
        rows: (validated rows,) int32, numbers of the rows that validate it.
        validation: (validated rows, classes) float32, probabilities.
        weights: of networks, for the talk.
    """

    test: npt.NDArray[np.float32]
    rows: npt.NDArray[np.int32]
    validation: npt.NDArray[np.float32]
    weights: kept_networks.Weights


def write(
    context: RunContext, name: str, made: Recipe, answers: SubmissionArrays, trials: "list[TrialRecord]"
) -> None:
    """Write all files, the CSV and then the recipe last: without a recipe, a submission is incomplete."""
    from catwalk.search import trial_record

    paths = context.paths
    begin(paths, name, made)
    _write_predictions(context, name, answers)
    kept_networks.write_weights(paths.shown_weights(name), answers.weights)
    trial_record.write_snapshot(paths, name, trials)
    finish(context, name, answers.test.argmax(axis=1), made)


def begin(paths: Paths, name: str, made: Recipe) -> None:
    """Mark the submission as unfinished, and remove what an interrupted run of this name has written.

    Raises:
        UserError: the name has been taken since it was checked, which may be minutes ago.
    """
    if name in submission_names.unordered(paths):
        there = recipe.known(paths, [name]).get(name)
        if there is None or not made_before.is_equal(there, made):
            raise made_before.taken(paths, name, "parts" if made.parts else "networks")
        return  # the same command in another process was faster: each file is replaced by its equal
    made_before.require_free(paths, name)
    paths.submission_folder(name).mkdir(parents=True, exist_ok=True)
    paths.unfinished(name).touch()
    of_name = (paths.oof, paths.test_predictions, paths.doubtful_labels, paths.shown_weights, paths.snapshot)
    for path in of_name:
        path(name).unlink(missing_ok=True)


def finish(context: RunContext, name: str, labels: npt.NDArray[np.integer], made: Recipe) -> None:
    """Write the CSV of these (test rows,) positions of classes, then the recipe with its hash."""
    csv = context.paths.submission(name)
    submission_csv.write(csv, context.prepared.test_ids, labels, context.competition)
    digest = hashlib.sha256(csv.read_bytes()).hexdigest()
    recipe.write(context.paths, name, replace(made, csv_sha256=digest))
    context.paths.unfinished(name).unlink(missing_ok=True)


def _write_predictions(context: RunContext, name: str, answers: SubmissionArrays) -> None:
    """Write the probabilities of the test rows, and of the rows that validate the submission."""
    prepared, labels = context.prepared, context.competition.submitted
    hashes = picture_hashes.of(prepared.pixels[answers.rows])
    oof = Predictions(hashes, answers.validation, labels, answers.rows)
    predictions.write(context.paths.oof(name), oof)
    doubtful_labels.write(context, name, oof)
    write_test(context, name, answers.test)


def write_test(context: RunContext, name: str, probabilities: npt.NDArray[np.float32]) -> None:
    """Write ``test.npz`` with these (test rows, classes) probabilities."""
    pictures = picture_hashes.of(context.prepared.test_pixels)
    test = Predictions(pictures, probabilities, context.competition.submitted)
    predictions.write(context.paths.test_predictions(name), test)
