"""Submitted archives: safe reading of the files in a folder or zip of submissions, without unpacking."""

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
MOST_PACKED = 100_000_000  # bytes of a zip in a zip, which is read into memory
MOST_LISTED = 20_000_000  # bytes of a zip's list of its files, which is read into memory, too
LONGEST_NAME = 60
LONGEST_PART = 255  # characters of a file's or folder's name, as on most disks
ENDING = 55  # the last of them, which are kept of a longer one
SYSTEM_FILES = {"thumbs.db", "desktop.ini", "__macosx"}  # what Windows and macOS leave behind
UTF8_NAME = 0x800  # a zip's flag


class RefusedError(Exception):
    """A file that can't be read, with the reason."""


@dataclass(frozen=True)
class Entry:
    """A file or a folder.

    Attributes:
        parts: of its path below the folder or zip.
        modified: the time in seconds; for a file in a nested zip, also that of the zip.
        opener: opens the file; None for a folder.
    """

    parts: tuple[str, ...]
    modified: tuple[float, ...]
    opener: Callable[[], BinaryIO] | None

    @property
    def name(self) -> str:
        """The name without the path."""
        return self.parts[-1]

    def read(self, most: int) -> bytes:
        """Read at most ``most`` bytes.

        Raises:
            RefusedError: it can't be read.
        """
        with _reasons(), self.opened() as file:
            return file.read(most)

    def opened(self) -> BinaryIO:
        """Open the file."""
        if self.opener is None:
            raise RefusedError("a folder")
        return self.opener()


def printable(name: str, longest: int = LONGEST_NAME) -> str:
    """Make a text safe to print: one line, limited length, no control or bidirectional characters."""
    composed = unicodedata.normalize("NFC", name)  # macOS decomposes ü
    kept = "".join(c if unicodedata.category(c)[0] not in "CZ" else " " for c in composed)
    short = " ".join(kept.split())
    if len(short) > longest:
        short = short[: longest - 3].rstrip() + "..."
    return short


def of_folder(folder: Path) -> list[Entry]:
    """All entries below a folder; symbolic links are not followed.

    A folder that can't be read has one entry without a name, and reading it says why.

    Raises:
        RefusedError: there are too many files.
        OSError: the folder itself can't be read.
    """
    entries: list[Entry] = []

    def unreadable(error: OSError) -> None:
        place = Path(error.filename or folder)
        if place == folder:
            raise error
        entries.append(Entry((*place.relative_to(folder).parts, ""), (0.0,), _raiser(error)))

    for place, folders, files in os.walk(folder, onerror=unreadable):
        linked = {name for name in folders if _is_link(Path(place, name))}
        folders[:] = sorted(name for name in folders if name not in linked and not _is_hidden(name))
        here = Path(place).relative_to(folder).parts
        entries += [Entry((*here, name), (0.0,), None) for name in folders]
        for name in sorted([*files, *linked]):
            if not _is_hidden(name):
                path = Path(place, name)
                entries.append(Entry((*here, name), (_modified(path),), _file_opener(path)))
        if len(entries) > MOST_ENTRIES:
            raise RefusedError(f"more than {MOST_ENTRIES:,} files")
    return entries


@contextlib.contextmanager
def of_zip(opened: BinaryIO, outer: tuple[float, ...] = ()) -> Iterator[list[Entry]]:
    """All entries of a zip, readable within the ``with`` block; their names are never used as paths.

    Args:
        opened: the zip.
        outer: its modification time, if it is in another zip or a team's folder.

    Raises:
        RefusedError: it is not a complete zip, or it has too many files.
    """
    try:
        _refuse_long_list(opened)
        packed = zipfile.ZipFile(opened)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, OverflowError):
        raise RefusedError("not a complete zip") from None
    with packed:
        infos = packed.infolist()
        if len(infos) > MOST_ENTRIES:
            raise RefusedError(f"a zip with more than {MOST_ENTRIES:,} files")
        entries = (_member(packed, info, outer) for info in infos)
        yield [entry for entry in entries if entry.parts and not any(map(_is_hidden, entry.parts))]


def _refuse_long_list(opened: BinaryIO) -> None:
    """Refuse a zip with too many files by its last bytes, before ``ZipFile`` reads the list of them."""
    end = zipfile._EndRecData(opened)  # type: ignore[attr-defined]  # it is what ZipFile itself reads first
    if end is None:
        return
    count, size = end[4:6]
    if count > MOST_ENTRIES:
        raise RefusedError(f"a zip with more than {MOST_ENTRIES:,} files")
    if size > MOST_LISTED:
        raise RefusedError(f"a zip whose list of files is larger than {MOST_LISTED / 1e6:.0f} MB")


