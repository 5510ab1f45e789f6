"""A command of another system, which prints what the real one does."""

import os
from pathlib import Path

import pytest


def put(name: str, said: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a shell script that prints this text, and put its folder first on PATH."""
    script = folder / name
    script.write_text(f"#!/bin/sh\ncat <<'END'\n{said}\nEND\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return script
