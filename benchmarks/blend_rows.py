"""From how many shared labelled rows the weights of a blend are worth finding.

    make search BUDGET=10m
    .venv/bin/python -m benchmarks.blend_rows

Two to four of the search's kept networks with at least LEAST accuracy are joined, DRAWS times at random: with
equal weights, and with weights found on so many validation rows; both are compared on HELD_OUT other
validation rows. No test rows are read.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import project, record
from catwalk.core.paths import Paths
from catwalk.data import prepare
from catwalk.models import metrics
from catwalk.submission import ensemble

LEAST = 0.935
DRAWS, HELD_OUT = 100, 3000
ROWS = (100, 300, 600, 1000, 3000)


def gains(networks: np.ndarray, labels: np.ndarray, count: int) -> dict[int, dict[str, float]]:
    """Points over equal weights, by the number of rows: mean and standard error over the draws."""
    random = np.random.default_rng(0)
    found: dict[int, list[float]] = {rows: [] for rows in ROWS}
    for _ in range(DRAWS):
        parts = networks[random.choice(len(networks), count, replace=False)]
        order = random.permutation(len(labels))
        held_out, others = order[:HELD_OUT], order[HELD_OUT:]
        equal = metrics.accuracy(parts[:, held_out].mean(axis=0), labels[held_out])
        for rows in ROWS:
            here = others[:rows]
            joined = ensemble.select(parts[:, here], labels[here]).average(parts[:, held_out])
            found[rows].append(100 * (metrics.accuracy(joined, labels[held_out]) - equal))
    return {
        rows: {"gain": float(np.mean(values)), "standard_error": float(np.std(values) / DRAWS**0.5)}
        for rows, values in found.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--project", type=Path, default=project.ROOT, help="a folder with a searched study")
    options = parser.parse_args()
    paths = Paths(options.project, "fashion-mnist")
    prepared = prepare.load(paths, 1)
    labels = np.asarray(prepared.labels[prepared.validation])
    files = sorted((paths.study / "kept").glob(f"*-{prepared.split}-*/trial-*.npy"))
    kept = [np.load(file) for file in files]
    networks = np.stack([one for one in kept if metrics.accuracy(one, labels) >= LEAST])
    said: dict[str, Any] = {"networks": len(networks)}
    for count in (2, 3, 4):
        said[f"of {count}"] = gains(networks, labels, count)
        print(count, said[f"of {count}"], flush=True)
    print(f"kept in {record.keep('blend_rows', said)}")


if __name__ == "__main__":
    main()
