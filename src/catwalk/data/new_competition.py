"""New competition: writes the TOML for files that are here or on Kaggle, and keeps where the files are.

The place is kept in ``raw/manifest.json``, so that later commands find them; a page's download waits in
``.download``.
"""

import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catwalk.core import advice, given_path, terminal
from catwalk.core.console import plain_console
from catwalk.core.errors import UserError, shown, without_url_passwords
from catwalk.core.paths import Paths, atomic_write, competitions_folder, folder_aside
from catwalk.data import (
    competition,
    csv_rows,
    infer,
    kaggle_download,
    kaggle_names,
    manifest,
    raw_files,
    sources,
    test_rows,
    toml_draft,
)  # fmt: skip
from catwalk.data.competition import Competition
from catwalk.data.csv_file import CsvFile
from catwalk.data.infer import Draft
from catwalk.data.infer_doubt import DoubtError
from catwalk.data.infer_table import Table
from catwalk.data.manifest import Manifest
from catwalk.data.toml_draft import Value

NAME = re.compile(r"\w[\w.-]{0,79}", re.ASCII)
SHOWN = 10  # sample pictures
SMALL = 64 << 20  # bytes of a file that is read as a whole
TRIES = 5  # times that a question on the terminal is asked
SET_SOURCE = "set SOURCE= to a folder, a zip, a CSV or the address of Kaggle's page"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Samples:
    """Ten training pictures as they will be read: (10, ...) uint8 in the competition's shape, and names."""

    pictures: npt.NDArray[np.uint8]
    names: list[str]


def run(paths: Paths, source: str, choice: dict[str, str], say: Say) -> Samples | None:
    """Look at the files, write ``competitions/<name>.toml`` and show its values.

    Args:
        paths: the new competition's.
        source: an existing folder, zip or CSV; the address or slug of Kaggle's page; "auto": the raw folder.
        choice: what the user has decided, by the names in ``toml_choices.CHOICES``.
        say: prints a line for the user.

    Returns:
        Pictures to show; None if a sampled row can't be read: the stage data then names it.

    Raises:
        UserError: the TOML exists already, there are no pictures, or something is in doubt.
        NetworkError: Kaggle can't be reached.
    """
    _check_name(paths)
    place, page = _resolved(paths, source)
    if page is not None:
        place = kaggle_download.keep(page, paths.download)
    assert place is not None
    with folder_aside(paths.raw.parent) as scratch:
        draft, shown_source = _decided(place, paths.competition, scratch, dict(choice)), place.name
        values = draft.values + (_of_kaggle(page) if page else [])
        drafted = competition.parse(paths.competition, toml_draft.text(values, shown_source))
        values = _without_unseen(values, _unseen(draft, drafted), drafted)
        text = toml_draft.text(values, page.address if page else shown_source)
        drafted = competition.parse(paths.competition, text)
        samples = _samples(draft, drafted)
    with atomic_write(paths.toml) as aside:
        aside.write_text(text, encoding="utf-8")
    _remember(paths, place if page is None else None)
    _show(values)
    for note in draft.notes:
        say(f"new: {note}")
    say(f"new: wrote {paths.shown(paths.toml)}, with the reason above each value")
    return samples


def _check_name(paths: Paths) -> None:
    if not competitions_folder(paths.root).is_dir():
        raise UserError(
            f"there is no folder competitions in {paths.root}", fix="run catwalk in the project's folder"
        )
    if not NAME.fullmatch(paths.competition):
        fix = "choose a name of letters, digits, - and _"
        raise UserError(
            "can't be used as a file name", where=f"COMPETITION={shown(paths.competition)}", fix=fix
        )
    if paths.toml.exists():
        fix = f"{advice.OTHER_DATA}, or edit that file"
        raise UserError("already exists, and is left unchanged", where=paths.shown(paths.toml), fix=fix)


def _resolved(paths: Paths, source: str) -> tuple[Path | None, kaggle_names.Page | None]:
    """The existing place, or the page on Kaggle, that SOURCE names."""
    if source == "auto":
        if not raw_files.listed(paths.raw):
            what = f"there are no files in {paths.shown(paths.raw)}"
            raise UserError(what, fix=SET_SOURCE)
        return paths.raw, None
    place = given_path.expanded(source)
    if place.exists():
        return place.resolve(), None
    if source in sources.SOURCES:
        what = f"it does not have the competition {paths.competition}"
        raise UserError(what, where=f"SOURCE={source}", fix=SET_SOURCE)
    if not re.search(r"kaggle\.com", source) and (
        source.startswith((".", "/", "~")) or source.count("/") > 1
    ):
        fix = "correct it, or give the address of Kaggle's page"
        where = f"SOURCE={without_url_passwords(source)}"
        raise UserError("no such folder, zip or CSV", where=where, fix=fix)
    return None, kaggle_names.page(source, "SOURCE=")


def _of_kaggle(page: kaggle_names.Page) -> list[Value]:
    """Where the files are from; of a competition also where the submissions go."""
    source = Value("sources", f"kaggle_{page.kind}", page.name, f"the files are from {page.address}")
    if page.kind != "competition":
        return [source]
    return [Value("submission", "competition", page.name, f"make submit sends to {page.address}"), source]


