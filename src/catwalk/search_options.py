"""What the command's options say about a search: its limits, its scope, and the network of ``try``."""

import argparse
import math
import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from catwalk import command_hints
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths

if TYPE_CHECKING:
    from catwalk.data.competition import Competition
    from catwalk.data.run_context import RunContext
    from catwalk.search.limits import Limits

FOLLOWING = ("try", "predict", "report")  # stages that take the last search's scope where none is given


def check(options: argparse.Namespace, loaded: "Competition") -> None:
    """Check what can be checked before anything is downloaded.

    Raises:
        UserError: an option has a value that is not allowed.
    """
    _features(options, loaded)
    if getattr(options, "folds", "auto") not in ("auto", "1") and options.study is not None:
        raise UserError(
            "folds are trained by one machine, not by a team",
            where=f"FOLDS={options.folds}",
            fix="set FOLDS=1",
        )


def scope(
    options: argparse.Namespace, paths: Paths, loaded: "Competition", say: Callable[[str], None]
) -> str:
    """The scope of the study: FEATURES and MODELS, or the last search's where one of them is not given.

    A later stage follows the search, and says so if that was not one of the default scope.
    """
    from catwalk.data import prepare
    from catwalk.data import scope as scopes
    from catwalk.search import progress

    models, features = getattr(options, "models", None), _features(options, loaded)
    usual = scopes.name(features, models or scopes.DENSE)
    is_given = getattr(options, "features", None) is not None  # FEATURES=auto too

    def agrees(other: str) -> bool:
        is_same = not is_given or features == scopes.features_of(other)
        return is_same and models in (None, scopes.models_of(other))

    if options.stage not in FOLLOWING:
        return usual
    last = progress.last_scope(paths, prepare.load(paths, options.seed), agrees) or usual
    if last != usual:
        command_hints.add("MODELS", scopes.models_of(last))
        if scopes.features_of(last) == "pixels":
            command_hints.add("FEATURES", "pixels")
        say(command_hints.completed(f"{options.stage}: uses the study of the last search, make search"))
    return last


def _features(options: argparse.Namespace, loaded: "Competition") -> str:
    from catwalk.models import features

    return features.resolve(getattr(options, "features", None) or "auto", loaded.shape)


def limits_of(options: argparse.Namespace, context: "RunContext") -> "Limits":
    from catwalk.search import fold_study, limits, study_progress

    count = folds(options, context)
    if options.until is None:
        default = limits.USUAL if options.trials is None else None
        return limits.Limits(options.budget or default, options.trials, count)
    # After folds there is no refit: together, their networks have learned from all labelled rows.
    left = seconds_left(options, may_refit=count == 1, test_rows=len(context.prepared.test_pixels))
    _, known = study_progress.known(context.paths, context.prepared, context.scope)
    spent = known.spent + fold_study.spent(context)
    return limits.Limits(spent + left, options.trials, count, time.time() + left)


def folds(options: argparse.Namespace, context: "RunContext") -> int:
    """FOLDS: by default none in a search, and in the stages after it as in the last search."""
    from catwalk.search import study_progress

    if options.folds != "auto":
        return int(options.folds)
    if options.stage not in FOLLOWING:
        return 1
    return study_progress.known(context.paths, context.prepared, context.scope)[1].folds


def seconds_left(options: argparse.Namespace, may_refit: bool, test_rows: int = 0) -> float:
    """Seconds left for the search so that everything is done by UNTIL; arguments as ``seconds_until``'s.

    Raises:
        UserError: BUDGET= is given as well, or UNTIL= is no time of day or leaves no time for a search.
    """
    from catwalk.search import limits

    if options.budget is not None:
        raise UserError("BUDGET= and UNTIL= can't be used together", fix="give only one of them")
    return limits.seconds_until(options.until, datetime.now(), may_refit, test_rows)


def team_seconds(options: argparse.Namespace, until: float | None) -> float:
    """Seconds in which predict may train networks again that others of the team have found.

    Args:
        options: of the command; after a search in the same command, its budget is the search's.
        until: ``time.time()`` by which they are trained, where UNTIL= asks for it.
    """
    from catwalk.search import limits

    if until is not None:
        return until - time.time()
    budget = options.budget or (limits.USUAL if options.trials is None else math.inf)
    return float(limits.refit_seconds(budget) if options.stage == "all" else budget)


def check_name(options: argparse.Namespace, context: "RunContext", until: float | None) -> None:
    """Check NAME=, also for the trials that a search in the same command will add.

    Args:
        options: of the command, with a name.
        context: of the search.
        until: as for ``team_seconds``.

    Raises:
        UserError: another submission has the name, or will when the search has ended; or it can't be a
            file's name.
    """
    from catwalk.search import search
    from catwalk.submission import made_before, predict

    done = predict.is_done(context, options.name, folds(options, context), team_seconds(options, until))
    if done is None or options.stage != "all":
        return
    if not search.is_done(context, limits_of(options, context)):
        raise made_before.taken(context.paths, done, "trials")


def choice(options: argparse.Namespace) -> dict[str, Any]:
    """The user's choices, as values of the search space."""
    from catwalk.models.space import SPACE

    given = {name: getattr(options, name, None) for name in SPACE}
    choice = {name: value for name, value in given.items() if value is not None}
    if options.widths is not None:
        choice["depth"] = len(options.widths)
        choice |= {f"width_{i + 1}": width for i, width in enumerate(options.widths[:3])}
    return choice
