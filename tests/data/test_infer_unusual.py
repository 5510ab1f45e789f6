"""infer.py: files in which one thing is unusual: it is understood, or the line says what is wrong.

Also: infer_classes.py, infer_columns.py, infer_files.py, infer_pixels.py, infer_shape.py,
infer_submission.py, infer_table.py.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage
from sklearn.datasets import load_digits

from catwalk.core.errors import UserError
from catwalk.data import (
    competition,
    csv_careful,
    csv_columns,
    csv_dialect,
    csv_fast,
    csv_file,
    csv_labels,
    csv_rows,
    infer,
    infer_table,
    raw_csvs,
    toml_draft,
)  # fmt: skip

PICTURES, LABELS = load_digits(return_X_y=True)
PIXELS = PICTURES.astype(int) * 15
NAMES = [f"pixel{i}" for i in range(64)]


def write(path: Path, header: list[str] | None, rows: Any, separator: str = ",") -> None:
    lines = ([header] if header else []) + [list(row) for row in rows]
    path.write_text("".join(separator.join(map(str, line)) + "\n" for line in lines))


def look(folder: Path, **choice: str) -> dict[str, Any]:
    """The values of the draft by their keys."""
    scratch = folder.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    return {value.key: value.value for value in infer.look(folder, "Ours", scratch, choice).values}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "files"
    made.mkdir()
    return made


def test_rows_in_the_order_of_their_classes(folder: Path) -> None:
    """A small file's first 200 rows are all of one class."""
    of_class = [(text, *row) for text, row in zip(["cat"] * 300 + ["dog"] * 300, PIXELS, strict=False)]
    write(folder / "pets.csv", ["animal", *NAMES], of_class)
    found = look(folder)
    assert (found["label"], found["classes"]) == ("animal", ["cat", "dog"])


def test_a_column_of_parts_whose_test_rows_come_last(folder: Path) -> None:
    parts = ["train"] * 400 + ["val"] * 60 + ["test"] * 40
    write(
        folder / "data.csv",
        ["split", "label", *NAMES],
        [(part, label, *row) for part, label, row in zip(parts, LABELS, PIXELS, strict=False)],
    )
    found = look(folder)
    assert (found["usage"], found["label"]) == ("split", "label")
    assert "test" not in found


def test_train_and_test_as_the_files_extensions(folder: Path) -> None:
    """As the postal digits' zip.train and zip.test."""
    for name, part in (("zip.train", slice(0, 300)), ("zip.test", slice(300, 400))):
        rows = np.column_stack([LABELS[part], PIXELS[part]])
        write(folder / name, None, rows, separator=" ")
    found = look(folder)
    assert (found["train"], found["test"], found["label"]) == ("zip.train", "zip.test", "first")


def test_words_beside_the_numbers_of_an_array_s_columns(folder: Path) -> None:
    """As pandas writes an array into which a column of words was inserted."""
    words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    rows = [(words[label], *row) for label, row in zip(LABELS[:300], PIXELS, strict=False)]
    write(folder / "train.csv", ["label", *(str(i) for i in range(64))], rows)
    found = look(folder)
    assert (found["label"], found["pixels"], found["classes"]) == ("label", "{}", sorted(words))


def test_a_label_and_its_name_are_no_doubt(folder: Path) -> None:
    """As in Chinese MNIST: 3 and its character in two columns; either gives the same classes."""
    rows = [(*row, label, "zyxwvutsrq"[label]) for row, label in zip(PIXELS[:300], LABELS, strict=False)]
    write(folder / "chinese.csv", [*NAMES, "label", "character"], rows)
    found = look(folder)
    assert (found["label"], found["ignore"]) == ("label", ["character"])


@pytest.mark.parametrize("has_index", [False, True])
def test_arrays_saved_by_pandas(folder: Path, has_index: bool) -> None:
    """The columns' numbers stand above, those of the rows may stand beside."""
    for name, part in (("train", slice(0, 300)), ("test", slice(300, 400))):
        for kind, values in (("X", PIXELS[part]), ("y", LABELS[part, None])):
            numbers = [str(i) for i in range(values.shape[1])]
            rows = [(i, *row) for i, row in enumerate(values)] if has_index else values
            write(folder / f"{kind}_{name}.csv", ["", *numbers] if has_index else numbers, rows)
    found = look(folder)
    assert (found["train"], found["test"]) == ("X_train.csv", "X_test.csv")
    assert (found["train_labels"], found["test_labels"]) == ("y_train.csv", "y_test.csv")
    assert found["shape"] == [8, 8]
    assert found["classes"] == [str(i) for i in range(10)]
    assert "labels" not in found


