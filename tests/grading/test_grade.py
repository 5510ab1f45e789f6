"""grade.py, class_leaderboard.py, solution.py: the instructor's side.

Also: html.py.
"""

import codecs
import csv
import os
import re
import shutil
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.data import download, prepare, test_labels
from catwalk.grading import class_folders, class_leaderboard, grade, solution
from catwalk.grading.class_leaderboard import Graded
from catwalk.models import metrics
from tests.conftest import digits_paths, load
from tests.support.hand_ins import RIGHT, ROWS, answers, not_scored, scored, text, zipped

Catwalk = Callable[..., tuple[int, str, str]]
DIGITS = ("--competition", "digits")


@pytest.fixture
def paths(project: Path, digits_raw: Path) -> Paths:
    made = digits_paths(project, digits_raw)
    download.run(made, load("digits"), "auto", print)
    prepare.run(made, load("digits"), 1, print)
    return made


@pytest.fixture
def truth(paths: Paths) -> np.ndarray:
    labels = np.load(paths.sealed_labels)
    assert len(labels) == 360
    return np.asarray(labels)


def public_rows(paths: Paths, rows: int = ROWS) -> np.ndarray:
    return grade._public_rows(paths, [str(i) for i in range(1, rows + 1)])


def grades_of(paths: Paths) -> dict[str, dict[str, str]]:
    with paths.grades.open(encoding="utf-8-sig") as file:
        return {row["team"]: row for row in csv.DictReader(file)}


def test_what_is_graded_is_to_be_given(catwalk: Catwalk) -> None:
    said = "nothing to grade: set SUBMISSIONS= to a folder or a zip of all teams' files"
    assert catwalk("grade", *DIGITS) == (2, "", f"catwalk grade: {said}\n")


def test_who_is_no_better_than_guessing_is_told(
    paths: Paths, truth: np.ndarray, catwalk: Catwalk, tmp_path: Path
) -> None:
    """As with rows in another source's order; the private rows decide nothing, and real ids have no order."""
    (tmp_path / "all").mkdir()
    public = public_rows(paths)
    common = np.full(ROWS, np.bincount(truth[public]).argmax())
    said = {"guessed": np.where(public, common, truth), "learned": np.where(public, truth, common)}
    for team, labels in said.items():
        (tmp_path / "all" / f"{team}.csv").write_text(text(list(enumerate(labels, 1))))
    assert catwalk("grade", *DIGITS, "--submissions", str(tmp_path / "all"))[0] == 0
    assert {team: row["note"] for team, row in grades_of(paths).items()} == {
        "guessed": grade.GUESSED, "learned": "",
    }  # fmt: skip
    named, given = replace(load("digits"), id_column="id"), solution.Solution([], truth, public, ~public)
    assert not grade._of_guessing(np.zeros(ROWS, np.bool_), given, np.arange(ROWS), named)


def test_a_folder_of_every_form(paths: Paths, truth: np.ndarray, catwalk: Catwalk, tmp_path: Path) -> None:
    folder = tmp_path / "all"
    (folder / "Red team").mkdir(parents=True)
    (folder / "blue.csv").write_bytes(answers(truth, 4))
    (folder / "Red team" / "final.csv").write_bytes(
        b"\xef\xbb\xbf" + answers(truth, 80).replace(b"\n", b"\r\n")
    )
    (folder / "green.zip").write_bytes(zipped({"deep/inside/green.csv": answers(truth, 4)}))
    code, out, err = catwalk("grade", *DIGITS, "--submissions", str(folder))
    assert code == 0, err
    assert "grade: 3 of 3 teams scored, 108 rows public, 252 private" in out
    found = grades_of(paths)
    assert list(found) == ["blue", "green", "Red team"]
    right = public_rows(paths)
    for team, wrong in (("blue", 4), ("Red team", 80)):
        places = np.random.default_rng(wrong).permutation(360)[:wrong]
        is_right = ~np.isin(np.arange(360), places)
        assert float(found[team]["public"]) == pytest.approx(is_right[right].mean(), abs=1e-6)
        assert float(found[team]["private"]) == pytest.approx(is_right[~right].mean(), abs=1e-6)
    assert float(found["Red team"]["private_low"]) < float(found["Red team"]["private"])
    assert [look.caller for look in test_labels.looks(paths)] == ["grade"]
    assert "the test labels of Digits 8x8 are public" in out
    assert [found[team]["place"] for team in found] == ["1", "1", "3"]
    assert [float(found[team]["ahead_of_next_p"] or 1) < 0.001 for team in found] == [False, True, False]
    assert {row["grade"] for row in found.values()} == {""}, "the TOML says nothing of full marks"


