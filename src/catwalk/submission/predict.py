"""Predict: chooses trials, averages their networks on the test rows, and writes the submission."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from catwalk.core import processes
from catwalk.core.errors import UserError
from catwalk.data import duplicates, prepare, scope
from catwalk.data import folds as data_folds
from catwalk.data.run_context import RunContext
from catwalk.models import metrics
from catwalk.search import fold_study, limits, progress, study_progress
from catwalk.search.progress import Progress
from catwalk.submission import (
    chosen_trials,
    kept_networks,
    made_before,
    out_of_fold,
    predict_summary,
    provenance,
    recipe,
    refit,
    submission_files,
    team_models,
)
from catwalk.submission.chosen_trials import Chosen
from catwalk.submission.recipe import Recipe
from catwalk.submission.submission_files import SubmissionArrays

if TYPE_CHECKING:
    import optuna


ATTEMPTS = 3  # a search that runs meanwhile may drop a model between choosing and reading it


def is_done(
    context: RunContext, name: str | None, folds: int = 1, team_seconds: float = math.inf
) -> str | None:
    """The submission already made from all trials of the study; None if there is none.

    Args:
        context: the competition, its split and scope.
        name: asked for; None: any.
        folds: of out-of-fold validation; 1: none.
        team_seconds: to train a team's networks that were missing.

    Raises:
        UserError: the name asked for is taken by another submission, or can't be a file's name.
    """
    prepared = context.prepared
    study, state = study_progress.known(context.paths, prepared, context.scope)
    count = data_folds.possible(prepared, folds)

    def is_same(made: Recipe) -> bool:
        holds = (
            study is not None and _holds(made, study, state, prepared) and _has_folds(context, made, count)
        )
        return holds and (not made.missing or made.missing <= _out_of_reach(context, team_seconds))

    return made_before.find(context.paths, name, is_same, "trials")


def _has_folds(context: RunContext, made: Recipe, folds: int) -> bool:
    """Whether a submission was made from all that is trained in so many folds."""
    if folds == 1:
        return made.folds == 1
    key, state = fold_study.known(context, folds)
    return made.fold_study == key and made.fold_trainings >= state.finished


def _holds(made: Recipe, study: str, state: Progress, prepared: prepare.Prepared) -> bool:
    """Whether a submission was made from all finished trials of this study, for these test rows."""
    same = (made.study, made.test_fingerprint) == (study, prepared.test_fingerprint)
    is_of_it = same and made_before.is_of_study(made, state.began)
    return is_of_it and made.trials_finished >= state.finished


def _out_of_reach(context: RunContext, seconds: float) -> int:
    """How many of a team's best networks would be missing now; those missing then may be stored by now."""
    opened = _of_team(context)
    return 0 if opened is None else team_models.out_of_reach(context, opened, seconds)


def _of_team(context: RunContext) -> "optuna.Study | None":
    """The study, if it is a team's."""
    if context.paths.team is None:
        return None
    from catwalk.search import study

    return study.load(context.paths, context.prepared, context.scope)


def run(
    context: RunContext,
    name: str | None,
    until: float | None,
    search: Callable[[], None],
    folds: int = 1,
    team_seconds: float = math.inf,
) -> str:
    """Write ``<name>.csv``, ``<name>.json`` and the probabilities, and return the name.

    Args:
        context: the competition, its split and scope.
        name: of the submission; None: the time and a hash of the recipe.
        until: ``time.time()`` by which networks are trained again, where UNTIL= asks for it.
        search: runs a search; called where no trial has been completed yet.
        folds: of out-of-fold validation; 1: the split's validation rows validate.
        team_seconds: to train a team's networks again that can't be copied.

    Raises:
        UserError: the name can't be used, no trial is complete, or a kept file is damaged or missing.
        NetworkError: the team's server can't be reached.
    """
    paths, prepared = context.paths, context.prepared
    if done := is_done(context, name, folds, team_seconds):
        predict_summary.say_already(context, done)
        if (opened := _of_team(context)) is not None:
            team_models.offer(context, opened, until)
        return done
    processes.preload()
    from catwalk.search import trial_record

    opened = _study(context, search)
    was_corrected = study_progress.correct(context, opened)
    missing = 0 if paths.team is None else team_models.bring(context, opened, team_seconds)
    if (missing or was_corrected) and (done := is_done(context, name, folds, team_seconds=0)):
        predict_summary.say_already(context, done)
        if paths.team is not None:
            team_models.offer(context, opened, until)
        return done
    records, count = trial_record.of_study(opened), data_folds.possible(prepared, folds)
    # Of the study and of the folds: what ends meanwhile may not have been looked at.
    key, trained = fold_study.known(context, count) if count > 1 else ("", progress.NOTHING)
    in_folds = _in_folds(context, opened, folds, count) if count > 1 else None
    made, answers = in_folds or _on_split(context, opened, until)
    made = replace(
        made,
        trials_finished=len(records),
        fold_study=key,
        fold_trainings=trained.finished,
        missing=missing,
    )
    name = name or recipe.name_of(made)
    submission_files.write(context, name, made, answers, records)
    predict_summary.say(context, name, made)
    if paths.team is not None:
        team_models.offer(context, opened, until)
    return name


