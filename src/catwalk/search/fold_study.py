"""The folds' study: the trainings of a search's configurations in folds, in a study beside the search's."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from catwalk.core import records
from catwalk.core.paths import Paths
from catwalk.data import folds as data_folds
from catwalk.data.run_context import RunContext
from catwalk.models import space
from catwalk.search import model_store, progress

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

FOLD = "fold"  # the attribute of a trial that says which fold it trains
OF_TRIALS = "of_trials"  # the study's attribute that ``Progress.of_trials`` has
ALL_TRAINED = "all folds are trained"
ALL_FAILED = "every training failed"
NO_TIME = "no configuration fits in the rest of the budget"


@dataclass(frozen=True)
class Fold:
    """One training: a configuration, and the fold that is held out.

    Attributes:
        trial: number of the search's trial whose parameters it has.
        kind: of that trial.
        fold: from 0.
        count: of folds.
        epochs: that it is planned for.
    """

    trial: int
    kind: str
    fold: int
    count: int
    epochs: int

    @property
    def title(self) -> str:
        """What the display shows."""
        return f"fold {self.fold + 1}/{self.count} of trial {self.trial}"


def of(trial: "FrozenTrial | optuna.Trial") -> Fold:
    """The fold that a trial of the folds' study trains."""
    return Fold(**trial.user_attrs[FOLD])


def named(context: RunContext, count: int) -> RunContext:
    """The context under the folds' name: its study is that of the folds."""
    return replace(context, prepared=data_folds.named(context.prepared, count))


def known(context: RunContext, count: int) -> tuple[str, progress.Progress]:
    """The key of the folds' study and its progress, from a file, without Optuna."""
    key = progress.study_name(context.paths, data_folds.named(context.prepared, count), context.scope)
    return key, progress.read(context.paths).get(key, progress.NOTHING)


def spent(context: RunContext, but: int = 1) -> float:
    """Seconds of training in folds for this search, in whatever number of folds but this one."""
    ours = context.prepared
    total = 0.0
    for key, state in progress.read(context.paths).items():
        _, fingerprint, split, scope = progress.parts(key)
        is_ours = (fingerprint, data_folds.split_of(split), scope) == (
            ours.fingerprint,
            ours.split,
            context.scope,
        )
        if is_ours and split not in (ours.split, data_folds.name(ours.split, but)):
            total += state.spent
    return total


def are_running(paths: Paths) -> bool:
    """Whether folds are being trained, or were a moment ago."""
    key = progress.at_work(paths)
    if key is None or not data_folds.is_of_folds(progress.parts(key)[2]):
        return False
    return progress.read(paths)[key].ended is None


def load(context: RunContext, count: int) -> "optuna.Study | None":
    """The folds' study; None if there is none."""
    from catwalk.search import study

    return study.load(context.paths, data_folds.named(context.prepared, count), context.scope)


def complete_sets(opened: "optuna.Study") -> "dict[int, list[FrozenTrial]]":
    """The complete trainings of configurations that have all folds: by the search's trial, by fold."""
    from catwalk.search import study

    found: dict[int, dict[int, FrozenTrial]] = {}
    for trial in sorted(study.complete(opened), key=lambda one: one.number):
        found.setdefault(of(trial).trial, {})[of(trial).fold] = trial
    return {
        number: [trained[fold] for fold in sorted(trained)]
        for number, trained in sorted(found.items())
        if len(trained) == of(next(iter(trained.values()))).count
    }


def trainings(paths: Paths, opened: "optuna.Study | None") -> dict[int, dict[int, Fold]]:
    """What is trained, being trained or queued, or failed with an error: by the search's trial, by fold.

    A training whose files are gone is not among them.
    """
    from catwalk.search import failed_trials

    found: dict[int, dict[int, Fold]] = {}
    for trial in opened.get_trials(deepcopy=False) if opened is not None else ():
        was_interrupted = trial.state.name == "FAIL" and not failed_trials.has_error(trial)
        if not was_interrupted and not _is_gone(paths, opened, trial):
            found.setdefault(of(trial).trial, {})[of(trial).fold] = of(trial)
    return found


def _is_gone(paths: Paths, opened: "optuna.Study", trial: "FrozenTrial") -> bool:
    """Whether a training is complete, and its network or its predictions are not there any more."""
    from catwalk.search import study

    return trial.state.name == "COMPLETE" and not model_store.is_kept(paths, study.key(opened), trial.number)


def has_lost_files(context: RunContext, count: int) -> bool:
    """Whether a fold that was trained is gone; without Optuna where as many are kept as were trained."""
    paths, (key, state) = context.paths, known(context, count)
    numbers = {model_store.number_in(file.name) for file in paths.kept(key).glob("trial-*.keras")}
    kept = [one for one in numbers if one is not None and model_store.is_kept(paths, key, one)]
    if len(kept) >= state.finished:
        return False
    opened = load(context, count)
    there = trainings(paths, opened)
    trials = [] if opened is None else opened.get_trials(deepcopy=False)
    gone = [of(trial) for trial in trials if _is_gone(paths, opened, trial)]
    return any(fold.fold not in there.get(fold.trial, {}) for fold in gone)


def queued(opened: "optuna.Study | None") -> Counter[int]:
    """How many trainings wait, or were interrupted, by the search's trial."""
    from catwalk.search import study

    left = [] if opened is None else [*study.waiting(opened), *study.running(opened)]
    return Counter(of(trial).trial for trial in left)


def enqueue_once(paths: Paths, opened: "optuna.Study", fold: Fold, trial: "FrozenTrial") -> None:
    """Queue a training, unless the study has it.

    One whose worker was killed too often, or whose files are gone, is queued anew.
    """
    if fold.fold not in trainings(paths, opened).get(fold.trial, {}):
        params = space.fill_defaults(trial.params)  # a trial has those of its own network only
        opened.enqueue_trial(params, user_attrs={"kind": fold.title, FOLD: records.encode(fold)})
