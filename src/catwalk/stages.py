"""The stages of the pipeline: what each of them calls, and which stages run before it."""

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from catwalk import arguments, command_hints, search_options
from catwalk.command_hints import say
from catwalk.core.errors import without_url_passwords
from catwalk.core.paths import Paths
from catwalk.other_stages import ALONE
from catwalk.search.limits import more_seconds

if TYPE_CHECKING:
    from catwalk.data.competition import Competition
    from catwalk.data.run_context import RunContext


def _say_but_next(line: str) -> None:
    """Print a line, unless it announces the next stage, which ``all`` runs anyway."""
    if not line.startswith("next: "):
        say(line)


def run(options: argparse.Namespace, started: float) -> None:
    """Run the requested stage, and first the stages whose results it needs.

    Args:
        options: as ``arguments.parse`` gives them.
        started: ``time.monotonic()`` of the command's start.

    Raises:
        CatwalkError: what went wrong, for the person who typed the command.
    """
    from catwalk.core import macos
    from catwalk.core.team import Team
    from catwalk.data import competition

    shared = [getattr(options, name, None) for name in ("study", "member", "artifacts")]
    paths = Paths(Path.cwd(), options.competition, Team.from_options(*shared))
    is_new = options.stage == "new" or (options.stage == "all" and competition.is_new(paths, options.source))
    if is_new:
        _new(options, paths)
        if Path(options.source).exists():  # also where its name is that of a source
            options.source = str(Path(options.source).resolve())
    if options.stage == "new":
        return
    loaded = competition.load(paths)
    if options.stage == "all" and not is_new and (choice := _choice(options)):
        from catwalk.data import toml_choices

        toml_choices.check(loaded, choice, say)
    if paths.team is not None:
        from catwalk.core import extras

        extras.ensure("psycopg", say)
    if options.stage in arguments.TRAINING:
        macos.prevent_idle_sleep()
    if options.stage in ALONE:
        ALONE[options.stage](options, paths, loaded)
    elif options.stage == "report" and (options.submission is not None or _has_submission(paths)):
        _report(options, paths, loaded)
    else:
        _run_making(options, paths, loaded, started)


def _choice(options: argparse.Namespace) -> dict[str, str]:
    """What the user decides of a competition's TOML: LABEL=, SHAPE= and so on."""
    from catwalk.data import toml_choices

    return {name: value for name in toml_choices.CHOICES if (value := getattr(options, name.lower()))}


def _new(options: argparse.Namespace, paths: Paths) -> None:
    """Look at a competition's files, write its TOML, and a picture of ten samples."""
    from catwalk.core.paths import atomic_write
    from catwalk.data import new_competition

    if options.stage == "all":
        source = without_url_passwords(options.source)
        say(f"all: {paths.competition} has no TOML yet: looking at {source} first")
    samples = new_competition.run(paths, options.source, _choice(options), say)
    if samples is None:
        say("new: some rows can't be read: run make data, which names the first")
        return
    from catwalk.report import drawing, sample_pictures

    with atomic_write(paths.samples) as aside:
        aside.write_bytes(drawing.png(sample_pictures.draw(samples.pictures, samples.names)))
    shows = f"{paths.shown(paths.samples)} shows"
    lying = f"write transpose = true in {paths.shown(paths.toml)}"
    height, width = samples.pictures.shape[1:3]
    place = "shape"
    if command_hints.in_notebook():  # which shows the picture, and keeps no TOML
        shows, lying = "here are", command_hints.decided("TRANSPOSE", "true")
        place = "SHAPE" if options.shape else ""  # one that was found is exchanged anyway
    if height != width and place:
        lying += f", and exchange height and width in {place}"
    say(f"new: {shows} ten of the pictures: if they lie on their side, {lying}")
    if options.stage == "new":
        say("next: make all")


