"""The manifest of the raw folder: where its files came from, and their state when they were read.

Changes are detected from the files themselves: first by size and time, and if those differ by sha256.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from catwalk.core.paths import Paths, atomic_write

BY_HAND = "files put there by hand"  # as a source


@dataclass(frozen=True)
class Stamp:
    """A file's state: size in bytes, modification time in nanoseconds, sha256."""

    bytes: int
    modified: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The content of ``manifest.json``.

    Attributes:
        competition: its name.
        source: a source's name, the absolute path of a folder or a zip, or ``BY_HAND``.
        fetched: UTC, ISO 8601.
        files: of each CSV, by the TOML's name: "bytes", "modified" and "sha256" of the plain file,
            "rows", and "notes" for the user.
        reading: a hash of the TOML's values that affect reading.
        origins: the user's own files that were read or copied, by their paths: those in the raw folder
            relative to the project's, which may be moved or copied, others absolute.
        replacing: sha256 of our files while they are being replaced; otherwise empty.
    """

    competition: str
    source: str
    fetched: str
    files: dict[str, dict[str, Any]]
    reading: str = ""
    origins: dict[str, Stamp] = field(default_factory=dict)
    replacing: dict[str, str] = field(default_factory=dict)


def read(paths: Paths) -> Manifest | None:
    """The manifest; None if it is missing or damaged: the files are then used as they are."""
    try:
        content = json.loads(paths.manifest.read_text(encoding="utf-8"))
        known = {name: content[name] for name in ("competition", "source", "fetched", "files")}
        by_hand = known["source"] == BY_HAND
        origins = {
            _from_root(paths, name) if by_hand else name: Stamp(**stamp)
            for name, stamp in content.get("origins", {}).items()
        }
        more = {name: content[name] for name in ("reading", "replacing") if name in content}
        for facts in known["files"].values():
            stamp_of(facts)  # fails where one of its values is missing
        return Manifest(**known, **more, origins=origins)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _from_root(paths: Paths, name: str) -> str:
    """A path in the raw folder, relative to the root; older versions wrote an absolute one.

    The project may have been elsewhere then.
    """
    raw = paths.shown(paths.raw)
    before, _, after = name.partition(f"/{raw}/")
    return f"{raw}/{after}" if Path(before).is_absolute() and after else name


def write(paths: Paths, manifest: Manifest) -> None:
    content = {name: value for name, value in asdict(manifest).items() if value or name == "files"}
    with atomic_write(paths.manifest) as path:
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def stamp(path: Path, known: Stamp | None = None) -> Stamp:
    """A file's stamp; the sha256 from ``known`` is reused if size and time are unchanged."""
    facts = path.stat()
    if known and (known.bytes, known.modified) == (facts.st_size, facts.st_mtime_ns):
        return known
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Stamp(facts.st_size, facts.st_mtime_ns, digest)


def stamp_of(facts: dict[str, Any]) -> Stamp:
    """The stamp in a file's manifest entry."""
    return Stamp(int(facts["bytes"]), int(facts["modified"]), str(facts["sha256"]))


def stamp_in(paths: Paths, name: str, facts: dict[str, Any]) -> Stamp | None:
    """The current stamp of a file that catwalk wrote into the raw folder; None if it is gone."""
    path = paths.raw / name
    return stamp(path, stamp_of(facts)) if path.is_file() else None


def edited(paths: Paths, known: Manifest) -> list[str]:
    """The names of files that catwalk wrote into the raw folder and that were changed since."""
    stamps = {name: stamp_in(paths, name, facts) for name, facts in known.files.items()}
    return [
        name
        for name, one in stamps.items()
        if one and one.sha256 not in (known.files[name]["sha256"], known.replacing.get(name))
    ]


def missing(paths: Paths, known: Manifest) -> list[str]:
    """The names of files that are gone, or that are still an older version."""
    stamps = {name: stamp_in(paths, name, facts) for name, facts in known.files.items()}
    return [name for name, one in stamps.items() if one is None or one.sha256 != known.files[name]["sha256"]]


def origins(paths: Paths, found: list[Path], known: Manifest | None = None) -> dict[str, Stamp]:
    """The stamps of the user's own files, by path, see ``Manifest``."""
    before = known.origins if known else {}
    names = {path: paths.shown(path) if path.is_relative_to(paths.raw) else str(path) for path in found}
    return {name: stamp(path, before.get(name)) for path, name in names.items()}


def same(first: dict[str, Stamp], second: dict[str, Stamp]) -> bool:
    """Whether both contain the same files with the same content."""
    return {name: one.sha256 for name, one in first.items()} == {
        name: one.sha256 for name, one in second.items()
    }
