"""A competition: the content of ``competitions/<name>.toml`` as a frozen object."""

import hashlib
import itertools
import math
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from catwalk.core import advice
from catwalk.core.errors import UserError, shown
from catwalk.core.paths import Paths, competitions_folder

MOST_SAID = 230  # characters of the message about an invalid TOML
MOST_PIXELS = 1_000_000  # of a picture, each a column
KINDS: dict[type, str] = {
    bool: "true or false", int: "an integer", str: "a string", list: "a list", dict: "a table"
}  # fmt: skip
PIXEL_NUMBER = re.compile(r"\{(?::0(\d)d)?\}")  # {} or, padded with zeros, {:04d}
AUGMENTATIONS = ("flip", "shift", "rotate", "zoom", "elastic", "erase")


@dataclass(frozen=True)
class Competition:
    """One competition.

    Attributes:
        name: the TOML's name without its extension; folders are named after it.
        title: shown to users.
        shape: (height, width) or (height, width, channels) of one picture.
        labels: the integers of the label column, ascending; gaps are allowed.
        classes: the classes' names, in the order of ``labels``.
        augment: the ``AUGMENTATIONS`` that do not change a picture's class.
        train_file, test_file, sample_file: names of the raw CSVs; the sample submission may be None.
        rows: how many rows a download of the train and the test CSV must have; None if unknown.
        has_header: whether the CSVs begin with a row of column names. Without one, the columns
            are in the order id (if there is one), label, pixels.
        label_column: name of the label column; without a header, "last" means after the pixels.
        id_column: name of the id column, or None; the submission then takes its ids from the test CSV.
        pixel_columns: the pixel columns' names, row by row from the upper left pixel.
        submission_header: names of the submission's two columns.
        first_id: the first id of the submission if there is no id column.
        kaggle_competition: slug of the Kaggle competition that takes submissions, or None.
        full_marks: test accuracy that earns full marks in a course, or None.
        sources: where the data are available: ``kaggle_dataset``, ``kaggle_competition``, ``debian``,
            ``keras``, ``sklearn``, each with its name there.
        sha256: checksums of the uncompressed IDX files, by file name; may be empty.
    """

    name: str
    title: str
    shape: tuple[int, ...]
    labels: tuple[int, ...]
    classes: tuple[str, ...]
    augment: tuple[str, ...]
    train_file: str
    test_file: str
    sample_file: str | None
    rows: tuple[int, int] | None
    has_header: bool
    label_column: str
    id_column: str | None
    pixel_columns: tuple[str, ...]
    submission_header: tuple[str, str]
    first_id: int
    kaggle_competition: str | None
    full_marks: float | None
    sources: dict[str, str]
    sha256: dict[str, str]

    @property
    def pixels(self) -> int:
        """Number of values per picture."""
        return math.prod(self.shape)

    @property
    def form(self) -> str:
        """A hash of the TOML's shape, labels, columns and ids; part of the test rows' fingerprint."""
        said = (
            self.shape, self.labels, self.has_header, self.label_column,
            self.id_column, self.pixel_columns, self.submission_header,
            self.first_id, self.train_file, self.test_file,
        )  # fmt: skip
        return hashlib.blake2b(repr(said).encode(), digest_size=6).hexdigest()

    @property
    def reading(self) -> str:
        """A hash of everything in the TOML that affects reading: if it changes, files are read again."""
        said = (self.form, self.classes, self.sample_file)
        return hashlib.blake2b(repr(said).encode(), digest_size=6).hexdigest()

    def class_name(self, position: int) -> str:
        """A class as shown in messages: its label, with its name if that differs: "9 (nine)"."""
        label, name = str(self.labels[position]), self.classes[position]
        return label if name == label else f"{label} ({name})"


def names(root: Path) -> list[str]:
    """The names of the competitions in ``root``, sorted."""
    return sorted(path.stem for path in competitions_folder(root).glob("*.toml"))


