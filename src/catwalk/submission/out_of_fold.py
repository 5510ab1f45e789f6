"""Out of fold: the ensemble of what was trained in folds, chosen and validated on all labelled rows.

Each labelled row is predicted by the networks that were not trained on it (stacked generalisation's
cross-validated predictions: Wolpert 1992, Neural Networks 5:241-259). The test rows are predicted by the mean
over the folds' networks.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from catwalk.data import duplicates
from catwalk.data import folds as data_folds
from catwalk.data.run_context import RunContext
from catwalk.models import metrics
from catwalk.search import fold_study
from catwalk.search.model_store import is_kept
from catwalk.submission import chosen_trials, forecast
from catwalk.submission.chosen_trials import Chosen
from catwalk.submission.recipe import FoldNetwork

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial


CHANCE = 0.05  # p-value below which a difference is clear
HALVES = 10  # of ``forecast.optimism``: of 20 networks and 6,000 rows it takes less than two seconds


@dataclass(frozen=True)
class OutOfFold:
    """The ensemble of configurations that have all folds.

    Attributes:
        chosen: its configurations as the search's trials; ``validation`` is of all labelled rows.
        networks: of the configurations, by configuration, then by fold.
        study: the key of the folds' study.
    """

    chosen: Chosen
    networks: tuple[FoldNetwork, ...]
    study: str


def choose(context: RunContext, opened: "optuna.Study", count: int) -> OutOfFold | None:
    """Choose configurations and their weights on all labelled rows; None if none has all folds.

    Args:
        context: of the search.
        opened: the search's study.
        count: of folds.

    Raises:
        UserError: a kept file is damaged.
    """
    from catwalk.search import study

    trained = fold_study.load(context, count)
    if trained is None:
        return None
    paths, prepared, key = context.paths, context.prepared, study.key(trained)
    searched = {trial.number: trial for trial in study.complete(opened)}
    sets = {
        number: trials
        for number, trials in fold_study.complete_sets(trained).items()
        if number in searched and all(is_kept(paths, key, trial.number) for trial in trials)
    }
    if not sets:
        return None
    data_folds.write(paths, prepared, count, context.seed)  # prepare removes the file with its arrays
    labels, folds = np.asarray(prepared.labels), data_folds.load(paths, prepared, count)
    known = {
        number: data_folds.joined(
            folds, [chosen_trials.read(paths.probabilities(key, one.number)) for one in trials]
        )
        for number, trials in sets.items()
    }
    shares = {number: metrics.accuracy(known[number], labels) for number in known}
    order = sorted(known, key=lambda number: (-shares[number], number))
    made = chosen_trials.of(
        [searched[number] for number in order],
        np.stack([known[number] for number in order]),
        shares[order[0]],
        np.arange(len(labels), dtype=np.int32),
        prepared,
    )
    networks = [_network(trial) for one in made.trials for trial in sets[one.number]]
    return OutOfFold(made, tuple(networks), key)


def is_behind(context: RunContext, opened: "optuna.Study", made: OutOfFold) -> bool:
    """Whether the search's own ensemble classifies the split's validation rows clearly better (p < 0.05).

    So it is after a search that went on long after the folds. The search's ensemble was chosen on these rows,
    so it looks a little better there than it is: its lead must also be larger than the optimism of that
    choice. (What the choice of the kept networks among all trials adds to it is not measured.) A picture
    counts once, however often it is there: its copies are no further evidence.

    Args:
        context: of the search.
        opened: the search's study.
        made: what ``choose`` returned.
    """
    from catwalk.search import study

    prepared = context.prepared
    try:
        own = chosen_trials.choose(context.paths, prepared, study.key(opened), study.complete(opened))
    except FileNotFoundError:
        return False
    once = np.unique(duplicates.groups(prepared, own.rows), return_index=True)[1]
    labels, answers = own.labels[once], (made.chosen.validation[own.rows[once]], own.validation[once])
    paired = metrics.mcnemar(*(one.argmax(axis=1) == labels for one in answers))
    if paired.difference <= 0 or paired.p >= CHANCE:
        return False
    return paired.difference > forecast.optimism(own.candidates[:, once], labels, None, HALVES)


def _network(trial: "FrozenTrial") -> FoldNetwork:
    from catwalk.search import trial_record

    fold, record = fold_study.of(trial), trial_record.of(trial)
    return FoldNetwork(
        fold.trial, fold.fold, trial.number, int(record.seed or 0), record.plan, record.accuracy
    )
