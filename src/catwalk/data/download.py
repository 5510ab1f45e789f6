"""Data: downloads a competition's raw CSVs to ``data/<competition>/raw`` and records their source.

Files that the user put or changed there are never overwritten.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from catwalk.core import advice, edited_files, given_path, locks
from catwalk.core.errors import NetworkError, UserError, without_url_passwords
from catwalk.core.paths import Paths, folder_aside
from catwalk.data import kaggle_names, manifest, raw_files
from catwalk.data.competition import Competition
from catwalk.data.manifest import BY_HAND, Manifest, Stamp
from catwalk.data.raw_files import Found
from catwalk.data.toml_keys import SOURCES

Say = Callable[[str], None]


def run(paths: Paths, competition: Competition, source: str, say: Say) -> None:
    """Fetch, check and record the raw files; existing ones are checked and used.

    Raises:
        UserError: the files are not this competition's, are incomplete, or came from another source.
        NetworkError: no source answered.
        MachineError: there is not enough disk space.
    """
    if _is_done(paths, competition, source, say):
        return
    paths.raw.parent.mkdir(parents=True, exist_ok=True)
    with locks.locked(paths.raw.parent, wait=True):
        if _is_done(paths, competition, source, say):  # another process did it meanwhile
            return
        made = _bring(paths, competition, source, say)
        manifest.write(paths, made)
    say(f"data: {_described(made)}")


def read_manifest(paths: Paths) -> Manifest:
    """The content of ``manifest.json``.

    Raises:
        UserError: it is missing or can't be read.
    """
    known = manifest.read(paths)
    if known is None:
        raise UserError("is missing", where=paths.shown(paths.manifest), fix="run make data")
    return known


def _is_done(paths: Paths, competition: Competition, source: str, say: Say) -> bool:
    """Whether everything matches the manifest; if so, report it."""
    known = manifest.read(paths)
    if known is None or known.reading != competition.reading or known.replacing:
        return False
    now = _current(paths, competition, known)
    if now is None:
        return False
    _check_source(paths, competition, known, source)
    if now != known:
        manifest.write(paths, now)  # times changed, contents not
    say(f"data: already done, {_described(now)}")
    return True


def _current(paths: Paths, competition: Competition, known: Manifest) -> Manifest | None:
    """The manifest with the files' current times; None if a file has changed."""
    found = raw_files.locate(paths.raw, competition)
    if found.names(competition) != set(known.files):
        return None
    if known.source == BY_HAND:
        now = manifest.origins(paths, found.paths, known)
        return replace(known, origins=now) if manifest.same(now, known.origins) else None
    stamps = {name: manifest.stamp_in(paths, name, facts) for name, facts in known.files.items()}
    if any(one is None or one.sha256 != known.files[name]["sha256"] for name, one in stamps.items()):
        return None
    origins = _origins_now(paths, competition, known)
    if origins is not None and not manifest.same(origins, known.origins):
        return None
    files = {
        name: {**facts, "modified": one.modified}
        for (name, facts), one in zip(known.files.items(), stamps.values(), strict=True)
        if one is not None
    }
    return replace(known, files=files, origins=origins or known.origins)


def _origins_now(paths: Paths, competition: Competition, known: Manifest) -> dict[str, Stamp] | None:
    """The current stamps of a SOURCE= folder's files; None if it is gone, or no folder was given."""
    if known.source in SOURCES or not Path(known.source).exists():
        return None
    found = raw_files.locate(Path(known.source), competition)
    return manifest.origins(paths, found.paths, known) if found.is_whole(competition) else None


