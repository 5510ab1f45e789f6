"""Prepare: raw CSVs to arrays that every worker maps, a split, and the test labels sealed away.

Rows are sorted by a hash of their picture before anything else, so that fingerprint and split depend on
what the rows are and not on the order in which a file lists them.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from catwalk import data
from catwalk.competition import Competition
from catwalk.errors import UserError
from catwalk.paths import Paths, written_aside

VALIDATION_SHARE = 0.1


@dataclass(frozen=True)
class Prepared:
    """The prepared arrays of one competition and split, mapped from disk; what is written to them is lost.

    Attributes:
        pixels: (rows, pixels) uint8, the labelled pictures, sorted by their hash.
        labels: (rows,) uint8, positions in ``Competition.labels``.
        train: (train rows,) int32, row numbers that the networks learn from.
        validation: (validation rows,) int32, row numbers that only compare networks.
        test_pixels: (test rows, pixels) uint8, in the test CSV's order.
        test_ids: the submission's ids, in the same order.
        fingerprint: names the labelled rows' content.
        test_fingerprint: names the test pictures, their order, and the submission's form.
        split: names the split.
        duplicates: counts of identical pictures: "train" (repeated among the labelled rows),
            "test" (repeated within the test rows), "both" (test rows also among the labelled).
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


def make(paths: Paths, competition: Competition, seed: int, say: Callable[[str], None]) -> None:
    """Write the arrays and this seed's split, unless they are there already.

    Raises:
        UserError: the raw CSVs are missing or hold rows that cannot be used.
    """
    summary = _read_summary(paths) if paths.prepared_summary.is_file() else {}
    fresh = summary.get("raw") == _raw_sums(paths) and summary.get("form") == _form(competition)
    if fresh and paths.split(seed).is_file():
        say(f"prepare: done before, {_described(summary)}, split {seed}")
        return
    if not fresh:
        for old in (*paths.prepared.glob("split-*.npz"), *paths.prepared.glob("features-*.npy")):
            old.unlink()
        summary = _write_arrays(paths, competition)
    _write_split(paths, competition, seed)
    say(f"prepare: {_described(summary)}, split {seed}")


def load(paths: Paths, seed: int) -> Prepared:
    """Map the arrays; nothing is copied.

    Raises:
        UserError: ``make`` has not run.
    """
    summary = _read_summary(paths)
    if not paths.split(seed).is_file():
        raise UserError(f"{paths.shown(paths.split(seed))} is missing: run make prepare SEED={seed}")
    with np.load(paths.split(seed)) as split:
        train, validation = split["train"], split["validation"]
    return Prepared(
        pixels=np.load(paths.pixels, mmap_mode="c"),  # "r" can't be handed on to TensorFlow
        labels=np.load(paths.labels, mmap_mode="r"),
        train=train,
        validation=validation,
        test_pixels=np.load(paths.test_pixels, mmap_mode="r"),
        test_ids=test_ids(paths),
        fingerprint=summary["fingerprint"],
        test_fingerprint=summary["test_fingerprint"],
        split=f"s{seed}",
        duplicates=summary["duplicates"],
    )


def test_ids(paths: Paths) -> list[str]:
    """The submission's ids, in the test CSV's order.

    Raises:
        UserError: ``make`` has not run.
    """
    _read_summary(paths)
    ids: list[str] = json.loads(paths.test_ids.read_text(encoding="utf-8"))
    return ids


