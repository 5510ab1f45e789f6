"""What is promised, the command that proves it, and the figures of the last run: docs/promises.md.

    .venv/bin/python -m verification.promises           # faults and hostile files
    .venv/bin/python -m verification.promises faults    # one of them
    .venv/bin/python -m verification.promises --draw    # the page again, from the JSON

Each proof writes dated JSON, and the page is made from the newest of each. The other proofs have commands of
their own, which ``make trust`` runs too where they need no further package.
"""

import argparse
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import markdown, record
from verification import faults, hostile

JUDGED = Path(__file__).resolve().parent / "mutants.toml"
PAGE = Path(__file__).resolve().parents[1] / "docs" / "promises.md"
Figures = dict[str, Any]


@dataclass(frozen=True)
class Proof:
    """One row of the page.

    Attributes:
        promise: what is promised.
        command: what proves it: a module of Python, and its arguments.
        run: measures; None where the benchmark of this name does, with a command of its own.
        said: the figures in words.
    """

    promise: str
    command: str
    run: Callable[[argparse.Namespace], Figures] | None
    said: Callable[[Figures], str]


def _hit(kept: Figures) -> str:
    hit = sum(count for what, count in kept["what"].items() if what.endswith("killed"))
    missing = [stage for stage in faults.STAGES if stage not in kept["seconds"]]
    said = f"{kept['rounds']} rounds, {hit} of them killed a running stage: {kept['broken']} broken promises"
    return f"{said}; none of {', '.join(missing)} yet" if missing else said


def _killed(kept: Figures) -> str:
    twice = kept["finished_and_run_again"] + kept["failed_and_run_again_twice"]
    return (
        f"{kept['kills']} kills and {kept['restarts']} restarts, {kept['finished']:,} trials: "
        f"{kept['lost']} lost, {twice} run twice, {kept['left_running']} left running" + _predicted(kept)
    )


def _predicted(kept: Figures) -> str:
    """What the members' predicts made; nothing in results from before they were part of it."""
    if "different_submissions" not in kept:
        return ""
    count, one = len(kept["predict_exit_codes"]), kept["different_submissions"] == 1
    same = "the same bytes" if one else f"{kept['different_submissions']} different submissions"
    return f"; {count} members predicted, killed {kept['predicts_killed']} times: {same}"


def _mutated(kept: Figures) -> str:
    names = {module: module.rpartition("/")[2] for module in kept["mutants"]}
    count, left, commits = sum(kept["mutants"].values()), len(kept["survivors"]), kept.get("commits", {})
    said = markdown.several_commits("modules", ((name, commits.get(at)) for at, name in names.items()))
    again = f"; earlier survivors were tried again at {kept['again'][:10]}" if kept.get("again") else ""
    return f"{count} mutants of {', '.join(names.values())}; {left} survived (below){again}" + (
        f". {said}" if said else ""
    )


def _ran(kept: Figures) -> str:
    least = min(kept["by_file"], key=kept["by_file"].__getitem__)
    without = "; by the quick tests alone, and code that only a search's workers run counts as not executed"
    return (
        f"{kept['percent']}% of {kept['lines']:,} lines, the fewest in {least} ({kept['by_file'][least]}%)"
        f"{'' if 'with_workers' in kept else without}"
    )


def survivors() -> list[str]:
    """The mutants that no test noticed, and why that is right or what is missing."""
    kept = record.newest("mutation")
    if kept is None:
        return []
    judged = tomllib.loads(JUDGED.read_text(encoding="utf-8"))["mutant"]
    lines = [
        "",
        "## Surviving mutants",
        "",
        "| where | original | mutant | why it survived |",
        "|---|---|---|---|",
    ]
    for one in kept["survivors"]:
        said = [row["judged"] for row in judged if fits(row, one)]
        was, became = (one[key].replace("|", "\\|") for key in ("was", "is"))
        where = ", ".join(filter(None, (one["file"], one["function"])))
        lines.append(f"| {where} | `{was}` | `{became}` | {said[0] if said else 'not yet'} |")
    return lines