def test_the_grade_is_of_the_private_rows(
    paths: Paths, truth: np.ndarray, catwalk: Catwalk, tmp_path: Path
) -> None:
    toml = paths.toml.read_text()
    paths.toml.write_text(toml.replace("first_id = 1", "first_id = 1\nfull_marks = 0.8"))
    said, private = truth.copy(), np.flatnonzero(~public_rows(paths))
    half = private[: len(private) // 2]
    said[half] = (said[half] + 1) % 10
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "half.csv").write_text(text(list(enumerate(said, 1))))
    (tmp_path / "all" / "whole.csv").write_bytes(answers(truth, 0))
    code, _, err = catwalk("grade", *DIGITS, "--submissions", str(tmp_path / "all"))
    assert code == 0, err
    found = grades_of(paths)
    assert found["half"]["public"] == "1.000000"
    assert {team: row["grade"] for team, row in found.items()} == {"whole": "1.0000", "half": "0.6250"}


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
    assert secret.strip() not in paths.class_page.read_text() + paths.grades.read_text()
    publics = set()
    for number in range(4):
        paths.grade_secret.write_text(f"{number:032x}\n")
        catwalk("grade", *DIGITS, "--submissions", str(tmp_path / "all"))
        publics.add(grades_of(paths)["one"]["public"])
    assert len(publics | {first}) > 1
    paths.grade_secret.write_text("not a number")
    looks = test_labels.looks(paths)
    code, _, err = catwalk("grade", *DIGITS, "--submissions", str(tmp_path / "all"))
    assert (code, err.count("\n")) == (2, 1)
    assert "data/digits/grade/secret: the file is damaged: put back your copy" in err
    assert test_labels.looks(paths) == looks


def test_remarks_in_the_grades_are_kept(
    paths: Paths, truth: np.ndarray, catwalk: Catwalk, tmp_path: Path
) -> None:
    """The instructor's, written between ``make grade`` and ``make grade FINAL=1``."""
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "one.csv").write_bytes(answers(truth, 40))
    given = ("grade", *DIGITS, "--submissions", str(tmp_path / "all"))
    for more in ((), ("--final",), ()):
        assert "is kept as" not in catwalk(*given, *more)[1], "it is as catwalk wrote it"
    made = (paths.grades, paths.class_page)
    edited = {path: path.read_bytes().replace(b"one", b"one, spoke well") for path in made}
    for path, content in edited.items():
        path.write_bytes(content)
    code, out, err = catwalk(*given, "--final")
    assert code == 0, err
    for path, content in edited.items():
        kept = path.with_name(f"{path.stem}-1{path.suffix}")
        assert kept.read_bytes() == content != path.read_bytes()
        said = f"{path.name}: the earlier file, which may have been edited, is kept as {kept.name}"
        assert f"  data/digits/grade/{said}" in out.splitlines()
    assert list(grades_of(paths)) == ["one"]
    assert "is kept as" not in catwalk(*given)[1]


def test_a_toml_that_has_changed_since_prepare(
    paths: Paths, truth: np.ndarray, catwalk: Catwalk, tmp_path: Path
) -> None:
    """The sealed labels are positions in the TOML that prepare read."""
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "one.csv").write_bytes(answers(truth, 0))
    given = ("grade", *DIGITS, "--submissions", str(tmp_path / "all"))
    toml = paths.toml.read_text()
    assert '"0", "1"' in toml
    for names in ('"1", "0"', '"zero", "one"'):
        paths.toml.write_text(toml.replace('"0", "1"', names))
        code, _, err = catwalk(*given)
        assert (code, err.count("\n")) == (2, 1)
        assert "digits.toml: its labels, classes, columns or files have changed since" in err
        assert "run make prepare" in err
        assert not test_labels.looks(paths)
    assert catwalk("prepare", *DIGITS)[0] == 0
    assert catwalk(*given)[0] == 0
    assert grades_of(paths)["one"]["private"] == "1.000000"


