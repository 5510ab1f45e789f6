"""new_competition.py: the command that looks at files, what it asks, and what it leaves alone.

Also: csv_head.py, infer_candidates.py, infer_doubt.py, stages.py, toml_choices.py, toml_draft.py,
unknown_competition.py.
"""

import builtins
import errno
import gzip
import os
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits

from catwalk import stages
from catwalk.core.paths import Paths
from catwalk.data import competition, new_competition, prepare, test_labels, test_rows, toml_choices
from tests.conftest import load, run_catwalk
from tests.data.test_file_forms import LFS, PAGE, PLAIN, REFUSED, locked, zipped
from tests.support.kaggle_server import Kaggle, serving
from tests.support.public_forms import FORMS

Catwalk = Callable[..., tuple[int, str, str]]
PICTURES, LABELS = load_digits(return_X_y=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "my files"
    made.mkdir()
    return made


def write(path: Path, header: list[str] | None, rows: list[list[object]]) -> None:
    lines = [list[object](header or []), *rows][header is None :]
    path.write_text("".join(",".join(map(str, line)) + "\n" for line in lines))


def digits(start: int = 0, count: int = 200) -> list[list[object]]:
    """Rows of a label and 64 pixels of 0 to 240."""
    part = slice(start, start + count)
    return [
        [int(k), *(int(15 * v) for v in row)] for k, row in zip(LABELS[part], PICTURES[part], strict=True)
    ]


HEADER = ["label", *(f"pixel{i}" for i in range(64))]


def test_each_value_has_its_reason_in_the_toml_and_on_the_terminal(
    catwalk: Catwalk, project: Path, folder: Path
) -> None:
    FORMS["optdigits"](folder)
    code, out, err = catwalk("new", "--competition", "optical", "--source", str(folder))
    assert (code, err) == (0, "")
    lines = Paths(project, "optical").toml.read_text().splitlines()
    values = [i for i, line in enumerate(lines) if " = " in line and not line.startswith("#")]
    assert len(values) >= 10
    for i in values:
        assert lines[i - 1].startswith("# "), lines[i]
        assert lines[i].split(" = ")[0] in out
    assert "times 255 / 16" in " ".join(out.split())
    assert "transpose = true" in out
    assert "wrote competitions/optical.toml" in out


def test_a_toml_that_is_there_stays(catwalk: Catwalk, project: Path, folder: Path) -> None:
    write(folder / "train.csv", HEADER, digits())
    before = (project / "competitions" / "digits.toml").read_bytes()
    code, _, err = catwalk("new", "--competition", "digits", "--source", str(folder))
    assert (code, err.count("\n")) == (2, 1)
    assert "competitions/digits.toml: already exists, and is left unchanged" in err
    assert err.endswith(": choose a new COMPETITION= for other data, or edit that file\n")
    assert (project / "competitions" / "digits.toml").read_bytes() == before


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("/nowhere/at all", "SOURCE=/nowhere/at all: no such folder, zip or CSV"),
        ("keras", "SOURCE=keras: it does not have the competition ours"),
        ("No Such Thing!", "is not the name of a competition on Kaggle"),
        ("auto", "there are no files in data/ours/raw: set SOURCE="),
    ],
)
def test_a_source_that_is_none_is_named(catwalk: Catwalk, project: Path, source: str, said: str) -> None:
    code, _, err = catwalk("new", "--competition", "ours", "--source", source)
    assert (code, err.count("\n")) == (2, 1)
    assert said in err
    assert not (project / "competitions" / "ours.toml").exists()


@pytest.mark.parametrize("name", ["../ours", "a b", ""])
def test_a_name_that_is_no_file_name_is_refused(catwalk: Catwalk, folder: Path, name: str) -> None:
    write(folder / "train.csv", HEADER, digits())
    code, _, err = catwalk("new", "--competition", name, "--source", str(folder))
    assert (code, err.count("\n")) == (2, 1)
    assert "COMPETITION=" in err


def test_files_that_hold_no_pictures_are_named(catwalk: Catwalk, folder: Path) -> None:
    write(folder / "metadata.csv", ["id", "age", "kind"], [[i, 30 + i % 9, "abc"[i % 3]] for i in range(50)])
    code, _, err = catwalk("new", "--competition", "ours", "--source", str(folder))
    assert (code, err.count("\n")) == (2, 1)
    assert "found no CSV with one picture in each row" in err


