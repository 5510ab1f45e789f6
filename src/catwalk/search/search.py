"""The search: runs trials until a limit is reached, and prints a summary."""

import contextlib
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from catwalk.core import disk_space, gpus, processes, shared_table
from catwalk.core.errors import MachineError
from catwalk.core.plurals import counted
from catwalk.data import duplicates, prepare
from catwalk.data import scope as scopes
from catwalk.data.run_context import RunContext
from catwalk.search import augment_change, fold_study, limits, model_store, progress, study_progress
from catwalk.search.limits import Limits
from catwalk.search.progress import Progress

if TYPE_CHECKING:
    import optuna

    from catwalk.models.portfolio import Room
    from catwalk.search.supervisor import Supervisor
    from catwalk.search.worker_pool import Workers

ENOUGH = Limits(180.0, 10)  # the least that is advised after a search that ended too early
ENOUGH_ROWS, ENOUGH_SIDE = 10_000, 14  # training rows, and pixels, from which convolutional networks pay
STARTING = 20.0  # seconds of a search before its first long training begins, and after it ended


def run(context: RunContext, asked: Limits, workers: int | None, started: float) -> None:
    """Search until a limit is reached; an existing study is continued.

    Args:
        context: the competition, its split and scope.
        asked: when to end.
        workers: processes; None: as many as ``limits.workers`` says.
        started: ``time.monotonic()`` of the command's start, from which the budget counts.

    Raises:
        UserError: another search runs, or the study is of other data or another shape.
        MachineError: no worker can be kept alive, or there is not enough memory for so many.
    """
    paths, prepared, say = context.paths, context.prepared, context.say
    key, before = study_progress.known(paths, prepared, context.scope)
    in_folds = fold_study.spent(context)
    limits_here = asked.of_search(in_folds)
    if limits_here.reached(before.spent, before.finished, before.full):
        changed = augment_change.of_done(context)  # before progress.json, whose time it reads, is written
        study_progress.restore_table(context, before.finished)
        is_last = progress.last_scope(paths, prepared) == context.scope
        if key is not None and not (is_last and before.folds == asked.folds):  # later stages follow it
            progress.write(paths, key, replace(before, folds=asked.folds))
        best = study_progress.best(prepared, before)
        say(_already(before, asked, limits_here.budget, in_folds, best))
        for line in [*_offered(context), *changed]:
            say(line)
        return
    count = limits.workers(workers)
    disk_space.require(paths.prepared, disk_space.SEARCH + _table_growth(context, asked), "for a search")
    old = progress.of_other_rows(paths, prepared.fingerprint)
    if old and not before.finished:
        say(f"search: starting a new study (fingerprint {prepared.fingerprint}); others are kept ({old})")
    for line in [] if before.finished else _beside_other(context):
        say(line)
    for line in [*_repeated(prepared), *gpus.described()]:
        say(line)
    with progress.locked(paths):
        opened, spent, _ = run_trials(context, limits_here, count, started, before.spent)
    for line in _summary(opened, spent, context, asked):
        say(line)


def is_done(context: RunContext, asked: Limits) -> bool:
    """Whether a search with these limits has nothing left to do."""
    _, before = study_progress.known(context.paths, context.prepared, context.scope)
    return asked.of_search(fold_study.spent(context)).reached(before.spent, before.finished, before.full)


def _offered(context: RunContext) -> list[str]:
    """Store networks for the team that were trained before there was a place for them; what could not be."""
    if context.paths.team is None:
        return []
    from catwalk.search import study
    from catwalk.search.offering import Offering

    opened = study.load(context.paths, context.prepared, context.scope)
    return [] if opened is None else list(Offering(context.paths, opened).end())


def _table_growth(context: RunContext, asked: Limits) -> int:
    """Bytes of disk space that the features of this search's first networks will need, at least."""
    from catwalk.models import features, portfolio

    allowed = context.competition.augment
    first = portfolio.first(context.scope, allowed)[: asked.trials]
    has_table = any(params["view"] == "patches" for _, params in first)
    return features.table_growth(context.paths, context.prepared, "flip" in allowed) if has_table else 0


