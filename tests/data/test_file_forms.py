"""Files as people really have them: each form is read, or refused in one line whose advice works.

Each case is a competition of its own, made of the first rows of scikit-learn's digits: a TOML, and the files
that lie in its raw folder. What is right for each was collected from public bug reports and notebooks.

Modules: archives.py, column_names.py, csv_cells.py, csv_columns.py, csv_columns_errors.py,
csv_columns_numbered.py, csv_dialect.py, file_kind.py, idx_csvs.py, pixel_order.py, raw_csvs.py,
separate_labels.py, raw_files.py, sample_submission.py.
"""

import gzip
import io
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits

from catwalk.core.paths import Paths
from catwalk.data import prepare
from tests.conftest import load

Catwalk = Callable[..., tuple[int, str, str]]
Row = list[Any]
Files = dict[str, bytes]

_PICTURES, _LABELS = load_digits(return_X_y=True)
_ROWS = [
    [int(label), *(int(15 * p) for p in picture)] for label, picture in zip(_LABELS, _PICTURES, strict=True)
]
TRAIN, TEST = _ROWS[:120], _ROWS[120:150]
GAPS = [1, 2, 4, 5, 6, 7, 8, 10, 11, 24]  # as Sign Language MNIST's: no 0, no 3, no 9
NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
IDS = [7 * i + 3 for i in range(len(TEST))]
HEAD = ["label", *(f"pixel{i}" for i in range(1, 65))]
PIXELS = HEAD[1:]
NOTES = [f"note{i}" for i in range(12)]
UNLABELLED = [row[1:] for row in TEST]
BY_ID = [[id_, *row[1:]] for id_, row in zip(IDS, TEST, strict=True)]


def csv(header: Row | None, rows: list[Row], separator: str = ",", end: str = "\n", start: str = "") -> bytes:
    lines = [*([header] if header else []), *rows]
    return (start + "".join(separator.join(map(str, line)) + end for line in lines)).encode()


def both(change: Callable[[Row], Row], header: Row | None = HEAD, **how: str) -> Files:
    """Train and test CSV with each row changed."""
    return {
        "train.csv": csv(header, [change(row) for row in TRAIN], **how),
        "test.csv": csv(header, [change(row) for row in TEST], **how),
    }


def same(row: Row) -> Row:
    return row


def label_last(row: Row) -> Row:
    return [*row[1:], row[0]]


def with_pixels(change: Callable[[int], Any]) -> Callable[[Row], Row]:
    return lambda row: [row[0], *map(change, row[1:])]


def zipped(files: Files) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def locked(archive: bytes) -> bytes:
    """The same zip with the flag that its files ask for a password."""
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        parts = archive.split(header)
        archive = header.join([parts[0], *(p[: flags - 4] + b"\1" + p[flags - 3 :] for p in parts[1:])])
    return archive


def renumbered(content: bytes) -> bytes:
    """The table read by pandas and written by it, with its row numbers."""
    return pd.read_csv(io.BytesIO(content)).to_csv().encode()


def recoded(files: Files, encoding: str) -> Files:
    return {name: data.decode().encode(encoding) for name, data in files.items()}


def renamed(files: Files, **names: str) -> Files:
    return {names[name.split(".")[0]]: data for name, data in files.items()}


def idx_files(dot: str = "-") -> Files:
    made = {}
    for side, rows in (("train", TRAIN), ("t10k", TEST)):
        sizes = len(rows).to_bytes(4, "big")
        pixels = bytes(value for row in rows for value in row[1:])
        made[f"{side}-images{dot}idx3-ubyte"] = b"\0\0\x08\x03" + sizes + b"\0\0\0\x08" * 2 + pixels
        made[f"{side}-labels{dot}idx1-ubyte"] = b"\0\0\x08\x01" + sizes + bytes(row[0] for row in rows)
    return made


PLAIN = both(same)
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 133047193\n"
PAGE = b"<!DOCTYPE html><html><body>busy</body></html>"
PARTS = ["Public", "Private"]
SOLUTION = {**PLAIN, "test.csv": csv([*HEAD, "Usage"], [[*r, PARTS[i % 2]] for i, r in enumerate(TEST)])}
WITH_ID = {"columns": 'id = "id"', "header": '["id", "label"]'}


NO_HEADER = {"columns": "header = false"}
NO_LABELS = {"train.csv": csv(None, [r[1:] for r in TRAIN]), "test.csv": csv(None, UNLABELLED)}


@dataclass(frozen=True)
class Case:
    """A TOML's parts, the raw folder's files, and what is right.

    Attributes:
        said: words of the one line that refuses it; empty where it is read.
        noted: words that are said where it is read.
        labelled: whether the test rows have labels.
        follow: what the line advises, done: changes of the TOML by regular expressions, and more files.
        equal: whether the labelled rows are ``TRAIN``.
    """

    files: Files
    said: tuple[str, ...] = ()
    noted: tuple[str, ...] = ()
    toml: dict[str, str] = field(default_factory=dict)
    labelled: bool = True
    follow: Mapping[str, str | bytes] | None = None
    equal: bool = True


def numbers(row: Row) -> list[str]:
    return [f"{y}x{x}" for y in range(1, 9) for x in range(1, 9)]


ONE_CELL = ["label", "pixels"]


def in_one_cell(row: Row) -> Row:
    return [row[0], " ".join(map(str, row[1:]))]


def one_cell() -> Files:
    return both(in_one_cell, ONE_CELL)


def label_files(**names: bytes) -> Files:
    """Pictures without labels, and a CSV of labels for each side."""
    labels = {f"{side}_labels.csv": csv(None, [[r[0]] for r in rows]) for side, rows in SIDES.items()}
    return {**NO_LABELS, **labels, **{f"{name}.csv": content for name, content in names.items()}}


SIDES = {"train": TRAIN, "test": TEST}
OWN_LABELS = {
    "columns": "header = false",
    "files": 'train_labels = "train_labels.csv"\ntest_labels = "test_labels.csv"\n',
}

