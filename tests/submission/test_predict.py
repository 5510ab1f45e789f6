"""predict.py, recipe.py: from a finished search to a submission and its score.

Also: chosen_trials.py, predict_summary.py, run_context.py, stages.py.
"""

import csv
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from catwalk import __version__
from catwalk.core import processes
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.core.team import Team
from catwalk.data import competition as competitions
from catwalk.data import prepare, test_labels
from catwalk.data import scope as scopes
from catwalk.data.prepare import Prepared
from catwalk.data.run_context import RunContext
from catwalk.models import metrics
from catwalk.report import browser
from catwalk.search import progress, search, study
from catwalk.search.limits import Limits
from catwalk.submission import (
    chosen_trials,
    kept_networks,
    predict,
    predict_summary,
    predictions,
    recipe,
    reproduce,
    submission_names,
)
from catwalk.submission.recipe import Recipe
from tests.conftest import DONE_TRIALS, Run, load, run_catwalk
from tests.data.test_duplicates import changed, thrice
from tests.support import planted

DIGITS = ("--competition", "digits")


@pytest.fixture
def done(digits_done: tuple[Path, Run], tmp_path: Path) -> Paths:
    """A copy of the finished project, to do with as a test likes."""
    shutil.copytree(digits_done[0], tmp_path / "copy")
    return Paths(tmp_path / "copy", "digits")


def only(paths: Paths) -> str:
    (name,) = submission_names.names(paths)
    return name


def test_the_submission(done: Paths) -> None:
    name = only(done)
    assert re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{6}", name)
    assert sorted(path.name for path in done.submissions.iterdir()) == [name, f"{name}.csv", f"{name}.json"]
    talks = ["talk-notes.pdf", "talk.html", "talk.ipynb", "talk.pdf"]
    if browser.find() is None:
        talks = [file for file in talks if not file.endswith(".pdf")]
    files = sorted(path.name for path in done.submission_folder(name).iterdir())
    digests = [".talk.html.digest", ".talk.ipynb.digest"]
    assert files == [*digests, "labels.csv", "oof.npz", *talks, "test.npz", "trials.json", "weights.npz"]
    listed = done.doubtful_labels(name).read_text().splitlines()[0]
    assert listed == "row,label,class,answer,answer class,probability of label,probability of answer"
    with done.submission(name).open() as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["ImageId", "Label"]
    assert [row[0] for row in rows[1:]] == [str(i) for i in range(1, 361)]
    assert {row[1] for row in rows[1:]} <= {str(i) for i in range(10)}
    test = predictions.read(done.test_predictions(name), "test.npz")
    assert test.probabilities.shape == (360, 10)
    assert [str(i) for i in test.probabilities.argmax(axis=1)] == [row[1] for row in rows[1:]]


def test_the_recipe_tells_what_it_was_made_from(done: Paths) -> None:
    made = recipe.read(done, only(done))
    prepared = prepare.load(done, 1)
    oof = predictions.read(done.oof(only(done)), "oof.npz")
    assert oof.rows is not None
    np.testing.assert_array_equal(oof.rows, prepared.validation)
    share = metrics.accuracy(oof.probabilities, prepared.labels[prepared.validation])
    said = made.validation
    assert said is not None
    assert said.accuracy == share >= said.best_single
    trials = json.loads(done.snapshot(only(done)).read_text())
    assert said.best_single == max(one["value"] for one in trials if one["state"] == "complete")
    assert (said.rows, said.pictures, made.test_known) == (144, 144, 0)
    assert said.interval == metrics.wilson(share, 144)
    assert sum(trial.weight for trial in made.trials) == pytest.approx(1)
    assert made.fingerprint == prepared.fingerprint
    assert made.trials_finished == DONE_TRIALS
    assert (made.seed, made.versions["catwalk"]) == (1, __version__)
    assert made.began == progress.read(done)[made.study].began != ""
    assert datetime.now(UTC) - datetime.fromisoformat(made.created) < timedelta(hours=1)


