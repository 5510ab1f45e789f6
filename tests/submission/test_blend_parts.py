"""blend_parts.py, blend_csv.py: parts in all forms; one line for what can't be joined."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catwalk.core.errors import UserError
from catwalk.submission import blend_csv, blend_parts, predictions
from tests.conftest import load, make_project, run_catwalk
from tests.support.blends import LABELS, Team, team

DIGITS = ("--competition", "digits")
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory, digits_raw: Path) -> Team:
    """A project with one submission."""
    made = team(make_project(tmp_path_factory.mktemp("fitted") / "project"), digits_raw)
    made.submit("upper")
    return made


@pytest.fixture(scope="module")
def others(fitted: Team, tmp_path_factory: pytest.TempPathFactory) -> Team:
    """The same with files that are no parts: a copy, a submission without a folder, another competition's."""
    mine = fitted.copy(tmp_path_factory.mktemp("others") / "project")
    shutil.copy(mine.paths.test_predictions("upper"), mine.paths.root / "copy.npz")
    other = replace(mine.paths, competition="other")
    shutil.copytree(mine.paths.submission_folder("upper"), other.submission_folder("one"))
    shutil.copy(mine.paths.submission("upper"), other.submission("one"))
    text = mine.paths.recipe("upper").read_text().replace('"competition": "digits"', '"competition": "other"')
    other.recipe("one").write_text(text)
    for file in (mine.paths.submission("upper"), mine.paths.recipe("upper")):
        shutil.copy(file, file.with_stem("old"))
    return mine


@pytest.fixture
def mine(fitted: Team, tmp_path: Path) -> Team:
    """The same, to write to."""
    return fitted.copy(tmp_path / "project")


def read(mine: Team, file: str, **changes: object) -> tuple[bool, np.ndarray]:
    competition = replace(load("digits"), classes=NAMES, **changes)  # type: ignore[arg-type]
    return blend_csv.read(mine.paths.root / file, file, mine.prepared.test_ids, competition)


def lines_of(mine: Team, *order: int) -> list[str]:
    """The rows of the model "lower" as a CSV has them, with the classes in this order."""
    rows = zip(mine.prepared.test_ids, mine.said["lower"].test.tolist(), strict=True)
    return [",".join([id_, *(f"{row[k]:.5f}" for k in order or range(10))]) for id_, row in rows]


def save(mine: Team, header: str, lines: list[str], change: Callable[[str], str]) -> None:
    path = mine.text("friend.csv", header, lines)
    path.write_bytes(change(path.read_text(encoding="utf-8")).encode())


HEADER = ",".join(["ImageId", *LABELS])


def with_row_numbers(text: str) -> str:
    """As pandas writes them, in a column without a name."""
    return "\n".join(f"{i - 1 if i else ''},{row}" for i, row in enumerate(text.split("\n")[:-1]))


def as_excel(text: str) -> str:
    """As Excel saves it where numbers have a decimal comma; small ones have an exponent."""
    text, changed = re.subn(r"\b0\.0000(\d)", r"\1.0E-05", text.replace(",", ";"))
    assert changed > 0
    return text.replace(".", ",")


@pytest.mark.parametrize(
    ("header", "change"),
    [
        (HEADER, str),
        (",".join(["ImageId", *NAMES]), str),
        (",".join(["id", *(name.upper() for name in NAMES)]), str),
        (HEADER, lambda text: "\ufeff" + text.replace("\n", "\r\n")),
        (HEADER, lambda text: text.replace(",", ";")),
        (HEADER, lambda text: "sep=;\n" + text.replace(",", ";").replace(".", ",")),
        (HEADER, as_excel),
        (HEADER, lambda text: text.replace(",", "\t")),
        (HEADER, lambda text: text.replace("\n7,", "\n\n7.0, ")),
        (HEADER, lambda text: text.rstrip("\n")),
        (HEADER, lambda text: "\n".join([text.split("\n")[0], *text.split("\n")[:0:-1]])),
        (HEADER, with_row_numbers),
    ],
    ids=[
        "plain", "names", "case", "bom", "semicolon", "comma", "excel", "tab", "blank", "no end", "order",
        "index",
    ],
)  # fmt: skip
def test_a_csv_of_probabilities(fitted: Team, header: str, change: Callable[[str], str]) -> None:
    save(fitted, header, lines_of(fitted), change)
    is_labels, test = read(fitted, "friend.csv")
    assert not is_labels
    assert test.dtype == np.float32
    np.testing.assert_allclose(test, fitted.said["lower"].test, atol=2e-5)
    np.testing.assert_allclose(test.sum(axis=1), 1, atol=1e-6)


