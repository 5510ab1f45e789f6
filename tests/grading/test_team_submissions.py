"""team_submissions.py and what it reads: whose file is whose, and which of several counts.

Also: attempt_order.py, class_folders.py, submitted_archives.py.
"""

import errno
import os
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from catwalk.core.errors import UserError
from catwalk.grading import attempt_order, class_folders, submitted_archives, team_submissions
from catwalk.grading.expected_csv import Expected
from catwalk.grading.team_submissions import Chosen
from tests.conftest import load
from tests.support.hand_ins import MISTAKES, answers, not_scored, scored, text, zipped

TRUTH = np.random.default_rng(1).integers(0, 10, 360)
EXPECTED = Expected.of([str(i) for i in range(1, 361)], load("digits"))
GOOD = answers(TRUTH, MISTAKES)
SAMPLE = text([(i, 0) for i in range(1, 361)]).encode()
TRAIN = b"label,pixel1\n1,0\n"

Files = dict[str, bytes]
Put = Callable[[Path, Files], Path]


def as_folder(place: Path, files: Files) -> Path:
    for name, content in files.items():
        path = place / "all" / name
        if name.endswith("/"):
            path.mkdir(parents=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return place / "all"


def as_zip(place: Path, files: Files) -> Path:
    (place / "all.zip").write_bytes(zipped(files))
    return place / "all.zip"


both = pytest.mark.parametrize("put", [as_folder, as_zip])


def chosen(source: Path) -> dict[str, Chosen]:
    with team_submissions.opened(source) as teams:
        return {team.name: team_submissions.choose(team, EXPECTED) for team in teams}


def wrong(one: Chosen) -> int:
    """How many rows it has wrong, by which the tests tell files apart."""
    assert one.answers is not None, one.problem
    return int((one.answers.predicted != TRUTH).sum())


@both
def test_everyone_has_a_row(tmp_path: Path, put: Put) -> None:
    good, bad = scored(TRUTH), not_scored(TRUTH)
    files = {**good, **{name: content for name, (content, _) in bad.items()}}
    more = {"empty/": b"", "only a notebook/x.ipynb": b"{}"}
    found = chosen(put(tmp_path, {**files, **more, "._plain.csv": b"\0", "~$plain.csv": b"\0"}))
    assert len(found) == len(files) + 2
    for name in good:
        assert wrong(found[class_folders.stem(name)]) == MISTAKES, name
    for name, (_, told) in bad.items():
        one = found[class_folders.stem(name)]
        assert one.answers is None
        assert told in one.problem, name
        assert len(one.problem) <= team_submissions.LONGEST_LINE
    wanted = "hand in a CSV with the columns ImageId,Label and 360 rows"
    assert found["empty"].problem == f"the folder is empty: {wanted}"
    assert found["only a notebook"].problem == f"x.ipynb: this is JSON: {wanted}"
    assert "should end with .csv" in found["no ending"].remark + found["text"].remark
    assert not found["plain"].remark


MOODLE = "Anna Müller_123_assignsubmission_file"


@both
@pytest.mark.parametrize("outer", ["", "Assignment 1/", "course/Assignment 1/"])
@pytest.mark.parametrize("inner", ["/", "_/", "_"], ids=["folders", "before Moodle 4.1", "no folders"])
def test_moodle(tmp_path: Path, put: Put, outer: str, inner: str) -> None:
    """As it is downloaded, or unpacked; two of one name are two people."""
    found = chosen(
        put(
            tmp_path,
            {
                f"{outer}{MOODLE}{inner}submission.csv": answers(TRUTH, 1),
                f"{outer}Bo_d'Or-Łęcki_77_assignsubmission_file{inner}x.zip": zipped(
                    {"a/y.csv": answers(TRUTH, 2)}
                ),
                f"{outer}Bo_d'Or-Łęcki_77_assignsubmission_onlinetext{inner}onlinetext.html": b"<p>",
                f"{outer}Li Wei_5_assignsubmission_file{inner}a.csv": answers(TRUTH, 3),
                f"{outer}Li Wei_6_assignsubmission_file{inner}a.csv": answers(TRUTH, 4),
                f"{outer}Ola_9_assignsubmission_onlinetext{inner}onlinetext.html": b"<p>sorry",
                f"{outer}Default group_assignsubmission_file{inner}a.csv": answers(TRUTH, 5),
            },
        )
    )
    scored = {team: wrong(one) for team, one in found.items() if one.answers is not None}
    numbered = {"Li Wei (5)": 3, "Li Wei (6)": 4}
    assert scored == {"Anna Müller": 1, "Bo_d'Or-Łęcki": 2, **numbered, "Default group": 5}
    assert "web page" in found["Ola"].problem
    assert len(found) == 6


def test_a_name_of_many_underscores_is_sorted_at_once() -> None:
    some = [submitted_archives.Entry(("_" * 3000 + f"{letter}.csv",), (0.0,), None) for letter in "ab"]
    assert attempt_order.newest_first(some, some) == some[::-1]


@both
def test_moodle_s_zip_alone_in_a_folder(tmp_path: Path, put: Put) -> None:
    """A zip that is one team's stays that."""
    inner = {f"{MOODLE}_/a.csv": GOOD, "Bo_7_assignsubmission_file_/b.csv": GOOD}
    for files, teams in ((inner, {"Anna Müller", "Bo"}), ({"a.csv": GOOD, "b.csv": GOOD}, {"course"})):
        assert set(chosen(put(tmp_path, {"course.zip": zipped(files)}))) == teams


@both
@pytest.mark.parametrize("outer", ["", "submitted/", "course/submitted/"])
def test_nbgrader(tmp_path: Path, put: Put, outer: str) -> None:
    """The latest assignment counts, by its timestamp.txt, whatever the files' own times are."""
    files = {
        f"{outer}anna/ps1/submission.csv": answers(TRUTH, 1),
        f"{outer}anna/ps1/timestamp.txt": b"2026-02-03 15:58:23.948203 UTC\n",
        f"{outer}anna/ps2/submission.csv": answers(TRUTH, 2),
        f"{outer}anna/ps2/timestamp.txt": b"2026-02-02 15:58:23.948203 America/Los_Angeles\n",
        f"{outer}anna/ps2/problem.ipynb": b"{}",
        f"{outer}bob/ps1/predictions.csv": answers(TRUTH, 3),
        f"{outer}carl/ps1/timestamp.txt": b"2026-02-03 15:58:23 UTC\n",
        f"{outer}carl/ps1/problem.ipynb": b'{"cells": []}',
    }
    if "course" in outer:
        files |= {"course/source/ps1/problem.ipynb": b"{}", "course/gradebook.db": b"SQLite format 3"}
    found = chosen(put(tmp_path, files))
    assert set(found) == {"anna", "bob", "carl"}
    assert (wrong(found["anna"]), wrong(found["bob"])) == (1, 3)
    assert "2 files could be scored, the latest counts: ps1/submission.csv" in found["anna"].remark
    assert "none of them a CSV" in found["carl"].problem


@both
def test_one_student_of_nbgrader(tmp_path: Path, put: Put) -> None:
    files = {
        "anna/ps1/a.csv": answers(TRUTH, 1),
        "anna/ps1/timestamp.txt": b"2026-02-01 09:00:00 UTC",
        "anna/ps2/a.csv": answers(TRUTH, 2),
        "anna/ps2/timestamp.txt": b"2026-02-02 09:00:00 UTC",
    }
    assert {team: wrong(one) for team, one in chosen(put(tmp_path, files)).items()} == {"anna": 2}


@both
def test_nbgrader_s_exchange(tmp_path: Path, put: Put) -> None:
    found = chosen(
        put(
            tmp_path,
            {
                "anna+ps1+2026-02-02 15:58:23.948203 UTC/a.csv": answers(TRUTH, 1),
                "anna+ps1+2026-02-10 08:00:00.000000 UTC+x/a.csv": answers(TRUTH, 2),
                "bob+ps1+2026-02-02 15:58:23.948203 UTC/a.csv": answers(TRUTH, 3),
            },
        )
    )
    assert {team: wrong(one) for team, one in found.items()} == {"anna": 2, "bob": 3}


@both
@pytest.mark.parametrize(
    ("first", "latest"),
    [
        ("attempt 9/x.csv", "attempt 10/x.csv"),
        ("submission_v2.csv", "submission_v10.csv"),
        ("submission.csv", "submission (1).csv"),
        ("2026-01-31_12-00.csv", "2026-02-01_09-30.csv"),
        ("20260131T1200 mine.csv", "20260201T0930 last.csv"),
        ("try1.csv.gz", "try2.zip"),
    ],
)
def test_the_latest_attempt_by_its_name(tmp_path: Path, put: Put, first: str, latest: str) -> None:
    import gzip

    def content(name: str, wrong: int) -> bytes:
        plain = answers(TRUTH, wrong)
        return gzip.compress(plain) if name.endswith(".gz") else (
            zipped({"x.csv": plain}) if name.endswith(".zip") else plain)  # fmt: skip

    files = {f"red/{latest}": content(latest, 2), f"red/{first}": content(first, 1), "blue.csv": GOOD}
    one = chosen(put(tmp_path, files))["red"]
    if {first, latest} == {"try1.csv.gz", "try2.zip"}:
        assert one.file == "try2.zip/x.csv"
    assert wrong(one) == 2
    assert "2 files could be scored, the latest counts" in one.remark


def test_the_latest_attempt_by_its_time(tmp_path: Path) -> None:
    folder = as_folder(
        tmp_path, {"red/b.csv": answers(TRUTH, 1), "red/a.csv": answers(TRUTH, 2), "c.csv": GOOD}
    )
    for last in ("a", "b"):
        for name in ("a", "b"):
            hour = 20 if name == last else 10
            os.utime(folder / "red" / f"{name}.csv", (hour * 3600, hour * 3600))
        assert chosen(folder)["red"].file == f"{last}.csv"
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as packed:
        for name, day in (("b", 9), ("a", 3)):
            info = zipfile.ZipInfo(f"red/{name}.csv", (2026, 2, day, 12, 0, 0))
            packed.writestr(info, answers(TRUTH, day))
        packed.writestr("c.csv", GOOD)
    assert wrong(chosen(tmp_path / "class.zip")["red"]) == 9


def test_a_later_file_that_can_t_be_scored_is_told(tmp_path: Path) -> None:
    folder = as_folder(
        tmp_path,
        {
            "red/v1.csv": answers(TRUTH, 1),
            "red/v2.csv": answers(TRUTH, 2)[:-6],
            "blue/loss.csv": b"epoch,loss\n1,2\n",
        },
    )
    (folder / "blue" / "answer.csv").write_bytes(answers(TRUTH, 3).replace(b"Label", b"label"))
    found = chosen(folder)
    assert wrong(found["red"]) == 1
    assert "a later file could not be scored: v2.csv: 1 id is missing, first 360" in found["red"].remark
    assert (wrong(found["blue"]), found["blue"].remark) == (3, "")


@both
@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("v2.csv", GOOD.replace(b",", b";"), "v2.csv: row 1: separated by ';'"),
        ("v2.csv", b"sep=;\n" + GOOD.replace(b",", b";"), "v2.csv: row 2: separated by ';'"),
        ("v2.csv", b"Table 1\n" + GOOD, "v2.csv: row 1: 'Table 1' comes before the header"),
        ("v2.csv", GOOD.decode().encode("utf-16"), "v2.csv: this is UTF-16 text"),
        ("v2.csv", GOOD + b"\xff", "v2.csv: row 362: not UTF-8 text"),
        ("v2.csv", TRAIN + b"\xff", ""),
        ("v2.xlsx", b"PK\x03\x04 not really", "v2.xlsx: this is an Excel workbook or similar"),
        ("v0.xlsx", b"PK\x03\x04 not really", ""),
        ("train.xlsx", b"PK\x03\x04 not really", ""),
        ("v2.zip", zipped({"x.csv": GOOD})[:-9], "v2.zip: not a complete zip"),
        ("v0.zip", zipped({"x.csv": GOOD})[:-9], ""),
    ],
    ids=[
        "semicolons", "sep=", "title", "UTF-16", "not UTF-8", "another table",
        "Excel", "Excel before", "Excel beside", "zip", "zip before",
    ],
)  # fmt: skip
def test_a_later_file_in_another_form_is_told(
    tmp_path: Path, put: Put, name: str, content: bytes, told: str
) -> None:
    """But not an earlier one, or one of something else."""
    files = {"red/v1.csv": answers(TRUTH, 1), f"red/{name}": content, "blue.csv": GOOD}
    one = chosen(put(tmp_path, files))["red"]
    assert wrong(one) == 1
    assert one.remark.startswith(told and f"a later file could not be scored: {told}")
    assert bool(one.remark) == bool(told)


