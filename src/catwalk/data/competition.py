"""A competition: the content of ``competitions/<name>.toml`` as a frozen object."""

import hashlib
import math
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catwalk.core import advice
from catwalk.core.errors import UserError, shown
from catwalk.core.paths import Paths, competitions_folder
from catwalk.data import pixel_names, toml_keys, toml_values, unknown_competition
from catwalk.data.toml_values import listed, text, texts, typed

MOST_SAID = 230  # characters of the message about an invalid TOML
MOST_PIXELS = 1_000_000  # of a picture, each a column
FILE_NAME = re.compile(r"\w[^/\\\x00-\x1f\x7f]*")
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
            Where one file holds both, ``test_file`` is ``train_file``.
        train_labels_file, test_labels_file: names of CSVs with nothing but labels, in the order of the
            pictures; None: the labels are in the CSVs of the pictures.
        test_share: the share of the one file's pictures that is held out as the test, or None.
        rows: how many rows a download of the train and the test CSV must have; None if unknown.
        has_header: whether the CSVs begin with a row of column names. Without one, the columns
            are in the order id (if there is one), label, pixels.
        skip_rows: rows to skip at the start of a file, such as names that say nothing.
        label_column: name of the label column; without a header, "last" means after the pixels.
        id_column: name of the id column, or None; the submission then takes its ids from the test CSV.
        usage_column: name of the column that says which rows of the one file are the test, or None.
        ignored_columns: names of columns that are skipped where they occur.
        pixel_columns: the pixel columns' names, row by row from the upper left pixel; a single name if one
            cell holds all pixels of a picture, separated by spaces.
        scale: what a value is multiplied by to become a pixel of 0 to 255; None: it is one.
        lowest: the value of black, subtracted before; -1 where values are -1 to 1.
        is_planar: whether the channels follow each other as whole pictures, not pixel by pixel.
        is_transposed: whether a picture's columns are written as its rows.
        submission_header: names of the submission's two columns.
        first_id: the first id of the submission if there is no id column.
        writes_names: whether the submission holds the classes' names instead of the labels' integers.
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
    train_labels_file: str | None = None
    test_labels_file: str | None = None
    test_share: float | None = None
    skip_rows: int = 0
    usage_column: str | None = None
    ignored_columns: tuple[str, ...] = ()
    scale: float | None = None
    lowest: float = 0.0
    is_planar: bool = False
    is_transposed: bool = False
    writes_names: bool = False

    @property
    def is_one_file(self) -> bool:
        """Whether one file holds both the labelled rows and the test."""
        return self.test_share is not None or self.usage_column is not None

    @property
    def is_one_cell(self) -> bool:
        """Whether one cell holds all pixels of a picture."""
        return len(self.pixel_columns) < self.pixels

    @property
    def submitted(self) -> tuple[str, ...]:
        """What a submission writes for each class, in the order of ``labels``."""
        return self.classes if self.writes_names else tuple(str(label) for label in self.labels)

    @property
    def written_shape(self) -> tuple[int, ...]:
        """The sizes of a picture's dimensions in the order in which a row of the file holds its values."""
        return pixel_names.as_written(self.shape, self.is_planar, self.is_transposed)

    @property
    def pixels(self) -> int:
        """Number of values per picture."""
        return math.prod(self.shape)

    @property
    def form(self) -> str:
        """A hash of the TOML's shape, labels, columns, ids, and class names where a submission holds them.

        It is part of the test rows' fingerprint.
        """
        said = (
            self.shape, self.labels, self.has_header, self.label_column,
            self.id_column, self.pixel_columns, self.submission_header,
            self.first_id, self.train_file, self.test_file, *self._rarely_set(),
        )  # fmt: skip
        return hashlib.blake2b(repr(said).encode(), digest_size=6).hexdigest()

    def _rarely_set(self) -> list[tuple[str, object]]:
        """What else affects reading and the submission, where it is set: a TOML without it keeps its form."""
        names = (
            "train_labels_file", "test_labels_file", "test_share", "skip_rows", "usage_column",
            "ignored_columns", "scale", "lowest", "is_planar", "is_transposed", "writes_names",
        )  # fmt: skip
        found = [(name, getattr(self, name)) for name in names if getattr(self, name)]
        return [*found, ("classes", self.classes)] if self.writes_names else found

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


def is_new(paths: Paths, source: str) -> bool:
    """Whether a competition of this project has no TOML yet, and SOURCE says where its files are."""
    is_place = source not in ("auto", *toml_keys.SOURCES) or (source != "auto" and Path(source).exists())
    return is_place and competitions_folder(paths.root).is_dir() and not paths.toml.exists()


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
            fix=unknown_competition.what_to_do(paths),
        )
    where = paths.shown(paths.toml)
    try:
        text = paths.toml.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError("not UTF-8", where=where, fix=advice.FIX_TOML) from None
    return parse(paths.competition, text)


