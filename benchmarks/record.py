"""Results of benchmarks and verification: their JSON files, and what these say of the machine."""

import contextlib
import json
import platform
import statistics
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from catwalk.core.paths import atomic_write

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
VERIFICATION = ROOT / "verification" / "results"
CODE = ("src", "requirements.txt")  # what a run of catwalk depends on
UNITS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")  # instructions for matrix products
PACKAGES = ("catwalk", "tensorflow", "keras", "numpy", "optuna", "scikit-learn", "pandas", "pyarrow")


def keep(name: str, figures: dict[str, Any], folder: Path = RESULTS) -> Path:
    """Write ``<folder>/<name>-<date>.json``: the figures, with the date, versions and processor."""
    content = {"date": now(), "machine": machine(), **figures}
    path = folder / f"{name}-{content['date'][:10]}.json"
    with atomic_write(path) as aside:
        aside.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return path


def replaced(rows: list[dict[str, Any]], new: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The rows with the new one, in the place of the one that has its ``key``, if any; sorted by ``key``."""
    return sorted([*(row for row in rows if row[key] != new[key]), new], key=lambda row: row[key])


def newest(name: str) -> dict[str, Any] | None:
    """The last kept figures of a benchmark or a proof; None where there are none."""
    pattern = f"{name}-[0-9][0-9][0-9][0-9]-*.json"
    found = sorted([*RESULTS.glob(pattern), *VERIFICATION.glob(pattern)])
    return json.loads(found[-1].read_text(encoding="utf-8")) if found else None


def newest_of_all(prefix: str) -> list[dict[str, Any]]:
    """The last kept figures of each benchmark whose name begins so, in the order of their names."""
    names = {path.stem[: -len("-2026-01-01")] for path in RESULTS.glob(f"{prefix}-*.json")}
    return [kept for name in sorted(names) if (kept := newest(name))]


def mean(values: Sequence[float]) -> dict[str, float | None]:
    """Their mean and its standard error; None for one value."""
    error = statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else None
    return {"mean": statistics.mean(values), "standard_error": error}


def code_commit(*more: str) -> str | None:
    """The last commit that changed ``CODE``, or ``more`` paths; None where git can't say."""
    command = ["git", "-C", str(ROOT), "log", "-1", "--format=%H", "--", *CODE, *more]
    with contextlib.suppress(OSError):
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or None  # noqa: S603
    return None


def program() -> dict[str, str | None]:
    """Which catwalk a row is of: a file may have rows of several."""
    return {"catwalk": version("catwalk"), "commit": code_commit()}


def now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%MZ}"


def machine() -> dict[str, Any]:
    """Processor, cores and versions."""
    from catwalk.search.limits import cores

    return {
        "processor": _processor(),
        "cores": cores(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PACKAGES},
    }


def _processor() -> str:
    """The processor's name and, on Linux, which of ``UNITS`` it has."""
    from catwalk.submission import provenance

    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return provenance.cpu()
    flags = set(text.split())
    return f"{provenance.cpu()} ({', '.join(unit for unit in UNITS if unit in flags)})"
