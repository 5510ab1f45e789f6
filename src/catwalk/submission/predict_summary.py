"""Predict's summary: the lines about the submission that predict has made, or that was there already."""

from catwalk.data.run_context import RunContext
from catwalk.submission import recipe
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
    low, high = made.forecast.interval
    context.say(
        f"  forecast for the test rows: {made.forecast.accuracy:.4f} (95% {low:.4f} to {high:.4f}), "
        "if they are like the training rows"
    )


def say_already(context: RunContext, name: str) -> None:
    """Say that a submission of all trials is there, and what it lacks."""
    csv = context.paths.shown(context.paths.submission(name))
    missing = recipe.read(context.paths, name).missing
    but = f", except for {missing} networks that are missing here" if missing else ""
    context.say(f"predict: already done, {csv} is made from all trials so far{but}")
