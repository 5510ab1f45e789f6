"""blend.py: real models' predictions joined; what is written works as any submission.

Also: made_before.py, submission_files.py.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from catwalk import stages
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.data import test_labels
from catwalk.data.run_context import RunContext
from catwalk.models import metrics
from catwalk.submission import (
    blend_weights,
    ensemble,
    made_before,
    predictions,
    recipe,
    submission_csv,
    submission_files,
    submission_names,
    submit,
)
from catwalk.submission.blend_parts import Part
from tests.conftest import Run, load, make_project, run_catwalk
from tests.support import brier
from tests.support.blends import LABELS, Team, with_submissions
from tests.support.kaggle_server import Kaggle, serving
from tests.support.records import made_recipe

DIGITS = ("--competition", "digits")


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory, digits_raw: Path) -> Team:
    """A project with three submissions."""
    return with_submissions(make_project(tmp_path_factory.mktemp("fitted") / "project"), digits_raw)


@pytest.fixture
def mine(fitted: Team, tmp_path: Path) -> Team:
    """The same, to write to."""
    return fitted.copy(tmp_path / "project")


def blend(mine: Team, parts: str, *more: str) -> Run:
    return run_catwalk(mine.paths.root, "blend", *DIGITS, "--parts", parts, *more)


def blended(mine: Team, parts: str, name: str = "both") -> list[str]:
    """The lines that a blend prints, without those of the stages before it."""
    done = blend(mine, parts, "--name", name)
    assert (done.returncode, done.stderr) == (0, "")
    before = ("data: ", "prepare: ", "  was in data/")
    return [line for line in done.stdout.splitlines() if not line.startswith(before)]


def csv_labels(mine: Team, name: str) -> np.ndarray:
    return submission_csv.read(mine.paths.submission(name), mine.prepared.test_ids, load("digits"))


def test_weights_are_found_on_the_labelled_rows_of_all_parts(mine: Team) -> None:
    lines = blended(mine, "upper,lower,narrow")
    made = recipe.read(mine.paths, "both")
    labels = mine.prepared.labels[mine.prepared.validation]
    oof = np.stack([mine.said[part.given].oof for part in made.parts])
    calibrated = np.stack(
        [ensemble.scaled(one, part.temperature) for one, part in zip(oof, made.parts, strict=True)]
    )
    grid = [np.array([a, b, 20 - a - b]) / 20 for a in range(21) for b in range(21 - a)]
    scores = [brier.score(np.tensordot(one, calibrated, 1), labels) for one in grid]
    found = np.array([part.weight for part in made.parts])
    assert found == pytest.approx(grid[int(np.argmin(scores))], abs=0.15)
    both = np.tensordot(found, calibrated, 1)
    assert brier.score(both, labels) < min(scores) + 1e-3

    assert made.validation is not None
    shares = [metrics.accuracy(one, labels) for one in oof]
    assert [part.validation_accuracy for part in made.parts] == shares
    assert made.validation.accuracy == metrics.accuracy(both, labels)
    assert (made.validation.rows, made.validation.best_single) == (144, max(shares))
    assert made.forecast is not None
    low, high = made.forecast.interval
    assert low < made.forecast.accuracy <= made.validation.accuracy < high
    assert lines[1] == f"  upper   probabilities  weight {found[0]:.3f}  {shares[0]:.4f} on validation"
    assert lines[0].startswith(
        "blend: submissions/digits/both.csv, 3 parts, weights found on 144 labelled rows: "
        f"{made.validation.accuracy:.4f} on validation (95% interval "
    )
    assert lines[4].startswith(
        f"  forecast for the test rows: {made.forecast.accuracy:.4f} (95% {low:.4f} to "
    )
    assert lines[-1] == "next: make leaderboard COMPETITION=digits"


def test_it_is_a_submission_like_any_other(mine: Team) -> None:
    blended(mine, "upper,lower")
    test = predictions.read(mine.paths.test_predictions("both"), "test.npz")
    oof = predictions.read(mine.paths.oof("both"), "oof.npz")
    assert test.labels == oof.labels == LABELS
    np.testing.assert_array_equal(test.probabilities.argmax(axis=1), csv_labels(mine, "both"))
    assert oof.rows is not None
    np.testing.assert_array_equal(oof.rows, mine.prepared.validation)
    board = run_catwalk(mine.paths.root, "leaderboard", *DIGITS)
    (row,) = [line for line in board.stdout.splitlines() if line.split()[0] == "both"]
    assert "blend of 2" in row
    looks = len(test_labels.looks(mine.paths))
    assert looks == 0, "no test label was read"
    done = run_catwalk(mine.paths.root, "score", *DIGITS, "--submission", "both")
    assert re.match(r"score: both: 0\.\d{4} on 360 test rows \(95% interval .*; validation 0\.9", done.stdout)
    shares = [metrics.accuracy(mine.said[name].test, np.load(mine.paths.sealed_labels)) for name in mine.said]
    assert json.loads(mine.paths.score("both").read_text())["accuracy"] > max(shares)
    again = blended(mine, "both,narrow", "more")
    assert again[1].startswith("  both    probabilities  weight 0.")


def test_the_same_parts_again_are_done_at_once_without_heavy_imports(mine: Team) -> None:
    blended(mine, "upper,lower")
    code = (
        "import sys; from catwalk.cli import main; code = main(sys.argv[1:]); "
        "print('HEAVY', sorted({'tensorflow', 'keras', 'optuna', 'pandas', 'scipy'} & set(sys.modules)))"
    )
    asked = [sys.executable, "-c", code, "blend", *DIGITS, "--parts", "upper,lower"]
    done = subprocess.run(asked, cwd=mine.paths.root, capture_output=True, text=True)
    assert done.stdout.splitlines()[-2:] == [
        "blend: already done, submissions/digits/both.csv is made from these parts",
        "HEAVY []",
    ], done.stderr
    other = blend(mine, "upper,narrow", "--name", "both")
    assert other.returncode == 2
    assert other.stderr == (
        "catwalk blend: NAME=both: submissions/digits/both.csv already exists, made from other parts: "
        "choose another name\n"
    )
    assert blend(mine, "upper,narrow").returncode == 0
    assert len(submission_names.names(mine.paths)) == 5


def test_a_blend_whose_files_were_changed_is_made_again(mine: Team) -> None:
    """Its CSV as Excel saves it, and its probabilities gone."""
    blended(mine, "upper,lower")
    csv, there = mine.paths.submission("both"), len(submission_names.names(mine.paths))
    before = csv.read_bytes()
    csv.write_bytes(before.replace(b"\n", b"\r\n"))
    named = blend(mine, "upper,lower", "--name", "both")
    assert (named.returncode, named.stderr) == (
        2,
        "catwalk blend: NAME=both: submissions/digits/both.csv was changed since it was made: "
        "choose another name\n",
    )
    csv.write_bytes(before)
    mine.paths.test_predictions("both").unlink()
    assert blend(mine, "upper,lower").returncode == 0
    assert len(submission_names.names(mine.paths)) == there + 1


def test_a_file_of_that_name_is_not_replaced(mine: Team) -> None:
    """A CSV that a teammate sent, a recipe to be made again, a folder of probabilities."""
    mine.labels("ben.csv", mine.said["lower"].test.argmax(axis=1))
    shutil.move(mine.paths.root / "ben.csv", mine.paths.submission("ben"))
    shutil.copy(mine.paths.recipe("upper"), mine.paths.recipe("hers"))
    shutil.copytree(mine.paths.submission_folder("lower"), mine.paths.submission_folder("theirs"))
    before = {path: path.read_bytes() for path in mine.paths.submissions.rglob("*") if path.is_file()}
    for name, what in (("ben", "ben.csv"), ("hers", "hers.json"), ("theirs", "theirs")):
        done = blend(mine, "upper,submissions/digits/ben.csv", "--name", name)
        said = (
            f"catwalk blend: NAME={name}: submissions/digits/{what} is there already, and is not replaced: "
        )
        assert (done.returncode, done.stderr) == (2, f"{said}choose another name\n")
    assert {path: path.read_bytes() for path in mine.paths.submissions.rglob("*") if path.is_file()} == before


def test_a_submission_is_of_the_study_that_began_when_its_own_did() -> None:
    """Where one of them does not say when, it is not of a study that began after it was made."""
    first, second, third = (f"2026-11-0{day}T00:00:00+00:00" for day in (1, 2, 3))
    made = made_recipe(created=second, began=first)
    assert [made_before.is_of_study(made, began) for began in (first, second, "")] == [True, False, True]
    unsaid = made_recipe(created=second)
    began = (first, second, third, "")
    assert [made_before.is_of_study(unsaid, one) for one in began] == [True, True, False, True]


def test_an_interrupted_one_is_written_anew(mine: Team) -> None:
    """And nothing of it is taken for the new one's: labels alone have no out-of-fold rows."""
    blended(mine, "upper,lower")
    mine.paths.recipe("both").unlink()
    mine.paths.unfinished("both").touch()
    mine.labels("labels.csv", mine.said["lower"].test.argmax(axis=1))
    blended(mine, "upper,narrow,labels.csv")
    assert recipe.read(mine.paths, "both").parts[2].given == "labels.csv"
    assert not mine.paths.oof("both").exists()
    assert not mine.paths.unfinished("both").exists()


