"""prepare.py: arrays, fingerprint and split depend on what the rows are, not on their order.

Also: prepared_arrays.py, split.py.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.core.team import Team
from catwalk.data import download, prepare, split, test_labels
from catwalk.search import progress
from tests.conftest import digits_paths, load, make_project, shuffled_csv

Catwalk = Callable[..., tuple[int, str, str]]


def prepared(paths: Paths, seed: int = 1) -> prepare.Prepared:
    competition = load(paths.competition)
    download.run(paths, competition, "auto", lambda _: None)
    prepare.run(paths, competition, seed, lambda _: None)
    return prepare.load(paths, seed)


def test_arrays_and_split(project: Path, digits_raw: Path) -> None:
    got = prepared(digits_paths(project, digits_raw))
    assert isinstance(got.pixels, np.memmap)
    assert (got.pixels.shape, got.pixels.dtype) == ((1437, 64), np.dtype("uint8"))
    assert (got.labels.shape, got.labels.dtype) == ((1437,), np.dtype("uint8"))
    assert (len(got.train), len(got.validation)) == (1293, 144)
    np.testing.assert_array_equal(np.union1d(got.train, got.validation), np.arange(1437))
    held = np.bincount(got.labels[got.validation], minlength=10)
    everyone = np.bincount(got.labels, minlength=10)
    assert np.abs(held - everyone / 10).max() < 1, "stratified"
    assert got.test_ids[:2] == ["1", "2"]
    assert got.test_pixels.shape == (360, 64)


def test_row_order_changes_nothing(project: Path, tmp_path: Path, digits_raw: Path) -> None:
    one = prepared(digits_paths(project, digits_raw))
    other_paths = digits_paths(make_project(tmp_path / "other"), digits_raw)
    shuffled_csv(digits_raw / "digits_train.csv", other_paths.raw / "digits_train.csv")
    other = prepared(other_paths)
    assert one.fingerprint == other.fingerprint
    np.testing.assert_array_equal(one.pixels, other.pixels)
    np.testing.assert_array_equal(one.labels, other.labels)
    np.testing.assert_array_equal(one.validation, other.validation)


def test_a_changed_pixel_or_label_changes_the_fingerprint(
    project: Path, tmp_path: Path, digits_raw: Path
) -> None:
    one = prepared(digits_paths(project, digits_raw))
    text = (digits_raw / "digits_train.csv").read_text()
    header, first, rest = text.split("\n", 2)
    cells = first.split(",")
    for changed in ([str((int(cells[0]) + 1) % 10), *cells[1:]], [*cells[:-1], str(int(cells[-1]) ^ 1)]):
        paths = digits_paths(make_project(tmp_path / changed[0] / changed[-1]), digits_raw)
        (paths.raw / "digits_train.csv").write_text("\n".join([header, ",".join(changed), rest]))
        assert prepared(paths).fingerprint != one.fingerprint


def test_another_seed_is_another_split_of_the_same_rows(project: Path, digits_raw: Path) -> None:
    paths = digits_paths(project, digits_raw)
    one, two = prepared(paths, 1), prepared(paths, 2)
    assert one.fingerprint == two.fingerprint
    assert one.split != two.split
    assert split.seeds(paths) == [1, 2]
    assert len(np.intersect1d(one.validation, two.validation)) < 60
    np.testing.assert_array_equal(prepare.load(paths, 1).validation, one.validation)


def test_identical_pictures_stay_on_one_side(project: Path, digits_raw: Path) -> None:
    paths = digits_paths(project, digits_raw)
    train = paths.raw / "digits_train.csv"
    header, *rows = train.read_text().splitlines()
    relabelled = [",".join(["0", *row.split(",")[1:]]) for row in rows[:150]]
    train.write_text("\n".join([header, *rows, *rows[:400], *relabelled]) + "\n")
    got = prepared(paths)
    hashes = [row.tobytes() for row in got.pixels]
    sides = [{hashes[i] for i in rows} for rows in (got.train, got.validation)]
    assert not sides[0] & sides[1]
    assert got.duplicates["train"] == 550


def test_the_split_is_that_of_whole_pictures() -> None:
    """Beside scikit-learn's own split of the different pictures, many of which have twins."""
    dice = np.random.default_rng(1)
    pictures = dice.permutation(np.unique(dice.integers(0, 40, (9_000, 3), np.uint8), axis=0))
    times = np.append(2, dice.choice((1, 1, 2, 3), len(pictures) - 1))
    picture = np.repeat(np.arange(len(pictures)), times)
    pixels, labels = pictures[picture], (pictures.sum(axis=1) % 3).astype(np.uint8)
    _, apart = train_test_split(np.arange(len(pictures)), test_size=0.1, stratify=labels, random_state=5)
    held = split.hold_out(pixels, labels[picture], 0.1, 5)
    np.testing.assert_array_equal(held, np.isin(picture, apart))


