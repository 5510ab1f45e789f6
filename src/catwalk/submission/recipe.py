"""The recipe: ``<name>.json`` beside a submission, which records how it was made."""

import hashlib
import json
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from catwalk.core import records
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths, atomic_write
from catwalk.core.records import NewerRecordError, RecordError
from catwalk.data import scope
from catwalk.models.space import Params
from catwalk.submission.blend_parts import BlendPart
from catwalk.submission.ensemble import Ensemble
from catwalk.submission.forecast import Forecast


@dataclass(frozen=True, kw_only=True)
class RecipeTrial:
    """A chosen network.

    Attributes:
        number, member: of its trial, see ``TrialRecord``.
        validation_accuracy: of the network that is kept here; in folds, of its trial.
        weight, temperature: in the ensemble.
        seed, precision, plan, params: of its training.
    """

    number: int
    member: str | None = None
    weight: float
    temperature: float
    validation_accuracy: float
    seed: int
    precision: str
    plan: tuple[int, ...]
    params: Params


@dataclass(frozen=True)
class RefitNetwork:
    """A network trained again, on training and validation rows together.

    Attributes:
        trial: number of the one it repeats.
        seed: its own.
        epochs: that it had.
        plan: see ``retrain.Task``.
        rows: that it was trained on.
    """

    trial: int
    seed: int
    epochs: int
    plan: tuple[int, ...]
    rows: int


@dataclass(frozen=True)
class FoldNetwork:
    """A network that was trained without one fold.

    Attributes:
        trial: number of the search's trial whose parameters it has.
        fold: that was held out, from 0.
        number: its trial of the folds' study.
        seed, plan: see ``retrain.Task``.
        accuracy: on the fold.
    """

    trial: int
    fold: int
    number: int
    seed: int
    plan: tuple[int, ...]
    accuracy: float


@dataclass(frozen=True, kw_only=True)
class Validation:
    """The ensemble's accuracy on the rows that validate it.

    Those are the split's validation rows; in folds, all labelled rows; of a blend, the labelled rows that all
    its parts have.

    Attributes:
        rows: how many.
        pictures: how many different ones.
        accuracy: share of the rows.
        interval: 95%, by the different pictures.
        best_single: accuracy of the best kept network alone; of a blend, of its best part.
    """

    rows: int
    pictures: int
    accuracy: float
    interval: tuple[float, float]
    best_single: float


@dataclass(frozen=True)
class Upload:
    """One upload of the CSV to Kaggle.

    Attributes:
        to: name of the Kaggle competition.
        sha256: of the bytes sent.
        public: score; None: not known yet.
        ref: Kaggle's number of it.
        time: UTC, ISO 8601; None: sent from elsewhere.
    """

    to: str
    sha256: str
    public: float | None
    ref: int
    time: str | None


@dataclass(frozen=True)
class GraderResult:
    """One result from the course's grader: the grader's name, the exercise, and the accuracy and grade."""

    to: str
    assignment: str
    accuracy: float
    grade: float


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a submission was made, and how it was scored.

    Attributes:
        created: UTC, ISO 8601; "" until it is written.
        competition: its name.
        study: the study's key; "" for a blend, as the next two and ``split``.
        features: a resolved name.
        models: the families of networks that were searched, a key of ``space.MODELS``.
        seed: names the split.
        fingerprint, test_fingerprint, split: of the prepared data.
        trials_finished: in the study then.
        began: when the study did, as ``Progress.began``; "": it is a team's, or there is none.
        trials: the chosen networks, the best first; a blend has none.
        parts: the submissions that a blend joins; () for all others.
        validation, forecast: what is known of the accuracy; None for a blend of which nothing is.
        test_rows: how many.
        test_known: different test pictures that are among the labelled ones.
        versions, processor, git_commit: of what made it.
        refit: the networks that were trained again.
        missing: networks of the team that were not here.
        folds: of out-of-fold validation; 1: the split's validation rows validate.
        fold_study: the key of the folds' study, also where no configuration had all of them; "": none was
            asked for.
        fold_trainings: finished in it then.
        fold_networks: the networks that predict the test rows, by trial as in ``trials``, then by fold.
        csv_sha256: of the CSV; "" until that is written.
        sent: uploads to Kaggle.
        graded: answers of the course's grader.
    """

    SCHEMA_VERSION: ClassVar[int] = 2

    created: str = ""
    competition: str
    study: str
    features: str
    models: str = scope.DENSE
    seed: int
    fingerprint: str
    test_fingerprint: str
    split: str
    trials_finished: int
    trials: tuple[RecipeTrial, ...]
    parts: tuple[BlendPart, ...] = ()
    validation: Validation | None
    forecast: Forecast | None
    test_rows: int
    test_known: int
    versions: dict[str, str]
    processor: str
    git_commit: str | None
    refit: tuple[RefitNetwork, ...]
    missing: int = 0
    folds: int = 1
    fold_study: str = ""
    fold_trainings: int = 0
    fold_networks: tuple[FoldNetwork, ...] = ()
    began: str = ""
    csv_sha256: str = ""
    sent: tuple[Upload, ...] = ()
    graded: tuple[GraderResult, ...] = ()

    @property
    def ensemble(self) -> Ensemble:
        """The chosen networks' weights and temperatures, in their order."""
        weights, temperatures = zip(*((one.weight, one.temperature) for one in self.trials), strict=True)
        return Ensemble(np.array(weights), np.array(temperatures))

    @property
    def networks(self) -> tuple[tuple[str, int], ...]:
        """The networks that predict the test rows, but for refitted ones: each one's study key and number."""
        if self.folds == 1:
            return tuple((self.study, one.number) for one in self.trials)
        return tuple((self.fold_study, one.number) for one in self.fold_networks)


