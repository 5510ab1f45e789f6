"""A trial: trains with one set of parameters, reports each epoch, saves network and probabilities."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import keras
import optuna

from catwalk.core import records
from catwalk.data import scope
from catwalk.data.run_context import RunContext
from catwalk.models import placement, portfolio, space, train
from catwalk.models.epoch import Epoch
from catwalk.models.features import FeatureSet
from catwalk.models.train import DivergedError, OutOfTimeError, Training
from catwalk.search import failed_trials, model_store, study, trial_record
from catwalk.search.trial_record import TrialRecord

# Of a trial that the pruner lets go on, about, in ``USUAL`` seconds: dense networks by their features.
EPOCHS = {"local": 30, "pixels": 60, "conv": 30}
SHORT = {"softmax": 10, "beginner": 10, "quick": 6}  # epochs of kinds that need no more
USUAL = 600.0  # seconds of a search
# Steps that a training has however few the rows are. Baselines, whose learning rate is low and constant,
# converge within so many; the others learn little more with twice as many.
LEAST_STEPS = {"softmax": 4000, "beginner": 4000, "quick": 100}
LEAST_STEPS_ELSE = 200
MOST_EPOCHS = 500  # that a training gets for that
BASELINE_SHARE = {"softmax": 0.015, "beginner": 0.02}  # of the budget; with what building costs, below 5%
BASELINE_SECONDS = 3.0  # that a baseline has however small that share is, where there are few rows
FEW_ROWS = 10_000  # with more rows it gets fewer of these seconds: they are too few to converge anyway


@dataclass(frozen=True)
class Clock:
    """The time limits of a trial.

    Attributes:
        began: ``time.monotonic()`` from which the search's seconds count.
        deadline: ``time.monotonic()`` at which training must be over; None: no time limit.
        budget: seconds of the whole search, of which the baselines get a share; None as above.
    """

    began: float
    deadline: float | None
    budget: float | None


@dataclass(frozen=True)
class Plan:
    """What a training is planned for.

    Attributes:
        epochs: that are wanted.
        every: epochs that count as one for the pruner: where each has few steps, or there are at least 1.5
            times as many as usual.
        least: with time for fewer the training is not worth it.
        may_stretch: whether it may have more or fewer, so that trainings like it fill the time.
    """

    epochs: int
    every: int
    least: int = 0
    may_stretch: bool = True


@dataclass(frozen=True)
class Objective:
    """The objective that Optuna calls for each trial.

    Attributes:
        context: the competition, its split and scope; a trial's seed follows from its seed and the
            trial's number.
        study: the study's key; kept files are stored under it.
        views: the input features that are computed once.
        precision: the study's, or this machine's instead, see ``precision.here``.
        clock: how long the trial may take.
        tell: takes (trial number, kind, epoch): None as the trial begins, then each epoch as it ends.
    """

    context: RunContext
    study: str
    views: FeatureSet
    precision: str
    clock: Clock
    tell: Callable[[int, str, Epoch | None], None]

    def __call__(self, trial: optuna.Trial) -> float:
        """Train, and return the validation accuracy of the saved network."""
        started = time.monotonic()
        kind = trial.user_attrs.get("kind", "search")
        self.tell(trial.number, kind, None)
        if team := self.context.paths.team:
            # First: of a trial with a member, only a heartbeat that stopped tells that its machine died.
            trial.study._storage.record_heartbeat(trial._trial_id)
            trial.set_user_attr("member", team.member)
        history: list[Epoch] = []
        try:
            return self._train(trial, kind, self._training(trial, kind), history)
        except DivergedError:
            trial.set_user_attr("ended", "diverged: the loss is not finite")
            raise optuna.TrialPruned from None
        except optuna.TrialPruned:
            raise
        except OutOfTimeError as error:
            late = failed_trials.UNFINISHED if history else failed_trials.NO_EPOCH
            trial.set_user_attr(failed_trials.REASON, str(error) or late)
            raise
        except Exception as error:
            failed_trials.keep(trial, error)
            raise
        finally:
            trial.set_user_attr("history", [records.encode(epoch) for epoch in history])
            trial.set_user_attr("seconds", round(time.monotonic() - started, 3))

    def _training(self, trial: optuna.Trial, kind: str) -> Training:
        """Let the trial choose its parameters, and build its network."""
        context = self.context
        chosen_in = portfolio.scope_of(self._origin(trial), context.scope)
        most = trial.study.user_attrs.get(study.most_channels(context.paths))
        if context.paths.team and most is not None and kind != trial_record.YOURS:
            _narrow(trial, most)
        limit = most if kind == "search" else None
        params = space.suggest(trial, chosen_in, context.competition.augment, limit)
        seed = self._seed(trial)
        trial.set_user_attr("seed", seed)
        trial.set_user_attr("precision", self.precision)
        trial.set_user_attr("versions", study.versions())
        trial.set_user_attr(records.KEY, TrialRecord.SCHEMA_VERSION)
        keras.backend.clear_session()
        return Training(context.prepared, context.competition, self.views, self.precision, params, seed)

    def _train(self, trial: optuna.Trial, kind: str, training: Training, history: list[Epoch]) -> float:
        is_baseline = kind in portfolio.BASELINES
        limit, least = None, BASELINE_SECONDS * min(1.0, FEW_ROWS / training.rows)
        if is_baseline and self.clock.budget is not None:
            limit = max(least, BASELINE_SHARE[kind] * self.clock.budget)
        # However short the budget, the smallest network is trained.
        first_epoch_seconds = least if kind == "softmax" else 0.0
        plan = self._plan(trial, training)
        trial.set_user_attr("planned", plan.epochs)
        ends = self.clock.deadline, limit, first_epoch_seconds
        for epoch in training.epochs(plan.epochs, *ends, may_stretch=plan.may_stretch):
            # While other processes start, the first epochs do not tell how many fit.
            is_settled = epoch.epoch >= train.may_grow_until(epoch.epochs) or epoch.epoch == epoch.epochs
            if epoch.epochs < plan.least and is_settled:
                raise OutOfTimeError(failed_trials.TOO_SHORT)
            second = round(time.monotonic() - self.clock.began, 2)  # of the search
            history.append(replace(epoch.rounded(), second=second))
            self.tell(trial.number, kind, epoch)
            if epoch.epoch % plan.every:
                continue
            trial.report(epoch.accuracy, epoch.epoch // plan.every)
            last = epoch.epoch == epoch.epochs
            # The portfolio is judged too, though never stopped: other trials are compared with it.
            judged = kind not in SHORT and epoch.epoch // plan.every in study.RUNGS and not last
            if judged and trial.should_prune() and kind == "search":
                raise optuna.TrialPruned
        model, began = training.finish(), time.monotonic()
        value = self._keep(trial.number, model)
        trial.set_user_attr(trial_record.PREDICTING, round(time.monotonic() - began, 2))
        return value

    def _keep(self, number: int, model: keras.Model) -> float:
        """Save the network and what it predicts; return the trial's value."""
        return model_store.keep(self.context.paths, self.study, number, self.context.prepared, model)

    def _origin(self, trial: optuna.Trial) -> str:
        """The kind of trial that chose the parameters."""
        return str(trial.user_attrs.get("kind", "search"))

    def _seed(self, trial: optuna.Trial) -> int:
        return int(self.context.seed * 100_000 + trial.number)

    def _plan(self, trial: optuna.Trial, training: Training) -> Plan:
        kind, family = self._origin(trial), training.params["family"]
        usual = self._usual_epochs(kind, family)
        wanted = epochs(kind, usual, training)
        # A training of twice the epochs is judged half as often: at the first rung its learning rate would
        # still rise (with FEATURES=pixels it does).
        short = min(usual, epochs_in_usual_time(family, self.context.scope))
        return Plan(wanted, every=max(1, round(wanted / short)))

    def _usual_epochs(self, kind: str, family: str) -> int:
        """Epochs for a data set with enough rows; a larger budget allows longer training."""
        if family == "conv" and placement.on_gpu():
            return portfolio.CONV_EPOCHS_ON_GPU
        budget = self.clock.budget
        longer = 1.0 if budget is None else min(2.0, max(0.5, math.sqrt(budget / USUAL)))
        return SHORT.get(kind, round(epochs_in_usual_time(family, self.context.scope) * longer))