def write_doubts(folder: Path, what: str) -> None:
    """Files of which one thing can't be seen."""
    rows = digits()
    if what == "TRAIN":
        write(folder / "small.csv", HEADER, rows)
        write(folder / "large.csv", HEADER, rows * 2)
    elif what == "LABEL":
        kinds = [[i % 4, *row] for i, row in enumerate(rows)]
        write(folder / "train.csv", ["class", *HEADER], kinds)
    elif what == "SHAPE":
        noise = np.random.default_rng(0).integers(0, 256, (200, 96)).tolist()
        names = ["label", *(f"pixel{i}" for i in range(96))]
        write(folder / "train.csv", names, [[i % 5, *row] for i, row in enumerate(noise)])
    else:
        write(folder / "train.csv", HEADER, rows)
        write(folder / "test_1.csv", HEADER, rows[:50])
        write(folder / "test_2.csv", HEADER, rows[50:100])


@pytest.mark.parametrize(
    ("variable", "candidates", "key"),
    [
        ("TRAIN", ["small.csv", "large.csv"], "train_file"),
        ("TEST", ["test_1.csv", "test_2.csv"], "test_file"),
        ("LABEL", ["class", "label"], "label_column"),
        ("SHAPE", ["8x12", "12x8"], "shape"),
    ],
)
def test_a_doubt_is_one_line_and_its_variable_decides(
    catwalk: Catwalk, project: Path, folder: Path, variable: str, candidates: list[str], key: str
) -> None:
    write_doubts(folder, variable)
    asked = ("new", "--competition", "ours", "--source", str(folder))
    code, _, err = catwalk(*asked)
    assert (code, err.count("\n")) == (2, 1)
    assert len(err) <= 300
    assert f"set {variable}= to one of" in err
    assert all(one in err for one in candidates)
    assert not Paths(project, "ours").toml.exists()
    code, _, err = catwalk(*asked, f"--{variable.lower()}", candidates[1])
    assert (code, err) == (0, "")
    found = getattr(competition.load(Paths(project, "ours")), key)
    assert found == ((12, 8) if key == "shape" else candidates[1])
    assert catwalk("prepare", "--competition", "ours")[0] == 0


def test_id_decides_which_column_has_the_submission_s_ids(
    catwalk: Catwalk, project: Path, folder: Path
) -> None:
    """Of two that may be it; the stages after it skip the other."""
    rows: list[list[object]] = [[i, 900 - i, *row] for i, row in enumerate(digits(count=300))]
    write(folder / "train.csv", ["number", "second", *HEADER], rows[:200])
    without_label = [[*row[:2], *row[3:]] for row in rows[200:]]
    write(folder / "test.csv", ["number", "second", *HEADER[1:]], without_label)
    code, _, err = catwalk("new", "--competition", "ours", "--source", str(folder), "--id", "second")
    assert (code, err) == (0, "")
    paths = Paths(project, "ours")
    known = competition.load(paths)
    assert (known.id_column, known.ignored_columns) == ("second", ("number",))
    code, _, err = catwalk("prepare", "--competition", "ours")
    assert (code, err) == (0, "")
    assert prepare.test_ids(paths) == [str(row[1]) for row in rows[200:]]


def test_a_doubt_is_asked_on_a_terminal(
    catwalk: Catwalk, project: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_doubts(folder, "TRAIN")
    asked: list[str] = []
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    def answer(question: str) -> str:
        asked.append(question)
        return "2"

    monkeypatch.setattr(builtins, "input", answer)
    code, out, err = catwalk("new", "--competition", "ours", "--source", str(folder))
    assert (code, err, asked) == (0, "", ["TRAIN= "])
    assert "1  large.csv" in out
    assert competition.load(Paths(project, "ours")).train_file == "small.csv"


def test_ctrl_d_at_a_question_stops_and_writes_nothing(
    catwalk: Catwalk, project: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_doubts(folder, "TRAIN")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    def end(question: str) -> str:
        raise EOFError

    monkeypatch.setattr(builtins, "input", end)
    code, _, err = catwalk("new", "--competition", "ours", "--source", str(folder))
    assert (code, err.count("\n")) == (130, 1)
    assert "catwalk new: stopped" in err
    assert not Paths(project, "ours").toml.exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--shape", "7x9"), "SHAPE=7x9: 7x9 does not have 64 values"),
        (("--label", "colour"), "LABEL=colour: train.csv has no such column"),
        (("--train", "x.csv"), "TRAIN=x.csv: no such table of pictures (found: train.csv)"),
        (("--test", "x.csv"), "TEST=x.csv: no such table of pictures (found: train.csv)"),
    ],
)
def test_a_decision_that_does_not_fit_is_named(
    catwalk: Catwalk, folder: Path, given: tuple[str, str], said: str
) -> None:
    write(folder / "train.csv", HEADER, digits())
    code, _, err = catwalk("new", "--competition", "ours", "--source", str(folder), *given)
    assert (code, err.count("\n")) == (2, 1)
    assert said in err


