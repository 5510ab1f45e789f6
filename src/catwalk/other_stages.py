"""Other stages: what each stage beside the pipeline calls."""

import argparse
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from catwalk import stage_arguments
from catwalk.command_hints import say
from catwalk.core.errors import UserError, shown
from catwalk.core.paths import Paths

if TYPE_CHECKING:
    from catwalk.data.competition import Competition


def _leaderboard(options: argparse.Namespace, paths: Paths, loaded: "Competition") -> None:
    from catwalk.submission import leaderboard

    board = leaderboard.table(paths)
    for line in leaderboard.lines(board):
        say(line)
    if known := leaderboard.known(board):
        say(f"leaderboard: {known}")
    if leaderboard.has_different_rows(board):
        say(f"leaderboard: {leaderboard.DIFFERENT}")
    for error in leaderboard.left_out(paths):
        say(f"leaderboard: left out: {error}")


def _score(options: argparse.Namespace, paths: Paths, loaded: "Competition") -> None:
    from catwalk.submission import score, submission_names

    score.run(paths, loaded, submission_names.choose(paths, options.submission), say)


def _kaggle(options: argparse.Namespace, paths: Paths, loaded: "Competition") -> None:
    from catwalk.data import kaggle_credentials

    for line in kaggle_credentials.described():
        say(line)


def _kernel(options: argparse.Namespace, paths: Paths, loaded: "Competition") -> None:
    from catwalk.course import kernel
    from catwalk.models import features

    features.resolve(options.features, loaded.shape)  # another word is refused before anything is written
    names = ("budget", "seed", "features", "models", "folds")
    choice = {name.upper(): getattr(options, name) for name in names}
    kernel.run(paths, loaded, user=options.user, accelerator=options.accelerator, choice=choice, say=say)


def _wheel(options: argparse.Namespace, paths: Paths, loaded: "Competition") -> None:
    from catwalk.course import kernel

    kernel.make_dist(paths, say)


def _submit(options: argparse.Namespace, paths: Paths, loaded: "Competition") -> None:
    from catwalk.submission import openhpi, submission_names, submit

    request = submit.Request(options.to, options.assignment, options.dry, options.yes, options.force)
    where = openhpi if (options.to or "").strip().casefold() == openhpi.NAME else submit
    where.run(paths, loaded, submission_names.choose(paths, options.submission), request, say)


def _grade(options: argparse.Namespace, paths: Paths, loaded: "Competition") -> None:
    from catwalk.grading import grade

    if options.submissions is None:
        raise UserError("nothing to grade", fix=f"set SUBMISSIONS= to {stage_arguments.SUBMISSIONS}")
    grade.run(paths, loaded, handed=options.submissions, labels=options.labels, final=options.final, say=say)


def _course(options: argparse.Namespace, paths: Paths, loaded: "Competition") -> None:
    from catwalk.course import course

    course.run(paths, options.exercise, budget=options.budget, models=options.models, say=say)


def _blend(options: argparse.Namespace, paths: Paths, loaded: "Competition") -> None:
    from catwalk.data import download, kaggle_names, prepare, split
    from catwalk.data.run_context import RunContext
    from catwalk.submission import blend, blend_parts, submission_names

    submission_names.check_name(options.name)
    if options.parts is None:
        raise UserError(
            "nothing to blend",
            fix=f"set PARTS= to {stage_arguments.PARTS}",
        )
    given = [part.strip() for part in options.parts.split(",")]
    parts = blend_parts.locate(paths, given)  # what is missing is reported before a download
    download.run(paths, loaded, kaggle_names.source_of(options.source, loaded), say)
    seed = next(iter(split.seeds(paths)), 1)  # any split: a blend trains nothing
    prepare.run(paths, loaded, seed, say)
    context = RunContext.load(paths, loaded, seed, scope="", say=say)  # of no study
    blend.run(context, parts, options.name)


def _reproduce(options: argparse.Namespace, paths: Paths, loaded: "Competition") -> None:
    from catwalk.data import download, kaggle_names, prepare, scope
    from catwalk.data.run_context import RunContext
    from catwalk.submission import recipe, reproduce, submission_names

    file = options.recipe or paths.recipe(submission_names.choose(paths, options.submission))
    made = recipe.read_file(file, paths.shown(file))
    if made.competition != paths.competition:
        raise UserError(f"{file.name} belongs to another competition", fix=f"COMPETITION={made.competition}")
    download.run(paths, loaded, kaggle_names.source_of(options.source, loaded), say)
    try:
        prepare.run(paths, loaded, made.seed, say)
        context = RunContext.load(paths, loaded, made.seed, scope.name(made.features, made.models), say)
        reproduce.run(replace(context, workers=options.workers), made, file.stem)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"the recipe is incomplete ({type(error).__name__}: {shown(error)})",
            where=file.name,
            fix="download or copy it again",
        ) from None


def _serve(options: argparse.Namespace, paths: Paths, loaded: "Competition") -> None:
    from catwalk.models import features
    from catwalk.search import postgres_server

    features.resolve(options.features, loaded.shape)  # another word is refused before anything starts
    variables = {"SEED": str(options.seed), "FEATURES": options.features, "MODELS": options.models}
    postgres_server.run(paths, host=options.host, port=options.port, variables=variables, say=say)


def _dashboard(options: argparse.Namespace, paths: Paths, loaded: "Competition") -> None:
    from catwalk.search import dashboard

    dashboard.run(paths, port=options.port, say=say)


# Stages that run no other stage before them.
ALONE: dict[str, Callable[[argparse.Namespace, Paths, "Competition"], None]] = {
    "leaderboard": _leaderboard,
    "score": _score,
    "kaggle": _kaggle,
    "kernel": _kernel,
    "wheel": _wheel,
    "submit": _submit,
    "grade": _grade,
    "course": _course,
    "serve": _serve,
    "dashboard": _dashboard,
    "reproduce": _reproduce,
    "blend": _blend,
}
