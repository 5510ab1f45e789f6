"""Known weaknesses of the locked packages, as pip-audit finds them; run by CI.

    .venv/bin/python trust/audit.py

Ends with 1 if a locked package has one that is not judged below. Where the network fails it says so in a line
that can't be overlooked, and ends with 0: nothing was found out.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.txt", "benchmarks/requirements.txt")
# Weaknesses that do not concern us, each with the reason.
JUDGED: dict[str, str] = {}


def found(lock: Path) -> list[dict[str, str]] | str:
    """Package, version and id of each weakness; a text where nothing could be found out, and why."""
    command = [
        sys.executable,
        "-m",
        "pip_audit",
        "--require-hashes",
        "--disable-pip",
        "--progress-spinner=off",
    ]
    done = subprocess.run(
        [*command, "-f", "json", "-r", lock], capture_output=True, text=True, check=False, timeout=600
    )
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        return (lines or ["no reason given"])[-1][:200]
    return [
        {"package": f"{package['name']} {package['version']}", "id": weakness["id"]}
        for package in packages
        for weakness in package.get("vulns", [])
    ]


def main() -> int:
    code = 0
    for name in LOCKS:
        said = found(ROOT / name)
        if isinstance(said, str):
            print(f"audit: NOT DONE for {name}, the network or pip-audit failed: {said}")
            continue
        for one in said:
            reason = JUDGED.get(one["id"])
            print(f"audit: {name}: {one['package']}: {one['id']}" + (f" ({reason})" if reason else ""))
            code = code if reason else 1
        print(f"audit: {name}: {len(said)} known weaknesses")
    return code


if __name__ == "__main__":
    sys.exit(main())