def test_labels_apart_from_the_one_file(catwalk: Catwalk, project: Path, folder: Path) -> None:
    rows = digits()
    write(folder / "digits.csv", None, [row[1:] for row in rows])
    write(folder / "digits_labels.csv", ["label"], [[row[0]] for row in rows])
    assert catwalk("new", "--competition", "ours", "--source", str(folder))[0] == 0
    code, _, err = catwalk("prepare", "--competition", "ours")
    assert (code, err) == (0, "")
    paths = Paths(project, "ours")
    known = competition.load(paths)
    assert (known.train_labels_file, known.test_share) == ("digits_labels.csv", 0.15)
    truth = test_labels.open_labels(paths, "a test", "none")
    places = [int(id_) - 1 for id_ in prepare.test_ids(paths)]
    assert [rows[place][0] for place in places] == truth.tolist()
    blind: list[list[object]] = [[77 if i in places else row[0]] for i, row in enumerate(rows)]
    write(folder / "digits_labels.csv", ["label"], blind)
    code, _, err = catwalk("prepare", "--competition", "ours")
    assert (code, err) == (0, "")
    assert prepare.test_ids(paths) == [str(place + 1) for place in places]
    row = max(set(range(len(rows))) - set(places))
    blind[row] = [77]
    write(folder / "digits_labels.csv", ["label"], blind)
    code, _, err = catwalk("prepare", "--competition", "ours")
    assert (code, err.count("\n")) == (2, 1)
    assert f"picture {row + 1:,} has an unknown label in digits_labels.csv" in err


@pytest.mark.parametrize("first", [1, 0])
def test_labels_of_the_held_out_rows_do_not_change_the_classes(
    catwalk: Catwalk, project: Path, folder: Path, first: int
) -> None:
    """Zeros in these rows of the one file, looked at anew: 0 is a class only where labelled rows have it."""
    rows = [[int(str(row[0])) + first, *row[1:]] for row in digits()]
    write(folder / "seen.csv", HEADER, rows)
    assert catwalk("new", "--competition", "seen", "--source", str(folder / "seen.csv"))[0] == 0
    assert catwalk("prepare", "--competition", "seen")[0] == 0
    seen = Paths(project, "seen")
    held_out = {int(id_) - 1 for id_ in prepare.test_ids(seen)}
    blind_rows = [[0, *row[1:]] if i in held_out else row for i, row in enumerate(rows)]
    write(folder / "blind.csv", HEADER, blind_rows)
    assert catwalk("new", "--competition", "blind", "--source", str(folder / "blind.csv"))[0] == 0
    assert catwalk("prepare", "--competition", "blind")[0] == 0
    blind = Paths(project, "blind")
    known = [competition.load(paths) for paths in (seen, blind)]
    assert known[0].labels == known[1].labels == tuple(range(first, 10 + first))
    assert known[0].classes == known[1].classes
    for one, other in ((seen.pixels, blind.pixels), (seen.labels, blind.labels)):
        assert one.read_bytes() == other.read_bytes()
    assert not test_labels.are_there(blind)


def test_test_labels_apart_are_joined_by_id(catwalk: Catwalk, project: Path, folder: Path) -> None:
    rows, pixels = digits(count=300), HEADER[1:]
    write(folder / "train.csv", ["id", *HEADER], [[i, *row] for i, row in enumerate(rows[:200])])
    write(folder / "test.csv", ["id", *pixels], [[i, *rows[i][1:]] for i in range(200, 300)])
    write(folder / "test_labels.csv", ["id", "label"], [[i, rows[i][0]] for i in range(299, 199, -1)])
    assert catwalk("new", "--competition", "ours", "--source", str(folder))[0] == 0
    assert catwalk("prepare", "--competition", "ours")[0] == 0
    truth = test_labels.open_labels(Paths(project, "ours"), "a test", "none")
    assert truth.tolist() == [row[0] for row in rows[200:]]


def test_files_of_one_name_in_two_folders_are_named(catwalk: Catwalk, folder: Path) -> None:
    for side in ("train", "test"):
        (folder / side).mkdir()
        write(folder / side / "data.csv", HEADER, digits())
    code, _, err = catwalk("new", "--competition", "ours", "--source", str(folder))
    assert (code, err.count("\n")) == (2, 1)
    assert "data.csv is in more than one folder: put a copy of each with a name" in err


def both_csvs(folder: Path) -> None:
    for name, rows in (("train.csv", digits()), ("test.csv", digits(200, 50))):
        write(folder / name, HEADER, rows)