@contextlib.contextmanager
def of_nested_zip(entry: Entry) -> Iterator[list[Entry]]:
    """All entries of a zip in a folder or in another zip; their paths begin with the zip's own.

    Raises:
        RefusedError: as ``of_zip``; or it can't be read, or is too large for memory.
    """
    with contextlib.ExitStack() as stack:
        with _reasons():
            file = stack.enter_context(entry.opened())
            if isinstance(file, zipfile.ZipExtFile):
                content = file.read(MOST_PACKED + 1)
                if len(content) > MOST_PACKED:
                    raise RefusedError(f"a zip larger than {MOST_PACKED / 1e6:.0f} MB")
                file = io.BytesIO(content)  # seeking in it would unpack it again and again
        inner = stack.enter_context(of_zip(file, entry.modified))
        yield [Entry((*entry.parts, *one.parts), one.modified, one.opener) for one in inner]


@contextlib.contextmanager
def _reasons() -> Iterator[None]:
    """Turn any read error into a ``RefusedError``."""
    try:
        yield
    except NotImplementedError:
        raise RefusedError("unsupported compression method") from None
    except RuntimeError:  # zipfile's, without a password
        raise RefusedError("needs a password") from None
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, ValueError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise RefusedError(f"can't be read ({printable(reason or type(error).__name__)})") from None


def _is_hidden(name: str) -> bool:
    return name.lower() in SYSTEM_FILES or (name.startswith((".", "~$")) and name != "..")


def _is_link(path: Path) -> bool:
    return os.path.islink(path)  # noqa: PTH114 - Path.is_symlink raises in a folder that may only be listed


def _modified(path: Path) -> float:
    with contextlib.suppress(OSError):  # in a folder that may only be listed; opening the file says so
        return path.lstat().st_mtime
    return 0.0


def _raiser(error: OSError) -> Callable[[], BinaryIO]:
    def opener() -> BinaryIO:
        raise error

    return opener


def _file_opener(path: Path) -> Callable[[], BinaryIO]:
    def opener() -> BinaryIO:
        if path.is_symlink():
            raise RefusedError("a symbolic link, which is not followed")
        # The file may just have been replaced by a link, and opening a pipe would wait for a writer.
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        file = os.fdopen(opened, "rb")
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            file.close()
            raise RefusedError("not a regular file")
        return file

    return opener


def _member(packed: zipfile.ZipFile, info: zipfile.ZipInfo, outer: tuple[float, ...]) -> Entry:
    parts = tuple(part for part in PurePosixPath(_name_of(info).replace("\\", "/")).parts if part != "/")
    short = tuple(map(_shortened, parts))
    modified = (*outer, _seconds(info))
    if info.filename.endswith("/"):  # is_dir fails for an empty name
        return Entry(short, modified, None)
    return Entry(tuple(part for part in short if part != ".."), modified, _member_opener(packed, info, parts))


def _shortened(part: str) -> str:
    """A name of the usual length: a number in it can then be read, and all else in it quickly."""
    return part if len(part) <= LONGEST_PART else part[: LONGEST_PART - ENDING] + part[-ENDING:]


def _member_opener(
    packed: zipfile.ZipFile, info: zipfile.ZipInfo, parts: tuple[str, ...]
) -> Callable[[], BinaryIO]:
    def opener() -> BinaryIO:
        if ".." in parts:
            raise RefusedError("a path that points outside the zip")
        # These two unpack no more than is requested, whatever size the zip claims.
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise NotImplementedError
        return packed.open(info)  # type: ignore[return-value]  # typeshed: IO[bytes]

    return opener


def _name_of(info: zipfile.ZipInfo) -> str:
    """Decode a name: without the UTF-8 flag it should be cp437, but macOS writes UTF-8 anyway."""
    if info.flag_bits & UTF8_NAME:
        return info.filename
    with contextlib.suppress(UnicodeError):
        return info.filename.encode("cp437").decode("utf-8")
    return info.filename


def _seconds(info: zipfile.ZipInfo) -> float:
    with contextlib.suppress(ValueError, OverflowError, OSError):  # such as month 0 or hour 31
        return datetime(*info.date_time).timestamp()  # local time
    return 0.0