@both
def test_what_lies_beside_the_answer(tmp_path: Path, put: Put) -> None:
    """A sample, training rows and a project around it are not the hand-in; a copy of it is no second one."""
    everything = {
        "red/submission.csv": GOOD,
        "red/sample_submission.csv": SAMPLE,
        "red/train.csv": TRAIN,
        "red/submission/labels.csv": b"row,label,class,answer,answer class\n2,1,one,7,seven\n",
        "red/readme.txt": b"ImageId,Label\n",
        "blue/project.zip": zipped(
            {"project/data/test.csv": TRAIN, "project/out/answer.csv": GOOD, "project/x.ipynb": b"{}"}
        ),
        "green/answer.csv": GOOD,
        "green/answer.zip": zipped({"answer.csv": GOOD}),
        "green/all zero.csv": SAMPLE,
        "sample only/sample_submission.csv": GOOD,
        "zeros/x.csv": SAMPLE,
        "black/train.csv": TRAIN,
        "white/notes.txt": b"hello",
        "white/sample.csv": GOOD,
        "grey/run.csv": TRAIN,
        "grey/answer.csv": GOOD.replace(b",", b";"),
        "pink/sample_submission.csv": GOOD,
        "pink/history.csv": TRAIN,
        "brown/sample_submission.csv": SAMPLE,
        "brown/history.csv": TRAIN,
        "gold/sample_submission.csv": GOOD,
        "gold/answer.csv": GOOD[:-6],
        "__MACOSX/red/._submission.csv": b"\0",
        "red/.DS_Store": b"\0",
        "Thumbs.db": b"\0",
    }
    found = chosen(put(tmp_path, everything))
    assert set(found) == {
        "red", "blue", "green", "sample only", "zeros", "black", "white", "grey", "pink", "brown", "gold"
    }  # fmt: skip
    for team in ("red", "blue", "sample only", "white"):
        assert (wrong(found[team]), found[team].remark) == (MISTAKES, ""), team
    assert found["blue"].file == "project.zip/project/out/answer.csv"
    assert wrong(found["green"]) == MISTAKES
    assert wrong(found["zeros"]) > 300
    assert "the columns are label,pixel1: expected ImageId,Label" in found["black"].problem
    assert found["grey"].problem.startswith("answer.csv: row 1: separated by ';'")
    assert wrong(found["pink"]) == MISTAKES
    assert found["pink"].remark == (
        "no other CSV could be scored: "
        "history.csv: row 1: the columns are label,pixel1: expected ImageId,Label"
    )
    assert "the columns are label,pixel1: expected ImageId,Label" in found["brown"].problem
    assert found["gold"].problem.startswith("answer.csv: 1 id is missing, first 360")


