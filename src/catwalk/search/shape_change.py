"""Shape change: refuses to go on with a study after the TOML's ``shape`` of the pictures was corrected.

The rows' fingerprint, which names the study, is of their values alone: 8x8 and 4x16 have the same.
"""

from typing import TYPE_CHECKING

from catwalk.core.errors import UserError
from catwalk.data.run_context import RunContext
from catwalk.search import progress

if TYPE_CHECKING:
    import optuna

SHAPE = "shape"  # the study's attribute: the TOML's when its first trial was queued


def check(context: RunContext, opened: "optuna.Study") -> None:
    """Check that the study's networks have the TOML's shape, which a new study keeps.

    That of a study which an older catwalk began is not known. A team's, which one member can't begin anew,
    keeps none.

    Raises:
        UserError: it has changed since the study began.
    """
    paths, now = context.paths, list(context.competition.shape)
    if paths.team is not None:
        return
    then = opened.user_attrs.get(SHAPE)
    if then is None:
        if not opened.get_trials(deepcopy=False):
            opened.set_user_attr(SHAPE, now)
    elif [*then, 1][:3] != [*now, 1][:3]:  # one channel may be left out
        raise UserError(
            f"shape is {now}, but the networks of this study were trained with {then}",
            where=paths.shown(paths.toml),
            fix=progress.begin_anew(paths),
        )
