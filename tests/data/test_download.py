"""download.py: what is there is kept, checked and not fetched again.

Also: disk_space.py, manifest.py.
"""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import digits_paths, run_catwalk

Catwalk = Callable[..., tuple[int, str, str]]
DIGITS = ("--competition", "digits")


def test_twice(catwalk: Catwalk, project: Path) -> None:
    code, out, _ = catwalk("data", *DIGITS)
    assert code == 0
    assert "digits_train.csv 1,437 rows, digits_test.csv 360 rows (source: sklearn)" in out
    before = (project / "data/digits/raw/manifest.json").read_bytes()
    code, out, _ = catwalk("data", *DIGITS)
    assert code == 0
    assert "already done" in out
    assert (project / "data/digits/raw/manifest.json").read_bytes() == before


def test_files_put_there_by_hand(catwalk: Catwalk, project: Path, digits_raw: Path) -> None:
    paths = digits_paths(project, digits_raw)
    code, out, _ = catwalk("data", *DIGITS)
    assert code == 0
    assert "files put there by hand" in out
    assert json.loads(paths.manifest.read_text())["files"]["digits_test.csv"]["rows"] == 360


@pytest.mark.parametrize("is_older", [False, True], ids=["now", "older manifest"])
def test_in_a_copied_project_files_put_there_by_hand_are_the_same(
    project: Path, digits_raw: Path, tmp_path: Path, is_older: bool
) -> None:
    """The copy has other times. Older versions wrote where the project was."""
    paths, copy = digits_paths(project, digits_raw), tmp_path / "copy"
    assert run_catwalk(project, "data", *DIGITS).returncode == 0
    names = [f"data/digits/raw/digits_{side}.csv" for side in ("test", "train")]
    content = json.loads(paths.manifest.read_text())
    assert sorted(content["origins"]) == names
    if is_older:
        content["origins"] = {f"/home/ann/project/{name}": one for name, one in content["origins"].items()}
        paths.manifest.write_text(json.dumps(content))
    shutil.copytree(project, copy, copy_function=shutil.copyfile)
    for name in names:
        os.utime(copy / name, (1_000, 1_000))
    done = run_catwalk(copy, "data", *DIGITS)
    assert done.stdout.startswith("data: already done, "), done.stdout + done.stderr
    edit(copy / names[1])
    done = run_catwalk(copy, "data", *DIGITS)
    assert done.stdout.startswith(f"data: {names[1]}: changed, reading again\n"), done.stdout + done.stderr


def test_a_wrong_file_put_there_by_hand(catwalk: Catwalk, project: Path, digits_raw: Path) -> None:
    paths = digits_paths(project, digits_raw)
    train = paths.raw / "digits_train.csv"
    train.write_text(train.read_text().replace("\n", "\n7,", 1))
    code, _, err = catwalk("data", *DIGITS)
    assert code == 2
    assert err.startswith("catwalk data: digits_train.csv: row 2: 66 columns, expected 65: ")
    assert err.count("\n") == 1
    assert train.is_file()
    assert not paths.manifest.exists()


def test_another_source_than_before(catwalk: Catwalk, project: Path, digits_raw: Path) -> None:
    assert catwalk("data", *DIGITS, "--source", str(digits_raw))[0] == 0
    assert catwalk("data", *DIGITS, "--source", str(digits_raw))[0] == 0
    code, _, err = catwalk("data", *DIGITS, "--source", "sklearn")
    assert code == 2
    assert "already exists, from" in err


