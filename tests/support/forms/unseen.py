"""Forms of no public data in particular, made of the same kinds: what solves the kinds reads these too."""

from pathlib import Path

import numpy as np

from tests.support.forms.expected import Expected
from tests.support.forms.files import joined, numbered, write
from tests.support.forms.pictures import Pictures, draw, in_colour, in_order, shuffled

ROWS = (600, 150)  # to train and to test
TEN = tuple(range(10))
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def _two(side: int) -> tuple[Pictures, Pictures]:
    return draw(shuffled(10, sum(ROWS)), side, 1).split(ROWS[0])


def semicolons(folder: Path) -> Expected:
    """Separated by semicolons, the label "target" between the pixels, 12x12."""
    pixels, names = numbered("p{}", 144), ("digits_train.csv", "digits_test.csv")
    for name, pictures in zip(names, _two(12), strict=True):
        values = pictures.integers()
        rows = joined(values[:, :70].tolist(), pictures.classes.tolist(), values[:, 70:].tolist())
        write(folder / name, (*pixels[:70], "target", *pixels[70:]), rows, separator=";")
    return Expected(*names, "target", TEN, pixels, (12, 12, 1), ROWS, separator=";")


def saved_twice(folder: Path) -> Expected:
    """One file, saved twice by pandas: the index "Unnamed: 0" and 20x20 pixels; text labels in "class"."""
    pictures, pixels = draw(in_order([70] * 10), 20, 2), numbered("px_{}", 400, 1)
    texts = [WORDS[kind] for kind in pictures.classes]
    rows = joined(list(range(700)), pictures.integers().tolist(), texts)
    write(folder / "handwritten.csv", ("Unnamed: 0", *pixels, "class"), rows)
    return Expected(
        "handwritten.csv", None, "class", WORDS, pixels, (20, 20, 1), (700, 0), index="Unnamed: 0"
    )


def sixteen_bits(folder: Path) -> Expected:
    """16 bits, 0 to 65,535, the label first, 16x16."""
    pixels, names = numbered("pixel_{}", 256, 1), ("train.csv", "test.csv")
    for name, pictures in zip(names, _two(16), strict=True):
        rows = joined(pictures.classes.tolist(), pictures.integers(65535).tolist())
        write(folder / name, ("label", *pixels), rows)
    return Expected(*names, "label", TEN, pixels, (16, 16, 1), ROWS, most=65535)


def interleaved(folder: Path) -> Expected:
    """16x16 in colour, the channels interleaved, the label last."""
    pixels, names = numbered("{}", 768), ("train.csv", "test.csv")
    pictures = in_colour(draw(shuffled(10, sum(ROWS)), 16))
    for name, part in zip(names, pictures.split(ROWS[0]), strict=True):
        write(folder / name, (*pixels, "label"), joined(part.integers().tolist(), part.classes.tolist()))
    return Expected(*names, "label", TEN, pixels, (16, 16, 3), ROWS, "interleaved")


def text_ids(folder: Path) -> Expected:
    """The ids and the labels are text: "img_0601", "seven"; the test has no labels; there is a sample."""
    (train, test), pixels = _two(14), numbered("pixel{}", 196)
    ids, header = numbered("img_{:04d}", sum(ROWS), 1), ("image", "digit")
    texts = [WORDS[kind] for kind in train.classes]
    rows = joined(ids[: ROWS[0]], train.integers().tolist(), texts)
    write(folder / "train.csv", ("image", *pixels, "digit"), rows)
    write(folder / "test.csv", ("image", *pixels), joined(ids[ROWS[0] :], test.integers().tolist()))
    write(folder / "sampleSubmission.csv", header, [(name, "zero") for name in ids[ROWS[0] :]])
    return Expected(
        "train.csv", "test.csv", "digit", WORDS, pixels, (14, 14, 1), ROWS, id_column="image",
        test_has_labels=False, sample="sampleSubmission.csv", submission_header=header,
    )  # fmt: skip


def labels_by_place(folder: Path) -> Expected:
    """The training labels in a file of their own, in the order of the rows; the test has none."""
    return _labels_apart(folder, by_id=False)


def labels_by_id(folder: Path) -> Expected:
    """The training labels in a file of their own: id,label in another order than the rows."""
    return _labels_apart(folder, by_id=True)


def _labels_apart(folder: Path, by_id: bool) -> Expected:
    (train, test), pixels = _two(16), numbered("f{}", 256)
    ids = list(range(1, sum(ROWS) + 1))
    labels = joined(ids[: ROWS[0]], train.classes.tolist())
    order = np.random.default_rng(3).permutation(ROWS[0]) if by_id else range(ROWS[0])
    named = ("id",) if by_id else ()
    parts = ((ids[: ROWS[0]], train, "train.csv"), (ids[ROWS[0] :], test, "test.csv"))
    for numbers, pictures, name in parts:
        values = pictures.integers().tolist()
        write(folder / name, (*named, *pixels), joined(numbers, values) if by_id else values)
    kept = [labels[row] if by_id else labels[row][1:] for row in order]
    write(folder / "train_labels.csv", (*named, "label"), kept)
    return Expected(
        "train.csv", "test.csv", None, TEN, pixels, (16, 16, 1), ROWS, id_column="id" if by_id else None,
        train_labels="train_labels.csv", labels_by_id=by_id, test_has_labels=False,
    )  # fmt: skip


def medmnist_like(folder: Path) -> Expected:
    """One file with a column of MedMNIST's splits: split,label,pixel_0,...; val belongs to training."""
    rows, pixels = (600, 150), numbered("pixel_{}", 784)
    pictures = draw(shuffled(8, sum(rows)), 28, 2)
    split = ["train"] * 500 + ["val"] * 100 + ["test"] * 150
    cells = joined(split, pictures.classes.tolist(), pictures.integers().tolist())
    write(folder / "bloodmnist.csv", ("split", "label", *pixels), cells)
    name = "bloodmnist.csv"
    return Expected(name, name, "label", tuple(range(8)), pixels, (28, 28, 1), rows, usage="split")


def floats(folder: Path) -> Expected:
    """Floats from 0 to 1, and every line ends in a comma: an empty last column."""
    pixels, names = numbered("pixel{}", 256), ("train.csv", "test.csv")
    for name, pictures in zip(names, _two(16), strict=True):
        values = pictures.values.reshape(len(pictures.values), -1).round(4).tolist()
        write(
            folder / name,
            ("label", *pixels, ""),
            joined(pictures.classes.tolist(), values, [""] * len(values)),
        )
    return Expected(*names, "label", TEN, pixels, (16, 16, 1), ROWS, most=1)
