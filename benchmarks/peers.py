"""The peers that catwalk is measured beside, each by the settings its own documentation recommends.

    .venv-bench/bin/python benchmarks/peers.py keras_tuner --data arrays.npz --budget 180 --seed 1 --out here

benchmarks/bench.py calls this; the environment is benchmarks/requirements.txt and knows nothing of catwalk.
Every peer has the same training and validation rows, both cores, and the whole budget, imports included. What
each one may do is what its documentation offers, and on this machine the fastest of it:

- all Keras peers: pixels from 0 to 1, float32, batches of 256 (32 and 128 for the two examples),
  jit_compile=False (Keras's own default compiles with XLA, which is slower on a processor),
  steps_per_execution=20;
- optuna_keras: two worker processes on one journal file (Optuna's page on parallelization), TPE,
  MedianPruner with 5 start-up trials and 3 warm-up epochs, a pruning callback each epoch;
- keras_tuner: Hyperband with factor 3 and early stopping, iterations until the time is up;
- sklearn_mlp: RandomizedSearchCV over MLPClassifier on the given split, n_jobs=2, in rounds until the time is
  up; early stopping is MLPClassifier's own;
- beginner: Flatten, 128 ReLU units, softmax, Adam, the first network of Keras's tutorials, 10 epochs;
- keras_convnet: network and settings of Keras's example "Simple MNIST convnet": two convolutions with
  pooling, dropout, Adam, batches of 128, 15 epochs;
- keras_tuner_conv: as keras_tuner, over one to three such convolutions of 16 to 128 filters.

Each peer's answer for the test rows is its best model's on validation: none of them averages several.
Written are ``curve.jsonl``, a line an epoch or a model (second since the start, validation accuracy), and
``answer.npz`` (validation and test labels).
"""

import argparse
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

STARTED = float(os.environ.get("BENCH_STARTED", time.time()))  # bench.py starts the clock
ANSWERING = 5.0  # seconds kept for the answer
EPOCHS = 30  # of a trial at most


class Out:
    """Where a peer writes; safe for several processes, for each line is written at once."""

    def __init__(self, folder: Path, budget: float, validation: np.ndarray) -> None:
        self.folder, self.end, self._labels = folder, STARTED + budget, validation
        self.best = 0.0  # of this process
        folder.mkdir(parents=True, exist_ok=True)

    def left(self) -> float:
        return self.end - ANSWERING - time.time()

    def reached(self, accuracy: float) -> None:
        line = json.dumps({"second": round(time.time() - STARTED, 2), "accuracy": float(accuracy)})
        with (self.folder / "curve.jsonl").open("a") as file:
            file.write(line + "\n")

    def answer(self, validation: np.ndarray, test: np.ndarray) -> None:
        """Keep the answer if it is the best so far; predicted labels of both sets of rows."""
        accuracy = float((validation == self._labels).mean())
        path = self.folder / f"answer-{accuracy:.6f}-{os.getpid()}.npz"
        np.savez(path, validation=validation, test=test, second=time.time() - STARTED)
        for worse in sorted(self.folder.glob("answer-*.npz"))[:-1]:
            worse.unlink(missing_ok=True)


def _keras(threads: int) -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    import keras

    return keras


def _dense(
    keras: Any, widths: list[int], activation: str, dropout: float, optimizer: str, rate: float
) -> Any:
    model = keras.Sequential([keras.Input((784,))])
    for width in widths:
        model.add(keras.layers.Dense(width, activation=activation))
        if dropout:
            model.add(keras.layers.Dropout(dropout))
    return _compiled(keras, model, optimizer, rate)


def _convolutional(
    keras: Any, filters: list[int], dropout: float, optimizer: str = "adam", rate: float = 1e-3
) -> Any:
    model = keras.Sequential([keras.Input((784,)), keras.layers.Reshape((28, 28, 1))])
    for width in filters:
        model.add(keras.layers.Conv2D(width, 3, activation="relu"))
        model.add(keras.layers.MaxPooling2D(2))
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dropout(dropout))
    return _compiled(keras, model, optimizer, rate)