def test_columns_in_another_order_are_found_by_their_names(mine: Team) -> None:
    order = [3, 1, 2, 0, 9, 8, 7, 4, 5, 6]
    mine.text("friend.csv", ",".join(["ImageId", *map(str, order)]), lines_of(mine, *order))
    np.testing.assert_allclose(read(mine, "friend.csv")[1], mine.said["lower"].test, atol=2e-5)


def test_what_the_submission_writes_comes_first_in_naming_a_column() -> None:
    """Also where the classes' names are the labels in another order, or differ only in their case."""
    turned = replace(load("digits"), classes=LABELS[::-1])
    assert blend_csv.class_order(LABELS, turned) == tuple(range(10))
    named = replace(turned, writes_names=True)
    assert blend_csv.class_order(LABELS, named) == tuple(range(10))[::-1]
    cases = replace(load("digits"), labels=(0, 1), classes=("a", "A"))
    assert blend_csv.class_order(["A", "a"], cases) == (1, 0)
    assert blend_csv.class_order(["1", "0"], cases) == (1, 0)
    assert blend_csv.class_order(["b", "a"], cases) is None


def test_a_csv_of_labels(mine: Team) -> None:
    said = mine.said["lower"].test.argmax(axis=1)
    mine.labels("labels.csv", said)
    is_labels, test = read(mine, "labels.csv")
    assert is_labels
    np.testing.assert_array_equal(test, np.eye(10)[said])
    rows = [f"{id_},{NAMES[label]}" for id_, label in zip(mine.prepared.test_ids, said, strict=True)]
    mine.text("named.csv", "ImageId,Label", rows[::-1])
    is_labels, test = read(mine, "named.csv", writes_names=True)
    np.testing.assert_array_equal(test, np.eye(10)[said])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.replace("\n5,", "\n5,1"), "friend.csv: row 6: 10.0002 is not a probability: write"),
        (lambda t: t.replace("\n5,", "\n5,-1"), "friend.csv: row 6: -10.0002 is not a probability: write"),
        (lambda t: re.sub(r"\n9,[^,]*,", "\n9,none,", t), "friend.csv: row 10: 'none' is not a probability"),
        (lambda t: t.replace("\n2,0.", "\n2,0.5"), "friend.csv: row 3: the row sums to 1.5: write"),
        (lambda t: t.replace("\n7,", "\n777,"), "friend.csv: row 8: the id '777' is none of the 360 test"),
        (lambda t: t.replace("\n7,", "\n6,"), "friend.csv: row 8: duplicate id '6': fix friend.csv"),
        (lambda t: t[: t.index("\n357,") + 1], "4 of the 360 test rows are missing, such as the id 357: "),
        (lambda t: t.replace("\n7,", "\n7,0.1,"), "friend.csv: row 8: 12 cells, but the header has 11: fix"),
        (lambda t: t.replace("ImageId", "Image"), "friend.csv: row 1: unexpected columns: write the columns "
         "ImageId,0,1,2,3,4,5,6,7,8,9 (probabilities), or ImageId,Label"),
        (lambda t: t.replace(",9\n", ",nine\n"), "friend.csv: row 1: unexpected columns: write the"),
        (lambda t: t.replace(",9\n", ",8\n"), "friend.csv: row 1: unexpected columns: write the"),
        (lambda t: t.split("\n", 1)[1], "friend.csv: row 1: unexpected columns: write the"),
        (lambda t: "", "friend.csv: the file is empty"),
        (lambda t: "<html>" + t, "friend.csv: this is a web page, not a CSV: download friend.csv again"),
        (lambda t: "PK\x03\x04" + t, "friend.csv: this is a zip archive, not a CSV: unpack it yourself"),
        (lambda t: t.replace("\n7,", '\n"7,'), "friend.csv: row 8: 1 cells, but the header has 11: fix"),
    ],
)  # fmt: skip
def test_a_csv_that_can_t_be_joined(fitted: Team, change: Callable[[str], str], said: str) -> None:
    save(fitted, HEADER, lines_of(fitted), change)
    refused(fitted, "upper,friend.csv", said)


@settings(max_examples=60)
@given(st.data())
def test_a_damaged_csv_is_read_or_refused(fitted: Team, data: st.DataObject) -> None:
    """Nothing but an error of one line, whatever bytes are lost or put in."""
    path = fitted.text("damaged.csv", HEADER, lines_of(fitted)[:12])
    content = path.read_bytes()
    start, length = data.draw(st.integers(0, len(content))), data.draw(st.integers(0, 200))
    put = data.draw(
        st.one_of(st.binary(max_size=20), st.sampled_from([b'"', b"\n", b",,,", b"\r", b";", b"nan"]))
    )
    path.write_bytes(content[:start] + put + content[start + length :])
    with pytest.raises(UserError) as error:  # most rows are missing anyway
        read(fitted, "damaged.csv")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b",,,\n", b"\n \n", b"ImageId\n1\n", b'"', b"\xff\xfe1", b"sep=;\n"])
