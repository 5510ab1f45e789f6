"""Predict: chooses trials, averages their networks on the test rows, and writes the submission."""

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from catwalk.core import advice
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths, atomic_write
from catwalk.data import prepare
from catwalk.data.competition import Competition
from catwalk.search import limits, progress, study_progress
from catwalk.search.model_store import is_kept
from catwalk.search.progress import StudyProgress
from catwalk.submission import forecast, recipe, refit, submission_csv, team_models
from catwalk.submission.ensemble import Ensemble
from catwalk.submission.recipe import Recipe, RecipeTrial

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

    from catwalk.search.trial_record import TrialRecord

ATTEMPTS = 3  # a search that runs meanwhile may drop a model between choosing and reading it


def is_done(paths: Paths, prepared: prepare.Prepared, features: str, name: str | None) -> str | None:
    """The submission that was already made from all that the study holds; None where there is none.

    Raises:
        UserError: the name asked for is taken by another submission, or can't be a file's name.
    """
    study, state = study_progress.known(paths, prepared, features)
    if name is not None and not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,80}", name):
        raise UserError(f"NAME={name}", fix="use letters, digits, '-', '_' and '.' only")
    made = submission_csv.names(paths)
    asked = made if name is None else [name] if name in made else []
    known = recipe.known(paths, asked).items()
    same = [one for one, there in known if study and _holds(there, study, state, prepared)]
    if name in made and not same:
        raise UserError(
            f"{paths.shown(paths.submission(str(name)))} is another submission",
            where=f"NAME={name}",
            fix=advice.CHOOSE_NAME,
        )
    return same[-1] if same else None


def _holds(made: Recipe, study: str, state: StudyProgress, prepared: prepare.Prepared) -> bool:
    """Whether a submission was made from this study as far as it went, for these test rows."""
    same = (made.study, made.test_fingerprint) == (study, prepared.test_fingerprint)
    # A team's networks that were not here then may be had now.
    return same and made.trials_finished >= state.finished and not made.missing


def run(
    paths: Paths,
    competition: Competition,
    *,
    seed: int,
    features: str,
    name: str | None,
    until: float | None,
    search: Callable[[], None],
    say: Callable[[str], None],
) -> str:
    """Write ``<name>.csv``, ``<name>.json`` and the probabilities, and return the name.

    Args:
        paths: the competition's.
        competition: what to predict.
        seed: with ``features``, names the study.
        features: a resolved name.
        name: of the submission; None: the time and a hash of the recipe.
        until: ``time.time()`` by which networks are trained again, where UNTIL= asks for it.
        search: runs a search; called where no trial has been completed yet.
        say: takes lines for people.
    """
    prepared = prepare.load(paths, seed)
    if done := is_done(paths, prepared, features, name):
        say(f"predict: done before, {paths.shown(paths.submission(done))} is made from all trials so far")
        return done

    from catwalk.search import study, trial_record

    opened = study.load(paths, prepared, features)
    if opened is None or not study.complete(opened):
        search()
        opened = study.load(paths, prepared, features)
    if opened is None or not study.complete(opened):
        raise UserError("no trial is complete", fix="give the search more time, make search BUDGET=10m")
    key, missing = study.key(opened), 0
    budget = progress.read(paths).get(key, progress.NOTHING).budget or opened.user_attrs.get("budget")
    if paths.team is not None:  # to have the others' networks takes from the same time as the refit
        by = [] if budget is None else [time.time() + limits.REFIT * budget]
        until = min([*by, *filter(None, [until])], default=None)
        missing = team_models.bring(paths, prepared, seed, opened, until, say)
    records = trial_record.of_study(opened)
    finished = len(records)
    for attempt in range(ATTEMPTS):
        try:
            chosen = _choose(paths, prepared, key, study.complete(opened))
            numbers = [trial.number for trial in chosen.trials]
            test = _average(paths, key, numbers, chosen.ensemble, prepared.test_pixels)
            weights = _softmax_weights(paths, opened)
            break
        except FileNotFoundError:
            if attempt == ATTEMPTS - 1:
                raise UserError(
                    f"models are missing below {paths.shown(paths.study)}",
                    fix="run make search with a larger BUDGET, it trains new ones",
                ) from None
    again = _refit(paths, prepared, seed, opened, chosen, until, say)
    if again is not None:
        test = refit.joined(test, again.tests)
    made = _recipe(paths, competition, prepared, key, seed, features, chosen, finished)
    made = replace(made, refit=again.made if again else (), missing=missing)
    name = name or recipe.name_of(made)
    _write(paths, competition, prepared, name, made, chosen, test, weights, records)
    low, high = made.validation.interval
    say(
        f"predict: {paths.shown(paths.submission(name))}, {len(chosen.trials)} of {finished} trials, "
        f"{made.validation.accuracy:.4f} on validation (95% interval {low:.4f} to {high:.4f}; "
        f"best single {made.validation.best_single:.4f})"
    )
    low, high = made.forecast.interval
    say(
        f"  forecast for the test rows: {made.forecast.accuracy:.4f} (95% {low:.4f} to {high:.4f}), "
        "if they are like the training rows"
    )
    return name


