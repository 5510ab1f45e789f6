"""Project folder: where the notebook's project lies, the same one for the same settings and the same files.

With other files, or another decision about them, it is another one: the TOML that was drafted before is not
theirs, and a project's data come from one source. ``saved_in`` continues it from the folder KEEP, and
saves it there.
"""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from catwalk.core import advice, given_path
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.course import kept_folder


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
        if kept_folder.is_of_another(Paths(folder, competition), kept):
            return own / f"{competition}-{_digest(f'{identity}, {kept.root}')}"
    return folder


def kept_paths(keep: str, competition: str) -> Paths:
    """The paths below the folder ``KEEP``."""
    return Paths(given_path.expanded(keep).resolve(), competition)


def saved_in(
    keep: str | None, paths: Paths, say: Callable[[str], None]
) -> contextlib.AbstractContextManager[None]:
    """Restore what an earlier session saved in ``KEEP``, and save this session's results there.

    Args:
        keep: the folder; None: nothing is saved.
        paths: the project's.
        say: takes a line for people.

    Raises:
        UserError: there is no such folder, or it has another session's study, which would be replaced.
    """
    if not keep:
        return contextlib.nullcontext()
    kept = kept_paths(keep, paths.competition)
    if not kept.root.parent.is_dir():
        raise UserError("no such folder", where=f"KEEP={keep}", fix=advice.MOUNT)
    kept.root.mkdir(exist_ok=True)
    if kept_folder.restore(paths, kept):
        say(f"continuing the search saved in {kept.root}")
    return kept_folder.saving(paths, kept, say)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
