"""Pictures: the exercises' data, split from the labelled rows; the sealed test labels are not read."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catwalk.core.errors import CatwalkError, UserError
from catwalk.core.paths import Paths
from catwalk.course.numpy_network import Array, one_hot
from catwalk.data import competition as competitions
from catwalk.data import download, prepare, sources, split
from catwalk.data.competition import Competition
from catwalk.data.prepare import Prepared
from catwalk.report import results
from catwalk.report.results import asked_for, project_root

TEST_SHARE = 1 / 9  # of the pipeline's training rows, as many as it has for validation
SEED = 1
LEAST = 3  # distinct pictures of a class, one for each part


@dataclass(frozen=True)
class Part:
    """One part of the labelled pictures.

    Attributes:
        raw: (n, d) uint8, from 0 to 255.
        labels: (n,) uint8, positions of classes.
        classes: how many there are.
    """

    raw: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    classes: int

    def __len__(self) -> int:
        return len(self.labels)

    def __add__(self, other: "Part") -> "Part":
        raw, labels = np.concatenate([self.raw, other.raw]), np.concatenate([self.labels, other.labels])
        return Part(raw, labels, self.classes)

    def arrays(self, dtype: npt.DTypeLike = np.float32) -> tuple[Array, Array]:
        """The pixels (n, d), scaled from 0..255 to 0..1, and one-hot targets (n, k)."""
        pixels = self.raw.astype(dtype)
        pixels /= 255
        return pixels, one_hot(self.labels, self.classes, dtype)


@dataclass(frozen=True)
class Pictures:
    """A competition's labelled rows, split into three parts; identical pictures are in the same part.

    Attributes:
        competition: what they are.
        fingerprint: identifies the rows' content.
        split: names all that determines which part a row is in.
        train, validation, test: the parts. The exercise's test part is split from the labelled rows; it has
            nothing to do with the sealed test rows.
    """

    competition: Competition
    fingerprint: str
    split: str
    train: Part
    validation: Part
    test: Part

    @property
    def sizes(self) -> tuple[int, int]:
        """The numbers of pixels and of classes."""
        return self.competition.pixels, len(self.competition.classes)

    def __str__(self) -> str:
        return (
            f"{self.competition.title}: {len(self.train):,} training, "
            f"{len(self.validation):,} validation and {len(self.test):,} test pictures"
        )


def load(name: str | None = None) -> Pictures:
    """Load a competition's labelled rows; they are downloaded and prepared first if needed.

    Args:
        name: of the competition; None: what ``make course`` was asked for, else Fashion-MNIST.

    Raises:
        CatwalkError: its data are not available.
        UserError: a class has too few pictures.
    """
    competition, prepared = _prepared(name or asked_for())
    pixels, labels = (np.asarray(rows[prepared.train]) for rows in (prepared.pixels, prepared.labels))
    apart = split.hold_out(pixels, labels, TEST_SHARE, SEED)
    classes = len(competition.classes)
    return Pictures(
        competition,
        prepared.fingerprint,
        f"{prepared.split}-{TEST_SHARE:g}",
        Part(pixels[~apart], labels[~apart], classes),
        Part(
            np.asarray(prepared.pixels[prepared.validation]),
            np.asarray(prepared.labels[prepared.validation]),
            classes,
        ),
        Part(pixels[apart], labels[apart], classes),
    )


def load_first(name: str, say: Callable[[str], None] = print) -> Pictures:
    """Load the competition ``name``, or Fashion-MNIST if it is not available.

    A competition that was given to ``make course`` takes precedence over both.
    """
    if asked_for() != results.DEFAULT:
        say(f"Using {asked_for()}, as requested.")
        return load()
    try:
        return load(name)
    except CatwalkError as error:
        say(f"{name} is not available here ({error}). Using {results.DEFAULT} instead.")
        return load(results.DEFAULT)


def from_keras(
    name: str | None = None, say: Callable[[str], None] = print
) -> tuple[Array, npt.NDArray[np.uint8]]:
    """Load the labelled pictures as ``keras.datasets`` does: (n, height, width) uint8, and (n,) labels.

    If Keras's archive can't be reached, it uses this project's copy of the pictures and says so. The test set
    of Keras is not used.
    """
    paths = Paths(project_root(), name or asked_for())
    competition = competitions.load(paths)
    try:
        (pictures, labels), _ = sources.keras_arrays(competition)
    except CatwalkError as error:
        say(f"{error}. Using this project's copy of the same pictures instead.")
        _, prepared = _prepared(competition.name)
        pictures = np.asarray(prepared.pixels).reshape(-1, *competition.shape)
        labels = np.asarray(competition.labels)[prepared.labels]
    return pictures, labels.ravel()


def distinct_rows(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.intp]:
    """The first row of each distinct picture (n, ...), in any order: an interval counts a picture once."""
    _, first = np.unique(split.keys(images.reshape(len(images), -1)), return_index=True)
    return np.sort(first)


def hold_out(images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Which rows to hold out, a tenth, as ``split.hold_out`` does; the pictures (n, ...) are in any order."""
    flat = images.reshape(len(images), -1)
    order = np.argsort(split.keys(flat), kind="stable")
    apart = np.empty(len(labels), np.bool_)
    apart[order] = split.hold_out(flat[order], labels[order], split.VALIDATION_SHARE, SEED)
    return apart


def _prepared(name: str) -> tuple[Competition, Prepared]:
    """A competition and its arrays, with enough pictures of each class for the exercises' parts.

    Raises:
        CatwalkError: the data are not available.
        UserError: a class has too few distinct pictures; two are enough for the pipeline itself.
    """
    paths = prepared_paths(name)
    competition, prepared = competitions.load(paths), prepare.load(paths, SEED)
    labels = prepared.labels
    if prepared.duplicates["train"]:  # else each row is a picture of its own
        labels = labels[split.pictures(prepared.pixels)[0]]
    counts = np.bincount(labels, minlength=len(competition.classes))
    few = np.flatnonzero(counts < LEAST)
    if len(few):
        raise UserError(
            f"class {competition.class_name(few[0])} has only {counts[few[0]]} distinct pictures",
            where=competition.train_file,
            fix=f"add rows of this class: the exercises need {LEAST} pictures of each",
        )
    return competition, prepared


def prepared_paths(name: str) -> Paths:
    """A competition's paths, after its data were downloaded and prepared if needed.

    Raises:
        CatwalkError: the data are not available.
    """
    paths = Paths(project_root(), name)
    competition = competitions.load(paths)
    said: list[str] = []  # the exercise does not show these messages
    download.run(paths, competition, "auto", said.append)
    prepare.run(paths, competition, SEED, said.append)
    return paths
