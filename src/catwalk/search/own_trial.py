"""Try: trains one network of the user's own choice as a trial of the study."""

import time
from typing import TYPE_CHECKING, Any

from catwalk.core import advice
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.data import prepare
from catwalk.data.run_context import RunContext
from catwalk.search import fold_study, progress, search, study_progress, trial_record

if TYPE_CHECKING:
    import optuna

STUDY_SECONDS = 60  # how long a search may take until it runs a trial


def run(context: RunContext, choice: dict[str, Any]) -> None:
    """Train one network of the user's own choice as a trial of the study, to its last epoch.

    If a search is running, its next free worker takes the trial; else it runs at once, and is not queued
    again if it is stopped.

    Args:
        context: the competition, its split and scope.
        choice: changes to the first configuration of its family.

    Raises:
        UserError: the choice is outside the search space, or the study is of other data.
    """
    from catwalk.models import portfolio, space
    from catwalk.search import own_queue, study

    paths, prepared, scope = context.paths, context.prepared, context.scope
    allowed = context.competition.augment
    family = space.family_for(choice, scope)
    configuration = portfolio.configurations(family, scope, allowed)[0][1]
    params = space.checked({**configuration, **choice}, scope, allowed)
    with progress.lock_if_free(paths) as free:
        if not free or _is_team_at_work(paths, prepared, scope):
            context.say(_queue_try(paths, prepared, scope, params))
            return
        spent = study_progress.known(paths, prepared, scope)[1].spent
        opened, _, number = search.run_trials(context, None, 1, time.monotonic(), spent, params)
    assert number is not None, "it was queued"
    for line in _compared(own_queue.outcome(opened, number), study.complete(opened), prepared):
        context.say(line)


def _is_team_at_work(paths: Paths, prepared: prepare.Prepared, scope: str) -> bool:
    """Whether any machine of the team has workers that would take a queued trial."""
    from catwalk.search import retries, study

    opened = study.load(paths, prepared, scope) if paths.team else None
    if opened is None:
        return False
    retries.run_stale_again(opened)
    return bool(study.running(opened))


def _queue_try(paths: Paths, prepared: prepare.Prepared, scope: str, params: dict[str, Any]) -> str:
    """Queue the user's own network in the study of the running search."""
    from catwalk.search import own_queue, study

    for _ in range(STUDY_SECONDS):  # the search may have begun a moment ago
        opened = study.load(paths, prepared, scope)
        if opened is not None and (paths.team is not None or study.running(opened)):
            number = own_queue.put_first(opened, params, paths.team)
            return f"try: queued as {own_queue.place(opened, number, paths.team)}"
        time.sleep(1)
    what = "a make predict, or a search of other data or another SEED, FEATURES or MODELS, is running here"
    if fold_study.are_running(paths):
        what = "folds are being trained, and no other network meanwhile"
    raise UserError(what, fix=advice.WAIT_OR_END)


def _compared(
    yours: "optuna.trial.FrozenTrial", best: "list[optuna.trial.FrozenTrial]", prepared: prepare.Prepared
) -> list[str]:
    """The rank of the user's own network among the complete trials, or why it has none."""
    if yours.state.name == "FAIL":
        return [f"try: your trial {yours.number} failed: {trial_record.of(yours).reason}"]
    if yours.value is None or yours not in best:
        return [f"try: trial {yours.number} diverged: a lower LEARNING_RATE may help"]
    place = best.index(yours) + 1
    shown = study_progress.shown(prepared, yours.value)
    lines = [f"try: your trial {yours.number}: {shown}, rank {place} of {len(best)}"]
    if place > 1:
        kind = best[0].user_attrs.get("kind", "search")
        shown = study_progress.shown(prepared, best[0].value or 0.0)
        lines.append(f"  the best is trial {best[0].number} ({kind}): {shown}")
    return [*lines, "next: make predict, or another make try"]