@pytest.mark.parametrize("rows", [20, 100, 1000])
def test_the_split_of_few_pictures(rows: int) -> None:
    """It is scikit-learn's too, also where the rows held out divide all rows."""
    pixels, labels = np.arange(rows, dtype=">u2").view(np.uint8).reshape(rows, 2), np.arange(rows) % 2
    _, apart = train_test_split(np.arange(rows), test_size=0.1, stratify=labels, random_state=5)
    held = split.hold_out(pixels, labels.astype(np.uint8), 0.1, 5)
    np.testing.assert_array_equal(np.flatnonzero(held), np.sort(apart))


def test_both_sides_of_a_split_have_all_classes() -> None:
    """Also where nearly all rows are held out."""
    labels = (np.arange(20) % 5).astype(np.uint8)
    held = split.hold_out(np.arange(20, dtype=np.uint8)[:, None], labels, 0.85, 1)
    assert np.bincount(labels[held]).tolist() == [3] * 5


def test_a_rare_class_is_on_both_sides_of_the_split() -> None:
    """Also where scikit-learn's split would hold none of it out; the others keep their share."""
    pixels, labels = np.arange(202, dtype=np.uint8)[:, None], np.repeat([0, 1], [200, 2]).astype(np.uint8)
    for seed in range(5):
        held = split.hold_out(pixels, labels, 0.1, seed)
        assert np.bincount(labels[held]).tolist() == [20, 1]
    with pytest.raises(ValueError, match="a class has only 1 picture"):
        split.hold_out(pixels[:-1], labels[:-1], 0.1, 1)


@pytest.mark.parametrize(
    ("left", "said"),
    [
        ({"4": 0, "7": 0}, "class 4 and 1 more have no row: at least 2 are needed"),
        ({"4": 1}, "class 4 has 1 row: at least 2 are needed"),
        ({"4": 0, "7": 1}, "class 4 has no row: at least 2 are needed"),
        ({"4": 1, "7": 0}, "class 4 has 1 row: at least 2 are needed"),
        ({"1": 0, "4": 0, "7": 0}, "class 1 and 2 more have no row: at least 2 are needed"),
    ],
)
def test_too_few_of_a_class(
    catwalk: Catwalk, project: Path, digits_raw: Path, left: dict[str, int], said: str
) -> None:
    paths = digits_paths(project, digits_raw)
    train = paths.raw / "digits_train.csv"
    header, *rows = train.read_text().splitlines()
    kept = [row for row in rows if row[0] not in left]
    for label, count in left.items():
        kept += [row for row in rows if row[0] == label][:count]
    train.write_text("\n".join([header, *kept]) + "\n")
    code, _, err = catwalk("prepare", "--competition", "digits")
    assert (code, err.count("\n")) == (2, 1)
    assert f"digits_train.csv: {said}" in err
    assert ("drop it from classes" in err) == ("no row" in said)
    assert not split.file(paths, 1).exists()


def test_duplicates_between_train_and_test_are_counted_and_said(
    catwalk: Catwalk, project: Path, digits_raw: Path
) -> None:
    paths = digits_paths(project, digits_raw)
    train, test = paths.raw / "digits_train.csv", paths.raw / "digits_test.csv"
    test.write_text(test.read_text() + "\n".join(train.read_text().splitlines()[1:6]) + "\n")
    code, out, _ = catwalk("prepare", "--competition", "digits")
    assert code == 0
    assert "5 test pictures also among the labelled rows" in out


def test_one_duplicate_is_not_duplicates(catwalk: Catwalk, project: Path, digits_raw: Path) -> None:
    paths = digits_paths(project, digits_raw)
    train, test = paths.raw / "digits_train.csv", paths.raw / "digits_test.csv"
    known = train.read_text().splitlines()[1]
    train.write_text(f"{train.read_text()}{known}\n")
    test.write_text(f"{test.read_text()}{known}\n{test.read_text().splitlines()[1]}\n")
    code, out, _ = catwalk("prepare", "--competition", "digits")
    assert code == 0
    assert (
        ", 1 duplicate picture among the labelled rows, 1 duplicate within the test rows, "
        "1 test picture also among the labelled rows" in out
    )