def test_what_is_done_is_said_at_once_without_heavy_imports(done: Paths) -> None:
    code = (
        "import sys; from catwalk.cli import main; code = main(sys.argv[1:]); "
        "print('HEAVY', sorted({'tensorflow', 'keras', 'optuna', 'pandas', 'sqlalchemy'} & set(sys.modules)))"
    )
    for stage in ("data", "prepare", "search", "predict", "report", "all"):
        arguments = [stage, *DIGITS] + (["--trials", str(DONE_TRIALS)] if stage in ("search", "all") else [])
        run = subprocess.run(
            [sys.executable, "-c", code, *arguments], cwd=done.root, capture_output=True, text=True
        )
        # Without a Chromium, a line about the PDF follows; and of predict, the next command.
        more = ("  no PDF", "next: ")
        *_, said, heavy = (line for line in run.stdout.splitlines() if not line.startswith(more))
        assert "already done" in said, run.stdout + run.stderr
        assert heavy == "HEAVY []", stage


def test_what_comes_after_predict(done: Paths) -> None:
    """The talk that is there is of an older submission."""
    run = run_catwalk(done.root, "predict", *DIGITS)
    step = "next: make report COMPETITION=digits, or make {} COMPETITION=digits"
    assert run.stdout.splitlines()[-1] == step.format("score"), run.stderr
    has_page = 'first_id = 1\ncompetition = "eight-open"'
    done.toml.write_text(done.toml.read_text().replace("first_id = 1", has_page))
    run = run_catwalk(done.root, "predict", *DIGITS)
    assert run.stdout.splitlines()[-1] == step.format("submit"), run.stderr
    context = planted.context(done, prepare.load(done, 1))
    older = "next: make report SUBMISSION=older, or make score SUBMISSION=older"
    assert predict_summary.next_step(context, "older") == older
    done.sealed_labels.unlink()
    assert predict_summary.next_step(context, only(done)) == "next: make report"


def test_a_submission_of_a_study_that_was_renamed_is_not_the_new_one_s(done: Paths) -> None:
    """The new study has the same key, and it may have fewer trials."""
    (state,), made = progress.read(done).values(), recipe.read(done, only(done))
    prepared = prepare.load(done, 1)
    assert state.began <= made.created
    assert predict._holds(made, made.study, state, prepared)
    done.progress.unlink()
    progress.write(done, made.study, replace(state, finished=1))
    (later,) = progress.read(done).values()
    assert later.began > made.created
    assert not predict._holds(made, made.study, later, prepared)
    with pytest.raises(UserError, match="a network of this submission is no longer in data/digits/study"):
        kept_networks.predict_proba(done, made, prepared.test_pixels)


def test_a_submission_is_of_the_study_that_began_when_its_own_did(done: Paths) -> None:
    """Also after a study's folder was put back, and after the clock was set back."""
    name = only(done)
    (state,), made = progress.read(done).values(), recipe.read(done, name)
    prepared = prepare.load(done, 1)
    of_the_next = replace(made, began="2999-01-01T00:00:00+00:00", trials_finished=99)
    assert of_the_next.created >= state.began
    assert not predict._holds(of_the_next, made.study, state, prepared)
    with pytest.raises(UserError, match="a network of this submission is no longer in data/digits/study"):
        kept_networks.predict_proba(done, of_the_next, prepared.test_pixels)
    set_back = replace(made, created="2000-01-01T00:00:00+00:00")
    assert predict._holds(set_back, made.study, state, prepared)
    assert not predict._holds(replace(set_back, began=""), made.study, state, prepared), "nothing says it is"
    recipe.write(done, name, set_back)
    run = run_catwalk(done.root, "predict", *DIGITS)
    assert f"already done, submissions/digits/{name}.csv" in run.stdout, run.stderr


def test_a_name_that_is_taken_is_refused_before_a_longer_search(done: Paths) -> None:
    name, before = only(done), done.trials.read_text()
    asked = ("all", *DIGITS, "--name", name, "--trials")
    same = run_catwalk(done.root, *asked, str(DONE_TRIALS))
    assert same.returncode == 0, same.stderr
    longer = run_catwalk(done.root, *asked, str(DONE_TRIALS + 1))
    assert (longer.returncode, longer.stderr.count("\n")) == (2, 1)
    taken = f"NAME={name}: submissions/digits/{name}.csv already exists, made from other trials"
    assert f"{taken}: choose another name" in longer.stderr
    assert done.trials.read_text() == before, "no trial was run for it"