def _study(context: RunContext, search: Callable[[], None]) -> "optuna.Study":
    """The study, with at least one complete trial; runs a search first if there is none.

    Raises:
        UserError: the search, or one that runs here, has no complete trial; another study may be meant; or
            its networks are for pictures of another shape.
    """
    from catwalk.search import shape_change, study

    for attempt in range(2):
        opened = study.load(context.paths, context.prepared, context.scope)
        if opened is not None and study.complete(opened):
            shape_change.check(context, opened)
            return opened
        if attempt == 0:
            if opened is None or not (study.running(opened) or study.finished(opened)):
                progress.refuse_beside_other(context.paths, context.prepared, context.scope)
            progress.refuse_while_training(context.paths, context.prepared, context.scope)
            study_progress.correct(context, opened)
            search()
    raise UserError("no trial is complete", fix="give the search more time: make search BUDGET=10m")


def _in_folds(
    context: RunContext, opened: "optuna.Study", asked: int, count: int
) -> tuple[Recipe, SubmissionArrays] | None:
    """The submission of the configurations that were trained in ``count`` folds; None if there are none.

    Args:
        context: of the search.
        opened: its study.
        asked: FOLDS=.
        count: as many of them as there can be.
    """
    made = out_of_fold.choose(context, opened, count)
    if made is None:
        _, searched = study_progress.known(context.paths, context.prepared, context.scope)
        spent = searched.spent + fold_study.spent(context)
        limit = f"BUDGET={limits.shown(60 * math.ceil(spent / 30))}"  # as much time again
        if searched.budget is None:
            limit = f"TRIALS={searched.finished}"
        none = f"no configuration has all {count} folds yet, so only the validation rows count"
        context.say(f"predict: {none}; for more: make search FOLDS={asked} {limit}")
        return None
    if out_of_fold.is_behind(context, opened, made):
        context.say(
            "predict: the search's own ensemble is clearly better than the folds' networks: it is used"
        )
        return None
    networks = [(made.study, one.number) for one in made.networks]
    answers = _answers(context, opened, made.chosen, networks)
    in_folds = replace(_recipe(context, opened, made.chosen), folds=count, fold_networks=made.networks)
    return in_folds, answers


def _on_split(
    context: RunContext, opened: "optuna.Study", until: float | None
) -> tuple[Recipe, SubmissionArrays]:
    """The submission of the search's own networks, some of them trained again on all labelled rows."""
    chosen, answers = _chosen(context, opened)
    if gone := chosen_trials.gone_in_words(context.paths, opened):
        context.say(f"predict: {gone}")
    again = _refit(context, opened, chosen, until)
    made = _recipe(context, opened, chosen)
    if again is None:
        return made, answers
    test = refit.joined(answers.test, again.tests, again.made, made.trials)
    return replace(made, refit=again.made), replace(answers, test=test)


def _chosen(context: RunContext, opened: "optuna.Study") -> tuple[Chosen, SubmissionArrays]:
    """The ensemble and its predictions; tried again if a search has dropped one of its networks."""
    from catwalk.search import study

    paths, prepared, key = context.paths, context.prepared, study.key(opened)
    for _ in range(ATTEMPTS):
        try:
            chosen = chosen_trials.choose(paths, prepared, key, study.complete(opened))
            networks = [(key, trial.number) for trial in chosen.trials]
            return chosen, _answers(context, opened, chosen, networks)
        except FileNotFoundError:
            continue
    raise chosen_trials.missing(paths)


def _answers(
    context: RunContext, opened: "optuna.Study", chosen: Chosen, networks: list[tuple[str, int]]
) -> SubmissionArrays:
    """The ensemble's predictions; ``networks`` as for ``kept_networks.average_and_weights``."""
    test, weights = kept_networks.average_and_weights(
        context.paths, opened, chosen, networks, context.prepared
    )
    return SubmissionArrays(test, chosen.rows, chosen.validation, weights)


def _refit(
    context: RunContext, opened: "optuna.Study", chosen: Chosen, until: float | None
) -> refit.Refit | None:
    """Retrain the chosen networks with the largest weights; none if the study had no search (only tries)."""
    if "budget" not in opened.user_attrs:
        return None
    heaviest = [chosen.trials[i] for i in refit.heaviest(chosen.ensemble.weights)]
    return refit.run(context, heaviest, opened.user_attrs["budget"], until)


def _recipe(context: RunContext, opened: "optuna.Study", chosen: Chosen) -> Recipe:
    from catwalk.search import study

    prepared = context.prepared
    distinct = duplicates.distinct(prepared, chosen.rows)
    share = metrics.accuracy(chosen.validation, chosen.labels)
    return Recipe(
        competition=context.competition.name,
        study=study.key(opened),
        began=study_progress.known(context.paths, prepared, context.scope)[1].began,
        features=scope.features_of(context.scope),
        models=scope.models_of(context.scope),
        seed=context.seed,
        fingerprint=prepared.fingerprint,
        test_fingerprint=prepared.test_fingerprint,
        split=prepared.split,
        trials_finished=len(study.finished(opened)),
        trials=chosen.recipe_trials(),
        validation=recipe.Validation(
            rows=len(chosen.rows),
            pictures=distinct,
            accuracy=share,
            interval=metrics.wilson(share, distinct),
            best_single=chosen.best_single,
        ),
        forecast=chosen.forecast,
        test_rows=len(prepared.test_ids),
        test_known=duplicates.count(prepared).known,
        versions=study.versions(),
        processor=provenance.processor(),
        git_commit=provenance.git_commit(context.paths.root),
        refit=(),
    )
