"""The checkout that is tested, and copies of it."""

import shutil
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def copy_checkout(target: Path) -> None:
    """The repository as a clone has it, without what git ignores and what was measured."""
    ours = {str(REPOSITORY / name) for name in ("data", "submissions", "dist", "build")}

    def ignored(folder: str, names: list[str]) -> list[str]:
        left = [name for name in names if name.startswith(".") or name in ("__pycache__", "results")]
        return left + [name for name in names if f"{folder}/{name}" in ours]

    shutil.copytree(REPOSITORY, target, ignore=ignored)