def test_a_csv_beside_the_archive_that_it_came_from(catwalk: Catwalk, project: Path, folder: Path) -> None:
    both_csvs(folder)
    (folder / "train.csv.gz").write_bytes(gzip.compress((folder / "train.csv").read_bytes()))
    assert catwalk("new", "--competition", "ours", "--source", str(folder))[::2] == (0, "")
    code, out, err = catwalk("prepare", "--competition", "ours")
    assert (code, err) == (0, "")
    assert "200 labelled rows, 50 test rows" in out


def test_a_damaged_zip_beside_whole_csvs(catwalk: Catwalk, project: Path, folder: Path) -> None:
    """It matters only where the pictures are nowhere else."""
    (folder / "half.zip").write_bytes(zipped(PLAIN)[:3000])
    asked = ("new", "--competition", "ours", "--source", str(folder))
    code, _, err = catwalk(*asked)
    assert (code, err.count("\n")) == (2, 1)
    assert "half.zip: damaged zip file: download it again" in err
    both_csvs(folder)
    assert catwalk(*asked)[::2] == (0, "")
    code, out, err = catwalk("prepare", "--competition", "ours")
    assert (code, err) == (0, "")
    assert "200 labelled rows, 50 test rows" in out


def test_a_folder_in_which_a_disk_is_mounted_is_looked_into(
    catwalk: Catwalk, project: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unlike a notebook, where it may be Google Drive (test_hackathon.py)."""
    both_csvs(folder)
    (folder / "disk").mkdir()
    (folder / "train.csv").rename(folder / "disk/train.csv")
    monkeypatch.setattr(Path, "is_mount", lambda path: path.name == "disk")
    assert catwalk("new", "--competition", "ours", "--source", str(folder))[::2] == (0, "")
    code, out, err = catwalk("prepare", "--competition", "ours")
    assert (code, err) == (0, "")
    assert "200 labelled rows, 50 test rows" in out


def test_a_packed_csv(catwalk: Catwalk, project: Path, folder: Path) -> None:
    write(folder / "numbers.csv", HEADER, digits())
    packed = folder / "numbers.csv.gz"
    packed.write_bytes(gzip.compress((folder / "numbers.csv").read_bytes()))
    assert catwalk("new", "--competition", "ours", "--source", str(packed))[0] == 0
    code, out, err = catwalk("prepare", "--competition", "ours")
    assert (code, err) == (0, "")
    assert "170 labelled rows, 30 test rows" in out


OTHER_COMPRESSION = zipped(PLAIN).replace(b"\x14\0\0\0\x08\0", b"\x14\0\0\0\x09\0")  # as Windows' Deflate64


@pytest.mark.parametrize(
    ("archive", "said"),
    [
        (locked(zipped(PLAIN)), "archive.zip: is password-protected: unpack it yourself"),
        (OTHER_COMPRESSION, "archive.zip: its compression method is not supported: unpack it yourself"),
        (zipped({"train.zip": zipped({"1.png": b"\x89PNG"})}), "found no CSV with one picture in each row"),
    ],
    ids=["a password", "another compression", "pictures"],
)
def test_why_a_zip_can_t_be_read(catwalk: Catwalk, folder: Path, archive: bytes, said: str) -> None:
    (folder / "archive.zip").write_bytes(archive)
    code, _, err = catwalk("new", "--competition", "ours", "--source", str(folder))
    assert (code, err.count("\n")) == (2, 1)
    assert said in err


@pytest.mark.parametrize("ending", ["gz", "zip"])
def test_a_zip_of_packed_csvs(catwalk: Catwalk, project: Path, folder: Path, ending: str) -> None:
    """As the zip of a competition on Kaggle; the pictures beside the CSVs do not matter."""
    packed = {"pictures.zip": zipped({"1.png": b"\x89PNG", "2.png": b"\x89PNG"})}
    for name, rows in (("train.csv", digits()), ("test.csv", digits(200, 50))):
        write(folder / name, HEADER, rows)
        content = (folder / name).read_bytes()
        packed[f"{name}.{ending}"] = gzip.compress(content) if ending == "gz" else zipped({name: content})
    archive = folder.parent / "archive.zip"
    archive.write_bytes(zipped(packed))
    code, _, err = catwalk("new", "--competition", "ours", "--source", str(archive))
    assert (code, err) == (0, "")
    code, out, err = catwalk("prepare", "--competition", "ours")
    assert (code, err) == (0, "")
    assert "200 labelled rows, 50 test rows" in out


def test_a_full_disk_is_told(catwalk: Catwalk, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the beginning of a packed CSV is written."""
    (folder / "archive.zip").write_bytes(zipped(PLAIN))

    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    code, _, err = catwalk("new", "--competition", "ours", "--source", str(folder))
    assert (code, err.count("\n")) == (4, 1)
    assert "make room on the disk" in err


def test_a_comma_at_each_row_s_end(catwalk: Catwalk, project: Path, folder: Path) -> None:
    """The header has none; these are no row numbers of R, which the header does not name."""
    write(folder / "numbers.csv", HEADER, [[*row, ""] for row in digits()])
    code, _, err = catwalk("new", "--competition", "ours", "--source", str(folder))
    assert (code, err) == (0, "")
    known = competition.load(Paths(project, "ours"))
    assert (known.label_column, known.pixel_columns) == ("label", tuple(HEADER[1:]))
    code, out, err = catwalk("prepare", "--competition", "ours")
    assert (code, err) == (0, "")
    assert "170 labelled rows, 30 test rows" in out


@pytest.mark.parametrize("has_index", [False, True])
def test_a_comma_at_each_line_s_end_read_and_written_by_pandas(
    catwalk: Catwalk, project: Path, folder: Path, has_index: bool
) -> None:
    """It gives the empty column a name."""
    for name, rows in (("train.csv", digits()), ("test.csv", digits(200, 50))):
        write(folder / name, [*HEADER, ""], [[*row, ""] for row in rows])
        pd.read_csv(folder / name).to_csv(folder / name, index=has_index)
    code, _, err = catwalk("new", "--competition", "ours", "--source", str(folder))
    assert (code, err) == (0, "")
    assert competition.load(Paths(project, "ours")).ignored_columns == ("Unnamed: 65",)
    code, out, err = catwalk("prepare", "--competition", "ours")
    assert (code, err) == (0, "")
    assert "200 labelled rows, 50 test rows" in out


def test_kaggle_s_solution_as_the_test(catwalk: Catwalk, project: Path, folder: Path) -> None:
    """The training file has no such column as its Usage."""
    rows = [[*row, ("Public", "Private")[i % 2]] for i, row in enumerate(digits(200, 50))]
    write(folder / "train.csv", HEADER, digits())
    write(folder / "test.csv", [*HEADER, "Usage"], rows)
    code, _, err = catwalk("new", "--competition", "ours", "--source", str(folder))
    assert (code, err) == (0, "")
    paths = Paths(project, "ours")
    assert competition.load(paths).ignored_columns == ("Usage",)
    code, out, err = catwalk("prepare", "--competition", "ours")
    assert (code, err) == (0, "")
    assert "200 labelled rows, 50 test rows" in out
    assert test_labels.are_there(paths)


def test_labels_that_are_not_utf_8(catwalk: Catwalk, folder: Path) -> None:
    """As Excel saves words with accents; once they are saved as advised, they are the classes."""
    case = REFUSED["labels in Latin-1"]
    assert case.follow
    for name, content in case.files.items():
        (folder / name).write_bytes(content)
    asked = ("new", "--competition", "ours", "--source", str(folder))
    code, _, err = catwalk(*asked)
    assert (code, err.count("\n")) == (2, 1)
    assert "train.csv: label: 'z\ufffdro' is not UTF-8: save the file as CSV (UTF-8)" in err
    for name, changed in case.follow.items():
        assert isinstance(changed, bytes)
        (folder / name).write_bytes(changed)
    assert catwalk(*asked)[0] == 0


@pytest.mark.parametrize("side", ["train", "test"])
@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (".csv", LFS, "this is a Git LFS pointer, not the file itself: run git lfs pull"),
        (".csv", PAGE, "this is a web page, not a CSV: download"),
        (".csv", b"", "the file is empty"),
        (".csv", zipped({"[Content_Types].xml": b""}), "this is an Excel workbook: save it as CSV"),
        (".csv.gz", gzip.compress(PLAIN["train.csv"])[:1000], "damaged gzip file: download it again"),
        (".zip", zipped(PLAIN)[:3000], "damaged zip file: download it again"),
    ],
    ids=["a pointer", "a web page", "nothing", "a workbook", "half a gzip file", "half a zip"],
)
def test_a_side_that_can_t_be_read_is_named(
    catwalk: Catwalk, folder: Path, side: str, name: str, content: bytes, said: str
) -> None:
    """The other side does not stand in for it, unless that is chosen."""
    other = {"train": "test.csv", "test": "train.csv"}[side]
    (folder / f"{side}{name}").write_bytes(content)
    write(folder / other, HEADER, digits())
    asked = ("new", "--competition", "ours", "--source", str(folder))
    code, _, err = catwalk(*asked)
    assert (code, err.count("\n")) == (2, 1)
    assert f"{side}{name}: {said}" in err
    assert catwalk(*asked, f"--{side}", "test.csv" if side == "train" else "0.25")[::2] == (0, "")