def test_a_zip_made_on_windows(tmp_path: Path) -> None:
    """Names in cp437 without the flag for UTF-8; macOS writes UTF-8 without it, and takes ü apart."""
    names = {"M\u00fcller.csv": "cp437", "Wei\u00df\\x.csv": "cp437", "O\u0308zil.csv": "utf-8"}
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as packed:
        for i, name in enumerate(names):
            packed.writestr("x" * len(name.encode(names[name])) + str(i), GOOD)
    raw = (tmp_path / "class.zip").read_bytes()
    for i, (name, coding) in enumerate(names.items()):
        raw = raw.replace(
            b"x" * len(name.encode(coding)) + str(i).encode(), name.encode(coding) + str(i).encode()
        )
    (tmp_path / "class.zip").write_bytes(raw)
    assert set(chosen(tmp_path / "class.zip")) == {"Müller", "Weiß", "Özil"}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_in_a_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as packed:
        for mistakes in (1, 2):
            packed.writestr("anna.csv", answers(TRUTH, mistakes))
    found = chosen(tmp_path / "class.zip")
    assert {team: wrong(one) for team, one in found.items()} == {"anna": 1, "anna (2)": 2}


@both
@pytest.mark.parametrize(
    ("files", "teams"),
    [
        (["class of 26/one.csv", "class of 26/two.csv", "class of 26/three.zip"], {"one", "two", "three"}),
        (["class/one/x.csv", "class/two/x.csv"], {"one", "two"}),
        (["class/one/x.csv", "class/two.xlsx", "class/three.7z"], {"one", "two", "three"}),
        (["a/b/12345/x.csv", "a/b/12346/x.csv"], {"12345", "12346"}),
        ([f"class/submission_{i}.csv" for i in range(9)], {f"submission_{i}" for i in range(9)}),
        (["class/anna_submission.csv", "class/ben_submission.csv"], {"anna_submission", "ben_submission"}),
        (["class/team1_submission.csv", "class/team2_pred.csv"], {"team1_submission", "team2_pred"}),
        (["class/s1234567_pred.csv", "class/s1234568_pred.csv"], {"s1234567_pred", "s1234568_pred"}),
        (["class/12345_submission.csv", "class/12346_result.csv"], {"12345_submission", "12346_result"}),
        (["red/submission_1.csv", "red/submission_2.csv"], {"red"}),
        (["red/2026-05-03_1030_submission.csv", "red/2026-05-04_0915_submission.csv"], {"red"}),
        (["class/anna/x.csv", "class/ben/x.csv", "class/Train Wreck/x.csv"], {"anna", "ben", "Train Wreck"}),
        (["red/submission.csv", "red/sample_submission.csv"], {"red"}),
        (["red/anna_v1.csv", "red/Anna_final.csv"], {"red"}),
        (["red/submission.csv", "red/history.csv"], {"red"}),
        (["red/submission.csv", "red/history.csv", "red/weights.zip"], {"red"}),
        (["class/one.csv", "class/two.csv", ".stfolder/x", ".gitlab-ci.yml"], {"one", "two"}),
        (["red/attempt1/x.csv", "red/attempt2/x.csv"], {"red"}),
        (["red/x.csv"], {"red"}),
        (["red.csv", "red/x.csv", "blue.csv"], {"red", "blue"}),
        (["one v1.2.csv", "two.x.zip"], {"one v1.2", "two.x"}),
    ],
)
def test_the_folder_around_all_teams(tmp_path: Path, put: Put, files: list[str], teams: set[str]) -> None:
    content = {name: zipped({"x.csv": GOOD}) if name.endswith(".zip") else GOOD for name in files}
    assert set(chosen(put(tmp_path, content))) == teams


