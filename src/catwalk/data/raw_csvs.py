"""Raw CSVs: opens the files that were found, and checks them."""

import contextlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from catwalk.core.errors import UserError
from catwalk.core.paths import Paths, folder_aside
from catwalk.data import archives, idx_csvs, label_file, manifest, sample_submission
from catwalk.data.competition import Competition
from catwalk.data.csv_file import CsvFile
from catwalk.data.csv_rows import Rows, read_csv
from catwalk.data.raw_files import Found, Place


@contextlib.contextmanager
def opened(
    paths: Paths, competition: Competition, found: Found, origins: dict[str, str] | None = None
) -> Iterator[dict[str, CsvFile]]:
    """Yield the CSVs, by the TOML's names, ready to be read; archives are unpacked to a temporary folder.

    Args:
        paths: the competition's; nothing is written to its raw folder.
        competition: gives the names.
        found: what ``locate`` found.
        origins: what a message calls the file to change; by default the one that was found.
    """
    with contextlib.ExitStack() as stack:
        scratch: Path | None = None
        csvs = dict(found.csvs)
        if found.idx or not all(_is_direct(place) for place in csvs.values()):
            scratch = stack.enter_context(folder_aside(paths.raw.parent))
        if found.idx and scratch:
            idx_csvs.convert(found.idx, competition, scratch)
            csvs |= {name: Place(scratch / name) for name in (competition.train_file, competition.test_file)}
        files = {}
        for name, place in csvs.items():
            path = place.path
            if not _is_direct(place) and scratch:
                archives.unpack(place.path, place.member, scratch / name)
                path = scratch / name
            inside = place.member and f"{place.path.name}: {place.member[-60:]}"
            files[name] = CsvFile(
                path=path,
                name=inside or (name if found.idx else place.path.name),
                origin=(origins or {}).get(name) or paths.shown(paths.raw if found.idx else place.path),
                is_train=name == competition.train_file,
                toml=f"competitions/{competition.name}.toml",
            )
        yield files


def _is_direct(place: Place) -> bool:
    return place.member is None and archives.is_plain(place.path) and place.path.suffix not in (".gz", ".zip")


def facts(files: dict[str, CsvFile], competition: Competition) -> dict[str, dict[str, Any]]:
    """Read every row once: each CSV's stamp, number of rows, and notes for the user.

    Raises:
        UserError: something in them can't be used.
    """
    found, ids = {}, list[str]()
    for name in filter(files.__contains__, (competition.train_file, competition.test_file)):
        file = files[name]
        rows = read_csv(file, competition)
        if file.is_train and rows.labels is None:
            raise no_labels(file, rows, competition)
        found[name] = {**asdict(manifest.stamp(file.path)), "rows": len(rows.pixels)}
        if notes := _notes(rows):
            found[name]["notes"] = notes
        if not file.is_train:
            ids = sample_submission.ids_of(rows, competition)
    if competition.sample_file in files:
        file = files[competition.sample_file]
        sample_submission.order(file, ids, competition)
        found[competition.sample_file] = asdict(manifest.stamp(file.path))
    return found


def _notes(rows: Rows) -> list[str]:
    notes = []
    if rows.ignored:
        notes.append(f"the column {rows.ignored!r} holds row numbers and is ignored")
    if rows.unlabelled:
        notes.append(f"{rows.unlabelled} and is ignored")
    return notes


def no_labels(file: CsvFile, rows: Rows, competition: Competition) -> UserError:
    """The error for a training file without labels; if there is a label file beside it, how to join them."""
    what = f"no column {competition.label_column!r}, so no labels"
    if competition.has_header:
        fix = f'write label = "<its name>" under [columns] in {file.toml}'
    else:
        fix = "put the label first in each row"
    joining = label_file.advice(file, len(rows.pixels), rows.ids, competition)
    return file.error(what, row=1, fix=joining or fix)
