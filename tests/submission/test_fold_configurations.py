"""fold_configurations.py: which ones get folds; a run that was killed continues to the same bytes.

Also: fold_objective.py, fold_study.py, fold_training.py.
"""

import argparse
import shutil
import signal
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from optuna.trial import FrozenTrial, TrialState

from catwalk import command_hints, search_options, stages
from catwalk.core.errors import MachineError
from catwalk.core.paths import Paths
from catwalk.data.prepare import Prepared
from catwalk.data.run_context import RunContext
from catwalk.search import failed_trials, fold_study, fold_training, progress, retries, search, study
from catwalk.search.fold_study import Fold
from catwalk.search.limits import Limits
from catwalk.submission import fold_configurations, predict, predict_summary, predictions, recipe
from tests.conftest import digits_paths, run_catwalk
from tests.support import planted
from tests.support.records import made_recipe
from verification import crash_rounds


@pytest.fixture
def context(tmp_path: Path, digits: Prepared) -> RunContext:
    return planted.context(Paths(tmp_path, "digits"), digits)


def wanted(context: RunContext, count: int, seconds: float) -> dict[int, list[Fold]]:
    opened = study.load(context.paths, context.prepared, context.scope)
    assert opened is not None
    found: dict[int, list[Fold]] = {}
    for fold in fold_configurations._wanted(context, opened, count, seconds, 1):
        found.setdefault(fold.trial, []).append(fold)
    return found


def test_as_many_configurations_as_fit(context: RunContext) -> None:
    """The best one first, with fewer epochs where it nearly fits; none for which there is no time."""
    planted.search(context)
    trial = 5 * fold_configurations.STARTING + 5 * planted.SECONDS * 0.8 / 0.9  # about: of 5 folds
    assert wanted(context, 5, 0.5 * trial) == {}
    nearly = wanted(context, 5, 0.95 * trial)
    assert list(nearly) == [1]
    assert [fold.fold for fold in nearly[1]] == list(range(5))
    (epochs,) = {fold.epochs for fold in nearly[1]}
    assert fold_configurations.LEAST * planted.EPOCHS <= epochs < planted.EPOCHS
    whole = wanted(context, 5, 1.3 * trial)
    assert list(whole) == [1]
    assert {fold.epochs for fold in whole[1]} == {planted.EPOCHS}
    assert list(wanted(context, 5, np.inf)) == [1], "one with little weight is not worth its folds"


def test_the_time_of_predictions_is_planned_too(context: RunContext) -> None:
    """A fold predicts its own rows and the test rows, 4.5 times as many as the search's validation rows."""
    planted.search(context, predicting=2.0)
    learned, predicted = 1437 * 0.8 / 1293, (1437 / 5 + 360) / 144
    training = planted.EPOCHS * (planted.SECONDS - 1) / (planted.EPOCHS - 1)
    fold = fold_configurations.STARTING + predicted * 2.0 + learned * training
    whole = 5 * fold / fold_configurations.PLANNED
    for seconds, is_whole in ((1.01 * whole, True), (0.99 * whole, False)):
        found = wanted(context, 5, seconds)
        assert list(found) == [1]
        assert [one.epochs == planted.EPOCHS for one in found[1]] == [is_whole] * 5


