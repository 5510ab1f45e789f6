"""How an epoch's time grows with rows and with width, one thread.

    .venv/bin/python -m benchmarks.growth

784-w-w-10 as in engine.py's large network (batch 512), whole epochs over Fashion-MNIST's training rows: half
of them, all, and all twice, for w = 512; and w from 128 to 2048 with all rows. The
multiplications of its matrix products stand beside it; figures are medians of some epochs.
"""

import argparse
import statistics
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks import (
    engine,  # sets TensorFlow up for one thread
    project,
    record,
)
from catwalk.data import prepare
from catwalk.models import precision

WIDTHS = (128, 256, 512, 1024, 2048)
WIDTH = 512
SHARES = (0.5, 1.0, 2.0)


def sizes(prepared: prepare.Prepared) -> list[tuple[int, int]]:
    """(rows, width) of what is measured; the size that both lists share once."""
    rows = len(prepared.train)
    return [(int(share * rows), WIDTH) for share in SHARES] + [(rows, w) for w in WIDTHS if w != WIDTH]


def multiplications(rows: int, width: int) -> int:
    """An epoch's: forwards, and backwards by weights and inputs; but not by the pixels."""
    return rows * (2 * 784 * width + 3 * (width * width + 10 * width))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    paths, loaded = project.here("fashion-mnist")
    prepared, how = prepare.load(paths, 1), precision.fastest()
    measured: list[dict[str, Any]] = []
    for rows, width in sizes(prepared):
        params = {**engine.NETS["large"], "width_1": width, "width_2": width}
        mine = engine.Ours(loaded, replace(prepared, train=np.resize(prepared.train, rows)), params, how)
        seconds = [engine.seconds(mine.epoch) for _ in range(options.rounds)]
        measured.append(
            {
                "rows": rows,
                "width": width,
                "seconds": statistics.median(seconds),
                "range": [min(seconds), max(seconds)],
                "multiplications": multiplications(rows, width),
            }
        )
        print(f"{rows:>7,} rows, width {width:>4}: {measured[-1]['seconds']:.2f} s an epoch", flush=True)
    print(f"kept in {record.keep('growth', {'precision': how, 'figures': measured})}")


if __name__ == "__main__":
    main()