def _report(options: argparse.Namespace, paths: Paths, loaded: "Competition") -> None:
    """Present a submission that is there, and say which later or other results it does not show."""
    from catwalk.report import other_results, report, results

    name = results.choose(paths, options.submission)
    report.run(paths, name, say)
    if options.submission is not None:
        return
    usual = arguments.defaults("report")
    given = {one: str(getattr(options, one.lower())) for one in other_results.VARIABLES}
    asked = {one: value for one, value in given.items() if value != str(usual[one])}
    if line := other_results.line(paths, loaded, name, asked):
        say(line)


def _has_submission(paths: Paths) -> bool:
    from catwalk.submission import recipe, submission_names

    names = submission_names.names(paths)
    blends = [one for one, made in recipe.known(paths, names).items() if made.parts]
    return len(names) > len(blends)  # also a damaged one, which reading it will say


def _run_making(options: argparse.Namespace, paths: Paths, loaded: "Competition", started: float) -> None:
    """Run a stage and all stages before it; those that are done already are skipped."""
    from catwalk.data import download, kaggle_names

    search_options.check(options, loaded)
    until = None
    if getattr(options, "until", None) is not None:  # a time in the past is reported before a download
        until = time.time() + search_options.seconds_left(options, may_refit=False)  # the refit's end
    download.run(paths, loaded, kaggle_names.source_of(options.source, loaded), say)
    if options.stage == "data":
        return
    from catwalk.data import prepare
    from catwalk.data.run_context import RunContext

    has_changed = prepare.run(paths, loaded, options.seed, say)
    context = RunContext.load(
        paths, loaded, options.seed, search_options.scope(options, paths, loaded, say), say
    )
    if has_changed:
        _say_what_stays(context)
    context = replace(context, workers=getattr(options, "workers", None))
    if until is not None:
        until -= more_seconds(len(context.prepared.test_pixels))
    if getattr(options, "name", None) is not None:
        search_options.check_name(options, context, until)  # before the search, not after it
    if options.stage == "try":
        from catwalk.search import own_trial

        own_trial.run(context, search_options.choice(options))
    if options.stage in ("all", "search"):
        _search(options, context, started)
    if options.stage in ("all", "predict", "report"):
        _predict(options, context, until)


def _search(options: argparse.Namespace, context: "RunContext", started: float) -> None:
    from catwalk.search import search

    # In "all" the budget is the search's alone, however long the download took.
    by_clock = options.until is not None  # what is left until then is counted from now
    begun = started if options.stage == "search" and not by_clock else time.monotonic()
    run = context if options.stage == "search" else replace(context, say=_say_but_next)
    limits = search_options.limits_of(options, context)
    searching = run if limits.folds == 1 else replace(run, say=_say_but_next)
    search.run(searching, limits, options.workers, begun)
    if limits.folds == 1:
        return
    from catwalk.submission import fold_configurations

    command = "make all" if options.stage == "all" else "make search"
    if fold_configurations.run(run, limits, options.workers, command):
        run.say("next: make predict")
        return
    if search.is_done(context, limits.without_folds()):
        run = replace(run, say=lambda _: None)  # the search has said above that it is done
        options.folds = "1"  # predict would say once more that there are none
    search.run(run, limits.without_folds(), options.workers, time.monotonic())  # no time is left unused


def _predict(options: argparse.Namespace, context: "RunContext", until: float | None) -> None:
    """Run predict and, unless only predict was requested, report."""
    from catwalk.submission import predict, predict_summary

    def search() -> None:
        _search(options, context, time.monotonic())

    folds = search_options.folds(options, context)
    seconds = search_options.team_seconds(options, until)
    name = predict.run(context, getattr(options, "name", None), until, search, folds, seconds)
    if options.stage == "predict":
        say(predict_summary.next_step(context, name))
        return
    from catwalk.report import report

    report.run(context.paths, name, say)


def _say_what_stays(context: "RunContext") -> None:
    """Say that the rows have changed, and what happens to the study of the old rows."""
    from catwalk.search import progress

    if old := progress.of_other_rows(context.paths, context.prepared.fingerprint):
        stays = f'the study of the old rows ({old}) is kept, and "make search" will start a new one'
        say(f"prepare: the rows have changed; {stays}")