@pytest.mark.parametrize("divided_by", ["a share", "a usage column"])
def test_no_row_of_the_test_is_among_the_samples(project: Path, folder: Path, divided_by: str) -> None:
    """Of one file with more rows than are sampled; half of them are of the test."""
    rows, header, choice = digits(count=len(LABELS)), HEADER, {"TEST": "0.5"}
    pixels = np.array([row[1:] for row in rows], np.uint8)
    is_test = test_rows.held_out(pixels, 0.5)
    if divided_by == "a usage column":
        is_test, header, choice = np.arange(len(rows)) % 2 == 0, [*HEADER, "Usage"], {}
        rows = [[*row, "PrivateTest" if i % 2 == 0 else "Training"] for i, row in enumerate(rows)]
    write(folder / "numbers.csv", header, rows)
    samples = new_competition.run(Paths(project, "ours"), str(folder), choice, print)
    assert samples is not None
    shown = {picture.tobytes() for picture in samples.pictures}
    assert len(shown) == 10
    assert shown <= {row.tobytes() for row in pixels[~is_test]}
    assert not shown & {row.tobytes() for row in pixels[is_test]}
    assert sorted(set(samples.names)) == [str(i) for i in range(10)]


def test_one_csv_and_a_share_of_it(catwalk: Catwalk, project: Path, folder: Path) -> None:
    """Only that file is looked at, whatever lies beside it; the stages after it need no SOURCE=."""
    write(folder / "numbers.csv", HEADER, digits())
    write(folder / "test.csv", HEADER, digits(200))
    source = ("--source", str(folder / "numbers.csv"), "--test", "0.25")
    assert catwalk("new", "--competition", "ours", *source)[0] == 0
    code, out, err = catwalk("prepare", "--competition", "ours")
    assert (code, err) == (0, "")
    assert "150 labelled rows, 50 test rows" in out
    assert sorted(path.name for path in Paths(project, "ours").raw.iterdir()) == [
        "manifest.json",
        "numbers.csv",
    ]


