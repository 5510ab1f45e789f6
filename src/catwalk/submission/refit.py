"""The refit: the best of the chosen networks, trained again on training and validation rows together.

A ninth more training pictures are worth 0.1 to 0.2 points (``benchmarks/forecast.py --strong``, on
pseudo-tests carved from the training rows). Rows that were trained on can't validate anything, so the
refitted networks get half the ensemble weight, and validation scores stay those of the chosen networks.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from catwalk.core import gpus, process_pool
from catwalk.core.paths import Paths
from catwalk.core.plurals import counted
from catwalk.data.run_context import RunContext
from catwalk.models import retrain, space
from catwalk.search import limits, progress
from catwalk.submission.ensemble import scaled
from catwalk.submission.recipe import RecipeTrial, RefitNetwork

if TYPE_CHECKING:
    from catwalk.search.trial_record import TrialRecord

NETS = 2  # where there is no time limit (TRIALS=)
STARTING = 10.0  # seconds until a process trains, on CPU cores
PEER = 0.5  # of the largest weight; a network with less (as a baseline) is not worth half the ensemble weight
LEAST = 0.55  # of the epochs that its trial had; a network trained for less is not worth its time

Answer = tuple[tuple[int, ...], npt.NDArray[np.float32]]  # the plan, and probabilities of the test rows


@dataclass(frozen=True)
class Refit:
    """The networks that were trained again.

    Attributes:
        tests: (networks, test rows, classes) float32, their probabilities.
        made: what the recipe keeps of each network.
    """

    tests: npt.NDArray[np.float32]
    made: tuple[RefitNetwork, ...]


def heaviest(weights: npt.NDArray[np.floating]) -> list[int]:
    """Indices of the networks worth training again, by ensemble weight, the largest first."""
    order = np.argsort(-weights, kind="stable")
    return [int(i) for i in order if weights[i] >= PEER * weights.max()]


def run(
    context: RunContext, trials: "list[TrialRecord]", budget: float | None, until: float | None
) -> Refit | None:
    """Train networks again, one per core or GPU, or as many as WORKERS= says, if there is enough time.

    Args:
        context: the competition and its split.
        trials: those worth it, the largest weight first.
        budget: seconds of the whole search; None: it was limited by TRIALS=, so there is no time limit.
        until: ``time.time()`` by which they are trained, if that is earlier; None: there is no such time.

    Returns:
        None where the time is too short, another command needs the cores, or no network got far enough.
    """
    seconds = None if budget is None else limits.refit_seconds(budget)
    if until is not None:
        seconds = min(seconds or math.inf, until - time.time())
    cores, say = limits.workers_after_search(context.workers), context.say
    chosen = _fitting(context, trials, NETS if seconds is None else cores, seconds)
    tasks = _tasks(context, chosen, None if seconds is None else time.time() + seconds)
    rows = len(context.prepared.train) + len(context.prepared.validation)
    with progress.lock_if_free(context.paths) as free:  # a search would take its cores
        if tasks and not free:
            say("predict: another command trains networks here, so none is trained again on all rows")
            say("  to do that, run make predict NAME=<new name> once it has ended")
        if not tasks or not free:
            return None
        within = "" if seconds is None else f", up to {seconds:.0f} s"
        many = counted(len(tasks), "network")
        say(f"predict: training {many} again, on all {rows:,} labelled rows{within}")
        # Two short trainings take less time one after the other in one process than to start a second one.
        alone = seconds is None and sum(map(seconds_of, chosen)) < STARTING
        together = 1 if alone else cores
        answers = process_pool.run_all(answer, tasks, "training again", together, seconds)
    made, tests = [], []
    for trial, task, said in zip(chosen, tasks, answers, strict=True):
        if said is None:  # the pool has said why
            say("  one of them failed and is left out")
            continue
        epochs = len(said[0]) - 1
        if epochs < LEAST * task.plan[0]:
            say("  one of them was trained too briefly and is left out")
            continue
        made.append(RefitNetwork(trial.number, task.seed, epochs, said[0], rows))
        tests.append(said[1])
    return Refit(np.stack(tests), tuple(made)) if made else None


def _fitting(
    context: RunContext, trials: "list[TrialRecord]", count: int, seconds: float | None
) -> "list[TrialRecord]":
    """``count`` trials to train again; if fewer fit in the time, some are trained twice, with new seeds.

    Empty if the first does not fit: the others have less weight, as a dense network beside a convolutional
    one that takes longer, and would get half of it.
    """
    prepared, fitting = context.prepared, trials
    if seconds is not None:
        more = (len(prepared.train) + len(prepared.validation)) / len(prepared.train)
        fitting = [trial for trial in trials if seconds >= starting(trial) + LEAST * more * seconds_of(trial)]
    return [fitting[k % len(fitting)] for k in range(count)] if fitting and fitting[0] is trials[0] else []


def _tasks(context: RunContext, trials: "list[TrialRecord]", ends: float | None) -> list[retrain.Task]:
    """Tasks for the processes: each with a new seed, as many epochs as the trial had, and all rows."""
    like = [task_of(context.paths, context.seed, trial) for trial in trials]
    return [
        replace(
            task, seed=task.seed + 50_000 * (1 + k), plan=(len(trial.history),), everything=True, ends=ends
        )
        for k, (trial, task) in enumerate(zip(trials, like, strict=True))
    ]


def joined(
    chosen: npt.NDArray[np.float32],
    again: npt.NDArray[np.float32],
    made: Sequence[RefitNetwork],
    trials: Sequence[RecipeTrial],
) -> npt.NDArray[np.float32]:
    """The mean of chosen and refitted networks, with half the ensemble weight each.

    Args:
        chosen: (rows, classes) float32, of the ensemble.
        again: (networks, rows, classes) float32, of the networks trained again.
        made: what is known of each of these; they are calibrated as their trials are.
        trials: the chosen ones.

    Returns:
        (rows, classes) float32.
    """
    temperatures = {one.number: one.temperature for one in trials}
    calibrated = [
        scaled(probabilities, temperatures[network.trial])
        for probabilities, network in zip(again, made, strict=True)
    ]
    return np.asarray(np.mean([chosen, np.mean(calibrated, axis=0)], axis=0), dtype=np.float32)


def task_of(paths: Paths, split_seed: int, trial: "TrialRecord | RecipeTrial") -> retrain.Task:
    """The task that trains a complete trial again, from the study's record of it or from a recipe's."""
    if trial.seed is None or trial.precision is None:
        raise ValueError(f"trial {trial.number} was never trained")
    params = space.fill_defaults(trial.params)
    return retrain.Task(paths, split_seed, params, trial.precision, trial.seed, trial.plan)


def starting(trial: "TrialRecord", usual: float = STARTING) -> float:
    """Estimated seconds until a training like a trial's trains; on a GPU it is compiled anew.

    Args:
        trial: of the search.
        usual: the same on CPU cores.
    """
    if not gpus.found() or trial.seconds is None:
        return usual
    return usual + max(0.0, trial.seconds - seconds_of(trial))


def seconds_of(trial: "TrialRecord") -> float:
    """Estimated seconds that a trial's epochs took, without the start-up before the first one."""
    seconds = [epoch.second for epoch in trial.history if epoch.second is not None]
    if len(seconds) < 2:
        return trial.seconds or 0.0
    return (seconds[-1] - seconds[0]) * len(seconds) / (len(seconds) - 1)


def answer(task: retrain.Task) -> Answer:
    """Train a network and predict the test rows, or none if no epoch ended in time; in a separate process."""
    made = retrain.train(task)
    if made is None:
        return task.plan[:1], np.empty((0, 0), np.float32)
    from catwalk.models import network

    return made.plan, network.probabilities(made.model, made.prepared.test_pixels)