def _beside_other(context: RunContext) -> list[str]:
    """That a study begins beside another one of the same rows: SEED= or MODELS= may have been forgotten."""
    other = progress.other_study(context.paths, context.prepared, context.scope)
    if other is None:
        return []
    ours, theirs, finished = other
    trials = counted(finished, "trial")
    return [f"search: this starts a new study ({ours}); there is one of {theirs} with {trials}"]


def _repeated(prepared: prepare.Prepared) -> list[str]:
    """A warning about identical pictures with different labels, if there are any."""
    count = duplicates.count(prepared).two_labels
    some = "1 picture has" if count == 1 else f"{count:,} pictures have"
    wrong = f"search: {some} more than one label in the labelled rows: some labels are wrong"
    return [wrong] if count else []


def run_trials(
    context: RunContext,
    asked: Limits | None,
    count: int,
    started: float,
    spent_before: float,
    yours: dict[str, Any] | None = None,
) -> tuple["optuna.Study", float, int | None]:
    """Make the study while TensorFlow is being imported; then start the workers and supervise them.

    Args:
        context: the competition, its split and scope.
        asked: the search's limits; None: only ``yours`` is trained, and what waits before it, see also
            ``own_queue.left``.
        count: of workers.
        started: ``time.monotonic()`` at which this run began.
        spent_before: seconds of search in earlier runs.
        yours: the parameters of a network of the user's own; None: there is none.

    Returns:
        The study, the seconds of search so far in all runs, and the number of the trial of ``yours``.
    """
    from catwalk.search.display import Display
    from catwalk.search.worker_pool import Workers

    paths, scope = context.paths, context.scope
    with Display() as display:
        processes.preload()
        workers = Workers(paths, context.seed, scope, 1)
        try:
            from catwalk.search import own_queue, shape_change, study
            from catwalk.search.supervisor import Supervisor

            opened = study.create(paths, context.prepared, scope)
            shape_change.check(context, opened)
            model_store.drop_unfinished(paths, study.key(opened))
            room = None if asked is None else _room(context, asked, count, spent_before)
            if asked is not None:
                most = None if room is None else room.conv_width()
                opened.set_user_attr(study.most_channels(paths), most)
            _enqueue_first(opened, context, room, is_try=yours is not None)
            if asked is not None:
                study.set_budget(opened, asked.budget, is_shared=paths.team is not None)
            with own_queue.in_this_run(opened, yours, paths.team) as number:
                if asked is None:
                    before = sum(number is None or one.number <= number for one in study.waiting(opened))
                    asked = Limits(None, len(study.finished(opened)) + before)
                for _ in range(count):
                    workers.start()
                supervisor = Supervisor(paths, asked, started, spent_before, display, number)
                _supervise(supervisor, opened, workers, context)
        finally:
            workers.kill()
            shared_table.drop_abandoned(paths.prepared)
    spent = supervisor.spent()
    for line in supervisor.offering.end():
        context.say(line)
    return opened, spent, number


def _enqueue_first(opened: "optuna.Study", context: RunContext, room: "Room | None", is_try: bool) -> None:
    """Queue the first networks of a search, of which a try needs the baselines alone."""
    from catwalk.models import portfolio
    from catwalk.search import first_trials

    first = portfolio.first(context.scope, context.competition.augment, room)
    if is_try:
        first = [(kind, params) for kind, params in first if kind in portfolio.BASELINES]
    else:
        augment_change.remember(context, opened)
        for line in augment_change.lines(context, opened):
            context.say(line)
    first_trials.enqueue(opened, first)


def _supervise(
    supervisor: "Supervisor", opened: "optuna.Study", workers: "Workers", context: RunContext
) -> None:
    """Run the search; if it ends before its limits, say what still waits, which else the summary says."""
    from catwalk.search import own_queue

    try:
        supervisor.run(opened, workers)
    except BaseException:
        with contextlib.suppress(Exception):  # the study's storage may be what has failed
            if waits := own_queue.still_waiting(opened, context.paths.team):
                context.say(f"search: {waits}")
        raise


