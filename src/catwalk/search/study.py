"""The study: Optuna's record of all trials of one competition, split and scope."""

import secrets
from collections.abc import Callable
from typing import Any, cast

import optuna
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState

from catwalk import __version__
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.data import scope as scopes
from catwalk.data.prepare import Prepared
from catwalk.models import space
from catwalk.search import progress, retries, storage

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
REDUCTION_FACTOR = 3  # of the trials that reach a rung, one in so many continues
# Epochs, or groups of ``Plan.every`` epochs, after which alone the pruner is asked to stop a trial.
# Successive halving has its second rung at the first one times the factor.
RUNGS = (2, 2 * REDUCTION_FACTOR)
MOST_CHANNELS = "most_channels"  # the attribute that ``most_channels`` names
ID = "id"  # the attribute that distinguishes two studies of the same name


def open_storage(paths: Paths) -> RDBStorage:
    """The competition's storage; of a team's, trials of dead workers are queued again. See ``storage``."""
    return storage.open_storage(paths, retries.repeat)


def create(paths: Paths, prepared: Prepared, scope: str) -> optuna.Study:
    """Open the study, or create it.

    Raises:
        UserError: the storage holds a study of another competition, or, where it is a team's, of other data,
            another split or another scope.
        NetworkError: the team's server can't be reached.
    """
    opened = open_storage(paths)  # before the lock, for which the team's other members wait
    with storage.alone(paths):
        name = progress.study_name(paths, prepared, scope)
        check = _check_folder if paths.team is None else _check_team
        for other in opened.get_all_studies():
            check(paths, name, other.study_name)
        study = optuna.create_study(
            storage=opened,
            study_name=name,
            direction="maximize",
            load_if_exists=True,
        )
        if paths.team is not None and ID not in study.user_attrs:
            study.set_user_attr(ID, secrets.token_hex(4))
    _check_choices(paths, study, scope)
    return study


def _check_folder(paths: Paths, name: str, other: str) -> None:
    """Check that a local storage only has studies of this competition, even if of older rows."""
    if progress.parts(other)[0] != progress.parts(name)[0]:
        raise UserError(
            f"contains the study {other}, which does not belong to {paths.competition}",
            where=paths.shown(paths.study_db),
            fix=f'rename {paths.shown(paths.study)}; "make search" will then start a new study',
        )


def _check_team(paths: Paths, name: str, other: str) -> None:
    """Check that the team's study has the same rows, split and scope; other competitions may differ."""
    theirs, ours = progress.parts(other), progress.parts(name)
    if len(theirs) != len(ours) or theirs[0] != ours[0] or theirs == ours:
        return
    if theirs[1] != ours[1]:
        raise UserError(
            f"the team's study uses other data (fingerprint {theirs[1]}, here {ours[1]})",
            fix=f"rename {paths.shown(paths.raw)} and use the team's CSVs: make data SOURCE=<their folder>",
        )
    words = " ".join(f"{name}={value}" for name, value in progress.variables(other).items())
    raise UserError(
        f"the team's study has another split, other features or networks ({'-'.join(theirs[2:])}, "
        f"here {'-'.join(ours[2:])})",
        fix=f"use theirs with {words}",
    )


def key(study: optuna.Study) -> str:
    """The study's name on disk; with an id for a team's, since another may be created under that name."""
    return f"{study.study_name}@{study.user_attrs[ID]}" if is_of_team(study) else str(study.study_name)


def is_of_team(study: optuna.Study) -> bool:
    """Whether it is a team's: only those have an id."""
    return ID in study.user_attrs


def _check_choices(paths: Paths, study: optuna.Study, scope: str) -> None:
    """Refuse changed choices of a categorical parameter, which Optuna does not allow within a study."""
    # Of each family another trial may be the last one.
    known = {name: one for trial in finished(study) for name, one in trial.distributions.items()}
    for name, distribution in known.items():
        kind, _ = space.SPACE.get(name, ("", []))
        if kind != "one of":
            continue
        values = space.choices(name, scope)
        if list(distribution.choices) != values:
            fix = f"undo the change, or rename {paths.shown(paths.study)} to start a new study"
            if paths.team is not None:
                fix = "undo the change, or run git pull: all members of the team need the same space.py"
            raise UserError(
                f"{name} has the choices {values}, but the study has {list(distribution.choices)}",
                where="space.py",
                fix=fix,
            )


def most_channels(paths: Paths) -> str:
    """The attribute that limits the width of convolutional networks: each member of a team has its own."""
    return MOST_CHANNELS if paths.team is None else f"{MOST_CHANNELS} {paths.team.member}"


