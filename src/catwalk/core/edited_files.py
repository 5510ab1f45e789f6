"""Edited files: what a person has changed in a file of catwalk's is kept where the file is written anew.

A hidden file beside it holds the digest of what catwalk wrote. A file with another digest is renamed, and so
is one of a version of catwalk that kept none, unless it is written with the same content.
"""

import contextlib
import hashlib
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

from catwalk.core.paths import Paths, atomic_write


@contextlib.contextmanager
def rewrite(paths: Paths, file: Path, say: Callable[[str], None]) -> Iterator[Path]:
    """Yield a temporary path to write to; it replaces ``file``, which is renamed if it may have been edited.

    Args:
        paths: the competition's.
        file: to write.
        say: takes a line if the file that was there is renamed.
    """
    with atomic_write(file) as aside:
        yield aside
        made, there = _digest(aside), _digest(file)
        is_ours = there in ("", made, *_written(file))
        # Also of what is still there: if the machine stops before it is replaced, it stays catwalk's own.
        with atomic_write(_note(file)) as note:
            note.write_text(f"{made}\n{there if is_ours else ''}\n", encoding="ascii")
        if not is_ours:
            kept = unused(file)
            file.rename(kept)
            say(
                f"  {paths.shown(file)}: the earlier file, which may have been edited, is kept as {kept.name}"
            )


def unused(file: Path) -> Path:
    """The first of ``grades-1.csv``, ``grades-2.csv`` and so on that is not there; of a folder likewise."""
    numbered = (file.with_stem(f"{file.stem}-{number}") for number in itertools.count(1))
    return next(kept for kept in numbered if not (kept.exists() or kept.is_symlink()))


def _note(file: Path) -> Path:
    return file.with_name(f".{file.name}.digest")


def _written(file: Path) -> list[str]:
    """The digests of what catwalk wrote."""
    try:
        return _note(file).read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError):
        return []


def _digest(file: Path) -> str:
    """The digest of a file's content; empty if there is no file."""
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""
