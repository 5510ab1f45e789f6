"""A blend's parts: finds the submissions and files that PARTS= names, and reads their probabilities.

A part is a submission's name, a folder with ``test.npz`` and perhaps ``oof.npz`` (a teammate's submission,
copied from anywhere), the path of a ``test.npz``, or a CSV. A submission's CSV with its folder beside it is
read as that folder: its labels alone would count as certain. Rows of the ``.npz`` files are found by their
picture, those of a CSV by their id.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catwalk.core import given_path
from catwalk.core.errors import UserError
from catwalk.core.paths import OOF, TEST, Paths
from catwalk.data.competition import Competition
from catwalk.data.prepare import Prepared
from catwalk.submission import blend_csv, predictions, submission_names
from catwalk.submission.predictions import Predictions

PROBABILITIES, LABELS = "probabilities", "labels"  # what a part holds
OTHERS = "choose parts that were made for these test rows"


@dataclass(frozen=True)
class Part:
    """A part that was found.

    Attributes:
        given: as PARTS= names it.
        test: its ``test.npz`` or CSV.
        oof: its ``oof.npz``; None: there is none.
        sha256: of ``test``.
        oof_sha256: of ``oof``; None as above.
        csv: the submission's CSV that was given, ``test`` being in the folder beside it; None: it was not.
    """

    given: str
    test: Path
    oof: Path | None
    sha256: str
    oof_sha256: str | None
    csv: Path | None = None


@dataclass(frozen=True)
class PartRows:
    """What a part predicts.

    Attributes:
        kind: ``PROBABILITIES`` or ``LABELS``.
        test: (test rows, classes) float32, in the submission's order; for labels 0 or 1.
        oof: of labelled rows, classes in the competition's order; None: the part has none.
        by_picture: whether its rows were found by their pictures, not by ids.
    """

    kind: str
    test: npt.NDArray[np.float32]
    oof: Predictions | None
    by_picture: bool


@dataclass(frozen=True, kw_only=True)
class BlendPart:
    """A part as the blend's recipe stores it.

    Attributes:
        given: as PARTS= names it.
        kind: "probabilities", or "labels" where it is a CSV of nothing else.
        sha256: of its file with the test rows.
        oof_sha256: of its ``oof.npz``; None: it has none.
        weight, temperature: in the blend.
        validation_accuracy: its own, on the blend's validation rows; None: unknown.
    """

    given: str
    kind: str
    sha256: str
    oof_sha256: str | None = None
    weight: float
    temperature: float = 1.0
    validation_accuracy: float | None = None


def locate(paths: Paths, given: Sequence[str]) -> list[Part]:
    """Find the parts.

    Args:
        paths: the competition's.
        given: the parts as PARTS= names them.

    Raises:
        UserError: there are fewer than two, one is not there, is of another competition, or is given twice.
    """
    if len(given) < 2 or "" in given:
        raise UserError(
            "give two or more parts, separated by commas",
            where=f"PARTS={','.join(given)}",
            fix="run make leaderboard to list the submissions here; a CSV is named by its path",
        )
    found = [_found(paths, one) for one in given]
    known: dict[str, str] = {}
    for part in found:
        if part.sha256 in known:
            raise UserError(
                f"the same predictions as {known[part.sha256]}", where=part.given, fix="give each part once"
            )
        known[part.sha256] = part.given
    return found


def _found(paths: Paths, given: str) -> Part:
    """One part: a submission of that name comes before a file of the same name."""
    is_here = given in submission_names.unordered(paths)
    place = paths.submission_folder(given) if is_here else given_path.expanded(given)
    test = place / TEST if is_here or place.is_dir() else place
    if not test.is_file():
        raise _missing(test, given, is_here or place.is_dir())
    _refuse_other_competition(paths, place, given)
    csv, test = _with_folder(test)
    beside = test.with_name(OOF)
    oof = beside if test.name == TEST and beside.is_file() else None
    return Part(given, test, oof, _sha256(test), None if oof is None else _sha256(oof), csv)


def _with_folder(file: Path) -> tuple[Path | None, Path]:
    """A submission's CSV and the ``test.npz`` in the folder beside it; None and ``file`` for all others."""
    beside = file.resolve().with_suffix("") / TEST
    return (file, beside) if file.suffix == ".csv" and beside.is_file() else (None, file)


def _missing(test: Path, given: str, is_known: bool) -> UserError:
    if is_known:
        fix = "give its CSV's path beside two other parts, or run make predict for a new submission"
        return UserError(f"has no {test.name}", where=given, fix=fix)
    fix = "choose a submission's name, its folder, or a CSV"
    return UserError("no such submission, folder or file", where=given, fix=fix)