def test_what_is_hardly_a_csv_is_refused(fitted: Team, content: bytes) -> None:
    (fitted.paths.root / "damaged.csv").write_bytes(content)
    with pytest.raises(UserError):
        read(fitted, "damaged.csv")


def state(mine: Team) -> tuple[set[Path], dict[Path, int]]:
    """All files of the project, and when those of the submissions were written."""
    submissions = {path: path.stat().st_mtime_ns for path in mine.paths.submissions.rglob("*")}
    return set(mine.paths.root.rglob("*")), submissions


def refused(mine: Team, parts: str, said: str) -> None:
    """One line, exit code 2, and nothing is written."""
    before = state(mine)
    done = run_catwalk(mine.paths.root, "blend", *DIGITS, "--parts", parts, "--name", "both")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stdout
    assert len(done.stderr) <= 301
    assert said in done.stderr
    assert state(mine) == before


def test_labels_that_are_none(mine: Team) -> None:
    said = mine.said["lower"].test.argmax(axis=1)
    said[4] = 10
    mine.labels("labels.csv", said)
    refused(
        mine, "upper,labels.csv", "labels.csv: row 6: the label '10' is not one of 10: write one of 0, 1, 2"
    )


def test_the_rows_of_another_file(mine: Team) -> None:
    """Their ids are all known, so only what they say gives them away: they agree as by chance."""
    turned = [",".join([id_, *row.split(",")[1:]]) for id_, row in zip(
        mine.prepared.test_ids, np.random.default_rng(0).permutation(lines_of(mine)), strict=True
    )]  # fmt: skip
    mine.text("friend.csv", HEADER, turned)
    refused(mine, "upper,friend.csv", "friend.csv: agrees with upper on ")
    mine.submit("lower")
    refused(
        mine, "upper,lower,friend.csv", "hardly more than by chance: one of them is of other rows or of an"
    )


