"""Writes docs/performance.md from the newest JSON of each benchmark; runs nothing.

.venv/bin/python -m benchmarks.performance
"""

import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import bench_report, engine, record

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
Kept = dict[str, Any]
ENGINE = {
    "share": "784-1024-1024-10: share of the time that its matrix products alone take",
    "large": "784-1024-1024-10 against model.fit, times as fast",
    "large_at_best": "the same, if there were nothing but matrix products",
    "small": "784-128-10 against model.fit, times as fast",
    "trace": "build and trace of a new architecture, seconds",
    "evaluate": "evaluation, share of an epoch",
}


def peers(kept: Kept) -> list[str]:
    return [
        f"Each tool had {kept['budget'] / 60:g} minutes, the same two cores, the same training and",
        "validation rows, and the settings of its own documentation (`benchmarks/peers.py`). Medians and",
        f"ranges of {kept['rounds']} rounds, with another split and another order in each. The labels of the",
        "test rows were opened once, after all runs.",
        "",
        bench_report.table(kept["runs"]),
    ]


def engine_page(kept: Kept) -> list[str]:
    lines = ["| | here | limit |", "|---|---|---|"]
    for name, text in ENGINE.items():
        must = engine.LIMITS.get(name, ("",))[0]
        lines.append(f"| {text} | {kept['summary'][name]:.2f} | {must} |")
    return [
        *lines,
        "",
        f"In {kept['precision']}, on one thread.",
    ]


def growth(kept: Kept) -> list[str]:
    lines = ["| rows | width | seconds an epoch | multiplications a second |", "|---|---|---|---|"]
    for row in kept["figures"]:
        rate = row["multiplications"] / row["seconds"] / 1e9
        lines.append(
            f"| {row['rows']:,} | {row['width']} | {row['seconds']:.2f} | {rate:.0f} thousand million |"
        )
    return [
        *lines,
        "",
        "784-w-w-10, on one thread. Time grows with rows, and with the weights once layers are wide enough",
        "that the products outweigh what is done beside them.",
    ]


def reading(kept: Kept) -> list[str]:
    lines = ["| file | reader | seconds | ratio to pyarrow's own | peak MB |", "|---|---|---|---|---|"]
    for file in kept["files"]:
        for one in file["readers"]:
            low, high = min(one["seconds"]), max(one["seconds"])
            lines.append(
                f"| {file['megabytes']:,.0f} MB | {one['reader']} | {statistics.median(one['seconds']):.2f} "
                f"({low:.2f} to {high:.2f}) | {one['ratio']:.2f} | {one['peak_mb']:,.0f} |"
            )
    return [
        *lines,
        "",
        "Held against pyarrow: 1.3 times, and 700 MB for the smaller file. Seconds grow with rows.",
    ]


def coordination(kept: Kept) -> list[str]:
    lines = ["| storage | finished trials | in the worker, s | in the parent, s |", "|---|---|---|---|"]
    for row in kept["figures"]:
        cells = (row["storage"], row["finished"], row["worker_seconds"], row["parent_seconds"])
        lines.append("| {} | {:,} | {:.3f} | {:.3f} |".format(*cells))
    return [*lines, "", f"A trial's cost beside its training; limit {kept['limit_seconds']} s in all."]


def scaling(kept: Kept) -> list[str]:
    lines = ["| storage | workers | trials an hour | against one worker on SQLite |", "|---|---|---|---|"]
    for name, an_hour in kept["medians"].items():
        storage, workers = name.split()
        times = an_hour / kept["medians"]["SQLite 1"]
        lines.append(f"| {storage} | {workers} | {an_hour:,.0f} | {times:.2f} |")
    return [
        *lines,
        "",
        f"Two workers on SQLite are held against 2.0 (limit {kept['limit']}). More workers than cores give "
        "nothing; they stand here for what waiting for each other costs.",
    ]


def memory(kept: Kept) -> list[str]:
    lines = [
        "| after trials | a worker's MB | its open files | its threads | parent's MB | study.db, MB |",
        "|---|---|---|---|---|---|",
    ]
    for after, held in kept["after"].items():
        cells = (held["megabytes"], held["files"], held["threads"], held["parent_megabytes"])
        counts = " | ".join(f"{value:,.0f}" for value in cells)
        lines.append(f"| {int(after):,} | {counts} | {held['study_megabytes']:.1f} |")
    said = f"A worker's growth: at most {kept['growth']:+.1%} (limit {kept['limit']:+.0%}). "
    return [*lines, "", said + "Now and then a new process takes a worker's place, and the means fall."]


