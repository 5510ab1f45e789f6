"""Prepare: writes the raw CSVs as memory-mapped arrays, splits them, and seals (hides) the test labels.

Rows are sorted by a hash of their picture before anything else, so that fingerprint and split depend on
the rows' content and not on their order in a file.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from catwalk.core import advice, disk_space, locks
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths, atomic_write, folder_aside
from catwalk.core.plurals import counted
from catwalk.data import download, picture_hashes, prepared_arrays, raw_rows, split, test_labels
from catwalk.data.competition import Competition

if TYPE_CHECKING:
    from catwalk.data.csv_file import CsvFile
    from catwalk.data.rows import Rows


@dataclass(frozen=True)
class Prepared:
    """The prepared arrays of one competition and split, memory-mapped; changes to them are not saved.

    Attributes:
        pixels: (rows, pixels) uint8, the labelled pictures, sorted by their hash.
        labels: (rows,) uint8, positions in ``Competition.labels``.
        train: (train rows,) int32, row numbers of the training set.
        validation: (validation rows,) int32, row numbers of the validation set.
        test_pixels: (test rows, pixels) uint8, in the submission's order: the sample's, else the test CSV's.
        test_ids: the submission's ids, in the same order.
        fingerprint: a hash of the labelled rows.
        test_fingerprint: a hash of the test pictures, their order, and the submission's format.
        split: the split's name.
        duplicates: counts of duplicate pictures: "train" (within the labelled rows),
            "test" (within the test rows), and "known" (different test pictures that are among the labelled).
    """

    pixels: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    train: npt.NDArray[np.int32]
    validation: npt.NDArray[np.int32]
    test_pixels: npt.NDArray[np.uint8]
    test_ids: list[str]
    fingerprint: str
    test_fingerprint: str
    split: str
    duplicates: dict[str, int]


def run(paths: Paths, competition: Competition, seed: int, say: Callable[[str], None]) -> bool:
    """Write the arrays and this seed's split, unless they already exist.

    Returns:
        Whether the labelled rows differ from those prepared before.

    Raises:
        UserError: the raw CSVs are missing or hold rows that cannot be used.
        MachineError: there is not enough disk space.
    """
    if _is_done(paths, competition, seed, say):
        return False
    paths.prepared.mkdir(parents=True, exist_ok=True)
    with locks.locked(paths.prepared, wait=True):
        if _is_done(paths, competition, seed, say):  # another process did it meanwhile
            return False
        summary = _known_summary(paths)
        before = summary.get("fingerprint")
        if not _is_fresh(paths, competition, summary):
            _refuse_while_searching(paths)
            summary = _replace_arrays(paths, competition, seed)
        else:
            split.write(paths, competition, seed)
    say(f"prepare: {_described(summary)}, split {seed}")
    return before not in (None, summary["fingerprint"])


def _is_done(paths: Paths, competition: Competition, seed: int, say: Callable[[str], None]) -> bool:
    """Whether arrays and split match the current files and TOML; if so, report it."""
    summary = _known_summary(paths)
    is_split = prepared_arrays.is_whole_split(split.file(paths, seed))
    if not (is_split and _is_fresh(paths, competition, summary)):
        return False
    say(f"prepare: already done, {_described(summary)}, split {seed}")
    return True


def _is_fresh(paths: Paths, competition: Competition, summary: dict[str, Any]) -> bool:
    is_same = summary.get("raw") == _raw_sums(paths) and summary.get("reading") == competition.reading
    return is_same and prepared_arrays.are_whole(paths, competition, summary)


def _refuse_while_searching(paths: Paths) -> None:
    """Refuse while a search is running: its new workers would read other rows than its first workers."""
    for lock in replace(paths, team=None).study.rglob(paths.study_lock.name):  # each member's of a team too
        with locks.locked(lock, wait=False) as free:
            if not free:
                raise UserError(
                    "files, TOML or arrays have changed, but a search is still running on the old rows",
                    where=paths.competition,
                    fix=f"{advice.WAIT_OR_END} with Ctrl-C",
                )


def load(paths: Paths, seed: int) -> Prepared:
    """Memory-map the arrays; nothing is copied.

    Raises:
        UserError: ``run`` has not made them.
    """
    summary = _read_summary(paths)
    if not split.file(paths, seed).is_file():
        raise UserError(
            "is missing", where=paths.shown(split.file(paths, seed)), fix=f"run make prepare SEED={seed}"
        )
    with np.load(split.file(paths, seed)) as rows:
        train, validation = rows["train"], rows["validation"]
    return Prepared(
        pixels=np.load(paths.pixels, mmap_mode="c"),  # "r" can't be passed to TensorFlow
        labels=np.load(paths.labels, mmap_mode="r"),
        train=train,
        validation=validation,
        test_pixels=np.load(paths.test_pixels, mmap_mode="r"),
        test_ids=test_ids(paths),
        fingerprint=summary["fingerprint"],
        test_fingerprint=summary["test_fingerprint"],
        split=split.name(seed),
        duplicates=summary["duplicates"],
    )


def test_ids(paths: Paths) -> list[str]:
    """The submission's ids, in order.

    Raises:
        UserError: ``run`` has not made them.
    """
    _read_summary(paths)
    ids: list[str] = json.loads(paths.test_ids.read_text(encoding="utf-8"))
    return ids


def _raw_sums(paths: Paths) -> dict[str, str]:
    return {name: facts["sha256"] for name, facts in download.read_manifest(paths).files.items()}


def _read_summary(paths: Paths) -> dict[str, Any]:
    summary = _known_summary(paths)
    if not summary:
        raise UserError(f"{paths.shown(paths.prepared)} is not prepared", fix=advice.RUN_PREPARE)
    return summary


def _known_summary(paths: Paths) -> dict[str, Any]:
    """The summary of the arrays; empty if it is missing, damaged or incomplete: they are then made again."""
    try:
        summary: dict[str, Any] = json.loads(paths.prepared_summary.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return summary if "known" in summary.get("duplicates", ()) else {}


def _described(summary: dict[str, Any]) -> str:
    duplicates = summary["duplicates"]
    said = [
        f"{counted(count, what)} {where}"
        for count, what, where in (
            (duplicates["train"], "duplicate picture", "among the labelled rows"),
            (duplicates["test"], "duplicate", "within the test rows"),
            (duplicates["known"], "test picture", "also among the labelled rows"),
        )
        if count
    ]
    return (
        f"{summary['rows']:,} labelled rows, {counted(summary['test_rows'], 'test row')}, "
        f"fingerprint {summary['fingerprint']}" + "".join(f", {line}" for line in said)
    )


def _replace_arrays(paths: Paths, competition: Competition, seed: int) -> dict[str, Any]:
    """Write arrays and split to a temporary folder; they replace the old ones only if everything succeeds."""
    manifest = download.read_manifest(paths)
    rows = sum(facts.get("rows", 0) for facts in manifest.files.values())
    disk_space.require(paths.prepared, rows * competition.pixels, f"to prepare {competition.name}")
    with folder_aside(paths.prepared.parent) as folder:
        aside = replace(paths, root=folder)
        summary = _write_arrays(paths, aside, competition)
        split.write(aside, competition, seed)
        paths.prepared_summary.unlink(missing_ok=True)
        for pattern in ("split-*.npz", "folds-*.npy", "features-*.npy"):
            for old in paths.prepared.glob(pattern):
                old.unlink()
        paths.sealed_labels.unlink(missing_ok=True)
        paths.raw_rows.unlink(missing_ok=True)
        for made in aside.prepared.iterdir():
            made.replace(paths.prepared / made.name)
    with atomic_write(paths.prepared_summary) as path:
        path.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    return summary


def _write_arrays(paths: Paths, aside: Paths, competition: Competition) -> dict[str, Any]:
    """Read the raw CSVs and write the arrays to a temporary folder; returns their summary."""
    from catwalk.data import raw_csvs, raw_files

    found = raw_files.locate(paths.raw, competition)
    with raw_csvs.opened(paths, competition, found) as files:
        sides = raw_csvs.sides(files, competition)
        train = _write_train(next(sides), aside, competition, is_idx=bool(found.idx))
        test = _write_test(next(sides), files, aside, competition)
    train_keys, test_keys = split.keys(train.hashes), split.keys(test.hashes)
    return {
        "rows": len(train.hashes),
        "test_rows": len(test.hashes),
        "fingerprint": train.fingerprint,
        "test_fingerprint": test.fingerprint,
        "reading": competition.reading,
        "sealed": test_labels.are_there(aside),
        "duplicates": {
            "train": len(train_keys) - len(np.unique(train_keys)),
            "test": len(test_keys) - len(np.unique(test_keys)),
            "known": int(np.isin(np.unique(test_keys), train_keys).sum()),
        },
        "raw": _raw_sums(paths),
    }


@dataclass(frozen=True)
class _Written:
    """Rows whose arrays were written: (rows, 2) uint64 hashes of their pictures, and a hash of all."""

    hashes: npt.NDArray[np.uint64]
    fingerprint: str


def _write_train(train: "Rows", aside: Paths, competition: Competition, is_idx: bool) -> _Written:
    assert train.labels is not None
    split.check_classes(np.bincount(train.labels, minlength=len(competition.labels)), competition)
    hashes = picture_hashes.of(train.pixels)
    order = np.lexsort((train.labels, hashes[:, 1], hashes[:, 0]))
    labels, hashes = train.labels[order], hashes[order]
    identity = hashes.astype(">u8").tobytes() + labels.tobytes() + repr(competition.labels).encode()
    with atomic_write(aside.pixels) as path:
        _save_in_order(path, train.pixels, order)
    _save(aside.labels, labels)
    raw_rows.write(aside, train.numbers, order, is_idx)
    return _Written(hashes, hashlib.blake2b(identity, digest_size=6).hexdigest())


def _write_test(
    test: "Rows", files: dict[str, "CsvFile"], aside: Paths, competition: Competition
) -> _Written:
    """Write the test rows in the sample submission's order if there is one, else in the test CSV's."""
    from catwalk.data import sample_submission

    ids, pixels, labels = sample_submission.ids_of(test, competition), test.pixels, test.labels
    numbered = ids
    if competition.sample_file in files:
        order = sample_submission.order(files[competition.sample_file], ids, competition)
        ids, pixels = [ids[i] for i in order], pixels[order]
        labels = None if labels is None else labels[order]
    hashes = picture_hashes.of(pixels)
    _save(aside.test_pixels, pixels)
    with atomic_write(aside.test_ids) as path:
        path.write_text(json.dumps(ids), encoding="utf-8")
    if labels is not None:
        _save(aside.sealed_labels, labels)
    # Ids that only number the test CSV's rows are already determined by the form.
    named = json.dumps(ids).encode() if test.ids or ids != numbered else b""
    identity = hashes.tobytes() + competition.form.encode() + named
    return _Written(hashes, hashlib.blake2b(identity, digest_size=6).hexdigest())


def _save(path: Any, array: npt.NDArray[Any]) -> None:
    with atomic_write(path) as aside:
        np.save(aside, array)


def _save_in_order(path: Any, pixels: npt.NDArray[np.uint8], order: npt.NDArray[np.intp]) -> None:
    """Save ``pixels[order]`` in pieces: a second full array would double the memory."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "|u1", "fortran_order": False, "shape": pixels.shape}
        )
        for start in range(0, len(order), 8192):
            file.write(pixels[order[start : start + 8192]].data)