def name_of(recipe: Recipe) -> str:
    """A submission's default name: the UTC time and a short hash of the recipe without its times."""
    content = json.dumps(records.encode(replace(recipe, created="", began="")), sort_keys=True).encode()
    now = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    return f"{now}-{hashlib.blake2b(content, digest_size=3).hexdigest()}"


def write(paths: Paths, name: str, recipe: Recipe) -> None:
    """Write a new submission's recipe."""
    created = recipe.created or datetime.now(UTC).isoformat(timespec="seconds")
    _write(paths.recipe(name), records.encode(replace(recipe, created=created)))


def add_upload(paths: Paths, name: str, upload: Upload) -> None:
    """Store an upload, replacing an earlier entry with the same ref."""
    others = [one for one in read(paths, name).sent if one.ref != upload.ref]
    _change(paths.recipe(name), "sent", [*others, upload])


def add_graded(paths: Paths, name: str, graded: GraderResult) -> None:
    """Store a result from the course's grader."""
    _change(paths.recipe(name), "graded", [*read(paths, name).graded, graded])


def _change(file: Path, key: str, values: list[Any]) -> None:
    """Change one entry of the file, but not its modification time, by which report knows a newer talk."""
    before = file.stat().st_mtime_ns
    content = json.loads(file.read_text(encoding="utf-8"))
    _write(file, {**content, key: [records.encode(value) for value in values]}, before)


def _write(file: Path, content: dict[str, Any], modified: int | None = None) -> None:
    with atomic_write(file) as path:
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        if modified is not None:
            os.utime(path, ns=(modified, modified))


def read(paths: Paths, name: str) -> Recipe:
    """Read a submission's recipe; errors as for ``read_file``."""
    return read_file(paths.recipe(name), paths.shown(paths.recipe(name)))


def read_file(file: Path, shown: str) -> Recipe:
    """Read a recipe.

    Raises:
        UserError: there is none, it is damaged, or of another version.
        NewerRecordError: it is of a newer one.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        such_as = "submissions/<competition>/<name>.json; make leaderboard lists the names"
        raise UserError("no such file", where=shown, fix=f"give a recipe's path, such as {such_as}") from None
    except (OSError, ValueError):
        raise UserError(f"{shown} can't be read", fix="rename it and run make predict") from None
    try:
        return records.decode(Recipe, content, shown)
    except RecordError as error:
        what = f"the recipe is damaged, or of another version of catwalk ({error})"
        fix = "download or copy it again, or run make predict for a new submission"
        raise UserError(what, where=shown, fix=fix) from None


def known(paths: Paths, names: list[str]) -> dict[str, Recipe]:
    """The recipes of these submissions, in order; damaged ones are skipped.

    Raises:
        NewerRecordError: one of them is of a newer catwalk.
    """
    found = {}
    for name in names:
        try:
            found[name] = read(paths, name)
        except NewerRecordError:
            raise
        except UserError:
            continue
    return found
