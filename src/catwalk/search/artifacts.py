"""Artifacts: how the networks that one member trained reach the others of the team.

They are stored in the study's own database and, with ``ARTIFACTS=``, in a folder that all can access: the
best ones only, as a search keeps them. Both are Optuna's artifact stores. An artifact's id is the study's
key and the name of the file, so who looks for a network needs no other record of it.
"""

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from catwalk.core.paths import Paths, atomic_write
from catwalk.search import model_store

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

LARGEST = 64_000_000  # bytes of a network in the database; the others train a larger one again


class Store(Protocol):
    """Optuna's protocol of an artifact store, and the ids of what is stored."""

    def open_reader(self, artifact_id: str) -> BinaryIO: ...

    def write(self, artifact_id: str, content_body: BinaryIO) -> None: ...

    def remove(self, artifact_id: str) -> None: ...

    def ids(self) -> set[str]: ...


class FolderStore:
    """The artifacts of one study in a folder, each a file that is complete or not there.

    A folder that can't be read, as one that is not mounted, has none: the database has them too.

    Args:
        folder: that all members can access.
        key: the study's.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self._folder, self._key = folder, key

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """The artifact as a file.

        Raises:
            ArtifactNotFound: there is none.
        """
        from optuna.artifacts.exceptions import ArtifactNotFound

        try:
            return (self._folder / artifact_id).open("rb")
        except OSError:
            raise ArtifactNotFound(artifact_id) from None

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Store an artifact.

        Raises:
            OSError: it can't be written.
        """
        with atomic_write(self._folder / artifact_id) as path:
            path.write_bytes(content_body.read())

    def remove(self, artifact_id: str) -> None:
        """Remove an artifact, if it is there and may be removed."""
        with contextlib.suppress(OSError):
            (self._folder / artifact_id).unlink()

    def ids(self) -> set[str]:
        """The ids of all artifacts of this study."""
        try:
            return {path.name for path in self._folder.iterdir() if path.name.startswith(f"{self._key}.")}
        except OSError:
            return set()


def stores(paths: Paths, opened: "optuna.Study") -> list[Store]:
    """The team's stores, the nearest first."""
    assert paths.team is not None
    from catwalk.search import storage, study
    from catwalk.search.postgres_artifacts import PostgresArtifactStore

    database = PostgresArtifactStore(storage.backend(opened), opened._study_id)
    folder = paths.team.artifacts
    return [database] if folder is None else [FolderStore(folder, study.key(opened)), database]


def files(paths: Paths, key: str, number: int) -> dict[str, Path]:
    """A network's files by artifact id, in the order in which they are written."""
    return {
        f"{key}.{path.name}": path for path in (paths.model(key, number), paths.probabilities(key, number))
    }


def offer(
    paths: Paths,
    key: str,
    numbers: Iterable[int],
    to: list[Store],
    is_late: Callable[[], bool] = lambda: False,
) -> list[str]:
    """Store networks that are kept here in every store that lacks them.

    Args:
        paths: the competition's.
        key: the study's.
        numbers: of the trials.
        to: the stores, as ``stores`` gives them.
        is_late: whether no further network shall be stored.

    Returns:
        What could not be stored and why, for people.
    """
    there = [(store, store.ids()) for store in to]
    refused, left = list[str](), 0
    for number in numbers:
        named = files(paths, key, number)
        lacking = [store for store, known in there if not known >= set(named)]
        if lacking and is_late():
            left += 1
            continue
        try:
            size = sum(path.stat().st_size for path in named.values())
        except FileNotFoundError:  # no longer among the best, or not kept
            continue
        is_in_folder = any(isinstance(store, FolderStore) and store not in lacking for store, _ in there)
        for store in lacking:
            if not isinstance(store, FolderStore) and size > LARGEST:
                refused += [] if is_in_folder else [_too_large(number, size)]
            elif error := _write(store, named):
                refused.append(
                    f"networks are not stored in ARTIFACTS= ({error}), the study's database has them"
                )
                there = [(other, known) for other, known in there if other is not store]
            else:
                is_in_folder |= isinstance(store, FolderStore)
    if left:
        refused.append(f"{left} of your networks are not stored for the team yet: make predict stores them")
    return refused


def _write(store: Store, named: dict[str, Path]) -> str | None:
    """Store a network; returns why that can't be."""
    try:
        for name, path in named.items():
            with path.open("rb") as body:
                store.write(name, body)
    except FileNotFoundError as error:
        if error.filename in map(str, named.values()):  # it is no longer among the best
            return None
        return error.strerror
    except OSError as error:
        return error.strerror or "it can't be written"
    return None


def _too_large(number: int, size: int) -> str:
    return (
        f"the network of trial {number} ({size / 1e6:.0f} MB) is too large for the study's database "
        f"(up to {LARGEST / 1e6:.0f} MB): the others train it again, or set ARTIFACTS="
    )


def fetch(paths: Paths, key: str, number: int, stored: list[Store]) -> bool:
    """Copy a network and its probabilities from the first store that has both; returns whether one has."""
    from optuna.artifacts.exceptions import ArtifactNotFound

    for store in stored:
        try:
            for name, file in files(paths, key, number).items():
                with store.open_reader(name) as body, atomic_write(file) as path:
                    path.write_bytes(body.read())
        except ArtifactNotFound:
            continue
        return True
    return False


def available(paths: Paths, key: str, stored: list[Store], trials: "list[FrozenTrial]") -> set[int]:
    """The numbers of the trials whose networks are in a store."""
    there = [store.ids() for store in stored]
    return {
        trial.number
        for trial in trials
        if any(known >= set(files(paths, key, trial.number)) for known in there)
    }


def drop(key: str, opened: "optuna.Study", stored: list[Store]) -> None:
    """Remove from the stores what is no longer among the best."""
    trials = opened.get_trials(deepcopy=False)
    kept = model_store.kept_numbers(trials)
    for store in stored:
        for name in store.ids():
            number = model_store.number_in(name.removeprefix(f"{key}."))
            if model_store.is_dropped(number, trials, kept):
                store.remove(name)
