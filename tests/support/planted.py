"""A search and folds whose networks are scikit-learn's: real predictions, without TensorFlow."""

from dataclasses import replace

import numpy as np
import optuna
from optuna.trial import TrialState, create_trial
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.naive_bayes import GaussianNB

from catwalk.core import records
from catwalk.core.paths import Paths
from catwalk.data import folds as data_folds
from catwalk.data.prepare import Prepared
from catwalk.data.run_context import RunContext
from catwalk.models.epoch import Epoch
from catwalk.search import fold_study, progress, study
from catwalk.search.fold_study import Fold
from catwalk.search.trial_record import PREDICTING
from tests.conftest import load

EPOCHS, SECONDS = 11, 10.0  # of each trial of the search; its first epoch ends after a second
# By the trial's number.
MODELS = {0: GaussianNB(), 1: LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1)}


def context(paths: Paths, digits: Prepared) -> RunContext:
    return RunContext(paths, load("digits"), digits, 1, "pixels", lambda _: None)


def keep(paths: Paths, key: str, number: int, probabilities: np.ndarray) -> None:
    """What ``model_store.keep`` writes, but that no network lies in the file."""
    paths.model(key, number).parent.mkdir(parents=True, exist_ok=True)
    paths.model(key, number).write_bytes(b"")
    np.save(paths.probabilities(key, number), probabilities.astype(np.float32))


def predicted(number: int, prepared: Prepared) -> np.ndarray:
    """(validation rows, classes): by the model of this number, trained on the training rows."""
    pixels, labels = np.asarray(prepared.pixels) / 255, prepared.labels
    model = MODELS[number].fit(pixels[prepared.train], labels[prepared.train])
    return np.asarray(model.predict_proba(pixels[prepared.validation]), np.float32)


def add(opened: optuna.Study, value: float, **attrs: object) -> None:
    seconds = np.linspace(1, SECONDS, EPOCHS)
    history = [
        records.encode(Epoch(i, EPOCHS, 0.1, 0.9, 0.1, 0.9, second)) for i, second in enumerate(seconds, 1)
    ]
    whole = {"history": history, "planned": EPOCHS, "seed": 1, "precision": "float32", **attrs}
    opened.add_trial(create_trial(state=TrialState.COMPLETE, value=value, user_attrs=whole))


def search(within: RunContext, predicting: float = 0.0) -> optuna.Study:
    """A study with a complete trial of each model, whose predictions took so many seconds."""
    paths, prepared = within.paths, within.prepared
    opened = study.create(paths, prepared, within.scope)
    opened.set_user_attr("precision", "float32")
    for number in MODELS:
        probabilities = predicted(number, prepared)
        keep(paths, study.key(opened), number, probabilities)
        value = float(np.mean(probabilities.argmax(axis=1) == prepared.labels[prepared.validation]))
        add(opened, value, kind=f"portfolio {number + 1}", **{PREDICTING: predicting})
    state = replace(progress.NOTHING, spent=60.0, finished=len(MODELS), folds=1)
    progress.write(paths, study.key(opened), state)
    return opened


def train(within: RunContext, trial: int, count: int, only: tuple[int, ...] = ()) -> optuna.Study:
    """Add a configuration's folds, all or ``only`` these, to the folds' study."""
    paths, named = within.paths, data_folds.named(within.prepared, count)
    data_folds.write(paths, within.prepared, count, within.seed)
    of_rows = data_folds.load(paths, within.prepared, count)
    opened = study.create(paths, named, within.scope)
    for fold in only or range(count):
        here = data_folds.held_out(within.prepared, of_rows, fold)
        probabilities = predicted(trial, here)
        number = len(opened.trials)
        keep(paths, study.key(opened), number, probabilities)
        value = float(np.mean(probabilities.argmax(axis=1) == here.labels[here.validation]))
        what = Fold(trial, f"portfolio {trial + 1}", fold, count, EPOCHS)
        add(opened, value, kind=what.title, **{fold_study.FOLD: records.encode(what)})
    return opened
