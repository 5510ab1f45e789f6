"""How a search starts: seconds until the first epoch has ended, and until the table of features is there.

    .venv/bin/python -m benchmarks.start --rounds 3

Each round is ``catwalk search`` in a new project whose data are prepared; seconds count from the command, of
the first epoch from its first line of Python. The table is made while the first networks, which see pixels
only, are trained, if there is a core for it.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import bench, project, record
from catwalk.core.paths import Paths

SEARCH = 60  # seconds; the table takes about half of it
PATIENCE = 0.05  # seconds between two looks at the folder


def one(seed: int) -> dict[str, float]:
    """One search: seconds until the first epoch and the table."""
    with TemporaryDirectory() as place:
        paths = project.copied(bench.COMPETITION, Path(place), seed)
        command = [sys.executable, "-P", "-m", "catwalk", "search", "--competition", bench.COMPETITION]
        command += ["--seed", str(seed), "--budget", f"{SEARCH}s"]
        began = time.monotonic()
        process = subprocess.Popen(command, cwd=paths.root, stdout=subprocess.DEVNULL)  # noqa: S603
        found = {}
        while process.poll() is None:
            if "table" not in found and _has_table(paths):
                found["table"] = round(time.monotonic() - began, 2)
            time.sleep(PATIENCE)
        if process.returncode:
            raise SystemExit("the search failed")
        if "table" not in found:
            raise SystemExit("the search ended before its table of features was there")
        curve = bench.curve_of_study(paths.root, seed)
        return {"first_epoch": min(point["second"] for point in curve), **found}


def _has_table(paths: Paths) -> bool:
    return any(paths.prepared.glob(paths.features("table-*").name))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rounds = [one(seed) for seed in range(1, options.rounds + 1)]
    print(rounds)
    print(f"kept in {record.keep('start', {'rounds': rounds})}")


if __name__ == "__main__":
    main()