@pytest.mark.parametrize(("workers", "count"), [(1, 5), (2, 5), (4, 5), (4, 10), (8, 5), (16, 10)])
def test_every_fold_of_what_is_planned_fits(workers: int, count: int) -> None:
    """However many workers there are: five folds on four workers take as long as on three."""
    costs, rounds = [(9.0, 5.0), (3.0, 2.0), (20.0, 5.0)], -(-count // workers)
    for seconds in np.linspace(5, 300, 60):
        shares = fold_configurations._shares(costs, [count] * 3, float(seconds), [0.0] * workers)
        took = [
            share * training + other for share, (training, other) in zip(shares, costs, strict=True) if share
        ]
        ends = fold_configurations._scheduled([0.0] * workers, [one for one in took for _ in range(count)])
        assert max(ends) <= seconds + 1e-9
        assert all(share == 0 or fold_configurations.LEAST <= share <= 1 for share in shares)
        assert (shares[0] == 1) == (rounds * 14 <= seconds)
        assert sum(0 < share < 1 for share in shares) <= 1
        if seconds >= rounds * (14 + 5 + 25):
            assert shares == [1, 1, 1]


@pytest.mark.parametrize("seconds", [-280.0, 0.0, 3.0])
def test_a_configuration_whose_folds_are_all_trained_needs_no_time(seconds: float) -> None:
    """Where the budget is over, or a smaller one is given than before."""
    costs = [(9.0, 5.0), (3.0, 2.0)]
    assert fold_configurations._shares(costs, [0, 5], seconds, [0.0] * 2) == [1, 0]
    assert fold_configurations._shares(costs, [5, 0], seconds, [0.0] * 2) == [0, 1]


def test_what_is_queued_already_takes_its_time_first() -> None:
    """As after kill -9: two folds of the first one wait, and with its other three nothing else fits."""
    costs, two_queued = [(55.0, 5.0), (55.0, 5.0)], fold_configurations._scheduled([0.0, 0.0], [60.0, 60.0])
    assert fold_configurations._shares(costs, [3, 5], 185.0, two_queued) == [1, 0]
    assert fold_configurations._shares(costs, [3, 5], 305.0, two_queued) == [1, 1]


def test_what_is_trained_or_queued_is_not_wanted_again(context: RunContext) -> None:
    planted.search(context)
    opened = planted.train(context, 1, 5, only=(0, 1))
    assert [fold.fold for fold in wanted(context, 5, np.inf)[1]] == [2, 3, 4], "the rest of it"
    assert len(wanted(context, 10, np.inf)[1]) == 10
    searched = study.load(context.paths, context.prepared, context.scope)
    assert searched is not None
    trial = study.complete(searched)[0]
    for fold in (1, 2):
        fold_study.enqueue_once(context.paths, opened, Fold(1, "portfolio 2", fold, 5, 7), trial)
    (queued,) = study.waiting(opened)
    assert fold_study.of(queued) == Fold(1, "portfolio 2", 2, 5, 7)
    assert queued.system_attrs["fixed_params"]["conv_muon"] == 0, "also if the search did not know it yet"
    assert [fold.fold for fold in wanted(context, 5, np.inf)[1]] == [3, 4]
    opened.ask()
    (left,) = study.running(opened)
    assert [fold.fold for fold in wanted(context, 5, np.inf)[1]] == [3, 4]
    retries.run_again(opened, left, "its worker died")
    (again,) = study.waiting(opened)
    assert fold_study.of(again) == fold_study.of(left), "a retry knows its fold"


def test_a_training_that_was_killed_too_often_is_wanted_anew(context: RunContext) -> None:
    """But one that failed with an error of its own is not: its parameters would fail again."""
    planted.search(context)
    opened = planted.train(context, 1, 5, only=(0, 1, 2))
    searched = study.load(context.paths, context.prepared, context.scope)
    assert searched is not None
    searched_trial = study.complete(searched)[0]
    fold_study.enqueue_once(context.paths, opened, Fold(1, "portfolio 2", 3, 5, 11), searched_trial)
    for _ in range(retries.RETRIES + 1):
        opened.ask()
        (left,) = study.running(opened)
        retries.run_again(opened, left, "its worker died")
    assert not study.waiting(opened)
    assert [fold.fold for fold in wanted(context, 5, np.inf)[1]] == [3, 4]
    fold_study.enqueue_once(context.paths, opened, Fold(1, "portfolio 2", 4, 5, 11), searched_trial)
    failed = opened.ask()
    failed.set_user_attr(failed_trials.ERROR, "ValueError")
    failed.set_user_attr(failed_trials.REASON, "ValueError: no")
    opened.tell(failed, state=TrialState.FAIL)
    assert [fold.fold for fold in wanted(context, 5, np.inf)[1]] == [3]
    lines = list(fold_configurations._left_out(context, 5))
    assert (
        "folds: fold 5/5 of trial 1 ended without a network, so trial 1 is left out: ValueError: no" in lines
    )


@pytest.mark.parametrize("which", ["model", "probabilities"])
def test_a_fold_whose_file_is_gone_is_trained_again(
    context: RunContext, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    """Also with the same limits; and once more is enough, though its first trial's file stays gone."""
    planted.search(context)
    key, paths = study.key(planted.train(context, 1, 5)), context.paths
    ended = replace(progress.NOTHING, spent=30.0, finished=5, ended=fold_study.ALL_TRAINED, of_trials=2)
    progress.write(paths, key, ended)
    trained: list[list[int]] = []

    def train(_context: RunContext, wanted: Sequence[tuple[Fold, FrozenTrial]], *_: object) -> None:
        trained.append([fold.fold for fold, _ in wanted])

    monkeypatch.setattr(fold_training, "run", train)
    asked = Limits(None, 2, 5)
    fold_configurations.run(context, asked, 1)
    assert trained == []
    getattr(paths, which)(key, 3).unlink()  # of fold 3
    assert [fold.fold for fold in wanted(context, 5, np.inf)[1]] == [3]
    fold_configurations.run(context, asked, 1)
    assert trained == [[3]]
    planted.train(context, 1, 5, only=(3,))
    progress.write(paths, key, replace(ended, finished=6))
    fold_configurations.run(context, asked, 1)
    assert trained == [[3]]


def test_no_time_is_said_once(context: RunContext, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    planted.search(context)
    within = RunContext(context.paths, context.competition, context.prepared, 1, "pixels", said.append)
    monkeypatch.setattr(fold_training, "run", lambda *_: pytest.fail("a training is started"))
    asked = Limits(60.0 + 8.0, None, 5)  # the search took 60 s
    fold_configurations.run(within, asked, 1)
    told = f"0 networks in 0 s ({fold_study.NO_TIME}); for more: make search BUDGET=3m"
    assert said == [f"folds: {told}"]
    assert not fold_configurations.run(within, asked, 1), "and the search goes on"
    assert said[1:] == [f"folds: already done, {told}"]
    known = progress.read(within.paths)
    assert known["digits-44c0ffd11b11-s1-pixels"].folds == 5, "later stages follow it"
    assert progress.last_scope(within.paths, within.prepared) == "pixels"


def test_one_network_is_not_networks(context: RunContext) -> None:
    state = replace(progress.NOTHING, finished=1, spent=9.0, ended=fold_study.ALL_TRAINED)
    told = fold_configurations._told(state, Limits(60.0, None, 5), "make search")
    assert told == f"1 network in 9 s ({fold_study.ALL_TRAINED})"
    said: list[str] = []
    recipe.write(context.paths, "one", made_recipe(missing=1))
    predict_summary.say_already(replace(context, say=said.append), "one")
    assert said[0].endswith("is made from all trials so far, except for 1 network missing here")


def test_more_time_or_another_trial_is_looked_at_again(
    context: RunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once it was said that no configuration fits; a smaller budget, or the same, is done."""
    opened = planted.search(context)
    monkeypatch.setattr(fold_training, "run", lambda *_: pytest.fail("a training is started"))
    asked = Limits(60.0 + 8.0, None, 5)  # the search took 60 s
    fold_configurations.run(context, asked, 1)
    given: list[Limits] = []
    monkeypatch.setattr(fold_configurations, "_train", lambda _, limit, *rest: given.append(limit))
    state = progress.read(context.paths)[study.key(opened)]
    for budget, finished, is_looked_at in (
        (67.0, 2, False),
        (68.0, 2, False),
        (69.0, 2, True),
        (68.0, 3, True),
        (None, 2, True),  # TRIALS= has no time limit
    ):
        progress.write(context.paths, study.key(opened), replace(state, finished=finished))
        given.clear()
        fold_configurations.run(context, replace(asked, budget=budget), 1)
        left = None if budget is None else budget - 60.0
        assert [one.budget for one in given] == [left] * is_looked_at, (budget, finished)


def test_what_other_folds_took_is_spent(context: RunContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten folds were trained before; what five folds took is part of their own budget."""
    planted.search(context)
    for count, spent in ((10, 30.0), (5, 20.0)):
        key, _ = fold_study.known(context, count)
        progress.write(context.paths, key, replace(progress.NOTHING, finished=count, spent=spent))
    given: list[Limits] = []
    monkeypatch.setattr(fold_configurations, "_train", lambda _, limit, *rest: given.append(limit))
    fold_configurations.run(context, Limits(160.0, None, 5), 1)
    assert [one.budget for one in given] == [160.0 - 60.0 - 30.0]


def test_too_small_a_disk_is_told_before_the_folds(
    context: RunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network of each fold will be kept, as large as the search's."""
    opened = planted.search(context)
    context.paths.model(study.key(opened), 1).write_bytes(bytes(1000))
    monkeypatch.setattr(fold_training, "run", lambda *_: pytest.fail("a training is started"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=4_000))
    said = "about 5 kB are needed to keep the folds' networks, but only 4 kB are free: make room"
    with pytest.raises(MachineError, match=said):
        fold_configurations.run(context, Limits(None, 2, 5), 1)


def test_what_was_killed_before_its_end_was_recorded_is_recorded(
    context: RunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All folds are trained, and the file of the progress does not know: no time is not the reason."""
    planted.search(context)
    planted.train(context, 1, 5)
    wanted_of: list[Any] = []
    monkeypatch.setattr(fold_training, "run", lambda _, wanted, *rest: wanted_of.append(wanted))
    assert not wanted(context, 5, 0.0), "nothing else fits"
    fold_configurations.run(context, Limits(60.0 + 8.0, None, 5), 1)
    assert wanted_of == [[]]
    assert fold_study.known(context, 5)[1].ended is None, "fold_training records it"


def test_fewer_folds_than_asked_for_are_said(context: RunContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a class has three pictures, its configurations are trained in three folds."""
    digits = context.prepared
    kept = np.flatnonzero((digits.labels != 4) | (np.cumsum(digits.labels == 4) <= 3))
    few = replace(
        digits,
        pixels=digits.pixels[kept],
        labels=digits.labels[kept],
        train=np.flatnonzero(np.isin(kept, digits.train)).astype(np.int32),
        validation=np.flatnonzero(np.isin(kept, digits.validation)).astype(np.int32),
    )
    said: list[str] = []
    trained: list[Fold] = []

    def train(_context: RunContext, wanted: Sequence[tuple[Fold, FrozenTrial]], *_: object) -> None:
        trained.extend(fold for fold, _ in wanted)

    monkeypatch.setattr(fold_training, "run", train)
    within = replace(context, prepared=few, say=said.append)
    planted.search(within)
    assert fold_configurations.run(within, Limits(None, 2, 5), 1)
    assert said[0] == "folds: 3 instead of 5, because a class has only 3 pictures"
    assert {(fold.fold, fold.count) for fold in trained} == {(0, 3), (1, 3), (2, 3)}


def test_a_submission_is_done_when_it_has_all_that_is_trained(context: RunContext) -> None:
    planted.search(context)
    key, _ = fold_study.known(context, 5)
    planted.train(context, 1, 5, only=(0, 1, 2))
    progress.write(context.paths, key, replace(progress.NOTHING, finished=3, spent=30.0))
    of_split = made_recipe()
    incomplete = replace(of_split, fold_study=key, fold_trainings=3)  # asked for folds, none had all
    of_folds = replace(of_split, folds=5, fold_study=key, fold_trainings=5)
    found = [
        [predict._has_folds(context, one, count) for count in (1, 5, 10)]
        for one in (of_split, incomplete, of_folds)
    ]
    assert found == [[True, False, False], [True, True, False], [False, True, False]]
    progress.write(context.paths, key, replace(progress.NOTHING, finished=6, spent=60.0))
    assert not predict._has_folds(context, of_folds, 5)


def test_folds_take_their_part_of_the_budget() -> None:
    assert Limits(600.0, None).of_search(0.0).budget == 600
    assert Limits(1800.0, None).of_search(300.0).budget == 1500, "of folds in an earlier command"
    short = Limits(10.0, None)
    said = search._already(replace(progress.NOTHING, spent=14.0, finished=6), short, -5.0, in_folds=15.0)
    assert said.endswith("for more: make search BUDGET=58s"), "of which 43 are the search's"
    assert not Limits(58.0, None).of_search(15.0).reached(14.0, 6)
    assert Limits(600.0, None, 5).of_search(0.0).budget == 300
    assert Limits(600.0, None, 5).of_search(400.0).budget == 200, "where folds took more than their half"
    assert Limits(None, 20, 5).of_search(400.0) == Limits(None, 20, 5)


@pytest.mark.parametrize(("fits", "searches"), [(True, [5]), (False, [5, 1])])
def test_where_none_fits_the_search_goes_on(
    context: RunContext, monkeypatch: pytest.MonkeyPatch, fits: bool, searches: list[int]
) -> None:
    asked: list[Limits] = []
    monkeypatch.setattr(search, "run", lambda _, limit, *__: asked.append(limit))
    monkeypatch.setattr(fold_configurations, "run", lambda *_: fits)
    options = argparse.Namespace(
        stage="search", until=None, budget=600.0, trials=None, workers=None, folds="5"
    )
    stages._search(options, context, 0.0)
    assert [one.folds for one in asked] == searches
    assert {one.budget for one in asked} == {600}


def test_a_budget_that_the_search_has_used_is_said_once(
    context: RunContext, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As after make all, where make all FOLDS=5 would be another one; nothing more is asked for then."""
    opened = planted.search(context)  # it took 60 s
    monkeypatch.setattr(fold_training, "run", lambda *_: pytest.fail("a training is started"))
    monkeypatch.chdir(context.paths.root)
    (context.paths.root / "Makefile").touch()
    command_hints.remember([])  # what another test has given
    options = argparse.Namespace(stage="all", until=None, budget=60.0, trials=None, workers=1, folds="5")
    for _ in range(2):
        options.folds = "5"
        stages._search(options, context, 0.0)
        done, folds = capsys.readouterr().out.splitlines()
        assert done.startswith("search: already done, 2 trials in 60 s")
        assert done.endswith("; for more: make search BUDGET=2m")
        assert folds == "folds: the search has used the budget: make all FOLDS=5 BUDGET=2m"
        assert search_options.folds(options, context) == 1, "predict does not say it again"
        assert progress.read(context.paths)[study.key(opened)].folds == 1, "nor do later stages"


def test_a_team_has_none(project: Path, digits_raw: Path) -> None:
    digits_paths(project, digits_raw)
    url = "postgresql://ann@127.0.0.1:1/x"
    done = run_catwalk(project, "search", "--competition", "digits", "--folds", "5", "--study", url)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "FOLDS=5: folds are trained by one machine, not by a team: set FOLDS=1" in done.stderr


@pytest.mark.slow
def test_killed_and_continued_to_what_its_recipe_says(project: Path) -> None:
    """All rows are out of fold, and the recipe alone makes the same bytes again."""
    common = ("--competition", "digits")
    asked = ("--trials", "1", "--workers", "1", "--folds", "5")
    for stage in ("data", "prepare"):
        assert run_catwalk(project, stage, *common).returncode == 0
    process = crash_rounds.begin(project, *asked)
    crash_rounds.wait_for(project, process, "fold ", 2, seconds=120)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = run_catwalk(project, "predict", *common, "--name", "early")
    assert (
        "predict: no configuration has all 5 folds yet, so only the validation rows count" in done.stdout
    ), done.stderr
    done = run_catwalk(project, "search", *common, *asked)
    assert "folds: 5 networks" in done.stdout, done.stderr
    done = run_catwalk(project, "predict", *common, "--name", "mine")
    assert "1 of 1 trials in 5 folds each" in done.stdout, "it follows the last search's FOLDS"
    assert "on all 1,437 labelled rows, out of fold" in done.stdout
    paths = Paths(project, "digits")
    made = recipe.read(paths, "mine")
    assert made.validation is not None
    assert (made.folds, made.validation.rows, len(made.fold_networks)) == (5, 1437, 5)
    assert "already done, submissions/digits/mine.csv" in run_catwalk(project, "predict", *common).stdout
    for file in paths.kept(made.fold_study).glob("*.test-*.npy"):
        file.unlink()  # as if the test's rows had changed since: they are predicted anew
    assert run_catwalk(project, "predict", *common, "--name", "again").returncode == 0
    anew, saved = (predictions.read(paths.test_predictions(name), name) for name in ("again", "mine"))
    np.testing.assert_allclose(anew.probabilities, saved.probabilities, atol=1e-6)
    done = run_catwalk(project, "reproduce", *common, "--submission", "mine")
    assert "equals mine.csv, byte for byte" in done.stdout, done.stderr


@pytest.mark.alone
@pytest.mark.slow
def test_a_budget_is_shared_with_the_folds(project: Path, digits_raw: Path) -> None:
    """The search ends with its three trials; five folds fit into the rest, and all rows validate."""
    digits_paths(project, digits_raw)
    common = ("--competition", "digits")
    assert run_catwalk(project, "prepare", *common).returncode == 0
    asked = ("--folds", "5", "--budget", "40s", "--trials", "3", "--workers", "2")
    began = time.monotonic()
    done = run_catwalk(project, "search", *common, *asked)
    took = time.monotonic() - began
    assert done.returncode == 0, done.stderr
    assert took < 50, "search and folds end within 10 s of their budget"
    assert f"({fold_study.ALL_TRAINED})" in done.stdout
    made = run_catwalk(project, "predict", *common, "--name", "mine")
    assert "on all 1,437 labelled rows, out of fold" in made.stdout, made.stderr
    written = recipe.read(Paths(project, "digits"), "mine")
    assert written.validation is not None
    assert (written.folds, written.validation.rows) == (5, 1437)
