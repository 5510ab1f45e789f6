"""A project that catwalk 0.1 made goes on: its study, submission, looks and recipe; see its README.

Modules: paths.py.
"""

import json
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest
from packaging.version import Version

from catwalk.core.paths import Paths
from catwalk.data import prepare, test_labels
from catwalk.report import results, slides, talk
from catwalk.search import progress, study, trial_record
from catwalk.submission import provenance, recipe, refit, score
from tests.conftest import REPOSITORY, Run, make_project, run_catwalk

KEPT = REPOSITORY / "tests/support/project_of_0_1"
DIGITS = ("--competition", "digits", "--features", "pixels")
KEY = "digits-44c0ffd11b11-s1-pixels"
SAVED_BY = "3.15.1"  # the Keras that saved its networks


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, its data made anew."""
    root = make_project(tmp_path_factory.mktemp("old") / "project")
    for folder in ("data", "submissions"):
        shutil.copytree(KEPT / folder, root / folder)
    done = run_catwalk(root, "prepare", "--competition", "digits")
    assert "fingerprint 44c0ffd11b11, split 1" in done.stdout, done.stderr
    return root


@pytest.fixture
def old(prepared: Path, tmp_path: Path) -> Paths:
    shutil.copytree(prepared, tmp_path / "project")
    return Paths(tmp_path / "project", "digits")


def run(paths: Paths, stage: str, *arguments: str) -> Run:
    done = run_catwalk(paths.root, stage, *arguments)
    assert done.returncode == 0, done.stderr
    return done


def test_its_study_is_opened(old: Paths) -> None:
    opened = study.load(old, prepare.load(old, 1), "pixels")
    assert opened is not None
    trials = trial_record.of_study(opened)
    assert [trial.kind for trial in trials] == [
        "softmax", "quick", "beginner", "portfolio 1", "portfolio 2", "yours",
    ]  # fmt: skip
    assert [trial.value for trial in trials][:3] == pytest.approx([0.7639, 0.9653, 0.9375], abs=1e-4)
    assert all(trial.is_complete and trial.history[-1].second for trial in trials)
    unplanned = [replace(trial, planned=None) for trial in trials]
    assert unplanned == trial_record.read_snapshot(old, "old"), "as the submission has them"


def test_its_search_is_done(old: Paths) -> None:
    assert progress.read(old) == {KEY: progress.StudyProgress(29.5, 6, 1.0, None, None, None)}
    done = run(old, "search", *DIGITS, "--trials", "6")
    assert "search: already done, 6 trials in 30 s, best 1.0000 on validation" in done.stdout


def test_its_submission_is_on_the_leaderboard(old: Paths) -> None:
    (row,) = score.leaderboard(old).to_dict("records")
    assert (row["submission"], row["nets"], row["trials"], row["split"]) == ("old", 2, 6, "s1")
    assert (round(row["validation"], 4), round(row["test"], 4)) == (0.9444, 0.9444)
    assert row["forecast"] == "0.8889-0.9778"
    assert "0.9158-0.9638" in run(old, "leaderboard", "--competition", "digits").stdout


def test_its_looks_keep_their_count(old: Paths) -> None:
    before = old.looks.read_text()
    assert [look.caller for look in test_labels.looks(old)] == ["score", "score"]
    assert (
        "the sealed test labels have been read 3 times" in run(old, "score", "--competition", "digits").stdout
    )
    assert old.looks.read_text().startswith(before)
    kept = score.read(old, "old")
    assert kept is not None
    assert (kept.looks, len(test_labels.looks(old))) == (3, 3)


def test_its_submission_is_done_before(old: Paths) -> None:
    said = run(old, "predict", *DIGITS).stdout
    assert "predict: already done, submissions/digits/old.csv is made from all trials so far" in said


@pytest.mark.skipif(
    Version(metadata.version("keras")) < Version(SAVED_BY), reason="an older Keras can't read them"
)
def test_a_new_submission_uses_its_networks(old: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refit, "run", lambda *_: None)  # that would train, as reproduce does
    run(old, "predict", *DIGITS, "--name", "new")
    made, before = recipe.read(old, "new"), recipe.read(old, "old")
    assert [one.number for one in made.trials] == [2, 5]
    assert [replace(one, weight=1, temperature=1) for one in made.trials] == [
        replace(one, weight=1, temperature=1) for one in before.trials
    ]
    assert [one.weight for one in made.trials] == pytest.approx(
        [one.weight for one in before.trials], abs=0.1
    )
    assert made.validation is not None
    assert before.validation is not None
    assert made.validation.accuracy == before.validation.accuracy
    assert recipe.read(old, "old") == before, "it is left alone"


def test_its_talk(old: Paths) -> None:
    loaded = results.load("digits", "old", old.root)
    assert loaded.best.number == 3
    assert loaded.recipe.refit[0].rows == 1437
    assert slides.build(loaded)[0].title == "94.4% correct on validation, 18.0 points above softmax"
    assert "on 360 test pictures" in talk.html(loaded)


@pytest.mark.slow
def test_its_report(old: Paths) -> None:
    run(old, "report", "--competition", "digits", "--submission", "old")
    assert old.talk("old").read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert old.notebook("old").is_file()


@pytest.mark.slow
def test_its_recipe_is_reproduced(old: Paths) -> None:
    """Its networks learn by today's batches: other networks than they were, so some labels are others."""
    content = json.loads(old.recipe("old").read_text())
    half = {**content, "trials": content["trials"][:1], "refit": content["refit"][:1]}  # the quick ones
    old.recipe("old").write_text(json.dumps(half))
    said = run(old, "reproduce", "--competition", "digits").stdout
    assert "reproduce: training 2 networks again from old.json" in said
    assert "reproduce: data/digits/reproduced/old.csv differs from old.csv" in said
    again, first = (path.read_text().splitlines() for path in (old.reproduced("old"), old.submission("old")))
    assert again != first
    assert sum(a == b for a, b in zip(again, first, strict=True)) > 330


