"""Known weaknesses of the locked packages, as pip-audit finds them; run by CI.

    .venv/bin/python -m verification.audit

Ends with 1 if a locked package has one that is not judged below. Where the network fails, or PyPI's list
does not answer for a package, it says so in a line that can't be overlooked, and ends with 0.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCKS = (*sorted(file.name for file in ROOT.glob("requirements*.txt")), "benchmarks/requirements.txt")
LONGEST = 600  # seconds that pip-audit may take for a file
# Weaknesses that do not concern us, each with the reason.
JUDGED: dict[str, str] = {}


def audited(lock: Path) -> list[dict[str, Any]] | str:
    """What pip-audit says of each package; a text where nothing could be found out, and why."""
    command = [
        sys.executable,
        "-m",
        "pip_audit",
        "--require-hashes",
        "--disable-pip",
        "--progress-spinner=off",
    ]
    command += ["-f", "json", "-r", str(lock)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONGEST)
    except subprocess.TimeoutExpired:
        return f"no answer within {LONGEST} s"
    try:
        return list(json.loads(done.stdout)["dependencies"])
    except (ValueError, KeyError):
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        return (lines or ["no reason given"])[-1][:200]


def main() -> int:
    code = 0
    for name in LOCKS:
        packages = audited(ROOT / name)
        if isinstance(packages, str):
            print(f"audit: NOT DONE for {name}, the network or pip-audit failed: {packages}")
            continue
        skipped = [one["skip_reason"] for one in packages if "skip_reason" in one]
        if skipped:
            print(f"audit: NOT DONE for {len(skipped)} of {len(packages)} packages of {name}: {skipped[0]}")
        weak = [(one, weakness["id"]) for one in packages for weakness in one.get("vulns", [])]
        for package, weakness in weak:
            reason = JUDGED.get(weakness)
            said = f"audit: {name}: {package['name']} {package['version']}: {weakness}"
            print(said + (f" ({reason})" if reason else ""))
            code = code if reason else 1
        print(f"audit: {name}: {len(packages) - len(skipped)} packages, {len(weak)} known weaknesses")
    return code


if __name__ == "__main__":
    sys.exit(main())
