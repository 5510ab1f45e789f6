"""row_numbers.py, raw_rows.py: a row is found again in the raw file, whatever lines are between the rows."""

import gzip
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from catwalk.core.paths import Paths
from catwalk.data import csv_file as csv_files
from catwalk.data import csv_rows, download, prepare, raw_rows, test_rows
from catwalk.data.prepare import Prepared
from catwalk.data.raw_rows import RawRows
from tests.conftest import digits_paths, load
from tests.data.test_csv_rows import HEADER, SMALL, read

ROWS = ["0,1,2,3", "1,4,5,6", "3,7,8,9"]


def ends(text: str, end: str) -> bytes:
    return text.replace("\n", end).encode()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        (HEADER + "\n".join(ROWS), [2, 3, 4]),
        (HEADER + "\n".join(ROWS) + "\n", [2, 3, 4]),
        (HEADER + "\n".join(ROWS) + "\n\n\n", [2, 3, 4]),
        (HEADER + ROWS[0] + "\n\n" + ROWS[1] + "\n\n\n" + ROWS[2] + "\n", [2, 4, 7]),
        (HEADER + "\n" + "\n".join(ROWS) + "\n", [3, 4, 5]),
        ("\n\n" + HEADER + "\n".join(ROWS) + "\n", [4, 5, 6]),
        ("sep=,\n" + HEADER + ROWS[0] + "\n  \n" + ROWS[1] + "\n" + ROWS[2] + "\n", [3, 5, 6]),
        ('label,pixel1,pixel2,"pixel3\n"\n' + "\n".join(ROWS) + "\n", [2, 3, 4]),
        (HEADER + '0,1,"2\n",3\n' + "\n".join(ROWS[1:]) + "\n", [2, 3, 4]),
    ],
)
def test_rows_are_counted_as_a_spreadsheet_does(
    tmp_path: Path, text: str, numbers: list[int], end: str
) -> None:
    got = read(tmp_path, ends(text, end))
    assert got.numbers is not None
    assert got.numbers.tolist() == numbers
    assert got.pixels.tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]


def test_without_a_header_the_first_row_is_1(tmp_path: Path) -> None:
    got = read(tmp_path, "\n".join(ROWS), replace(SMALL, has_header=False))
    assert got.numbers is not None
    assert got.numbers.tolist() == [1, 2, 3]


def test_a_number_is_the_one_that_an_error_would_name(tmp_path: Path) -> None:
    lines = [HEADER, "\n", *(f"{row}\n" for row in ROWS), "\n", "3,0,0,0\n"]
    got = read(tmp_path, "".join(lines))
    assert got.numbers is not None
    lines[got.numbers[3] - 1] = "3,0,0,x\n"
    with pytest.raises(Exception, match=f"train.csv: row {got.numbers[3]}: column 'pixel3'"):
        read(tmp_path, "".join(lines))


def test_the_training_rows_of_one_file_keep_their_numbers(tmp_path: Path) -> None:
    competition = replace(SMALL, test_share=0.4, test_file="train.csv")
    path = tmp_path / "train.csv"
    path.write_text(HEADER + "".join(f"{i % 2},{i},{i},{i}\n" + "\n" * (i == 3) for i in range(10)))
    file = csv_files.of(path, competition)
    train, test = test_rows.divide(file, csv_rows.read_csv(file, competition), competition)
    assert test.numbers is None
    assert train.numbers is not None
    assert len(train.numbers) == 6
    for pixel, number in zip(train.pixels[:, 0], train.numbers, strict=True):
        assert number == pixel + (2 if pixel <= 3 else 3)


def prepared(paths: Paths) -> tuple[Prepared, RawRows]:
    competition = load("digits")
    download.run(paths, competition, "auto", lambda _: None)
    prepare.run(paths, competition, 1, lambda _: None)
    made = prepare.load(paths, 1)
    found = raw_rows.read(paths, len(made.labels))
    assert found is not None
    return made, found


def spaced(path: Path) -> None:
    """Blank lines and Windows' line ends."""
    lines = path.read_text().splitlines()
    path.write_bytes("\r\n".join([*lines[:500], "", *lines[500:900], "", "", *lines[900:], ""]).encode())


@pytest.mark.parametrize("change", [lambda path: None, spaced], ids=["plain", "blank lines"])
def test_a_prepared_row_is_found_in_the_raw_file(
    project: Path, digits_raw: Path, change: Callable[[Path], None]
) -> None:
    paths = digits_paths(project, digits_raw)
    train = paths.raw / "digits_train.csv"
    change(train)
    made, found = prepared(paths)
    assert found.counted == "row"
    lines = train.read_text().splitlines()
    for row, number in enumerate(found.numbers):
        cells = [int(cell) for cell in lines[number - 1].split(",")]
        assert cells == [made.labels[row], *made.pixels[row]]


def test_of_idx_files_the_picture_s_index(project: Path, digits_raw: Path) -> None:
    paths = Paths(project, "digits")
    paths.raw.mkdir(parents=True)
    pictures = {}
    for part, csv in (("train", "digits_train.csv"), ("t10k", "digits_test.csv")):
        table = np.loadtxt(digits_raw / csv, np.uint8, delimiter=",", skiprows=1)
        pictures[part] = table
        for kind, array in (("images-idx3", table[:, 1:].reshape(-1, 8, 8)), ("labels-idx1", table[:, 0])):
            head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
            (paths.raw / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(head + array.tobytes()))
    made, found = prepared(paths)
    assert found.counted == "index"
    np.testing.assert_array_equal(pictures["train"][found.numbers, 1:], made.pixels)
    np.testing.assert_array_equal(pictures["train"][found.numbers, 0], made.labels)


def test_what_an_earlier_catwalk_prepared_has_no_numbers(project: Path, digits_raw: Path) -> None:
    paths = digits_paths(project, digits_raw)
    made, _ = prepared(paths)
    assert raw_rows.read(paths, len(made.labels) + 1) is None, "of other rows"
    content = paths.raw_rows.read_bytes()
    paths.raw_rows.write_bytes(content[:100])
    assert raw_rows.read(paths, len(made.labels)) is None, "damaged"
    start = 30 + int.from_bytes(content[26:28], "little") + int.from_bytes(content[28:30], "little")
    paths.raw_rows.write_bytes(content[:start] + b"\x07" + content[start + 1 :])  # no kind of block
    assert raw_rows.read(paths, len(made.labels)) is None, "damaged inside"
    paths.raw_rows.unlink()
    said: list[str] = []
    assert not prepare.run(paths, load("digits"), 1, said.append)
    assert said[0].startswith("prepare: already done"), "it is not prepared again"
    assert raw_rows.read(paths, len(made.labels)) is None
