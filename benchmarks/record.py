"""Results of benchmarks and verification: their JSON files, and what these say of the machine."""

import json
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
VERIFICATION = RESULTS.parents[1] / "verification" / "results"
PACKAGES = ("catwalk", "tensorflow", "keras", "numpy", "optuna", "scikit-learn", "pandas", "pyarrow")


def keep(name: str, figures: dict[str, Any], folder: Path = RESULTS) -> Path:
    """Write ``<folder>/<name>-<date>.json``: the figures, with the date, versions and processor."""
    content = {"date": now(), "machine": machine(), **figures}
    path = folder / f"{name}-{content['date'][:10]}.json"
    folder.mkdir(exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return path


def newest(name: str) -> dict[str, Any] | None:
    """The last kept figures of a benchmark or a proof; None where there are none."""
    pattern = f"{name}-[0-9][0-9][0-9][0-9]-*.json"
    found = sorted([*RESULTS.glob(pattern), *VERIFICATION.glob(pattern)])
    return json.loads(found[-1].read_text(encoding="utf-8")) if found else None


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
    """The processor's name and the matrix instructions that it has, as far as Linux tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    facts = dict(line.split(":", 1) for line in lines if ":" in line)
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    units = [
        flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in facts["flags"].split()
    ]
    return f"{facts.get('model name', platform.machine())} ({', '.join(units)})"
