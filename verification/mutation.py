"""Mutation testing of what honest scores hang on: data and splits, labels, sealing, submission, score, blend.

    pip install cosmic-ray          # in any environment whose programs are on PATH; it is not one of ours
    .venv/bin/python -m verification.mutation             # hours
    .venv/bin/python -m verification.mutation --only data/folds submission/out_of_fold
    .venv/bin/python -m verification.mutation --again     # after new tests: what survived the last time

cosmic-ray changes one operator, comparison, number or branch at a time in a copy of the repository, and runs
the module's quick tests; a mutant that they all pass with has survived. One module a core at once, each in a
copy of its own. A module's figures are kept as soon as they are there, with their commit, beside those of the
other modules from earlier runs; docs/promises.md lists the survivors with what mutants.toml says of each.
"""

import argparse
import contextlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from benchmarks import record

REPOSITORY = Path(__file__).resolve().parents[1]
COPIED = ("src", "tests", "verification", "benchmarks", "competitions", "notebooks", "tools")
# Module: its quick tests, one file or several.
MODULES = {
    "submission/submission_csv": "submission/test_submission_csv.py",
    "submission/made_before": "submission/test_blend.py submission/test_score.py",
    "data/test_labels": "data/test_test_labels.py",
    "submission/score": "submission/test_score.py",
    "data/prepare": "data/test_prepare.py",
    "data/prepared_arrays": "data/test_prepare.py submission/test_score.py",
    "data/split": "data/test_prepare.py",
    "data/folds": "data/test_folds.py",
    "data/test_rows": "data/test_test_rows.py",
    "data/csv_labels": "data/test_csv_labels.py",
    "submission/out_of_fold": "submission/test_out_of_fold.py",
    "submission/blend": "submission/test_blend.py",
    "submission/blend_csv": "submission/test_blend_parts.py",
    "submission/blend_parts": "submission/test_blend_parts.py",
    "submission/blend_weights": "submission/test_blend_weights.py",
    "submission/confident_learning": "submission/test_confident_learning.py",
}
# A test that waits for a whole search, which takes longer than all others of its file.
LEFT_OUT = "submission/test_blend.py::test_what_predict_wrote_is_a_part"
SECONDS = 120.0  # after which a mutant counts as caught: its tests hang


def cosmic_ray(folder: Path, *arguments: str) -> str:
    found = shutil.which("cosmic-ray")
    if found is None:
        raise SystemExit("cosmic-ray is not on PATH: pip install cosmic-ray")
    done = subprocess.run(
        [found, *arguments], cwd=folder, env=environment(), check=True, capture_output=True, text=True
    )
    return done.stdout


def environment() -> dict[str, str]:
    """Variables with which the copy's package is imported, not the installed one."""
    return {**os.environ, "PYTHONPATH": "src", "PYTHONDONTWRITEBYTECODE": "1"}


def tests_of(module: str) -> str:
    """The command of a module's quick tests."""
    files = " ".join(f"tests/{file}" for file in MODULES[module].split())
    which = f"-m 'not slow' --deselect tests/{LEFT_OUT} {files}"
    return f"{sys.executable} -m pytest -x -q -p no:cacheprovider {which}"


def survivors_of(folder: Path, module: str) -> tuple[int, list[dict[str, str]]]:
    """How many mutants of a module were tried, and those that its tests did not see."""
    name = module.replace("/", "-")
    config, session = folder / f"{name}.toml", f"{name}.sqlite"
    config.write_text(
        f'[cosmic-ray]\nmodule-path = "src/catwalk/{module}.py"\ntimeout = {SECONDS}\n'
        f'excluded-modules = []\ntest-command = "{tests_of(module)}"\n'
        '[cosmic-ray.distributor]\nname = "local"\n'
    )
    cosmic_ray(folder, "baseline", config.name)
    cosmic_ray(folder, "init", config.name, session)
    cosmic_ray(folder, "exec", config.name, session)
    tried = [json.loads(line) for line in cosmic_ray(folder, "dump", session).splitlines()]
    ran = [(job["mutations"][0], result) for job, result in tried if result["worker_outcome"] == "normal"]
    return len(ran), [
        described(mutation, result) for mutation, result in ran if result["test_outcome"] == "survived"
    ]


def described(mutation: dict[str, Any], result: dict[str, Any]) -> dict[str, str]:
    changed = [
        line for line in result["diff"].splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ]
    was, is_now = ([line[1:].strip() for line in changed if line[0] == sign] for sign in "-+")
    return {
        "file": Path(mutation["module_path"]).name,
        "function": mutation["definition_name"] or "",
        "was": " ".join(was),
        "is": " ".join(is_now),
    }