def test_a_share_instead_of_the_usage_column(catwalk: Catwalk, project: Path, folder: Path) -> None:
    rows = [[*row, "test" if i % 2 else "train"] for i, row in enumerate(digits())]
    write(folder / "numbers.csv", [*HEADER, "split"], rows)
    source = ("--source", str(folder), "--test", "0.25")
    assert catwalk("new", "--competition", "ours", *source)[0] == 0
    known = competition.load(Paths(project, "ours"))
    assert (known.test_share, known.usage_column, known.ignored_columns) == (0.25, None, ("split",))
    code, out, err = catwalk("prepare", "--competition", "ours")
    assert (code, err) == (0, "")
    assert "150 labelled rows, 50 test rows" in out


@pytest.mark.parametrize(
    ("mark", "count"), [("", 50), ("#N/A", 15), ("?", 15), ("nan", 50), ("-", 50), ("-1", 15)]
)
def test_test_rows_of_a_usage_column_need_no_label(
    catwalk: Catwalk, project: Path, folder: Path, mark: str, count: int
) -> None:
    """Few test rows, so that the column's cells are nearly all numbers, or many; labels from 1."""
    rows: list[list[object]] = [
        [mark, *row[1:], "PrivateTest"] if i < count else [LABELS[i] + 1, *row[1:], "Training"]
        for i, row in enumerate(digits())
    ]
    write(folder / "numbers.csv", [*HEADER, "Usage"], rows)
    code, _, err = catwalk("new", "--competition", "ours", "--source", str(folder))
    assert (code, err) == (0, "")
    paths = Paths(project, "ours")
    known = competition.load(paths)
    assert (known.label_column, known.usage_column) == ("label", "Usage")
    assert known.labels == tuple(range(1, 11))
    code, out, err = catwalk("prepare", "--competition", "ours")
    assert (code, err) == (0, "")
    assert f"{200 - count} labelled rows, {count} test rows" in out
    assert not test_labels.are_there(paths)


def test_a_zip_with_the_same_file_in_two_folders(catwalk: Catwalk, project: Path, folder: Path) -> None:
    """As Kaggle's zip of Sign Language MNIST has them."""
    FORMS["sign-language-mnist"](folder)
    archive = folder.parent / "archive.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in folder.iterdir():
            packed.write(path, path.name)
            packed.write(path, f"{path.stem}/{path.name}")
        packed.writestr("amer_sign2.png", b"\x89PNG")
    assert catwalk("new", "--competition", "sign-mnist", "--source", str(archive))[0] == 0
    known = competition.load(Paths(project, "sign-mnist"))
    assert known.labels == (*range(9), *range(10, 25))
    code, out, err = catwalk("prepare", "--competition", "sign-mnist")
    assert (code, err) == (0, "")
    assert "400 labelled rows, 100 test rows" in out


