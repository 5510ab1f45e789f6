"""Chosen trials: the kept networks that form the ensemble, chosen by validation probabilities alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from catwalk.core.errors import UNREADABLE_ARRAYS, UserError
from catwalk.core.paths import Paths
from catwalk.core.plurals import counted
from catwalk.data import duplicates, prepare
from catwalk.models import metrics
from catwalk.search.model_store import is_kept, worth_keeping
from catwalk.submission import ensemble, forecast
from catwalk.submission.ensemble import Ensemble
from catwalk.submission.recipe import RecipeTrial

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

    from catwalk.search.trial_record import TrialRecord

NAMED = 3  # missing trials that a line names


@dataclass(frozen=True)
class Chosen:
    """The trials of an ensemble.

    Attributes:
        trials: those with a weight, the best first; on the split's rows, with the kept networks' accuracies.
        ensemble: how they are averaged.
        validation: (validated rows, classes) float32, its probabilities.
        best_single: validation accuracy of the best trial alone.
        rows: (validated rows,) int32, numbers of the rows that it was chosen on.
        candidates: (networks, validated rows, classes) float32, all that it was chosen from.
        prepared: the arrays.
    """

    trials: "list[TrialRecord]"
    ensemble: Ensemble
    validation: npt.NDArray[np.float32]
    best_single: float
    rows: npt.NDArray[np.int32]
    candidates: npt.NDArray[np.float32]
    prepared: prepare.Prepared

    @cached_property
    def labels(self) -> npt.NDArray[np.uint8]:
        """(validated rows,): their classes."""
        return np.asarray(self.prepared.labels[self.rows])

    @cached_property
    def forecast(self) -> forecast.Forecast:
        """The accuracy that is expected on the test rows; computed when it is first asked for."""
        return forecast.estimate(
            self.candidates,
            self.labels,
            metrics.accuracy(self.validation, self.labels),
            duplicates.count(self.prepared).test,
            duplicates.groups(self.prepared, self.rows),
        )

    def recipe_trials(self) -> tuple[RecipeTrial, ...]:
        """The trials as the recipe stores them."""
        shares = zip(self.trials, self.ensemble.weights, self.ensemble.temperatures, strict=True)
        return tuple(
            _recipe_trial(trial, float(weight), float(temperature)) for trial, weight, temperature in shares
        )


def _recipe_trial(trial: "TrialRecord", weight: float, temperature: float) -> RecipeTrial:
    """A complete trial as the recipe stores it."""
    assert trial.seed is not None
    assert trial.precision is not None
    return RecipeTrial(
        number=trial.number,
        member=trial.member,
        weight=weight,
        temperature=temperature,
        validation_accuracy=trial.accuracy,
        seed=trial.seed,
        precision=trial.precision,
        plan=trial.plan,
        params=trial.params,
    )


def choose(paths: Paths, prepared: prepare.Prepared, study: str, trials: "list[FrozenTrial]") -> Chosen:
    """Choose an ensemble by validation alone, among the trials whose networks are kept.

    Args:
        paths: the competition's.
        prepared: its arrays and split.
        study: the study's key.
        trials: all complete ones, the best first.

    Raises:
        FileNotFoundError: no network is kept, or one was dropped meanwhile.
        UserError: a kept file is damaged.
    """
    kept = [trial for trial in trials if is_kept(paths, study, trial.number)]
    if not kept:
        raise FileNotFoundError
    known = {trial.number: read(paths.probabilities(study, trial.number)) for trial in kept}
    labels = np.asarray(prepared.labels[prepared.validation])
    # Of a teammate's trial that was trained again here, the network may have another accuracy than the trial.
    shares = {number: metrics.accuracy(said, labels) for number, said in known.items()}
    kept.sort(key=lambda trial: (-shares[trial.number], trial.number))
    candidates = np.stack([known[trial.number] for trial in kept])
    made = of(kept, candidates, shares[kept[0].number], prepared.validation, prepared)
    return replace(made, trials=[replace(one, value=shares[one.number]) for one in made.trials])


def of(
    trials: "list[FrozenTrial]",
    candidates: npt.NDArray[np.float32],
    best_single: float,
    rows: npt.NDArray[np.int32],
    prepared: prepare.Prepared,
) -> Chosen:
    """The ensemble of these trials that ``ensemble.select`` chooses.

    Args:
        trials: the best first.
        candidates: (trials, rows, classes) float32, what their networks predict.
        best_single: accuracy of the first.
        rows: (rows,) int32, numbers of the labelled rows.
        prepared: the arrays.
    """
    from catwalk.search import trial_record

    selected = ensemble.select(candidates, np.asarray(prepared.labels[rows]))
    used = np.flatnonzero(selected.weights)
    chosen = Ensemble(selected.weights[used], selected.temperatures[used])
    return Chosen(
        [trial_record.of(trials[i]) for i in used],
        chosen,
        chosen.average(candidates[used]),
        best_single,
        rows,
        candidates,
        prepared,
    )


def absent(paths: Paths, opened: "optuna.Study") -> "list[FrozenTrial]":
    """The trials worth keeping whose networks are not here, the best first."""
    from catwalk.search import study

    key, best = study.key(opened), worth_keeping(study.complete(opened))
    return [trial for trial in best if not is_kept(paths, key, trial.number)]


def absent_in_words(names: Sequence[str], best: int, where: str = "") -> str:
    """Which of the best networks are missing, for people.

    Args:
        names: of their trials, the best first.
        best: how many networks are worth keeping.
        where: " in <folder>".
    """
    named = ", ".join(names[:NAMED])
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    verb = "is" if len(names) == 1 else "are"
    return f"{len(names)} of the {counted(best, 'best network')} {verb} missing{where} (trial {named}{more})"


def gone_in_words(paths: Paths, opened: "optuna.Study") -> str | None:
    """Which of the best networks are gone, as from a folder that was copied in part, for people.

    Args:
        paths: the competition's.
        opened: the study; of a team's, ``team_models.bring`` says what is missing.

    Returns:
        None: none is gone.
    """
    from catwalk.search import study

    if paths.team is not None:
        return None
    lacking = absent(paths, opened)
    if not lacking:
        return None
    # Read anew: a search may have just dropped a network, for which it has found a better one.
    best = [trial.number for trial in worth_keeping(study.complete(opened))]
    names = [str(trial.number) for trial in lacking if trial.number in best]
    where = f" in {paths.shown(paths.kept(study.key(opened)).parent)}"
    return absent_in_words(names, len(best), where) if names else None


def missing(paths: Paths) -> UserError:
    """The error where no network is kept."""
    if paths.team is not None:
        return UserError(
            "no network of the team is here or stored, and none could be trained again",
            fix="run make predict where they were trained, which stores them for all",
        )
    return UserError(
        f"networks are missing in {paths.shown(paths.study)}",
        fix="run make search with a larger BUDGET to train new ones",
    )


def read(path: Path) -> npt.NDArray[np.float32]:
    """The (rows, classes) probabilities of a trial or a fold.

    Raises:
        FileNotFoundError: there is none.
        UserError: the file is damaged.
    """
    try:
        return np.asarray(np.load(path))
    except (FileNotFoundError, PermissionError):
        raise
    except UNREADABLE_ARRAYS:
        raise UserError(
            f"{path} is damaged",
            fix="rename it and the .keras file next to it, then run make predict again",
        ) from None
