"""Provenance: the processor and the commit that a submission was made with."""

import contextlib
import platform
import subprocess
from pathlib import Path

from catwalk.core import gpus, macos


def processor() -> str:
    """The names of the processor and of the GPU that networks are trained on, if there is one.

    The last digits of a network's weights may depend on them.
    """
    return " with ".join([cpu(), *(gpu.name for gpu in gpus.found()[:1])])


def cpu() -> str:
    """The processor's name."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    named = macos.output("sysctl", "-n", "machdep.cpu.brand_string")  # platform says "arm" of every new Mac
    return named or platform.processor() or platform.machine()


def git_commit(root: Path) -> str | None:
    """The commit of the checkout at ``root``, with "+changes" if files differ; None where git can't say."""

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(  # noqa: S603
                ["git", "-C", str(root), *arguments],  # noqa: S607
                capture_output=True, text=True, check=False, timeout=10,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit, changed = git("rev-parse", "HEAD"), git("status", "--porcelain")
    if not commit or changed is None:
        return None
    return f"{commit}+changes" if changed else commit
