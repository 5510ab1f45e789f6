"""Study progress: for a local study, read from a file without Optuna; for a team's, from the study itself."""

from dataclasses import replace

from catwalk.core.paths import Paths
from catwalk.data import duplicates
from catwalk.data.prepare import Prepared
from catwalk.data.run_context import RunContext
from catwalk.models import metrics
from catwalk.search import progress, trial_record
from catwalk.search.progress import Progress


def known(paths: Paths, prepared: Prepared, scope: str) -> tuple[str | None, Progress]:
    """The study's key (None if it is unknown) and its progress.

    A team's study is read itself: others may have continued it. Seconds are only this member's.
    """
    if paths.team is None:
        name, state = progress.study_name(paths, prepared, scope), progress.read(paths)
        return (name, state[name]) if name in state else (None, progress.NOTHING)
    from catwalk.search import study

    opened = study.load(paths, prepared, scope)
    if opened is None:
        return None, progress.NOTHING
    key, best = study.key(opened), study.complete(opened)[:1]
    spent = progress.read(paths).get(key, progress.NOTHING)
    # When it began is known for this member only; its key has an id.
    count = len(study.finished(opened))
    return key, replace(spent, finished=count, best=best[0].value if best else None, began="")


def best(prepared: Prepared, state: Progress) -> str:
    """The best trial's accuracy, as the end of a line; "" if no trial is complete."""
    return "" if state.best is None else f", best {shown(prepared, state.best)}"


def shown(prepared: Prepared, accuracy: float) -> str:
    """A trial's accuracy on the split's validation rows with its interval, by the different pictures."""
    low, high = metrics.wilson(accuracy, duplicates.distinct(prepared, prepared.validation))
    return f"{accuracy:.4f} on validation (95% interval {low:.4f} to {high:.4f})"


def restore_table(context: RunContext, finished: int) -> None:
    """Write trials.csv again where it is gone or lacks trials, as after a kill at the end of a search.

    Args:
        context: the competition, its split and scope.
        finished: trials that progress.json counts.
    """
    paths = context.paths
    if paths.team is not None or trial_record.count_finished(paths.trials) >= finished:
        return
    from catwalk.search import study

    opened = study.load(paths, context.prepared, context.scope)
    if opened is not None:
        trial_record.write_table(paths.trials, opened)
