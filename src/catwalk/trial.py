"""A trial: trains one choice of parameters, reports each epoch, and keeps the net and its probabilities."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import keras
import numpy as np
import optuna

from catwalk import elsewhere, network, portfolio, space, study
from catwalk.competition import Competition
from catwalk.features import Views
from catwalk.messages import Epoch
from catwalk.paths import Paths, written_aside
from catwalk.prepare import Prepared
from catwalk.train import DivergedError, OutOfTimeError, Training

EPOCHS = {"local": 30, "pixels": 60}  # of a trial that the pruner lets go on, about, in ``USUAL`` seconds
SHORT = {"softmax": 10, "beginner": 10, "quick": 6}  # epochs of kinds that are not worth so many
USUAL = 600.0  # seconds of a search
BASELINE_SHARE = {"softmax": 0.015, "beginner": 0.02}  # of the budget; with what building costs, below 5%


@dataclass(frozen=True)
class Objective:
    """What Optuna calls for each trial.

    Attributes:
        paths, prepared: the competition's.
        study: the study's key; the kept files stand below it.
        competition: what is trained for.
        features: a resolved name, see ``features``.
        views: what the networks see, as far as it is made once.
        precision: the study's, see ``precision``.
        seed: the search's; a trial's own follows from it and the trial's number.
        began: ``time.monotonic()`` from which the search's seconds count.
        deadline: ``time.monotonic()`` at which training must be over; None: nothing asks the clock.
        budget: seconds of the whole search, of which the baselines get a share; None as above.
        tell: takes (trial number, kind, epoch): None as the trial begins, then each epoch as it ends.
    """

    paths: Paths
    prepared: Prepared
    study: str
    competition: Competition
    features: str
    views: Views
    precision: str
    seed: int
    began: float
    deadline: float | None
    budget: float | None
    tell: Callable[[int, str, Epoch | None], None]

    def __call__(self, trial: optuna.Trial) -> float:
        """Train, and return the validation accuracy of the net that is kept."""
        started = time.monotonic()
        kind = trial.user_attrs.get("kind", "search")
        self.tell(trial.number, kind, None)
        if self.paths.team is not None:
            trial.set_user_attr("member", self.paths.team.member)
        params = space.suggest(trial, self.features, self.competition.augment)
        seed = self.seed * 100_000 + trial.number
        trial.set_user_attr("seed", seed)
        trial.set_user_attr("precision", self.precision)
        trial.set_user_attr("versions", study.versions())
        keras.backend.clear_session()
        training = Training(self.prepared, self.competition, self.views, self.precision, params, seed)
        history: list[dict[str, float]] = []
        try:
            return self._train(trial, kind, training, history)
        except DivergedError:
            trial.set_user_attr("ended", "diverged: the loss is not finite")
            raise optuna.TrialPruned from None
        except optuna.TrialPruned:
            raise
        except OutOfTimeError:
            trial.set_user_attr("failed", "the budget ended in the midst of it")
            raise
        except Exception as error:
            trial.set_user_attr("failed", f"{type(error).__name__}: {error}"[:200])
            raise
        finally:
            trial.set_user_attr("history", history)
            trial.set_user_attr("seconds", round(time.monotonic() - started, 3))

    def _train(
        self, trial: optuna.Trial, kind: str, training: Training, history: list[dict[str, float]]
    ) -> float:
        is_baseline = kind in portfolio.BASELINES
        limit = BASELINE_SHARE[kind] * self.budget if is_baseline and self.budget else None
        # However short the budget: the smallest network is there.
        sure = kind == "softmax"
        wanted = self._epochs(kind)
        trial.set_user_attr("planned", wanted)
        for epoch in training.epochs(wanted, self.deadline, limit, sure):
            ended = {"second": round(time.monotonic() - self.began, 2)}  # of the search
            history.append({key: round(value, 6) for key, value in asdict(epoch).items()} | ended)
            trial.report(epoch.accuracy, epoch.epoch)
            self.tell(trial.number, kind, epoch)
            last = epoch.epoch == epoch.epochs
            # The portfolio is judged too, though never stopped: others have to stand beside it.
            judged = kind not in SHORT and epoch.epoch in study.RUNGS and not last
            if judged and trial.should_prune() and kind == "search":
                raise optuna.TrialPruned
        value = keep(self.paths, self.study, trial.number, self.prepared, training.finish())
        if self.paths.team is not None:
            elsewhere.offer(self.paths, self.study, trial, value)
        return value

    def _epochs(self, kind: str) -> int:
        """How many are wanted; with more time both more networks and longer trainings are worth it."""
        longer = 1.0 if self.budget is None else min(2.0, max(0.5, math.sqrt(self.budget / USUAL)))
        return SHORT.get(kind, round(EPOCHS[self.features] * longer))


def keep(paths: Paths, study_key: str, number: int, prepared: Prepared, model: keras.Model) -> float:
    """Save a trained net, then its probabilities on validation; return their accuracy, the trial's value."""
    from catwalk.metrics import accuracy

    rows = prepared.validation
    probabilities = network.probabilities(model, prepared.pixels, rows)
    with written_aside(paths.model(study_key, number)) as path:
        model.save(path)
    with written_aside(paths.probabilities(study_key, number)) as path:
        np.save(path, probabilities)
    return accuracy(probabilities, prepared.labels[rows])
