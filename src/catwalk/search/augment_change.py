"""Augment change: says that the TOML's ``augment`` is another one than a study's first networks have."""

import shlex
from typing import TYPE_CHECKING

from catwalk.core import edited_files
from catwalk.data.run_context import RunContext

if TYPE_CHECKING:
    import optuna

AUGMENT = "augment"  # the study's attribute: what the TOML allowed when the portfolio was queued first


def remember(context: RunContext, opened: "optuna.Study") -> None:
    """Keep what the TOML allows, before the portfolio is queued for the first time; not in a team's study."""
    if context.paths.team is not None or AUGMENT in opened.user_attrs:
        return
    kinds = (str(trial.user_attrs.get("kind")) for trial in opened.get_trials(deepcopy=False))
    if not any(kind.startswith("portfolio") for kind in kinds):
        opened.set_user_attr(AUGMENT, sorted(context.competition.augment))


def lines(context: RunContext, opened: "optuna.Study") -> list[str]:
    """A line if the TOML has changed since then, for what is queued or trained keeps what it had.

    There is none where it is not known, as of a study that an older catwalk began, and none for a team, of
    which one member can't begin anew.
    """
    paths, known = context.paths, opened.user_attrs.get(AUGMENT)
    if paths.team is not None or known in (None, sorted(context.competition.augment)):
        return []
    free = edited_files.unused(paths.study)  # mv puts it into one that is there
    old, new = (shlex.quote(paths.shown(place)) for place in (paths.study, free))
    return [
        f"search: augment has changed in {paths.shown(paths.toml)} since this study began: to train the "
        f"first networks with it, rename the study's folder: mv {old} {new}"
    ]


def of_done(context: RunContext) -> list[str]:
    """The same for a search that is done: without Optuna, unless the TOML is newer than the last search."""
    paths = context.paths
    if paths.team is not None or not (paths.toml.is_file() and paths.progress.is_file()):
        return []
    if paths.toml.stat().st_mtime_ns <= paths.progress.stat().st_mtime_ns:
        return []
    from catwalk.search import study

    opened = study.load(paths, context.prepared, context.scope)
    return [] if opened is None else lines(context, opened)
