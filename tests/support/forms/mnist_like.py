"""Grey digits and clothes of 28x28 in two CSVs, and the digits of 8x8."""

from pathlib import Path

from tests.support.forms.expected import Expected
from tests.support.forms.files import joined, numbered, write
from tests.support.forms.pictures import Pictures, as_photos, draw, shuffled

SIDE, MARGIN = 28, 4
PIXELS = SIDE * SIDE
SHAPE = (SIDE, SIDE, 1)
ROWS = (400, 100)  # to train and to test
TEN = tuple(range(10))


def _two(classes: int = 10) -> tuple[Pictures, Pictures]:
    return draw(shuffled(classes, sum(ROWS)), SIDE, MARGIN).split(ROWS[0])


def _rows(pictures: Pictures, labels: tuple[int, ...] = TEN) -> list[list[int]]:
    """The label, then the pixels."""
    return joined([labels[kind] for kind in pictures.classes], pictures.integers().tolist())


def fashion_mnist(folder: Path) -> Expected:
    """Zalando's: fashion-mnist_train.csv and _test.csv: label,pixel1,...,pixel784."""
    return _labelled(
        folder, ("fashion-mnist_train.csv", "fashion-mnist_test.csv"), numbered("pixel{}", PIXELS, 1)
    )


def mnist_in_csv(folder: Path) -> Expected:
    """mnist_train.csv and mnist_test.csv: label,1x1,1x2,...,28x28."""
    names = tuple(f"{row}x{column}" for row in range(1, SIDE + 1) for column in range(1, SIDE + 1))
    return _labelled(folder, ("mnist_train.csv", "mnist_test.csv"), names)


def _labelled(folder: Path, names: tuple[str, str], pixels: tuple[str, ...]) -> Expected:
    for name, pictures in zip(names, _two(), strict=True):
        write(folder / name, ("label", *pixels), _rows(pictures))
    return Expected(*names, "label", TEN, pixels, SHAPE, ROWS)


def sign_language_mnist(folder: Path) -> Expected:
    """sign_mnist_train.csv and _test.csv: label,pixel1,...; 24 letters as 0 to 24, J is missing (9) and Z."""
    labels = tuple(label for label in range(25) if label != 9)
    names, pixels = ("sign_mnist_train.csv", "sign_mnist_test.csv"), numbered("pixel{}", PIXELS, 1)
    photos = as_photos(draw(shuffled(len(labels), sum(ROWS)), SIDE)).split(ROWS[0])
    for name, pictures in zip(names, photos, strict=True):
        write(folder / name, ("label", *pixels), _rows(pictures, labels))
    return Expected(*names, "label", labels, pixels, SHAPE, ROWS)


def digit_recognizer(folder: Path) -> Expected:
    """Kaggle's competition: train.csv label,pixel0,...,pixel783; test.csv has neither label nor id.

    The sample's ids are from 1.
    """
    pixels, (train, test) = numbered("pixel{}", PIXELS), _two()
    write(folder / "train.csv", ("label", *pixels), _rows(train))
    write(folder / "test.csv", pixels, test.integers().tolist())
    header = ("ImageId", "Label")
    write(folder / "sample_submission.csv", header, [(row + 1, 0) for row in range(ROWS[1])])
    return Expected(
        "train.csv", "test.csv", "label", TEN, pixels, SHAPE, ROWS, test_has_labels=False,
        sample="sample_submission.csv", submission_header=header,
    )  # fmt: skip


def kannada_mnist(folder: Path) -> Expected:
    """Kaggle's competition: train.csv label,pixel0,...; test.csv id,pixel0,...; ids from 0.

    Beside them Dig-MNIST.csv, which has labels too and is neither.
    """
    pixels, (train, test) = numbered("pixel{}", PIXELS), _two()
    ids, header = list(range(ROWS[1])), ("id", "label")
    write(folder / "train.csv", ("label", *pixels), _rows(train))
    write(folder / "test.csv", ("id", *pixels), joined(ids, test.integers().tolist()))
    write(folder / "sample_submission.csv", header, [(row, 0) for row in ids])
    noisy = as_photos(draw(shuffled(10, 100)[::-1], SIDE))
    write(folder / "Dig-MNIST.csv", ("label", *pixels), _rows(noisy))
    return Expected(
        "train.csv", "test.csv", "label", TEN, pixels, SHAPE, ROWS, test_has_labels=False, id_column="id",
        sample="sample_submission.csv", submission_header=header, beside=("Dig-MNIST.csv",),
    )  # fmt: skip


def kuzushiji(folder: Path) -> Expected:
    """kmnist_train.csv and kmnist_test.csv as pandas saves them: the index, label, pixels.

    The index has no name; pandas reads it as "Unnamed: 0". The pixels' names are not known.
    """
    names, pixels = ("kmnist_train.csv", "kmnist_test.csv"), numbered("pixel{}", PIXELS)
    for name, pictures in zip(names, _two(), strict=True):
        rows = _rows(pictures)
        write(folder / name, ("", "label", *pixels), joined(list(range(len(rows))), rows))
    return Expected(*names, "label", TEN, pixels, SHAPE, ROWS, index="")


def kuzushiji_with_ids(folder: Path) -> Expected:
    """The same names, made of the npz: id,label,pixel1,...,pixel784, the ids from 1 in either file."""
    names, pixels = ("kmnist_train.csv", "kmnist_test.csv"), numbered("pixel{}", PIXELS, 1)
    for name, pictures in zip(names, _two(), strict=True):
        rows = _rows(pictures)
        write(folder / name, ("id", "label", *pixels), joined(list(range(1, len(rows) + 1)), rows))
    return Expected(*names, "label", TEN, pixels, SHAPE, ROWS, id_column="id")


def optdigits(folder: Path) -> Expected:
    """UCI's optdigits.tra and optdigits.tes: 64 pixels of 0 to 16, then the label; no header.

    Beside them is a text about them.
    """
    rows = (800, 200)
    names = ("optdigits.tra", "optdigits.tes")
    for name, pictures in zip(names, draw(shuffled(10, sum(rows)), 8).split(rows[0]), strict=True):
        write(folder / name, None, joined(pictures.integers(16).tolist(), pictures.classes.tolist()))
    about = "1. Title of Database: Optical Recognition of Handwritten Digits\n\n2. Source:\n\tE. Alpaydin\n"
    (folder / "optdigits.names").write_text(about)
    return Expected(
        *names, 64, TEN, tuple(range(64)), (8, 8, 1), rows, most=16, has_header=False,
        beside=("optdigits.names",),
    )  # fmt: skip