@pytest.mark.parametrize("has_study", [True, False])
def test_a_search_without_a_complete_trial_is_waited_for(
    tmp_path: Path, digits: Prepared, has_study: bool
) -> None:
    """Also one of another study, or one that has not begun its own yet."""
    context = planted.context(Paths(tmp_path, "digits"), digits)
    if has_study:
        study.create(context.paths, digits, context.scope)
    with progress.locked(context.paths), pytest.raises(UserError) as error:
        predict._study(context, lambda: pytest.fail("a second search is started"))
    assert error.value.what == (
        "no trial of SEED=1 FEATURES=pixels MODELS=dense is complete yet, and another command is training "
        "networks here"
    )
    assert error.value.fix == "run the command again in a minute, or when that has ended"


def test_the_search_s_own_ensemble_is_used_where_it_is_clearly_better(
    tmp_path: Path, digits: Prepared
) -> None:
    """The folds are of a weak configuration, which was all that the search had then."""
    said: list[str] = []
    context = replace(planted.context(Paths(tmp_path, "digits"), digits), say=said.append)
    opened = planted.search(context)
    planted.train(context, 0, 5)
    assert predict._in_folds(context, opened, 5, 5) is None
    better = "the search's own ensemble is clearly better than the folds' networks"
    assert said == [f"predict: {better}: it is used"]


