"""Results: loads the records of one submission for report and notebooks, and changes nothing."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catwalk.core import advice
from catwalk.core.errors import UNREADABLE_ARRAYS, UserError
from catwalk.core.paths import Paths, competitions_folder
from catwalk.core.plurals import counted
from catwalk.data import competition as competitions
from catwalk.data import duplicates, prepare, test_labels
from catwalk.data.competition import Competition
from catwalk.models import metrics
from catwalk.report import picture_kind
from catwalk.search import trial_record
from catwalk.search.trial_record import TrialRecord
from catwalk.submission import kept_networks, predictions, recipe, score, submission_names
from catwalk.submission.recipe import Recipe
from catwalk.submission.score import ScoreRecord

COMPETITION_VARIABLE = "CATWALK_COMPETITION"  # how report tells the notebook what to show
SUBMISSION_VARIABLE = "CATWALK_SUBMISSION"
DEFAULT = "fashion-mnist"
DARK = 127  # some files have 16 grey values, or two


@dataclass(frozen=True)
class Data:
    """A competition's prepared pictures.

    Attributes:
        competition: what they are.
        prepared: the arrays and the split.
    """

    competition: Competition
    prepared: prepare.Prepared

    def pictures(self, rows: npt.NDArray[np.integer]) -> npt.NDArray[np.uint8]:
        """(len(rows), height, width[, channels]) uint8: the pictures of labelled rows, scaled for display."""
        shown = np.asarray(self.prepared.pixels[rows]).reshape(len(rows), *self.competition.shape)
        if self._brightest > DARK:
            return shown
        return np.minimum(255, shown.astype(np.int64) * (255 // max(1, self._brightest))).astype(np.uint8)

    @cached_property
    def _brightest(self) -> int:
        return int(self.prepared.pixels[self.prepared.train[:5000]].max())

    @cached_property
    def is_ink(self) -> bool:
        """Whether grey pictures are drawn as ink on paper; decided once, by some of the training pictures."""
        return picture_kind.is_ink(self.pictures(self.prepared.train[: picture_kind.SOME]))

    @cached_property
    def distinct(self) -> duplicates.DistinctCounts:
        """The number of distinct pictures in each part."""
        return duplicates.count(self.prepared)


@dataclass(frozen=True)
class Results(Data):
    """The records of one submission.

    Attributes:
        name: of the submission.
        recipe: ``<name>.json``.
        trials: all finished trials at the time.
        rows: (validated rows,) int32, row numbers of those that the submission is validated on.
        labels: (validated rows,) uint8, the true classes.
        validation: (validated rows, classes) float32, the ensemble's probabilities.
        scores: of ``validation`` against ``labels``.
        weights: (pixels, classes) float32 of the softmax baseline, or None where it was not kept.
        filters: (side, side, channels, filters) float32, the first convolution of the ensemble's best
            convolutional network, or None where it has none.
        test_score: what ``make score`` found, or None where it has not looked.
        sealed: whether the test rows' labels are here, sealed.
        looks: how often they were looked at so far, for whatever submission, as far as it is logged here.
        uploads: how often Kaggle has scored one, of whatever submission that is here.
    """

    name: str
    recipe: Recipe
    trials: list[TrialRecord]
    rows: npt.NDArray[np.int32]
    labels: npt.NDArray[np.uint8]
    validation: npt.NDArray[np.float32]
    scores: metrics.Scores
    weights: npt.NDArray[np.float32] | None
    filters: npt.NDArray[np.float32] | None
    test_score: ScoreRecord | None
    sealed: bool
    looks: int
    uploads: int

    @cached_property
    def validated(self) -> int:
        """The number of distinct pictures that validate the submission."""
        return duplicates.distinct(self.prepared, self.rows)

    @property
    def validated_as(self) -> str:
        """What these pictures are called."""
        if self.recipe.folds == 1:
            return "validation pictures"
        return f"labelled pictures ({self.recipe.folds} folds)"

    @property
    def unit(self) -> str:
        """What the accuracy counts: pictures, or rows where some of them are there more than once."""
        return "pictures" if len(self.rows) == self.validated else "rows"

    @property
    def accuracy_of(self) -> str:
        """What the accuracy is a share of: "9 validation pictures", "9 validation rows (4 different ...)"."""
        details = [] if self.unit == "pictures" else [counted(self.validated, "different picture")]
        if self.recipe.folds > 1:
            details.append(f"{self.recipe.folds} folds")
        kind = "validation" if self.recipe.folds == 1 else "labelled"
        words = f"{len(self.rows):,} {kind} {self.unit}"
        return f"{words} ({', '.join(details)})" if details else words

    @property
    def complete(self) -> list[TrialRecord]:
        """The trials that were trained to the end."""
        return [trial for trial in self.trials if trial.is_complete]

    @property
    def best(self) -> TrialRecord:
        """The best complete trial's record."""
        return trial_record.best_first(self.complete)[0]


