"""The share of src/'s lines that the tests run, processes that they start included.

    .venv/bin/python -m verification.line_coverage      # half an hour

The tests are the quick ones, and the slow ones of search and folds, in which workers train. A worker is
killed once nothing is left to do, and coverage.py writes nothing at a kill; so where it measures, workers are
asked to end first (core/processes.py). What only a process runs that a test kills itself counts as not run.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import record

REPOSITORY = Path(__file__).resolve().parents[1]
# Their slow tests have workers that run what those of no quick test do; those that measure time are left out.
SLOW = (
    "tests/search/test_failed_trials.py",
    "tests/search/test_families.py",
    "tests/search/test_search.py",
    "tests/submission/test_fold_configurations.py",
)


def measure() -> dict[str, Any]:
    """Percent of the lines run, over all and by module; the tests have to pass."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "COVERAGE_FILE": f"{folder}/coverage"}

        def coverage(*arguments: str) -> None:
            command = [sys.executable, "-m", "coverage", *arguments]
            subprocess.run(command, cwd=REPOSITORY, env=environment, check=True)

        coverage("run", "-m", "pytest", "-m", "not slow")
        coverage("run", "-m", "pytest", "-m", "slow and not long and not alone", *SLOW)
        coverage("combine")
        # Tests that change code copy the package: only the repository's own counts.
        coverage("json", "--include", "src/*", "-o", f"{folder}/coverage.json")
        kept = json.loads(Path(folder, "coverage.json").read_text())
    by_file = {
        name.removeprefix("src/catwalk/"): round(one["summary"]["percent_covered"], 1)
        for name, one in kept["files"].items()
    }
    return {
        "percent": round(kept["totals"]["percent_covered"], 1),
        "lines": kept["totals"]["num_statements"],
        "with_workers": True,  # in earlier figures they were killed, and only the quick tests ran
        "by_file": by_file,
    }


def main() -> None:
    print(f"kept in {record.keep('line_coverage', measure(), record.VERIFICATION)}")


if __name__ == "__main__":
    main()