FORMS: dict[str, Case] = {
    "all pixels in one cell, as the TOML says": Case(one_cell(), toml={"columns": 'pixels = "pixels"'}),
    "all pixels in one cell, in quotes": Case(
        both(lambda r: [f'" {" ".join(map(str, r[1:]))} "', r[0]], ["pixels", "label"]),
        toml={"columns": 'pixels = "pixels"'},
    ),
    "all pixels in one cell, as NumPy prints them": Case(
        both(lambda r: [r[0], f'"[{"  ".join(map(str, r[1:]))}]"'], ONE_CELL),
        toml={"columns": 'pixels = "pixels"'},
    ),
    "all pixels in one cell, no header": Case(
        both(in_one_cell, None, separator=";"), toml={"columns": 'pixels = "pixels"\nheader = false'}
    ),
    "a scale": Case(
        both(with_pixels(lambda v: f"{v / 255:.8g}")), toml={"columns": "first_pixel = 1\nscale = 255"}
    ),
    "a scale, in other notations": Case(
        both(with_pixels(lambda v: f" {v / 255:.18e}")), toml={"columns": "first_pixel = 1\nscale = 255"}
    ),
    "a scale of one cell": Case(
        both(lambda r: [r[0], " ".join(str(v * 257) for v in r[1:])], ONE_CELL),
        toml={"columns": 'pixels = "pixels"\nscale = 0.0038910505836575876'},
    ),
    "lying on their side": Case(
        both(lambda r: [r[0], *(r[1 + 8 * (i % 8) + i // 8] for i in range(64))]),
        toml={"columns": "first_pixel = 1\ntranspose = true"},
    ),
    "lying on their side, in one cell": Case(
        both(lambda r: in_one_cell([r[0], *(r[1 + 8 * (i % 8) + i // 8] for i in range(64))]), ONE_CELL),
        toml={"columns": 'pixels = "pixels"\ntranspose = true'},
    ),
    "three channels in planes": Case(
        both(lambda r: [r[0], *(r[1 + 2 * (i % 32) + i // 32] for i in range(64))]),
        toml={"columns": "first_pixel = 1\nplanes = true", "shape": "[8, 4, 2]"},
    ),
    "names that say nothing": Case(both(same, [0] * 65), toml={"columns": "header = false\nskip_rows = 1"}),
    "columns that are ignored": Case(
        both(lambda r: [r[0], "x.png", *r[1:], "Training"], ["label", "file", *PIXELS, "split"]),
        toml={"columns": 'first_pixel = 1\nignore = ["file", "Split"]'},
    ),
    "many columns that are ignored, and empty": Case(
        both(lambda r: [r[0], *(v // 30 for v in r[1:]), *[""] * 12], [*HEAD, *NOTES]),
        toml={"columns": f"first_pixel = 1\nignore = {NOTES!r}".replace("'", '"')},
        equal=False,
    ),
    "labels in CSVs of their own": Case(label_files(), toml=OWN_LABELS),
    "labels in CSVs of their own, with names and ids": Case(
        label_files(train_labels=csv(["id", "label"], [[i, r[0]] for i, r in enumerate(TRAIN)])),
        toml=OWN_LABELS,
    ),
    "labels in CSVs of their own, sep= in the first line": Case(
        label_files(
            train_labels=csv(["label"], [[r[0]] for r in TRAIN], start="sep=,\n"),
            test_labels=csv(["id", "label"], [[i, r[0]] for i, r in enumerate(TEST)], ";", start="\nsep=;\n"),
        ),
        toml=OWN_LABELS,
    ),
    "test labels in a CSV of their own that holds none": Case(
        label_files(test_labels=csv(None, [[0] for _ in TEST])),
        noted=("test.csv: test_labels.csv holds no labels",),
        toml=OWN_LABELS,
        labelled=False,
    ),
    "plain": Case(PLAIN),
    "two byte order marks": Case({name: b"\xef\xbb\xbf" * 2 + content for name, content in PLAIN.items()}),
    "a zip in the zip": Case(
        {"a.zip": zipped({f"{name}.zip": zipped({name: data}) for name, data in PLAIN.items()})}
    ),
    "gzip in the zip": Case(
        {"a.zip": zipped({f"{name}.gz": gzip.compress(data) for name, data in PLAIN.items()})}
    ),
    "labels with gaps": Case(both(lambda r: [GAPS[r[0]], *r[1:]]), toml={"labels": str(GAPS)}, equal=False),
    "test labels all 0": Case(
        {**PLAIN, "test.csv": csv(HEAD, [[0, *row] for row in UNLABELLED])},
        noted=("test.csv: the column 'label' holds 0 in all rows instead of labels and is ignored",),
        labelled=False,
    ),
    "classes that differ in capitals": Case(
        both(lambda r: ["ABCDEabcde"[r[0]], *r[1:]]), toml={"classes": repr(list("ABCDEabcde"))}
    ),
    "letters and digits as classes": Case(
        both(lambda r: ["ABCDE01234"[r[0]], *r[1:]]), toml={"classes": repr(list("ABCDE01234"))}
    ),
    "letters and digits as classes, and their numbers as labels": Case(
        PLAIN, toml={"classes": repr(list("ABCDE01234"))}
    ),
    "row numbers that pandas wrote twice": Case(
        {name: renumbered(renumbered(content)) for name, content in PLAIN.items()},
        noted=("the column 'Unnamed: 0.1, Unnamed: 0' holds row numbers and is ignored",),
    ),
    "row numbers that pandas wrote and read, thrice": Case(
        {name: renumbered(renumbered(renumbered(content))) for name, content in PLAIN.items()}
    ),
    "one name for all pixels, as pandas tells them apart": Case(
        both(same, ["label", "pixel", *(f"pixel.{i}" for i in range(1, 64))])
    ),
    "labels as text": Case(both(lambda r: [NAMES[r[0]], *r[1:]]), toml={"classes": repr(NAMES)}),
    "labels as text, other capitals": Case(
        both(lambda r: [NAMES[r[0]].upper(), *r[1:]]), toml={"classes": repr(NAMES)}
    ),
    "names filled with zeros, label last": Case(
        both(label_last, [*(f"pixel{i:04d}" for i in range(64)), "label"])
    ),
    "names filled with zeros, as the TOML says": Case(
        both(label_last, [*(f"p{i:04d}x" for i in range(64)), "label"]),
        toml={"columns": 'pixels = "p{:04d}x"\nfirst_pixel = 0'},
    ),
    "counted from 0 where the TOML says 1": Case(both(same, ["label", *(f"pixel{i}" for i in range(64))])),
    "1x1 to 8x8": Case(both(same, ["label", *numbers([])])),
    "1x1 to 8x8, as the TOML says": Case(
        both(same, ["label", *numbers([])]), toml={"columns": 'pixels = "{}x{}"\nfirst_pixel = 1'}
    ),
    "numpy.savetxt": Case(both(with_pixels(lambda v: f"{v:.18e}"))),
    "numpy.savetxt, spaces": Case(
        both(lambda r: [f"{v:.18e}" for v in r], None, separator=" "), toml={"columns": "header = false"}
    ),
    "semicolons": Case(both(same, separator=";")),
    "tabs": Case(both(same, separator="\t")),
    "sep= in the first line": Case(both(same, start="sep=,\n")),
    "sep=; and semicolons": Case(both(same, start="sep=;\r\n", separator=";", end="\r\n")),
    "UTF-16": Case(recoded(both(same, end="\r\n"), "utf-16")),
    "UTF-16, tabs": Case(recoded(both(same, end="\r\n", separator="\t"), "utf-16")),
    "a byte order mark": Case(recoded(PLAIN, "utf-8-sig")),
    "the downloaded zip": Case(
        {"archive.zip": zipped({**PLAIN, "train-images-idx3-ubyte": b"\0\0\x08\x01"})},
        noted=("train.csv: read from data/case/raw/archive.zip",),
    ),
    "a zip with folders": Case({"a.zip": zipped({f"inner/{name}": data for name, data in PLAIN.items()})}),
    "a zip for each": Case({f"{name}.zip": zipped({name: data}) for name, data in PLAIN.items()}),
    "gzip": Case({f"{name}.gz": gzip.compress(data) for name, data in PLAIN.items()}),
    "other capitals in the name": Case(
        renamed(PLAIN, train="Train.csv", test="Test.CSV"),
        noted=("train.csv: read from data/case/raw/Train.csv",),
    ),
    "twice .csv, and (1)": Case(renamed(PLAIN, train="train.csv.csv", test="test (1).csv")),
    "a folder deeper": Case(
        renamed(PLAIN, train="archive/train.csv", test="archive/test.csv"),
        noted=("train.csv: read from data/case/raw/archive/train.csv",),
    ),
    "a folder with a name of Colab's": Case(
        renamed(PLAIN, train="sample_data/train.csv", test="test.csv"),
        noted=("train.csv: read from data/case/raw/sample_data/train.csv",),
    ),
    "IDX files": Case(idx_files()),
    "IDX files with dots, packed": Case({f"{k}.gz": gzip.compress(v) for k, v in idx_files(".").items()}),
    "no test labels": Case({**PLAIN, "test.csv": csv(PIXELS, UNLABELLED)}, labelled=False),
    **{
        f"test labels {mark!r}": Case(
            {**PLAIN, "test.csv": csv(HEAD, [[mark, *row] for row in UNLABELLED])},
            noted=("test.csv: the column 'label' holds no labels",),
            labelled=False,
        )
        for mark in ("", "-1", "?", "NaN")
    },
    "label last": Case(both(label_last, [*PIXELS, "label"])),
    "label last without a header": Case(
        both(label_last, None), toml={"columns": 'header = false\nlabel = "last"'}
    ),
    "an id in the test file": Case(
        {**PLAIN, "test.csv": csv(["id", *PIXELS], BY_ID)}, toml=WITH_ID, labelled=False
    ),
    "Label, Pixel1": Case(both(same, ["Label", *(name.capitalize() for name in PIXELS)])),
    "LABEL": Case(both(same, ["LABEL", *PIXELS])),
    "a comma at each line's end": Case(both(lambda r: [*r, ""], [*HEAD, ""])),
    "a comma at each row's end": Case(both(lambda r: [*r, ""])),
    "a comma at the header's end": Case(both(same, [*HEAD, "", ""])),
    "a comma at each line's end, no header": Case(
        both(lambda r: [*r, ""], None), toml={"columns": "header = false"}
    ),
    "R's write.csv": Case(
        both(lambda r: [f'"{r[0]}"', *r], ['""', *(f'"{name}"' for name in HEAD)]),
        noted=("the column 'Unnamed: 0' holds row numbers and is ignored",),
    ),
    "R's write.table": Case(
        {
            f"{side}.csv": csv(HEAD, [[f'"{i}"', *row] for i, row in enumerate(rows, 1)])
            for side, rows in (("train", TRAIN), ("test", TEST))
        }
    ),
    "carriage returns alone": Case(both(same, end="\r")),
    "a blank line between all rows": Case(both(same, end="\r\r\n")),
    "blank lines first": Case(both(same, start="\n\n")),
    "pixels 0 to 16": Case(both(with_pixels(lambda v: v // 15)), equal=False),
    "five rows of each class": Case(
        {
            **PLAIN,
            "train.csv": csv(HEAD, [r for k in range(10) for r in [t for t in TRAIN if t[0] == k][:5]]),
        },
        equal=False,
    ),
    "two rows of a class": Case(
        {
            **PLAIN,
            "train.csv": csv(HEAD, [t for t in TRAIN if t[0] != 9] + [t for t in TRAIN if t[0] == 9][:2]),
        },
        equal=False,
    ),
}

NINES = [row for row in TRAIN if row[0] == 9]
OTHERS = [row for row in TRAIN if row[0] != 9]
SAMPLE = {"sample": "sample.csv", **WITH_ID}
WITH_SAMPLE = {**PLAIN, "test.csv": csv(["id", *PIXELS], BY_ID)}


def sampled(header: Row, ids: list[Any]) -> Files:
    return {**WITH_SAMPLE, "sample.csv": csv(header, [[id_, 0] for id_ in ids])}


REFUSED: dict[str, Case] = {
    "labels in a CSV of their own, one too few": Case(
        label_files(train_labels=csv(None, [[r[0]] for r in TRAIN[2:]])),
        said=("train_labels.csv: 118 rows for 120 pictures",),
        toml=OWN_LABELS,
        follow=label_files(),
    ),
    "labels in a CSV of their own, one unknown": Case(
        label_files(train_labels=csv(None, [[77], *([r[0]] for r in TRAIN[1:])])),
        said=("train_labels.csv: row 1: the label '77' is not one of the 10 from 0 to 9",),
        toml=OWN_LABELS,
        follow=label_files(),
    ),
    "labels in a CSV of their own, with a quote that is not closed": Case(
        label_files(train_labels=b'"' + b"5\n" * 70_000),
        said=("train_labels.csv: a cell has more than 131,072 characters: is a quotation mark not closed?",),
        toml=OWN_LABELS,
        follow=label_files(),
    ),
    "one-hot labels behind the pixels": Case(
        both(lambda r: [*r[1:], *(int(k == r[0]) for k in range(10))], None),
        said=("train.csv: row 1: the columns 65 to 74 hold one-hot labels", "one column instead"),
        toml={"columns": "header = false"},
        follow=both(same, None),
    ),
    "names of picture files": Case(
        both(lambda r: [r[0], f"img_{r[1]}.jpg"], ["label", "image"]),
        said=("the column 'image' holds names of picture files, not pixels", "64 pixel columns"),
        follow=PLAIN,
    ),
    "a quote that is not closed": Case(
        {**PLAIN, "train.csv": csv(HEAD, [*TRAIN[:9], [f'"{TRAIN[9][0]}', *TRAIN[9][1:]], *TRAIN[10:]])},
        said=("train.csv: row 11: a quotation mark is not closed",),
        follow=PLAIN,
    ),
    "two rows run together": Case(
        {**PLAIN, "train.csv": csv(HEAD, [*TRAIN[:9], [*TRAIN[9], *TRAIN[10]], *TRAIN[11:]])},
        said=("train.csv: row 11: 130 columns, expected 65",),
        follow=PLAIN,
    ),
    "a web page under a CSV's name": Case(
        {**PLAIN, "train.csv": PAGE}, said=("train.csv: this is a web page, not a CSV",), follow=PLAIN
    ),
    "all pixels in one cell": Case(
        both(lambda r: [r[0], " ".join(map(str, r[1:]))], ["label", "pixels"]),
        said=("train.csv: row 1: the column 'pixels' holds all pixels", 'write pixels = "pixels"'),
        follow={r"first_pixel = 1": 'pixels = "pixels"'},
    ),
    "no cell with all pixels, where the TOML has one": Case(
        PLAIN,
        said=("train.csv: row 1: no column 'pixels'", "correct pixels under [columns]"),
        toml={"columns": 'pixels = "pixels"'},
        follow={r'pixels = "pixels"': 'pixels = "pixel{}"'},
    ),
    "too few pixels in a cell": Case(
        {**one_cell(), "train.csv": csv(ONE_CELL, [[TRAIN[0][0], "1 2 3"], *map(in_one_cell, TRAIN)])},
        said=("train.csv: row 2: column 'pixels': 3 pixels in the cell, expected 64",),
        toml={"columns": 'pixels = "pixels"'},
        follow=one_cell(),
    ),
    "shares from 0 to 1": Case(
        both(with_pixels(lambda v: f"{v / 255:.8g}")),
        said=("train.csv: row 2: column 'pixel3': the pixel '0.", "write scale = 255"),
        follow={r"first_pixel = 1": "first_pixel = 1\nscale = 255"},
    ),
    "too large for the scale": Case(
        both(with_pixels(lambda v: v + 1)),
        said=("the pixel '", "is not a number from 0 to 16"),
        toml={"columns": "first_pixel = 1\nscale = 15.9375"},
        follow=PLAIN | both(with_pixels(lambda v: v // 15)),
        equal=False,
    ),
    "an empty cell": Case(
        {**PLAIN, "train.csv": csv(HEAD, [TRAIN[0], [*TRAIN[1][:20], "", *TRAIN[1][21:]]])},
        said=("train.csv: row 3: column 'pixel20': the pixel ''", "fix data/case/raw/train.csv"),
        follow=PLAIN,
    ),
    "NaN": Case(
        {**PLAIN, "train.csv": csv(HEAD, [TRAIN[0], [*TRAIN[1][:20], "NaN", *TRAIN[1][21:]]])},
        said=("train.csv: row 3: column 'pixel20': the pixel 'NaN'",),
    ),
    "other names": Case(
        renamed(PLAIN, train="my_train.csv", test="my_test.csv"),
        said=("data/case/raw: train.csv and test.csv are missing", "my_test.csv, my_train.csv", "[files]"),
        follow={'"train.csv"': '"my_train.csv"', '"test.csv"': '"my_test.csv"'},
    ),
    "nothing": Case(
        {}, said=("data/case/raw: train.csv and test.csv are missing, nothing is there",), follow=PLAIN
    ),
    "one file only": Case(
        {"train.csv": PLAIN["train.csv"]},
        said=("data/case/raw: test.csv is missing, there is train.csv: put it there",),
        follow={"test.csv": PLAIN["test.csv"]},
    ),
    "two that may be meant": Case(
        renamed(
            {**PLAIN, "again.csv": PLAIN["train.csv"]}, train="Train.csv", again="TRAIN.csv", test="test.csv"
        ),
        said=(
            "ambiguous: TRAIN.csv, Train.csv all match train.csv: "
            "put a copy of the right one there as train.csv",
        ),
        follow={"train.csv": PLAIN["train.csv"]},
    ),
    "two folders that may be meant": Case(
        {f"{folder}/{name}": content for folder in ("v1", "v2") for name, content in PLAIN.items()},
        said=(
            "ambiguous: v1/train.csv, v2/train.csv all match train.csv: put a copy of the right one there",
        ),
        follow=PLAIN,
    ),
    "two zips that may be meant": Case(
        {"archive.zip": zipped(PLAIN), "archive (1).zip": zipped(PLAIN)},
        said=("ambiguous: archive (1).zip: train.csv, archive.zip: train.csv all match train.csv",),
        follow=PLAIN,
    ),
    "too deep": Case(
        {f"a/b/c/d/e/{name}": content for name, content in PLAIN.items()},
        said=("train.csv and test.csv are missing, no CSV found within 3 levels of folders",),
        follow=PLAIN,
    ),
    "half a zip": Case(
        {"archive.zip": zipped(PLAIN)[:3000]},
        said=("archive.zip: damaged zip file: download it again",),
        follow={"archive.zip": zipped(PLAIN)},
    ),
    "IDX files in a zip": Case(
        {
            "mnist.zip": zipped(
                {f"{folder}{k}": v for folder in ("", "a/") for k, v in idx_files(".").items()}
            )
        },
        said=("data/case/raw: mnist.zip holds IDX files, which are not read inside a zip: unpack it there",),
        follow=idx_files("."),
    ),
    "a web page as zip": Case(
        {"archive.zip": PAGE}, said=("archive.zip: this is a web page, not an archive",)
    ),
    "a zip with a password": Case(
        {"archive.zip": locked(zipped(PLAIN))},
        said=("archive.zip: is password-protected: unpack it yourself",),
        follow=PLAIN,
    ),
    "a zip that Python can't unpack": Case(
        {"archive.zip": zipped(PLAIN).replace(b"\x14\0\0\0\x08\0", b"\x14\0\0\0\x09\0")},
        said=("archive.zip: its compression method is not supported: unpack it yourself",),
        follow=PLAIN,
    ),
    "label last, no header": Case(
        both(label_last, None),
        said=("train.csv: column 1 holds only 0", 'add label = "last" under [columns]'),
        toml={"columns": "header = false"},
        follow={"header = false": 'header = false\nlabel = "last"'},
    ),
    "one row of a class": Case(
        {**PLAIN, "train.csv": csv(HEAD, [*OTHERS, *NINES[:1]])},
        said=("train.csv: class 9 (nine) has 1 row: at least 2 are needed",),
        toml={"classes": repr(NAMES)},
        follow={"train.csv": csv(HEAD, [*OTHERS, *NINES[:2]])},
    ),
    "one picture of a class twice": Case(
        {**PLAIN, "train.csv": csv(HEAD, [*OTHERS, *NINES[:1] * 2])},
        said=("train.csv: class 9 has 1 distinct picture: at least 2 are needed",),
        follow={"train.csv": csv(HEAD, [*OTHERS, *NINES[:2]])},
    ),
    "one class only": Case(
        {**PLAIN, "train.csv": csv(HEAD, [row for row in TRAIN if row[0] == 0])},
        said=("train.csv: class 1 and 8 more have no row: at least 2 are needed",),
    ),
    "an id column that the TOML does not know": Case(
        {**PLAIN, "test.csv": csv(["id", *PIXELS], BY_ID)},
        said=("test.csv: row 1: 'id' is neither", 'add id = "id" under [columns] in competitions/case.toml'),
        follow={"first_pixel = 1": 'first_pixel = 1\nid = "id"'},
    ),
    "Kaggle's solution as the test": Case(
        SOLUTION,
        said=("test.csv: row 1: 'Usage' is neither label, id nor pixel: add ignore = [\"Usage\"] under",),
        follow={"first_pixel = 1": 'first_pixel = 1\nignore = ["Usage"]'},
    ),
    "Kaggle's solution as the test, where more is ignored": Case(
        SOLUTION,
        said=("test.csv: row 1: 'Usage' is neither", ': add "Usage" to ignore under [columns]'),
        toml={"columns": 'first_pixel = 1\nignore = ["file"]'},
        follow={r'\["file"\]': '["file", "Usage"]'},
    ),
    "an id twice": Case(
        {**PLAIN, "test.csv": csv(["id", *PIXELS], [*BY_ID[:9], [IDS[3], *BY_ID[9][1:]], *BY_ID[10:]])},
        said=("test.csv: column 'id': rows 5 and 11 have the same id '24'",),
        toml=WITH_ID,
        follow=WITH_SAMPLE,
    ),
    "an empty id": Case(
        {**PLAIN, "test.csv": csv(["id", *PIXELS], [*BY_ID[:9], ["", *BY_ID[9][1:]], *BY_ID[10:]])},
        said=("test.csv: row 11: column 'id': the id is empty",),
        toml=WITH_ID,
    ),
    "a header where the TOML says none": Case(
        PLAIN,
        said=("train.csv: row 1: this looks like a header", "change header = false to header = true in"),
        toml={"columns": "header = false"},
        follow={"header = false": "first_pixel = 1"},
    ),
    "no header where the TOML says one": Case(
        both(same, None),
        said=("train.csv: row 1: the first row holds numbers", "add header = false under [columns]"),
        follow={"first_pixel = 1": "header = false"},
    ),
    "labels from 1": Case(
        both(lambda r: [r[0] + 1, *r[1:]], None),
        said=("column 1: the label '10'", "write labels = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] above [files]"),
        toml={"columns": "header = false"},
        follow={r"\[files\]": "labels = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n[files]"},
    ),
    "labels of another name": Case(
        both(same, ["digit", *PIXELS]),
        said=("train.csv: row 1: 'digit' is neither", 'label = "digit" under [columns]'),
        follow={"first_pixel = 1": 'first_pixel = 1\nlabel = "digit"'},
    ),
    "labels in a CSV of their own": Case(
        {
            "train.csv": csv(None, [r[1:] for r in TRAIN]),
            "test.csv": csv(None, UNLABELLED),
            "train_labels.csv": csv(None, [r[:1] for r in TRAIN]),
        },
        said=('write train_labels = "train_labels.csv" under [files] in competitions/case.toml',),
        toml={"columns": "header = false"},
        follow={r"\[files\]": '[files]\ntrain_labels = "train_labels.csv"'},
    ),
    "a web page as gzip": Case(
        {f"{name}.gz": PAGE for name in idx_files()},
        said=("train-images-idx3-ubyte.gz: this is a web page",),
    ),
    "a web page as CSV": Case(
        {**PLAIN, "test.csv": PAGE}, said=("test.csv: this is a web page",), follow=PLAIN
    ),
    "JSON as CSV": Case(
        {**PLAIN, "train.csv": b'{"code":403,"message":"You must accept the rules"}'},
        said=("train.csv: this is JSON, not a CSV: save data/case/raw/train.csv as CSV",),
        follow=PLAIN,
    ),
    "a PDF as CSV": Case(
        {**PLAIN, "train.csv": b"%PDF-1.4\n"}, said=("train.csv: this is a PDF, not a CSV",)
    ),
    "a title above the header": Case(
        {**PLAIN, "train.csv": b"Table 1\n" + PLAIN["train.csv"]},
        said=(
            "row 1: 'Table 1' is above the header: make the header the first row of data/case/raw/train.csv",
        ),
        follow=PLAIN,
    ),
    "labels in Latin-1": Case(
        {
            name: content.decode().replace("zero", "zéro").encode("latin-1")
            for name, content in both(lambda r: [NAMES[r[0]], *r[1:]]).items()
        },
        said=("column 'label': 'z\ufffdro' is not UTF-8: save data/case/raw/train.csv as CSV (UTF-8)",),
        toml={"classes": repr(["zéro", *NAMES[1:]])},
        follow=both(lambda r: [["zéro", *NAMES[1:]][r[0]], *r[1:]]),
    ),
    "ids in Latin-1": Case(
        {
            **PLAIN,
            "test.csv": csv(["id", *PIXELS], [[f"b\u00e4r{r[0]}", *r[1:]] for r in BY_ID])
            .decode()
            .encode("latin-1"),
        },
        said=("test.csv: row 2: column 'id': 'b\ufffdr3' is not UTF-8",),
        toml=WITH_ID,
        follow=WITH_SAMPLE,
    ),
    "a pixel column missing": Case(
        both(lambda r: [*r[:17], *r[18:]], [*HEAD[:17], *HEAD[18:]]),
        said=("train.csv: row 1: the pixel column 'pixel17' is missing: fix data/case/raw/train.csv",),
        follow=PLAIN,
    ),
    "one-hot labels with names": Case(
        {
            **PLAIN,
            "train.csv": csv(
                [*NAMES, *PIXELS], [[*(int(k == r[0]) for k in range(10)), *r[1:]] for r in TRAIN]
            ),
        },
        said=("row 1: the columns 'zero' to 'nine' hold one-hot labels: write one column instead",),
        follow=PLAIN,
    ),
    "a Git LFS pointer": Case(
        dict.fromkeys(PLAIN, LFS), said=("train.csv: this is a Git LFS pointer", "git lfs pull")
    ),
    "a workbook": Case(
        {**PLAIN, "train.csv": zipped({"[Content_Types].xml": b""})},
        said=("train.csv: this is an Excel workbook: save it as CSV",),
    ),
    "rows of one's own with a new label": Case(
        {**PLAIN, "train.csv": csv(HEAD, [*TRAIN, [10, *TEST[0][1:]], [10, *TEST[1][1:]]])},
        said=("train.csv: row 122: column 'label': the label '10'", "competitions/case.toml"),
        follow={'"9"': '"9", "10"'},
    ),
    "a row with an empty label": Case(
        {**PLAIN, "train.csv": csv(HEAD, [*TRAIN, ["", *TRAIN[0][1:]]])},
        said=("train.csv: row 122: column 'label': the label is empty", "competitions/case.toml"),
        follow=PLAIN,
    ),
    "some test labels missing": Case(
        {**PLAIN, "test.csv": csv(HEAD, [["", *TEST[0][1:]], *TEST[1:]])},
        said=("test.csv: row 2: column 'label': the label is empty", "or empty the whole column, in data"),
        follow={"test.csv": csv(HEAD, [["", *row] for row in UNLABELLED])},
    ),
    "a test label that is none": Case(
        {**PLAIN, "test.csv": csv(HEAD, [[99, *TEST[0][1:]], *TEST[1:]])},
        said=("test.csv: row 2: column 'label': the label '99'", "or empty the whole column, in data"),
        follow={"test.csv": csv(HEAD, [["", *row] for row in UNLABELLED])},
    ),
    "another shape in the TOML": Case(
        PLAIN,
        said=("shape = [28, 28] needs 784 pixel columns, found 64", "(shape = [8, 8]?)"),
        toml={"shape": "[28, 28]"},
        follow={r"\[28, 28\]": "[8, 8]"},
    ),
    "another shape, no header": Case(
        both(same, None),
        said=("65 columns, expected 784 pixels (shape = [28, 28])", "(shape = [8, 8]?)"),
        toml={"shape": "[28, 28]", "columns": "header = false"},
        follow={r"\[28, 28\]": "[8, 8]"},
    ),
    "a column too many": Case(
        both(lambda r: [*r, "Training"], [*HEAD, "Usage"]),
        said=("row 1: 'Usage' is neither label, id nor pixel",),
    ),
    "a sample with another header": Case(
        sampled(["Id", "Category"], IDS),
        said=("sample.csv: row 1: its header is not id,label", 'header = ["Id", "Category"]'),
        toml=SAMPLE,
        follow={r'\["id", "label"\]': '["Id", "Category"]'},
    ),
    "a sample with an id twice": Case(
        sampled(["id", "label"], [*IDS[:-1], IDS[2]]),
        said=("sample.csv: rows 4 and 31 have the same id '17'",),
        toml=SAMPLE,
    ),
    "a sample with an empty id": Case(
        sampled(["id", "label"], [*IDS[:-1], ""]), said=("sample.csv: row 31: the id is empty",), toml=SAMPLE
    ),
    "a sample with another id": Case(
        sampled(["id", "label"], [*IDS[:-1], 4]),
        said=("sample.csv: row 31: the id '4' is not among the 30 ids of test.csv",),
        toml=SAMPLE,
    ),
    "a sample with too few ids": Case(
        sampled(["id", "label"], IDS[:-1]),
        said=("sample.csv: 29 ids, but test.csv has 30: '206' is missing",),
        toml=SAMPLE,
    ),
    "a sample with a column for each class": Case(
        {**WITH_SAMPLE, "sample.csv": csv(["id", *NAMES], [[id_, *[0.1] * 10] for id_ in IDS])},
        said=(
            "sample.csv: row 1: its header is not id,label: 11 columns",
            "or leave sample out under [files]",
        ),
        toml=SAMPLE,
        follow={'sample = "sample.csv"\n': ""},
    ),
}


def write(project: Path, case: Case) -> Paths:
    """Put a case's TOML and files into a project, as the competition ``case``."""
    paths, parts = Paths(project, "case"), case.toml
    classes = parts.get("classes", repr([str(i) for i in range(10)])).replace("'", '"')
    labels = f"labels = {parts['labels']}\n" if "labels" in parts else ""
    columns = parts.get("columns", "first_pixel = 1")
    columns += "\nfirst_pixel = 1" if "id =" in columns else ""
    header = parts.get("header", '["ImageId", "Label"]')
    more = f'sample = "{parts["sample"]}"\n' if "sample" in parts else parts.get("files", "")
    paths.toml.write_text(
        f'title = "Case"\nshape = {parts.get("shape", "[8, 8]")}\nclasses = {classes}\n'
        f'{labels}[files]\ntrain = "train.csv"\ntest = "test.csv"\n{more}[columns]\n{columns}\n'
        f"[submission]\nheader = {header}\n"
    )
    add(paths, case.files)
    return paths


def add(paths: Paths, files: Files) -> None:
    for name, content in files.items():
        (paths.raw / name).parent.mkdir(parents=True, exist_ok=True)
        (paths.raw / name).write_bytes(content)


@pytest.fixture(scope="module")
def fingerprint() -> str:
    """Of ``TRAIN``, worked out from the rows themselves."""
    import hashlib

    pixels, labels = np.array([r[1:] for r in TRAIN], np.uint8), np.array([r[0] for r in TRAIN], np.uint8)
    digests = [hashlib.blake2b(row, digest_size=16).digest() for row in pixels]
    order = sorted(range(len(TRAIN)), key=lambda i: (digests[i], labels[i]))
    identity = b"".join(digests[i] for i in order) + labels[order].tobytes() + repr(tuple(range(10))).encode()
    return hashlib.blake2b(identity, digest_size=6).hexdigest()


@pytest.mark.parametrize("name", FORMS)
def test_a_form_that_is_read(catwalk: Catwalk, project: Path, fingerprint: str, name: str) -> None:
    case = FORMS[name]
    paths = write(project, case)
    before = {path: path.read_bytes() for path in paths.raw.rglob("*") if path.is_file()}
    code, out, err = catwalk("prepare", "--competition", "case")
    assert (code, err) == (0, "")
    for words in case.noted:
        assert words in out
    got = prepare.load(paths, 1)
    if case.equal:
        assert got.fingerprint == fingerprint
        np.testing.assert_array_equal(got.test_pixels, UNLABELLED)
    assert {int(label) for label in got.labels[got.validation]} == set(range(10))
    assert {int(label) for label in got.labels[got.train]} == set(range(10))
    assert paths.sealed_labels.is_file() == case.labelled
    if case.labelled:
        assert np.load(paths.sealed_labels).tolist() == [row[0] for row in TEST]
    now = {path: path.read_bytes() for path in paths.raw.rglob("*") if path.is_file()}
    assert now.pop(paths.manifest)
    assert now == before, "the user's files are only read"
    assert "already done" in catwalk("prepare", "--competition", "case")[1].splitlines()[0]


@pytest.mark.parametrize("name", REFUSED)
def test_a_form_that_is_refused(catwalk: Catwalk, project: Path, name: str) -> None:
    """In one line; where its advice is followed, the same command succeeds."""
    advised(catwalk, project, REFUSED[name])


def advised(catwalk: Catwalk, project: Path, case: Case) -> str:
    """What the command says once the advice of its one line is followed; empty if there is none to follow."""
    paths = write(project, case)
    code, _, err = catwalk("prepare", "--competition", "case")
    assert (code, err.count("\n")) == (2, 1), err
    assert len(err) <= 300
    assert " remove" not in err
    for words in case.said:
        assert words in err
    if case.follow is None:
        return ""
    for what, change in case.follow.items():
        if isinstance(change, bytes):
            add(paths, {what: change})
        else:
            text = paths.toml.read_text()
            paths.toml.write_text(re.sub(what, change, text, count=1))
            assert paths.toml.read_text() != text
    code, out, err = catwalk("prepare", "--competition", "case")
    assert (code, err) == (0, "")
    return out


def test_the_sample_s_order_is_the_submission_s(catwalk: Catwalk, project: Path) -> None:
    """Pictures, ids and sealed labels follow the sample; another order is another test set."""
    order = np.random.default_rng(1).permutation(len(IDS))
    test = csv(["id", *HEAD], [[id_, *row] for id_, row in zip(IDS, TEST, strict=True)])
    sample = csv(["id", "label"], [[IDS[i], 0] for i in order])
    paths = write(project, Case({**PLAIN, "test.csv": test, "sample.csv": sample}, toml=SAMPLE))
    assert catwalk("prepare", "--competition", "case")[0] == 0
    one = prepare.load(paths, 1)
    assert one.test_ids == [str(IDS[i]) for i in order]
    np.testing.assert_array_equal(one.test_pixels, np.array(UNLABELLED)[order])
    assert np.load(paths.sealed_labels).tolist() == [TEST[i][0] for i in order]
    (paths.raw / "sample.csv").write_bytes(csv(["id", "label"], [[id_, 0] for id_ in IDS]))
    assert catwalk("prepare", "--competition", "case")[0] == 0
    two = prepare.load(paths, 1)
    assert two.test_ids == [str(id_) for id_ in IDS]
    assert two.test_fingerprint != one.test_fingerprint
    assert two.fingerprint == one.fingerprint


LABEL_FILES: dict[str, Case] = {
    "labels alone": REFUSED["labels in a CSV of their own"],
    "with CRLF": Case(
        {**NO_LABELS, "train_labels.csv": csv(None, [r[:1] for r in TRAIN], end="\r\n")}, toml=NO_HEADER
    ),
    "a header of its own": Case(
        {**NO_LABELS, "y_train.csv": csv(["label"], [r[:1] for r in TRAIN])}, toml=NO_HEADER
    ),
    "with numbers": Case(
        {
            "train.csv": csv(PIXELS, [r[1:] for r in TRAIN]),
            "test.csv": csv(PIXELS, UNLABELLED),
            "trainLabels.csv": csv(["id", "label"], [[i, r[0]] for i, r in enumerate(TRAIN, 1)]),
        }
    ),
    "with semicolons and a byte order mark": Case(
        {
            **NO_LABELS,
            "labels.csv": csv(["id", "label"], [[i, r[0]] for i, r in enumerate(TRAIN)], ";", start="\ufeff"),
        },
        toml=NO_HEADER,
    ),
    "with ids on both sides": Case(
        {
            "train.csv": csv(["id", *PIXELS], [[f"a{i}", *r[1:]] for i, r in enumerate(TRAIN)]),
            "test.csv": csv(["id", *PIXELS], BY_ID),
            "labels.csv": csv(["id", "label"], [[f"a{i}", r[0]] for i, r in enumerate(TRAIN)]),
        },
        toml=WITH_ID,
    ),
}


@pytest.mark.parametrize("name", LABEL_FILES)
def test_joined_labels(catwalk: Catwalk, project: Path, fingerprint: str, name: str) -> None:
    """The line of the TOML that is advised for labels in a CSV of their own joins the two."""
    paths = write(project, LABEL_FILES[name])
    _, _, err = catwalk("prepare", "--competition", "case")
    (line,) = re.findall(r"write (train_labels = .*) under \[files\]", err)
    paths.toml.write_text(paths.toml.read_text().replace("[files]\n", f"[files]\n{line}\n"))
    assert catwalk("prepare", "--competition", "case")[0] == 0
    assert prepare.load(paths, 1).fingerprint == fingerprint


@pytest.mark.parametrize("where", ["folder", "folder.zip", "raw"])
def test_joined_labels_of_a_source(
    catwalk: Catwalk, project: Path, tmp_path: Path, fingerprint: str, where: str
) -> None:
    """Also where only the files that the TOML names are copied: from SOURCE=, or out of a zip."""
    files, source = LABEL_FILES["labels alone"].files, tmp_path / where
    paths = write(project, Case({"a.zip": zipped(files)} if where == "raw" else {}, toml=NO_HEADER))
    if where == "folder":
        source.mkdir()
        for name, content in files.items():
            (source / name).write_bytes(content)
    elif where == "folder.zip":
        source.write_bytes(zipped(files))
    command = ["prepare", "--competition", "case", *([] if where == "raw" else ["--source", str(source)])]
    _, _, err = catwalk(*command)
    line = 'train_labels = "train_labels.csv"'
    assert f"write {line} under [files] in competitions/case.toml" in err
    paths.toml.write_text(paths.toml.read_text().replace("[files]\n", f"[files]\n{line}\n"))
    code, _, err = catwalk(*command)
    assert (code, err) == (0, "")
    assert prepare.load(paths, 1).fingerprint == fingerprint


@pytest.mark.parametrize("ids", ["b", "fewer"])
def test_labels_that_do_not_pair_up_are_not_joined(catwalk: Catwalk, project: Path, ids: str) -> None:
    """With other ids, or of another number, each row would get a stranger's label."""
    rows = [[f"{ids[0]}{i}", r[0]] for i, r in enumerate(TRAIN)][: -1 if ids == "fewer" else None]
    files = {**LABEL_FILES["with ids on both sides"].files, "labels.csv": csv(["id", "label"], rows)}
    write(project, Case(files, toml=WITH_ID))
    code, _, err = catwalk("prepare", "--competition", "case")
    assert (code, "train_labels" in err) == (2, False)


def test_a_zip_as_source(catwalk: Catwalk, project: Path, tmp_path: Path) -> None:
    paths = write(project, Case({}))
    (tmp_path / "download.zip").write_bytes(zipped(PLAIN))
    code, out, _ = catwalk("prepare", "--competition", "case", "--source", str(tmp_path / "download.zip"))
    assert code == 0
    assert "train.csv 120 rows, test.csv 30 rows" in out
    assert (paths.raw / "train.csv").read_bytes() == PLAIN["train.csv"]


def test_a_zip_of_idx_files_as_source(
    catwalk: Catwalk, project: Path, tmp_path: Path, fingerprint: str
) -> None:
    """It is refused; once it is unpacked as advised, its folder is read."""
    paths, archive, folder = write(project, Case({})), tmp_path / "mnist.zip", tmp_path / "unpacked"
    archive.write_bytes(zipped(idx_files(".")))
    code, _, err = catwalk("prepare", "--competition", "case", "--source", str(archive))
    assert (code, err.count("\n")) == (2, 1)
    assert "mnist.zip holds IDX files, which are not read inside a zip: unpack it, and set SOURCE=" in err
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)
    code, _, err = catwalk("prepare", "--competition", "case", "--source", str(folder))
    assert (code, err) == (0, "")
    assert prepare.load(paths, 1).fingerprint == fingerprint


def test_the_repository_s_digits_keep_their_fingerprints(catwalk: Catwalk, project: Path) -> None:
    """Studies made before go on: fingerprint and split of ordinary data never change."""
    assert catwalk("prepare", "--competition", "digits")[0] == 0
    got = prepare.load(Paths(project, "digits"), 1)
    assert (got.fingerprint, got.test_fingerprint) == ("44c0ffd11b11", "beaa75826c63")
    assert load("digits").form == "1ee1de171e4e"
    assert got.validation[:5].tolist() == [3, 4, 16, 23, 24]