def drawn(height: int, width: int, count: int = 200) -> Any:
    """(count, height, width) digits, enlarged."""
    return ndimage.zoom(PIXELS.reshape(-1, 8, 8)[:count], (1, height / 8, width / 8), order=1)


@pytest.mark.parametrize("shape", [(20, 15), (15, 20), (18, 32), (24, 18), (36, 18), (10, 30), (24, 24)])
def test_a_shape_that_could_be_a_square_in_colour(folder: Path, shape: tuple[int, int]) -> None:
    """300 values are 10x10x3 too, and 576 are 24x24: what is smoother by far counts."""
    pictures = drawn(*shape).reshape(200, -1)
    names = ["label", *(f"pixel{i}" for i in range(pictures.shape[1]))]
    write(folder / "train.csv", names, np.column_stack([LABELS[:200], pictures]))
    assert look(folder)["shape"] == list(shape)


@pytest.mark.parametrize("choice", [{}, {"SHAPE": "15x20"}])
def test_transpose_says_that_the_pictures_lie(folder: Path, choice: dict[str, str]) -> None:
    """The shape that the files show is that of a lying picture; SHAPE= is that of the upright one."""
    upright = drawn(15, 20)
    names = ["label", *(f"pixel{i}" for i in range(300))]
    lying = upright.swapaxes(1, 2).reshape(200, -1)
    write(folder / "train.csv", names, np.column_stack([LABELS[:200], lying]))
    drafted = infer.look(folder, "Ours", folder.parent, {"TRANSPOSE": "true", **choice})
    known = competition.parse("ours", toml_draft.text(drafted.values, "files"))
    assert (known.shape, known.is_transposed) == ((15, 20), True)
    file = csv_file.of(folder / "train.csv", known)
    columns = csv_labels.corrected(file, csv_columns.find(file, known), known)
    read = csv_careful.read(file, columns, known)
    assert (read.pixels == upright.reshape(200, -1)).all()


def coloured(height: int, width: int, in_planes: bool) -> Any:
    """(200, values) digits, each of two colours."""
    grey = drawn(height, width)[..., None] / 240
    ink, paper = np.random.default_rng(0).integers(20, 240, (2, 200, 1, 1, 3))
    pictures = np.rint(ink * grey + paper * (1 - grey)).astype(int)
    return (np.moveaxis(pictures, -1, 1) if in_planes else pictures).reshape(200, -1)


@pytest.mark.parametrize("shape", [(12, 16), (20, 15), (16, 16)])
@pytest.mark.parametrize("in_planes", [False, True])
def test_a_shape_in_colour(folder: Path, shape: tuple[int, int], in_planes: bool) -> None:
    values = coloured(*shape, in_planes)
    names = ["label", *(f"pixel{i}" for i in range(values.shape[1]))]
    write(folder / "train.csv", names, np.column_stack([LABELS[:200], values]))
    found = look(folder)
    assert (found["shape"], found.get("planes", False)) == ([*shape, 3], in_planes)


@pytest.mark.parametrize("cell", ["", "NaN"])
@pytest.mark.parametrize("rows", [1, 200])
def test_a_pixel_that_is_missing_leaves_the_layout_as_it_is(folder: Path, cell: str, rows: int) -> None:
    """In one row, or in each row another one; the stage data names the row."""
    values = [[label, *row] for label, row in zip(LABELS[:200], coloured(16, 16, True).tolist(), strict=True)]
    for i in range(3, 3 + rows):
        values[i % 200][1 + 3 * i] = cell
    write(folder / "train.csv", ["label", *(f"pixel{i}" for i in range(768))], values)
    found = look(folder)
    assert (found["shape"], found["planes"]) == ([16, 16, 3], True)