@pytest.mark.slow
def test_a_recipe_of_its_last_day_is_reproduced(project: Path) -> None:
    file, paths = KEPT / "reproduce/today.json", Paths(project, "digits")
    made = recipe.read_file(file, file.name)
    done = run(paths, "reproduce", "--competition", "digits", str(file))
    as_then = {**study.versions(), "catwalk": made.versions["catwalk"]}  # today's trains them as that one did
    if (made.processor, made.versions) == (provenance.processor(), as_then):
        assert "data/digits/reproduced/today.csv equals today.csv, byte for byte" in done.stdout
        assert paths.reproduced("today").read_bytes() == file.with_suffix(".csv").read_bytes()
    else:
        assert "  made with " in done.stdout, "what is different here is named"


def newer_json(file: Path) -> None:
    content = json.loads(file.read_text())
    (content[0] if isinstance(content, list) else content).update(schema_version=99)
    file.write_text(json.dumps(content))


def newer_progress(paths: Paths) -> None:
    content = json.loads(paths.progress.read_text())
    content[KEY]["schema_version"] = 99
    paths.progress.write_text(json.dumps(content))


def newer_look(paths: Paths) -> None:
    with paths.looks.open("a") as file:
        file.write('{"schema_version": 99, "who": "me"}\n')


def newer_trial(paths: Paths) -> None:
    with sqlite3.connect(paths.study_db) as database:
        database.execute(
            "INSERT INTO trial_user_attributes (trial_id, key, value_json) VALUES (3, 'schema_version', '99')"
        )


NEW = ("predict", *DIGITS, "--name", "new")
ONE = ("--competition", "digits", "--submission", "old")


@pytest.mark.parametrize(
    ("change", "commands", "said"),
    [
        (
            lambda paths: newer_json(paths.recipe("old")),
            [("score", *ONE), ("report", *ONE), ("reproduce", *ONE[:2]), ("leaderboard", *ONE[:2])],
            "submissions/digits/old.json",
        ),
        (
            lambda paths: newer_json(paths.score("old")),
            [("leaderboard", *ONE[:2]), ("report", *ONE)],
            "submissions/digits/old/score.json",
        ),
        (
            lambda paths: newer_json(paths.snapshot("old")),
            [("report", *ONE)],
            "submissions/digits/old/trials.json",
        ),
        (newer_progress, [("search", *DIGITS), NEW], "data/digits/study/progress.json"),
        (newer_look, [("score", *ONE)], "data/digits/prepared/looks.jsonl"),
        (newer_trial, [NEW], "trial 2 of the study"),
    ],
)
def test_what_a_newer_catwalk_wrote_is_one_line(
    old: Paths, change: Callable[[Paths], None], commands: list[tuple[str, ...]], said: str
) -> None:
    change(old)
    files = [path for path in old.root.rglob("*") if path.is_file()]
    # SQLite's header changes whenever it is opened.
    before = {path: path.read_bytes() for path in files if path.name != "study.db"}
    for command in commands:
        done = run_catwalk(old.root, *command)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert f"{said}: written by a newer version of catwalk (schema version 99, " in done.stderr
        assert "update catwalk: git pull, then make setup" in done.stderr
        assert len(done.stderr) <= 300
    assert {path: path.read_bytes() for path in before} == before, "nothing was changed"
