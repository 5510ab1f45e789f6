"""Augment change: says that the TOML's ``augment`` is another one than a study's first networks have."""

from typing import TYPE_CHECKING

from catwalk.data.run_context import RunContext
from catwalk.models import portfolio
from catwalk.search import progress, shape_change

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

    There is none where it is not known, as of a study that an older catwalk began, none for a team, of which
    one member can't begin anew, and none where a new study would begin with the same networks.
    """
    paths, known = context.paths, opened.user_attrs.get(AUGMENT)
    if paths.team is not None or known is None:
        return []
    then, now = (
        portfolio.first(context.scope, tuple(allowed)) for allowed in (known, context.competition.augment)
    )
    if then == now:
        return []
    return [
        f"search: augment has changed in {paths.shown(paths.toml)} since this study began: to train the "
        f"first networks with it, {progress.begin_anew(paths)}"
    ]


def of_done(context: RunContext) -> list[str]:
    """The same for a search that is done: without Optuna, unless the TOML is newer than the last search.

    Raises:
        UserError: the shape has changed since then.
    """
    paths = context.paths
    if paths.team is not None or not (paths.toml.is_file() and paths.progress.is_file()):
        return []
    if paths.toml.stat().st_mtime_ns <= paths.progress.stat().st_mtime_ns:
        return []
    from catwalk.search import study

    opened = study.load(paths, context.prepared, context.scope)
    if opened is None:
        return []
    shape_change.check(context, opened)
    return lines(context, opened)