@dataclass(frozen=True)
class _Chosen:
    """The trials of an ensemble, how they are joined, its probabilities on validation, what is expected."""

    trials: "list[TrialRecord]"
    ensemble: Ensemble
    validation: npt.NDArray[np.float32]
    best_single: float
    best_number: int
    forecast: forecast.Forecast

    def of_recipe(self) -> tuple[RecipeTrial, ...]:
        """The trials as the recipe keeps them."""
        shares = zip(self.trials, self.ensemble.weights, self.ensemble.temperatures, strict=True)
        return tuple(
            RecipeTrial(
                number=trial.number,
                member=trial.member,
                weight=float(weight),
                temperature=float(temperature),
                validation_accuracy=trial.accuracy,
                seed=trial.seed,
                precision=trial.precision,
                plan=trial.plan,
                params=trial.params,
            )
            for trial, weight, temperature in shares
        )


def _choose(paths: Paths, prepared: prepare.Prepared, study: str, trials: "list[FrozenTrial]") -> _Chosen:
    """Choose by validation alone, among the trials whose networks are kept."""
    from catwalk.data import duplicates
    from catwalk.models import metrics
    from catwalk.search import trial_record
    from catwalk.submission import ensemble

    kept = [trial for trial in trials if is_kept(paths, study, trial.number)]
    if not kept:
        raise FileNotFoundError
    probabilities = np.stack([_probabilities(paths.probabilities(study, t.number)) for t in kept])
    labels = prepared.labels[prepared.validation]
    selected = ensemble.select(probabilities, labels)
    used = np.flatnonzero(selected.weights)
    chosen = Ensemble(selected.weights[used], selected.temperatures[used])
    both = chosen.average(probabilities[used])
    return _Chosen(
        [trial_record.of(kept[i]) for i in used],
        chosen,
        both,
        float(kept[0].value or 0.0),  # they come best first, of equals the earlier one
        kept[0].number,
        forecast.estimate(
            probabilities,
            labels,
            metrics.accuracy(both, labels),
            duplicates.count(prepared).test,
            duplicates.groups(prepared),
        ),
    )


def _probabilities(path: Path) -> npt.NDArray[np.float32]:
    try:
        return np.asarray(np.load(path))
    except (ValueError, EOFError):
        raise UserError(
            f"{path} is damaged",
            fix="move it and the network beside it away, and run make predict with what is left",
        ) from None