def parse(name: str, toml: str) -> Competition:
    """Read a TOML's text; raises the same errors as ``load``."""
    where = f"competitions/{name}.toml"
    try:
        table = tomllib.loads(toml)
    except tomllib.TOMLDecodeError as error:  # it names the line
        raise UserError(shown(error), where=where, fix=advice.FIX_TOML) from None
    try:
        competition = _read(name, table)
        _check(competition)
    except KeyError as error:
        raise UserError(f"the key {error} is missing", where=where, fix="add it to the TOML") from None
    except (TypeError, ValueError) as error:
        raise UserError(shown(error, MOST_SAID), where=where, fix=advice.FIX_TOML) from None
    return competition


def _read(name: str, table: dict[str, Any]) -> Competition:
    toml_keys.refuse_unknown(table)
    files, columns, submission = table["files"], table.get("columns", {}), table["submission"]
    shape = listed(int, table["shape"], "shape")
    if math.prod(shape) > MOST_PIXELS:
        raise ValueError(f"shape {shape} has more than {MOST_PIXELS:,} values per picture")
    classes = tuple(str(label) for label in typed(list, table["classes"], "classes"))
    is_planar = typed(bool, columns.get("planes", False), "planes")
    is_transposed = typed(bool, columns.get("transpose", False), "transpose")
    written = pixel_names.as_written(shape, is_planar, is_transposed)
    pixels = typed(str, columns.get("pixels", "pixel{}"), "pixels")
    first = typed(int, columns.get("first_pixel", 0), "first_pixel")
    not_two_rows = "[files] rows must be two numbers, for the train and the test file"
    not_two_names = "[submission] header must name two columns, the id and the label"
    train, test, share = toml_values.files(files, text(columns, "usage"))
    return Competition(
        name=name,
        title=typed(str, table["title"], "title"),
        shape=shape,
        labels=listed(int, table.get("labels", [*range(len(classes))]), "labels"),
        classes=classes,
        augment=listed(str, table.get("augment", []), "augment"),
        train_file=train,
        test_file=test,
        sample_file=text(files, "sample"),
        rows=toml_values.pair(int, files["rows"], "rows", not_two_rows) if "rows" in files else None,
        has_header=typed(bool, columns.get("header", True), "header"),
        label_column=text(columns, "label") or "label",
        id_column=text(columns, "id"),
        pixel_columns=pixel_names.listed(pixels, first, written),
        submission_header=toml_values.pair(str, submission["header"], "header", not_two_names),
        first_id=typed(int, submission.get("first_id", 1), "first_id"),
        kaggle_competition=text(submission, "competition"),
        full_marks=toml_values.number(submission, "full_marks"),
        sources=texts(table, "sources"),
        sha256=texts(table, "sha256"),
        train_labels_file=text(files, "train_labels"),
        test_labels_file=text(files, "test_labels"),
        test_share=share,
        skip_rows=typed(int, columns.get("skip_rows", 0), "skip_rows"),
        usage_column=text(columns, "usage"),
        ignored_columns=listed(str, columns.get("ignore", []), "ignore"),
        scale=toml_values.number(columns, "scale"),
        lowest=toml_values.number(columns, "lowest") or 0.0,
        is_planar=is_planar,
        is_transposed=is_transposed,
        writes_names=toml_values.choice(submission, "labels", ("numbers", "names")) == "names",
    )


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
    if not competition.is_one_cell and len(set(competition.pixel_columns)) != competition.pixels:
        raise ValueError("[columns] pixels gives two pixels the same name")
    if competition.full_marks is not None and not 0 < competition.full_marks <= 1:
        raise ValueError("[submission] full_marks must be an accuracy above 0 and at most 1")
    unknown = sorted(set(competition.augment) - set(AUGMENTATIONS))
    if unknown:
        raise ValueError(f"augment: unknown {unknown[0]!r} (known: {', '.join(AUGMENTATIONS)})")
    for key in ("train_file", "test_file", "sample_file", "train_labels_file", "test_labels_file"):
        file = getattr(competition, key)
        if file is not None and not FILE_NAME.fullmatch(file):
            raise ValueError(f"{file!r} is not a valid file name")
    _check_forms(competition)


def _check_forms(competition: Competition) -> None:
    """Check what says how the rows are written."""
    if competition.test_share is not None and not 0 < competition.test_share < 1:
        raise ValueError("[files] test must be a file's name, or a share above 0 and below 1")
    if competition.usage_column is not None and competition.test_file != competition.train_file:
        raise ValueError("[columns] usage divides one file: leave test out, or give it the name of train")
    if competition.is_one_file and (competition.sample_file or competition.test_labels_file):
        raise ValueError("[files] sample and test_labels need a test file of its own")
    if competition.scale is not None and not 0 < competition.scale < math.inf:
        raise ValueError("[columns] scale must be a number above 0")
    if competition.lowest and (competition.scale is None or not math.isfinite(competition.lowest)):
        raise ValueError("[columns] lowest must be a number, and needs scale")
    if competition.is_planar and len(competition.shape) != 3:
        raise ValueError("[columns] planes = true needs a shape with channels")
    if competition.skip_rows < 0:
        raise ValueError("[columns] skip_rows must be 0 or more")
    if competition.writes_names and len(set(competition.classes)) != len(competition.classes):
        raise ValueError('[submission] labels = "names" needs classes that all differ')