@pytest.mark.parametrize(
    ("black", "white", "lowest"), [(-1.0, 1.0, -1), (-0.5, 0.5, -0.5), (-128, 127, -128)]
)
def test_values_below_zero(folder: Path, black: float, white: float, lowest: float) -> None:
    """Both readers make them 0 to 255."""
    values = np.round(black + PIXELS[:300] * ((white - black) / 255), 6 if isinstance(black, float) else 0)
    cells = values if isinstance(black, float) else values.astype(int)
    rows = [(label, *row) for label, row in zip(LABELS, cells, strict=False)]
    write(folder / "train.csv", ["label", *NAMES], rows)
    drafted = infer.look(folder, "Ours", folder.parent, {})
    known = competition.parse("ours", toml_draft.text(drafted.values, "files"))
    assert known.lowest == lowest
    file = csv_file.of(folder / "train.csv", known)
    columns = csv_labels.corrected(file, csv_columns.find(file, known), known)
    fast, careful = csv_fast.read(file, columns, known), csv_careful.read(file, columns, known)
    assert fast is not None
    assert (fast.pixels == PIXELS[:300]).all()
    assert (careful.pixels == PIXELS[:300]).all()


def test_a_value_below_the_lowest_is_named(folder: Path) -> None:
    rows = [(label, *row) for label, row in zip(LABELS, PIXELS[:100] / 127.5 - 1, strict=False)]
    write(folder / "train.csv", ["label", *NAMES], rows)
    drafted = infer.look(folder, "Ours", folder.parent, {})
    known = competition.parse("ours", toml_draft.text(drafted.values, "files"))
    with (folder / "train.csv").open("a") as file:
        file.write(",".join(["3", "-1.5", *["0"] * 63]) + "\n")
    with pytest.raises(UserError, match=r"row 102: .*'-1.5' is not a number from -1 to 1"):
        csv_rows.read_rows(folder / "train.csv", known)


@pytest.mark.parametrize(("low", "high"), [(0, 70_000), (-300, 300)])
def test_values_in_no_known_range_are_told(folder: Path, low: int, high: int) -> None:
    """More than 16 bits, and integers below 0 that are no signed bytes."""
    values = low + PIXELS[:100] * (high - low) // 240
    write(folder / "train.csv", ["label", *NAMES], np.column_stack([LABELS[:100], values]))
    with pytest.raises(UserError) as raised:
        look(folder)
    fix = "write them as 0 to 255, 0 to 1 or 0 to 65535 in a copy of the file"
    assert str(raised.value) == f"train.csv: the values range from {low} to {high}: {fix}"


def test_lowest_needs_a_scale(folder: Path) -> None:
    write(folder / "train.csv", ["label", *NAMES], np.column_stack([LABELS[:100], PIXELS[:100]]))
    drafted = infer.look(folder, "Ours", folder.parent, {})
    text = toml_draft.text(drafted.values, "files").replace("[columns]", "[columns]\nlowest = -1")
    with pytest.raises(UserError, match=r"\[columns\] lowest must be a number, and needs scale"):
        competition.parse("ours", text)


def test_a_sample_with_a_column_for_each_class(folder: Path) -> None:
    """It holds numbers under numbered names, but no pictures; the notes say that it isn't used."""
    rows = [(i, label, *row) for i, (label, row) in enumerate(zip(LABELS[:300], PIXELS, strict=False))]
    write(folder / "train.csv", ["id", "label", *NAMES], rows)
    write(folder / "test.csv", ["id", *NAMES], [(i, *row) for i, row in enumerate(PIXELS[300:400])])
    names = ["id", *(f"class{i}" for i in range(26))]
    write(folder / "sample_submission.csv", names, [(i, *[0.04] * 26) for i in range(100)])
    drafted = infer.look(folder, "Ours", folder.parent, {})
    found = {value.key: value.value for value in drafted.values}
    assert (found["train"], found["test"], found["id"]) == ("train.csv", "test.csv", "id")
    assert "sample" not in found
    assert "sample_submission.csv has 27 columns, not id and label: it is not used" in drafted.notes


def write_with_samples(folder: Path, header: list[str], rows: Any, *names: str) -> None:
    """A train file, a test file of 100 rows without ids, and sample submissions."""
    write(folder / "train.csv", ["label", *NAMES], np.column_stack([LABELS[:300], PIXELS[:300]]))
    write(folder / "test.csv", NAMES, PIXELS[300:400])
    for name in names or ("sample_submission.csv",):
        write(folder / name, header, rows)


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (("gender_submission.csv", "sample_submission.csv"), "sample_submission.csv"),
        (("first_submission.csv", "second_submission.csv"), None),
        (("sample_1.csv", "sample_2.csv"), None),
    ],
)
def test_two_files_that_may_be_the_sample(folder: Path, names: tuple[str, str], chosen: str | None) -> None:
    write_with_samples(folder, ["Id", "Category"], [(i + 1, 0) for i in range(100)], *names)
    drafted = infer.look(folder, "Ours", folder.parent, {})
    found = {value.key: value.value for value in drafted.values}
    assert found.get("sample") == chosen
    assert (found["header"] == ["Id", "Category"]) == (chosen is not None)
    said = f"{', '.join(names)} may each be the sample submission: none is used; name one as sample under"
    assert any(note.startswith(said) for note in drafted.notes) == (chosen is None)