def test_the_secret_alone_decides_and_no_order(tmp_path: Path) -> None:
    """Of ids in their order it draws what it drew of the rows' numbers."""
    paths, ids = Paths(tmp_path, "digits"), [str(i) for i in range(1, ROWS + 1)]
    public = grade._public_rows(paths, ids)
    drawn = np.random.default_rng(int(paths.grade_secret.read_text(), 16)).permutation(ROWS)[:108]
    assert np.flatnonzero(public).tolist() == sorted(drawn.tolist())
    for order in (np.arange(ROWS)[::-1], np.random.default_rng(0).permutation(ROWS)):
        assert (grade._public_rows(paths, [ids[i] for i in order]) == public[order]).all()
    assert (grade._public_rows(paths, [f"img_{i}.png" for i in ids]) == public).all()


def test_without_labels_the_instructor_is_asked_for_them(
    paths: Paths, truth: np.ndarray, catwalk: Catwalk, tmp_path: Path
) -> None:
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "one.csv").write_bytes(answers(truth, 40))
    paths.sealed_labels.unlink()
    code, _, err = catwalk("grade", *DIGITS, "--submissions", str(tmp_path / "all"))
    assert (code, err.count("\n")) == (2, 1)
    assert "digits: the test rows have no labels here: set LABELS=<csv of ids and labels>" in err


def test_the_private_part_is_shown_at_the_end(
    paths: Paths, truth: np.ndarray, catwalk: Catwalk, tmp_path: Path
) -> None:
    (tmp_path / "all").mkdir()
    for team, wrong in (("good", 3), ("as good", 5), ("bad", 150)):
        (tmp_path / "all" / f"{team}.csv").write_bytes(answers(truth, wrong))
    _, out, _ = catwalk("grade", *DIGITS, "--submissions", str(tmp_path / "all"))
    page = paths.class_page.read_text()
    assert "private" in page, "it says that there is one"
    assert "<th>ahead" not in page
    assert out.count("95% interval") == 1, "of the public score"
    assert "ahead" not in out
    _, out, _ = catwalk("grade", *DIGITS, "--submissions", str(tmp_path / "all"), "--final")
    page = paths.class_page.read_text()
    assert page.index("good") < page.index("bad")
    assert "not significant" in page
    assert "yes (p < 0.0001)" in out
    assert "http" not in page.replace("http-equiv", ""), "it loads nothing"


def test_a_lead_is_significant_only_by_different_pictures() -> None:
    """Places are by rows: with repeated pictures, a team may be ahead of one that knows more of them."""
    right = np.arange(100) >= 10
    ahead = Graded("ahead", "a.csv", right=right, private=0.95)
    behind = Graded("behind", "b.csv", right=np.ones(100, bool), private=0.94)
    first, _ = class_leaderboard.by_private([behind, ahead])
    assert first.team is ahead
    assert first.p is not None
    assert first.p < class_leaderboard.SIGNIFICANT
    assert first.ahead == "not significant"
    first, _ = class_leaderboard.by_private([replace(behind, private=0.96), ahead])
    assert first.ahead == "yes"


def test_a_p_value_is_shown_on_its_side_of_the_limit(tmp_path: Path) -> None:
    """42 pictures that only one team has right, 25 that only the other has: p = 0.0498."""
    right = np.arange(67) < 42
    teams = [
        Graded("ahead", "a.csv", right=right, private=0.63),
        Graded("behind", "b.csv", right=~right, private=0.37),
    ]
    rows = class_leaderboard.by_private(teams)
    assert "yes (p = 0.0498)" in class_leaderboard.table(rows, final=True)[1]
    class_leaderboard.write_page(tmp_path / "page.html", rows, load("digits"), "", final=True)
    assert "<td>yes<small>p = 0.0498</small></td>" in (tmp_path / "page.html").read_text()
    for p, shown in ((0.00002, "< 0.0001"), (0.0213, "= 0.021"), (0.04999, "= 0.04999"), (0.0502, "= 0.05"),
                     (1.0, "= 1"), (None, "")):  # fmt: skip
        assert replace(rows[0], p=p).shown_p == shown