def load(paths: Paths) -> Competition:
    """Read the TOML of one competition.

    Raises:
        UserError: there is no such competition, or its TOML is invalid.
    """
    known = names(paths.root)
    if not known:
        raise UserError(f"no competitions/*.toml in {paths.root}", fix="run catwalk in the project's folder")
    if paths.competition not in known:
        raise UserError(
            f"unknown competition {paths.competition!r} (known: {', '.join(known)})",
            fix="choose one with COMPETITION=, or add a TOML of that name to competitions/",
        )
    where = paths.shown(paths.toml)
    try:
        table = tomllib.loads(paths.toml.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise UserError("not UTF-8", where=where, fix=advice.FIX_TOML) from None
    except tomllib.TOMLDecodeError as error:  # it names the line
        raise UserError(shown(error), where=where, fix=advice.FIX_TOML) from None
    try:
        competition = _read(paths.competition, table)
        _check(competition)
    except KeyError as error:
        raise UserError(f"the key {error} is missing", where=where, fix="add it to the TOML") from None
    except (TypeError, ValueError) as error:
        raise UserError(shown(error, MOST_SAID), where=where, fix=advice.FIX_TOML) from None
    return competition


def _read(name: str, table: dict[str, Any]) -> Competition:
    _refuse_unknown_keys(table)
    files, columns, submission = table["files"], table.get("columns", {}), table["submission"]
    shape = _all(int, table["shape"], "shape")
    if math.prod(shape) > MOST_PIXELS:
        raise ValueError(f"shape {shape} has more than {MOST_PIXELS:,} values per picture")
    classes = tuple(str(label) for label in _typed(list, table["classes"], "classes"))
    pixels = _typed(str, columns.get("pixels", "pixel{}"), "pixels")
    first = _typed(int, columns.get("first_pixel", 0), "first_pixel")
    rows = _all(int, files["rows"], "rows") if "rows" in files else None
    if rows is not None and len(rows) != 2:
        raise ValueError("[files] rows must be two numbers, for the train and the test file")
    header = _all(str, submission["header"], "header")
    if len(header) != 2:
        raise ValueError("[submission] header must name two columns, the id and the label")
    return Competition(
        name=name,
        title=_typed(str, table["title"], "title"),
        shape=shape,
        labels=_all(int, table.get("labels", [*range(len(classes))]), "labels"),
        classes=classes,
        augment=_all(str, table.get("augment", []), "augment"),
        train_file=_typed(str, files["train"], "train"),
        test_file=_typed(str, files["test"], "test"),
        sample_file=_text(files, "sample"),
        rows=rows and (rows[0], rows[1]),
        has_header=_typed(bool, columns.get("header", True), "header"),
        label_column=_text(columns, "label") or "label",
        id_column=_text(columns, "id"),
        pixel_columns=_pixel_columns(pixels, first, shape),
        submission_header=(header[0], header[1]),
        first_id=_typed(int, submission.get("first_id", 1), "first_id"),
        kaggle_competition=_text(submission, "competition"),
        full_marks=_accuracy(submission["full_marks"]) if "full_marks" in submission else None,
        sources=_texts(table, "sources"),
        sha256=_texts(table, "sha256"),
    )


def _pixel_columns(pattern: str, first: int, shape: tuple[int, ...]) -> tuple[str, ...]:
    """The columns' names: one ``{}`` is the pixel's number; two or three are row, column and channel."""
    fields = PIXEL_NUMBER.findall(pattern)
    if len(fields) not in (1, len(shape)):
        raise ValueError(
            "[columns] pixels must contain one {} for the pixel's number, or one for each dimension of shape "
            "(all pixels in one cell can't be read: write each into its own column)"
        )
    counted = [range(math.prod(shape))] if len(fields) == 1 else [range(side) for side in shape]
    texts = PIXEL_NUMBER.split(pattern)[::2]
    return tuple(
        texts[0]
        + "".join(
            f"{first + number:0{width or 1}d}{text}"
            for number, width, text in zip(numbers, fields, texts[1:], strict=True)
        )
        for numbers in itertools.product(*counted)
    )


Kind = TypeVar("Kind")


def _typed(kind: type[Kind], value: object, key: str) -> Kind:
    """A value of the given type: TOML has types, so converting one would be a guess."""
    if type(value) is not kind:
        raise TypeError(f"{key}: {value!r} is not {KINDS[kind]}")
    return value


def _accuracy(value: object) -> float:
    if type(value) not in (int, float):
        raise TypeError(f"full_marks: {value!r} is not a number")
    return float(value)  # type: ignore[arg-type]


def _all(kind: type[Kind], value: object, key: str) -> tuple[Kind, ...]:
    return tuple(_typed(kind, one, key) for one in _typed(list, value, key))


def _text(table: dict[str, Any], key: str) -> str | None:
    return _typed(str, table[key], key) if key in table else None


def _texts(table: dict[str, Any], key: str) -> dict[str, str]:
    return {name: _typed(str, value, name) for name, value in _typed(dict, table.get(key, {}), key).items()}


KEYS: dict[str, set[str]] = {
    "": {"title", "shape", "classes", "labels", "augment", "files", "columns", "submission"}
    | {"sources", "sha256"},
    "files": {"train", "test", "sample", "rows"},
    "columns": {"header", "label", "id", "pixels", "first_pixel"},
    "submission": {"header", "first_id", "competition", "full_marks"},
    "sources": {"kaggle_dataset", "kaggle_competition", "debian", "keras", "sklearn"},
}


def _refuse_unknown_keys(table: dict[str, Any]) -> None:
    for section, known in KEYS.items():
        content = table.get(section, {}) if section else table
        if not isinstance(content, dict):
            raise TypeError(f"[{section}] must be a table")
        unknown = sorted(set(content) - known)
        if unknown:
            where = f"[{section}] " if section else ""
            raise ValueError(f"{where}unknown key {unknown[0]!r} (known: {', '.join(sorted(known))})")


def _check(competition: Competition) -> None:
    shape, labels = competition.shape, competition.labels
    if len(shape) not in (2, 3) or min(shape) < 1:
        raise ValueError(f"shape must be [height, width] or [height, width, channels], not {shape}")
    if len(labels) != len(competition.classes):
        raise ValueError(f"{len(labels)} labels but {len(competition.classes)} classes")
    if len(labels) < 2 or list(labels) != sorted(set(labels)):
        raise ValueError("labels must be two or more different integers in ascending order")
    if len(labels) > 256:
        raise ValueError("more than 256 classes do not fit the uint8 label arrays")
    if len(set(competition.pixel_columns)) != competition.pixels:
        raise ValueError("[columns] pixels gives two pixels the same name")
    if competition.full_marks is not None and not 0 < competition.full_marks <= 1:
        raise ValueError("[submission] full_marks must be an accuracy above 0 and at most 1")
    unknown = sorted(set(competition.augment) - set(AUGMENTATIONS))
    if unknown:
        raise ValueError(f"augment: unknown {unknown[0]!r} (known: {', '.join(AUGMENTATIONS)})")
    for file in (competition.train_file, competition.test_file, competition.sample_file or "x"):
        if not re.fullmatch(r"[\w][\w .-]*", file):
            raise ValueError(f"{file!r} is not a valid file name")
