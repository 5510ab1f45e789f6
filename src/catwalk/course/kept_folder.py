"""Kept folder: saves a study and its submissions to a folder that outlives the session, such as Google Drive.

SQLite's write-ahead log can't work on such a disk, so the project itself stays on the machine's own, and
what the next session needs is copied: every minute while a search runs, and at the end.

Several notebooks may name the same folder. Its owner is the project that saved there first or, later, the
last one that restored from it; both have a file with the same random text. No other project replaces or
removes anything there.
"""

import contextlib
import secrets
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from catwalk.core.errors import UserError
from catwalk.core.paths import Paths, atomic_write
from catwalk.search import model_store

EVERY = 60.0  # seconds
NOT_KEPT = (".lock", "-wal", "-shm", "-journal")


def is_of_another(paths: Paths, kept: Paths) -> bool:
    """Whether this project has a study, and there are saved files of which it is not the owner.

    Args:
        paths: the project's.
        kept: the same folders below the one that outlives the session.
    """
    if not paths.study_db.is_file():
        return False
    owner = _text(kept.saved_by)
    is_owner = owner != "" and owner == _text(paths.saved_by)
    return not is_owner and _has_files(kept)


def restore(paths: Paths, kept: Paths) -> bool:
    """Restore what an earlier session saved, unless there is a study already; True if one is restored.

    Args:
        paths: the project's.
        kept: the same folders below the one that outlives the session.

    Raises:
        UserError: there is a study already, and this project is not the owner of what is saved.
    """
    _refuse_another(paths, kept)
    if paths.study_db.is_file() or not _has_files(kept):
        return False
    for source, target in ((kept.submissions, paths.submissions), (kept.study, paths.study)):
        for file in _files(source):
            if file != kept.study_db:
                _copy_once(file, target / file.relative_to(source))
    _take_over(paths, kept)
    if not kept.study_db.is_file():
        return False
    _copy(kept.study_db, paths.study_db)  # last: if it exists, everything does
    return True


def save(paths: Paths, kept: Paths) -> None:
    """Copy new files, networks before the study that refers to them; delete networks that are gone here.

    A search may go on meanwhile. So the study is read before its networks, and what it says of its progress
    before it: a trial that ends later is saved the next time.

    Raises:
        UserError: there are files, and this project is not their owner.
        OSError, sqlite3.Error: it can't be written there.
    """
    if not paths.study_db.is_file():
        return
    _refuse_another(paths, kept)
    owner = _text(paths.saved_by) or secrets.token_hex(8)
    for place in (paths, kept):
        if _text(place.saved_by) != owner:
            _write(place.saved_by, owner)
    dropped = _dropped(paths, kept)
    with tempfile.TemporaryDirectory(prefix="catwalk-") as folder:
        aside = _set_aside(paths, Path(folder))
        for file in _networks(paths.study):
            _copy_network(file, kept.study / file.relative_to(paths.study))
        for file in aside:
            _copy(file, kept.study / file.name)
    for file in _files(paths.submissions):
        _copy_once(file, kept.submissions / file.relative_to(paths.submissions))
    for file in dropped:
        file.unlink(missing_ok=True)


def _set_aside(paths: Paths, folder: Path) -> list[Path]:
    """Copy the study, and before it what is told of its progress, to a folder; return the copies."""
    told = [file for file in (paths.progress, paths.trials) if file.is_file()]
    for file in told:
        _copy(file, folder / file.name)
    copy = folder / paths.study_db.name
    here, there = sqlite3.connect(paths.study_db), sqlite3.connect(copy)
    with contextlib.closing(here), contextlib.closing(there):
        here.backup(there)
        there.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
    return [copy, *(folder / file.name for file in told)]


def _networks(study: Path) -> list[Path]:
    """The files of networks in a study's folder."""
    return [file for file in _files(study) if file.parent != study]


def _dropped(paths: Paths, kept: Paths) -> list[Path]:
    """The saved networks that the search no longer keeps; other files there are the user's."""
    saved = [file for file in _networks(kept.study) if model_store.number_in(file.name) is not None]
    return [file for file in saved if not (paths.study / file.relative_to(kept.study)).is_file()]


def _copy_network(source: Path, target: Path) -> None:
    """Copy a network, unless the search drops it meanwhile."""
    try:
        _copy_once(source, target)
    except FileNotFoundError:
        if source.is_file():  # then it is the target's folder that is gone
            raise


@contextlib.contextmanager
def saving(paths: Paths, kept: Paths, say: Callable[[str], None]) -> Iterator[None]:
    """Save every minute during the ``with`` block, and once more when it ends, even if it fails.

    A failed save is reported at once, as a lost session never reaches the last save; of several failures in a
    row only the first is reported.
    """
    ended = threading.Event()

    def minute_by_minute() -> None:
        is_said = False
        while not ended.wait(EVERY):
            try:
                _save_if_there(paths, kept)
            except UserError as error:  # nothing more will be saved
                say(str(error))
                return
            except (OSError, sqlite3.Error) as error:
                if not is_said:
                    say(f"{_not_saved(kept, error)}; it is tried again every minute")
                is_said = True
            else:
                is_said = False

    thread = threading.Thread(target=minute_by_minute, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        try:
            _save_if_there(paths, kept)
        except UserError as error:
            say(str(error))
        except (OSError, sqlite3.Error) as error:
            say(_not_saved(kept, error))


def _save_if_there(paths: Paths, kept: Paths) -> None:
    """Save, unless the folder is gone: it is not made anew on the machine's own disk after an unmount."""
    if not kept.root.is_dir():
        raise NotADirectoryError("no such folder")
    save(paths, kept)


def _not_saved(kept: Paths, error: Exception) -> str:
    return f"KEEP={kept.root}: the study could not be saved there ({error})"


def _refuse_another(paths: Paths, kept: Paths) -> None:
    if is_of_another(paths, kept):
        raise UserError(
            "another session's study is saved there, and it is not replaced",
            where=f"KEEP={kept.root}",
            fix="set KEEP to another folder, and run all cells",
        )


def _take_over(paths: Paths, kept: Paths) -> None:
    """Make this project the owner: the session that saved the study, if it still runs, stops saving."""
    owner = secrets.token_hex(8)
    try:
        _write(kept.saved_by, owner)
    except OSError:  # it can be read only, which the first save reports
        owner = _text(kept.saved_by)
    _write(paths.saved_by, owner)


def _text(file: Path) -> str:
    """A file's text; empty if there is no file."""
    return file.read_text(encoding="utf-8", errors="replace").strip() if file.is_file() else ""


def _write(file: Path, text: str) -> None:
    with atomic_write(file) as aside:
        aside.write_text(f"{text}\n", encoding="utf-8")


def _has_files(kept: Paths) -> bool:
    return bool(_files(kept.study) or _files(kept.submissions))


def _files(folder: Path) -> list[Path]:
    """All files below a folder except unfinished ones and SQLite's own."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in found if path.name[0] != "." and not path.name.endswith(NOT_KEPT)]


def _copy_once(source: Path, target: Path) -> None:
    """Copy a file that never changes, unless it is there already."""
    facts, there = source.stat(), target.stat() if target.is_file() else None
    if there is None or (there.st_size, int(there.st_mtime)) != (facts.st_size, int(facts.st_mtime)):
        _copy(source, target)


def _copy(source: Path, target: Path) -> None:
    """Copy a file atomically."""
    with atomic_write(target) as aside:
        shutil.copyfile(source, aside)
        shutil.copystat(source, aside)
