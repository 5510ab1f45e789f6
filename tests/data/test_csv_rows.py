"""csv_rows.py: both readers, what they take, and the line they give for what they don't.

Also: csv_careful.py, csv_columns.py, csv_dialect.py, csv_fast.py, csv_file.py, rows.py.
"""

import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.datasets import load_digits

from catwalk.core.errors import UserError
from catwalk.data import csv_careful, csv_columns, csv_fast, csv_file, csv_rows
from catwalk.data.competition import Competition
from catwalk.data.rows import Rows
from tests.conftest import load

SMALL = replace(
    load("digits"),
    shape=(1, 3),
    labels=(0, 1, 3),
    classes=("a", "b", "d"),
    train_file="train.csv",
    pixel_columns=("pixel1", "pixel2", "pixel3"),
)
HEADER = "label,pixel1,pixel2,pixel3\n"


def read(tmp_path: Path, text: str | bytes, competition: Competition = SMALL) -> Rows:
    path = tmp_path / "train.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return csv_rows.read_rows(path, competition)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pixels=hnp.arrays(np.uint8, st.tuples(st.integers(1, 40), st.just(3))),
    data=st.data(),
    header=st.booleans(),
)
def test_what_is_written_is_read(
    tmp_path: Path, pixels: np.ndarray, data: st.DataObject, header: bool
) -> None:
    competition = replace(SMALL, has_header=header)
    labels = np.array(
        data.draw(st.lists(st.sampled_from([0, 1, 3]), min_size=len(pixels), max_size=len(pixels)))
    )
    # Without a header, one label for all and a last column of labels is refused.
    assume(header or len(np.unique(labels)) > 1 or not set(pixels[:, -1]) <= {0, 1, 3})
    path = tmp_path / "train.csv"
    csv_rows.write_rows(path, pixels, labels, competition)
    got = csv_rows.read_rows(path, competition)
    file = csv_file.of(path, competition)
    columns = csv_columns.find(file, competition)
    fast = csv_fast.read(file, columns, competition)
    careful = csv_careful.read(file, columns, competition)
    assert fast is not None
    for one in (got, fast, careful):
        np.testing.assert_array_equal(one.pixels, pixels)
        assert one.labels is not None
        np.testing.assert_array_equal(np.array([0, 1, 3])[one.labels], labels)


def in_any_notation(numbers: st.SearchStrategy[int]) -> st.SearchStrategy[str]:
    """Cells that both readers take."""
    written = st.sampled_from(["{}", " {}", "{} ", '"{}"', "0{}"])
    return st.tuples(written, numbers).map(lambda pair: pair[0].format(pair[1]))


ODD = st.sampled_from(["7.0", "1e1", "256", "-1", "0x1F", "0X1f"]) | st.text(
    "0123456789 .-+ex\"',;", max_size=5
)


@st.composite
def almost_plain(draw: st.DrawFn) -> list[list[str]]:
    """Rows of a label and three pixels; in half of the files one cell is anything."""
    label, pixel = in_any_notation(st.sampled_from(SMALL.labels)), in_any_notation(st.integers(0, 255))
    rows = [[draw(label), *(draw(pixel) for _ in range(3))] for _ in range(draw(st.integers(1, 6)))]
    if draw(st.booleans()):
        rows[draw(st.integers(0, len(rows) - 1))][draw(st.integers(0, 3))] = draw(ODD)
    return rows


def test_the_fast_reader_never_says_other_than_the_careful_one(tmp_path: Path) -> None:
    path, compared = tmp_path / "train.csv", 0

    @settings(max_examples=150)
    @given(almost_plain())
    def compare(cells: list[list[str]]) -> None:
        nonlocal compared
        path.write_text(HEADER + "".join(",".join(row) + "\n" for row in cells))
        file = csv_file.of(path, SMALL)
        columns = csv_columns.find(file, SMALL)
        fast = csv_fast.read(file, columns, SMALL)
        if fast is None or not len(fast.pixels):
            return
        careful = csv_careful.read(file, columns, SMALL)
        np.testing.assert_array_equal(fast.pixels, careful.pixels)
        np.testing.assert_array_equal(fast.labels, careful.labels)
        compared += 1

    compare()
    assert compared >= 20