def predict_proba(paths: Paths, made: Recipe, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """What a submission's chosen networks say of other pictures: (rows, classes) float32.

    Args:
        paths: the competition's.
        made: the submission's recipe.
        pixels: (rows, pixels) uint8.

    Raises:
        UserError: a network is no longer kept.
    """
    try:
        return _average(paths, made.study, [one.number for one in made.trials], made.ensemble, pixels)
    except FileNotFoundError:
        raise UserError(
            f"a network of this submission is no longer below {paths.shown(paths.study)}",
            fix="make predict NAME=<new name> makes one of those that are",
        ) from None


def _average(
    paths: Paths, study: str, numbers: list[int], joined: Ensemble, pixels: npt.NDArray[np.uint8]
) -> npt.NDArray[np.float32]:
    """(rows, classes) float32: the weighted mean over the networks of these trials."""
    from catwalk.core import tensorflow_setup

    tensorflow_setup.setup()
    from catwalk.models import network

    networks = (network.load(paths.model(study, number)) for number in numbers)
    return joined.average(np.stack([network.probabilities(model, pixels) for model in networks]))


def _refit(
    paths: Paths,
    prepared: prepare.Prepared,
    seed: int,
    opened: "optuna.Study",
    chosen: _Chosen,
    until: float | None,
    say: Callable[[str], None],
) -> refit.Refit | None:
    """Train the weightiest of the chosen again; a study of tries alone has no budget to take it from."""
    if "budget" not in opened.user_attrs:
        return None
    heaviest = [chosen.trials[i] for i in refit.heaviest(chosen.ensemble.weights)]
    return refit.run(paths, prepared, seed, heaviest, opened.user_attrs["budget"], until, say)


def _softmax_weights(paths: Paths, opened: "optuna.Study") -> npt.NDArray[np.float32] | None:
    """(pixels, classes), for the talk: the baseline's only layer; None where its trial never finished."""
    from catwalk.models import network
    from catwalk.search import study

    for trial in study.complete(opened):
        path = paths.model(study.key(opened), trial.number)
        if trial.user_attrs.get("kind") == "softmax" and path.is_file():
            return network.pixel_weights(network.load(path))
    return None


def _recipe(
    paths: Paths,
    competition: Competition,
    prepared: prepare.Prepared,
    key: str,
    seed: int,
    features: str,
    chosen: _Chosen,
    finished: int,
) -> Recipe:
    from catwalk.data import duplicates
    from catwalk.models import metrics
    from catwalk.search import study

    labels, pictures = prepared.labels[prepared.validation], duplicates.count(prepared)
    share = metrics.accuracy(chosen.validation, labels)
    return Recipe(
        competition=competition.name,
        study=key,
        features=features,
        seed=seed,
        fingerprint=prepared.fingerprint,
        test_fingerprint=prepared.test_fingerprint,
        split=prepared.split,
        trials_finished=finished,
        trials=chosen.of_recipe(),
        validation=recipe.Validation(
            rows=len(labels),
            pictures=pictures.validation,
            accuracy=share,
            interval=metrics.wilson(share, pictures.validation),
            best_single=chosen.best_single,
            best_trial=chosen.best_number,
        ),
        forecast=chosen.forecast,
        test_rows=len(prepared.test_ids),
        test_known=pictures.known,
        versions=study.versions(),
        processor=recipe.processor(),
        git_commit=recipe.git_commit(paths.root),
        refit=(),
    )


def _write(
    paths: Paths,
    competition: Competition,
    prepared: prepare.Prepared,
    name: str,
    made: Recipe,
    chosen: _Chosen,
    test: npt.NDArray[np.float32],
    weights: npt.NDArray[np.float32] | None,
    trials: "list[TrialRecord]",
) -> None:
    """The CSV comes last but one and the recipe last: a submission without a recipe is not whole."""
    from catwalk.search import trial_record

    with atomic_write(paths.predictions(name)) as path:
        arrays: dict[str, Any] = {"test": test, "validation": chosen.validation}
        np.savez_compressed(path, **arrays if weights is None else {**arrays, "weights": weights})
    trial_record.write_snapshot(paths, name, trials)
    submission_csv.write(paths.submission(name), prepared.test_ids, test.argmax(axis=1), competition)
    written = paths.submission(name).read_bytes()
    recipe.write(paths, name, replace(made, csv_sha256=hashlib.sha256(written).hexdigest()))
