"""Candidates: the files of a folder or zip that may be tables, each with a first look at it."""

import re
from collections.abc import Iterator
from pathlib import Path

from catwalk.core.errors import UserError
from catwalk.data import archives, csv_head, infer_table, raw_files
from catwalk.data.infer_table import Table
from catwalk.data.raw_files import Place

MOST = 300  # files that are looked at
NO_TABLE = {
    ".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".npy", ".npz", ".mat", ".h5", ".hdf5",
    ".json", ".xml", ".html", ".pkl", ".pt", ".keras", ".parquet", ".xlsx", ".ttf",
}  # fmt: skip


def candidates(source: Path) -> Iterator[tuple[str, Place]]:
    """The files that may be tables, by the names that a TOML gives them; of equal names the upper one."""
    seen: set[str] = set()
    for _, name, place in places(source):
        is_data = Path(name).suffix.casefold() not in NO_TABLE and not raw_files.NOT_DATA.fullmatch(name)
        if is_data and name not in seen and len(seen) < MOST:
            seen.add(name)
            yield name, place


def places(source: Path) -> list[tuple[int, str, Place]]:
    """Each file's level of folders, its name without its packing's, and its place; the upper ones first."""
    found: list[tuple[int, str, Place]] = []
    if source.is_file() and not archives.is_zip(source):
        found.append((0, source.name, Place(source)))
    else:
        files = [source] if source.is_file() else raw_files.listed(source)
        for path in files:
            if archives.is_zip(path):
                archives.refuse_damaged(path)
                members = archives.members(path)
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


def tables(source: Path, scratch: Path, unread: list[UserError]) -> Iterator[tuple[str, Place, Table]]:
    """The candidates that are tables, as far as their beginnings show it: names, places and tables.

    Args:
        source: a folder, a zip or a CSV.
        scratch: an empty folder for the beginnings of what is packed.
        unread: the reasons why a file can't be read are added to it.
    """
    for name, place in candidates(source):
        try:
            found = table(name, place, scratch, is_head=True)
        except archives.NoCsvError:
            continue  # such as a zip of pictures
        except UserError as error:
            unread.append(error)
            continue
        if found is not None:
            yield name, place, found