@pytest.mark.parametrize("form", ["name", "folder", "file", "home"])
def test_the_forms_of_a_part_of_npz_files(mine: Team, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mine.submit("lower")
    theirs = mine.paths.root.parent / "theirs"
    shutil.move(mine.paths.submission_folder("lower"), theirs / "lower")
    monkeypatch.chdir(mine.paths.root)
    monkeypatch.setenv("HOME", str(theirs))
    given = {"folder": "../theirs/lower", "file": "../theirs/lower/test.npz", "home": "~/lower"}.get(
        form, "upper"
    )
    other = str(theirs / "lower") if form == "name" else "upper"
    part, _ = blend_parts.locate(mine.paths, [given, other])
    assert part.given == given
    assert part.oof is not None
    made = blend_parts.read(part, mine.prepared, mine.predictions("upper")[1].pictures, load("digits"))
    np.testing.assert_allclose(made.test, mine.said["upper" if form == "name" else "lower"].test, atol=1e-6)
    assert made.oof is not None


def test_a_submission_s_csv_is_read_as_the_folder_beside_it(
    mine: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the path is pasted that predict prints; a copy elsewhere is labels alone."""
    mine.submit("lower")
    monkeypatch.chdir(mine.paths.root)
    shutil.copy("submissions/digits/lower.csv", "alone.csv")
    path, pictures = "submissions/digits/lower.csv", mine.predictions("upper")[1].pictures
    named, part, alone = (
        blend_parts.locate(mine.paths, [given, "upper"])[0] for given in ("lower", path, "alone.csv")
    )
    assert (part.given, part.sha256, part.oof_sha256) == (path, named.sha256, named.oof_sha256)
    made = blend_parts.read(part, mine.prepared, pictures, load("digits"))
    assert (made.kind, made.by_picture) == ("probabilities", True)
    np.testing.assert_allclose(made.test, mine.said["lower"].test, atol=1e-6)
    assert made.oof is not None
    assert blend_parts.read(alone, mine.prepared, pictures, load("digits")).kind == "labels"
    refused(mine, f"lower,{path}", f"{path}: the same predictions as lower: give each part once")


def test_a_csv_that_is_not_of_the_folder_beside_it_is_refused(mine: Team) -> None:
    """Neither is read in silence; a CSV of probabilities that agree with the folder's is fine."""
    mine.submit("lower")
    path, said = "submissions/digits/lower.csv", mine.said["lower"].test.argmax(axis=1)
    said[:2] = (said[:2] + 1) % 10
    mine.labels(path, said)
    refused(
        mine,
        f"upper,{path}",
        f"{path}: differs from test.npz in the folder beside it on 2 of the 360 test rows: choose one of the",
    )
    part, _ = blend_parts.locate(mine.paths, [str(mine.csv(path, "lower")), "upper"])
    made = blend_parts.read(part, mine.prepared, mine.predictions("lower")[1].pictures, load("digits"))
    assert made.oof is not None


def test_rows_and_classes_in_another_order_are_put_in_ours(mine: Team) -> None:
    _, test = mine.predictions("lower")
    rows, classes = np.random.default_rng(0).permutation(360), np.arange(10)[::-1]
    theirs = replace(
        test,
        pictures=test.pictures[rows],
        probabilities=test.probabilities[rows][:, classes],
        labels=LABELS[::-1],
    )
    predictions.write(mine.paths.root / "theirs/test.npz", theirs)
    part = blend_parts.locate(mine.paths, [str(mine.paths.root / "theirs"), "upper"])[0]
    assert part.oof is None
    made = blend_parts.read(part, mine.prepared, test.pictures, load("digits"))
    np.testing.assert_allclose(made.test, mine.said["lower"].test, atol=1e-6)


def test_identical_pictures_have_one_row(mine: Team) -> None:
    _, test = mine.predictions("lower")
    twice = np.concatenate([test.pictures, test.pictures[:5]])
    found = blend_parts.find(test.pictures, twice)
    np.testing.assert_array_equal(found, [*range(360), *range(5)])
    found = blend_parts.find(twice, test.pictures)
    np.testing.assert_array_equal(twice[found], test.pictures)
    assert (blend_parts.find(test.pictures[5:], twice[-5:]) == -1).all()


def test_npz_files_that_can_t_be_joined(mine: Team) -> None:
    mine.submit("lower")
    oof, test = mine.predictions("lower")
    file = mine.paths.test_predictions("lower")
    predictions.write(file, replace(test, pictures=test.pictures + np.uint64(1)))
    refused(
        mine,
        "upper,lower",
        "lower: has no probabilities for 360 of the 360 test pictures: it was made for ot",
    )
    predictions.write(file, replace(test, probabilities=test.probabilities * np.float32(100)))
    refused(mine, "upper,lower", "lower: test.npz: row 1: ")
    predictions.write(file, replace(test, labels=NAMES))
    refused(
        mine, "upper,lower", "lower: test.npz: its 10 classes are not those of digits: choose parts of one"
    )
    predictions.write(file, test)
    predictions.write(
        mine.paths.oof("lower"), replace(oof, probabilities=oof.probabilities * np.float32(0.5))
    )
    refused(mine, "upper,lower", "lower: oof.npz: row 1: the row sums to 0.5: write probabilities")
    mine.paths.oof("lower").write_bytes(b"x" * 100)
    refused(
        mine, "upper,lower", "lower: oof.npz: damaged, or not one of catwalk's files: download or copy it ag"
    )


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ("upper", "PARTS=upper: give two or more parts, separated by commas: run make leaderboard COMPET"),
        ("upper,", "PARTS=upper,: give two or more parts"),
        ("", "PARTS=: give two or more parts"),
        ("upper,nobody", "nobody: no such submission, folder or file: choose a submission's name, "),
        ("upper,data", "data: has no test.npz: give its CSV's path"),
        ("upper,upper", "upper: the same predictions as upper: give each part once"),
        ("upper,submissions/digits/upper", "digits/upper: the same predictions as upper: give"),
        ("upper,submissions/digits/upper/test.npz", "upper/test.npz: the same predictions as upper: give"),
        ("upper,copy.npz", "copy.npz: the same predictions as upper: give each part once"),
        ("upper,old", "old: has no test.npz: give its CSV's path beside two other parts, or run make pred"),
        ("upper,submissions/other/one", "other/one: belongs to the competition other, not to digits: choose"),
        ("upper,submissions/other/one.csv", "one.csv: belongs to the competition other, not to digits: "),
        ("upper,submissions/other/one/test.npz", "one/test.npz: belongs to the competition other, not"),
    ],
)  # fmt: skip
def test_parts_that_are_none(others: Team, parts: str, said: str) -> None:
    refused(others, parts, said)


def test_a_name_that_can_t_be_a_file_s_is_reported_first(mine: Team) -> None:
    done = run_catwalk(mine.paths.root, "blend", *DIGITS, "--parts", "a,b", "--name", "a/b")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("catwalk blend: NAME=a/b: use letters, digits, '-', '_' and '.' only, ")
    assert done.stderr.count("\n") == 1


def test_parts_are_needed() -> None:
    done = run_catwalk(Path.cwd(), "blend", *DIGITS)
    assert done.returncode == 2
    assert done.stderr.startswith("catwalk blend: nothing to blend: set PARTS= to two or more, separated by ")
    with pytest.raises(UserError, match="give two or more"):
        blend_parts.locate(None, ["a"])  # type: ignore[arg-type]