def test_a_picture_that_lies_is_turned_by_a_word(catwalk: Catwalk, project: Path, folder: Path) -> None:
    rows = digits()
    lying = [[row[0], *np.array(row[1:]).reshape(8, 8).T.ravel().tolist()] for row in rows]
    for name, table in (("upright", rows), ("lying", lying)):
        write(folder / f"{name}.csv", HEADER, table)
        assert catwalk("new", "--competition", name, "--source", str(folder / f"{name}.csv"))[0] == 0
    toml = Paths(project, "lying").toml
    toml.write_text(toml.read_text().replace("transpose = false", "transpose = true"))
    check_both_alike(catwalk)


def check_both_alike(catwalk: Catwalk) -> None:
    """Check that the competitions "upright" and "lying" have the same pictures."""
    fingerprints = []
    for name in ("upright", "lying"):
        code, out, _ = catwalk("prepare", "--competition", name)
        assert code == 0
        fingerprints.append(out.split("fingerprint ")[1].split(",")[0])
    assert len(fingerprints[0]) > 8
    assert fingerprints[0] == fingerprints[1]


def test_pictures_that_lie_and_are_no_squares_need_another_shape_too(
    catwalk: Catwalk, project: Path, folder: Path
) -> None:
    """As the advice says: the shape that was found is how they lie."""
    digit = PICTURES.reshape(-1, 8, 8)
    upright = np.concatenate([digit[:200], digit[200:400]], axis=2)  # two beside each other: 8x16
    header = ["label", *(f"pixel{i}" for i in range(128))]
    for name, pictures in (("upright", upright), ("lying", upright.transpose(0, 2, 1))):
        values = (15 * pictures.reshape(200, -1)).astype(int).tolist()
        write(
            folder / f"{name}.csv", header, [[int(k), *row] for k, row in zip(LABELS, values, strict=False)]
        )
        code, out, _ = catwalk("new", "--competition", name, "--source", str(folder / f"{name}.csv"))
        assert code == 0
        advice = f"write transpose = true in competitions/{name}.toml, and exchange height and width in shape"
        assert advice in " ".join(out.split())
    toml = Paths(project, "lying").toml
    text = toml.read_text()
    assert "shape = [16, 8]" in text
    assert "(and exchange height and width in shape)" in text
    toml.write_text(text.replace("transpose = false", "transpose = true").replace("[16, 8]", "[8, 16]"))
    check_both_alike(catwalk)


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Instead of the pipeline that ``all`` runs: the competitions for which it was begun."""
    names: list[str] = []
    monkeypatch.setattr(
        stages, "_run_making", lambda options, paths, loaded, started: names.append(loaded.name)
    )
    return names


def test_all_begins_with_it_where_the_competition_is_unknown(
    catwalk: Catwalk, project: Path, folder: Path, begun: list[str]
) -> None:
    write(folder / "train.csv", HEADER, digits())
    code, out, err = catwalk("all", "--competition", "ours", "--source", str(folder))
    assert (code, err, begun) == (0, "", ["ours"])
    assert "all: ours has no TOML yet" in out
    assert Paths(project, "ours").toml.is_file()
    code, out, _ = catwalk("all", "--competition", "ours", "--source", str(folder))
    assert (code, out, begun) == (0, "", ["ours", "ours"]), "the TOML is there now"


def test_what_a_toml_that_is_there_does_not_follow_is_said(
    catwalk: Catwalk, project: Path, folder: Path, begun: list[str]
) -> None:
    write(folder / "train.csv", HEADER, digits())
    source = ("all", "--competition", "ours", "--source", str(folder))
    decided = (*source, "--label", "label", "--shape", "8x8")
    assert catwalk(*decided)[::2] == (0, "")
    assert catwalk(*decided) == (0, "", ""), "the same command goes on"
    code, out, err = catwalk(*decided, "--transpose", "true")
    assert (code, out, len(begun)) == (2, "", 2)
    assert err == (
        "catwalk all: competitions/ours.toml: exists, and is not changed by TRANSPOSE=: "
        "change it in the TOML, or leave TRANSPOSE= out\n"
    )
    code, out, err = catwalk(*source, "--label", "first")  # which it is
    assert (code, err, len(begun)) == (0, "", 3)
    assert out == "all: competitions/ours.toml exists, and is not changed by LABEL=: edit it there\n"
    toml = Paths(project, "ours").toml
    toml.write_text(toml.read_text().replace("transpose = false", "transpose = true"))
    assert catwalk(*decided, "--transpose", "true") == (0, "", "")


@pytest.mark.parametrize(
    ("variable", "value", "is_same"),
    [
        ("TRAIN", "digits_train.csv", True),
        ("TRAIN", "other.csv", False),
        ("TEST", ".20", True),
        ("TEST", "0.3", False),
        ("TEST", "digits_test.csv", False),
        ("LABEL", "LABEL", True),
        ("LABEL", "kind", False),
        ("LABEL", "last", None),
        ("ID", "id", True),
        ("ID", "number", False),
        ("ID", "first", None),
        ("SHAPE", "3x8x8", True),
        ("SHAPE", "8x8x3", False),
        ("SHAPE", "9x9", False),
        ("TRANSPOSE", "false", True),
        ("TRANSPOSE", "true", False),
    ],
)
def test_whether_a_toml_has_what_is_decided(variable: str, value: str, is_same: bool | None) -> None:
    """None: it can't be known."""
    known = replace(load("digits"), shape=(8, 8, 3), is_planar=True, test_share=0.2, id_column="Id")
    assert toml_choices._is_same(known, variable, value) is is_same


