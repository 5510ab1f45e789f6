"""grade.py and handed_in.py: the instructor's side, and what teams may hand in."""

import csv
import io
import os
import shutil
import stat
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import digits_paths, load

from catwalk import data, grade, handed_in, prepare, sealed
from catwalk.errors import UserError
from catwalk.paths import Paths

Catwalk = Callable[..., tuple[int, str, str]]
DIGITS = ("--competition", "digits")


@pytest.fixture
def paths(project: Path, digits_raw: Path) -> Paths:
    made = digits_paths(project, digits_raw)
    data.make(made, load("digits"), "auto", print)
    prepare.make(made, load("digits"), 1, print)
    return made


@pytest.fixture
def truth(paths: Paths) -> np.ndarray:
    labels = np.load(paths.sealed_labels)
    assert len(labels) == 360
    return np.asarray(labels)


def answers(truth: np.ndarray, wrong: int) -> bytes:
    """A submission with so many wrong rows, spread over the file."""
    said = truth.astype(int)
    places = np.random.default_rng(wrong).permutation(len(said))[:wrong]
    said[places] = (said[places] + 1) % 10
    return ("ImageId,Label\n" + "".join(f"{i},{label}\n" for i, label in enumerate(said, 1))).encode()


def zipped(files: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return buffer.getvalue()


def grades_of(paths: Paths) -> dict[str, dict[str, str]]:
    with paths.grades.open(encoding="utf-8") as file:
        return {row["team"]: row for row in csv.DictReader(file)}


def test_a_folder_of_every_form(paths: Paths, truth: np.ndarray, catwalk: Catwalk, tmp_path: Path) -> None:
    folder = tmp_path / "all"
    (folder / "Red team").mkdir(parents=True)
    (folder / "blue.csv").write_bytes(answers(truth, 4))
    (folder / "Red team" / "final.csv").write_bytes(
        b"\xef\xbb\xbf" + answers(truth, 80).replace(b"\n", b"\r\n")
    )
    (folder / "green.zip").write_bytes(zipped({"deep/inside/green.csv": answers(truth, 4)}))
    (folder / "Thumbs.db").write_bytes(b"\0")
    code, out, err = catwalk("grade", *DIGITS, "--submissions", str(folder))
    assert code == 0, err
    assert "grade: 3 of 3 teams scored, 108 rows public, 252 private" in out
    found = grades_of(paths)
    assert list(found) == ["blue", "green", "Red team"]
    right = grade._public_rows(paths, 360)
    for team, wrong in (("blue", 4), ("Red team", 80)):
        places = np.random.default_rng(wrong).permutation(360)[:wrong]
        is_right = ~np.isin(np.arange(360), places)
        assert float(found[team]["public"]) == pytest.approx(is_right[right].mean(), abs=1e-6)
        assert float(found[team]["private"]) == pytest.approx(is_right[~right].mean(), abs=1e-6)
    assert float(found["Red team"]["private_low"]) < float(found["Red team"]["private"])
    assert [look["caller"] for look in sealed.looks(paths)] == ["grade"]
    assert "the test labels of Digits 8x8 are public" in out
    assert [found[team]["place"] for team in found] == ["1", "1", "3"]
    assert [float(found[team]["ahead_of_next_p"] or 1) < 0.001 for team in found] == [False, True, False]


def test_the_secret_decides_and_stays(
    paths: Paths, truth: np.ndarray, catwalk: Catwalk, tmp_path: Path
) -> None:
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "one.csv").write_bytes(answers(truth, 40))
    for _ in range(2):
        assert catwalk("grade", *DIGITS, "--submissions", str(tmp_path / "all"))[0] == 0
        first = grades_of(paths)["one"]["public"]
    assert stat.S_IMODE(paths.grade_secret.stat().st_mode) == 0o600
    secret = paths.grade_secret.read_text()
    assert secret.strip() not in paths.leaderboard.read_text() + paths.grades.read_text()
    publics = set()
    for number in range(4):
        paths.grade_secret.write_text(f"{number:032x}\n")
        catwalk("grade", *DIGITS, "--submissions", str(tmp_path / "all"))
        publics.add(grades_of(paths)["one"]["public"])
    assert len(publics | {first}) > 1
    paths.grade_secret.write_text("not a number")
    code, _, err = catwalk("grade", *DIGITS, "--submissions", str(tmp_path / "all"))
    assert (code, err.count("\n")) == (2, 1)
    assert "secret is damaged" in err


