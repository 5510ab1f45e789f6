"""search.py, worker.py and trial.py: real searches on digits, ended in every way.

Also: messages.py, own_trial.py, search_options.py, supervisor.py, worker_pool.py.
"""

import json
import math
import re
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import optuna
import pytest
from optuna.trial import create_trial

from benchmarks import procfs
from catwalk.core import processes
from catwalk.core.errors import MachineError
from catwalk.core.paths import Paths
from catwalk.data import prepare
from catwalk.data.competition import AUGMENTATIONS
from catwalk.data.prepare import Prepared
from catwalk.data.run_context import RunContext
from catwalk.models import metrics, space
from catwalk.search import limits, own_trial, progress, search, study, supervisor, worker_pool
from catwalk.search.display import Display
from catwalk.search.limits import Limits
from tests.conftest import DONE_TRIALS, Run, digits_paths, load, run_catwalk, start_catwalk
from tests.support import planted
from verification import crash_rounds

DIGITS = ("--competition", "digits")


def progress_of(project: Path) -> dict[str, Any]:
    (only,) = json.loads(Paths(project, "digits").progress.read_text()).values()
    return dict(only)


def trials_of(project: Path) -> list[str]:
    return Paths(project, "digits").trials.read_text().splitlines()[1:]


def test_all_of_it(digits_done: tuple[Path, Run]) -> None:
    root, done = digits_done
    assert done.returncode == 0, done.stderr
    rows = trials_of(root)
    assert len(rows) == DONE_TRIALS, "TRIALS is exact"
    assert [row.split(",")[2] for row in rows[:3]] == ["softmax", "quick", "beginner"]
    assert {row.split(",")[1] for row in rows[:3]} == {"complete"}
    assert "baseline softmax" in done.stdout
    assert "next: " not in done.stdout, "all goes on by itself"


def test_what_a_trial_keeps(digits_done: tuple[Path, Run]) -> None:
    root, _ = digits_done
    (snapshot,) = Paths(root, "digits").submissions.glob("*/trials.json")
    for record in json.loads(snapshot.read_text()):
        names = set(record["params"])
        chosen = {name for name in space.SPACE if name != "family" and space.family_of(name) != "conv"}
        assert chosen - set(AUGMENTATIONS) <= names, "those of a dense network"
        assert names & set(AUGMENTATIONS) <= {"shift"}, "digits are not mirrored"
        assert record["versions"]["tensorflow"]
        assert record["seed"] >= 100_000
        assert record["seconds"] > 0
        for i, epoch in enumerate(record["history"]):
            assert epoch["epoch"] == i + 1
            assert {"train_loss", "train_accuracy", "loss", "accuracy"} < set(epoch)
        seconds = [epoch["second"] for epoch in record["history"]]
        assert seconds == sorted(seconds)
        assert seconds[0] > 1, "TensorFlow's import counts"
        assert seconds[-1] - seconds[0] <= record["seconds"]
        if record["state"] == "complete":
            assert record["history"][-1]["accuracy"] == pytest.approx(record["value"], abs=1e-6)


def test_a_disk_too_small_for_the_features_is_said_before_the_search(
    project: Path, digits_raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not for a search that needs none of them, nor where they are there or take an older table's place."""

    def begin(*_: Any) -> None:
        raise MachineError("the search has begun")

    paths = digits_paths(project, digits_raw)
    assert run_catwalk(project, "prepare", *DIGITS).returncode == 0
    monkeypatch.setattr(search, "run_trials", begin)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=21_000_000))

    def run(scope: str = "local", trials: int | None = None) -> None:
        context = RunContext.load(paths, load("digits"), 1, scope, lambda _: None)
        search.run(context, Limits(None if trials else 600.0, trials), 1, time.monotonic())

    need = r"about 22\.9 MB are needed for a search, but only 21\.0 MB are free"  # 2.9 for the features
    with pytest.raises(MachineError, match=need):
        run()
    for scope, trials in (("pixels", None), ("local", 3)):
        with pytest.raises(MachineError, match="has begun"):
            run(scope, trials)
    fingerprint = prepare.load(paths, 1).fingerprint
    for name, size in (("table-s2-aaaa-1", 6_000_000), (f"table-s1-{fingerprint}-1", 0)):
        kept = paths.features(name)
        kept.write_bytes(bytes(size))
        with pytest.raises(MachineError, match="has begun"):
            run()
        kept.unlink()


