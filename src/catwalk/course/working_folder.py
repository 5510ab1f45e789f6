"""Working folder: puts results where Kaggle looks for them, and moves earlier results to ``earlier/``.

A file beside them records which files are catwalk's own; every other file is the user's.
"""

import contextlib
import hashlib
import json
import re
import shutil
from pathlib import Path

from catwalk.core.errors import UserError
from catwalk.core.paths import Paths, atomic_write
from catwalk.data.notebook_results import EARLIER, NAMES, NOTE, PDF, SUBMISSION, TALK


def set_aside(folder: Path) -> Path | None:
    """Move the files of an earlier run to ``earlier/<its name>``, so that all files here are new.

    Returns:
        The folder that they were moved to; None where there was nothing.

    Raises:
        UserError: a file that is not catwalk's has one of the names.
    """
    run, files = _note(folder)
    ours = [name for name in NAMES if name in files and _digest(folder / name) == files[name]]
    for name in NAMES:
        if (folder / name).exists() and name not in ours:
            raise UserError(
                "this file is not catwalk's, and catwalk would replace it",
                where=str(folder / name),
                fix="rename it, and run all cells",
            )
    if not ours:
        return None
    target = folder / EARLIER / run
    target.mkdir(parents=True, exist_ok=True)
    for name in ours:
        (folder / name).replace(target / name)
    (folder / NOTE).unlink()
    return target


def place(paths: Paths, name: str, folder: Path) -> list[Path]:
    """Copy a submission's CSV and its talk into the folder, and record that catwalk wrote them."""
    sources = {SUBMISSION: paths.submission(name), TALK: paths.talk(name), PDF: paths.talk_pdf(name)}
    placed, digests = [], {}
    for target, source in sources.items():
        if source.is_file():
            with atomic_write(folder / target) as aside:
                shutil.copyfile(source, aside)
            placed.append(folder / target)
            digests[target] = _digest(folder / target)
    with atomic_write(folder / NOTE) as aside:
        aside.write_text(json.dumps({"name": name, "files": digests}) + "\n", encoding="utf-8")
    return placed


def _note(folder: Path) -> tuple[str, dict[str, str]]:
    """Read the last run's record: the submission's name and its files' digests."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        note = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        if re.fullmatch(r"\w[\w.-]*", note["name"]):
            return note["name"], dict(note["files"])
    return "", {}


def _digest(path: Path) -> str:
    """The digest of a file's content; empty if there is no file."""
    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest() if path.is_file() else ""