def test_nothing_of_the_private_rows_is_told_before_the_end(
    paths: Paths, truth: np.ndarray, catwalk: Catwalk, tmp_path: Path
) -> None:
    """Other answers there change neither the terminal nor the page by a byte; with FINAL=1 they do."""
    (tmp_path / "all").mkdir()
    given = ("grade", *DIGITS, "--submissions", str(tmp_path / "all"))
    private = np.flatnonzero(~public_rows(paths))
    told = []
    for changed in (0, 150):
        for team, seed in (("one", 1), ("two", 2)):
            said = np.array([int(line.split(b",")[1]) for line in answers(truth, 40 + seed).splitlines()[1:]])
            rows = private[seed * changed // 5 :][:changed]
            said[rows] = (said[rows] + 1) % 10
            lines = "".join(f"{i},{label}\n" for i, label in enumerate(said, 1))
            (tmp_path / "all" / f"{team}.csv").write_text("ImageId,Label\n" + lines)
        for more in ((), ("--final",)):
            _, out, _ = catwalk(*given, *more)
            told.append((out, paths.class_page.read_text(), paths.grades.read_text()))
    assert told[0][:2] == told[2][:2]
    assert told[0][2] != told[2][2]
    assert told[1][0] != told[3][0]
    assert told[1][1] != told[3][1]


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


def test_kaggle_s_solution_file(catwalk: Catwalk, truth: np.ndarray, paths: Paths, tmp_path: Path) -> None:
    """Who sees which row's score is as Usage says; ignored rows are not scored, but must be answered."""
    usages = np.array(["Public", "private", "Ignored", "Private"])[np.arange(ROWS) % 4]
    lines = [f"{usage},{label if usage != 'Ignored' else -1},{i}"
             for i, (label, usage) in enumerate(zip(truth, usages, strict=True), 1)]  # fmt: skip
    (tmp_path / "solution.csv").write_text("\n".join(["Usage,Label,ImageId", *lines[::-1], ""]))
    (tmp_path / "all").mkdir()
    said = truth.astype(int)
    said[np.flatnonzero(usages == "Public")[:9]] = 0
    wrong_public = int((said != truth).sum())
    said[np.flatnonzero(np.char.lower(usages) == "private")[:36]] = 0
    wrong_private = int((said != truth).sum()) - wrong_public
    said[usages == "Ignored"] = 0
    rows = [f"{i},{label}" for i, label in enumerate(said, 1)]
    (tmp_path / "all" / "one.csv").write_text("\n".join(["ImageId,Label", *rows]))
    (tmp_path / "all" / "short.csv").write_text("\n".join(["ImageId,Label", *rows[:2], *rows[3:]]))
    given = ("--submissions", str(tmp_path / "all"), "--labels", str(tmp_path / "solution.csv"))
    code, out, err = catwalk("grade", *DIGITS, *given)
    assert code == 0, err
    found = grades_of(paths)
    assert float(found["one"]["public"]) == pytest.approx(1 - wrong_public / 90, abs=1e-6)
    assert float(found["one"]["private"]) == pytest.approx(1 - wrong_private / 180, abs=1e-6)
    assert "1 id is missing, first 3" in found["short"]["note"]
    assert "grade: 1 of 2 teams scored, 90 rows public, 180 private, 90 ignored" in out
    assert not paths.grade_secret.exists()
    assert "secret" not in out


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"ImageId,Label\n1,3\n1,4\n", "row 3: duplicate id 1: write each id once"),
        (b"ImageId,Label\n,3\n", "row 2: the id is missing"),
        (b"ImageId,Label\n1,99\n", "row 2: the label '99' is not one of the competition's"),
        (b"ImageId,Label\n1\n", "row 2: the label '' is not one of"),
        (b"id,Label\n1,3\n", "row 1: the columns are id,Label: name them ImageId,Label"),
        (b"ImageId,Label,Usage\n1,3,Public\n2,3,Test\n", "row 3: Usage is 'Test': write Public, Private or"),
        (
            b"ImageId,Label,Usage\n1,3,Public\n",
            "no row is private: correct the Usage column, or leave it out",
        ),
        (b"ImageId,Label,Usage\n1,9,Private\n2,7,Ignored\n", "no row is public"),
        (b"\xff", "can't be read (not a CSV in UTF-8)"),
        (b"ImageId,Label\n", "no rows below the header"),
        (b"", "no rows below the header"),
        (None, "can't be read (No such file or directory)"),
    ],
)
def test_labels_that_are_wrong(
    paths: Paths, catwalk: Catwalk, tmp_path: Path, content: bytes | None, told: str
) -> None:
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "one.csv").write_bytes(b"")
    file = tmp_path / "labels.csv"
    if content is not None:
        file.write_bytes(content)
    given = ("--submissions", str(tmp_path / "all"), "--labels", str(file))
    code, _, err = catwalk("grade", *DIGITS, *given)
    assert (code, err.count("\n")) == (2, 1)
    assert f"LABELS={file}: {told}" in err


