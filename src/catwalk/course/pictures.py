"""The exercises' pictures: labelled rows alone, in three parts; the sealed test rows stay sealed."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catwalk.core.errors import CatwalkError
from catwalk.core.paths import Paths
from catwalk.course.numpy_network import Array, one_hot
from catwalk.data import competition as competitions
from catwalk.data import download, prepare, sources, split
from catwalk.data.competition import Competition
from catwalk.report import results
from catwalk.report.results import asked_for, project_folder

TEST_SHARE = 1 / 9  # of the pipeline's training rows, as many as it has for validation
SEED = 1


@dataclass(frozen=True)
class Part:
    """Some labelled pictures.

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
        """(n, d) pixels from 0 to 1 (min-max: 0 and 255 are the ends) and (n, k) one-hot targets."""
        pixels = self.raw.astype(dtype)
        pixels /= 255
        return pixels, one_hot(self.labels, self.classes, dtype)


@dataclass(frozen=True)
class Pictures:
    """A competition's labelled rows in three parts, disjoint; identical pictures are in one of them.

    Attributes:
        competition: what they are.
        fingerprint: names the rows' content.
        train, validation, test: to learn from, to choose by, and to say at the end how good it is. The
            exercise's test is carved from labelled rows; it has nothing to do with the sealed ones.
    """

    competition: Competition
    fingerprint: str
    train: Part
    validation: Part
    test: Part

    @property
    def sizes(self) -> tuple[int, int]:
        """Pixels of a picture, and classes."""
        return self.competition.pixels, len(self.competition.classes)

    def __str__(self) -> str:
        return (
            f"{self.competition.title}: {len(self.train):,} pictures to learn from, "
            f"{len(self.validation):,} to choose by, {len(self.test):,} to test at the end"
        )


def load(name: str | None = None) -> Pictures:
    """A competition's labelled rows, fetched and prepared where they are not yet.

    Args:
        name: of the competition; None: what ``make course`` was asked for, else Fashion-MNIST.

    Raises:
        CatwalkError: its data can't be had.
    """
    paths = prepared_paths(name or asked_for())
    competition, prepared = competitions.load(paths), prepare.load(paths, SEED)
    pixels, labels = (np.asarray(rows[prepared.train]) for rows in (prepared.pixels, prepared.labels))
    apart = split.hold_out(pixels, labels, TEST_SHARE, SEED)
    classes = len(competition.classes)
    return Pictures(
        competition,
        prepared.fingerprint,
        Part(pixels[~apart], labels[~apart], classes),
        Part(
            np.asarray(prepared.pixels[prepared.validation]),
            np.asarray(prepared.labels[prepared.validation]),
            classes,
        ),
        Part(pixels[apart], labels[apart], classes),
    )


def load_first(name: str, say: Callable[[str], None] = print) -> Pictures:
    """As ``load``, for an exercise that asks for ``name``; where that can't be had, Fashion-MNIST.

    A competition that ``make course`` was asked for by name comes before both.
    """
    if asked_for() != results.DEFAULT:
        say(f"{asked_for()} was asked for.")
        return load()
    try:
        return load(name)
    except CatwalkError as error:
        say(f"{name} can't be had here ({error}). {results.DEFAULT} takes its place.")
        return load(results.DEFAULT)


def from_keras(
    name: str | None = None, say: Callable[[str], None] = print
) -> tuple[Array, npt.NDArray[np.uint8]]:
    """The labelled pictures as ``keras.datasets`` gives them: (n, height, width) uint8 and (n,) labels.

    Where Keras's archive can't be reached, the same pictures as this project has them, and says so. The test
    set that Keras gives beside them is not looked at.
    """
    paths = Paths(project_folder(), name or asked_for())
    competition = competitions.load(paths)
    try:
        (pictures, labels), _ = sources.keras_arrays(competition)
    except CatwalkError as error:
        say(f"{error}. The same pictures as this project has them take their place.")
        prepared = prepare.load(prepared_paths(competition.name), SEED)
        pictures = np.asarray(prepared.pixels).reshape(-1, *competition.shape)
        labels = np.asarray(competition.labels)[prepared.labels]
    return pictures, labels.ravel()


def prepared_paths(name: str) -> Paths:
    """A competition's places, when its data are there: fetched and prepared if they were not.

    Raises:
        CatwalkError: they can't be had.
    """
    paths = Paths(project_folder(), name)
    competition = competitions.load(paths)
    said: list[str] = []  # what is done before, or downloaded, is not the exercise's
    download.run(paths, competition, "auto", said.append)
    prepare.run(paths, competition, SEED, said.append)
    return paths
