"""Importances: which parameters of the trials are compared, and how much each of them matters.

Trials of a study may have different parameters: those of dense and of convolutional networks, see
``space.family_of``. What is compared is what all of them have.
"""

import warnings
from typing import Any

import numpy as np

from catwalk.models import portfolio, space
from catwalk.report import findings
from catwalk.report.network_words import has, is_softmax
from catwalk.report.results import Results
from catwalk.search.trial_record import TrialRecord, best_first

ENOUGH_TRIALS = 12  # complete ones, for importances to be meaningful
SHOWN_PARAMETERS = 5
# Shown in this order where there are too few trials for importances.
FIRST = (
    "family", "view", "depth", "width_1", "dropout", "conv_width", "conv_depth", "conv_dropout",
    "learning_rate", "batch_size",
)  # fmt: skip


def shares(results: Results) -> dict[str, float]:
    """The result of ``importances``; empty if there are too few validation pictures."""
    return importances(results.trials) if findings.is_enough(results) else {}


def are_few(results: Results) -> bool:
    """Whether the complete trials are shown one by one: there are too few to say what mattered."""
    return len(ranked(results.trials)) < ENOUGH_TRIALS


def stopped_early(results: Results) -> list[TrialRecord]:
    """The trials that the search stopped early, to save time."""
    return [trial for trial in results.trials if trial.state == "pruned" and not trial.ended]


def compared(trials: list[TrialRecord]) -> list[TrialRecord]:
    """The complete trials whose parameters are compared.

    Baselines are dense; in a study of convolutional networks they are left out, unless one is the best.
    """
    complete = [trial for trial in trials if trial.is_complete]
    searched = {space.family_in(t.params) for t in complete if t.kind not in portfolio.BASELINES}
    same = [trial for trial in complete if space.family_in(trial.params) in searched]
    return same if all(best in same for best in best_first(complete)[:1]) else complete


def ranked(trials: list[TrialRecord]) -> list[TrialRecord]:
    """Those of the compared trials by which parameters are ranked: softmax has too few of them."""
    return [trial for trial in compared(trials) if not is_softmax(trial.params)]


def judged(trials: list[TrialRecord]) -> list[TrialRecord]:
    """The trials that ``importances`` is computed from: of many ranked ones, some."""
    return evenly(ranked(trials))


def families(trials: list[TrialRecord]) -> list[str]:
    """The families of these trials' networks, in the search space's order."""
    there = {space.family_in(trial.params) for trial in trials}
    return [family for family in space.NETWORKS if family in there]


def value(trial: TrialRecord, name: str) -> Any:
    """The trial's value of a parameter, also of one that its network does not have; None if there is none."""
    return space.family_in(trial.params) if name == "family" else trial.params.get(name)


def shown_value(trial: TrialRecord, name: str) -> Any:
    """The trial's value of a parameter that its network has; else None: softmax has no width."""
    return value(trial, name) if has(trial.params, name) else None


def importances(trials: list[TrialRecord]) -> dict[str, float]:
    """Each parameter's own share of the variance of validation accuracy, the largest first.

    They sum to at most 1: the rest is of combinations of parameters. fANOVA (Hutter, Hoos and Leyton-Brown
    2014, ICML) of Optuna, over ``judged`` and the parameters that all of them have; empty if there are too
    few of them.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its progress bar warns of a missing widget in notebooks
        import optuna
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

    complete = judged(trials)
    names = [name for name in space.SPACE if all(value(t, name) is not None for t in complete)]
    values = {name: [value(t, name) for t in complete] for name in names}
    varied = [name for name in names if len(set(values[name])) > 1]
    if len(complete) < ENOUGH_TRIALS or not varied or len({t.value for t in complete}) < 2:
        return {}
    known: dict[str, BaseDistribution] = {}
    for name in varied:
        kind = space.SPACE[name][0]
        if kind == "one of":
            known[name] = CategoricalDistribution(sorted(set(values[name])))
        else:
            known[name] = FloatDistribution(min(values[name]), max(values[name]), log=kind.startswith("log"))
    study = optuna.create_study(direction="maximize")
    for trial in complete:
        params = {name: value(trial, name) for name in varied}
        study.add_trial(optuna.trial.create_trial(params=params, distributions=known, value=trial.value))
    # Not by get_param_importances, which divides them by their sum (or warns of an experimental option).
    found: dict[str, float] = optuna.importance.FanovaImportanceEvaluator(seed=0).evaluate(study)
    return dict(sorted(found.items(), key=lambda one: -one[1]))


def evenly(trials: list[TrialRecord], most: int = 300) -> list[TrialRecord]:
    """At most ``most`` trials, evenly spaced over the list."""
    if not trials:
        return []
    return [trials[i] for i in sorted({round(k) for k in np.linspace(0, len(trials) - 1, most)})]


def shown_parameters(trials: list[TrialRecord], shares: dict[str, float]) -> list[str]:
    """The parameters to plot: the most important, else those that varied, in the search space's order.

    Args:
        trials: from ``compared``; of both families, only parameters that both have are shown.
        shares: from ``importances``.
    """
    both = len(families(trials)) > 1

    def differs(name: str) -> bool:
        return len({shown_value(t, name) for t in trials} - {None}) > 1

    first = list(shares) or list(FIRST)
    names = [*first, *(name for name in space.SPACE if name not in first)]
    shared = [name for name in names if not both or space.family_of(name) is None]
    shown = [name for name in shared if differs(name)][:SHOWN_PARAMETERS]
    if both and "family" not in shown:  # it says which line is whose
        shown = [*shown[: SHOWN_PARAMETERS - 1], "family"]
    return shown
