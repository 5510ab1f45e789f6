"""The portfolio's configurations: what each candidate reaches on validation, over splits and seeds.

    .venv/bin/python -m benchmarks.portfolio strong view=gradients mixup=0.2 --rounds 3 --epochs 25
    .venv/bin/python -m benchmarks.portfolio --models conv strong conv_muon=0,learning_rate=0.01 --epochs 16

Each candidate is the family's first configuration of ``portfolio.py`` with some values changed ("strong" is
the configuration itself; commas join several changes). In each round every candidate is trained on the same
split with the same seed; the next round has other ones, so the differences are paired. The validation rows
decide; the test rows are not touched. The probabilities of all are averaged at the end, to see what they are
together.
"""

import argparse
import statistics
import time
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import project, record
from catwalk.core import tensorflow_setup

tensorflow_setup.setup(threads=1)

import keras  # noqa: E402  (after the set-up)

from catwalk.core.paths import Paths  # noqa: E402
from catwalk.data import competition, prepare  # noqa: E402
from catwalk.data import scope as scopes  # noqa: E402
from catwalk.models import features, metrics, network, portfolio, precision  # noqa: E402
from catwalk.models.space import SPACE, Params, checked  # noqa: E402
from catwalk.models.train import Training  # noqa: E402


def parsed(text: str) -> Params:
    """The changes in "mixup=0.2,depth=3", as values of the search space."""
    if text == "strong":
        return {}
    changes: Params = {}
    for part in text.split(","):
        name, value = part.split("=")
        kind, choices = SPACE[name]
        changes[name] = int(value) if kind == "log size" else type(choices[0])(value)
    return changes


def train(
    paths: Paths, loaded: competition.Competition, params: Params, split: int, epochs: int, how: str
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8], float]:
    """A candidate's probabilities on the validation rows of a split, their labels, and seconds."""
    prepared = prepare.load(paths, split)
    views = features.FeatureSet(paths, prepared, loaded.shape)
    keras.backend.clear_session()
    started = time.perf_counter()
    training = Training(prepared, loaded, views, how, params, seed=split)
    for _ in training.epochs(epochs, None):
        pass
    seconds = time.perf_counter() - started
    said = network.probabilities(training.finish(), prepared.pixels, prepared.validation)
    return said, prepared.labels[prepared.validation], seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("candidates", nargs="+", help="as mixup=0.2,depth=3; strong for no change")
    parser.add_argument("--competition", default="fashion-mnist")
    parser.add_argument("--features", default="auto", help="auto or pixels")
    parser.add_argument("--models", default="dense", choices=("dense", "conv"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=25)
    options = parser.parse_args()
    splits = range(1, options.rounds + 1)
    paths, loaded = project.here(options.competition, splits)
    seen = features.resolve(options.features, loaded.shape)
    scope = scopes.name(seen, options.models)
    strong = portfolio.configurations(options.models, scope, loaded.augment)[0][1]
    how = precision.fastest()
    chosen = {text: checked({**strong, **parsed(text)}, scope, loaded.augment) for text in options.candidates}
    rows: list[dict[str, Any]] = []
    for split in splits:
        together, labels = [], np.zeros(0, np.uint8)
        for name, params in chosen.items():
            said, labels, seconds = train(paths, loaded, params, split, options.epochs, how)
            share = metrics.accuracy(said, labels)
            together.append(said)
            rows.append({"split": split, "candidate": name, "accuracy": share, "seconds": seconds})
            print(f"split {split}, {name}: {share:.4f} in {seconds:.0f} s", flush=True)
        share = metrics.accuracy(np.mean(together, axis=0), labels)
        rows.append({"split": split, "candidate": "all averaged", "accuracy": share, "seconds": 0.0})
    for name in [*chosen, "all averaged"]:
        shares = [row["accuracy"] for row in rows if row["candidate"] == name]
        print(f"{name:40s} {statistics.mean(shares):.4f} ({', '.join(f'{share:.4f}' for share in shares)})")
    kept = record.keep("portfolio", {"epochs": options.epochs, "precision": how, "runs": rows})
    print(f"kept in {kept}")


if __name__ == "__main__":
    main()