def _decided(place: Path, name: str, scratch: Path, choice: dict[str, str]) -> Draft:
    """The draft; on a terminal, the user is asked about what is in doubt."""
    title = name.replace("-", " ").replace("_", " ").title()
    for _ in range(TRIES):
        try:
            return infer.look(place, title, scratch, choice)
        except DoubtError as doubt:
            if not (sys.stdin.isatty() and sys.stdout.isatty()):
                raise
            choice[doubt.variable] = _asked(doubt)
    return infer.look(place, title, scratch, choice)


def _asked(doubt: DoubtError) -> str:
    """What the user answers: the number of a candidate, or any text."""
    print(f"{doubt.what}:")
    for number, candidate in enumerate(doubt.candidates, start=1):
        print(f"  {number}  {candidate}")
    answer = terminal.ask(f"{doubt.variable}= ").strip()
    if answer.isdigit() and 1 <= int(answer) <= len(doubt.candidates):
        return doubt.candidates[int(answer) - 1]
    return answer


def _remember(paths: Paths, place: Path | None) -> None:
    """Record where the files are, so that the next commands need no SOURCE=."""
    if place is None or place == paths.raw.resolve() or place == paths.raw or raw_files.listed(paths.raw):
        return
    made = Manifest(paths.competition, str(place), datetime.now(UTC).isoformat(timespec="seconds"), {})
    manifest.write(paths, made)


def _unseen(draft: Draft, drafted: Competition) -> set[int]:
    """The classes, by position, of which one file has rows in its test alone.

    What is not among the labelled rows is no class that can be learned; and nothing may depend on the labels
    of the test. In large files a class has more rows than that.
    """
    table = draft.train
    assert table is not None
    if not drafted.is_one_file or drafted.train_labels_file or table.path.stat().st_size > SMALL:
        return set()
    file = CsvFile(table.path, table.name, table.name, True, f"competitions/{drafted.name}.toml")
    try:
        rows = csv_rows.read_csv(file, drafted)
        train, _ = test_rows.divide(file, rows, drafted)
    except UserError:  # as the stage data says, with the row
        return set()
    seen = set() if train.labels is None else set(train.labels.tolist())
    return set(range(len(drafted.labels))) - seen


def _without_unseen(values: list[Value], unseen: set[int], drafted: Competition) -> list[Value]:
    """The draft's values without these classes."""
    kept = [i for i in range(len(drafted.labels)) if i not in unseen]
    if not unseen or len(kept) < 2:
        return values
    where = next(i for i, value in enumerate(values) if value.key == "classes")
    classes = replace(values[where], value=[drafted.classes[i] for i in kept])
    integers = Value("", "labels", [drafted.labels[i] for i in kept], "the integers of the label column")
    others = [value for value in values if value.key not in ("classes", "labels") or value.section]
    return [*others[:where], classes, *([] if drafted.writes_names else [integers]), *others[where:]]


def _samples(draft: Draft, drafted: Competition) -> Samples | None:
    """Ten labelled pictures of different classes; None if a row is refused, or all may be of the test."""
    table = draft.train
    assert table is not None
    with tempfile.TemporaryDirectory(prefix="catwalk-") as folder:
        path = Path(folder) / "samples.csv"
        path.write_text(_some_lines(table), encoding="utf-8")
        file = CsvFile(path, table.name, table.name, True, f"competitions/{drafted.name}.toml")
        try:
            _, rows = csv_rows.read_values(file, drafted)
        except UserError:  # with the row's number among the samples, not in the file
            return None
    labelled = np.flatnonzero(test_rows.surely_labelled(rows, drafted))
    if not len(labelled):
        return None
    labels = rows.labels if rows.labels is not None else np.zeros(len(rows.pixels), np.uint8)
    chosen = labelled[_of_all_classes(labels[labelled])]
    names = [
        drafted.class_name(labels[i]) if rows.labels is not None and labels[i] >= 0 else "" for i in chosen
    ]
    return Samples(rows.pixels[chosen].reshape(-1, *drafted.shape), names)


def _some_lines(table: Table) -> str:
    """The lines above the first row, and sampled rows."""
    with table.path.open(encoding="utf-8", errors="replace", newline="") as opened:
        count = table.before + table.skip_rows + (table.names is not None)
        above = [line.rstrip("\r") for line in re.split(r"\r\n|[\r\n]", opened.read(1 << 22))[:count]]
    step = max(1, len(table.lines) // 500)
    return "\n".join([*above, *table.lines[::step]]) + "\n"


def _of_all_classes(labels: npt.NDArray[np.integer]) -> list[int]:
    """Rows of as many different classes as there are, at most ten."""
    first = sorted(np.unique(labels, return_index=True)[1].tolist())
    classes = first[:: max(1, len(first) // SHOWN)][:SHOWN]
    others = [i for i in range(len(labels)) if i not in classes]
    return [*classes, *others[: SHOWN - len(classes)]]


def _show(values: list[Value]) -> None:
    from rich.table import Table as Shown

    table = Shown("key", "value", "why", box=None, pad_edge=False)
    for value in values:
        key = f"{value.section}.{value.key}" if value.section else value.key
        table.add_row(key, toml_draft.short(value.value), value.why)
    plain_console().print(table, markup=False)
