"""Letters: EMNIST, A-Z, Arabic, Devanagari."""

from pathlib import Path

import pandas as pd

from tests.support.forms.expected import Expected
from tests.support.forms.files import joined, numbered, write
from tests.support.forms.pictures import Pictures, draw, in_order, shuffled

PIXELS_28, SHAPE_28 = 28 * 28, (28, 28, 1)
PIXELS_32, SHAPE_32 = 32 * 32, (32, 32, 1)
ROWS = (700, 180)  # to train and to test
DEVANAGARI = (
    "01_ka 02_kha 03_ga 04_gha 05_kna 06_cha 07_chha 08_ja 09_jha 10_yna 11_taamatar 12_thaa 13_daa 14_dhaa "
    "15_adna 16_tabala 17_tha 18_da 19_dha 20_na 21_pa 22_pha 23_ba 24_bha 25_ma 26_yaw 27_ra 28_la 29_waw "
    "30_motosaw 31_petchiryakha 32_patalosaw 33_ha 34_chhya 35_tra 36_gya"
)


def emnist_balanced(folder: Path) -> Expected:
    """emnist-balanced-train.csv and -test.csv: the label 0 to 46, then 784 pixels, no header.

    The pictures are transposed. Beside them is a text with the labels' ASCII codes.
    """
    return _emnist(folder, "balanced", first=0, codes=[*range(48, 58), *range(65, 91), *b"abdefghnqrt"])


def emnist_letters(folder: Path) -> Expected:
    """emnist-letters-train.csv and -test.csv: the same with the labels 1 to 26."""
    return _emnist(folder, "letters", first=1, codes=list(range(65, 91)))


def _emnist(folder: Path, name: str, first: int, codes: list[int]) -> Expected:
    labels = tuple(range(first, first + len(codes)))
    names = (f"emnist-{name}-train.csv", f"emnist-{name}-test.csv")
    lying = draw(shuffled(len(codes), sum(ROWS)), 28, 4).transposed()
    for file, pictures in zip(names, lying.split(ROWS[0]), strict=True):
        write(folder / file, None, _rows(pictures, first))
    mapping = f"emnist-{name}-mapping.txt"
    write(folder / mapping, None, zip(labels, codes, strict=True), separator=" ")
    return Expected(
        *names, 0, labels, tuple(range(1, PIXELS_28 + 1)), SHAPE_28, ROWS, transposed=True, has_header=False,
        beside=(mapping,),
    )  # fmt: skip


def _rows(pictures: Pictures, first: int = 0) -> list[list[int]]:
    """The label, then the pixels."""
    return joined((pictures.classes + first).tolist(), pictures.integers().tolist())


def ahcd(folder: Path) -> Expected:
    """Arabic Handwritten Characters: 1,024 pixels, and the labels 1 to 28 in files of their own; no header.

    The pictures are transposed. The files' names, which have spaces, state the full data's rows.
    """
    names = ("csvTrainImages 13440x1024.csv", "csvTestImages 3360x1024.csv")
    of_labels = ("csvTrainLabel 13440x1.csv", "csvTestLabel 3360x1.csv")
    lying = draw(shuffled(28, sum(ROWS)), 32, 4).transposed()
    for name, labels, pictures in zip(names, of_labels, lying.split(ROWS[0]), strict=True):
        write(folder / name, None, pictures.integers().tolist())
        write(folder / labels, None, [[kind + 1] for kind in pictures.classes])
    return Expected(
        *names, None, tuple(range(1, 29)), tuple(range(PIXELS_32)), SHAPE_32, ROWS, transposed=True,
        has_header=False, train_labels=of_labels[0], test_labels=of_labels[1],
    )  # fmt: skip


def devanagari(folder: Path) -> Expected:
    """data.csv, the one file: pixel_0000,...,pixel_1023,character: text labels, one class after the other."""
    labels = (*(f"character_{name}" for name in DEVANAGARI.split()), *numbered("digit_{}", 10))
    pictures = draw(in_order([20] * len(labels)), 32, 2)
    pixels = numbered("pixel_{:04d}", PIXELS_32)
    rows = joined(pictures.integers().tolist(), [labels[kind] for kind in pictures.classes])
    write(folder / "data.csv", (*pixels, "character"), rows)
    return Expected("data.csv", None, "character", labels, pixels, SHAPE_32, (len(rows), 0))


AZ_FILE = "A_Z Handwritten Data.csv"


def az_handwritten(folder: Path) -> Expected:
    """A_Z Handwritten Data.csv, the one file: the label 0 to 25, then 784 pixels, one class after the other.

    It has no header. Notebooks that take the first picture for one know its columns as "0", "0.1", "0.2", ...
    """
    pictures = draw(in_order([36] * 26), 28, 4)
    write(folder / AZ_FILE, None, _rows(pictures))
    return Expected(
        AZ_FILE, None, 0, tuple(range(26)), tuple(range(1, PIXELS_28 + 1)), SHAPE_28, (36 * 26, 0),
        has_header=False,
    )  # fmt: skip


def az_saved_by_pandas(folder: Path) -> Expected:
    """The same, saved by pandas: the first picture is the header, "0", "0.1", ..., "239", "239.1"."""
    as_public = az_handwritten(folder)
    return _with_header(folder, as_public, tuple(pd.read_csv(folder / AZ_FILE, nrows=0).columns))


def az_numbered(folder: Path) -> Expected:
    """The same with the header "0", "0.1", "0.2", ..., "0.784"."""
    return _with_header(folder, az_handwritten(folder), ("0", *numbered("0.{}", PIXELS_28, 1)))


def _with_header(folder: Path, as_public: Expected, names: tuple[str, ...]) -> Expected:
    """The first picture gives way to the header."""
    lines = (folder / AZ_FILE).read_text().splitlines()
    (folder / AZ_FILE).write_text("\n".join([",".join(names), *lines[1:]]) + "\n")
    return Expected(
        AZ_FILE, None, names[0], as_public.labels, names[1:], SHAPE_28, (as_public.rows[0] - 1, 0)
    )