def _room(context: RunContext, asked: Limits, workers: int, spent: float) -> "Room | None":
    """What a search with convolutional networks has room for; None: it has none, or that is not known."""
    from catwalk.models import training_speed
    from catwalk.models.portfolio import Room

    if asked.budget is None or scopes.models_of(context.scope) == scopes.DENSE:
        return None
    shape = (*context.competition.shape, 1)[:3]
    on_each = math.ceil(workers / len(gpus.found())) if gpus.found() else 1  # workers that share a GPU
    try:
        with gpus.assigned():
            measured = processes.call_together(1 if gpus.found() else workers, training_speed.measure)
    except MachineError as error:
        context.say(f"search: the speed of convolutional networks is not known here ({error.what})")
        return None
    precision, rate = training_speed.middle(measured)
    is_shared = workers == 1 and scopes.models_of(context.scope) == "all"
    seconds, rows = asked.budget - spent - STARTING, len(context.prepared.train)
    return Room(seconds, rows, shape, precision, rate / on_each, is_shared, bool(gpus.found()))


def _already(before: Progress, asked: Limits, budget: float | None, in_folds: float, best: str = "") -> str:
    full = budget is not None and before.spent < budget <= (before.full or 0.0)
    ended = f" ({limits.FULL})" if full else ""
    return (
        f"search: already done, {counted(before.finished, 'trial')} in {before.spent:.0f} s{ended}{best}; "
        f"for more: {_larger(asked, before.spent + in_folds, before.finished)}"
    )


def _larger(asked: Limits, spent: float, finished: int, least: Limits | None = None) -> str:
    """The command to search longer: twice the limits asked for, and at least ``least``."""
    more, least = [], least or Limits(0.0, 0)
    if asked.budget is not None:
        budget = max(2 * asked.budget, 2 * math.ceil(spent), least.budget or 0.0)
        more.append(f"BUDGET={limits.shown(budget)}")
    if asked.trials is not None:
        more.append(f"TRIALS={max(2 * asked.trials, 2 * finished, least.trials or 0)}")
    return f"make search {' '.join(more)}"


def _summary(opened: "optuna.Study", spent: float, context: RunContext, asked: Limits) -> list[str]:
    """The search's summary: the best trial, compared with the baselines, and the next command."""
    from catwalk.models.metrics import wilson
    from catwalk.search import own_queue, study

    ended = study.finished(opened)
    best = study.complete(opened)[:1]
    waits = own_queue.still_waiting(opened, context.paths.team)
    if not best:
        more = _larger(asked, spent, len(ended), ENOUGH)
        none = f"search: {counted(len(ended), 'trial')}, none complete; for more: {more}"
        return [none, f"search: {waits}"] if waits else [none]
    value = best[0].value or 0.0
    low, high = wilson(value, duplicates.count(context.prepared).validation)
    lines = [
        f"search: {counted(len(ended), 'trial')} in {spent:.0f} s, best is trial {best[0].number}: "
        f"{value:.4f} on validation (95% interval {low:.4f} to {high:.4f})",
        *study_progress.baselines(ended, best[0]),
    ]
    if len(ended) == 1 and best[0].user_attrs.get("kind") == "softmax":
        what = "TRIALS" if asked.trials == 1 else "the budget"
        lines.append(f"{what} was too small for more trials: {_larger(asked, spent, len(ended), ENOUGH)}")
    if waits:
        lines.append(f"search: {waits}: {_larger(asked, spent, len(ended))}")
    return [*lines, *_other_family(opened, context, asked), "next: make predict"]


def _other_family(opened: "optuna.Study", context: RunContext, asked: Limits) -> list[str]:
    """A line about the family that was not searched, where both would reach more in the same time."""
    from catwalk.models import portfolio, space

    budget, searched = asked.budget or 0.0, scopes.models_of(context.scope)
    missing, pays = "", False
    if searched == scopes.DENSE:
        least = portfolio.CONV_PAYS.get(opened.user_attrs.get("precision", ""))
        least = portfolio.CONV_PAYS_ON_GPU if gpus.found() else least
        missing, pays = "conv", least is not None and budget >= least
    elif searched != "all":  # where a GPU trains them, dense networks add nothing
        missing, pays = scopes.DENSE, 0.0 < budget <= limits.USUAL and not gpus.found()
    if not pays:
        return []
    if context.paths.team is not None:  # its database takes studies of one scope only
        return []
    if len(context.prepared.train) < ENOUGH_ROWS or min(context.competition.shape[:2]) < ENOUGH_SIDE:
        return []
    command = f"make search MODELS=all BUDGET={limits.shown(budget)}"
    return [f"with {space.NETWORKS[missing]} networks as well, the same time should reach more: {command}"]
