"""Handed in: what teams put into a folder or a zip, read with suspicion; nothing is unpacked to the disk.

A team is a CSV, a zip with one CSV, or a folder with one CSV, named after it. What is wrong with one team is
said of that team alone.
"""

import io
import os
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from catwalk.errors import UserError

MOST_ENTRIES = 10_000  # in a zip, or below a folder
MOST_ZIP = 500_000_000  # bytes of a zip, packed
LONGEST_NAME = 60

Read = Callable[[int], bytes]  # the first so many bytes of a file


@dataclass(frozen=True)
class HandedIn:
    """What one team handed in.

    Attributes:
        team: its name, made safe to print.
        file: the CSV's name, made safe to print.
        content: the CSV's bytes, or None where there is none that could be read.
        wrong: then why.
    """

    team: str
    file: str
    content: bytes | None
    wrong: str = ""


class _RefusedError(Exception):
    """Why a team's file is not read."""


def collect(source: Path, most: int) -> list[HandedIn]:
    """Everything that was handed in, by team name.

    Args:
        source: a folder or a zip.
        most: bytes that a CSV may have.

    Raises:
        UserError: it is neither, or nothing is in it.
    """
    if source.is_dir():
        entries = _of_folder(source)
    elif source.is_file():
        try:
            entries = _inside(_of_zip(source.name, lambda: source.open("rb"), source.stat().st_size))
        except _RefusedError as error:
            raise UserError(f"SUBMISSIONS={source}: {error}: give a folder or a whole zip") from None
    else:
        raise UserError(f"SUBMISSIONS={source}: neither a folder nor a zip: choose one")
    teams: dict[str, dict[str, Read | _RefusedError]] = {}
    for parts, read in entries:
        team = parts[0] if len(parts) > 1 else PurePosixPath(parts[0]).stem
        teams.setdefault(team, {})["/".join(parts)] = read
    found: dict[str, HandedIn] = {}
    for team, files in sorted(teams.items()):
        name, number = printable(team), 1
        while name in found:
            number += 1
            name = f"{printable(team)} ({number})"
        found[name] = _one(name, files, most)
    if not found:
        raise UserError(f"SUBMISSIONS={source}: no CSV is in it")
    return list(found.values())


def printable(name: str, longest: int = LONGEST_NAME) -> str:
    """A text on one line, without control characters or changes of direction, not too long."""
    kept = "".join(c if unicodedata.category(c)[0] not in "CZ" else " " for c in name)
    return " ".join(kept.split())[:longest].strip() or "without a name"


Entry = tuple[tuple[str, ...], Read | _RefusedError]


def _inside(entries: list[Entry]) -> list[Entry]:
    """Without the one folder that a zip of a folder begins with."""
    tops = {parts[0] for parts, _ in entries if len(parts) > 1}
    if len(tops) == 1 and all(len(parts) > 1 for parts, _ in entries) and len(entries) > 1:
        return [(parts[1:], read) for parts, read in entries]
    return entries


def _one(team: str, files: dict[str, Read | _RefusedError], most: int) -> HandedIn:
    """One team's CSV, out of what it handed in."""
    name, read = next(iter(files.items()))
    shown = printable(name)
    try:
        if len(files) > 1:
            names = ", ".join(printable(file) for file in sorted(files)[:3])
            raise _RefusedError(f"{len(files)} files ({names}): hand in one")
        if isinstance(read, _RefusedError):
            raise read
        if name.lower().endswith(".zip"):
            packed = _bounded(read, most)
            inner = _of_zip(shown, lambda: io.BytesIO(packed), len(packed))
            if len(inner) != 1:
                raise _RefusedError(f"a zip with {len(inner)} CSVs: hand in one")
            read = inner[0][1]
            if isinstance(read, _RefusedError):
                raise read
        content = _bounded(read, most)
    except _RefusedError as error:
        return HandedIn(team, shown, None, str(error))
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        return HandedIn(team, shown, None, f"can't be read ({printable(str(error) or type(error).__name__)})")
    return HandedIn(team, shown, content)


def _bounded(read: Read, most: int) -> bytes:
    content = read(most + 1)
    if len(content) > most:
        raise _RefusedError(f"larger than {most / 1e6:.1f} MB, which no submission of these rows is")
    return content


def _of_folder(folder: Path) -> list[Entry]:
    """The CSVs and zips below a folder; links are not followed."""
    entries: list[Entry] = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(place, name)
            if name.startswith(".") or not name.lower().endswith((".csv", ".zip")):
                continue
            entries.append((path.relative_to(folder).parts, _reader(path)))
            if len(entries) > MOST_ENTRIES:
                raise UserError(
                    f"SUBMISSIONS={folder}: more than {MOST_ENTRIES:,} files: choose another folder"
                )
    return entries


def _reader(path: Path) -> Read:
    def read(most: int) -> bytes:
        # A link may lead anywhere, and opening a pipe would wait for a writer.
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(opened, "rb") as file:
            if not stat.S_ISREG(os.fstat(opened).st_mode):
                raise _RefusedError("no ordinary file")
            return file.read(most)

    return read


def _of_zip(name: str, opening: Callable[[], BinaryIO], size: int) -> list[Entry]:
    """The CSVs (and teams' zips) in a zip; names are only names, so they lead nowhere."""
    if size > MOST_ZIP:
        raise _RefusedError(f"{name} is larger than {MOST_ZIP / 1e6:.0f} MB")
    try:
        with zipfile.ZipFile(opening()) as opened:
            infos = opened.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise _RefusedError(f"{name} is not a whole zip ({printable(str(error))})") from None
    if len(infos) > MOST_ENTRIES:
        raise _RefusedError(f"{name} holds more than {MOST_ENTRIES:,} files")
    entries: list[Entry] = []
    for info in infos:
        parts = tuple(part for part in PurePosixPath(info.filename.replace("\\", "/")).parts if part != "/")
        hidden = any(part.startswith((".", "__MACOSX")) and part != ".." for part in parts)
        if hidden or not info.filename.lower().endswith((".csv", ".zip")):
            continue
        if ".." in parts:
            entries.append(
                (tuple(p for p in parts if p != ".."), _RefusedError("a path that leads out of the zip"))
            )
        else:
            entries.append((parts, _member(opening, info)))
    return entries


def _member(opening: Callable[[], BinaryIO], info: zipfile.ZipInfo) -> Read:
    def read(most: int) -> bytes:
        # No more is unpacked than is asked for, whatever the zip says of its size.
        with zipfile.ZipFile(opening()) as opened, opened.open(info) as file:
            return file.read(most)

    return read
