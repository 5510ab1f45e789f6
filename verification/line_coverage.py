"""The share of src/'s lines that the quick tests run, processes that they start included.

    .venv/bin/python -m verification.line_coverage      # a quarter of an hour

A worker of a search is killed once it waits for nothing more, and coverage.py writes nothing at a kill: what
only workers run counts as not run. The true share is higher.
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


def measure() -> dict[str, Any]:
    """Percent of the lines run, over all and by module; the tests have to pass."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "COVERAGE_FILE": f"{folder}/coverage"}

        def coverage(*arguments: str) -> None:
            command = [sys.executable, "-m", "coverage", *arguments]
            subprocess.run(command, cwd=REPOSITORY, env=environment, check=True)

        coverage("run", "-m", "pytest", "-m", "not slow")
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
        "by_file": by_file,
    }


def main() -> None:
    print(f"kept in {record.keep('line_coverage', measure(), record.VERIFICATION)}")


if __name__ == "__main__":
    main()