@pytest.mark.slow
def test_a_budget_too_short_for_an_epoch_still_gives_the_softmax(project: Path, digits_raw: Path) -> None:
    digits_paths(project, digits_raw)
    assert run_catwalk(project, "prepare", *DIGITS).returncode == 0
    short = run_catwalk(project, "search", *DIGITS, "--budget", "1s")
    assert short.returncode == 0, short.stderr
    (row,) = trials_of(project)
    assert row.split(",")[1:3] == ["complete", "softmax"]
    assert (
        "the budget was too small for more trials: make search COMPETITION=digits BUDGET=3m" in short.stdout
    )


@pytest.mark.slow
def test_a_search_into_which_no_further_trial_fits_is_done(
    project: Path, digits_raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digits_paths(project, digits_raw)
    monkeypatch.setattr(supervisor, "LEAST_SECONDS", 3600.0)
    first = run_catwalk(project, "search", *DIGITS, "--budget", "10m", "--workers", "1")
    assert first.returncode == 0, first.stderr
    assert len(trials_of(project)) == 1
    assert progress_of(project)["ended"] == limits.FULL
    assert progress_of(project)["spent"] < 300

    def start(*_: Any) -> Any:
        raise MachineError("a worker is started")

    monkeypatch.setattr(processes, "start", start)
    for budget in ("10m", "9m"):
        again = run_catwalk(project, "search", *DIGITS, "--budget", budget)
        assert again.returncode == 0, again.stderr
        assert f"already done, 1 trial in {progress_of(project)['spent']:.0f} s" in again.stdout
        assert f"({limits.FULL})" in again.stdout
    assert run_catwalk(project, "search", *DIGITS, "--budget", "11m").stderr.endswith("a worker is started\n")


@pytest.mark.alone
@pytest.mark.slow
def test_a_budget_is_kept_and_a_larger_one_adds(project: Path, digits_raw: Path) -> None:
    digits_paths(project, digits_raw)
    assert run_catwalk(project, "prepare", *DIGITS).returncode == 0
    began = time.monotonic()
    first = run_catwalk(project, "search", *DIGITS, "--budget", "15s", "--workers", "1")
    took = time.monotonic() - began
    assert first.returncode == 0, first.stderr
    assert took < 25, "a search ends within 10 s of its budget"
    before = len(trials_of(project))
    assert before >= 2

    again = run_catwalk(project, "search", *DIGITS, "--budget", "12s")
    assert "already done" in again.stdout
    more = run_catwalk(project, "search", *DIGITS, "--trials", str(before + 1), "--budget", "2h")
    assert more.returncode == 0, more.stderr
    assert len(trials_of(project)) == before + 1


@pytest.mark.slow
def test_kill_9_of_a_worker(project: Path, digits_raw: Path) -> None:
    digits_paths(project, digits_raw)
    crash_rounds.rounds(project, 1, seed=7)


@pytest.mark.alone
@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize(("sign", "workers"), [(signal.SIGINT, 2), (signal.SIGTERM, 1), (signal.SIGHUP, 1)])
def test_an_ended_search_ends_cleanly_within_five_seconds(
    project: Path, digits_raw: Path, sign: signal.Signals, workers: int
) -> None:
    """And meanwhile: a second search is refused, predict, try and leaderboard work."""
    digits_paths(project, digits_raw)
    process = crash_rounds.begin(project, "--trials", "5000", "--workers", str(workers))
    crash_rounds.wait_for(project, process, "trial ", workers, seconds=60)
    if sign == signal.SIGTERM:
        second = run_catwalk(project, "search", *DIGITS)
        assert (second.returncode, second.stderr.count("\n")) == (2, 1)
        assert "another search of digits is running" in second.stderr
        for stage in ("predict", "leaderboard", "try"):
            meanwhile = run_catwalk(project, stage, *DIGITS)
            assert meanwhile.returncode == 0, meanwhile.stderr
        assert "the search that runs here takes it" in meanwhile.stdout
        number = meanwhile.stdout.split("queued as trial ")[1].split(",")[0]
        crash_rounds.wait_for(project, process, f"trial {number} yours complete", 1, seconds=60)
    children = procfs.descendants_of(process.pid)
    before = crash_rounds.finished(project)
    began = time.monotonic()
    process.send_signal(sign)
    assert process.wait(timeout=20) == 130
    assert time.monotonic() - began < 5
    crash_rounds.assert_all_gone(children)
    last = (project / "search.log").read_text().splitlines()[-1]
    assert last.startswith(
        "catwalk search: stopped; finished work is kept, and the same command continues it"
    )
    assert "Traceback" not in (project / "search.log").read_text()
    crash_rounds.check(project, before)
    assert len(trials_of(project)) == len(crash_rounds.finished(project)), "trials.csv is written"


@pytest.mark.alone
@pytest.mark.slow
def test_a_second_ctrl_c_ends_at_once(project: Path, digits_raw: Path) -> None:
    digits_paths(project, digits_raw)
    process = crash_rounds.begin(project, "--trials", "5000", "--workers", "2")
    crash_rounds.wait_for(project, process, "trial ", 1, seconds=60)
    children = procfs.descendants_of(process.pid)
    process.send_signal(signal.SIGINT)
    time.sleep(0.02)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 130
    assert time.monotonic() - began < 2
    crash_rounds.assert_all_gone(children)


def test_what_is_said_of_a_net_of_one_s_own() -> None:
    """Each accuracy with its interval, by the different pictures that validate."""
    opened = optuna.create_study(direction="maximize")
    for value, kind in ((0.9, "yours"), (0.95, "search")):
        opened.add_trial(create_trial(value=value, user_attrs={"kind": kind}))
    yours, best = opened.trials
    prepared = cast(Prepared, SimpleNamespace(validation=range(144), duplicates={"train": 0}))
    intervals = ["95% interval {:.4f} to {:.4f}".format(*metrics.wilson(share, 144)) for share in (0.9, 0.95)]
    assert own_trial._compared(yours, [best, yours], prepared) == [
        f"try: your trial 0: 0.9000 on validation ({intervals[0]}), rank 2 of 2",
        f"  the best is trial 1 (search): 0.9500 on validation ({intervals[1]})",
        "next: make predict, or try another network",
    ]


def test_a_search_that_is_done_writes_the_trials_that_its_table_lacks(
    tmp_path: Path, digits: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the machine stopped at its end, or somebody removed trials.csv; else Optuna is not imported."""
    said: list[str] = []
    context = replace(planted.context(Paths(tmp_path, "digits"), digits), say=said.append)
    key, table = study.key(planted.search(context)), context.paths.trials
    assert not table.exists()
    for content in (None, "number,state\n0,complete\n", ""):
        if content is not None:
            table.write_text(content)
        search.run(context, Limits(None, 2), 1, 0.0)
        assert said[-1].startswith("search: already done, 2 trials in 60 s; ")
        rows = [line.split(",")[:2] for line in table.read_text().splitlines()[1:]]
        assert rows == [["0", "complete"], ["1", "complete"]]
    monkeypatch.setattr(study, "load", lambda *_: pytest.fail("the study is opened"))
    progress.write(context.paths, key, replace(progress.read(context.paths)[key], best=0.9))
    search.run(context, Limits(None, 2), 1, 0.0)
    low, high = metrics.wilson(0.9, 144)
    assert f", best 0.9000 on validation (95% interval {low:.4f} to {high:.4f}); for more" in said[-1]


def test_trials_are_listed_before_the_search_is_said_to_be_done(
    tmp_path: Path, digits: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the machine stopped between the two files."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    context = planted.context(Paths(tmp_path, "digits"), digits)
    opened = planted.search(context)
    made = supervisor.Supervisor(context.paths, Limits(None, 2), time.monotonic(), 0.0, Display())
    made._recorded = made._tabled = -math.inf
    monkeypatch.setattr(progress, "write", stop)
    with pytest.raises(KeyboardInterrupt):
        made.record(opened)
    assert len(context.paths.trials.read_text().splitlines()) == 3


@pytest.mark.slow
def test_a_net_of_one_s_own(digits_done: tuple[Path, Run], tmp_path: Path) -> None:
    shutil.copytree(digits_done[0], tmp_path / "copy")
    done = run_catwalk(tmp_path / "copy", "try", *DIGITS, "--widths", "300,100", "--dropout", "0.1")
    assert done.returncode == 0, done.stderr
    assert re.search(r"try: your trial 7: [01]\.\d{4} on validation \(95% interval ", done.stdout)
    rows = [row.split(",") for row in trials_of(tmp_path / "copy")]
    assert len(rows) == DONE_TRIALS + 1, "the portfolio's further trials, which wait, are not run for it"
    assert rows[-1][:3] == ["7", "complete", "yours"]
    assert {"2", "300", "100", "0.1"} <= set(rows[-1])
    assert sorted(crash_rounds.states(tmp_path / "copy").values())[-2:] == ["WAITING", "WAITING"]


@pytest.mark.slow
def test_a_net_of_one_s_own_that_is_stopped_is_trained_once(
    digits_done: tuple[Path, Run], tmp_path: Path
) -> None:
    root = tmp_path / "copy"
    shutil.copytree(digits_done[0], root)
    asked = ("try", *DIGITS, "--widths", "300,100", "--dropout", "0.1")
    process = start_catwalk(root, *asked)
    while crash_rounds.states(root).get(7) != "RUNNING":  # two that wait come before it by their number
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.splitlines()[-1] == (
        "catwalk try: stopped; finished work is kept, and the same command trains the network from its first "
        "epoch"
    )
    again = run_catwalk(root, *asked)
    assert again.returncode == 0, again.stderr
    mine = [row.split(",")[:3] for row in trials_of(root) if ",yours," in row]
    assert [state for _, state, _ in mine] == ["failed", "complete"]
    assert f"try: your trial {mine[1][0]}: " in again.stdout
    assert "make try was stopped" in next(row for row in trials_of(root) if row.startswith("7,"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--widths", "2000"), "WIDTHS=2000: choose a value from 64 to 1024"),
        (("--widths", "64,64,64,64"), "WIDTHS with 4 hidden layers: choose one of 0, 1, 2, 3"),
        (("--widths", "a"), "'a' is not a number of units"),
        (("--dropout", "0.9"), "DROPOUT=0.9: choose a value from 0.0 to 0.5"),
        (("--norm", "group"), "NORM=group: choose one of none, batch, layer"),
        (("--shift", "1"), "SHIFT=1.0: not possible with VIEW=patches: choose gradients or pixels"),
        (("--flip", "1"), "FLIP=1: not allowed by augment in the competition's TOML"),
        (("--conv-width", "64"), "CONV_WIDTH=64: belongs to convolutional networks, and MODELS="),
        (
            ("--models", "conv", "--dropout", "0.1"),
            "DROPOUT=0.1: belongs to dense networks, and MODELS=",
        ),
        (("--models", "all", "--widths", "64", "--conv-depth", "2"), "choose parameters of one family"),
        (("--models", "conv", "--conv-width", "20"), "CONV_WIDTH=20: choose a multiple of 8"),
        (("--models", "conv", "--family", "cnn"), "FAMILY=cnn: choose one of dense, conv"),
        (("--models", "conv", "--conv-width", "8"), "CONV_WIDTH=8: choose a value from 16 to 128"),
    ],
)
def test_a_choice_outside_of_the_space(
    catwalk: Callable[..., tuple[int, str, str]],
    project: Path,
    digits_raw: Path,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    digits_paths(project, digits_raw)
    code, _, stderr = catwalk("try", *DIGITS, *arguments)
    assert (code, stderr.count("\n")) == (2, 1)
    assert said in stderr


@pytest.mark.long
@pytest.mark.slow
def test_what_no_worker_can_go_on_after_is_one_line(project: Path, digits_raw: Path) -> None:
    """A file stands where the networks are to be kept: every worker says so, then the search gives up."""
    paths = digits_paths(project, digits_raw)
    paths.study.mkdir()
    (paths.study / "kept").touch()
    done = run_catwalk(project, "search", *DIGITS, "--trials", "3", "--workers", "1")
    assert (done.returncode, done.stderr.count("\n")) == (4, 1), done.stderr
    assert "the workers keep dying (NotADirectoryError: " in done.stderr
    assert done.stdout.count("its trial will run again") == 3, "of the fourth worker's, the error is told"
    assert set(crash_rounds.states(project).values()) <= {"FAIL", "WAITING"}
    failed = [number for number, state in crash_rounds.states(project).items() if state == "FAIL"]
    assert failed == [0, 1, 2, 3], "what runs again waits behind the others"


@pytest.mark.long
@pytest.mark.slow
def test_a_new_process_takes_a_worker_s_place_after_some_trials(
    project: Path, digits_raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = digits_paths(project, digits_raw)
    assert run_catwalk(project, "prepare", *DIGITS).returncode == 0
    started: list[tuple[str, Any]] = []

    def start(target: Any, name: str, *arguments: Any) -> tuple[Any, Any]:
        process, connection = real(target, name, *arguments)
        started.append((name, process))
        return process, connection

    real = processes.start
    monkeypatch.setattr(processes, "start", start)
    monkeypatch.setattr(worker_pool, "MAX_TRIALS_PER_WORKER", 1)
    context = RunContext.load(paths, load("digits"), 1, "pixels")
    search.run(context, Limits(None, 2), 1, time.monotonic())
    assert [name for name, _ in started] == ["catwalk-worker-0", "catwalk-worker-1"]
    assert not any(process.is_alive() for _, process in started)
    assert len(crash_rounds.finished(project)) == 2
    assert "FAIL" not in crash_rounds.states(project).values(), "that is no worker's death"
    crash_rounds.check(project, set())
