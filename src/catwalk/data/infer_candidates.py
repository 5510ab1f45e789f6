"""Candidates: the files of a folder or zip that may be tables, each with a first look at it."""

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from catwalk.core.errors import UserError
from catwalk.data import archives, csv_dialect, csv_head, infer_table, raw_files
from catwalk.data.csv_file import CsvFile
from catwalk.data.infer_table import Table
from catwalk.data.raw_files import Place

MOST = 300  # files that are looked at
NO_TABLE = {
    ".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".npy", ".npz", ".mat", ".h5", ".hdf5",
    ".json", ".xml", ".html", ".pkl", ".pt", ".keras", ".parquet", ".xlsx", ".ttf",
}  # fmt: skip
TABLES = {".csv", ".tsv", ".txt", ".data", ".tra", ".tes", ".train", ".test"}  # what such a file should be


def candidates(
    source: Path, unread: list[UserError], in_notebook: bool = False
) -> Iterator[tuple[str, Place]]:
    """The files that may be tables, by the names that a TOML gives them; of equal names the upper one.

    Args:
        source: a folder, a zip or a CSV.
        unread: why a zip's list of files can't be read is added to it.
        in_notebook: as ``raw_files.listed`` has it.
    """
    seen: set[str] = set()
    for _, name, place in places(source, unread, in_notebook):
        is_data = Path(name).suffix.casefold() not in NO_TABLE and not raw_files.NOT_DATA.fullmatch(name)
        if is_data and name not in seen and len(seen) < MOST:
            seen.add(name)
            yield name, place


def places(source: Path, unread: list[UserError], in_notebook: bool = False) -> list[tuple[int, str, Place]]:
    """Each file's level of folders, its name without its packing's, and its place; the upper ones first.

    Args:
        source: a folder, a zip or a CSV.
        unread: why a zip's list of files can't be read is added to it.
        in_notebook: as ``raw_files.listed`` has it.
    """
    found: list[tuple[int, str, Place]] = []
    if source.is_file() and not archives.is_zip(source):
        found.append((0, source.name, Place(source)))
    else:
        files = [source] if source.is_file() else raw_files.listed(source, in_notebook)
        for path in files:
            if archives.is_zip(path):
                try:
                    archives.refuse_damaged(path)
                except archives.DamagedError as error:  # it matters only if the pictures are nowhere else
                    unread.append(error)
                members = archives.members(path)
                if archives.WORKBOOK in members and path.suffix.casefold() in TABLES:  # renamed by hand
                    found.append((len(path.parts), path.name, Place(path)))
                    continue
                found += [(one.count("/"), Path(one).name, Place(path, one)) for one in members]
            else:
                found.append((len(path.parts), path.name, Place(path)))
    named = [(depth, re.sub(r"(?i)\.(gz|zip)$", "", name), place) for depth, name, place in found]
    return sorted(named, key=lambda one: one[:2])


def is_plain(place: Place) -> bool:
    return place.member is None and archives.is_plain(place.path)


def table(name: str, place: Place, scratch: Path, is_head: bool) -> Table | None:
    """Look at a table; of an archive only at its beginning, or unpack it.

    Raises:
        UserError: the archive can't be read.
    """
    if is_plain(place):
        return infer_table.read(name, place.path)
    target = scratch / name
    if is_head:
        target.write_bytes(csv_head.read(place))
    else:
        archives.unpack(place.path, place.member, target)
    return infer_table.read(name, target)


def tables(
    source: Path, scratch: Path, unread: list[UserError], in_notebook: bool = False
) -> Iterator[tuple[str, Place, Table]]:
    """The candidates that are tables, as far as their beginnings show it: names, places and tables.

    Args:
        source: a folder, a zip or a CSV.
        scratch: an empty folder for the beginnings of what is packed.
        unread: the reasons why a file can't be read are added to it.
        in_notebook: as ``raw_files.listed`` has it.
    """
    for name, place in candidates(source, unread, in_notebook):
        try:
            found = table(name, place, scratch, is_head=True)
        except archives.NoCsvError:
            continue  # such as a zip of pictures
        except UserError as error:
            unread.append(error)
            continue
        if found is not None:
            yield name, place, found


def refuse_unread(source: Path, scratch: Path, is_meant: Callable[[str], bool]) -> None:
    """Refuse the first file of certain names that can't be read, or is no CSV though its name says so.

    Args:
        source: a folder, a zip or a CSV.
        scratch: an empty folder for the beginnings of what is packed.
        is_meant: whether a file of this name matters.

    Raises:
        UserError: says why it can't be read, or what it really is.
    """
    damaged = list[UserError]()
    for name, place in candidates(source, damaged):
        if not is_meant(name):
            continue
        if Path(name).suffix.casefold() in TABLES:
            refuse_other_kind(name, place)
        if not is_plain(place):
            with contextlib.suppress(archives.NoCsvError):
                table(name, place, scratch, is_head=True)
    for error in damaged:
        if is_meant(error.where):
            raise error


def refuse_other_kind(name: str, place: Place) -> None:
    """Refuse a file that only has a CSV's name, and say what it really is."""
    if is_plain(place):
        with place.path.open("rb") as file:
            start = file.read(csv_dialect.BLOCK)
        csv_dialect.refuse_other_kinds(CsvFile(place.path, name, str(place.path), True, ""), start)
