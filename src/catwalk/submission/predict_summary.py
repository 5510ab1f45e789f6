"""Predict's summary: the lines about the submission that predict has made, or that was there already."""

from catwalk.core.plurals import counted
from catwalk.data import test_labels
from catwalk.data.run_context import RunContext
from catwalk.submission import recipe, submission_names
from catwalk.submission.recipe import Recipe


def say(context: RunContext, name: str, made: Recipe) -> None:
    """Say what a new submission is made from, its accuracy and its forecast."""
    assert made.validation is not None
    assert made.forecast is not None
    low, high = made.validation.interval
    folds, rows = "", "validation"
    if made.folds > 1:
        folds = f" in {made.folds} folds each"
        rows = f"all {made.validation.rows:,} labelled rows, out of fold"
    context.say(
        f"predict: {context.paths.shown(context.paths.submission(name))}, {len(made.trials)} of "
        f"{made.trials_finished} trials{folds}, {made.validation.accuracy:.4f} on {rows} "
        f"(95% interval {low:.4f} to {high:.4f}; best single {made.validation.best_single:.4f})"
    )
    context.say(made.forecast.described())


def say_already(context: RunContext, name: str) -> None:
    """Say that a submission of all trials is there, and what it lacks."""
    csv = context.paths.shown(context.paths.submission(name))
    missing = recipe.read(context.paths, name).missing
    but = f", except for {counted(missing, 'network')} missing here" if missing else ""
    context.say(f"predict: already done, {csv} is made from all trials so far{but}")


def next_step(context: RunContext, name: str) -> str:
    """The commands that present a submission, and that send it, or score it here."""
    paths = context.paths
    which = "" if name == submission_names.choose(paths, None) else f" SUBMISSION={name}"
    step = f"next: make report{which}"
    if context.competition.kaggle_competition is not None:
        return f"{step}, or make submit{which}"
    return f"{step}, or make score{which}" if test_labels.are_there(paths) else step
