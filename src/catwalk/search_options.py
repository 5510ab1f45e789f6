"""What the command's options say about a search: its limits, its scope, and the network of ``try``."""

import argparse
from datetime import datetime
from typing import TYPE_CHECKING, Any

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


def scope(options: argparse.Namespace, paths: Paths, loaded: "Competition") -> str:
    """The scope of the study: FEATURES and MODELS, or the last search's where neither is given."""
    from catwalk.data import prepare
    from catwalk.data import scope as scopes
    from catwalk.search import progress

    models, features = getattr(options, "models", None), getattr(options, "features", "auto")
    if options.stage in FOLLOWING and models is None and features == "auto":
        last = progress.last_scope(paths, prepare.load(paths, options.seed))
        if last is not None:
            return last
    return scopes.name(_features(options, loaded), models or scopes.DENSE)


def _features(options: argparse.Namespace, loaded: "Competition") -> str:
    from catwalk.models import features

    return features.resolve(getattr(options, "features", "auto"), loaded.shape)


def limits_of(options: argparse.Namespace, context: "RunContext") -> "Limits":
    from catwalk.search import limits, study_progress

    if options.until is None:
        default = 600.0 if options.trials is None else None
        return limits.Limits(options.budget or default, options.trials)
    left = until(options)
    _, known = study_progress.known(context.paths, context.prepared, context.scope)
    return limits.Limits(known.spent + left, options.trials)


def until(options: argparse.Namespace) -> float:
    """Seconds left for the search so that everything is done by UNTIL."""
    from catwalk.search import limits

    if options.budget is not None:
        raise UserError("BUDGET= and UNTIL= can't be used together", fix="give only one of them")
    return limits.seconds_until(options.until, datetime.now())


def choice(options: argparse.Namespace) -> dict[str, Any]:
    """The user's choices, as values of the search space."""
    from catwalk.models.space import SPACE

    given = {name: getattr(options, name, None) for name in SPACE}
    choice = {name: value for name, value in given.items() if value is not None}
    if options.widths is not None:
        choice["depth"] = len(options.widths)
        choice |= {f"width_{i + 1}": width for i, width in enumerate(options.widths[:3])}
    return choice