def load_data(competition: str | None = None, seed: int = 1) -> Data:
    """Load a competition's prepared pictures, by default those of Fashion-MNIST.

    Raises:
        UserError: they are not prepared.
    """
    paths = Paths(project_root(), competition or asked_for())
    return Data(competitions.load(paths), prepare.load(paths, seed))


def load(competition: str | None = None, name: str | None = None, root: Path | None = None) -> Results:
    """Load the records of a submission, by default the newest one for Fashion-MNIST.

    Args:
        competition: its name; None: what report asked for, else fashion-mnist.
        name: the submission's; None: what report asked for, else the newest.
        root: the project's folder; None: here or above.

    Raises:
        UserError: there is no such submission, or its files are damaged.
    """
    competition = competition or asked_for()
    name = name or os.environ.get(SUBMISSION_VARIABLE)
    paths = Paths(root or project_root(), competition)
    loaded = competitions.load(paths)
    chosen = choose(paths, name)
    made = recipe.read(paths, chosen)
    prepared = prepare.load(paths, made.seed)
    if made.fingerprint != prepared.fingerprint:
        raise UserError(f"{chosen} was not made from the data that is prepared now", fix=advice.PREDICT_AGAIN)
    try:
        held = predictions.read(paths.oof(chosen), paths.shown(paths.oof(chosen)))
        weights = kept_networks.read_weights(paths.shown_weights(chosen))
        trials = trial_record.read_snapshot(paths, chosen)
        complete = [trial for trial in trials if trial.is_complete]
        whole = bool(complete) and all(trial.history for trial in complete)
    except UNREADABLE_ARRAYS:
        whole = False
    if not whole:
        raise UserError(
            f"{paths.shown(paths.submission_folder(chosen))} is incomplete",
            fix="run make predict NAME=<new name>",
        )
    rows = prepared.validation if held.rows is None else held.rows
    labels = np.asarray(prepared.labels[rows])
    return Results(
        competition=loaded,
        prepared=prepared,
        name=chosen,
        recipe=made,
        trials=trials,
        rows=rows,
        labels=labels,
        validation=held.probabilities,
        scores=metrics.score(
            held.probabilities.argmax(axis=1), labels, len(loaded.labels), duplicates.distinct(prepared, rows)
        ),
        weights=weights.softmax,
        filters=weights.filters,
        test_score=score.read(paths, chosen),
        sealed=test_labels.are_there(paths),
        looks=len(test_labels.looks(paths)),
        uploads=scored_uploads(paths),
    )


def scored_uploads(paths: Paths) -> int:
    """How many uploads of all submissions here Kaggle has scored.

    Raises:
        NewerRecordError: one of the recipes is of a newer catwalk.
    """
    known = recipe.known(paths, submission_names.unordered(paths))
    return sum(upload.public is not None for made in known.values() for upload in made.sent)


def choose(paths: Paths, name: str | None) -> str:
    """The submission to present: the named one, else the newest with networks of its own.

    Raises:
        UserError: there is no such submission, or it is a blend.
    """
    chosen = submission_names.choose(paths, name)
    others = [] if name else submission_names.names(paths)[::-1]
    known = recipe.known(paths, [chosen, *others])
    own = [one for one, made in known.items() if not made.parts]
    if own or chosen not in known:  # damaged, which reading it will say
        return own[0] if own else chosen
    what = "a blend has no networks of its own to present"
    raise UserError(what, where=chosen, fix="choose one with networks by SUBMISSION=")


def asked_for() -> str:
    """The competition that the notebook should show, by default Fashion-MNIST."""
    return os.environ.get(COMPETITION_VARIABLE) or DEFAULT


def project_root() -> Path:
    """The project's folder: the current one or one above it (a notebook starts in its own folder)."""
    here = Path.cwd()
    return next((p for p in (here, *here.parents) if competitions_folder(p).is_dir()), here)