def _bring(paths: Paths, competition: Competition, source: str, say: Say) -> Manifest:
    """Use the files that are there, or fetch them."""
    there = raw_files.listed(paths.raw)  # before the manifest is read, which is written before the files
    known = manifest.read(paths)
    if not there:
        if source == "auto" and not competition.sources and not (known and Path(known.source).exists()):
            also = ", or set SOURCE= to the folder or zip that holds them"
            raw_files.check_whole(paths.shown(paths.raw), paths.raw, Found({}), competition, also)
        return _fetch(paths, competition, _again(source, known), say)
    if known is None or known.source == BY_HAND:
        return _use_own_files(paths, competition, source, known, say)
    changed = manifest.edited(paths, known)
    if changed or not set(raw_files.required(competition)) <= set(known.files):
        if changed:
            say(f"data: {', '.join(changed)}: changed by hand, will not be overwritten")
        return _use_own_files(paths, competition, source, None, say)
    _check_source(paths, competition, known, source)
    gone, origins = manifest.missing(paths, known), _origins_now(paths, competition, known)
    moved = origins is not None and not manifest.same(origins, known.origins)
    if gone or moved:
        what = (
            f"{', '.join(gone)} {'are' if len(gone) > 1 else 'is'} missing"
            if gone
            else f"{known.source} {'has changed' if known.origins else 'may have changed'}"
        )
        say(f"data: {what}: fetching again")
        return _fetch(paths, competition, known.source, say)
    files = _read(paths, competition, raw_files.locate(paths.raw, competition), {})
    for name in files:
        if name not in known.files or "by_hand" in known.files[name]:  # it never came from the source
            files[name]["by_hand"] = True
    return replace(
        known, files=files, reading=competition.reading, origins=origins or known.origins, replacing={}
    )


def _again(source: str, known: Manifest | None) -> str:
    """The source to fetch from: the requested one, else the folder given before if it still exists."""
    if source == "auto" and known and known.source not in (*SOURCES, BY_HAND) and Path(known.source).exists():
        return known.source
    return source


def _use_own_files(
    paths: Paths, competition: Competition, source: str, known: Manifest | None, say: Say
) -> Manifest:
    """Use the files that were put there by hand."""
    found = raw_files.locate(paths.raw, competition)
    if source != "auto" and given_path.expanded(source).resolve() != paths.raw.resolve():
        names = [str(path.relative_to(paths.raw)) for path in raw_files.listed(paths.raw)]
        raise _other_source(paths, source, f"holds {BY_HAND} ({', '.join(names)[:60]})")
    also = f", or first rename your folder: {move_aside(paths)}" if competition.sources else ""
    raw_files.check_whole(paths.shown(paths.raw), paths.raw, found, competition, also)
    now = manifest.origins(paths, found.paths, known)
    before = {name: one.sha256 for name, one in known.origins.items()} if known else {}
    changed = [name for name, one in now.items() if before and before.get(name) != one.sha256]
    if changed:
        say(f"data: {', '.join(changed)}: changed, reading again")
    files = _read(paths, competition, found, {})
    for name, place in found.csvs.items():
        if place.path != paths.raw / name and name in files:
            files[name]["notes"] = [f"read from {paths.shown(place.path)}", *files[name].get("notes", [])]
    return Manifest(competition.name, BY_HAND, _now(), files, competition.reading, now)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _fetch(paths: Paths, competition: Competition, source: str, say: Say) -> Manifest:
    """Fetch into a temporary folder, check, and move the files into the raw folder.

    The manifest is written first, so that after a crash the files do not count as put there by hand.
    """
    from catwalk.data import kaggle_download, sources

    known = manifest.read(paths)
    old = {name: facts for name, facts in (known.files if known else {}).items() if "by_hand" not in facts}
    for name in raw_files.needed(competition):
        raw_files.refuse_dangling(paths.shown(paths.raw), paths.raw / name)
    with folder_aside(paths.raw.parent) as aside:
        before = _stamps_of_source(paths, competition, source)
        got = sources.fetch(source, competition, aside, say)
        origins = _origin_names(paths, competition, got)
        files = _read(paths, competition, raw_files.locate(aside, competition), origins)
        if got == "kaggle":  # before the rows are counted: a download that lacks some is not to be used again
            kaggle_download.discard(paths.download)
        if got in SOURCES:
            _check_rows(files, got, competition)
        theirs = [name for name in files if name not in old and (paths.raw / name).exists()]
        ours = {name: facts for name, facts in files.items() if name not in theirs}
        made = Manifest(competition.name, got, _now(), ours, competition.reading, before)
        paths.raw.mkdir(exist_ok=True)
        replacing = {name: old[name]["sha256"] if name in old else "" for name in ours}
        manifest.write(paths, replace(made, replacing=replacing))
        for name in ours:
            (aside / name).replace(paths.raw / name)
    return made


