"""Faces, skin and things: FER2013, HAM10000, CIFAR-10."""

from collections.abc import Sequence
from pathlib import Path

from tests.support.forms.expected import Expected
from tests.support.forms.files import joined, numbered, write
from tests.support.forms.pictures import Pictures, as_photos, draw, in_colour, in_order, shuffled

SKIN = (40, 50, 90, 25, 180, 25, 90)  # rows of the seven kinds, of which one is the most frequent by far
SEVEN, TEN = tuple(range(7)), tuple(range(10))
FACES = (300, 90)  # rows to train and to test
THINGS = (240, 60)
FACE = (48, 48, 1)


def ham10000_8_8_l(folder: Path) -> Expected:
    """hmnist_8_8_L.csv, the one file: pixel0000,...,pixel0063,label; the kinds one after the other."""
    return _ham10000(folder, "hmnist_8_8_L.csv", as_photos(draw(in_order(SKIN), 8)), (8, 8, 1))


def ham10000_28_28_rgb(folder: Path) -> Expected:
    """hmnist_28_28_RGB.csv, the one file: pixel0000,...,pixel2351,label; the channels interleaved."""
    return _ham10000(folder, "hmnist_28_28_RGB.csv", in_colour(draw(in_order(SKIN), 28)), (28, 28, 3))


def _ham10000(folder: Path, name: str, pictures: Pictures, shape: tuple[int, int, int]) -> Expected:
    pixels = numbered("pixel{:04d}", shape[0] * shape[1] * shape[2])
    write(folder / name, (*pixels, "label"), joined(pictures.integers().tolist(), pictures.classes.tolist()))
    layout = "interleaved" if shape[2] == 3 else "grey"
    return Expected(name, None, "label", SEVEN, pixels, shape, (sum(SKIN), 0), layout)


def _faces() -> tuple[Pictures, Pictures]:
    return as_photos(draw(shuffled(7, sum(FACES)), 48)).split(FACES[0])


def _cells(pictures: Pictures) -> list[str]:
    """All pixels of a picture in one cell."""
    return [" ".join(map(str, row)) for row in pictures.integers().tolist()]


def _usage() -> list[str]:
    public = FACES[1] // 2
    return ["Training"] * FACES[0] + ["PublicTest"] * public + ["PrivateTest"] * (FACES[1] - public)


def fer2013(folder: Path) -> Expected:
    """fer2013.csv, the one file: emotion,pixels,Usage, the pixels one cell without quotes."""
    train, test = _faces()
    rows = joined([*train.classes, *test.classes], [*_cells(train), *_cells(test)], _usage())
    return _faces_in_one(folder, "fer2013.csv", ("emotion", "pixels", "Usage"), rows)


def fer2013_icml(folder: Path) -> Expected:
    """icml_face_data.csv, the one file: the same columns in another order, spaces in the header."""
    train, test = _faces()
    rows = joined([*train.classes, *test.classes], _usage(), [*_cells(train), *_cells(test)])
    return _faces_in_one(folder, "icml_face_data.csv", ("emotion", " Usage", " pixels"), rows)


def _faces_in_one(
    folder: Path, name: str, header: tuple[str, ...], rows: Sequence[Sequence[object]]
) -> Expected:
    write(folder / name, header, rows)
    usage, pixels = (next(column for column in header if word in column) for word in ("Usage", "pixels"))
    return Expected(name, name, "emotion", SEVEN, (pixels,), FACE, FACES, one_cell=True, usage=usage)


def fer2013_competition(folder: Path) -> Expected:
    """Kaggle's competition: train.csv emotion,pixels; test.csv pixels; the pixels one cell in quotes.

    Its example_submission.csv is left out.
    """
    train, test = _faces()
    quoted = [f'"{cell}"' for cell in _cells(train)]
    write(folder / "train.csv", ("emotion", "pixels"), joined(train.classes.tolist(), quoted))
    write(folder / "test.csv", ("pixels",), [[f'"{cell}"'] for cell in _cells(test)])
    return Expected(
        "train.csv", "test.csv", "emotion", SEVEN, ("pixels",), FACE, FACES, one_cell=True,
        test_has_labels=False,
    )  # fmt: skip


def _things() -> tuple[Pictures, Pictures]:
    return in_colour(draw(shuffled(10, sum(THINGS)), 32)).planes().split(THINGS[0])


def cifar10(folder: Path) -> Expected:
    """CIFAR-10 in CSV: train.csv and test.csv, 3,072 pixels in planes, then the label.

    The pixels' names are not known.
    """
    pixels = numbered("pixel{}", 3072)
    for name, pictures in zip(("train.csv", "test.csv"), _things(), strict=True):
        rows = joined(pictures.integers().tolist(), pictures.classes.tolist())
        write(folder / name, (*pixels, "label"), rows)
    return Expected("train.csv", "test.csv", "label", TEN, pixels, (32, 32, 3), THINGS, "planes")


def cifar10_competition(folder: Path) -> Expected:
    """A competition in class: cifar-10-train.csv id,label,3,072 pixels in planes; cifar-10-test.csv no label.

    The pixels' names are not known.
    """
    pixels, (train, test) = numbered("p{}", 3072), _things()
    ids = list(range(1, THINGS[1] + 1))
    rows = joined(list(range(1, THINGS[0] + 1)), train.classes.tolist(), train.integers().tolist())
    write(folder / "cifar-10-train.csv", ("id", "label", *pixels), rows)
    write(folder / "cifar-10-test.csv", ("id", *pixels), joined(ids, test.integers().tolist()))
    return Expected(
        "cifar-10-train.csv", "cifar-10-test.csv", "label", TEN, pixels, (32, 32, 3), THINGS, "planes",
        id_column="id", test_has_labels=False,
    )  # fmt: skip