def picture_hashes(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """(rows, pixels) uint8 to (rows, 2) uint64: each row's blake2b hash, the same on every machine."""
    digests = b"".join(hashlib.blake2b(row, digest_size=16).digest() for row in pixels)
    return np.frombuffer(digests, ">u8").reshape(-1, 2).astype(np.uint64)


def _form(competition: Competition) -> str:
    """Names all that the TOML says of labels, columns and ids: what the arrays were made by."""
    said = (
        competition.shape, competition.labels, competition.has_header, competition.label_column,
        competition.id_column, competition.pixel_columns, competition.submission_header,
        competition.first_id, competition.train_file, competition.test_file,
    )  # fmt: skip
    return hashlib.blake2b(repr(said).encode(), digest_size=6).hexdigest()


def _raw_sums(paths: Paths) -> dict[str, str]:
    return {name: facts["sha256"] for name, facts in data.read_manifest(paths)["files"].items()}


def _read_summary(paths: Paths) -> dict[str, Any]:
    try:
        summary: dict[str, Any] = json.loads(paths.prepared_summary.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{paths.shown(paths.prepared)} is not prepared: run make prepare") from None
    except ValueError:
        raise UserError(
            f"{paths.shown(paths.prepared_summary)} is damaged: remove it and run make prepare"
        ) from None
    return summary


def _described(summary: dict[str, Any]) -> str:
    twins = summary["duplicates"]
    said = [
        f"{count:,} {what}"
        for count, what in (
            (twins["train"], "repeated pictures among the labelled rows"),
            (twins["test"], "repeated within the test rows"),
            (twins["both"], "test pictures also among the labelled rows"),
        )
        if count
    ]
    return (
        f"{summary['rows']:,} labelled rows, {summary['test_rows']:,} test rows, "
        f"fingerprint {summary['fingerprint']}" + "".join(f", {line}" for line in said)
    )


def _write_arrays(paths: Paths, competition: Competition) -> dict[str, Any]:
    from catwalk.rows import read_rows

    train = read_rows(paths.raw / competition.train_file, competition)
    if train.labels is None:
        raise UserError(
            f"{competition.train_file}: row 1: no column {competition.label_column!r}: "
            f"mend it, or remove {paths.shown(paths.raw)} and run make data"
        )
    hashes = picture_hashes(train.pixels)
    order = np.lexsort((train.labels, hashes[:, 1], hashes[:, 0]))
    labels, hashes = train.labels[order], hashes[order]
    identity = hashes.astype(">u8").tobytes() + labels.tobytes() + repr(competition.labels).encode()
    with written_aside(paths.pixels) as path:
        _save_in_order(path, train.pixels, order)
    _save(paths.labels, labels)
    del train

    test = read_rows(paths.raw / competition.test_file, competition)
    test_hashes = picture_hashes(test.pixels)
    _save(paths.test_pixels, test.pixels)
    ids = test.ids or [str(competition.first_id + i) for i in range(len(test.pixels))]
    if len(set(ids)) != len(ids):
        raise UserError(f"{competition.test_file}: an id stands there twice: mend the file")
    with written_aside(paths.test_ids) as path:
        path.write_text(json.dumps(ids), encoding="utf-8")
    if test.labels is not None:
        _save(paths.sealed_labels, test.labels)
    else:
        paths.sealed_labels.unlink(missing_ok=True)

    test_identity = test_hashes.tobytes() + _form(competition).encode()
    train_keys, test_keys = _keys(hashes), _keys(test_hashes)
    summary = {
        "competition": competition.name,
        "shape": list(competition.shape),
        "rows": len(labels),
        "test_rows": len(test_hashes),
        "fingerprint": hashlib.blake2b(identity, digest_size=6).hexdigest(),
        "test_fingerprint": hashlib.blake2b(test_identity, digest_size=6).hexdigest(),
        "form": _form(competition),
        "duplicates": {
            "train": len(train_keys) - len(np.unique(train_keys)),
            "test": len(test_keys) - len(np.unique(test_keys)),
            "both": int(np.isin(test_keys, train_keys).sum()),
        },
        "raw": _raw_sums(paths),
    }
    with written_aside(paths.prepared_summary) as path:
        path.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    return summary


def _keys(rows: npt.NDArray[Any]) -> npt.NDArray[np.void]:
    """(rows, values) to (rows,) of one comparable value a row."""
    return np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1] * rows.itemsize))).ravel()


def _save(path: Any, array: npt.NDArray[Any]) -> None:
    with written_aside(path) as aside:
        np.save(aside, array)


def _save_in_order(path: Any, pixels: npt.NDArray[np.uint8], order: npt.NDArray[np.intp]) -> None:
    """Save ``pixels[order]`` a piece at a time: a second whole array would double the memory."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "|u1", "fortran_order": False, "shape": pixels.shape}
        )
        for start in range(0, len(order), 8192):
            file.write(pixels[order[start : start + 8192]].data)


def hold_out(
    pixels: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8], share: float, seed: int
) -> npt.NDArray[np.bool_]:
    """Which rows to keep apart: stratified by label; identical pictures stay on one side.

    Args:
        pixels: (rows, pixels) uint8, in the order of ``Prepared``.
        labels: (rows,) uint8.
        share: of the rows, to keep apart.
        seed: another one keeps others apart.

    Raises:
        ValueError: too few rows of some class.
    """
    from sklearn.model_selection import train_test_split

    rows = _keys(pixels)
    twin = np.append(False, rows[1:] == rows[:-1])  # they are sorted, so identical pictures stand together
    picture = np.cumsum(~twin) - 1
    first = np.flatnonzero(~twin)
    _, apart = train_test_split(
        np.arange(len(first)), test_size=share, stratify=labels[first], random_state=seed
    )
    return np.isin(picture, apart)


def _write_split(paths: Paths, competition: Competition, seed: int) -> None:
    labels = np.load(paths.labels)
    pixels = np.load(paths.pixels, mmap_mode="r")
    _check_classes(np.bincount(labels, minlength=len(competition.labels)), competition)
    try:
        is_validation = hold_out(pixels, labels, VALIDATION_SHARE, seed)
    except ValueError as error:
        raise UserError(
            f"{competition.train_file}: too few rows to hold out a tenth of each class ({error}): add rows"
        ) from None
    split = {
        "train": np.flatnonzero(~is_validation).astype(np.int32),
        "validation": np.flatnonzero(is_validation).astype(np.int32),
    }
    for rows in split.values():
        _check_classes(np.bincount(labels[rows], minlength=len(competition.labels)), competition)
    with written_aside(paths.split(seed)) as path:
        np.savez(path, train=split["train"], validation=split["validation"])


def _check_classes(counts: npt.NDArray[np.intp], competition: Competition) -> None:
    """Every class must be there, with enough rows for both sides of the split."""
    few = np.flatnonzero(counts == 0)
    if len(few):
        label, name = competition.labels[few[0]], competition.classes[few[0]]
        raise UserError(
            f"{competition.train_file}: too few rows of the class {label} ({name}), "
            "each class is needed on both sides of the split: add rows, or mend the TOML's classes"
        )