def precision(study: optuna.Study, measure: Callable[[], str]) -> str:
    """The study's floating-point precision: the result of ``measure`` on the first machine that asked."""
    if "precision" not in study.user_attrs:
        measured = measure()
        with storage.exclusive(study):
            if "precision" not in study.user_attrs:
                study.set_user_attr("precision", measured)
    return str(study.user_attrs["precision"])


def set_budget(study: optuna.Study, budget: float | None, is_shared: bool) -> None:
    """Keep the budget of the last search in seconds, and of a team's members the largest; None: no limit."""
    known = study.user_attrs.get("budget")
    if is_shared:
        budget = max(filter(None, (known, budget)), default=None)
    if budget is not None or "budget" not in study.user_attrs:
        study.set_user_attr("budget", budget)


def load(paths: Paths, prepared: Prepared, scope: str) -> optuna.Study | None:
    """Open the study to read it; None if there is none yet."""
    if paths.team is None and not paths.study_db.is_file():
        return None
    opened = open_storage(paths)
    names = {known.study_name for known in opened.get_all_studies()}
    name = progress.study_name(paths, prepared, scope)
    return optuna.load_study(study_name=name, storage=opened) if name in names else None


def sampler(seed: int, worker: int, scope: str, done: int, team: bool = False) -> optuna.samplers.BaseSampler:
    """Optuna's TPE sampler; each worker of each run needs its own seed, or two would try the same values.

    Optuna 5's defaults are given explicitly, for Optuna 4.9.

    Args:
        seed: the search's.
        worker: its number in this run.
        scope: the study's.
        done: finished trials when it starts.
        team: whether other machines search too; then nothing of the above tells them apart, and the
            system's entropy is the seed.
    """
    own = None if team else seed * 100_003 + done * 101 + worker
    # Grouped: the parameters of a family are modelled by the trials that have them; baselines are dense.
    grouped = scopes.models_of(scope) != scopes.DENSE
    return _Sampler(n_startup_trials=8, seed=own, multivariate=True, group=grouped, constant_liar=True)


class _Sampler(optuna.samplers.TPESampler):  # type: ignore[misc]  # its types are not read
    """Optuna's, which reads the other trials once for all parameters of a trial, and not for each again."""

    def _sample(self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, Any]) -> Any:
        return super()._sample(cast(optuna.Study, _ReadOnce(study)), trial, search_space)


class _View:
    """A study as others see it; subclasses say which trials it has."""

    def __init__(self, study: optuna.Study) -> None:
        self._study = study

    def __getattr__(self, name: str) -> Any:
        return getattr(self._study, name)


class _ReadOnce(_View):
    """For the sampler: with the trials that were there as the sampling began."""

    def _get_trials(self, *, use_cache: bool, **asked: Any) -> list[FrozenTrial]:
        return cast(list[FrozenTrial], self._study._get_trials(use_cache=True, **asked))


class _OneFamily(_View):
    """For the pruner: with the trials of one family only."""

    def __init__(self, study: optuna.Study, family: str) -> None:
        super().__init__(study)
        self._family = family

    def get_trials(self, *, deepcopy: bool) -> list[FrozenTrial]:
        trials = self._study.get_trials(deepcopy=deepcopy)
        return [trial for trial in trials if space.family_in(trial.params) == self._family]


class FamilyPruner(optuna.pruners.BasePruner):  # type: ignore[misc]  # its types are not read
    """Successive halving (Jamieson and Talwalkar 2016): of the trials that reach a rung, a third continue.

    A trial is compared with those of its own family: after as many epochs others are further.
    """

    def __init__(self) -> None:
        self._halving = optuna.pruners.SuccessiveHalvingPruner(
            min_resource=RUNGS[0], reduction_factor=REDUCTION_FACTOR
        )

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Whether the trial should stop; asked after each of its rungs."""
        alike = _OneFamily(study, space.family_in(trial.params))
        return bool(self._halving.prune(cast(optuna.Study, alike), trial))


def finished(study: optuna.Study) -> list[FrozenTrial]:
    """Trials that are complete or pruned, by number."""
    return list(study.get_trials(deepcopy=False, states=FINISHED))


def waiting(study: optuna.Study) -> list[FrozenTrial]:
    """Queued trials, in the order in which workers take them."""
    return list(study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))


def running(study: optuna.Study) -> list[FrozenTrial]:
    """Trials that a worker is running, or was running when it died."""
    return list(study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)))


def complete(study: optuna.Study) -> list[FrozenTrial]:
    """Complete trials, the best on validation first; a tie goes to the earlier one."""
    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return sorted(trials, key=lambda trial: (-(trial.value or 0.0), trial.number))


def versions() -> dict[str, str]:
    """Versions of the software that a trial's results depend on."""
    from importlib.metadata import version

    names = ("tensorflow", "keras", "numpy", "optuna", "scikit-learn")  # the last for features and splits
    return {"catwalk": __version__, **{name: version(name) for name in names}}