def test_a_training_file_without_labels(catwalk: Catwalk, project: Path, digits_raw: Path) -> None:
    paths = digits_paths(project, digits_raw)
    train = paths.raw / "digits_train.csv"
    train.write_text("".join(line.split(",", 1)[1] for line in train.read_text().splitlines(True)))
    code, _, err = catwalk("prepare", "--competition", "digits")
    assert code == 2
    assert "digits_train.csv: row 1: no column 'label'" in err


def last_line(catwalk: Catwalk, *more: str) -> str:
    code, out, err = catwalk("prepare", "--competition", "digits", *more)
    assert (code, err) == (0, "")
    return out.splitlines()[-1]


def test_what_changed_is_read_again(catwalk: Catwalk, project: Path, digits_raw: Path) -> None:
    """Rows taken away, a broken row, a file gone: each is seen; put back, all is as it was, splits too."""
    paths = digits_paths(project, digits_raw)
    train = paths.raw / "digits_train.csv"
    content = train.read_text()
    assert "already done" not in last_line(catwalk)
    assert "already done" in last_line(catwalk)
    first = prepare.load(paths, 1)
    assert last_line(catwalk, "--seed", "2")

    train.write_text("\n".join(content.splitlines()[:-9]) + "\n")
    assert "already done" not in last_line(catwalk)
    assert prepare.load(paths, 1).fingerprint != first.fingerprint
    assert not split.file(paths, 2).exists(), "it was of other rows"
    train.write_text(content.replace(",0", ",x", 1))
    for _ in range(2):
        code, _, err = catwalk("prepare", "--competition", "digits")
        assert code == 2
        assert "digits_train.csv: row 2: column 'pixel" in err
    train.unlink()
    code, _, err = catwalk("prepare", "--competition", "digits")
    assert code == 2
    assert "digits_train.csv is missing" in err
    train.write_text(content)
    assert "already done" not in last_line(catwalk)
    again = prepare.load(paths, 1)
    assert again.fingerprint == first.fingerprint
    np.testing.assert_array_equal(again.validation, first.validation)


def test_what_was_prepared_stays_until_the_new_is_whole(
    catwalk: Catwalk, project: Path, digits_raw: Path
) -> None:
    """Too few rows of a class are told before anything is replaced; after rows are added it works."""
    paths = digits_paths(project, digits_raw)
    train = paths.raw / "digits_train.csv"
    content = train.read_text()
    assert last_line(catwalk)
    before = prepare.load(paths, 1)
    header, *rows = content.splitlines()
    sevens = [row for row in rows if row[0] == "7"]
    few = [header, *(row for row in rows if row[0] != "7")]
    train.write_text("\n".join([*few, *sevens[:1]]) + "\n")
    for _ in range(2):
        code, _, err = catwalk("prepare", "--competition", "digits")
        assert code == 2
        assert "class 7 has 1 row: at least 2 are needed: add rows of this class" in err
    now = prepare.load(paths, 1)
    assert now.fingerprint == before.fingerprint
    np.testing.assert_array_equal(now.pixels, before.pixels)
    train.write_text("\n".join([*few, *sevens[:2]]) + "\n")
    assert "already done" not in last_line(catwalk)
    after = prepare.load(paths, 1)
    held, taught = (np.bincount(after.labels[rows], minlength=10) for rows in (after.validation, after.train))
    assert held[7] == taught[7] == 1


def without_a_count(summary: str) -> str:
    content = json.loads(summary)
    del content["duplicates"]["known"]
    return json.dumps(content)


@pytest.mark.parametrize("damage", [lambda _: "{", without_a_count])
def test_a_damaged_summary_is_made_anew(
    catwalk: Catwalk, project: Path, digits_raw: Path, damage: Callable[[str], str]
) -> None:
    """The rows are the same, so a study goes on; but not while a search runs."""
    paths = digits_paths(project, digits_raw)
    assert last_line(catwalk)
    before = prepare.load(paths, 1)
    paths.prepared_summary.write_text(damage(paths.prepared_summary.read_text()))
    with pytest.raises(UserError, match="is not prepared: run make prepare"):
        prepare.load(paths, 1)
    with progress.locked(paths):
        code, _, err = catwalk("prepare", "--competition", "digits")
        assert code == 2
        assert "arrays have changed, but a search is still running on the old rows" in err
    assert "already done" not in last_line(catwalk)
    after = prepare.load(paths, 1)
    assert progress.study_name(paths, after, "local") == progress.study_name(paths, before, "local")
    assert (after.test_fingerprint, after.duplicates) == (before.test_fingerprint, before.duplicates)