@pytest.mark.parametrize(
    "text",
    [
        "label,pixel1,pixel2,pixel3\n3,0,128,255\n",
        "label,pixel1,pixel2,pixel3\n3,0,128,255",
        "label,pixel1,pixel2,pixel3\r\n3,0,128,255\r\n",
        "\ufefflabel,pixel1,pixel2,pixel3\n3,0,128,255\n",
        "label,pixel1,pixel2,pixel3\n3.0,0.0,128.0,255.\n",
        'label,pixel1,pixel2,pixel3\n"3","0","128","255"\n',
        "label, pixel1, pixel2, pixel3\n3, 0, 128, 255\n",
        "pixel3,label,pixel2,pixel1\n255,3,128,0\n",
        "label,pixel1,pixel2,pixel3\n\n3,0,128,255\n\n",
        "label,pixel1,pixel2,pixel3\n \n3,0,128,255\n\t\n ",
        ",label,pixel1,pixel2,pixel3\n0,3,0,128,255\n",
        "Unnamed: 0,label,pixel1,pixel2,pixel3\nx,3,0,128.0,255\n",
    ],
)
def test_forms_that_mean_the_same(tmp_path: Path, text: str) -> None:
    got = read(tmp_path, text)
    np.testing.assert_array_equal(got.pixels, [[0, 128, 255]])
    np.testing.assert_array_equal(got.labels, [2])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        (HEADER, "no rows below the header"),
        ("<!DOCTYPE html><html>", "a web page, not a CSV"),
        (b"PK\x03\x04\0\0", "this is a zip archive, not a CSV: unpack it yourself"),
        (gzip.compress(HEADER.encode(), mtime=0), "this is a gzip archive, not a CSV: unpack it yourself"),
        ("label,pixel1,pixel2\n1,2,3\n", "row 1: shape = [1, 3] needs 3 pixel columns, found 2"),
        ("label,pixel1,pixel2,pixel3,x\n1,2,3,4,5\n", "row 1: 'x' is neither label, id nor pixel"),
        ("label,pixel1,pixel2,pixel3,pixel3\n1,2,3,4,5\n", "row 1: two columns are named 'pixel3'"),
        (HEADER + '1,"2,3,4\n' + "1,2,3,4\n" * 20_000, "row 2: a quotation mark is not closed"),
        (HEADER + "1,2,3,4\n1,2,3\n", "row 3: 3 columns, expected 4"),
        (HEADER + "1,2,3,4\n1,2,3,4,5\n", "row 3: 5 columns, expected 4"),
        (HEADER + "1,2,3,4\n1,2,-3,4\n", "row 3: column 'pixel2': the pixel '-3'"),
        (HEADER + "1,2,3,4\n1,2,3,256\n", "row 3: column 'pixel3': the pixel '256'"),
        (HEADER + "1,2,3,4\n1,2.5,3,4\n", "row 3: column 'pixel1': the pixel '2.5'"),
        (HEADER + "1,2,3,4\n1,,3,4\n", "row 3: column 'pixel1': the pixel ''"),
        (HEADER + "1,2,3,4\n1,nan,3,4\n", "row 3: column 'pixel1': the pixel 'nan'"),
        (HEADER + "1,2,3,4\n1,0X1f,3,4\n", "row 3: column 'pixel1': the pixel '0X1f'"),
        (
            HEADER + "1,2,3,4\n2,2,3,4\n",
            "row 3: column 'label': the label '2' is not one of the 3 from 0 to 3",
        ),
        (HEADER + "1,2,3,4\nx,2,3,4\n", "row 3: column 'label': the label 'x'"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(UserError, match=r"train\.csv: ") as error:
        read(tmp_path, text)
    assert said in str(error.value)
    assert error.value.fix


def test_fractions_without_a_zero_are_numbers(tmp_path: Path) -> None:
    """The first row, in which all are fractions, is no header."""
    scaled = replace(SMALL, has_header=False, scale=255.0)
    got = read(tmp_path, "0,.2,.4,.6\n1,.2,.4,.6\n3,1,1,1\n0,1,1,0\n", scaled)
    assert got.pixels.tolist() == [[51, 102, 153], [51, 102, 153], [255, 255, 255], [255, 255, 0]]
    with pytest.raises(UserError, match="row 1: the first row holds numbers, not column names: add header"):
        read(tmp_path, "0,.2,.4,.6\n1,.2,.4,.6\n", replace(SMALL, scale=255.0))


@pytest.mark.parametrize("cell", ["1e400", "-1e400", "1e309"])
def test_a_number_larger_than_a_float_is_no_pixel(tmp_path: Path, cell: str) -> None:
    with pytest.raises(UserError, match=rf"column 'pixel3': the pixel '{cell}' is not a number from 0 to 1"):
        read(tmp_path, f"{HEADER}1,.2,.4,{cell}\n", replace(SMALL, scale=255.0))


def test_row_numbers_that_pandas_wrote_are_ignored_and_said(tmp_path: Path) -> None:
    assert read(tmp_path, ",label,pixel1,pixel2,pixel3\n0,3,0,128,255\n").ignored == "Unnamed: 0"
    assert read(tmp_path, HEADER + "3,0,128,255\n").ignored is None
    with pytest.raises(UserError, match="'' is neither label, id nor pixel"):
        read(tmp_path, "label,,pixel1,pixel2,pixel3\n3,0,0,128,255\n")


def test_a_test_file_has_no_labels(tmp_path: Path) -> None:
    assert read(tmp_path, "pixel1,pixel2,pixel3\n1,2,3\n").labels is None
    headerless = replace(SMALL, has_header=False)
    assert read(tmp_path, "1,2,3\n", headerless).labels is None
    np.testing.assert_array_equal(read(tmp_path, "3,1,2,3\n", headerless).labels, [2])
    with pytest.raises(UserError, match=r"5 columns, expected 3 pixels .* and a label"):
        read(tmp_path, "1,2,3,4,5\n", headerless)


@pytest.fixture
def fast_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The careful reader, which gives the same slowly, is not to take over."""

    def refuse(*_: object) -> None:
        pytest.fail("the careful reader was needed")

    monkeypatch.setattr(csv_careful, "read", refuse)


@pytest.mark.usefixtures("fast_alone")
def test_blocks_end_where_lines_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_fast, "BLOCK", 50)
    text = HEADER + "".join(f"{i % 2},{i % 256},{i % 7},{i % 99}\n" for i in range(500))
    got = read(tmp_path, text)
    np.testing.assert_array_equal(got.pixels[:, 0], np.arange(500) % 256)
    np.testing.assert_array_equal(got.pixels[:, 2], np.arange(500) % 99)


PARTS = ("Training", "PublicTest")
# By what they are called: what the TOML says, the header, and a row.
FAST: dict[str, tuple[dict[str, Any], str, str]] = {
    "one cell": ({"pixel_columns": ("pixels",)}, "label,pixels\n", "{label},{0} {1} {2}\n"),
    "usage": ({"usage_column": "Usage"}, f"{HEADER[:-1]},Usage\n", "{label},{0},{1},{2},{part}\n"),
    "ids": ({"id_column": "id"}, f"id,{HEADER}", "row {i},{label},{0},{1},{2}\n"),
    "names": ({}, HEADER, "{name},{0},{1},{2}\n"),
}


@pytest.mark.usefixtures("fast_alone")
@pytest.mark.parametrize("form", FAST)
def test_the_fast_reader_takes_more_than_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setattr(csv_fast, "BLOCK", 100)
    changes, text, row = FAST[form]
    count = 200
    pixels = np.arange(3 * count).reshape(count, 3) % 256
    places, parts = np.arange(count) % 3, np.arange(count) % 2
    for i, (place, part) in enumerate(zip(places, parts, strict=True)):
        label, name = SMALL.labels[place], SMALL.classes[place]
        text += row.format(*pixels[i], i=i, label=label, name=name, part=PARTS[part])
    got = read(tmp_path, text, replace(SMALL, **changes))
    np.testing.assert_array_equal(got.pixels, pixels)
    np.testing.assert_array_equal(got.labels, places)
    assert got.ids == ([f"row {i}" for i in range(count)] if form == "ids" else None)
    is_test = None if got.is_test is None else got.is_test.tolist()
    assert is_test == ((parts == 1).tolist() if form == "usage" else None)


@pytest.mark.usefixtures("fast_alone")
def test_a_text_with_0x_within_it_is_no_hexadecimal_number(tmp_path: Path) -> None:
    text = f"id,{HEADER}cell_10x20.png,3,0,128,255\nx_0X1,1,0,1,2\n"
    got = read(tmp_path, text, replace(SMALL, id_column="id"))
    assert got.ids == ["cell_10x20.png", "x_0X1"]


@pytest.mark.parametrize("cell", ["0x1F", "0X1f", "+0x1F", " 0x1F", '"0x1F"'])
def test_a_hexadecimal_number_is_no_pixel(tmp_path: Path, cell: str) -> None:
    with pytest.raises(UserError, match="row 3: column 'pixel1': the pixel"):
        read(tmp_path, f"{HEADER}1,2,3,4\n1,{cell},3,4\n")


@pytest.mark.parametrize(("side", "is_one_cell"), [(128, False), (200, True)])
def test_a_header_or_a_cell_longer_than_python_s_csv_allows(
    tmp_path: Path, side: int, is_one_cell: bool
) -> None:
    """More than 131,072 characters: the names of 128x128 pixels, or 200x200 pixels in one cell."""
    digits, times = load_digits(), side // 8
    grey = (255 - 15 * digits.images[:12]).astype(np.uint8)
    pixels = grey.repeat(times, axis=1).repeat(times, axis=2).reshape(12, -1)
    names = ("pixels",) if is_one_cell else tuple(f"pixel{i}" for i in range(side * side))
    known = replace(load("digits"), shape=(side, side), train_file="train.csv", pixel_columns=names)
    between = " " if is_one_cell else ","
    lines = [
        ",".join(["label", *names]),
        *(
            f"{label},{between.join(map(str, row))}"
            for label, row in zip(digits.target, pixels, strict=False)
        ),
    ]
    assert len(lines[is_one_cell]) > 131_072
    path = tmp_path / "train.csv"
    path.write_text("\n".join(lines))
    file = csv_file.of(path, known)
    careful = csv_careful.read(file, csv_columns.find(file, known), known)
    for rows in (csv_rows.read_rows(path, known), careful):
        np.testing.assert_array_equal(rows.pixels, pixels)
        np.testing.assert_array_equal(rows.labels, digits.target[:12])