def fits(judged: dict[str, str], mutant: dict[str, str]) -> bool:
    """Whether a judgment is of this mutant: all its expressions are found in the mutant."""
    return all(re.search(judged[key], mutant[key]) for key in ("file", "was", "is") if key in judged)


def _held(kept: Figures) -> str:
    first, most = (kept["after"][str(kept[which])] for which in ("from", "most"))
    return (
        f"{max(map(int, kept['after'])):,} trials: from {first['megabytes']:,.0f} MB after {kept['from']} "
        f"at most {kept['growth']:+.1%}; {first['files']:.0f} and {most['files']:.0f} open files, "
        f"{first['threads']:.0f} and {most['threads']:.0f} threads; study.db {most['study_megabytes']:.1f} MB"
    )


PROOFS = {
    "faults": Proof(
        "kill -9 at any moment of data, prepare, search, training in folds, predict or report: the same "
        "command then finishes the work; no finished trial is lost or counted twice, and no half-written "
        "file is taken for a complete one; the folds' submission is that of a run without a kill, byte for "
        "byte",
        "verification.promises faults --rounds 100",
        lambda asked: faults.measure(asked.rounds, asked.seed),
        _hit,
    ),
    "hostile": Proof(
        "readers of CSV, IDX, TOML, zip and submissions give the right result or an error of one line, "
        "within 2 s and 1 GB",
        "verification.promises hostile --inputs 200000",
        lambda asked: hostile.measure(asked.inputs, asked.seed),
        lambda kept: f"{kept['inputs']:,} inputs, {kept['broken']} broken promises",
    ),
    "guided": Proof(
        "the same, with inputs that atheris (a coverage-guided fuzzer) derives from those that reached new "
        "lines of code",
        "verification.guided --inputs 20000",
        None,
        lambda kept: f"{kept['inputs']:,} inputs, {kept['broken']} broken promises",
    ),
    "kills": Proof(
        "a team's study: kill -9 of workers and restarts of the server lose nothing and run nothing twice; "
        "then every member's predict, killed too, makes the same submission",
        "benchmarks.kills",
        None,
        _killed,
    ),
    "mutation": Proof(
        "the tests fail if code that scores depend on is changed",
        "verification.mutation",
        None,
        _mutated,
    ),
    "line_coverage": Proof(
        "the tests execute more than 90% of the lines",
        "verification.line_coverage",
        None,
        _ran,
    ),
    "workers-long": Proof(
        "in a long search, a worker's memory, open files and threads stay the same; the study stays small",
        "benchmarks.workers long",
        None,
        _held,
    ),
}


def page() -> str:
    lines = [
        "# Promises",
        "",
        "Made by `python -m verification.promises --draw` from the JSON files in `verification/results/` and",
        "`benchmarks/results/`; no figure is typed by hand.",
        "CI runs the first two, with few rounds and inputs. Each is run by `.venv/bin/python -m`",
        "and what the table names; guided needs the package atheris, and mutation the package cosmic-ray.",
        "",
        "| what is promised | proved by | last run |",
        "|---|---|---|",
    ]
    for name, proof in PROOFS.items():
        kept = record.newest(name)
        last = "not run yet"
        if kept:
            version = kept["machine"]["versions"]["catwalk"]
            last = f"{proof.said(kept)} ({kept['date'][:10]}, catwalk {version})"
        lines.append(f"| {proof.promise} | `{proof.command}` | {last} |")
    return "\n".join([*lines, *survivors(), ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    ours = [name for name, proof in PROOFS.items() if proof.run]
    parser.add_argument("proofs", nargs="*", choices=[*ours, []], help=f"of {', '.join(ours)} (all)")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--inputs", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--draw", action="store_true", help="only write the page")
    asked = parser.parse_args()
    for name in () if asked.draw else asked.proofs or ours:
        run = PROOFS[name].run
        assert run is not None
        print(f"kept in {record.keep(name, run(asked), record.VERIFICATION)}")
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
