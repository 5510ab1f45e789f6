"""The idea in one short file: from raw CSVs to a checked submission, with catwalk's own parts.

    .venv/bin/python examples/minimal.py [competition]

Run it in the project's folder. Without a name it takes scikit-learn's 8x8 digits, for less than a minute.
``make all`` adds: a worker a core, limits of time, early stopping, a study that survives a kill -9, a refit,
a forecast, and a talk.
"""

# ruff: noqa: E402

import sys
from pathlib import Path

from catwalk.core import tensorflow_setup
from catwalk.core.errors import CatwalkError
from catwalk.core.paths import Paths

tensorflow_setup.setup()  # before TensorFlow is imported: without its start-up messages

import numpy as np
import optuna

from catwalk.data import competition, download, duplicates, prepare
from catwalk.models import features, metrics, network, portfolio, space
from catwalk.models.train import Training
from catwalk.search import model_store
from catwalk.submission import ensemble, submission_csv

SEED = 1  # of the split, the sampler and the networks
TRIALS = 4  # the three that every search begins with, then the sampler's choice
EPOCHS = 20
STUDY = "minimal"  # the name of the folder for the networks


def main(name: str) -> Path:
    # The TOML says what the CSVs look like: competitions/<name>.toml.
    paths = Paths(Path.cwd(), name)
    loaded = competition.load(paths)

    # Raw CSVs to uint8 arrays and a stratified split; the test rows' labels are put aside, sealed.
    download.run(paths, loaded, "auto", print)
    prepare.run(paths, loaded, SEED, print)
    prepared = prepare.load(paths, SEED)

    # Each trial chooses one value of each row of the search space, trains, and keeps its network.
    seen = features.resolve("auto", loaded.shape)
    views = features.FeatureSet(paths, prepared, loaded.shape)

    def objective(trial: optuna.Trial) -> float:
        params = space.suggest(trial, seen, loaded.augment)
        training = Training(prepared, loaded, views, "float32", params, seed=SEED + trial.number)
        epochs = list(training.epochs(EPOCHS, deadline=None))
        accuracy = model_store.keep(paths, STUDY, trial.number, prepared, training.finish())
        kind = trial.user_attrs.get("kind", "sampled")
        print(f"trial {trial.number} ({kind}): {accuracy:.4f} on validation, loss {epochs[-1].loss:.3f}")
        return accuracy

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=SEED))
    for kind, params in portfolio.first(seen, loaded.augment)[:3]:
        study.enqueue_trial(params, user_attrs={"kind": kind})
    study.optimize(objective, n_trials=TRIALS)

    # Networks and weights are chosen on the validation rows alone, which no network has learned from.
    numbers = [trial.number for trial in study.trials]
    labels = prepared.labels[prepared.validation]
    on_validation = np.stack([np.load(paths.probabilities(STUDY, number)) for number in numbers])
    chosen = ensemble.select(on_validation, labels)
    share = metrics.accuracy(chosen.average(on_validation), labels)
    low, high = metrics.wilson(share, duplicates.count(prepared).validation)  # identical pictures count once
    print(f"ensemble: {share:.4f} on validation (95% interval {low:.4f} to {high:.4f})")

    # Their weighted mean on the test rows; the CSV is checked before it gets its name.
    models = [network.load(paths.model(STUDY, number)) for number in numbers]
    on_test = np.stack([network.probabilities(model, prepared.test_pixels) for model in models])
    target = paths.kept(STUDY) / "submission.csv"
    submission_csv.write(target, prepared.test_ids, chosen.average(on_test).argmax(axis=1), loaded)
    print(f"written and checked: {paths.shown(target)}")
    return target


if __name__ == "__main__":
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else "digits")
    except CatwalkError as error:  # what is wrong, where, and what fixes it
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