def _stamps_of_source(paths: Paths, competition: Competition, source: str) -> dict[str, Stamp]:
    """The stamps of a folder's files before they are copied, so that later changes are noticed."""
    place = given_path.expanded(source).resolve()
    if source in ("auto", *SOURCES) or not place.exists():
        return {}
    return manifest.origins(paths, raw_files.locate(place, competition).paths)


def _origin_names(paths: Paths, competition: Competition, source: str) -> dict[str, str]:
    """Map each fetched file's name to the original file, which the user may change, as shown in messages."""
    from catwalk.data import kaggle_download

    names = raw_files.needed(competition)
    if source in SOURCES:
        original = "the original file"
        if source == "kaggle":
            zipped = kaggle_download.waiting(kaggle_names.of_data(competition), paths.download)
            original = paths.shown(zipped)
        return dict.fromkeys(names, f"{original} (or choose another SOURCE=)")
    places = raw_files.locate(Path(source), competition).csvs
    return {name: str(places[name].path) if name in places else source for name in names}


def _check_source(paths: Paths, competition: Competition, known: Manifest, source: str) -> None:
    """Check that an explicitly given source is the one that the data came from."""
    if source == "auto" or (source in SOURCES and source == known.source):
        return
    place = given_path.expanded(source).resolve()
    if source not in SOURCES and not place.exists() and not kaggle_names.is_address(source):
        fix = "correct it, or leave SOURCE= out to use the existing data"
        raise UserError("no such folder", where=f"SOURCE={without_url_passwords(source)}", fix=fix)
    if source not in SOURCES and str(place) == known.source:
        raw_files.check_whole(f"SOURCE={source}", place, raw_files.locate(place, competition), competition)
        return
    if known.source == BY_HAND and place == paths.raw.resolve():
        return
    names = f" ({', '.join(known.files)[:60]})" if known.source == BY_HAND else ""
    raise _other_source(paths, source, f"already exists, from {known.source}{names}")


def _other_source(paths: Paths, source: str, there: str) -> UserError:
    other = "" if source in SOURCES else f"{advice.OTHER_DATA}, or "
    return UserError(
        f"{paths.shown(paths.raw)} {there}",
        where=f"SOURCE={without_url_passwords(source)}",
        fix=f"{other}leave SOURCE= out to use that data, or first rename its folder: {move_aside(paths)}",
    )


def move_aside(paths: Paths) -> str:
    """The command that renames the raw folder to an unused name."""
    return f"mv {paths.shown(paths.raw)} {paths.shown(edited_files.unused(paths.raw))}"


def _read(
    paths: Paths, competition: Competition, found: Found, origins: dict[str, str]
) -> dict[str, dict[str, Any]]:
    """Read every row once, so that only readable files are kept; returns what the manifest records."""
    from catwalk.data import raw_csvs

    with raw_csvs.opened(paths, competition, found, origins) as files:
        return raw_csvs.facts(files, competition)


def _check_rows(files: dict[str, dict[str, Any]], source: str, competition: Competition) -> None:
    """Check that a download is complete; the user's own folder may have fewer rows."""
    names = (competition.train_file, competition.test_file)
    for name, expected in zip(names, competition.rows or (), strict=False):
        if files[name]["rows"] != expected:
            raise NetworkError(
                f"got {files[name]['rows']:,} rows from {source}, expected {expected:,}",
                where=name,
                fix=advice.DATA_AGAIN,
            )


def _described(known: Manifest) -> str:
    rows = ", ".join(
        f"{name} {facts['rows']:,} rows" for name, facts in known.files.items() if "rows" in facts
    )
    notes = "".join(
        f"; {name}: {note}" for name, facts in known.files.items() for note in facts.get("notes", [])
    )
    return f"{rows} (source: {known.source}){notes}"
