"""A worker: a process that imports TensorFlow once and runs the trials that the parent process assigns."""

import gc
import os
import time
from multiprocessing.connection import Connection

from catwalk.core.paths import Paths
from catwalk.models.epoch import Epoch
from catwalk.search.messages import Done, EpochEnded, Failed, Ready, TrialBegun


def run(connection: Connection, paths: Paths, seed: int, scope: str, folds: int, worker: int) -> None:
    """Serve the parent until killed: receive an ``Order``, run the trial, report what happens.

    Sends ``Ready`` once; then for each trial ``TrialBegun``, ``EpochEnded`` as epochs end, and ``Done``. An
    error that it can't recover from is sent as ``Failed`` before it exits.

    Args:
        connection: to the parent.
        paths: the competition's.
        seed: of the search.
        scope: of the search.
        folds: 1: it runs the search's trials; else those of the folds' study, with so many folds.
        worker: its number in this run.
    """
    try:
        _serve(connection, paths, seed, scope, folds, worker)
    except (EOFError, BrokenPipeError):
        os._exit(1)  # the parent is gone
    except Exception as error:
        from catwalk.search import failed_trials

        connection.send(Failed(failed_trials.reason(error), failed_trials.fix(error)))
        os._exit(1)


def _serve(connection: Connection, paths: Paths, seed: int, scope: str, folds: int, worker: int) -> None:
    from catwalk.core import tensorflow_setup

    tensorflow_setup.setup(threads=1)
    connection.send(Ready())
    order = connection.recv()  # before the first, the parent makes the study

    import optuna

    from catwalk.data import competition
    from catwalk.data.run_context import RunContext
    from catwalk.models import precision
    from catwalk.models.features import FeatureSet
    from catwalk.models.train import OutOfTimeError
    from catwalk.search import failed_trials, fold_study, progress, retries, study
    from catwalk.search.fold_objective import FoldObjective
    from catwalk.search.trial import Clock, Objective

    context = RunContext.load(paths, competition.load(paths), seed, scope)
    views = FeatureSet(paths, context.prepared, context.competition.shape)
    objective_of = Objective if folds == 1 else FoldObjective.of(context, folds)
    if folds > 1:
        context = fold_study.named(context, folds)
    name = progress.study_name(paths, context.prepared, scope)
    storage, pruner = study.open_storage(paths), study.FamilyPruner()
    opened = optuna.load_study(study_name=name, storage=storage, pruner=pruner)
    how_precise = precision.here(study.precision(opened, precision.fastest))
    opened.sampler = study.sampler(seed, worker, scope, len(study.finished(opened)), paths.team is not None)

    current: list[int] = []  # the number of the trial that this worker is running, if any

    def tell(number: int, kind: str, epoch: Epoch | None) -> None:
        current[:] = [number]
        try:
            connection.send(EpochEnded(number, kind, epoch) if epoch else TrialBegun(number, kind))
        except (BrokenPipeError, ConnectionResetError):
            os._exit(1)  # the parent is gone; the trial stays RUNNING, and the next search repeats it

    gc.freeze()  # what was imported stays; the collections pass over it
    while True:
        current.clear()
        now = time.monotonic()
        deadline = None if order.seconds is None else now + order.seconds
        clock = Clock(now - order.spent, deadline, order.budget)
        objective = objective_of(context, study.key(opened), views, how_precise, clock, tell)
        try:
            opened.optimize(objective, n_trials=1)
        except Exception as error:
            if not current:
                raise
            trial = opened.trials[current[0]]
            retries.repeat(opened, trial, counts=not isinstance(error, OutOfTimeError))
            # If the machine was asleep, others assumed this worker dead and run its trial again: continue.
            if failed_trials.is_of_machine(error) and trial.user_attrs.get(failed_trials.REASON):
                raise
        # A network and its graph refer to each other in circles; until here an error's traceback held them.
        gc.collect()
        connection.send(Done())
        order = connection.recv()