def test_nothing_of_an_interrupted_one_is_left_and_all_of_a_finished_one(tmp_path: Path) -> None:
    paths = Paths(tmp_path, "digits")
    folder = paths.submission_folder("both")
    folder.mkdir(parents=True)
    left = ("oof.npz", "test.npz", "labels.csv", "weights.npz", "trials.json")
    for name in (*left, ".unfinished"):
        (folder / name).touch()
    made = made_recipe()
    submission_files.begin(paths, "both", made)
    assert [path.name for path in folder.iterdir()] == [".unfinished"]
    for path in (*map(folder.joinpath, left), paths.submission("both")):
        path.touch()
    recipe.write(paths, "both", replace(made, csv_sha256="0123"))
    before = sorted(paths.submissions.rglob("*"))
    submission_files.begin(paths, "both", made)  # killed before the mark was removed
    assert sorted(paths.submissions.rglob("*")) == before
    paths.unfinished("both").unlink()
    submission_files.begin(paths, "both", made)  # as of the same command in another process
    assert sorted(paths.submissions.rglob("*")) == [path for path in before if path.name != ".unfinished"]


def test_one_that_another_process_made_of_others_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    """As with networks that were trained again, for which the first of two commands had the cores."""
    paths, made = Paths(tmp_path, "digits"), made_recipe()
    again = recipe.RefitNetwork(trial=1, seed=5, epochs=2, plan=(2, 2, 2), rows=1437)
    submission_files.begin(paths, "both", made)
    paths.submission("both").write_text("theirs")
    recipe.write(paths, "both", replace(made, refit=(again,)))
    paths.unfinished("both").unlink()
    before = {path: path.read_bytes() for path in paths.submissions.rglob("*") if path.is_file()}
    with pytest.raises(UserError, match=r"both\.csv already exists, made from other networks"):
        submission_files.begin(paths, "both", made)
    assert {path: path.read_bytes() for path in paths.submissions.rglob("*") if path.is_file()} == before
    paths.recipe("both").write_text("{}")  # damaged: whether it is the same can't be told
    with pytest.raises(UserError, match=r"both\.csv already exists"):
        submission_files.begin(paths, "both", made)