def kills(kept: Kept) -> list[str]:
    again = kept["finished_and_run_again"], kept["failed_and_run_again_twice"]
    return [
        f"Two machines on one PostgreSQL, {kept['kills']} kill -9 of random workers and {kept['restarts']} "
        f"restarts of the server: {kept['finished']:,} trials finished, {kept['lost']} of them lost, "
        f"{again[0]} run again though finished, {again[1]} failed ones run again twice, "
        f"{kept['left_running']} left running."
    ]


def first_network(kept: Kept) -> list[str]:
    epoch, alone = (statistics.median(row[name] for row in kept["rounds"]) for name in ("epoch", "products"))
    return [
        f"An epoch of 60,000 pictures, 784-300-10, takes {epoch:.2f} s, its matrix products alone "
        f"{alone:.2f} s: {kept['ratio']:.2f} times (limit {kept['limit']})."
    ]


def losses() -> list[str]:
    """Where catwalk is behind a peer or misses a limit, out of the same files."""
    judges = {
        "bench-10m": lambda kept: bench_report.losses(kept["runs"]),
        "bench-3m": lambda kept: [f"in three minutes, {line}" for line in bench_report.losses(kept["runs"])],
        "engine": missed_by_engine,
        "csv_reader": slower_reading,
        "workers-scaling": missed_by_workers,
        "workers-memory": grown,
        "workers-long": grown,
        "coordination": missed_by_coordination,
    }
    lines = [line for name, said in judges.items() if (kept := record.newest(name)) for line in said(kept)]
    return [f"- {line}" for line in lines] or ["Nowhere in these files."]


def missed_by_engine(kept: Kept) -> list[str]:
    lines = []
    for name, (must, _) in engine.LIMITS.items():
        here = kept["summary"][name]
        if here > must if name in ("trace", "evaluate") else here < must:
            lines.append(f"the engine, {ENGINE[name]}: {here:.2f}, the limit is {must}")
    return lines


def slower_reading(kept: Kept) -> list[str]:
    ours = [(file, r) for file in kept["files"] for r in file["readers"] if r["reader"].startswith("catwalk")]
    return [
        f"a CSV of {file['megabytes']:,.0f} MB takes {r['ratio']:.2f} times as long as with pyarrow"
        for file, r in ours
        if r["ratio"] > 1
    ]


def missed_by_workers(kept: Kept) -> list[str]:
    missed = kept["ratio"] < kept["limit"]
    text = f"two workers do {kept['ratio']:.2f} times what one does, the limit is {kept['limit']}"
    return [text] if missed else []


def grown(kept: Kept) -> list[str]:
    text = (
        f"from {kept['from']} to {kept['most']} trials a worker's memory grows by {kept['growth']:.1%}, "
        f"the limit is {kept['limit']:.0%}"
    )
    return [text] if kept["growth"] > kept["limit"] else []


def missed_by_coordination(kept: Kept) -> list[str]:
    costs = [(row["worker_seconds"] + row["parent_seconds"], row) for row in kept["figures"]]
    return [
        f"beside its training a trial costs {cost:.2f} s on {row['storage']} after {row['finished']:,} "
        f"trials, the limit is {kept['limit_seconds']}"
        for cost, row in costs
        if cost > kept["limit_seconds"]
    ]


# Heading, the benchmark's name, the command, and what is said of its figures.
SECTIONS: list[tuple[str, str, str, Callable[[Kept], list[str]]]] = [
    ("Beside its peers", "bench-10m", "bench.py --budget 10m", peers),
    ("Beside its peers, in three minutes", "bench-3m", "bench.py --budget 3m", peers),
    ("The engine", "engine", "engine.py", engine_page),
    ("How an epoch grows", "growth", "growth.py", growth),
    ("Reading CSVs", "csv_reader", "csv_reader.py", reading),
    ("Coordination", "coordination", "coordination.py", coordination),
    ("Workers", "workers-scaling", "workers.py scaling", scaling),
    ("A worker's memory", "workers-memory", "workers.py memory", memory),
    ("Thousands of trials", "workers-long", "workers.py long", memory),
    ("A team's study under fire", "kills", "kills.py", kills),
    ("The first exercise's network in NumPy", "numpy_network", "numpy_network.py", first_network),
]


def main() -> None:
    lines = [
        "# Performance",
        "",
        "Made by `benchmarks/performance.py` from the JSON files in `benchmarks/results/`; nothing is typed.",
    ]
    for heading, name, command, said in SECTIONS:
        kept = record.newest(name)
        if kept is None:
            continue
        machine = kept["machine"]
        lines += ["", f"## {heading}", "", *said(kept), ""]
        lines += [
            f"`.venv/bin/python benchmarks/{command}`, {kept['date'][:10]}, {machine['cores']} cores of"
        ]
        lines += [f"{machine['processor']}, Python {machine['python']}."]
    lines += ["", "## Where catwalk loses", "", *losses()]
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