def _refuse_other_competition(paths: Paths, place: Path, given: str) -> None:
    """Refuse a part whose recipe, beside it, names another competition."""
    base = place.resolve()
    base = base.parent if base.name == TEST else base
    file = base.with_name(f"{base.stem if base.suffix == '.csv' else base.name}.json")
    try:
        recipe = json.loads(file.read_text(encoding="utf-8"))
        other = recipe.get("competition", paths.competition)
    except (OSError, ValueError, AttributeError):
        return
    if other != paths.competition:
        what = f"belongs to the competition {str(other)[:40]}, not to {paths.competition}"
        raise UserError(what, where=given, fix="choose parts of one competition")


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def read(
    part: Part, prepared: Prepared, pictures: npt.NDArray[np.uint64], competition: Competition
) -> PartRows:
    """Read a part's probabilities.

    Args:
        part: what ``locate`` found.
        prepared: gives the test rows' ids.
        pictures: (test rows, 2) uint64, their pictures, see ``picture_hashes``.
        competition: gives the classes.

    Raises:
        UserError: it is damaged, of other rows or classes, or holds something else than probabilities.
    """
    if part.test.suffix != ".npz":
        is_labels, test = blend_csv.read(part.test, part.given, prepared.test_ids, competition)
        return PartRows(LABELS if is_labels else PROBABILITIES, test, None, False)
    test = _of_pictures(part, pictures, competition)
    if part.csv is not None:
        is_labels, said = blend_csv.read(part.csv, part.given, prepared.test_ids, competition)
        _refuse_other_answers(part, is_labels, said, test)
    oof = None
    if part.oof is not None:
        oof = _checked(predictions.read(part.oof, _shown(part, part.oof)), part, part.oof, competition)
    return PartRows(PROBABILITIES, test, oof, True)


def _of_pictures(
    part: Part, pictures: npt.NDArray[np.uint64], competition: Competition
) -> npt.NDArray[np.float32]:
    """(test rows, classes) float32, from a ``test.npz``."""
    made = _checked(predictions.read(part.test, _shown(part, part.test)), part, part.test, competition)
    places = find(made.pictures, pictures)
    missing = int((places < 0).sum())
    if missing:
        what = f"has no probabilities for {missing:,} of the {len(pictures):,} test pictures"
        raise UserError(f"{what}: it was made for other test rows", where=part.given, fix=OTHERS)
    return made.probabilities[places]


def _refuse_other_answers(
    part: Part, is_labels: bool, said: npt.NDArray[np.float32], test: npt.NDArray[np.float32]
) -> None:
    """Refuse a CSV that was changed, or is not of the folder beside it; in a tie it may have either class.

    Args:
        part: what ``locate`` found.
        is_labels: whether the CSV holds labels alone.
        said: (test rows, classes) float32, what it holds.
        test: the same of the folder's ``test.npz``.
    """
    slack = blend_csv.ROUNDING if is_labels else blend_csv.TOLERANCE
    chosen = np.take_along_axis(test, said.argmax(axis=1)[:, None], axis=1)[:, 0]
    differ = int((chosen < test.max(axis=1) - slack).sum())
    if differ:
        what = f"differs from {TEST} in the folder beside it on {differ:,} of the {len(test):,} test rows"
        fix = "choose one of the two: give the folder, or a copy of the CSV elsewhere"
        raise UserError(what, where=part.given, fix=fix)


def _checked(made: Predictions, part: Part, file: Path, competition: Competition) -> Predictions:
    """The probabilities with the classes in the competition's order, each row summing to 1."""
    order = blend_csv.class_order(made.labels, competition)
    if order is None:
        what = f"its {len(made.labels)} classes are not those of {competition.name}"
        raise UserError(what, where=_shown(part, file), fix="choose parts of one competition")
    sums = made.probabilities.sum(axis=1)
    wrong = blend_csv.not_one(sums, made.probabilities)
    if len(wrong):
        what = f"row {wrong[0] + 1}: {blend_csv.why_not(made.probabilities[wrong[0]])}"
        fix = "write probabilities from 0 to 1 that sum to 1"
        raise UserError(what, where=_shown(part, file), fix=fix)
    probabilities = (made.probabilities / sums[:, None])[:, list(order)]
    return Predictions(made.pictures, probabilities, competition.submitted, made.rows)


def _shown(part: Part, file: Path) -> str:
    """A part's file as messages show it."""
    return part.given if part.given.endswith(file.name) else f"{part.given}: {file.name}"


def find(there: npt.NDArray[np.uint64], pictures: npt.NDArray[np.uint64]) -> npt.NDArray[np.intp]:
    """(len(pictures),): a row of each picture in ``there``, -1 if it is not there; both (rows, 2)."""
    place = {(first, second): i for i, (first, second) in enumerate(there.tolist())}
    return np.array([place.get((first, second), -1) for first, second in pictures.tolist()], np.intp)