@pytest.mark.parametrize("name", ["pixels", "labels", "test_pixels", "test_ids"])
def test_a_damaged_array_is_made_anew(catwalk: Catwalk, project: Path, digits_raw: Path, name: str) -> None:
    """Where it is missing, empty or truncated; but not while a search runs."""
    paths = digits_paths(project, digits_raw)
    assert last_line(catwalk)
    file: Path = getattr(paths, name)
    whole = file.read_bytes()
    for content in (None, b"", whole[:-1]):
        file.unlink()
        if content is not None:
            file.write_bytes(content)
        with progress.locked(paths):
            code, _, err = catwalk("prepare", "--competition", "digits")
            assert code == 2
            assert "arrays have changed, but a search is still running on the old rows" in err
        said = last_line(catwalk)
        assert "already done" not in said
        assert "fingerprint 44c0ffd11b11" in said
        assert file.read_bytes() == whole
    assert "already done" in last_line(catwalk)


def test_sealed_labels_that_were_lost_are_sealed_again(
    catwalk: Catwalk, project: Path, digits_raw: Path
) -> None:
    """The looks at them stay; what an earlier catwalk prepared does not say whether there were any."""
    paths = digits_paths(project, digits_raw)
    assert last_line(catwalk)
    whole, before = paths.sealed_labels.read_bytes(), prepare.load(paths, 1)
    test_labels.open_labels(paths, "score", "one")
    paths.sealed_labels.unlink()
    with pytest.raises(UserError, match="the sealed test labels are missing: run make prepare"):
        test_labels.open_labels(paths, "score", "two")
    assert "already done" not in last_line(catwalk)
    assert paths.sealed_labels.read_bytes() == whole
    assert [look.submission for look in test_labels.looks(paths)] == ["one"]
    after = prepare.load(paths, 1)
    assert progress.study_name(paths, after, "local") == progress.study_name(paths, before, "local")
    assert after.test_fingerprint == before.test_fingerprint
    summary = json.loads(paths.prepared_summary.read_text())
    del summary["sealed"]
    paths.prepared_summary.write_text(json.dumps(summary))
    paths.sealed_labels.unlink()
    assert "already done" in last_line(catwalk)
    with pytest.raises(UserError, match="the test rows have no labels, so there is no score"):
        test_labels.open_labels(paths, "score", "two")


def test_a_count_that_an_earlier_catwalk_wrote_does_no_harm(
    catwalk: Catwalk, project: Path, digits_raw: Path
) -> None:
    """The test rows, instead of the different pictures, that are among the labelled ones."""
    paths = digits_paths(project, digits_raw)
    assert "already done" not in last_line(catwalk)
    before = prepare.load(paths, 1)
    assert set(before.duplicates) == {"train", "test", "known"}
    summary = json.loads(paths.prepared_summary.read_text())
    summary["duplicates"]["both"] = 0
    paths.prepared_summary.write_text(json.dumps(summary))
    assert "already done" in last_line(catwalk)
    assert prepare.load(paths, 1).fingerprint == before.fingerprint


def test_test_rows_without_labels_are_prepared_once(
    catwalk: Catwalk, project: Path, digits_raw: Path
) -> None:
    paths = digits_paths(project, digits_raw)
    test = paths.raw / "digits_test.csv"
    test.write_text("".join(line.split(",", 1)[1] for line in test.read_text().splitlines(True)))
    assert "already done" not in last_line(catwalk)
    assert not test_labels.are_there(paths)
    assert "already done" in last_line(catwalk)


def test_nor_while_a_member_of_a_team_searches_in_the_folder(
    catwalk: Catwalk, project: Path, digits_raw: Path
) -> None:
    """As on a cluster, whose nodes share it."""
    paths = digits_paths(project, digits_raw)
    assert last_line(catwalk)
    paths.labels.unlink()
    with progress.locked(replace(paths, team=Team("postgresql://host/db", "ann"))):
        code, _, err = catwalk("prepare", "--competition", "digits")
        assert code == 2
        assert "arrays have changed, but a search is still running on the old rows" in err
        assert not paths.labels.exists()
    assert "already done" not in last_line(catwalk)
    assert paths.labels.is_file()


