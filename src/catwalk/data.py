"""Data: brings a competition's raw CSVs into ``data/<competition>/raw`` and notes where they came from."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from catwalk.competition import Competition
from catwalk.errors import NetworkError, UserError
from catwalk.paths import Paths, folder_aside, written_aside


def is_done(paths: Paths) -> bool:
    return paths.manifest.is_file()


def make(paths: Paths, competition: Competition, source: str, say: Callable[[str], None]) -> None:
    """Fetch, check and keep the raw CSVs; files that already lie in the folder are checked and taken.

    Raises:
        UserError: the files are not this competition's, or lie there from another source.
        NetworkError: no source answered.
    """
    if is_done(paths):
        _check_source(paths, source)
        manifest = read_manifest(paths)
        say(f"data: done before, {_described(manifest)}")
        return
    from catwalk import sources

    there = [f for f in _files(competition) if (paths.raw / f).is_file()]
    if {competition.train_file, competition.test_file} <= set(there):
        manifest = _manifest(paths.raw, competition, "files put there by hand")
    else:
        with folder_aside(paths.raw.parent) as aside:
            got = sources.fetch(source, competition, aside, say)
            manifest = _manifest(aside, competition, got)
            if got in sources.SOURCES:
                _check_rows(manifest, competition)
            paths.raw.mkdir(exist_ok=True)
            for name in manifest["files"]:
                (aside / name).replace(paths.raw / name)
    with written_aside(paths.manifest) as path:
        path.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    say(f"data: {_described(manifest)}")


def read_manifest(paths: Paths) -> dict[str, Any]:
    """``manifest.json``: source, time, and for each file its bytes, rows and sha256.

    Raises:
        UserError: it is not there or can't be read.
    """
    try:
        manifest: dict[str, Any] = json.loads(paths.manifest.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{paths.shown(paths.manifest)} is missing: run make data") from None
    except ValueError:
        raise UserError(f"{paths.shown(paths.manifest)} is damaged: remove it and run make data") from None
    return manifest


def _files(competition: Competition) -> list[str]:
    return [
        f for f in (competition.train_file, competition.test_file, competition.sample_file) if f is not None
    ]


def _check_source(paths: Paths, source: str) -> None:
    """A source asked for by name must be the one the data came from."""
    had = read_manifest(paths)["source"]
    wanted = source if source in ("auto", "kaggle", "debian", "keras", "sklearn") else None
    if wanted is None:
        wanted = str(Path(source).expanduser().resolve())
    if wanted not in ("auto", had):
        raise UserError(
            f"SOURCE={source}: {paths.shown(paths.raw)} is here already, from {had}: "
            f"keep it (leave SOURCE out), or remove the folder first"
        )


def _manifest(folder: Path, competition: Competition, source: str) -> dict[str, Any]:
    """Read every row once, so that nothing is kept which prepare could not read."""
    from catwalk.rows import read_rows

    files: dict[str, dict[str, Any]] = {}
    for name in _files(competition):
        path = folder / name
        if not path.is_file():
            continue
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        files[name] = {"bytes": path.stat().st_size, "sha256": digest}
        if name != competition.sample_file:
            rows = read_rows(path, competition)
            files[name]["rows"] = len(rows.pixels)
            if rows.ignored:
                files[name]["ignored"] = rows.ignored
    return {
        "competition": competition.name,
        "source": source,
        "fetched": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": files,
    }


def _check_rows(manifest: dict[str, Any], competition: Competition) -> None:
    """A download must be whole; a folder of the user's own may hold fewer rows."""
    names = (competition.train_file, competition.test_file)
    for name, expected in zip(names, competition.rows or (), strict=False):
        rows = manifest["files"][name]["rows"]
        if rows != expected:
            raise NetworkError(
                f"{name}: {rows:,} rows arrived from {manifest['source']}, {expected:,} expected: "
                "run make data again, or set another SOURCE="
            )


def _described(manifest: dict[str, Any]) -> str:
    rows = ", ".join(
        f"{name} {facts['rows']:,} rows" for name, facts in manifest["files"].items() if "rows" in facts
    )
    ignored = "".join(
        f"; {name}: the column {facts['ignored']!r} holds row numbers and is ignored"
        for name, facts in manifest["files"].items()
        if "ignored" in facts
    )
    return f"{rows} (source: {manifest['source']}){ignored}"