def test_all_without_files_says_which_competitions_are_known(catwalk: Catwalk, project: Path) -> None:
    """And how a new one begins; with its files in the raw folder already, one command does it."""
    code, _, err = catwalk("all", "--competition", "ours")
    assert (code, err.count("\n")) == (2, 1)
    assert "unknown competition 'ours'" in err
    assert err.endswith(", for a new one, set SOURCE= to its files and run make new COMPETITION=ours\n")
    raw = Paths(project, "ours").raw
    raw.mkdir(parents=True)
    write(raw / "train.csv", HEADER, digits())
    code, _, err = catwalk("all", "--competition", "ours")
    assert (code, err.count("\n")) == (2, 1)
    assert err.endswith("): run make new COMPETITION=ours\n")
    assert catwalk("new", "--competition", "ours")[0] == 0


@pytest.mark.parametrize("source", ["someone/eight", "https://www.kaggle.com/datasets/someone/eight/data"])
def test_a_page_on_kaggle_is_downloaded_once(project: Path, folder: Path, source: str) -> None:
    FORMS["optdigits"](folder)
    archive = folder.parent / "zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in folder.iterdir():
            packed.write(path, path.name)
    kaggle = Kaggle(archive.read_bytes())
    with serving(kaggle):
        environment = {**kaggle.environment, "HOME": str(project)}
        done = run_catwalk(project, "new", "--competition", "ours", "--source", source, **environment)
        assert (done.returncode, done.stderr) == (0, "")
        calls = len(kaggle.calls)
        assert calls
        for again in ((), ("--source", source), ("--source", "kaggle")):
            done = run_catwalk(project, "data", "--competition", "ours", *again, **environment)
            assert (done.returncode, done.stderr) == (0, "")
        assert len(kaggle.calls) == calls
    assert 'kaggle_dataset = "someone/eight"' in Paths(project, "ours").toml.read_text()
    assert sorted(path.name for path in (project / "data/ours").iterdir()) == ["raw", "samples.png"]


def test_a_download_with_a_damaged_file_in_it_is_not_kept(project: Path, folder: Path) -> None:
    """The zip's list of files can be read, and so can the test; the same command then downloads it again."""
    for name, rows in (("train.csv", digits()), ("test.csv", digits(200, 50))):
        write(folder / name, HEADER, rows)
    whole = zipped({name: (folder / name).read_bytes() for name in ("train.csv", "test.csv")})
    damaged = bytearray(whole)
    damaged[whole.index(b"train.csv") + 1000] ^= 0xFF
    kaggle = Kaggle(bytes(damaged))
    asked = ("new", "--competition", "ours", "--source", "someone/eight")
    with serving(kaggle):
        environment = {**kaggle.environment, "HOME": str(project)}
        done = run_catwalk(project, *asked, **environment)
        assert (done.returncode, done.stderr.count("\n")) == (3, 1)
        assert "the download is not a complete zip: run the command again" in done.stderr
        assert not Paths(project, "ours").toml.exists()
        kaggle.blob = whole
        done = run_catwalk(project, *asked, **environment)
    assert (done.returncode, done.stderr) == (0, "")


def test_of_a_competition_s_page_make_submit_knows_where_to_send(project: Path, folder: Path) -> None:
    FORMS["optdigits"](folder)
    kaggle = Kaggle(zipped({path.name: path.read_bytes() for path in folder.iterdir()}))
    login = {"KAGGLE_USERNAME": "me", "KAGGLE_KEY": "k" * 32}
    source = ("--source", "https://www.kaggle.com/competitions/eight-open/overview")
    with serving(kaggle):
        environment = {**kaggle.environment, "HOME": str(project), **login}
        done = run_catwalk(project, "new", "--competition", "ours", *source, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    known = competition.load(Paths(project, "ours"))
    assert known.sources == {"kaggle_competition": "eight-open"}
    assert known.kaggle_competition == "eight-open"