def measure(modules: list[str]) -> None:
    """Try the modules' mutants; keep the figures of each as soon as it has ended."""
    kept = record.newest("mutation") or {"mutants": {}, "survivors": []}
    counts = {module: count for module, count in kept["mutants"].items() if module in MODULES}
    survivors = [mutant for mutant in kept["survivors"] if module_of(mutant) in counts]
    commits = {module: commit for module, commit in kept.get("commits", {}).items() if module in counts}
    with ThreadPoolExecutor(os.cpu_count()) as threads:  # the work is in cosmic-ray's processes
        running = {threads.submit(in_a_copy, module): module for module in modules}
        for ended in as_completed(running):
            module, (commit, count, left) = running[ended], ended.result()
            counts[module], commits[module] = count, commit
            survivors = [mutant for mutant in survivors if module_of(mutant) != module] + left
            keep(
                {
                    "mutants": counts,
                    "survivors": survivors,
                    "commits": commits,
                    "again": kept.get("again"),
                }
            )
            print(f"{module}: {count} mutants, {len(left)} survive", flush=True)


def keep(figures: dict[str, Any]) -> None:
    record.keep("mutation", figures, record.VERIFICATION)


def module_of(mutant: dict[str, str]) -> str | None:
    """The module that a mutant is of; None: of one that is not tried any more."""
    return next((name for name in MODULES if Path(name).name == Path(mutant["file"]).stem), None)


def in_a_copy(module: str) -> tuple[str | None, int, list[dict[str, str]]]:
    """The commit, and ``survivors_of`` a module in a copy of the repository, where a mutant is no other's."""
    with copied() as folder:
        return (record.code_commit("tests"), *survivors_of(folder, module))


@contextlib.contextmanager
def copied() -> Iterator[Path]:
    """A copy of what the tests need."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name in COPIED:
            shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "Makefile"):
            shutil.copy(REPOSITORY / name, folder)
        yield folder


def again(kept: dict[str, Any]) -> dict[str, Any]:
    """The kept figures, with those survivors only that today's tests do not see either.

    Raises:
        SystemExit: a module's tests fail without a mutant, or did not run.
    """
    modules = {module_of(mutant) for mutant in kept["survivors"]}
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(threads.map(check_unchanged, sorted(module for module in modules if module is not None)))
        alive = list(threads.map(survives, kept["survivors"]))
    left = [mutant for mutant, lives in zip(kept["survivors"], alive, strict=True) if lives]
    return {
        "mutants": kept["mutants"],
        "survivors": left,
        "commits": kept.get("commits", {}),
        "again": record.code_commit("tests"),
    }


def check_unchanged(module: str) -> None:
    """Check that a module's tests pass without a mutant: else each one would count as caught.

    Raises:
        SystemExit: they fail.
    """
    with copied() as folder:
        if not tests_pass(folder, module):
            raise SystemExit(f"the tests of {module} fail without a mutant, or hang: mend them first")


def tests_pass(folder: Path, module: str) -> bool:
    """Whether a module's tests pass in a copy; tests that hang do not.

    Raises:
        SystemExit: they did not run, which says nothing about a mutant.
    """
    try:
        done = subprocess.run(
            shlex.split(tests_of(module)), cwd=folder, env=environment(), check=False,
            capture_output=True, text=True, timeout=SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return False
    if done.returncode not in (0, 1):  # pytest's codes: all passed, some failed
        raise SystemExit(f"the tests of {module} did not run (exit code {done.returncode}):\n{done.stdout}")
    return done.returncode == 0


def survives(mutant: dict[str, str]) -> bool:
    """Whether a module's tests pass with a mutant; also yes where its line is not found, or found twice."""
    module = module_of(mutant)
    if module is None:
        return True
    with copied() as folder:
        file = folder / "src" / "catwalk" / f"{module}.py"
        text = file.read_text(encoding="utf-8")
        if text.count(mutant["was"]) != 1:
            return True
        file.write_text(text.replace(mutant["was"], mutant["is"]), encoding="utf-8")
        return tests_pass(folder, module)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=MODULES, default=list(MODULES), help="these modules")
    parser.add_argument("--again", action="store_true", help="only the mutants that survived the last time")
    asked = parser.parse_args()
    kept = record.newest("mutation") if asked.again else None
    if kept is None:
        measure(asked.only)
    else:
        keep(again(kept))


if __name__ == "__main__":
    main()