@pytest.mark.parametrize("first_id", [1, 501])
def test_a_sample_whose_label_comes_first_is_refused(folder: Path, first_id: int) -> None:
    """By its values, or, where its ids are others than the test's, by its names."""
    header, test = ["Label", "Id"], ["id", *NAMES]
    write_with_samples(folder, header, [(0, i + first_id) for i in range(100)])
    write(folder / "test.csv", test, [(i + 1, *row) for i, row in enumerate(PIXELS[300:400])])
    with pytest.raises(UserError) as raised:
        look(folder)
    said = "sample_submission.csv: the first column is the label, not the id: write the id column before"
    assert str(raised.value).startswith(said)


def test_a_sample_with_empty_labels(folder: Path) -> None:
    write_with_samples(folder, ["Id", "Category"], [(i + 1, "") for i in range(100)])
    found = look(folder)
    assert (found["sample"], found["header"]) == ("sample_submission.csv", ["Id", "Category"])


def test_a_sample_whose_ids_are_floats(folder: Path) -> None:
    """Not as a submission would write them."""
    write_with_samples(folder, ["Id", "Category"], [(f"{i}.0", 0) for i in range(100)])
    drafted = infer.look(folder, "Ours", folder.parent, {})
    assert "sample" not in [value.key for value in drafted.values]
    said = "the ids of sample_submission.csv are not those of the test: they are not used"
    assert said in drafted.notes


@pytest.mark.parametrize("name", ["train.csv", "test.csv", "train_labels.csv", "sample_submission.csv"])
@pytest.mark.parametrize("end", ["\n", "\r\n\r\n", " \n\t\n"])
def test_blank_lines_are_no_rows(folder: Path, name: str, end: str) -> None:
    """As pandas' and the stages' readers skip them."""
    write_with_samples(folder, ["ImageId", "Label"], [(i, 0) for i in range(100)])
    write(folder / "train.csv", NAMES, PIXELS[:300])
    write(folder / "train_labels.csv", ["label"], LABELS[:300, None])
    with (folder / name).open("a", newline="") as file:
        file.write(end)
    found = look(folder)
    assert (found["train_labels"], found["sample"]) == ("train_labels.csv", "sample_submission.csv")
    assert (found["first_id"], found["classes"]) == (0, [str(i) for i in range(10)])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("first", ["", "sep=,"])
def test_rows_are_counted_over_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str, end: str
) -> None:
    monkeypatch.setattr(infer_table, "BLOCK", 7)
    lines = [first, "a,b", "1,2", "", " ", "3,4", "5,6", "", ""]
    path = tmp_path / "some.csv"
    path.write_bytes(end.join(lines).encode())
    table = infer_table.read("some.csv", path)
    assert table is not None
    assert (table.names, table.row_count) == (["a", "b"], 3)


@pytest.mark.parametrize("test_id", [["test_id"], []])
@pytest.mark.parametrize("name", ["train_id", "id"])
def test_labels_of_shuffled_pictures(folder: Path, test_id: list[str], name: str) -> None:
    """Their ids have another name than the test's, so they are no id of the TOML's."""
    order = np.random.default_rng(0).permutation(300)
    write(folder / "train.csv", ["train_id", *NAMES], np.column_stack([order + 1, PIXELS[order]]))
    write(folder / "train_labels.csv", [name, "label"], enumerate(LABELS[:300], 1))
    test = [(i, *row) if test_id else row for i, row in enumerate(PIXELS[300:400], 1)]
    write(folder / "test.csv", [*test_id, *NAMES], test)
    drafted = infer.look(folder, "Ours", folder.parent, {})
    known = competition.parse("ours", toml_draft.text(drafted.values, "files"))
    assert (known.id_column, known.ignored_columns) == (test_id[0] if test_id else None, ("train_id",))
    names = ("train.csv", "train_labels.csv", "test.csv")
    train, _ = raw_csvs.sides({one: csv_file.of(folder / one, known) for one in names}, known)
    assert train.labels is not None
    assert train.labels.tolist() == LABELS[order].tolist()


