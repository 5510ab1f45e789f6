"""Submitted archives: the files in a folder or zip of hand-ins, read with suspicion; nothing is unpacked."""

import contextlib
import io
import os
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO

MOST_ENTRIES = 200_000  # files and folders below a folder, or in a zip
MOST_PACKED = 100_000_000  # bytes of a zip within a zip: it is held in memory
LONGEST_NAME = 60
SYSTEM_FILES = {"thumbs.db", "desktop.ini", "__macosx"}  # what Windows and macOS leave behind
UTF8_NAME = 0x800  # a zip's flag


class RefusedError(Exception):
    """Why a file is not read."""


@dataclass(frozen=True)
class Entry:
    """A file or a folder.

    Attributes:
        parts: of its path below the folder or zip.
        modified: when, in seconds; of what lies in a zip within a zip, both times.
        opener: opens the file; None for a folder.
    """

    parts: tuple[str, ...]
    modified: tuple[float, ...]
    opener: Callable[[], BinaryIO] | None

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.parts[-1]

    def read(self, most: int) -> bytes:
        """Its first bytes, at most so many.

        Raises:
            RefusedError: it can't be read.
        """
        with _reasons(), self.opened() as file:
            return file.read(most)

    def opened(self) -> BinaryIO:
        """The file, open."""
        if self.opener is None:
            raise RefusedError("a folder")
        return self.opener()


def printable(name: str, longest: int = LONGEST_NAME) -> str:
    """A text on one line, without control characters or changes of direction, not too long."""
    composed = unicodedata.normalize("NFC", name)  # macOS takes ü apart
    kept = "".join(c if unicodedata.category(c)[0] not in "CZ" else " " for c in composed)
    short = " ".join(kept.split())
    if len(short) > longest:
        short = short[: longest - 3].rstrip() + "..."
    return short


def of_folder(folder: Path) -> list[Entry]:
    """All below a folder; links are not followed.

    Raises:
        RefusedError: there is too much.
    """
    entries: list[Entry] = []
    for place, folders, files in os.walk(folder):
        linked = {name for name in folders if Path(place, name).is_symlink()}
        folders[:] = sorted(name for name in folders if name not in linked and not _is_hidden(name))
        here = Path(place).relative_to(folder).parts
        entries += [Entry((*here, name), (0.0,), None) for name in folders]
        for name in sorted([*files, *linked]):
            if not _is_hidden(name):
                path = Path(place, name)
                entries.append(Entry((*here, name), (path.lstat().st_mtime,), _file_opener(path)))
        if len(entries) > MOST_ENTRIES:
            raise RefusedError(f"more than {MOST_ENTRIES:,} files")
    return entries


@contextlib.contextmanager
def of_zip(opened: BinaryIO, outer: tuple[float, ...] = ()) -> Iterator[list[Entry]]:
    """All in a zip, to be read as long as the block lasts; its names are only names, so they lead nowhere.

    Args:
        opened: the zip.
        outer: when it was modified, where it lies in another zip or a team's folder.

    Raises:
        RefusedError: it is not a whole zip, or there is too much in it.
    """
    try:
        packed = zipfile.ZipFile(opened)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        raise RefusedError("not a whole zip") from None
    with packed:
        infos = packed.infolist()
        if len(infos) > MOST_ENTRIES:
            raise RefusedError(f"a zip of more than {MOST_ENTRIES:,} files")
        entries = (_member(packed, info, outer) for info in infos)
        yield [entry for entry in entries if entry.parts and not any(map(_is_hidden, entry.parts))]


@contextlib.contextmanager
def of_nested_zip(entry: Entry) -> Iterator[list[Entry]]:
    """All in a zip that lies in a folder or another zip; the paths begin with its own.

    Raises:
        RefusedError: as ``of_zip``; or it can't be read, or is too large to be held in memory.
    """
    with contextlib.ExitStack() as stack:
        with _reasons():
            file = stack.enter_context(entry.opened())
            if isinstance(file, zipfile.ZipExtFile):
                content = file.read(MOST_PACKED + 1)
                if len(content) > MOST_PACKED:
                    raise RefusedError(f"a zip of more than {MOST_PACKED / 1e6:.0f} MB")
                file = io.BytesIO(content)  # to go back and forth in it would unpack it again and again
        inner = stack.enter_context(of_zip(file, entry.modified))
        yield [Entry((*entry.parts, *one.parts), one.modified, one.opener) for one in inner]


@contextlib.contextmanager
def _reasons() -> Iterator[None]:
    """Whatever goes wrong in reading, as a ``RefusedError``."""
    try:
        yield
    except NotImplementedError:
        raise RefusedError("packed in a way that is not read here") from None
    except RuntimeError:  # zipfile's, for want of a password
        raise RefusedError("needs a password") from None
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise RefusedError(f"can't be read ({printable(reason or type(error).__name__)})") from None


def _is_hidden(name: str) -> bool:
    return name.lower() in SYSTEM_FILES or (name.startswith((".", "~$")) and name != "..")


def _file_opener(path: Path) -> Callable[[], BinaryIO]:
    def opener() -> BinaryIO:
        if path.is_symlink():
            raise RefusedError("a link, which is not followed")
        # A link may be put there just now, and opening a pipe would wait for a writer.
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        file = os.fdopen(opened, "rb")
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            file.close()
            raise RefusedError("no ordinary file")
        return file

    return opener


def _member(packed: zipfile.ZipFile, info: zipfile.ZipInfo, outer: tuple[float, ...]) -> Entry:
    parts = tuple(part for part in PurePosixPath(_name_of(info).replace("\\", "/")).parts if part != "/")
    modified = (*outer, _seconds(info))
    if info.filename.endswith("/"):  # is_dir fails for a name of no letters
        return Entry(parts, modified, None)
    return Entry(tuple(part for part in parts if part != ".."), modified, _member_opener(packed, info, parts))


def _member_opener(
    packed: zipfile.ZipFile, info: zipfile.ZipInfo, parts: tuple[str, ...]
) -> Callable[[], BinaryIO]:
    def opener() -> BinaryIO:
        if ".." in parts:
            raise RefusedError("a path that leads out of the zip")
        # Of these two no more is unpacked than is asked for, whatever the zip says of its size.
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise NotImplementedError
        return packed.open(info)  # type: ignore[return-value]  # typeshed: IO[bytes]

    return opener


def _name_of(info: zipfile.ZipInfo) -> str:
    """A name as it was meant: without the flag for UTF-8 it is cp437, or UTF-8 all the same (macOS)."""
    if info.flag_bits & UTF8_NAME:
        return info.filename
    with contextlib.suppress(UnicodeError):
        return info.filename.encode("cp437").decode("utf-8")
    return info.filename


def _seconds(info: zipfile.ZipInfo) -> float:
    with contextlib.suppress(ValueError, OverflowError, OSError):  # a month 0, an hour 31
        return datetime(*info.date_time).timestamp()  # local time
    return 0.0
