"""Try: trains one network of the user's own choice as a trial of the study."""

import time
from typing import TYPE_CHECKING, Any

from catwalk.core import advice
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.core.stop_signals import unstopped
from catwalk.data import prepare
from catwalk.data.run_context import RunContext
from catwalk.search import fold_study, progress, search, study_progress, trial_record

if TYPE_CHECKING:
    import optuna

STUDY_SECONDS = 60  # how long a search may take until it runs a trial, or what else trains here until it ends


def run(context: RunContext, choice: dict[str, Any]) -> None:
    """Train one network of the user's own choice as a trial of the study, to its last epoch.

    If a search is running, its next free worker takes the trial; else it runs as soon as nothing else trains
    here, and is not queued again if it is stopped.

    Args:
        context: the competition, its split and scope.
        choice: changes to the first configuration of its family.

    Raises:
        UserError: the choice is outside the search space, or the study is of other data.
    """
    from catwalk.models import portfolio, space

    allowed = context.competition.augment
    family = space.family_for(choice, context.scope)
    configuration = portfolio.configurations(family, context.scope, allowed)[0][1]
    _train_or_queue(context, space.checked({**configuration, **choice}, context.scope, allowed))


def _train_or_queue(context: RunContext, params: dict[str, Any]) -> None:
    """Train the network as soon as nothing else trains here, or queue it for the search that does.

    Raises:
        UserError: something else trained here all the while.
    """
    from catwalk.search import own_queue, study

    paths = context.paths
    opened: optuna.Study | None = None
    for second in range(STUDY_SECONDS):
        with progress.lock_if_free(paths) as free:
            if free and not _is_team_at_work(context):
                _train(context, params)
                return
        opened = opened or study.load(paths, context.prepared, context.scope)
        if opened is not None:
            is_here = not free and _is_searched(paths, opened)
            if is_here or own_queue.others(opened, paths.team):
                _queue(context, opened, params, is_here)
                return
        if second == 0:
            context.say(f"try: another command trains networks here: waiting up to {STUDY_SECONDS} s")
        time.sleep(1)
    if opened is not None and (paths.team is not None or study.running(opened)):  # a search may be suspended
        _queue(context, opened, params, is_here=False)
        return
    what = "a predict, or a search of other data or another SEED, FEATURES or MODELS, is running here"
    if fold_study.are_running(paths):
        what = "folds are being trained, and no other network meanwhile"
    raise UserError(what, fix=advice.WAIT_OR_END)


def _is_team_at_work(context: RunContext) -> bool:
    """Whether another machine of the team has workers that would take a queued trial.

    Trials of this one are those of a run that was killed: nothing trains here.
    """
    from catwalk.search import own_queue, retries, study

    paths = context.paths
    opened = study.load(paths, context.prepared, context.scope) if paths.team else None
    if opened is None:
        return False
    retries.run_stale_again(opened)
    return bool(own_queue.others(opened, paths.team))


def _is_searched(paths: Paths, opened: "optuna.Study") -> bool:
    """Whether what trains here is a search of this study, or another try; a killed one leaves trials, too."""
    from catwalk.search import study

    return bool(study.running(opened)) and progress.at_work(paths) == study.key(opened)


def _train(context: RunContext, params: dict[str, Any]) -> None:
    """Train the network in a run of its own, and say how good it is."""
    from catwalk.search import own_queue, study

    spent = study_progress.known(context.paths, context.prepared, context.scope)[1].spent
    opened, _, number = search.run_trials(context, None, 1, time.monotonic(), spent, params)
    assert number is not None, "it was queued"
    for line in _compared(own_queue.outcome(opened, number), study.complete(opened), context.prepared):
        context.say(line)


def _queue(context: RunContext, opened: "optuna.Study", params: dict[str, Any], is_here: bool) -> None:
    """Queue the network, for a search that runs here or a later one, and say where it is."""
    from catwalk.search import own_queue

    team = context.paths.team
    with unstopped():  # else a trial that is put behind it could be lost
        number = own_queue.put_first(opened, params, team)
        context.say(f"try: queued as {own_queue.place(opened, number, team, is_here)}")


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
    return [*lines, "next: make predict, or try another network"]
