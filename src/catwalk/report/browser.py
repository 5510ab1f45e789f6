"""The browser: finds a Chromium on this machine, and has it print pages. It loads nothing from anywhere."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from catwalk.core.errors import shown
from catwalk.core.paths import atomic_write

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
MACOS = ("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
         "/Applications/Chromium.app/Contents/MacOS/Chromium")  # fmt: skip
SECONDS = 60
# All of the environment that it gets: a crash's dump holds it, and would hold passwords too.
PASSED = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "XDG_RUNTIME_DIR", "FONTCONFIG_FILE", "FONTCONFIG_PATH")


def find() -> str | None:
    """The path of a Chromium, None where there is none."""
    found = (shutil.which(name) for name in (*NAMES, *MACOS))
    return next((path for path in found if path), None)


def options() -> list[str]:
    """How it is called: without a window, and without a sandbox only where root leaves no choice."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    flags = ["--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    return [*flags, "--disable-component-update", "--disable-breakpad", *(["--no-sandbox"] if root else [])]


def print_pdf(chromium: str, page: Path, pdf: Path, fragment: str = "") -> str | None:
    """Print a page of this machine.

    Args:
        chromium: from ``find``.
        page: an HTML file.
        pdf: what is written.
        fragment: of the page's address.

    Returns:
        What went wrong, None where nothing did.
    """
    # Beside the PDF, not in /tmp: a Chromium that came as a snap has a /tmp of its own.
    with tempfile.TemporaryDirectory(
        prefix="catwalk-", dir=pdf.parent, ignore_cleanup_errors=True
    ) as profile:
        command = [chromium, *options(), f"--user-data-dir={profile}", "--no-pdf-header-footer"]
        address = page.resolve().as_uri() + (f"#{fragment}" if fragment else "")
        printed = Path(profile) / "printed.pdf"
        try:
            done = subprocess.run(  # noqa: S603
                [*command, f"--print-to-pdf={printed}", address],
                capture_output=True, text=True, errors="replace", check=False, timeout=SECONDS,
                env={name: os.environ[name] for name in PASSED if name in os.environ},
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            return shown(error)
        if not printed.is_file():
            last = shown((done.stderr.strip().splitlines() or [""])[-1])
            return f"{Path(chromium).name} ended with {done.returncode} and wrote nothing ({last})"
        with atomic_write(pdf) as path:
            shutil.copyfile(printed, path)
    return None