def test_what_is_no_file(tmp_path: Path) -> None:
    """Links lead anywhere and pipes wait for a writer; each is a line of its own."""
    folder = as_folder(tmp_path, {"good.csv": GOOD, "pipes/x.txt": b""})
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.csv").write_bytes(GOOD)
    (folder / "link.csv").symlink_to(tmp_path / "elsewhere" / "x.csv")
    (folder / "linked folder").symlink_to(tmp_path / "elsewhere")
    (folder / "broken.zip").symlink_to(tmp_path / "nowhere")
    os.mkfifo(folder / "pipes" / "pipe.csv")
    found = chosen(folder)
    assert len(found) == 5
    for team in ("link", "linked folder", "broken"):
        assert "a symbolic link, which is not followed" in found[team].problem
    assert found["pipes"].problem.startswith("pipe.csv: not a regular file")
    assert wrong(found["good"]) == MISTAKES


def test_a_folder_that_can_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One team's folder is that team's line; the folder of all teams is an error."""
    folder = as_folder(
        tmp_path,
        {
            "j.doe/x.csv": GOOD,
            "bo/inner/x.csv": GOOD,
            "bo/readme.md": b"",
            "cy/x.csv": GOOD,
            "dan/x.csv": GOOD,
        },
    )
    closed = {str(folder / "j.doe"), str(folder / "bo/inner")}
    listed_only = str(folder / "cy/x.csv")
    scandir, lstat, opened = os.scandir, Path.lstat, os.open

    def refused(path: object) -> PermissionError:
        return PermissionError(errno.EACCES, "Permission denied", str(path))

    def scandir_refused(path: str = ".") -> Iterator[os.DirEntry[str]]:
        if str(path) in closed:
            raise refused(path)
        return scandir(path)

    def lstat_refused(path: Path) -> os.stat_result:
        if str(path) == listed_only:
            raise refused(path)
        return lstat(path)

    def open_refused(path: Path, *given: int) -> int:
        if str(path) == listed_only:
            raise refused(path)
        return opened(path, *given)

    monkeypatch.setattr(os, "scandir", scandir_refused)
    monkeypatch.setattr(os, "open", open_refused)
    monkeypatch.setattr(Path, "lstat", lstat_refused)
    found = chosen(folder)
    assert set(found) == {"j.doe", "bo", "cy", "dan"}
    assert found["j.doe"].problem.startswith("can't be read (Permission denied): hand in a CSV")
    assert found["bo"].problem.startswith("inner/: can't be read (Permission denied)")
    assert found["cy"].problem.startswith("x.csv: can't be read (Permission denied)")
    assert wrong(found["dan"]) == MISTAKES
    closed.add(str(folder))
    with (
        pytest.raises(UserError, match=r"SUBMISSIONS=.*all: can't be read \(Permission denied\): choose"),
        team_submissions.opened(folder),
    ):
        pass


def test_a_zip_with_a_password(tmp_path: Path) -> None:
    raw = bytearray(zipped({"x.csv": GOOD}))
    raw[raw.index(b"PK\x03\x04") + 6] |= 1  # the flag of an encrypted file, in both places
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    found = chosen(as_folder(tmp_path, {"red.zip": bytes(raw), "blue.csv": GOOD}))
    assert found["red"].problem.startswith("red.zip/x.csv: needs a password: hand in")


def with_far_offset(raw: bytes) -> bytes:
    """A zip of one file, of which it says (as zip64 does) that it begins at byte 2**63."""
    listed, end = raw.index(b"PK\x01\x02"), raw.index(b"PK\x05\x06")
    entry = bytearray(raw[listed:end] + struct.pack("<HHQ", 1, 8, 1 << 63))
    entry[30:32] = struct.pack("<H", 12)  # bytes of what was just added
    entry[42:46] = b"\xff" * 4  # see there
    last = bytearray(raw[end:])
    last[12:16] = struct.pack("<I", len(entry))
    return raw[:listed] + entry + last


def test_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One team's many files, or zips in zips, stop nobody else; nor do long names and large numbers."""
    many = {f"{i}.png": b"" for i in range(300)}
    digits = {"9" * 5000 + ".csv": GOOD, "a" + ".csv" * 16_000: GOOD, "x.csv": GOOD}
    far = zipped({"x.zip": with_far_offset(zipped({"x.csv": GOOD}))})
    listed = {"x" * 700 + f"{i}.csv": b"" for i in range(150)}
    deep = GOOD
    for _ in range(6):
        deep = zipped({"x.zip": deep})
    files = {"many.zip": zipped(many), "deep.zip": deep, "good.csv": GOOD, "digits.zip": zipped(digits)}
    files |= {"far.zip": far, "listed.zip": zipped(listed), "long.zip": zipped({"9" * 5000 + ".csv": GOOD})}
    folder = as_folder(tmp_path, files)
    large = zipped(
        {"class/big.zip": zipped({"x.bin": bytes(20_000)}), "class/good.csv": GOOD, "class/x.csv": GOOD}
    )
    (tmp_path / "large.zip").write_bytes(large)
    monkeypatch.setattr(submitted_archives, "MOST_ENTRIES", 200)
    monkeypatch.setattr(submitted_archives, "MOST_PACKED", 10_000)
    monkeypatch.setattr(submitted_archives, "MOST_LISTED", 100_000)
    found = chosen(folder)
    assert "a zip with more than 200 files" in found["many"].problem
    assert "too many zips, or zips nested too deeply" in found["deep"].problem
    assert wrong(found["good"]) == wrong(found["digits"]) == MISTAKES
    assert "far.zip/x.zip/x.csv: can't be read (" in found["far"].problem
    assert "a zip whose list of files is larger than 0 MB" in found["listed"].problem
    assert wrong(found["long"]) == MISTAKES
    assert "a zip larger than 0 MB" in chosen(tmp_path / "large.zip")["big"].problem
    monkeypatch.setattr(submitted_archives, "MOST_ENTRIES", 2)
    with (
        pytest.raises(UserError, match=r"SUBMISSIONS=.*all: more than 2 files: give"),
        team_submissions.opened(folder),
    ):
        pass


def test_names_that_are_alike_stay_apart(tmp_path: Path) -> None:
    files = {"a\u200bb.csv": GOOD, "a b.csv": GOOD, "\u202e.csv": GOOD, "x" * 90 + ".csv": GOOD}
    found = chosen(as_folder(tmp_path, files))
    assert set(found) == {"a b", "a b (2)", "unnamed", "x" * 57 + "..."}


@pytest.mark.parametrize("what", ["nowhere", "empty", "not a zip", "an empty zip"])
def test_nothing_was_handed_in(tmp_path: Path, what: str) -> None:
    place = tmp_path / what
    if what == "empty":
        place.mkdir()
    elif what != "nowhere":
        place.write_bytes(zipped({}) if "empty" in what else b"nothing")
    with pytest.raises(UserError, match=rf"^SUBMISSIONS={place}: "), team_submissions.opened(place):
        pass
