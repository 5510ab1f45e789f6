"""The forecast and the refit, tried on pseudo-tests carved from the training rows.

    .venv/bin/python -m benchmarks.forecast --rounds 20
    .venv/bin/python -m benchmarks.forecast --rounds 6 --strong     the portfolio's first net, at full length

In each round (another split, another seed) PSEUDO rows of the training part are set aside as a test that
nobody looks at. A few small networks (or one as a search of ten minutes trains it) learn from what is left,
an ensemble of them is chosen on the validation rows, and its forecast is made. Then: was the pseudo-test's
accuracy inside the 95% interval, how far below validation was it, and how do the same networks do when
trained again, from fresh seeds, on training and validation rows together ("refit").
The official test rows are not touched.
"""

import argparse
import statistics
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks import project, record
from benchmarks.project import ROOT
from catwalk.core import tensorflow_setup
from catwalk.search.limits import cores

PSEUDO = 10_000
EPOCHS, STRONG_EPOCHS = 4, 24
# Small, so that many rounds are affordable; different, so that there is something to choose.
CHANGES: list[dict[str, Any]] = [
    {},
    {"dropout": 0.5, "activation": "gelu"},
    {"mixup": 0.2, "learning_rate": 1e-3},
    {"view": "pixels", "width_1": 512},
]
SMALL: dict[str, Any] = {"width_1": 256, "width_2": 128, "dropout": 0.2}


def one_round(seed: int, strong: bool) -> dict[str, float]:
    """Accuracies, the forecast, and what the refit gives, of the split of this seed."""
    tensorflow_setup.setup(threads=1)
    from catwalk.core.paths import Paths
    from catwalk.data import competition, prepare
    from catwalk.models import metrics, portfolio, precision
    from catwalk.submission import ensemble, forecast

    paths = Paths(ROOT, "fashion-mnist")
    loaded = competition.load(paths)
    whole = prepare.load(paths, seed)
    order = np.random.default_rng(seed).permutation(whole.train)
    pseudo, train = np.sort(order[:PSEUDO]), np.sort(order[PSEUDO:])
    here = replace(whole, train=train)
    everything = replace(whole, train=np.sort(np.concatenate([train, whole.validation])))
    how = precision.fastest()
    configurations = [{**portfolio.QUICK["local"], **SMALL, **change} for change in CHANGES]
    if strong:
        configurations = [portfolio.STRONG]
    epochs = STRONG_EPOCHS if strong else EPOCHS

    def answers(data: Any, first_seed: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        nets = [Net(params, epochs, first_seed + i, how) for i, params in enumerate(configurations)]
        said = [_answers(loaded, data, net, pseudo) for net in nets]
        return np.stack([one for one, _ in said]), np.stack([two for _, two in said])

    labels, asked = whole.labels[whole.validation], whole.labels[pseudo]
    validation, test = answers(here, 1000 * seed)
    chosen = ensemble.select(validation, labels)
    shown = metrics.accuracy(chosen.average(validation), labels)
    said = forecast.estimate(validation, labels, shown, PSEUDO)
    _, again = answers(everything, 1000 * seed + 500)
    both = (chosen.average(test) + chosen.average(again)) / 2
    return {
        "seed": seed,
        "validation": shown,
        "test": metrics.accuracy(chosen.average(test), asked),
        "forecast": said.accuracy,
        "low": said.interval[0],
        "high": said.interval[1],
        "optimism": said.optimism,
        "refit": metrics.accuracy(chosen.average(again), asked),
        "both": metrics.accuracy(both, asked),
    }


class Net(NamedTuple):
    """One network: its parameters, epochs, seed and precision."""

    params: Any
    epochs: int
    seed: int
    precision: str


def _answers(
    loaded: Any, data: Any, net: Net, pseudo: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Train one network; its probabilities on the validation rows and on the pseudo-test."""
    import keras

    from catwalk.core.paths import Paths
    from catwalk.models import features, network
    from catwalk.models.train import Training

    keras.backend.clear_session()
    with TemporaryDirectory() as scratch:  # the table of features of just these rows
        own = Paths(Path(scratch), "fashion-mnist")
        own.prepared.mkdir(parents=True)
        views = features.FeatureSet(own, data, loaded.shape)
        training = Training(data, loaded, views, net.precision, net.params, net.seed)
        for _ in training.epochs(net.epochs, None):
            pass
        model = training.finish()
    rows = np.concatenate([data.validation, pseudo])
    said = network.probabilities(model, data.pixels, rows)
    return said[: len(data.validation)], said[len(data.validation) :]


def summary(rows: list[dict[str, float]]) -> dict[str, Any]:
    """What the rounds say together; differences in points, paired within a round."""

    def points(ahead: str, behind: str) -> dict[str, float | None]:
        return record.mean([100 * (row[ahead] - row[behind]) for row in rows])

    return {
        "rounds": len(rows),
        "inside": sum(row["low"] <= row["test"] <= row["high"] for row in rows),
        "half_width": 50 * statistics.mean(row["high"] - row["low"] for row in rows),
        "validation_less_test": points("validation", "test"),
        "forecast_less_test": points("forecast", "test"),
        "refit_gain": points("refit", "test"),
        "both_gain": points("both", "test"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--strong", action="store_true", help="the portfolio's first net, at full length")
    options = parser.parse_args()
    seeds = range(1, options.rounds + 1)
    project.here("fashion-mnist", seeds)
    rows = []
    # A new process for each round: what TensorFlow keeps would grow.
    with ProcessPoolExecutor(cores(), get_context("spawn"), max_tasks_per_child=1) as pool:
        for row in pool.map(partial(one_round, strong=options.strong), seeds):
            rows.append(row)
            print(" ".join(f"{key} {value:.4f}" for key, value in row.items()), flush=True)
    said = summary(rows)
    for key, value in said.items():
        print(f"{key}: {value}")
    name = "forecast-strong" if options.strong else "forecast"
    print(f"kept in {record.keep(name, {'summary': said, 'rounds': rows})}")


if __name__ == "__main__":
    main()
