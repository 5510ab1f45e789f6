"""refit.py: chosen networks trained again on all labelled rows, in the time that is left for it.

Also: retrain.py.
"""

import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest

from benchmarks import procfs
from catwalk.core import memory, process_pool, processes, tensorflow_setup
from catwalk.core.paths import Paths
from catwalk.data import prepare
from catwalk.data.prepare import Prepared
from catwalk.data.run_context import RunContext
from catwalk.models import network, portfolio, precision, retrain, train
from catwalk.models.epoch import Epoch
from catwalk.search import limits, progress, study, trial_record
from catwalk.search.trial_record import TrialRecord
from catwalk.submission import predictions, recipe, refit, submission_names
from catwalk.submission.ensemble import Ensemble, scaled
from tests.conftest import Run, clean_environment, load
from tests.support import records
from verification import crash_rounds


@pytest.fixture(scope="module")
def done(digits_done: tuple[Path, Run]) -> Paths:
    return Paths(digits_done[0], "digits")


@pytest.mark.slow
def test_it_has_half_of_the_say(done: Paths) -> None:
    (name,) = submission_names.names(done)
    made = recipe.read(done, name)
    prepared = prepare.load(done, 1)
    assert [row.rows for row in made.refit] == [1437, 1437]
    chosen = made.trials
    weights = np.array([trial.weight for trial in chosen])
    heaviest = [chosen[i] for i in refit.heaviest(weights)]
    assert made.refit[0].trial == heaviest[0].number
    seeds = {row.seed for row in made.refit}
    assert len(seeds) == 2
    assert not seeds & {trial.seed for trial in chosen}

    said = []
    for trial in chosen:
        model = keras.models.load_model(done.model(made.study, trial.number), compile=False)
        said.append(network.probabilities(model, prepared.test_pixels))
    joined = Ensemble(
        np.array([trial.weight for trial in chosen]), np.array([trial.temperature for trial in chosen])
    ).average(np.stack(said))
    opened = study.load(done, prepared, made.features)
    assert opened is not None
    trials = [trial_record.of(opened.trials[trial.number]) for trial in heaviest]
    again = refit.run(RunContext.load(done, load("digits"), 1, made.features), trials, None, None)
    assert again is not None
    assert again.made == made.refit
    temperatures = {trial.number: trial.temperature for trial in chosen}
    half = np.mean(
        [scaled(one, temperatures[row.trial]) for one, row in zip(again.tests, again.made, strict=True)],
        axis=0,
    )
    written = predictions.read(done.test_predictions(name), "test.npz").probabilities
    whole = np.mean([joined, half], axis=0, dtype=np.float32)
    np.testing.assert_allclose(written, whole, rtol=0, atol=1e-6)  # this process may have other threads
    labels = np.load(done.sealed_labels)
    assert np.mean(half.argmax(axis=1) == labels) > 0.9


@pytest.mark.slow
def test_a_convolutional_network_is_trained_again(done: Paths) -> None:
    """On all labelled rows, with new seeds, for as many epochs as its trial; it is about as good."""
    epochs = 12
    params = {
        **portfolio.STRONG, "family": "conv", "view": "pixels", "conv_width": 8, "conv_depth": 1,
        "conv_pool": "both", "conv_dropout": 0.2, "batch_size": 64, "learning_rate": 1e-2, "average": 0.5,
        "label_smoothing": 0.0, "flip": 0,
    }  # fmt: skip
    trial = TrialRecord(
        number=3, state="complete", kind="portfolio conv 1", value=0.9, params=params,
        history=tuple(Epoch(i, epochs, 0.1, 0.9, 0.1, 0.9) for i in range(1, epochs + 1)), planned=epochs,
        seed=7, precision="float32", seconds=2.0, ended=None, versions={},
    )  # fmt: skip
    first = processes.call_apart(refit.answer, refit.task_of(done, 1, trial))
    again = refit.run(RunContext.load(done, load("digits"), 1, "local.conv"), [trial], None, None)
    assert again is not None
    assert [(one.trial, one.epochs, one.rows) for one in again.made] == [(3, epochs, 1437)] * 2
    assert len({7, *(one.seed for one in again.made)}) == 3
    labels = np.load(done.sealed_labels)
    for probabilities in (first[1], *again.tests):
        assert np.mean(probabilities.argmax(axis=1) == labels) > 0.85


def test_a_network_that_predicts_the_same_again_changes_nothing() -> None:
    """It is calibrated as its trial is, so that half of the weight is half of the say."""
    random = np.random.default_rng(1)
    raw = random.dirichlet(np.ones(4), 50).astype(np.float32)
    trial = replace(records.made_recipe().trials[0], number=3, temperature=0.3)
    chosen = Ensemble(np.ones(1), np.array([0.3])).average(raw[None])
    made = [recipe.RefitNetwork(trial=3, seed=1, epochs=2, plan=(2, 2, 2), rows=50)]
    np.testing.assert_allclose(refit.joined(chosen, raw[None], made, [trial]), chosen, atol=1e-6)


