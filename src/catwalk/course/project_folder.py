"""Project folder: where the notebook's project lies, the same one for the same settings and the same files.

With other files, or another decision about them, it is another one: the TOML that was drafted before is not
theirs, and a project's data come from one source.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from catwalk.core import given_path
from catwalk.core.paths import Paths
from catwalk.course import mirror


def identity(source: str, files: Iterable[Path], decide: Mapping[str, str]) -> str:
    """What tells these data from others: their source, the files' names and sizes, and what is decided."""
    facts = sorted((path.name, path.stat().st_size) for path in files)
    return repr((source, facts, sorted(decide.items())))


def find(competition: str, identity: str, keep: str | None) -> Path:
    """A temporary folder, the same for the same data, so that a larger BUDGET continues the search.

    Another one if ``KEEP`` has another session's study, which is then continued there.
    """
    own = Path(tempfile.gettempdir()) / f"catwalk-{os.getuid()}"
    own.mkdir(mode=0o700, exist_ok=True)
    if own.is_symlink() or own.stat().st_uid != os.getuid():  # another user's, on a shared machine
        own = Path(tempfile.mkdtemp(prefix="catwalk-"))
    folder = own / f"{competition}-{_digest(identity)}"
    if keep:
        kept = kept_paths(keep, competition)
        if mirror.is_of_another(Paths(folder, competition), kept):
            return own / f"{competition}-{_digest(f'{identity}, {kept.root}')}"
    return folder


def kept_paths(keep: str, competition: str) -> Paths:
    """The paths below the folder ``KEEP``."""
    return Paths(given_path.expanded(keep).resolve(), competition)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