def test_labels_that_may_be_of_two_columns(folder: Path) -> None:
    order = np.random.default_rng(0).permutation(300)
    rows = np.column_stack([order + 1, np.arange(1, 301), PIXELS[order]])
    write(folder / "train.csv", ["train_id", "row", *NAMES], rows)
    write(folder / "test.csv", NAMES, PIXELS[300:400])
    labels = folder / "train_labels.csv"
    write(labels, ["number", "label"], enumerate(LABELS[:300], 1))
    drafted = infer.look(folder, "Ours", folder.parent, {})
    known = competition.parse("ours", toml_draft.text(drafted.values, "files"))
    names = ("train.csv", "train_labels.csv", "test.csv")
    files = {one: csv_file.of(folder / one, known) for one in names}
    with pytest.raises(UserError) as raised:
        next(raw_csvs.sides(files, known))
    said = "train_labels.csv: its ids may be those of 'train_id' or 'row' in train.csv: name the first column"
    assert str(raised.value) == f"{said} there as in train.csv"
    write(labels, ["train_id", "label"], enumerate(LABELS[:300], 1))
    train = next(raw_csvs.sides(files, known))
    assert train.labels is not None
    assert train.labels.tolist() == LABELS[order].tolist()


@pytest.mark.parametrize(
    ("choice", "id_", "other", "sample"),
    [({}, "number", "second", None), ({"ID": "second"}, "second", "number", "sample_submission.csv")],
)
def test_id_chooses_between_two_columns_of_ids(
    folder: Path, choice: dict[str, str], id_: str, other: str, sample: str | None
) -> None:
    """The other one is ignored; the sample submission has the ids of the second."""
    second = np.random.default_rng(0).permutation(400) + 1000
    rows = np.column_stack([np.arange(1, 401), second, LABELS[:400], PIXELS[:400]])
    write(folder / "train.csv", ["number", "second", "label", *NAMES], rows[:300])
    write(folder / "test.csv", ["number", "second", *NAMES], np.delete(rows[300:], 2, axis=1))
    write(folder / "sample_submission.csv", ["second", "label"], [(one, 0) for one in second[300:]])
    drafted = infer.look(folder, "Ours", folder.parent, choice)
    known = competition.parse("ours", toml_draft.text(drafted.values, "files"))
    assert (known.id_column, known.ignored_columns, known.sample_file) == (id_, (other,), sample)
    for name in ("train.csv", "test.csv"):
        columns = csv_columns.find(csv_file.of(folder / name, known), known)
        assert columns.id == ["number", "second"].index(id_)


def test_id_chooses_a_column_of_the_one_file(folder: Path) -> None:
    rows = np.column_stack([np.arange(1, 301), np.arange(901, 601, -1), LABELS[:300], PIXELS[:300]])
    write(folder / "train.csv", ["number", "second", "label", *NAMES], rows)
    found = look(folder, ID="second")
    assert (found["id"], found["ignore"]) == ("second", ["number"])


def test_a_table_that_is_no_picture_is_asked_about(folder: Path) -> None:
    """As UCI's letter recognition: a letter, and 16 numbers that have nothing to do with each other."""
    random = np.random.default_rng(0)
    values = random.normal(random.uniform(3, 9, 16), 2, (400, 16)).round().clip(0, 15).astype(int)
    rows = [("ABCDE"[i % 5], *row) for i, row in enumerate(values)]
    write(folder / "letters.csv", None, rows)
    with pytest.raises(UserError, match=r"16 values: are these pictures\? .*: set SHAPE= to one of 4x4$"):
        look(folder)
    assert look(folder, SHAPE="4x4")["shape"] == [4, 4]


def test_pictures_of_4x4_pixels_are_not_asked_about(folder: Path) -> None:
    small = PIXELS.reshape(-1, 8, 8)[:300, ::2, ::2].reshape(300, 16)
    write(
        folder / "small.csv", None, [("ABCDEFGHIJ"[k], *row) for k, row in zip(LABELS, small, strict=False)]
    )
    assert look(folder)["shape"] == [4, 4]