@pytest.mark.parametrize("there", ["nothing", "files put there by hand", "a download"])
@pytest.mark.parametrize("given", ["my.csv", "a folder", "https://www.kaggle.com/competitions/ours"])
def test_who_gives_other_data_is_told_to_name_another_competition(
    catwalk: Catwalk, project: Path, digits_raw: Path, tmp_path: Path, there: str, given: str
) -> None:
    """Where COMPETITION= was forgotten, so that the files are taken for those of another one."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "my.csv").write_text("label,pixel0\n1,2\n")
    if there == "files put there by hand":
        digits_paths(project, digits_raw)
    elif there == "a download":
        assert catwalk("data", *DIGITS)[0] == 0
    source = {"my.csv": str(folder / "my.csv"), "a folder": str(folder)}.get(given, given)
    code, _, err = catwalk("all", *DIGITS, "--source", source)
    assert (code, err.count("\n")) == (2, 1)
    assert ": choose a new COMPETITION= for other data, or " in err


WITHOUT_A_TIME = {
    "competition": "digits", "source": "sklearn", "fetched": "2026-01-02T03:04:05+00:00",
    "files": {"digits_train.csv": {"bytes": 1, "sha256": "0" * 64}},
}  # fmt: skip


@pytest.mark.parametrize("content", ["{", json.dumps(WITHOUT_A_TIME)])
def test_a_damaged_manifest_is_made_anew_from_the_files(
    catwalk: Catwalk, project: Path, digits_raw: Path, content: str
) -> None:
    paths = digits_paths(project, digits_raw)
    paths.manifest.write_text(content)
    code, out, _ = catwalk("data", *DIGITS)
    assert code == 0
    assert "changed by hand" not in out, "nothing is known of them"
    assert "files put there by hand" in out
    assert json.loads(paths.manifest.read_text())["files"]["digits_train.csv"]["rows"] == 1437


def edit(path: Path) -> str:
    """Change one pixel of the first row, as somebody would by hand; what the file holds then."""
    header, first, rest = path.read_text().split("\n", 2)
    cells = first.split(",")
    cells[-1] = str(int(cells[-1]) ^ 1)
    path.write_text("\n".join([header, ",".join(cells), rest]))
    return path.read_text()


def advised(err: str) -> str:
    """The command that a line ends in."""
    return err.strip().rsplit(": ", 1)[1]


def test_a_file_of_one_s_own_is_never_replaced(catwalk: Catwalk, project: Path, digits_raw: Path) -> None:
    """Only the training CSV is there; to put the other beside it helps, and so does to keep it elsewhere."""
    raw = project / "data/digits/raw"
    raw.mkdir(parents=True)
    shutil.copy(digits_raw / "digits_train.csv", raw)
    mine = edit(raw / "digits_train.csv")
    code, _, err = catwalk("prepare", *DIGITS)
    assert code == 2
    assert "data/digits/raw: digits_test.csv is missing, there is digits_train.csv: put it there" in err
    assert (raw / "digits_train.csv").read_text() == mine
    assert advised(err) == "mv data/digits/raw data/digits/raw-1"
    subprocess.run(advised(err).split(), cwd=project, check=True)
    code, out, _ = catwalk("prepare", *DIGITS)
    assert code == 0
    assert "(source: sklearn)" in out
    assert (project / "data/digits/raw-1/digits_train.csv").read_text() == mine


@pytest.mark.parametrize("downloaded", [False, True])
def test_broken_links_of_one_s_own_are_never_replaced(
    catwalk: Catwalk, project: Path, downloaded: bool
) -> None:
    """As to a disk that is not mounted; after a download only one of its files is a link."""
    raw = project / "data/digits/raw"
    links = [raw / name for name in ("digits_train.csv", "digits_test.csv")][downloaded:]
    if downloaded:
        assert catwalk("data", *DIGITS)[0] == 0
        links[0].unlink()
    raw.mkdir(parents=True, exist_ok=True)
    for link in links:
        link.symlink_to("/nowhere")
    code, _, err = catwalk("data", *DIGITS)
    assert (code, err.count("\n")) == (2, 1)
    assert f"data/digits/raw: {links[0].name} is a broken link to /nowhere: put a file of that name" in err
    assert [link.readlink() for link in links] == [Path("/nowhere")] * len(links)


@pytest.mark.parametrize("source", ["sklearn", "folder"])
def test_another_source_beside_files_put_there_by_hand(
    catwalk: Catwalk, project: Path, digits_raw: Path, source: str
) -> None:
    """Before they were read, and after; what the line advises works."""
    paths = digits_paths(project, digits_raw)
    asked = ("data", *DIGITS, "--source", str(digits_raw) if source == "folder" else source)
    for _ in range(2):
        code, _, err = catwalk(*asked)
        assert (code, err.count("\n")) == (2, 1)
        other = "choose a new COMPETITION= for other data, or " if source == "folder" else ""
        assert (
            f"files put there by hand (digits_test.csv, digits_train.csv): {other}leave SOURCE= out"
            in err.replace("digits_train.csv, digits_test.csv", "digits_test.csv, digits_train.csv")
        )
        assert catwalk("data", *DIGITS)[0] == 0, "SOURCE= left out"
    assert catwalk("data", *DIGITS, "--source", str(paths.raw))[0] == 0, "the folder itself"
    subprocess.run(advised(err).split(), cwd=project, check=True)
    assert catwalk(*asked)[0] == 0


def test_a_download_that_was_changed_by_hand_is_one_s_own(catwalk: Catwalk, project: Path) -> None:
    assert catwalk("data", *DIGITS)[0] == 0
    train = project / "data/digits/raw/digits_train.csv"
    mine = edit(train)
    code, out, _ = catwalk("data", *DIGITS)
    assert code == 0
    assert "digits_train.csv: changed by hand, will not be overwritten" in out
    assert "files put there by hand" in out
    (train.with_name("digits_test.csv")).unlink()
    code, _, err = catwalk("data", *DIGITS)
    assert code == 2
    assert "digits_test.csv is missing" in err
    assert train.read_text() == mine


def test_a_download_that_lost_a_file_is_fetched_again(catwalk: Catwalk, project: Path) -> None:
    assert catwalk("data", *DIGITS)[0] == 0
    test = project / "data/digits/raw/digits_test.csv"
    before = test.read_bytes()
    test.unlink()
    code, out, _ = catwalk("data", *DIGITS)
    assert code == 0
    assert "digits_test.csv is missing: fetching again" in out
    assert test.read_bytes() == before


def test_a_download_that_was_cut_off_is_not_taken_for_one_s_own(
    catwalk: Catwalk, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the two files: the manifest, which goes first, says whose the one is that is there."""
    replace = Path.replace

    def cut(self: Path, target: Path) -> Path:
        if Path(target).name == "digits_test.csv":
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", cut)
    assert catwalk("data", *DIGITS)[0] == 130
    assert (project / "data/digits/raw/digits_train.csv").is_file()
    monkeypatch.undo()
    monkeypatch.chdir(project)
    code, out, _ = catwalk("data", *DIGITS)
    assert code == 0
    assert "(source: sklearn)" in out