def test_a_light_network_is_not_trained_again() -> None:
    """A baseline of little weight fits into any time; half the ensemble weight is not for it."""
    assert refit.heaviest(np.array([0.13, 0.5, 0.37])) == [1, 2]
    assert refit.heaviest(np.array([0.3, 0.15, 0.15, 0.4])) == [3, 0]
    assert refit.heaviest(np.array([1.0])) == [0]


def test_nothing_is_trained_again_if_the_heaviest_takes_too_long(digits: Prepared) -> None:
    """A dense network that fits would get half the weight beside a better one that does not."""
    context = RunContext(Paths(Path("anywhere"), "digits"), load("digits"), digits, 1, "local")

    def of(number: int, seconds: float) -> TrialRecord:
        return TrialRecord(
            number=number, state="complete", kind="search", value=0.9, params={}, history=(), seed=1,
            precision="float32", seconds=seconds, ended=None, versions={},
        )  # fmt: skip

    slow, fast = of(0, 600.0), of(1, 2.0)
    assert refit._fitting(context, [slow, fast], 2, 60.0) == []
    assert refit._fitting(context, [fast, slow], 2, 60.0) == [fast, fast]
    assert refit._fitting(context, [slow, fast], 2, None) == [slow, fast]


@pytest.mark.slow
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_an_ended_refit_leaves_no_process(
    digits_done: tuple[Path, Run], tmp_path: Path, sign: signal.Signals
) -> None:
    shutil.copytree(digits_done[0], tmp_path / "project")
    process = subprocess.Popen(
        [sys.executable, "-m", "catwalk", "predict", "--competition", "digits", "--name", "again"],
        cwd=tmp_path / "project", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=clean_environment(),
    )  # fmt: skip
    end = time.monotonic() + 60
    while not (children := procfs.workers_of(process.pid)) and time.monotonic() < end:
        time.sleep(0.1)
    assert children
    process.send_signal(sign)
    said, _ = process.communicate(timeout=20)
    assert process.returncode == (130 if sign == signal.SIGINT else -sign)
    assert "Traceback" not in said
    crash_rounds.assert_all_gone(children)
    assert not Paths(tmp_path / "project", "digits").submission("again").exists()


def searched(done: Paths, said: list[str]) -> tuple[RunContext, list[TrialRecord]]:
    """The context of a finished search, whose lines go into ``said``, and its complete trials."""
    prepared = prepare.load(done, 1)
    opened = study.load(done, prepared, "pixels") or study.load(done, prepared, "local")
    assert opened is not None
    trials = [trial_record.of(trial) for trial in study.complete(opened)]
    return RunContext(done, load("digits"), prepared, 1, "local", said.append), trials


def test_no_time_and_no_free_cores(done: Paths) -> None:
    said: list[str] = []
    context, trials = searched(done, said)
    assert refit.run(context, trials, 0.1, None) is None
    with progress.locked(done):
        assert refit.run(context, trials, 600.0, None) is None
        assert refit.run(context, trials, None, None) is None
    assert len(said) == 4
    assert "another command trains networks here, so none is trained again" in said[0]
    said.clear()
    near = time.time() + 0.1  # as UNTIL= may be
    assert refit.run(context, trials, 600.0, near) is None
    assert refit.run(context, trials, None, near) is None, "also where TRIALS= limited the search"
    assert not said