ONE_HOT = np.eye(10, dtype=int)[LABELS[:200]]


@pytest.mark.parametrize(
    ("header", "rows", "said"),
    [
        (["label", *NAMES], [["label", *NAMES]], "the second row repeats the column names"),
        (["# small digits"], [["label", *NAMES]], "'# small digits' is above the column names"),
        (None, np.hstack([PIXELS[:200], ONE_HOT]), "the columns 65 to 74 hold one-hot labels"),
        (None, np.hstack([ONE_HOT, PIXELS[:200]]), "the columns 1 to 10 hold one-hot labels"),
        (
            [*NAMES, *(f"is_{i}" for i in range(10))],
            np.hstack([PIXELS[:200], ONE_HOT]),
            "the columns 65 to 74 hold one-hot labels",
        ),
    ],
)
def test_what_leaves_no_label_is_named(folder: Path, header: list[str] | None, rows: Any, said: str) -> None:
    if len(rows) == 1:
        rows = [*rows, *np.column_stack([LABELS[:200], PIXELS[:200]])]
    write(folder / "train.csv", header, rows)
    with pytest.raises(UserError) as raised:
        look(folder)
    assert f"train.csv: {said}: " in str(raised.value)


def test_names_in_train_and_numbers_in_the_sample_are_noted(folder: Path) -> None:
    words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    rows = [(words[label], *row) for label, row in zip(LABELS[:300], PIXELS, strict=False)]
    write(folder / "train.csv", ["label", *NAMES], rows)
    write(folder / "test.csv", NAMES, PIXELS[300:400])
    write(folder / "sample_submission.csv", ["ImageId", "Label"], [(i + 1, 0) for i in range(100)])
    notes = infer.look(folder, "Ours", folder.parent, {}).notes
    said = "holds numbers, the training rows names: a submission writes 0 for eight, 1 for five"
    assert [note for note in notes if said in note]


@pytest.mark.parametrize(("named", "other"), [("train.csv", "test.csv"), ("test.csv", "train.csv")])
def test_column_names_in_one_of_two_files(folder: Path, named: str, other: str) -> None:
    rows = np.column_stack([LABELS[:300], PIXELS[:300]])
    write(folder / named, ["label", *NAMES], rows)
    write(folder / other, None, rows)
    with pytest.raises(UserError) as raised:
        look(folder)
    assert f"{other}: no column names, but {named} has them: write" in str(raised.value)


def test_two_files_in_one_repeat_the_column_names(folder: Path) -> None:
    rows = [[label, *row] for label, row in zip(LABELS[:300], PIXELS, strict=False)]
    write(folder / "train.csv", ["label", *NAMES], [*rows[:250], ["label", *NAMES], *rows[250:]])
    with pytest.raises(UserError, match=r"train\.csv: a row further down repeats the column names: delete"):
        look(folder)


def test_a_cell_longer_than_python_s_csv_allows(folder: Path) -> None:
    """More than 131,072 characters: 200x200 pixels in one cell."""
    pictures = 255 - drawn(200, 200, 6).reshape(6, -1)
    rows = [(label, " ".join(map(str, row))) for label, row in zip(LABELS, pictures, strict=False)]
    assert len(rows[0][1]) > 131_072
    write(folder / "train.csv", ["label", "pixels"], rows)
    found = look(folder, SHAPE="200x200")
    assert (found["label"], found["pixels"], found["shape"]) == ("label", "pixels", [200, 200])


def test_ids_of_a_large_file_with_few_rows(folder: Path) -> None:
    """It is longer than what is read first, and has fewer rows than are sampled: none is sampled twice."""
    pictures = drawn(28, 28, 1200).reshape(1200, -1)
    ids, names = np.random.default_rng(0).permutation(1000) + 1, [f"pixel{i}" for i in range(784)]
    write(folder / "train.csv", ["label", *names], np.column_stack([LABELS[:200], pictures[:200]]))
    write(folder / "test.csv", ["id", *names], np.column_stack([ids, pictures[200:]]))
    write(folder / "sample_submission.csv", ["id", "label"], [(i + 1, 0) for i in range(1000)])
    assert (folder / "test.csv").stat().st_size > csv_dialect.BLOCK
    found = look(folder)
    assert (found["id"], found["sample"]) == ("id", "sample_submission.csv")
    assert "ignore" not in found
