"""competition.py: the TOMLs that are here, and what a wrong one is told.

Also: pixel_names.py, toml_keys.py, toml_values.py.
"""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.data import competition as competitions
from tests.conftest import REPOSITORY, load

# Fields of a competition that say nothing of how its rows are read: names, what is allowed in training, what
# a download must be, and what becomes of a submission.
NOT_READING = [
    "name", "title", "augment", "rows", "kaggle_competition", "full_marks", "sources", "sha256",
]  # fmt: skip


MORE_CLASSES = ", ".join(f'"{i}"' for i in range(10, 257))


def test_the_five_are_there() -> None:
    names = competitions.names(REPOSITORY)
    assert names == ["cifar10", "digit-recognizer", "digits", "fashion-mnist", "mnist"]
    for name in names:
        assert load(name).pixels == len(load(name).pixel_columns)


def test_fashion_mnist_is_as_on_kaggle() -> None:
    fashion = load("fashion-mnist")
    assert fashion.pixel_columns[0] == "pixel1"
    assert fashion.pixel_columns[-1] == "pixel784"
    assert fashion.submission_header == ("ImageId", "Label")
    assert fashion.first_id == 1
    assert "flip" in fashion.augment
    assert "flip" not in load("mnist").augment


def test_columns_may_be_left_out_where_they_have_their_usual_names(project: Path) -> None:
    path = project / "competitions/digits.toml"
    before, after = path.read_text().split("[columns]")
    path.write_text(f"{before}[submission]{after.split('[submission]')[1]}")
    loaded = competitions.load(Paths(project, "digits"))
    assert (loaded.label_column, loaded.id_column) == ("label", None)
    assert loaded.pixel_columns[::63] == ("pixel0", "pixel63")


def test_it_is_frozen() -> None:
    with pytest.raises(AttributeError):
        load("digits").title = "other"  # type: ignore[misc]


def test_what_changes_the_rows_makes_them_read_again() -> None:
    """A new field is in ``Competition.form`` or ``reading``, or is added to ``NOT_READING``."""
    digits = load("digits")
    names = [field.name for field in fields(digits)]
    changed: dict[str, Any] = dict.fromkeys(names, ("another",))
    same = [name for name in names if replace(digits, **{name: changed[name]}).reading == digits.reading]
    assert same == NOT_READING


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("title = ", "titel = ", "unknown key 'titel'"),
        ('title = "Digits 8x8"\n', "", "the key 'title' is missing"),
        ("[8, 8]", "[8]", "shape must be"),
        ("[8, 8]", "[8.5, 8]", "shape: 8.5 is not an integer"),
        ("[8, 8]", "8", "shape: 8 is not a list"),
        ("[columns]", '[columns]\nheader = "no"', "header: 'no' is not true or false"),
        ('"pixel{}"', "0", "pixels: 0 is not a string"),
        ('"8", "9"]', '"8"]\nlabels = [0, 1, 2, 3]', "4 labels but 9 classes"),
        ('"8", "9"]', '"8", "9"]\nlabels = [0, 1, 2, 3, 4, 5, 6, 7, 9, 8]', "ascending order"),
        ('["shift"]', '["mirror"]', "unknown 'mirror'"),
        ('"pixel{}"', '"pixel{}{}{}"', "must contain one {}"),
        ('"pixel{}"', '"pixel{}"\nscale = 0', "scale must be a number above 0"),
        ('"pixel{}"', '"pixel{}"\nscale = "255"', "scale: '255' is not a number"),
        ('"pixel{}"', '"pixel{}"\nplanes = true', "needs a shape with channels"),
        ('"pixel{}"', '"pixel{}"\nskip_rows = -1', "skip_rows must be 0 or more"),
        ('"pixel{}"', '"pixel{}"\nusage = "Usage"', "usage divides one file"),
        ('"digits_test.csv"', "1.5", "a share above 0 and below 1"),
        ('["ImageId", "Label"]', '["ImageId", "Label"]\nlabels = "words"', "is not one of numbers, names"),
        ('"digits_train.csv"', '"../digits_train.csv"', "not a valid file name"),
        ('["ImageId", "Label"]', '["ImageId"]', "two columns"),
        ("[1437, 360]", "[1437]", "rows must be two numbers"),
        pytest.param('"9"]', f'"9", {MORE_CLASSES}]', "more than 256 classes", id="257 classes"),
        ('["ImageId", "Label"]', '["ImageId", "Label"]\nfull_marks = 95', "full_marks must be an accuracy"),
        ('"digits_test.csv"', '0.2\nsample = "sample.csv"', "sample and test_labels need a test file"),
        ("[files]", "[files", "digits.toml"),
        ("[files]", "\r[files]", "Invalid statement"),
    ],
)
def test_a_wrong_toml_is_told_in_one_line(project: Path, old: str, new: str, said: str) -> None:
    path = project / "competitions" / "digits.toml"
    assert old in path.read_text()
    path.write_bytes(path.read_bytes().replace(old.encode(), new.encode()))
    with pytest.raises(UserError, match=r"competitions/digits\.toml: ") as error:
        competitions.load(Paths(project, "digits"))
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"[8, 8]": "[12, 12]", '"pixel{}"': '"pixel{}{}"'}, "pixels gives two pixels the same name"),
        ({'"8", "9"]': '"8", "8"]', "first_id = 1": 'labels = "names"'}, "needs classes that all differ"),
    ],
)
def test_two_keys_that_do_not_fit_together(changes: dict[str, str], said: str) -> None:
    """Row 1 and column 11 have the same number as row 11 and column 1; two classes the same name."""
    text = (REPOSITORY / "competitions/digits.toml").read_text()
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    with pytest.raises(UserError, match=r"competitions/digits\.toml: ") as error:
        competitions.parse("digits", text)
    assert said in str(error.value)


def test_unknown_competition_names_those_that_are_known(project: Path) -> None:
    with pytest.raises(UserError, match=r"unknown competition 'titanic' \(known: cifar10, digit-recog"):
        competitions.load(Paths(project, "titanic"))


def test_outside_of_a_project(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="run catwalk in the project's folder"):
        competitions.load(Paths(tmp_path, "digits"))
