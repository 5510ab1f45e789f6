"""Reading CSVs: catwalk's reader beside pyarrow's own and pandas.read_csv, each in a process of its own.

    .venv/bin/python -m benchmarks.csv_reader  # Fashion-MNIST's 60,000 rows, and 700,000 generated ones

A row of the table is a reader: median seconds and the range over the rounds, the ratio to pyarrow's own
(median of the rounds' ratios; the readers take turns, so that a slow moment of the machine hits all),
and the process's peak memory. The limits: 1.3 times pyarrow and 700 MB; 1.5 GB for the 700,000 rows.
"""

import argparse
import json
import multiprocessing
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import record
from benchmarks.project import ROOT
from catwalk.core.paths import Paths, folder_aside
from catwalk.data import competition, download
from catwalk.data.csv_rows import read_rows, write_rows


def read_catwalk(file: Path) -> None:
    read_rows(file, competition.load(Paths(ROOT, "fashion-mnist")))


def read_pyarrow(file: Path) -> None:
    import pyarrow as pa
    import pyarrow.csv

    names = ["label", *competition.load(Paths(ROOT, "fashion-mnist")).pixel_columns]
    types = dict.fromkeys(names, pa.uint8())
    pa.csv.read_csv(file, convert_options=pa.csv.ConvertOptions(column_types=types))


def read_pandas(file: Path) -> None:
    import pandas as pd

    pd.read_csv(file)


READERS = {"pyarrow, uint8 columns": read_pyarrow, "catwalk": read_catwalk, "pandas": read_pandas}


def once(reader: str, file: str) -> None:
    """Read twice, and print the second reading's seconds and the peak megabytes as JSON."""
    READERS[reader](Path(file))
    started = time.perf_counter()
    READERS[reader](Path(file))
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "megabytes": peak}))


def compare(file: Path, readers: list[str], rounds: int) -> dict[str, Any]:
    """Each reader's seconds and peak memory, in turn; shown, and given back."""
    seen: dict[str, list[dict[str, float]]] = {reader: [] for reader in readers}
    for _ in range(rounds):
        for reader in readers:
            command = [sys.executable, "-m", "benchmarks.csv_reader", "--once", reader, "--file", str(file)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
            seen[reader].append(json.loads(done.stdout))
    base = [run["seconds"] for run in seen[readers[0]]]
    print(f"\n{file.name}, {file.stat().st_size / 1e6:.0f} MB, {rounds} rounds")
    print(f"{'reader':<24}{'median s':>9}{'range':>16}{'ratio':>7}{'peak MB':>9}")
    rows = []
    for reader, runs in seen.items():
        seconds = [run["seconds"] for run in runs]
        ratio = statistics.median(a / b for a, b in zip(seconds, base, strict=True))
        span = f"{min(seconds):.2f} to {max(seconds):.2f}"
        peak = max(run["megabytes"] for run in runs)
        rows.append({"reader": reader, "seconds": seconds, "ratio": ratio, "peak_mb": peak})
        print(f"{reader:<24}{statistics.median(seconds):>9.2f}{span:>16}{ratio:>7.2f}{peak:>9.0f}")
    return {"megabytes": file.stat().st_size / 1e6, "readers": rows}


def generate(file: Path, rows: int) -> None:
    """A CSV of EMNIST's size: Fashion-MNIST's training pictures again and again (in a child process)."""
    paths = Paths(ROOT, "fashion-mnist")
    loaded = competition.load(paths)
    real = read_rows(paths.raw / loaded.train_file, loaded)
    assert real.labels is not None
    write_rows(file, real.pixels, real.labels, loaded)
    content = file.read_bytes()
    header, body = content.split(b"\n", 1)
    with file.open("wb") as out:
        out.write(header + b"\n")
        lines = body.splitlines(keepends=True)
        for start in range(0, rows, len(lines)):
            out.writelines(lines[: min(len(lines), rows - start)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--rows", type=int, default=700_000, help="of the generated file; 0 leaves it out")
    parser.add_argument("--once", help=argparse.SUPPRESS)
    parser.add_argument("--file", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once:
        once(options.once, options.file)
        return
    paths = Paths(ROOT, "fashion-mnist")
    loaded = competition.load(paths)
    download.run(paths, loaded, "auto", print)
    print(f"processor cores: {multiprocessing.cpu_count()}, NumPy {np.__version__}")
    files = [compare(paths.raw / loaded.train_file, list(READERS), options.rounds)]
    if options.rows:
        with folder_aside(Path(tempfile.gettempdir())) as folder:
            file = folder / "generated.csv"
            maker = multiprocessing.get_context("spawn").Process(target=generate, args=(file, options.rows))
            maker.start()
            maker.join()
            files.append(compare(file, ["pyarrow, uint8 columns", "catwalk"], max(3, options.rounds // 2)))
    print(f"kept in {record.keep('csv_reader', {'files': files})}")


if __name__ == "__main__":
    main()