@pytest.mark.parametrize("left", [0, 100, -1])
def test_a_damaged_split_is_made_anew(catwalk: Catwalk, project: Path, digits_raw: Path, left: int) -> None:
    paths = digits_paths(project, digits_raw)
    assert last_line(catwalk)
    before = prepare.load(paths, 1)
    file = split.file(paths, 1)
    file.write_bytes(file.read_bytes()[:left])
    assert "already done" not in last_line(catwalk)
    np.testing.assert_array_equal(prepare.load(paths, 1).validation, before.validation)
    assert "already done" in last_line(catwalk)


def test_the_study_of_the_old_rows_is_named(catwalk: Catwalk, project: Path, digits_raw: Path) -> None:
    paths = digits_paths(project, digits_raw)
    assert last_line(catwalk)
    old = prepare.load(paths, 1)
    paths.study.mkdir(parents=True)
    paths.study_db.touch()
    progress.write(paths, progress.study_name(paths, old, "pixels"), replace(progress.NOTHING, finished=26))
    train = paths.raw / "digits_train.csv"
    train.write_text("\n".join(train.read_text().splitlines()[:-9]) + "\n")
    said = f"the study of the old rows (fingerprint {old.fingerprint}, 26 trials) is kept"
    assert said in last_line(catwalk)


@pytest.mark.slow
def test_kaggle_s_row_order_gives_the_same_split(project: Path, tmp_path: Path, fashion_idx: Path) -> None:
    """The real Fashion-MNIST, from its IDX files and as a CSV in another order, as Kaggle's is."""
    paths = Paths(project, "fashion-mnist")
    competition = load("fashion-mnist")
    download.run(paths, competition, str(fashion_idx), lambda _: None)
    one = prepared(paths)
    other = Paths(make_project(tmp_path / "other"), "fashion-mnist")
    other.raw.mkdir(parents=True)
    shuffled_csv(paths.raw / competition.train_file, other.raw / competition.train_file)
    shutil.copy(paths.raw / competition.test_file, other.raw)
    two = prepared(other)
    assert one.fingerprint == two.fingerprint
    np.testing.assert_array_equal(one.validation, two.validation)
    np.testing.assert_array_equal(one.pixels[one.validation], two.pixels[two.validation])
    assert one.duplicates == {"train": 0, "test": 0, "known": 0}


def test_not_prepared(project: Path) -> None:
    with pytest.raises(UserError, match="is not prepared: run make prepare"):
        prepare.load(Paths(project, "digits"), 1)


def test_an_edited_toml_is_seen(catwalk: Catwalk, project: Path, digits_raw: Path) -> None:
    """What the arrays were made by counts, not only the raw files: here the first id."""
    paths = digits_paths(project, digits_raw)
    assert catwalk("prepare", "--competition", "digits")[0] == 0
    before = prepare.load(paths, 1)
    paths.toml.write_text(paths.toml.read_text().replace("first_id = 1", "first_id = 0"))
    code, out, _ = catwalk("prepare", "--competition", "digits")
    assert code == 0
    assert "already done" not in out.splitlines()[-1]
    after = prepare.load(paths, 1)
    assert after.test_ids[0] == "0"
    assert after.fingerprint == before.fingerprint
    assert after.test_fingerprint != before.test_fingerprint


def test_rows_stay_as_they_are_while_a_search_runs(catwalk: Catwalk, project: Path, digits_raw: Path) -> None:
    paths = digits_paths(project, digits_raw)
    assert last_line(catwalk)
    train = paths.raw / "digits_train.csv"
    train.write_text("\n".join(train.read_text().splitlines()[:-9]) + "\n")
    with progress.locked(paths):
        code, _, err = catwalk("prepare", "--competition", "digits")
        assert code == 2
        assert "a search is still running on the old rows: wait for it" in err
    assert "already done" not in last_line(catwalk)


@pytest.mark.parametrize(("share", "name", "count"), [(0.2, "s1v0.2", 288), (0.05, "s1v0.05", 72)])
def test_another_validation_share_is_another_split_and_another_study(
    project: Path, digits_raw: Path, monkeypatch: pytest.MonkeyPatch, share: float, name: str, count: int
) -> None:
    paths = digits_paths(project, digits_raw)
    before = prepared(paths)
    assert before.split == "s1", "the name that splits had before names gave the share"
    monkeypatch.setattr(split, "VALIDATION_SHARE", share)
    after = prepared(paths)
    assert (len(before.validation), len(after.validation)) == (144, count)
    assert after.split == name
    assert progress.study_name(paths, before, "local") != progress.study_name(paths, after, "local")