@pytest.mark.parametrize(("start", "separator"), [("", ";"), ("sep=;\n", ";"), ("\n", "\t"), ("", "|")])
def test_labels_with_another_separator(tmp_path: Path, start: str, separator: str) -> None:
    """As the other CSVs are read."""
    file, header = tmp_path / "labels.csv", f"ImageId{separator}Label"
    file.write_text(start + text([(1, 3), (2, 4)], header, separator))
    found = solution.read(file, load("digits"))
    assert (found.ids, found.truth.tolist()) == (["1", "2"], [3, 4])
    file.write_text(start + text([(1, 3), (1, 4)], header, separator))
    with pytest.raises(UserError, match=rf": row {3 + start.count(chr(10))}: duplicate id 1"):
        solution.read(file, load("digits"))


def test_labels_that_differ_in_capitals_are_two_classes(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("ImageId,Label\n1,a\n2,A\n3,B\n")
    competition = replace(load("digits"), labels=(0, 1, 2), classes=("A", "a", "b"), writes_names=True)
    assert solution.read(file, competition).truth.tolist() == [1, 0, 2]


def test_nobody_is_lost(paths: Paths, truth: np.ndarray, catwalk: Catwalk, tmp_path: Path) -> None:
    """In the table, the page and grades.csv; what Kaggle would score has the same 94.4%."""
    folder = tmp_path / "all"
    (folder / "empty").mkdir(parents=True)
    good, bad = scored(truth), not_scored(truth)
    for name, content in {**good, **{name: content for name, (content, _) in bad.items()}}.items():
        (folder / name).write_bytes(content)
    (tmp_path / "elsewhere.csv").write_bytes(answers(truth, 0))
    (folder / "link.csv").symlink_to(tmp_path / "elsewhere.csv")
    os.mkfifo(folder / "pipe.csv")
    evil = "<script>alert(1)<|script>\u202e\n=1+1"
    (folder / f"{evil}.csv").write_bytes(answers(truth, 20))
    (folder / "=formula.csv").write_bytes(answers(truth, 20))
    long = "x" * 70
    (folder / long).mkdir()
    for i, content in enumerate((answers(truth, 0), answers(truth, 1), answers(truth, 3)[:-6])):
        (folder / long / f"{'y' * 70} v{i}.csv").write_bytes(content)
    code, out, err = catwalk("grade", *DIGITS, "--submissions", str(folder), "--final")
    assert code == 0, err
    page = paths.class_page.read_text()
    found = grades_of(paths)
    rows = len(good) + len(bad) + 6
    assert len(found) == rows
    assert page.count('<td class="team">') == rows
    assert f"grade: {len(good) + 3} of {rows} teams scored" in out
    assert len(out.splitlines()) == 1 + rows + 4
    assert all(len(line) <= 300 for line in out.splitlines())
    public = public_rows(paths).mean()
    for name in good:
        row = found[class_folders.stem(name)]
        right = public * float(row["public"]) + (1 - public) * float(row["private"])
        assert right == pytest.approx(RIGHT, abs=1e-5), name
        assert row["place"] == "2"
    for name, (_, told) in bad.items():
        row = found[class_folders.stem(name)]
        assert told in row["note"], name
        assert (row["place"], row["public"], row["private"]) == ("", "", "")
        assert told in out
    assert "<script" not in page
    assert "\u202e" not in page + out
    assert "&lt;script&gt;" in page
    assert not [row for row in paths.grades.read_text().splitlines() if re.match(r"(\d*,)?=", row)]
    assert not list(tmp_path.rglob("evil.csv")), "nothing was unpacked"


def test_equal_scores_share_a_place_and_twins_are_named(
    paths: Paths, truth: np.ndarray, catwalk: Catwalk, tmp_path: Path
) -> None:
    (tmp_path / "all").mkdir()
    public = np.flatnonzero(public_rows(paths))
    private = np.flatnonzero(~public_rows(paths))
    mistakes = {
        "anna": [public[0], private[0]],
        "bea": [public[0], private[0]],  # the same answers
        "carl": [public[1], private[1]],  # as many, other rows
        "dora": [public[1], public[2]],
        "emil": [*public[:5], *private[:5]],
    }
    for team, places in mistakes.items():
        said = truth.astype(int)
        said[places] = (said[places] + 1) % 10
        rows = "".join(f"{i},{label}\n" for i, label in enumerate(said, 1))
        (tmp_path / "all" / f"{team}.csv").write_text("ImageId,Label\n" + rows)
    _, out, _ = catwalk("grade", *DIGITS, "--submissions", str(tmp_path / "all"))
    assert [line.split()[:2] for line in out.splitlines()[1:6]] == [
        ["1", "anna"], ["1", "bea"], ["1", "carl"], ["4", "dora"], ["5", "emil"]
    ]  # fmt: skip
    places = re.findall(r'<td class="number">(\d)</td><td class="team">(\w+)', paths.class_page.read_text())
    assert places == [("1", "anna"), ("1", "bea"), ("1", "carl"), ("4", "dora"), ("5", "emil")]
    found = grades_of(paths)
    assert {team: found[team]["place"] for team in mistakes} == {
        "dora": "1", "anna": "2", "bea": "2", "carl": "2", "emil": "5"
    }  # fmt: skip
    notes = {team: found[team]["note"] for team in mistakes if found[team]["note"]}
    assert notes == {"anna": "the same predictions as bea", "bea": "the same predictions as anna"}
    for told in (out, paths.class_page.read_text()):
        assert told.count("the same predictions as") == 2


def test_a_moodle_zip(paths: Paths, truth: np.ndarray, catwalk: Catwalk, tmp_path: Path) -> None:
    files = {
        "Anna Müller_123_assignsubmission_file_/submission.csv": answers(truth, 4),
        "Bo Li_124_assignsubmission_file_/project.zip": zipped(
            {"p/sample_submission.csv": b"", "p/x.csv": answers(truth, 9)}
        ),
        "Cy_125_assignsubmission_file_/report.pdf": b"%PDF-1.7",
    }  # fmt: skip
    (tmp_path / "class.zip").write_bytes(zipped(files))
    code, out, err = catwalk("grade", *DIGITS, "--submissions", str(tmp_path / "class.zip"))
    assert code == 0, err
    assert paths.grades.read_bytes().startswith(codecs.BOM_UTF8), "for Excel"
    found = grades_of(paths)
    assert list(found) == ["Anna Müller", "Bo Li", "Cy"]
    assert found["Bo Li"]["file"] == "project.zip/p/x.csv"
    assert "report.pdf: this is a PDF" in found["Cy"]["note"]
    assert "grade: 2 of 3 teams scored" in out


@pytest.mark.parametrize(
    ("twins", "said"),
    [
        ("", "late"),
        ("b", "the same predictions as b; late"),
        ("bc", "the same predictions as b and c; late"),
        ("bcd", "the same predictions as b, c and 1 more team; late"),
        ("bcde", "the same predictions as b, c and 2 more teams; late"),
    ],
)
def test_of_many_teams_with_the_same_predictions_two_are_named(twins: str, said: str) -> None:
    team = Graded("a", "a.csv", right=np.ones(3, np.bool_), note="late")
    assert grade._noted(team, list(twins)).note == said


@pytest.mark.slow
def test_two_hundred_teams_are_scored_and_ranked(
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


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("nowhere", "neither a folder nor a zip: choose one"),
        ("empty", "it is empty: put a file or folder per team there"),
        ("no zip", "not a complete zip: give a folder or a complete zip"),
    ],
)
def test_nothing_to_grade(paths: Paths, catwalk: Catwalk, tmp_path: Path, what: str, said: str) -> None:
    place = tmp_path / what
    if what == "empty":
        place.mkdir()
    elif what == "no zip":
        place.write_bytes(b"nothing")
    code, _, err = catwalk("grade", *DIGITS, "--submissions", str(place))
    assert (code, err.count("\n")) == (2, 1)
    assert "SUBMISSIONS=" in err
    assert err.endswith(f"{what}: {said}\n")
    assert not test_labels.looks(paths), "nobody looked for nothing"