def test_the_private_part_is_shown_at_the_end(
    paths: Paths, truth: np.ndarray, catwalk: Catwalk, tmp_path: Path
) -> None:
    (tmp_path / "all").mkdir()
    for team, wrong in (("good", 3), ("as good", 5), ("bad", 150)):
        (tmp_path / "all" / f"{team}.csv").write_bytes(answers(truth, wrong))
    catwalk("grade", *DIGITS, "--submissions", str(tmp_path / "all"))
    page = paths.leaderboard.read_text()
    assert "private" in page, "it says that there is one"
    assert "<th>ahead" not in page
    _, out, _ = catwalk("grade", *DIGITS, "--submissions", str(tmp_path / "all"), "--final")
    page = paths.leaderboard.read_text()
    assert page.index("good") < page.index("bad")
    assert "not told apart" in page
    assert "yes (p < 0.0001)" in out
    assert "http" not in page.replace("http-equiv", ""), "it loads nothing"


def test_a_class_s_own_labels(catwalk: Catwalk, truth: np.ndarray, paths: Paths, tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "one.csv").write_bytes(answers(truth, 36))
    (tmp_path / "labels.csv").write_bytes(answers(truth, 0))
    shutil.rmtree(paths.prepared)
    given = ("grade", *DIGITS, "--submissions", str(tmp_path / "all"), "--labels")
    code, out, err = catwalk(*given, str(tmp_path / "labels.csv"))
    assert code == 0, err
    row = grades_of(paths)["one"]
    assert 0.3 * float(row["public"]) + 0.7 * float(row["private"]) == pytest.approx(0.9, abs=1e-5)
    assert "labels of" not in out
    for content, said in (
        (b"ImageId,Label\n1,3\n1,4\n", "once"),
        (b"ImageId,Label\n1,99\n", "row 2"),
        (b"\xff", "read"),
    ):
        (tmp_path / "labels.csv").write_bytes(content)
        code, _, err = catwalk(*given, str(tmp_path / "labels.csv"))
        assert (code, err.count("\n")) == (2, 1)
        assert said in err


BOMB = zipped({"bomb.csv": b"0" * 50_000_000}, compression=zipfile.ZIP_DEFLATED)
BAD: dict[str, tuple[str, bytes, str]] = {
    "binary": ("x.csv", bytes(range(256)) * 8, "not a CSV"),
    "nothing": ("x.csv", b"", "row 1: the header must be"),
    "other rows": ("x.csv", b"ImageId,Label\n1,3\n", "1 rows below the header, 360 expected"),
    "a formula": (
        "x.csv",
        b'ImageId,Label\n=cmd|"/c calc"!A1,3\n' + b"2,1\n" * 359,
        "row 2: expected the id 1",
    ),
    "huge": ("x.csv", b"ImageId,Label\n" + b"1,3\n" * 500_000, "larger than 0.1 MB"),
    "one long cell": ("x.csv", b'"' + b"a" * 70_000, "row 1: the header must be"),
    "a bomb": ("x.zip", BOMB, "larger than 0.1 MB"),
    "no zip": ("x.zip", b"PK\x03\x04 nothing", "is not a whole zip"),
    "two": ("x.zip", zipped({"a.csv": b"", "b.csv": b""}), "a zip with 2 CSVs: hand in one"),
    "outside": ("x.zip", zipped({"../../evil.csv": b"x"}), "a path that leads out of the zip"),
    "none": ("x.zip", zipped({"readme.txt": b""}), "a zip with 0 CSVs"),
}


