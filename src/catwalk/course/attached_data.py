"""Attached data: finds a competition's files among a notebook's inputs by their columns.

On Kaggle several inputs may hold a ``train.csv``; the one whose columns are the competition's is taken.
"""

import gzip
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from catwalk.core.errors import UserError
from catwalk.data import archives, csv_columns, csv_head, idx, notebook_results, raw_files
from catwalk.data.competition import Competition
from catwalk.data.csv_file import CsvFile
from catwalk.data.raw_files import Found

MOST_FOLDERS = 3000  # searched from the top: a dataset of image files has many more
DEEPEST = 6  # levels of subfolders
ENDINGS = (".csv", ".tsv", ".txt", ".zip", ".gz", ".data", ".tra", ".tes")
LONGEST = 100  # characters of the reason why another file does not match


@dataclass
class Attached:
    """The result of a search.

    Attributes:
        fitting: folders and zips that hold the competition's files, the upper ones first.
        refused: reasons why files with the right names are not the competition's.
    """

    fitting: list[Path] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def find(competition: Competition, top: Path) -> Attached:
    """Look for the competition's CSVs or IDX files in ``top`` and below it.

    Folders that are mounted below ``top`` are left out where ``top`` itself is not a place of mounts, as
    Google Drive on Colab: to walk it would take minutes.
    """
    attached, seen = Attached(), set[tuple[Path, ...]]()
    folders = list(_folders(top))
    for place in _places(top, folders):
        found = raw_files.locate(place, competition, in_notebook=True)
        files = tuple(found.paths)
        if not found.is_whole(competition) or files in seen:
            continue
        seen.add(files)
        why = _why_not(found, competition)
        if why is None:
            attached.fitting.append(place)
        else:
            attached.refused.append(f"{place.name}: {why}"[:LONGEST])
    return attached


def files(place: Path) -> list[Path]:
    """The data files in a folder, without what an earlier run of the notebook wrote; or the one file."""
    if place.is_file():
        return [place]
    return [path for path in raw_files.listed(place, in_notebook=True) if _is_data(path)]


def toml(name: str, top: Path) -> Path | None:
    """The path of ``<name>.toml`` in or below ``top``, which defines a custom competition."""
    return next(
        (folder / f"{name}.toml" for folder in _folders(top) if (folder / f"{name}.toml").is_file()), None
    )


def columns(competition: Competition) -> str:
    """The expected columns, for a message."""
    pixels = competition.pixel_columns
    return f"{competition.label_column}, {pixels[0]} to {pixels[-1]}"


def own_places(top: Path) -> Iterator[Path]:
    """The folders with data files in ``top`` and below it, the upper ones first; of others the zips in them.

    What an earlier run of the notebook wrote there is not data: a zip is the place of the data after it, too.
    Where ``top`` is a file, it is the place.
    """
    if top.is_file():
        yield top
    for folder in _folders(top):
        try:
            names = sorted(
                one.name for one in os.scandir(folder) if one.is_file() and _is_data(Path(one.path))
            )
        except OSError:
            continue
        zips = [name for name in names if name.casefold().endswith(".zip")]
        if len(names) > len(zips):
            yield folder
        else:
            yield from (folder / name for name in zips)


def _is_data(path: Path) -> bool:
    """Whether a file may hold data, by its name, and is none of catwalk's results."""
    may_be = path.name.casefold().endswith(ENDINGS) or "ubyte" in path.name
    return may_be and not notebook_results.is_one(path)


def _folders(top: Path) -> Iterator[Path]:
    """``top`` and the folders below it, level by level."""
    level, count = [top], 0
    for _ in range(DEEPEST + 1):
        below: list[Path] = []
        for folder in level:
            count += 1
            if count > MOST_FOLDERS:
                return
            yield folder
            try:
                entries = sorted(one.path for one in os.scandir(folder) if one.is_dir())
            except OSError:
                continue
            children = [path for path in map(Path, entries) if not path.name.startswith(".")]
            below += filter(raw_files.is_searched, children)
        level = below


def _places(top: Path, folders: list[Path]) -> Iterator[Path]:
    """Candidate places: folders with data files, zips in them, then the folders above."""
    if top.is_file():
        yield top
    above: dict[Path, None] = {}
    for folder in folders:
        try:
            names = sorted(one.name for one in os.scandir(folder) if one.is_file())
        except OSError:
            continue
        if not any(_is_data(folder / name) for name in names):
            continue
        yield folder
        yield from (folder / name for name in names if name.casefold().endswith(".zip"))
        if folder != top:
            above |= dict.fromkeys(one for one in folder.parents if one.is_relative_to(top))
    yield from sorted(above, key=lambda folder: -len(folder.parts))


def _why_not(found: Found, competition: Competition) -> str | None:
    """Why the files are not the competition's; None if their first rows match."""
    try:
        if found.idx:
            return _why_not_idx(found.idx, competition)
        with tempfile.TemporaryDirectory(prefix="catwalk-") as folder:
            for name, place in found.csvs.items():
                if name not in (competition.train_file, competition.test_file):
                    continue
                head = Path(folder) / name
                head.write_bytes(csv_head.read(place))
                is_train = name == competition.train_file
                file = CsvFile(head, place.path.name, str(place.path), is_train, f"{competition.name}.toml")
                columns = csv_columns.find(file, competition)
                if is_train and columns.label is None and competition.train_labels_file is None:
                    return f"{place.path.name} has no column {competition.label_column!r}"
    except UserError as error:
        return f"{error.where}: {error.what}"
    except (*archives.DAMAGED, StopIteration) as error:
        return f"can't be read ({type(error).__name__})"
    return None


def _why_not_idx(files: dict[str, Path], competition: Competition) -> str | None:
    """Check the pictures' size, and the labels' checksum if the competition has one."""
    for name, path in files.items():
        if "images" in name:
            with (
                gzip.open(path) if archives.head(path).startswith(archives.GZIP) else path.open("rb") as file
            ):
                start = file.read(16)
            sides = tuple(int.from_bytes(start[k : k + 4], "big") for k in (8, 12))
            if sides != competition.shape[:2]:
                return f"{path.name}: its pictures are {sides[0]}x{sides[1]} pixels"
        else:
            idx.read(path, competition.sha256.get(name))
    return None
