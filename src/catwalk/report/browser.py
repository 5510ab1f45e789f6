"""The browser: finds an installed Chromium and prints pages to PDF with it, without network access."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from catwalk.core.errors import shown
from catwalk.core.paths import atomic_write

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
APPLICATIONS = ("Google Chrome", "Chromium", "Microsoft Edge", "Brave Browser")  # of macOS
MACOS = tuple(f"/Applications/{name}.app/Contents/MacOS/{name}" for name in APPLICATIONS)
SECONDS = 60
# The only environment variables that it gets: a crash dump contains them, and must contain no passwords.
PASSED = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "XDG_RUNTIME_DIR", "FONTCONFIG_FILE", "FONTCONFIG_PATH")


def find() -> str | None:
    """The path of an installed Chromium; None if there is none."""
    found = (shutil.which(name) for name in (*NAMES, *MACOS))
    return next((path for path in found if path), None)


def options() -> list[str]:
    """The command-line options: headless, and without a sandbox only for root, who can't use one."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    flags = ["--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    return [*flags, "--disable-component-update", "--disable-breakpad", *(["--no-sandbox"] if root else [])]


def print_pdf(chromium: str, page: Path, pdf: Path, fragment: str = "") -> str | None:
    """Print a local HTML file to PDF.

    Args:
        chromium: from ``find``.
        page: an HTML file.
        pdf: what is written.
        fragment: of the page's URL.

    Returns:
        What went wrong; None if nothing did.
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
            return f"{Path(chromium).name} exited with code {done.returncode} and wrote nothing ({last})"
        with atomic_write(pdf) as path:
            shutil.copyfile(printed, path)
    return None