def _narrow(trial: optuna.Trial, most: int) -> None:
    """Limit the channels of a queued network: another member may have queued it, with a faster machine.

    The study keeps what was queued, for whoever runs it again.
    """
    queued = trial._fixed_params
    if "conv_width" in queued:
        trial._fixed_params = {**queued, "conv_width": min(queued["conv_width"], most)}


def epochs_in_usual_time(family: str, study_scope: str) -> int:
    """Which of ``EPOCHS`` holds for a network of this family in a study of this scope."""
    return EPOCHS[family if family in EPOCHS else scope.features_of(study_scope)]


def epochs(kind: str, usual: int, training: Training) -> int:
    """How many epochs to plan: enough for the usual number of steps, and for ``LEAST_STEPS``.

    With few rows the batches are smaller than those chosen (``space.batch_size``). An epoch then has more
    steps and teaches more, so twice as many steps as chosen are enough: with 1,300 rows a third of the usual
    epochs is as good as all, with 5,000 rows nearly all are worth their time.

    Args:
        kind: of the trial.
        usual: epochs of such a trial with enough rows.
        training: says how many rows and steps there are.
    """
    chosen = min(space.chosen_batch(training.params), training.rows)
    steps = usual * min(training.steps_per_epoch, 2 * (training.rows // chosen))
    steps = max(steps, LEAST_STEPS.get(kind, LEAST_STEPS_ELSE))
    return min(math.ceil(steps / training.steps_per_epoch), max(MOST_EPOCHS, usual))