@pytest.mark.parametrize("asked", [True, False], ids=["SOURCE= again", "SOURCE= left out"])
def test_a_source_folder_that_changed_is_copied_again(
    catwalk: Catwalk, project: Path, digits_raw: Path, tmp_path: Path, asked: bool
) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(digits_raw, folder)
    given = (*DIGITS, "--source", str(folder))
    assert catwalk("data", *given)[0] == 0
    mine = edit(folder / "digits_train.csv")
    again = given if asked else DIGITS
    code, out, _ = catwalk("data", *again)
    assert code == 0
    assert f"{folder} has changed: fetching again" in out
    copy = project / "data/digits/raw/digits_train.csv"
    assert copy.read_text() == mine
    assert "already done" in catwalk("data", *again)[1]

    (folder / "digits_test.csv").unlink()
    code, out, err = catwalk("data", *again)
    assert code == (2 if asked else 0)
    assert "digits_test.csv is missing" in err if asked else "already done" in out
    shutil.rmtree(folder)
    code, _, err = catwalk("data", *again)
    assert code == (2 if asked else 0)
    assert ("no such folder: correct it, or leave SOURCE= out" in err) == asked


def test_a_copy_that_was_cut_off_is_not_taken_for_one_s_own(
    catwalk: Catwalk, project: Path, digits_raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the two files that changed: the one that is still the older copy is ours too."""
    folder, raw = tmp_path / "mine", project / "data/digits/raw"
    shutil.copytree(digits_raw, folder)
    given = (*DIGITS, "--source", str(folder))
    assert catwalk("data", *given)[0] == 0
    names = ("digits_train.csv", "digits_test.csv")
    before, mine = (raw / names[1]).read_text(), [edit(folder / name) for name in names]
    replace = Path.replace

    def cut(self: Path, target: Path) -> Path:
        if Path(target).name == names[1]:
            raise KeyboardInterrupt
        return replace(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", cut)
        assert catwalk("data", *given)[0] == 130
    assert [(raw / name).read_text() for name in names] == [mine[0], before]
    code, out, _ = catwalk("data", *given)
    assert code == 0
    assert "changed by hand" not in out
    assert [(raw / name).read_text() for name in names] == mine
    assert "already done" in catwalk("data", *given)[1]


def test_a_copy_that_was_changed_by_hand_stays(
    catwalk: Catwalk, project: Path, digits_raw: Path, tmp_path: Path
) -> None:
    """Both the folder of SOURCE= and its copy were changed: the copy is somebody's own."""
    folder = tmp_path / "mine"
    shutil.copytree(digits_raw, folder)
    given = (*DIGITS, "--source", str(folder))
    assert catwalk("data", *given)[0] == 0
    copy = project / "data/digits/raw/digits_train.csv"
    mine = edit(copy)
    text = (folder / "digits_train.csv").read_text()
    (folder / "digits_train.csv").write_text(text.rsplit("\n", 2)[0] + "\n")
    code, _, err = catwalk("data", *given)
    assert code == 2
    assert "leave SOURCE= out to use that data" in err
    assert copy.read_text() == mine
    assert catwalk("data", *DIGITS)[0] == 0
    assert copy.read_text() == mine


def test_a_sample_put_there_by_hand_stays(
    catwalk: Catwalk, project: Path, digits_raw: Path, tmp_path: Path
) -> None:
    """Also after the TOML has changed, and when the folder of SOURCE= has one too."""
    folder, toml = tmp_path / "theirs", project / "competitions/digits.toml"
    shutil.copytree(digits_raw, folder)
    toml.write_text(toml.read_text().replace("rows = ", 'sample = "sample.csv"\nrows = '))
    given = (*DIGITS, "--source", str(folder))
    assert catwalk("data", *given)[0] == 0
    sample = project / "data/digits/raw/sample.csv"
    mine = "ImageId,Label\n" + "".join(f"{i},0\n" for i in range(1, 361))
    sample.write_text(mine)
    assert catwalk("data", *given)[0] == 0
    toml.write_text(toml.read_text().replace('"0", "1"', '"zero", "1"'))
    assert catwalk("data", *given)[0] == 0
    (folder / "sample.csv").write_text(mine.replace(",0", ",1"))
    assert catwalk("data", *given)[0] == 0
    assert sample.read_text() == mine


def test_what_is_known_is_not_read_again(
    catwalk: Catwalk, project: Path, digits_raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By size and time first; where only the time differs, the content says that nothing changed."""
    hashed: list[str] = []
    digest = hashlib.file_digest

    def counted(file: io.BufferedReader, name: str) -> Any:
        hashed.append(file.name)
        return digest(file, name)

    monkeypatch.setattr(hashlib, "file_digest", counted)
    paths = digits_paths(project, digits_raw)
    assert catwalk("prepare", *DIGITS)[0] == 0
    hashed.clear()
    assert "already done" in catwalk("prepare", *DIGITS)[1]
    assert not hashed
    os.utime(paths.raw / "digits_test.csv")
    for expected in (1, 0):
        hashed.clear()
        lines = catwalk("prepare", *DIGITS)[1].splitlines()
        assert ["already done" in line for line in lines] == [True, True]
        assert len(hashed) == expected


def test_too_small_a_disk_is_told_before_the_work(
    catwalk: Catwalk, project: Path, digits_raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = 100_000
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    for stage in ("data", "prepare"):
        code, _, err = catwalk(stage, *DIGITS)
        assert (code, err.count("\n")) == (4, 1)
        assert "are needed to" in err
        assert "100 kB are free: make room on the disk and run the command again" in err
        if stage == "data":
            digits_paths(project, digits_raw)
    free = 10_000_000
    assert catwalk("prepare", *DIGITS)[0] == 0
    code, _, err = catwalk("search", *DIGITS, "--trials", "1")
    assert code == 4
    assert "about 20.0 MB are needed for a search, but only 10.0 MB are free" in err


def test_too_small_a_disk_is_told_before_a_folder_is_copied(
    catwalk: Catwalk, project: Path, digits_raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100_000))
    code, _, err = catwalk("data", *DIGITS, "--source", str(digits_raw))
    assert (code, err.count("\n")) == (4, 1)
    assert "are needed to copy the data, but only 100 kB are free: make room on the disk" in err
    assert not (project / "data/digits/raw").exists()


def test_done_before_imports_nothing_slow(project: Path, digits_raw: Path) -> None:
    digits_paths(project, digits_raw)
    assert run_catwalk(project, "prepare", *DIGITS).returncode == 0
    code = (
        "import sys; from catwalk.cli import main; assert main(['prepare', '--competition', 'digits']) == 0; "
        "print({'pandas', 'tensorflow', 'optuna', 'pyarrow', 'sklearn', 'kaggle'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "set()"
    assert done.stdout.count("already done") == 2


def test_the_longest_line_still_fits(catwalk: Catwalk, project: Path) -> None:
    raw = project / "data/fashion-mnist/raw"
    raw.mkdir(parents=True)
    for i in range(9):
        (raw / f"my own clothes of the year {i}.csv").write_text("label\n")
    code, _, err = catwalk("prepare", "--competition", "fashion-mnist")
    assert code == 2
    assert len(err) <= 300
    assert "fashion-mnist_train.csv and fashion-mnist_test.csv are missing" in err
    assert err.endswith("mv data/fashion-mnist/raw data/fashion-mnist/raw-1\n")


def test_a_source_s_long_path_leaves_the_advice_whole(catwalk: Catwalk, tmp_path: Path) -> None:
    folder = tmp_path / f"{'the files of a class, ' * 5}2026"
    folder.mkdir()
    code, _, err = catwalk("data", "--competition", "fashion-mnist", "--source", str(folder))
    assert (code, err.count("\n")) == (2, 1)
    assert len(err.rstrip("\n")) <= 300
    assert err.startswith("catwalk data: ...")
    assert "of a class, 2026: fashion-mnist_train.csv and fashion-mnist_test.csv are missing" in err
    assert err.endswith("names under [files] in competitions/fashion-mnist.toml\n")
