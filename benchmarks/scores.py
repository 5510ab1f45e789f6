"""Scores on the official test: whole runs as a user types them, each a row of docs/results.md.

    .venv/bin/python -m benchmarks.scores --budget 10m --seeds 1 2 3
    .venv/bin/python -m benchmarks.scores --competition mnist --models all --budget 10m
    .venv/bin/python -m benchmarks.scores --write          only the tables, from what is kept; runs nothing

Each seed is ``catwalk all`` in a new project, from the raw CSVs to the talk; then the test labels are opened,
once a row, in this checkout, whose log of looks says so. What the newest kept file has of a seed stays in it
until that seed has run again, so the same command goes on with ``--seeds 2 3`` on another day. The tables in
README (the first seed of each) and in docs/results.md are written anew after each row.
"""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import bench, markdown, project, record
from benchmarks.project import ROOT
from catwalk import option_values
from catwalk.core.paths import Paths
from catwalk.data import duplicates, prepare, test_labels
from catwalk.models import metrics
from catwalk.submission import recipe, submission_csv, submission_names

NAME = "scores"
DEFAULTS = {"competition": "fashion-mnist", "models": "dense", "features": "auto"}
PAGES = {
    ROOT / "README.md": True,
    ROOT / "docs" / "results.md": False,
}  # whether it shows the first seeds only
COLUMNS = (
    "`make all` with",
    "validation",
    "forecast for the test (95%)",
    "official test (95%)",
    "in all",
    "processor",
)
BEGIN = "<!-- made by benchmarks/scores.py -->"
LONGER = 1.25  # times the search's budget, and MORE seconds, that a run may take before it is ended
MORE = 300.0


def one(asked: dict[str, str], seed: int) -> dict[str, Any]:
    """One run, and its score on the sealed test labels."""
    program = record.program()
    ours, loaded = project.here(asked["competition"], [seed])
    with tempfile.TemporaryDirectory() as folder:
        project.bare(Path(folder))
        paths = Paths(Path(folder), asked["competition"])
        shutil.copytree(ours.raw, paths.raw)
        options = [word for name, value in asked.items() for word in (f"--{name}", value)]
        command = [str(Path(sys.executable).with_name("catwalk")), "all", *options, "--seed", str(seed)]
        started, longest = time.monotonic(), LONGER * option_values.duration(asked["budget"]) + MORE
        peak = bench.run(command, paths.root, longest)
        seconds = time.monotonic() - started
        (name,) = submission_names.names(paths)
        made, prepared = recipe.read(paths, name), prepare.load(paths, seed)
        predicted = submission_csv.read(paths.submission(name), prepared.test_ids, loaded)
    assert made.validation is not None
    assert made.forecast is not None
    labels = test_labels.open_labels(ours, "benchmarks.scores", f"{asked} seed {seed}")
    scores = metrics.score(predicted, labels, len(loaded.labels), duplicates.count(prepared).test)
    return {
        "seed": seed,
        "date": record.now(),
        **program,
        "processor": record.machine()["processor"],
        "cores": record.machine()["cores"],
        "seconds": round(seconds, 1),
        "peak_mb": round(peak),
        "trials": made.trials_finished,
        "refitted": len(made.refit),
        "validation": made.validation.accuracy,
        "forecast": made.forecast.interval,
        "test": scores.accuracy,
        "interval": scores.interval,
    }


def table(only_first: bool) -> str:
    """All kept rows as Markdown.

    Args:
        only_first: the first seed of each command.
    """
    lines, inside, commits = markdown.table(*COLUMNS), list[bool](), list[tuple[str, str | None]]()
    for kept in record.newest_of_all(NAME):
        for row in sorted(kept["rows"], key=lambda row: row["seed"])[: 1 if only_first else None]:
            variables = f"`{_variables(kept['asked'], row['seed'])}`"
            said = " | ".join(
                (
                    variables,
                    f"{100 * row['validation']:.2f}%",
                    "{:.2f} to {:.2f}".format(*(100 * bound for bound in row["forecast"])),
                    "**{:.2f}%** ({:.2f} to {:.2f})".format(
                        *(100 * share for share in (row["test"], *row["interval"]))
                    ),
                    f"{row['seconds']:,.0f} s, {row['peak_mb'] / 1000:.1f} GB",
                    f"{row['cores']} cores of {row['processor']}, {row['date'][:10]}{_version(kept, row)}",
                )
            )
            lines.append(f"| {said} |")
            inside.append(row["forecast"][0] <= row["test"] <= row["forecast"][1])
            commits.append((variables, row.get("commit")))
    held = f"In {sum(inside)} of these {len(inside)} rows the official test is inside its forecast."
    of_commits = "" if only_first else markdown.several_commits("rows", commits)  # README is short
    return "\n".join([*lines, "", f"{held} {of_commits}".strip()])


def _version(kept: dict[str, Any], row: dict[str, Any]) -> str:
    """As ", catwalk 0.2.0"; "" for an old row beside others, of which the file does not tell it."""
    alone = kept["machine"]["versions"]["catwalk"] if len(kept["rows"]) == 1 else None
    version = row.get("catwalk", alone)
    return f", catwalk {version}" if version else ""


def _variables(asked: dict[str, str], seed: int) -> str:
    """The variables of ``make all`` that are not its defaults."""
    differing = [f"{name.upper()}={value}" for name, value in asked.items() if value != DEFAULTS.get(name)]
    return " ".join([*differing, f"SEED={seed}"])


def write() -> None:
    """Write the tables of both pages anew."""
    for page, only_first in PAGES.items():
        markdown.write_marked(page, BEGIN, table(only_first))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for name, value in DEFAULTS.items():
        parser.add_argument(f"--{name}", default=value)
    parser.add_argument("--budget", type=option_values.budget, default="10m")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--write", action="store_true", help="only the tables, from what is kept")
    options = parser.parse_args()
    project.end_by_sigterm()
    if not options.write:
        asked = {name: getattr(options, name) for name in (*DEFAULTS, "budget")}
        name = "-".join([NAME, *asked.values()])
        rows = (record.newest(name) or {"rows": []})["rows"]
        for seed in options.seeds:
            new = one(asked, seed)
            rows = record.replaced(rows, new, "seed")
            print(new, flush=True)
            print(f"kept in {record.keep(name, {'asked': asked, 'rows': rows})}", flush=True)
            write()
    if options.write:
        write()


if __name__ == "__main__":
    main()