def _compiled(keras: Any, model: Any, optimizer: str, rate: float) -> Any:
    model.add(keras.layers.Dense(10, activation="softmax"))
    kinds = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop, "sgd": keras.optimizers.SGD}
    extra = {"momentum": 0.9} if optimizer == "sgd" else {}
    model.compile(
        optimizer=kinds[optimizer](rate, **extra), loss="sparse_categorical_crossentropy",
        metrics=["accuracy"], jit_compile=False, steps_per_execution=20,
    )  # fmt: skip
    return model


def _watch(keras: Any, data: Any, out: Out, also: Callable[[int, float], None] = lambda *_: None) -> Any:
    """A callback that writes each epoch, keeps the best answer, and ends the process when the time is up."""

    class Watch(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
            accuracy = logs["val_accuracy"]
            out.reached(accuracy)
            if accuracy > out.best:
                out.best = accuracy
                out.answer(_labels(self.model, data["validation"]), _labels(self.model, data["test"]))
            also(epoch, accuracy)

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if out.left() < 0:
                os._exit(0)  # the tools would take an exception for a failed trial and begin the next one

    return Watch()


def _labels(model: Any, pixels: np.ndarray) -> np.ndarray:
    labels: np.ndarray = np.asarray(model.predict(pixels, batch_size=2000, verbose=0)).argmax(axis=1)
    return labels


def beginner(data: Any, out: Out, seed: int) -> None:
    keras = _keras(2)
    keras.utils.set_random_seed(seed)
    model = _dense(keras, [128], "relu", 0.0, "adam", 1e-3)
    model.fit(
        data["train"], data["train_labels"], epochs=10, batch_size=32, verbose=0,
        validation_data=(data["validation"], data["validation_labels"]), callbacks=[_watch(keras, data, out)],
    )  # fmt: skip


def keras_convnet(data: Any, out: Out, seed: int) -> None:
    keras = _keras(2)
    keras.utils.set_random_seed(seed)
    _convolutional(keras, [32, 64], 0.5).fit(
        data["train"], data["train_labels"], epochs=15, batch_size=128, verbose=0,
        validation_data=(data["validation"], data["validation_labels"]), callbacks=[_watch(keras, data, out)],
    )  # fmt: skip


def optuna_keras(data: Any, out: Out, seed: int) -> None:
    """The parent starts the second worker; both do the same."""
    from multiprocessing import get_context

    other = get_context("spawn").Process(target=_optuna_worker, args=(data, out, seed, 1))
    other.start()
    _optuna_worker(data, out, seed, 0)
    other.join()


def _optuna_worker(data: Any, out: Out, seed: int, worker: int) -> None:
    keras = _keras(1)
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(out.folder / "journal.log"))),
        study_name="bench", direction="maximize", load_if_exists=True,
        sampler=optuna.samplers.TPESampler(seed=10 * seed + worker),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=3),
    )  # fmt: skip

    def objective(trial: Any) -> float:
        keras.backend.clear_session()
        depth = trial.suggest_int("layers", 1, 3)
        model = _dense(
            keras,
            [trial.suggest_int(f"units_{i}", 32, 1024, log=True) for i in range(depth)],
            "relu",
            trial.suggest_float("dropout", 0.0, 0.5),
            trial.suggest_categorical("optimizer", ["adam", "rmsprop", "sgd"]),
            trial.suggest_float("learning_rate", 1e-4, 1e-1, log=True),
        )

        def report(epoch: int, accuracy: float) -> None:
            trial.report(accuracy, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned

        history = model.fit(
            data["train"], data["train_labels"], epochs=EPOCHS, batch_size=256, verbose=0,
            validation_data=(data["validation"], data["validation_labels"]),
            callbacks=[_watch(keras, data, out, report), _stop_early(keras)],
        )  # fmt: skip
        return float(max(history.history["val_accuracy"]))

    study.optimize(objective, timeout=max(0.0, out.left()))


def _stop_early(keras: Any) -> Any:
    return keras.callbacks.EarlyStopping("val_accuracy", patience=5)


def keras_tuner(data: Any, out: Out, seed: int) -> None:
    keras = _keras(2)

    def build(hp: Any) -> Any:
        depth = hp.Int("layers", 1, 3)
        return _dense(
            keras,
            [hp.Int(f"units_{i}", 32, 1024, sampling="log") for i in range(depth)],
            "relu",
            hp.Float("dropout", 0.0, 0.5, step=0.1),
            hp.Choice("optimizer", ["adam", "rmsprop", "sgd"]),
            hp.Float("learning_rate", 1e-4, 1e-1, sampling="log"),
        )

    _hyperband(keras, build, data, out, seed)


def keras_tuner_conv(data: Any, out: Out, seed: int) -> None:
    keras = _keras(2)

    def build(hp: Any) -> Any:
        return _convolutional(
            keras,
            [hp.Int(f"filters_{i}", 16, 128, sampling="log") for i in range(hp.Int("convolutions", 1, 3))],
            hp.Float("dropout", 0.0, 0.5, step=0.1),
            hp.Choice("optimizer", ["adam", "rmsprop", "sgd"]),
            hp.Float("learning_rate", 1e-4, 1e-1, sampling="log"),
        )

    _hyperband(keras, build, data, out, seed)


def _hyperband(keras: Any, build: Callable[[Any], Any], data: Any, out: Out, seed: int) -> None:
    import keras_tuner

    tuner = keras_tuner.Hyperband(
        build, objective="val_accuracy", max_epochs=EPOCHS, factor=3, hyperband_iterations=100, seed=seed,
        directory=str(out.folder), project_name="tuner",
    )  # fmt: skip
    tuner.search(
        data["train"], data["train_labels"], batch_size=256, verbose=0,
        validation_data=(data["validation"], data["validation_labels"]),
        callbacks=[_watch(keras, data, out), _stop_early(keras)],
    )  # fmt: skip


def sklearn_mlp(data: Any, out: Out, seed: int) -> None:
    from scipy.stats import loguniform
    from sklearn.model_selection import PredefinedSplit, RandomizedSearchCV
    from sklearn.neural_network import MLPClassifier

    # What is fitted when the time is up is given up.
    threading.Timer(max(0.1, out.left()), lambda: os._exit(0)).start()
    pixels = np.concatenate([data["train"], data["validation"]])
    labels = np.concatenate([data["train_labels"], data["validation_labels"]])
    fold = np.r_[np.full(len(data["train"]), -1), np.zeros(len(data["validation"]), int)]
    choices = {
        "hidden_layer_sizes": [(64,), (128,), (256,), (512,), (128, 64), (256, 128), (512, 256)],
        "alpha": loguniform(1e-6, 1e-2),
        "learning_rate_init": loguniform(1e-4, 1e-2),
        "batch_size": [128, 256, 512],
    }
    best, number, refit, longest = None, 0, 0.0, 0.0
    while best is None or out.left() > longest + refit:
        began = time.time()
        network = MLPClassifier(max_iter=15, early_stopping=True, n_iter_no_change=3, random_state=seed)
        search = RandomizedSearchCV(
            network, choices, n_iter=2, n_jobs=2, refit=False, cv=PredefinedSplit(fold),
            random_state=1000 * seed + number,
        ).fit(pixels, labels)  # fmt: skip
        number, longest = number + 1, max(longest, time.time() - began)
        out.reached(search.best_score_)
        if search.best_score_ > out.best:
            out.best, best = search.best_score_, network.set_params(**search.best_params_)
            refit = 1.2 * search.cv_results_["mean_fit_time"][search.best_index_]
    # A search without refit keeps no model (with it, it would learn the validation rows): fitted once again.
    best.fit(data["train"], data["train_labels"])
    out.answer(best.predict(data["validation"]), best.predict(data["test"]))


SEARCHING = (optuna_keras, keras_tuner, keras_tuner_conv, sklearn_mlp)
PEERS = {one.__name__: one for one in (beginner, keras_convnet, *SEARCHING)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--budget", type=float, required=True, help="seconds")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    with np.load(options.data) as arrays:
        data = {name: arrays[name] for name in arrays.files}
    for name in ("train", "validation", "test"):
        data[name] = data[name].astype(np.float32) / 255
    PEERS[options.peer](data, Out(options.out, options.budget, data["validation_labels"]), options.seed)


if __name__ == "__main__":
    main()
