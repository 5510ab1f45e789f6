"""Study progress: for a local study, read from a file without Optuna; for a team's, from the study itself."""

from dataclasses import replace
from typing import TYPE_CHECKING

from catwalk.core.paths import Paths
from catwalk.core.plurals import counted
from catwalk.data import duplicates
from catwalk.data.prepare import Prepared
from catwalk.data.run_context import RunContext
from catwalk.models import metrics
from catwalk.search import progress, trial_record
from catwalk.search.progress import Progress

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial


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


def baselines(ended: "list[FrozenTrial]", best: "FrozenTrial") -> list[str]:
    """A line for each baseline: its accuracy, and how far that is below the best trial's."""
    from catwalk.models.portfolio import BASELINES

    lines = []
    for trial in ended:
        kind = trial.user_attrs.get("kind", "")
        if kind not in BASELINES or trial.value is None:
            continue
        params = BASELINES[kind]
        name = f"with {params['width_1']} hidden units" if params["depth"] else kind
        less = f"{100 * ((best.value or 0.0) - trial.value):.2f} percentage points below"
        told = "the best trial" if trial.number == best.number else less
        lines.append(f"  baseline {name}: {trial.value:.4f}, {told}")
    return lines


def correct(context: RunContext, opened: "optuna.Study | None") -> bool:
    """Correct progress.json where it counts more trials than the study has, as under an older study.db.

    Otherwise predict would never count as done, and a search that has to begin would count as done.

    Args:
        context: the competition, its split and scope.
        opened: the study; None: there is none.

    Returns:
        Whether it counted more.
    """
    paths = context.paths
    if paths.team is not None:  # its count is the study's own
        return False
    key, before = known(paths, context.prepared, context.scope)  # first: a search may go on meanwhile
    from catwalk.search import study

    count = 0 if opened is None else len(study.finished(opened))
    if key is None or count >= before.finished:
        return False
    best = [] if opened is None else study.complete(opened)[:1]
    spent = round(before.spent * count / before.finished, 1)  # about: what the others took is not known
    state = replace(before, spent=spent, finished=count, best=best[0].value if best else None)
    progress.write(paths, key, replace(state, ended=None, full=None))
    trials, file = counted(before.finished, "trial"), paths.shown(paths.study_db)
    context.say(f"predict: progress.json had {trials}, {file} has {count}, perhaps an older copy: corrected")
    return True


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