def test_networks_that_are_gone_are_one_line(done: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(done.kept(next(iter(progress.read(done)))).parent)
    monkeypatch.setattr(processes, "preload", lambda: None)  # no process is started
    run = run_catwalk(done.root, "predict", *DIGITS, "--name", "x")
    assert (run.returncode, run.stderr.count("\n")) == (2, 1), run.stderr
    assert run.stderr.startswith(
        "catwalk predict: networks are missing in data/digits/study: "
        "run make search COMPETITION=digits with a larger BUDGET"
    )
    assert not done.submission("x").exists()


@pytest.mark.parametrize(
    ("team", "said"),
    [
        (None, "networks are missing in data/digits/study: run make search with a larger BUDGET"),
        (
            Team("postgresql://u@h/d", "ann"),
            "no network of the team is here or stored, and none could be trained again: run make predict",
        ),
    ],
    ids=["here", "team"],
)
def test_without_any_network_nothing_is_predicted(
    tmp_path: Path, digits: Prepared, team: Team | None, said: str
) -> None:
    context = planted.context(Paths(tmp_path, "digits"), digits)
    opened = planted.search(context)
    shutil.rmtree(context.paths.kept(study.key(opened)))
    within = replace(context, paths=replace(context.paths, team=team))
    with pytest.raises(UserError, match=f"^{said}"):
        predict._chosen(within, opened)


def test_a_network_that_a_search_has_just_dropped_is_not_missed(
    tmp_path: Path, digits: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is chosen, or as it is about to predict: the ensemble is chosen again. Nothing is computed."""
    context = planted.context(Paths(tmp_path, "digits"), digits)
    opened = planted.search(context)
    test = np.full((len(digits.test_ids), 10), 0.1, np.float32)

    def dropped_at_first(work: Callable[..., Any]) -> Callable[..., Any]:
        errors = [FileNotFoundError()]

        def worked(*given: Any) -> Any:
            if errors:
                raise errors.pop()
            return work(*given)

        return worked

    weights = kept_networks.Weights(None, None)
    monkeypatch.setattr(chosen_trials, "choose", dropped_at_first(chosen_trials.choose))
    monkeypatch.setattr(kept_networks, "average_and_weights", dropped_at_first(lambda *_: (test, weights)))
    chosen, answers = predict._chosen(context, opened)
    assert chosen.trials[0].number == 1
    assert answers.test is test
    np.testing.assert_array_equal(answers.rows, digits.validation)


@pytest.fixture
def uncomputed(digits: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    """No process is started, and the kept networks predict nothing in particular."""
    test = np.full((len(digits.test_ids), 10), 0.1, np.float32)
    weights = kept_networks.Weights(None, None)
    monkeypatch.setattr(processes, "preload", lambda: None)
    monkeypatch.setattr(kept_networks, "average_and_weights", lambda *_: (test, weights))


@pytest.mark.usefixtures("uncomputed")
def test_kept_networks_that_are_gone_are_said(tmp_path: Path, digits: Prepared) -> None:
    """As of a folder that was copied in part."""
    said: list[str] = []
    context = replace(planted.context(Paths(tmp_path, "digits"), digits), say=said.append)
    opened = planted.search(context)
    predict._on_split(context, opened, None)
    assert said == []
    paths, key = context.paths, study.key(opened)
    paths.model(key, 1).unlink()
    paths.probabilities(key, 1).unlink()
    made, _ = predict._on_split(context, opened, None)
    assert [one.number for one in made.trials] == [0], "the worse one"
    assert said == ["predict: 1 of the 2 best networks is missing in data/digits/study/kept (trial 1)"]
    team = replace(paths, team=Team("postgresql://u@h/d", "ann"))
    assert chosen_trials.gone_in_words(team, opened) is None, "bring says it"
    assert [trial.number for trial in chosen_trials.absent(team, opened)] == [1]


@pytest.mark.parametrize(
    ("names", "best", "said"),
    [
        (["7"], 1, "1 of the 1 best network is missing (trial 7)"),
        (["7"], 2, "1 of the 2 best networks is missing (trial 7)"),
        (["7", "3 of ann"], 2, "2 of the 2 best networks are missing (trial 7, 3 of ann)"),
        (["7", "3", "4"], 20, "3 of the 20 best networks are missing (trial 7, 3, 4)"),
        (["7", "3", "4", "5", "6"], 20, "5 of the 20 best networks are missing (trial 7, 3, 4 and 2 more)"),
    ],
)
def test_missing_networks_in_words(names: list[str], best: int, said: str) -> None:
    assert chosen_trials.absent_in_words(names, best) == said


@pytest.mark.usefixtures("uncomputed")
def test_an_older_study_under_a_newer_progress_makes_one_submission(tmp_path: Path, digits: Prepared) -> None:
    """As after a power failure, or where study.db alone was put back."""
    said: list[str] = []
    context = replace(planted.context(Paths(tmp_path, "digits"), digits), say=said.append)
    key = study.key(planted.search(context))

    def run() -> str:
        state = progress.read(context.paths)[key]
        progress.write(context.paths, key, replace(state, finished=7, spent=70.0, ended="as asked", full=9.0))
        return predict.run(context, None, None, lambda: pytest.fail("a search is started"))

    name = run()
    assert said[0] == (
        "predict: progress.json had 7 trials, data/digits/study/study.db has 2, perhaps an older copy: "
        "corrected"
    )
    state = progress.read(context.paths)[key]
    assert (state.finished, state.spent, state.ended, state.full) == (2, 20.0, None, None)
    done = f"predict: already done, submissions/digits/{name}.csv is made from all trials so far"
    said.clear()
    assert predict.run(context, None, None, lambda: pytest.fail("a search is started")) == name
    assert said == [done]
    said.clear()
    assert run() == name
    assert said[1:] == [done]
    assert submission_names.names(context.paths) == [name]


def test_an_empty_study_under_a_newer_progress_is_searched(tmp_path: Path, digits: Prepared) -> None:
    """Else the search would say that it is done."""
    context = planted.context(Paths(tmp_path, "digits"), digits)
    key = study.key(study.create(context.paths, digits, context.scope))
    progress.write(context.paths, key, replace(progress.NOTHING, spent=600.0, finished=7))
    asked = Limits(600.0, None)
    with pytest.raises(UserError, match="no trial is complete"):
        predict._study(context, lambda: None)
    assert not search.is_done(context, asked)


def test_networks_of_another_shape_are_not_submitted(done: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """The TOML's was corrected after the search: 8x8 and 4x16 are the same values."""
    monkeypatch.setattr(processes, "preload", lambda: None)  # no process is started
    done.toml.write_text(done.toml.read_text().replace("shape = [8, 8]", "shape = [4, 16]"))
    run = run_catwalk(done.root, "predict", *DIGITS)
    assert (run.returncode, run.stderr.count("\n")) == (2, 1), run.stdout
    assert "shape is [4, 16], but the networks of this study were trained with [8, 8]: rename" in run.stderr
    only(done)


@pytest.mark.parametrize("stage", ["predict", "report"])
def test_a_study_of_another_seed_is_named_instead_of_a_new_search(done: Paths, stage: str) -> None:
    """SEED= was forgotten: without it, ten minutes of search would begin."""
    for file in done.submissions.glob("*.json"):  # report would show that submission
        file.unlink()
    run = run_catwalk(done.root, stage, *DIGITS, "--seed", "2", "--trials", "1", "--workers", "1")
    assert (run.returncode, run.stderr.count("\n")) == (2, 1), run.stdout
    assert (
        f"the study of SEED=2 has no trial, but there is one of SEED=1 with {DONE_TRIALS} trials: "
        "run make predict COMPETITION=digits SEED=1 "
    ) in run.stderr
    assert len(progress.read(done)) == 1, "none was begun"


def test_a_study_that_a_search_has_begun_is_waited_for_beside_another(
    tmp_path: Path, digits: Prepared
) -> None:
    """The other one is named where no search has taken a trial of this one."""
    context = planted.context(Paths(tmp_path, "digits"), digits)
    planted.search(replace(context, prepared=replace(digits, split="s2")))
    opened = study.create(context.paths, digits, context.scope)
    for said in ("there is one of SEED=2 with 2 trials", "is complete yet, and "):
        with progress.locked(context.paths), pytest.raises(UserError, match=said):
            predict._study(context, lambda: pytest.fail("a search is started"))
        opened.ask()


def known_of(context: RunContext) -> tuple[Recipe, str]:
    """A planted search: the recipe of its ensemble, and the search's line about its best trial."""
    opened, prepared = planted.search(context), context.prepared
    key = study.key(opened)
    chosen = chosen_trials.choose(context.paths, prepared, key, study.complete(opened))
    said = search._summary(opened, 60.0, context, Limits(600.0, None))
    return predict._recipe(context, opened, chosen), said[0]


def test_what_is_known_of_the_accuracy_counts_each_picture_once(
    project: Path, digits_raw: Path, digits: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every row three times: the intervals and the forecast are those of the rows once."""
    made, said = known_of(planted.context(Paths(tmp_path, "digits"), digits))
    prepared, of_each = changed(project, digits_raw, thrice), planted.predicted
    # Of models trained on the rows once, so that both ensembles are chosen from the same.
    monkeypatch.setattr(planted, "predicted", lambda number, _: of_each(number, digits).repeat(3, axis=0))
    again, said_again = known_of(planted.context(Paths(project, "digits"), prepared))
    assert said_again == said
    assert made.validation is not None
    assert again.validation is not None
    assert (again.validation.rows, again.validation.pictures) == (432, made.validation.pictures) == (432, 144)
    assert again.validation.interval == pytest.approx(made.validation.interval, abs=1e-9)
    assert made.forecast is not None
    assert again.forecast is not None
    assert again.forecast.interval == pytest.approx(made.forecast.interval, abs=1e-9)
    assert again.forecast.accuracy == pytest.approx(made.forecast.accuracy, abs=1e-9)
    assert again.forecast.optimism == pytest.approx(made.forecast.optimism, abs=1e-9)


@pytest.mark.parametrize(("stage", "module"), [("predict", predict), ("reproduce", reproduce)])
def test_as_many_workers_as_asked_for_reach_what_trains(
    digits_done: tuple[Path, Run], monkeypatch: pytest.MonkeyPatch, stage: str, module: ModuleType
) -> None:
    asked: list[int | None] = []
    monkeypatch.setattr(module, "run", lambda context, *_: asked.append(context.workers))
    for workers in ((), ("--workers", "1")):
        run = run_catwalk(digits_done[0], stage, *DIGITS, *workers)
        assert run.returncode == 0, run.stderr
    assert asked == [None, 1]


@pytest.mark.slow
def test_a_name_of_one_s_own(done: Paths) -> None:
    run = run_catwalk(done.root, "predict", *DIGITS, "--name", "final")
    assert run.returncode == 0, run.stderr
    assert done.submission("final").read_bytes() == done.submission(only_other(done)).read_bytes()
    again = run_catwalk(done.root, "predict", *DIGITS, "--name", "final")
    assert "already done" in again.stdout
    done.recipe("final").write_text(
        done.recipe("final")
        .read_text()
        .replace(f'"trials_finished": {DONE_TRIALS}', f'"trials_finished": {DONE_TRIALS - 1}')
    )
    taken = run_catwalk(done.root, "predict", *DIGITS, "--name", "final")
    assert taken.returncode == 2
    assert "already exists, made from other trials: choose another name" in taken.stderr
    assert run_catwalk(done.root, "predict", *DIGITS, "--name", "../x").returncode == 2


def only_other(paths: Paths) -> str:
    return next(name for name in submission_names.names(paths) if name != "final")


def test_a_corrected_class_name_is_predicted_anew_where_the_submission_holds_names(done: Paths) -> None:
    text = done.toml.read_text().replace("first_id = 1", 'first_id = 1\nlabels = "names"')
    name = only(done)
    made = recipe.read(done, name)

    def already(toml: str) -> str | None:
        done.toml.write_text(toml)
        competition = competitions.load(done)
        prepare.run(done, competition, 1, lambda _: None)
        scope = scopes.name(made.features, made.models)
        context = RunContext.load(done, competition, 1, scope, lambda _: None)
        return predict.is_done(context, None)

    assert already(text) is None, "it holds numbers"
    prepared = prepare.load(done, 1)
    recipe.write(done, name, replace(made, test_fingerprint=prepared.test_fingerprint))
    assert already(text) == name
    assert already(text.replace('"9"]', '"nine"]')) is None
    assert prepare.load(done, 1).fingerprint == prepared.fingerprint, "of the same study"


@pytest.mark.slow
def test_two_clones_give_the_same_bytes_whatever_the_test_labels_say(
    digits_done: tuple[Path, Run], blind_done: tuple[Path, Run]
) -> None:
    """The same TRIALS and WORKERS=1 twice: trials.csv but for its seconds, and the submission."""
    texts = []
    for root, run in (digits_done, blind_done):
        assert run.returncode == 0, run.stderr
        paths = Paths(root, "digits")
        table = [line.rsplit(",", 1)[0] for line in paths.trials.read_text().splitlines()]
        assert len(table) == DONE_TRIALS + 1
        texts.append((paths.submission(only(paths)).read_bytes(), table))
    assert texts[0] == texts[1]


def test_score_opens_the_sealed_labels_and_logs_it(done: Paths) -> None:
    name = only(done)
    assert test_labels.looks(done) == [], "no stage before has looked"
    first = run_catwalk(done.root, "score", *DIGITS)
    second = run_catwalk(done.root, "score", *DIGITS, "--submission", name)
    assert first.returncode == second.returncode == 0, first.stderr
    assert "have been read once" in first.stdout
    assert "have been read 2 times" in second.stdout
    looks = test_labels.looks(done)
    assert [(look.caller, look.submission) for look in looks] == [("score", name)] * 2

    truth = [line.split(",")[0] for line in (done.raw / "digits_test.csv").read_text().splitlines()[1:]]
    made = [line.split(",")[1] for line in done.submission(name).read_text().splitlines()[1:]]
    right = np.mean([a == b for a, b in zip(truth, made, strict=True)])
    assert json.loads(done.score(name).read_text())["accuracy"] == pytest.approx(right)
    assert f"{right:.4f} on 360 test rows (95% interval" in first.stdout
    board = run_catwalk(done.root, "leaderboard", *DIGITS)
    assert f"{right:.4f}" in board.stdout
    assert name in board.stdout


def test_a_submission_changed_by_hand_is_not_scored(done: Paths) -> None:
    path = done.submission(only(done))
    path.write_text(path.read_text().replace("\n7,", "\n8,", 1))
    run = run_catwalk(done.root, "score", *DIGITS)
    assert (run.returncode, run.stderr.count("\n")) == (2, 1)
    assert "row 8: expected the id 7" in run.stderr
    assert test_labels.looks(done) == []


@pytest.mark.slow
def test_predict_makes_another_where_a_submission_was_changed_by_hand(done: Paths) -> None:
    """As the error of score says; both stages once more, and the new one is scored."""
    name = only(done)
    path = done.submission(name)
    before = path.read_bytes()
    path.write_bytes(before.replace(b"\n7,", b"\n8,", 1))
    run = run_catwalk(done.root, "score", *DIGITS)
    assert "run make predict COMPETITION=digits for a new one" in run.stderr
    run = run_catwalk(done.root, "predict", *DIGITS)
    assert run.returncode == 0, run.stderr
    first, second = submission_names.names(done)
    assert (first, done.submission(second).read_bytes()) == (name, before)
    run = run_catwalk(done.root, "score", *DIGITS)
    assert (run.returncode, run.stderr) == (0, "")
    assert f"score: {second}: " in run.stdout
    assert "  the forecast was " in run.stdout
    again = run_catwalk(done.root, "predict", *DIGITS)
    assert f"already done, submissions/digits/{second}.csv" in again.stdout


def test_a_submission_without_its_own_files_is_not_done(done: Paths) -> None:
    """Its CSV as Excel saves it, and its probabilities gone."""
    name = only(done)
    made, prepared = recipe.read(done, name), prepare.load(done, 1)
    context = RunContext(
        done, load("digits"), prepared, 1, scopes.name(made.features, made.models), lambda _: None
    )
    csv_file, test = done.submission(name), done.test_predictions(name)
    before = csv_file.read_bytes()
    assert predict.is_done(context, None) == predict.is_done(context, name) == name
    csv_file.write_bytes(before.replace(b"\n", b"\r\n"))
    assert predict.is_done(context, None) is None
    with pytest.raises(UserError, match=rf"{name}\.csv was changed since it was made: choose another name"):
        predict.is_done(context, name)
    csv_file.write_bytes(before)
    test.unlink()
    assert predict.is_done(context, None) is None
    with pytest.raises(UserError, match=rf"{name}/test\.npz is missing: choose another name"):
        predict.is_done(context, name)


def test_labels_that_were_lost_are_sealed_again(done: Paths) -> None:
    done.sealed_labels.unlink()
    run = run_catwalk(done.root, "score", *DIGITS)
    assert (run.returncode, run.stderr.count("\n")) == (2, 1)
    assert "digits: the sealed test labels are missing: run make prepare" in run.stderr
    assert run_catwalk(done.root, "prepare", *DIGITS).returncode == 0
    run = run_catwalk(done.root, "score", *DIGITS)
    assert (run.returncode, run.stderr) == (0, "")
    assert "have been read once" in run.stdout


def test_no_labels_no_score(done: Paths) -> None:
    test = done.raw / "digits_test.csv"
    test.write_text("".join(line.split(",", 1)[1] for line in test.read_text().splitlines(True)))
    assert run_catwalk(done.root, "prepare", *DIGITS).returncode == 0
    run = run_catwalk(done.root, "score", *DIGITS)
    assert run.returncode == 2
    assert "the test rows have no labels" in run.stderr


def test_another_study_s_data(done: Paths) -> None:
    """After rows of the raw data changed, the study of the old ones is named, and touched by nothing."""
    train = done.raw / "digits_train.csv"
    train.write_text("\n".join(train.read_text().splitlines()[:-5]) + "\n")
    before = done.study_db.read_bytes()
    run = run_catwalk(done.root, "prepare", *DIGITS)
    assert run.returncode == 0, run.stderr
    assert "digits_train.csv: changed by hand, will not be overwritten" in run.stdout
    stays = f"the study of the old rows (fingerprint 44c0ffd11b11, {DONE_TRIALS} trials) is kept"
    assert stays in run.stdout
    assert done.study_db.read_bytes() == before
    assert train.read_text().count("\n") == 1433


def test_choose(done: Paths) -> None:
    assert submission_names.choose(done, None) == submission_names.choose(done, f"{only(done)}.csv")
    with pytest.raises(UserError, match="SUBMISSION=x: no such submission of digits"):
        submission_names.choose(done, "x")
    with pytest.raises(UserError, match="has no submission yet: run make predict"):
        submission_names.choose(Paths(done.root, "mnist"), None)
    assert load("digits").name == "digits"
