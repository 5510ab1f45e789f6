"""Raw CSVs: opens the files that were found, and checks them."""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from catwalk.core.errors import UserError
from catwalk.core.paths import Paths, folder_aside
from catwalk.data import (
    archives,
    csv_head,
    idx_csvs,
    manifest,
    raw_files,
    sample_submission,
    separate_labels,
    test_rows,
)
from catwalk.data.competition import Competition
from catwalk.data.csv_file import CsvFile
from catwalk.data.csv_rows import read_csv
from catwalk.data.raw_files import Found, Place
from catwalk.data.rows import Rows

LARGEST = 64 << 20  # bytes of a CSV of labels; a larger one contains more


@contextlib.contextmanager
def opened(
    paths: Paths, competition: Competition, found: Found, origins: dict[str, str] | None = None
) -> Iterator[dict[str, CsvFile]]:
    """Yield the CSVs, by the TOML's names, ready to be read; archives are unpacked to a temporary folder.

    Args:
        paths: the competition's; nothing is written to its raw folder.
        competition: gives the names.
        found: what ``locate`` found.
        origins: what a message calls the file to change, its path if it was copied from there; by default
            the one that was found.
    """
    with contextlib.ExitStack() as stack:
        scratch: Path | None = None
        csvs = dict(found.csvs)
        if found.idx or not all(_is_direct(place) for place in csvs.values()):
            scratch = stack.enter_context(folder_aside(paths.raw.parent))
        if found.idx and scratch:
            idx_csvs.convert(found.idx, competition, scratch)
            csvs |= {name: Place(scratch / name) for name in (competition.train_file, competition.test_file)}
        files: dict[str, CsvFile] = {}
        for name, place in csvs.items():
            path = place.path
            if not _is_direct(place) and scratch:
                archives.unpack(place.path, place.member, scratch / name)
                path = scratch / name
            original = Path((origins or {}).get(name, place.path))
            inside = place.member and f"{place.path.name}: {place.member[-60:]}"
            files[name] = CsvFile(
                path=path,
                name=inside or (name if found.idx else place.path.name),
                origin=(origins or {}).get(name) or paths.shown(paths.raw if found.idx else place.path),
                is_train=name in (competition.train_file, competition.train_labels_file),
                toml=f"competitions/{competition.name}.toml",
                original=original if original.is_file() else None,
            )
        yield _paired(files, competition)


def _paired(files: dict[str, CsvFile], competition: Competition) -> dict[str, CsvFile]:
    """The same files; train and test know each other."""
    pair = [files[name] for name in (competition.train_file, competition.test_file) if name in files]
    if competition.is_one_file or len(pair) < 2:
        return files
    train, test = pair
    paired = (replace(train, other=test), replace(test, other=train))
    return files | dict(zip((competition.train_file, competition.test_file), paired, strict=True))


def _is_direct(place: Place) -> bool:
    return place.member is None and archives.is_plain(place.path) and place.path.suffix not in (".gz", ".zip")


def sides(files: dict[str, CsvFile], competition: Competition) -> Iterator[Rows]:
    """Read the labelled rows, then the test rows; each CSV is read when its rows are asked for.

    Raises:
        UserError: something in them can't be used.
    """
    file = files[competition.train_file]
    rows = _labelled(files, file, competition.train_labels_file, read_csv(file, competition), competition)
    if rows.labels is None:
        raise no_labels(file, rows, competition)
    if competition.is_one_file:
        yield from test_rows.divide(file, rows, competition)
        return
    yield rows
    del rows
    file = files[competition.test_file]
    yield _labelled(files, file, competition.test_labels_file, read_csv(file, competition), competition)


def _labelled(
    files: dict[str, CsvFile], file: CsvFile, name: str | None, rows: Rows, competition: Competition
) -> Rows:
    """The rows of a file with the labels from the CSV of this name, if there is one."""
    return separate_labels.join(files[name], file, rows, competition) if name in files else rows


def facts(files: dict[str, CsvFile], competition: Competition) -> dict[str, dict[str, Any]]:
    """Read every row once: each CSV's stamp, number of rows, and notes for the user.

    Raises:
        UserError: something in them can't be used.
    """
    found: dict[str, dict[str, Any]] = {}
    ids = list[str]()
    for name, rows in zip(
        (competition.train_file, competition.test_file), sides(files, competition), strict=True
    ):
        facts = found.setdefault(name, {**asdict(manifest.stamp(files[name].path)), "rows": 0})
        facts["rows"] += len(rows.pixels)
        if notes := [note for note in _notes(rows) if note not in facts.get("notes", [])]:
            facts["notes"] = [*facts.get("notes", []), *notes]
        ids = sample_submission.ids_of(rows, competition)
    if competition.sample_file in files:
        sample_submission.order(files[competition.sample_file], ids, competition)
    for name in files.keys() - found.keys():
        found[name] = asdict(manifest.stamp(files[name].path))
    return found


def _notes(rows: Rows) -> list[str]:
    notes = []
    if rows.ignored:
        notes.append(f"the column {rows.ignored!r} holds row numbers and is ignored")
    if rows.unlabelled:
        notes.append(f"{rows.unlabelled} and is ignored")
    return notes


def no_labels(file: CsvFile, rows: Rows, competition: Competition) -> UserError:
    """The error for a training file without labels; a CSV beside it that contains them is named."""
    what = f"no column {competition.label_column!r}, so no labels"
    beside = _label_csv(file, rows, competition)
    if beside:
        fix = f'write train_labels = "{beside}" under [files] in {file.toml}'
    elif competition.has_header:
        fix = f'write label = "<its name>" under [columns] in {file.toml}'
    else:
        fix = "put the label first in each row"
    return file.error(what, row=1, fix=fix)


def _label_csv(file: CsvFile, rows: Rows, competition: Competition) -> str | None:
    """The name of a CSV beside the training file that contains a label for each picture, or None."""
    with tempfile.TemporaryDirectory(prefix="catwalk-") as folder:
        for place in _beside(file):
            name, path = Path(place.member or place.path).name, place.path
            if name in raw_files.needed(competition) or (not place.member and path.stat().st_size > LARGEST):
                continue
            with contextlib.suppress(UserError):
                if place.member:
                    path = Path(folder) / "labels.csv"
                    path.write_bytes(csv_head.read(place))  # a longer one is cut, and has too few rows
                separate_labels.join(replace(file, path=path, name=name), file, rows, competition)
                return name
    return None


def _beside(file: CsvFile) -> list[Place]:
    """The other CSVs in the zip or the folder that a file comes from."""
    original = file.original or file.path
    if archives.is_zip(original):
        inside = sorted(archives.members(original))
        return [Place(original, name) for name in inside if name.casefold().endswith(".csv")]
    return [Place(path) for path in sorted(original.parent.glob("*.[cC][sS][vV]")) if path != original]