@pytest.mark.parametrize("labels", ["sealed", "given"])
def test_a_repeated_picture_counts_once(project: Path, digits_raw: Path, tmp_path: Path, labels: str) -> None:
    """Every test row three times: the scores stay, interval and comparison are those of the rows once."""
    paths = digits_paths(project, digits_raw)
    test = paths.raw / "digits_test.csv"
    header, *lines = test.read_text().splitlines()
    test.write_text("\n".join([header, *(line for line in lines for _ in range(3))]) + "\n")
    download.run(paths, load("digits"), "auto", print)
    prepare.run(paths, load("digits"), 1, print)
    truth = np.repeat([int(line.split(",")[0]) for line in lines], 3)
    ids = range(1, len(truth) + 1)
    (tmp_path / "in").mkdir()
    said = truth.copy()
    said[:60] = (said[:60] + 1) % 10
    (tmp_path / "in/red.csv").write_text(text(list(zip(ids, said, strict=True))))
    (tmp_path / "in/blue.csv").write_text(text(list(zip(ids, truth, strict=True))))
    public = public_rows(paths, len(truth))
    private, shown = np.flatnonzero(~public), np.flatnonzero(public)
    solution = None
    out: list[str] = []
    if labels == "given":
        solution = tmp_path / "labels.csv"
        rows = list(zip(ids, truth, strict=True))
        solution.write_text(text(rows[::-1]))
    grade.run(paths, load("digits"), handed=tmp_path / "in", labels=solution, final=True, say=out.append)
    with paths.grades.open(encoding="utf-8-sig") as file:
        found = {row["team"]: row for row in csv.DictReader(file)}
    share = float((said == truth)[shown].mean())
    low, high = metrics.wilson(share, len(np.unique(shown // 3)))
    (told,) = [line for line in out if line.split()[1] == "red"]
    assert f"{share:.4f}  {low:.4f}-{high:.4f}" in told
    cell = f"{100 * share:.2f}%<small>{100 * low:.2f} to {100 * high:.2f}</small>"
    assert cell in paths.class_page.read_text()
    pictures = len(np.unique(private // 3))
    right = (said == truth)[private]
    assert float(found["red"]["private"]) == pytest.approx(right.mean(), abs=1e-6)
    low, high = metrics.wilson(float(right.mean()), pictures)
    assert float(found["red"]["private_low"]) == pytest.approx(low, abs=1e-6)
    assert float(found["red"]["private_high"]) == pytest.approx(high, abs=1e-6)
    wrong = len(np.unique(private[~right] // 3))
    assert float(found["blue"]["ahead_of_next_p"]) == pytest.approx(2 * 0.5**wrong, rel=1e-2, abs=1e-6)