def test_a_name_whose_writing_was_interrupted_can_be_used_again(
    mine: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(submission_csv, "write", lambda *_: pytest.fail("as if the machine stopped here"))
        with pytest.raises(pytest.fail.Exception):
            blend(mine, "upper,lower", "--name", "both")
    assert mine.paths.oof("both").is_file()
    assert not mine.paths.submission("both").exists()
    blended(mine, "upper,lower")
    assert "both" in submission_names.names(mine.paths)


def test_a_name_that_was_taken_meanwhile_is_not_replaced(mine: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """As by a file that a teammate copies there while the networks are trained again."""
    theirs = mine.paths.submission("both")
    join = blend_weights.join

    def and_meanwhile(context: RunContext, parts: Sequence[Part]) -> blend_weights.Blend:
        theirs.write_text("theirs")
        return join(context, parts)

    monkeypatch.setattr(blend_weights, "join", and_meanwhile)
    done = blend(mine, "upper,lower", "--name", "both")
    assert done.returncode == 2
    assert "both.csv is there already, and is not replaced" in done.stderr
    assert theirs.read_text() == "theirs"
    assert not mine.paths.submission_folder("both").exists()


def test_without_labelled_rows_of_all_the_weights_are_equal(mine: Team) -> None:
    mine.csv("friend.csv", "narrow")
    lines = blended(mine, "upper,lower,friend.csv")
    assert lines[3] == "  friend.csv  probabilities  weight 0.333"
    assert lines[0] == (
        "blend: submissions/digits/both.csv, 3 parts, equal weights, as friend.csv has no out-of-fold rows; "
        "so there is no forecast"
    )
    mean = np.mean([mine.said[name].test for name in mine.said], axis=0)
    test = predictions.read(mine.paths.test_predictions("both"), "test.npz")
    np.testing.assert_allclose(test.probabilities, mean, atol=1e-6)
    np.testing.assert_array_equal(mean.argmax(axis=1), csv_labels(mine, "both"))
    assert not mine.paths.oof("both").exists()
    made = recipe.read(mine.paths, "both")
    assert (made.validation, made.forecast) == (None, None)
    board = run_catwalk(mine.paths.root, "leaderboard", *DIGITS).stdout.splitlines()
    assert board[-1].split()[:6] == ["both", "-", "-", "-", "-", "blend"], "the last, as nothing is known"
    score = run_catwalk(mine.paths.root, "score", *DIGITS, "--submission", "both").stdout
    assert "validation" not in score
    assert "forecast" not in score


def test_too_few_labelled_rows_in_common_find_no_weights(mine: Team) -> None:
    half = np.arange(72, dtype=np.int32)
    mine.submit("first", "upper", half)
    mine.submit("second", "lower", half + 60)
    lines = blended(mine, "first,second")
    assert lines[0].startswith(
        "blend: submissions/digits/both.csv, 2 parts, equal weights, as the parts share only 12 labelled rows"
    )
    made = recipe.read(mine.paths, "both")
    assert made.forecast is not None
    assert made.validation is not None
    assert (made.validation.rows, made.forecast.optimism) == (12, 0.0)
    assert len(predictions.read(mine.paths.oof("both"), "oof.npz").pictures) == 12
    mine.submit("third", "lower", half[:10] + 72)
    assert blended(mine, "first,third", "none")[0].endswith(
        "as the parts share no labelled rows; so there is no forecast"
    )


def test_labels_alone_are_joined_by_vote(mine: Team) -> None:
    truth = np.load(mine.paths.sealed_labels).astype(int)
    names = ["a.csv", "b.csv", "c.csv"]
    said = [truth.copy() for _ in names]
    said[0][:3] = (truth[:3] + 1) % 10  # rows 0 and 1: outvoted
    said[1][2] = (truth[2] + 2) % 10  # row 2: three labels, of which the first part's counts
    for name, labels in zip(names, said, strict=True):
        mine.labels(name, labels)
    lines = blended(mine, ",".join(names))
    assert lines[0].startswith(
        "blend: submissions/digits/both.csv, 3 parts, by vote, as they are labels alone; "
    )
    expected = truth.copy()
    expected[2] = said[0][2]
    np.testing.assert_array_equal(csv_labels(mine, "both"), expected)
    blended(mine, "c.csv,b.csv,a.csv", "turned")
    np.testing.assert_array_equal(csv_labels(mine, "turned"), truth)
    again = blended(mine, "submissions/digits/both.csv,upper", "again")
    assert again[1] == "  submissions/digits/both.csv  probabilities  weight 0.500", "of its folder"
    copied = blended(mine, "upper,a.csv", "copied")
    assert copied[4].startswith("  a.csv has labels alone and decides every row, so this is a copy of it: ")
    np.testing.assert_array_equal(csv_labels(mine, "copied"), said[0])
    tied = blended(mine, "b.csv,a.csv", "tied")
    assert tied[3].startswith("  b.csv has labels alone and decides every row"), "each row is a tie"
    np.testing.assert_array_equal(csv_labels(mine, "tied"), said[1])
    mixed = blended(mine, "upper,lower,a.csv", "mixed")
    assert mixed[4] == "  labels alone, which count as certain: a.csv"
    total = mine.said["upper"].test + mine.said["lower"].test + np.eye(10)[said[0]]
    ordered = np.sort(total, axis=1)
    clear = ordered[:, -1] - ordered[:, -2] > 1e-3  # elsewhere two classes are as good as equal
    assert clear.sum() > 300
    np.testing.assert_array_equal(csv_labels(mine, "mixed")[clear], total.argmax(axis=1)[clear])


def test_a_blend_that_is_not_better_says_so(mine: Team) -> None:
    right = np.eye(10, dtype=np.float32)[mine.prepared.labels[mine.prepared.validation]]
    oof, _ = mine.predictions("upper")
    predictions.write(mine.paths.oof("upper"), replace(oof, probabilities=right))
    toml = mine.paths.toml
    toml.write_text(toml.read_text().replace("first_id = 1", 'first_id = 1\ncompetition = "eight"'))
    lines = blended(mine, "upper,lower")
    assert lines[-2:] == [
        "  that is not better than the best part alone",
        "next: make leaderboard COMPETITION=digits",
    ]
    assert recipe.read(mine.paths, "both").parts[0].weight == 1
    mine.labels("a.csv", mine.said["lower"].test.argmax(axis=1))
    copied = blended(mine, "narrow,a.csv", "copied")
    assert "so this is a copy of it" in copied[-2]
    assert copied[-1] == "next: make leaderboard COMPETITION=digits"


def test_it_is_joined_again_from_its_recipe(mine: Team) -> None:
    mine.csv("friend.csv", "narrow")
    blended(mine, "upper,friend.csv")
    done = run_catwalk(mine.paths.root, "reproduce", *DIGITS)
    assert done.stdout.splitlines()[-1] == (
        "reproduce: data/digits/reproduced/both.csv, 2 parts joined again, equals both.csv, byte for byte"
    )
    recipe.write(mine.paths, "both", replace(recipe.read(mine.paths, "both"), csv_sha256="0" * 64))
    done = run_catwalk(mine.paths.root, "reproduce", *DIGITS)
    assert done.stdout.splitlines()[-1] == (
        "reproduce: data/digits/reproduced/both.csv, 2 parts joined again, differs from both.csv: "
        "other versions of the packages?"
    )
    mine.csv("friend.csv", "lower")
    done = run_catwalk(mine.paths.root, "reproduce", *DIGITS)
    assert done.returncode == 2
    assert done.stderr.startswith(
        "catwalk reproduce: both: the part friend.csv is another file than then: put "
    )
    (mine.paths.root / "friend.csv").unlink()
    done = run_catwalk(mine.paths.root, "reproduce", *DIGITS)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "friend.csv: no such submission, folder or file" in done.stderr


def test_what_needs_networks_says_that_it_has_none(mine: Team) -> None:
    blended(mine, "upper,lower")
    done = run_catwalk(mine.paths.root, "report", *DIGITS, "--submission", "both")
    assert (done.returncode, done.stderr) == (
        2,
        "catwalk report: both: a blend has no networks of its own to present: "
        "choose one with networks by SUBMISSION=\n",
    )
    done = run_catwalk(
        mine.paths.root, "submit", *DIGITS, "--submission", "both", "--to", "openhpi", "--assignment", "1"
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "both: a blend has no networks of its own that the grader could test: choose" in done.stderr
    newest = run_catwalk(mine.paths.root, "report", *DIGITS)
    assert "submissions/digits/narrow is incomplete" in newest.stderr, "the newest that is no blend"
    assert stages._has_submission(mine.paths)
    for name in mine.said:
        mine.paths.recipe(name).unlink()
    assert not stages._has_submission(mine.paths), "so report makes one, as where there is none at all"


def test_it_is_submitted_with_what_is_known(mine: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submit, "ASK_SECONDS", 0.05)
    toml = mine.paths.toml
    toml.write_text(toml.read_text().replace("first_id = 1", 'first_id = 1\ncompetition = "eight"'))
    mine.csv("friend.csv", "narrow")
    assert blended(mine, "upper,friend.csv")[-1] == "next: make submit COMPETITION=digits SUBMISSION=both"
    kaggle = Kaggle()
    login = {"KAGGLE_USERNAME": "me", "KAGGLE_KEY": "k" * 32, "HOME": str(mine.paths.root)}
    with serving(kaggle):
        done = run_catwalk(mine.paths.root, "submit", *DIGITS, "--yes", **{**kaggle.environment, **login})
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "submit: both.csv (360 rows)"
    assert "  public score 0.9321: do not base any choice on it" in done.stdout
    assert kaggle.uploaded == [mine.paths.submission("both").read_bytes()]


def test_what_predict_wrote_is_a_part(digits_done: tuple[Path, Run], fitted: Team, tmp_path: Path) -> None:
    paths = Paths(shutil.copytree(digits_done[0], tmp_path / "project"), "digits")
    shutil.copytree(fitted.paths.submission_folder("lower"), tmp_path / "theirs/lower")
    (name,) = submission_names.names(paths)
    mine = Team(paths, fitted.prepared, fitted.said)
    lines = blended(mine, f" {name}, ../theirs/lower")
    own = recipe.read(paths, name)
    (first, _), made = recipe.read(paths, "both").parts, recipe.read(paths, "both")
    assert own.validation is not None
    assert made.validation is not None
    assert first.validation_accuracy == own.validation.accuracy, "as its own recipe says"
    assert made.validation.accuracy >= own.validation.accuracy - 0.01
    assert ", 2 parts, weights found on 144 labelled rows: " in lines[0]
    assert (made.test_fingerprint, made.fingerprint) == (own.test_fingerprint, own.fingerprint)


def test_the_data_are_prepared_first(fitted: Team, tmp_path: Path) -> None:
    root = make_project(tmp_path / "other")
    paths = Paths(root, "digits")
    shutil.copytree(fitted.paths.submissions, paths.submissions)
    mine = Team(paths, fitted.prepared, fitted.said)
    done = blend(mine, "upper,lower", "--name", "both")
    assert done.returncode == 0, done.stderr
    assert [line.split(":")[0] for line in done.stdout.splitlines()[1:3]] == ["data", "prepare"]
    shutil.rmtree(paths.prepared)
    assert run_catwalk(root, "prepare", *DIGITS, "--seed", "3").returncode == 0
    assert blend(mine, "upper,narrow", "--name", "more").returncode == 0
    assert recipe.read(paths, "more").seed == 3, "any split serves"