def test_each_network_knows_when_the_refit_ends(done: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a quarter of the search's ten minutes, or at UNTIL=; nothing is trained."""
    context, trials = searched(done, [])
    trial = replace(trials[0], history=trials[0].history[:1] * 20, seconds=2.0)
    taken: list[tuple[list[retrain.Task], float | None]] = []

    def run_all(
        _work: object, tasks: list[retrain.Task], _title: str, _together: int, seconds: float | None
    ) -> list[None]:
        taken.append((tasks, seconds))
        return [None] * len(tasks)

    monkeypatch.setattr(process_pool, "run_all", run_all)
    now = time.time()
    for budget, until, left in ((600.0, None, 150.0), (600.0, now + 60, 60.0), (None, now + 60, 60.0)):
        refit.run(context, [trial], budget, until)
        tasks, seconds = taken.pop()
        assert seconds == pytest.approx(left, abs=30)
        assert [task.ends for task in tasks] == pytest.approx([now + left] * len(tasks), abs=30)
        assert tasks
    refit.run(context, [trial], None, None)
    ((tasks, seconds),) = taken
    assert [seconds, *(task.ends for task in tasks)] == [None] * (1 + refit.NETS)


def test_a_training_ends_in_time_with_a_plan_of_its_own(done: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with the prediction of the test rows. Without a time limit it follows the plan of then.

    Nothing is trained.
    """
    asked: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def epochs(*given: Any, **named: Any) -> list[Epoch]:
        asked.append((given, named))
        return []

    training = SimpleNamespace(epochs=epochs, finish=lambda: None, predicted_rows=retrain.WATCHED)
    monkeypatch.setattr(train, "Training", lambda *_: training)
    monkeypatch.setattr(tensorflow_setup, "setup", lambda **_: None)
    monkeypatch.setattr(precision, "here", lambda known: known)
    context, trials = searched(done, [])
    (task,) = refit._tasks(context, trials[:1], time.time() + 40)
    ends = time.monotonic() + 40
    assert retrain.train(task) is not None
    assert retrain.train(replace(task, plan=(9, 8, 7), ends=None)) is not None
    ((planned, deadline), named), (given, without_limit) = asked
    assert (planned, named) == (task.plan[-1], {"may_stretch": False})
    assert deadline == pytest.approx(ends, abs=1)
    assert (given, without_limit) == ((9, None), {"plan": (8, 7)})
    assert training.predicted_rows == len(context.prepared.test_pixels) > retrain.WATCHED


def test_it_learns_from_the_validation_rows_too(done: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the rows are chosen; nothing is trained."""
    learning: list[Prepared] = []

    def training(prepared: Prepared, *_: object) -> SimpleNamespace:
        learning.append(prepared)
        return SimpleNamespace(epochs=lambda *_, **__: iter(()), finish=lambda: None)

    monkeypatch.setattr(train, "Training", training)
    # TensorFlow may have started in this process, in another way; here it is not needed.
    monkeypatch.setattr(tensorflow_setup, "setup", lambda **_: None)
    monkeypatch.setattr(precision, "here", lambda known: known)
    context, trials = searched(done, [])
    (task,) = refit._tasks(context, trials[:1], None)
    for one in (task, replace(task, everything=False)):
        assert retrain.train(one) is not None
    whole, split = learning
    np.testing.assert_array_equal(whole.train, np.arange(1437))
    np.testing.assert_array_equal(split.train, context.prepared.train)


@pytest.mark.parametrize(("epochs", "networks"), [(10, 0), (12, 2)])
def test_a_network_trained_too_briefly_is_left_out(
    done: Paths, monkeypatch: pytest.MonkeyPatch, epochs: int, networks: int
) -> None:
    """It needs 55% of its trial's epochs, which were 20; nothing is trained."""
    said: list[str] = []
    context, trials = searched(done, said)
    trial = replace(trials[0], history=trials[0].history[:1] * 20)
    answer = (20,) * (1 + epochs), np.full((360, 10), 0.1, np.float32)
    monkeypatch.setattr(process_pool, "run_all", lambda _work, tasks, *_: [answer] * len(tasks))
    again = refit.run(context, [trial], None, None)
    made: tuple[recipe.RefitNetwork, ...] = () if again is None else again.made
    assert [one.epochs for one in made] == [epochs] * networks
    briefly = "  one of them was trained too briefly and is left out"
    assert said[1:] == [briefly] * (refit.NETS - networks)


def test_a_network_that_failed_is_not_said_to_be_trained_too_briefly(
    done: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where its process was killed; nothing is trained."""
    said: list[str] = []
    context, trials = searched(done, said)
    monkeypatch.setattr(process_pool, "run_all", lambda _work, tasks, *_: [None] * len(tasks))
    assert refit.run(context, trials[:1], None, None) is None
    assert said[1:] == ["  one of them failed and is left out"] * refit.NETS


def test_a_diverged_training_is_an_error_and_one_out_of_time_has_no_epoch(
    done: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the process of a network answers; nothing is trained."""
    context, trials = searched(done, [])
    (task,) = refit._tasks(context, trials[:1], None)
    monkeypatch.setattr(tensorflow_setup, "setup", lambda **_: None)
    monkeypatch.setattr(precision, "here", lambda known: known)

    def ended_by(error: Exception) -> None:
        def fail(_: int) -> Epoch:
            raise error

        made = SimpleNamespace(epochs=lambda *_, **__: map(fail, [1]))
        monkeypatch.setattr(train, "Training", lambda *_: made)

    ended_by(train.OutOfTimeError())
    plan, tested = refit.answer(task)
    assert (plan, len(tested)) == (task.plan[:1], 0)
    ended_by(train.DivergedError("the loss is no longer a finite number"))
    with pytest.raises(train.DivergedError):
        refit.answer(task)


def test_one_network_is_said_to_be_one(done: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine with one core; nothing is trained."""
    said: list[str] = []
    context, trials = searched(done, said)
    monkeypatch.setattr(limits, "workers", lambda _asked: 1)
    monkeypatch.setattr(process_pool, "run_all", lambda _work, tasks, *_: [None] * len(tasks))
    assert refit.run(context, trials, 6000.0, None) is None
    assert said[0] == "predict: training 1 network again, on all 1,437 labelled rows, up to 420 s"


@pytest.mark.parametrize("workers", [1, 3])
def test_at_most_as_many_processes_as_asked_for(
    done: Paths, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    """Whatever the machine would have room for; nothing is trained."""
    context, trials = searched(done, [])
    taken: list[int] = []

    def run_all(_work: object, tasks: list[Any], _title: str, together: int, _seconds: float) -> list[None]:
        taken.extend((len(tasks), together))
        return [None] * len(tasks)

    monkeypatch.setattr(memory, "available", lambda: 9 * limits.WORKER_MEMORY)
    monkeypatch.setattr(process_pool, "run_all", run_all)
    refit.run(replace(context, workers=workers), trials, 6000.0, None)
    assert taken == [workers, workers]