def test_what_is_bad_stops_nobody_else(
    paths: Paths, truth: np.ndarray, catwalk: Catwalk, tmp_path: Path
) -> None:
    folder = tmp_path / "all"
    folder.mkdir()
    (folder / "good.csv").write_bytes(answers(truth, 10))
    for team, (name, content, _) in BAD.items():
        (folder / team).mkdir()
        (folder / team / name).write_bytes(content)
    (folder / "both").mkdir()
    for name in ("first.csv", "second.csv"):
        (folder / "both" / name).write_bytes(answers(truth, 1))
    (tmp_path / "elsewhere.csv").write_bytes(answers(truth, 0))
    (folder / "link.csv").symlink_to(tmp_path / "elsewhere.csv")
    os.mkfifo(folder / "pipe.csv")
    evil = "<script>alert(1)</script>\u202e\n=1+1"
    (folder / f"{evil.replace('/', '')}.csv").write_bytes(answers(truth, 20))
    began = time.monotonic()
    code, out, err = catwalk("grade", *DIGITS, "--submissions", str(folder), "--final")
    assert code == 0, err
    assert time.monotonic() - began < 10
    assert "grade: 2 of 16 teams scored" in out
    found = grades_of(paths)
    for team, (_, _, said) in BAD.items():
        assert said in found[team]["note"], team
        assert not found[team]["private"]
    assert "2 files" in found["both"]["note"]
    assert "can't be read" in found["link"]["note"]
    assert found["pipe"]["note"] == "pipe.csv: no ordinary file"
    page = paths.leaderboard.read_text()
    assert "<script" not in page
    assert "\u202e" not in page + out
    assert "&lt;script&gt;" in page
    assert not [row for row in paths.grades.read_text().splitlines() if row.startswith("=")]
    assert not list(tmp_path.rglob("evil.csv")), "nothing was unpacked"


def test_a_zip_of_all_teams(paths: Paths, truth: np.ndarray, catwalk: Catwalk, tmp_path: Path) -> None:
    everything = {
        "class of 26/": b"",
        "class of 26/one/x.csv": answers(truth, 1),
        "class of 26/two.csv": answers(truth, 2),
        "class of 26/three.zip": zipped({"three.csv": answers(truth, 3)}),
        "__MACOSX/class of 26/._two.csv": b"\0\0",
    }
    (tmp_path / "class.zip").write_bytes(zipped(everything))
    code, _, err = catwalk("grade", *DIGITS, "--submissions", str(tmp_path / "class.zip"))
    assert code == 0, err
    assert set(grades_of(paths)) == {"one", "two", "three"}


@pytest.mark.slow
def test_two_hundred_files_are_graded_in_ten_seconds(
    paths: Paths, truth: np.ndarray, catwalk: Catwalk, tmp_path: Path
) -> None:
    """With the rows of Fashion-MNIST: labels of the instructor's own, 10,000 rows."""
    labels = np.random.default_rng(0).integers(0, 10, 10_000)
    (tmp_path / "all").mkdir()
    (tmp_path / "labels.csv").write_bytes(answers(labels, 0))
    for team in range(200):
        (tmp_path / "all" / f"team {team}.csv").write_bytes(answers(labels, 10 * team))
    given = ("--submissions", str(tmp_path / "all"), "--labels", str(tmp_path / "labels.csv"))
    code, out, _ = catwalk("grade", *DIGITS, *given)
    assert code == 0
    assert "grade: 200 of 200 teams scored" in out
    places = [int(row["place"]) for row in grades_of(paths).values()]
    assert places == sorted(places)


@pytest.mark.parametrize("what", ["nowhere", "empty", "no zip"])
def test_nothing_to_grade(paths: Paths, catwalk: Catwalk, tmp_path: Path, what: str) -> None:
    place = tmp_path / what
    if what == "empty":
        place.mkdir()
    elif what == "no zip":
        place.write_bytes(b"nothing")
    code, _, err = catwalk("grade", *DIGITS, "--submissions", str(place))
    assert (code, err.count("\n")) == (2, 1)
    assert "SUBMISSIONS=" in err
    assert not sealed.looks(paths), "nobody looked for nothing"


def test_names_that_are_alike_stay_apart(tmp_path: Path) -> None:
    for name in ("a\u200bb.csv", "a b.csv"):
        (tmp_path / name).write_bytes(b"x")
    assert len({one.team for one in handed_in.collect(tmp_path, 100)}) == 2
    with pytest.raises(UserError, match="neither a folder nor a zip"):
        handed_in.collect(tmp_path / "x", 100)
