"""Faults of machines and people: full disks, no HOME, a clock set back, two at once, damaged files."""

import contextlib
import gc
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState, create_trial

from catwalk.core import locks
from catwalk.core.paths import Paths
from catwalk.data import prepare
from catwalk.data.prepare import Prepared
from catwalk.search import study, trial_record
from catwalk.submission import recipe, submission_names
from tests.conftest import (
    Run,
    SmallDisk,
    clean_environment,
    digits_paths,
    make_project,
    run_catwalk,
    start_catwalk,
)
from tests.support import planted
from verification import crash_rounds, faults, promises

DIGITS = ("--competition", "digits")


@pytest.mark.slow
def test_kill_9_in_every_stage(tmp_path: Path) -> None:
    """Two rounds of what ``make trust`` does a hundred times: this seed takes prepare, then predict away."""
    root = make_project(tmp_path / "project")
    assert list(faults.rounds(root, 2, seed=4)["seconds"]) == ["prepare", "predict"]


@pytest.mark.long
@pytest.mark.slow
def test_kill_9_while_folds_are_trained(tmp_path: Path) -> None:
    """With this seed, in the midst of it; CI kills one in test_fold_configurations.py."""
    root = make_project(tmp_path / "project")
    assert list(faults.rounds(root, 1, seed=3, stages=["folds"])["seconds"]) == ["folds"]


def test_another_result_of_folds_is_a_broken_promise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "project/submissions").mkdir(parents=True)
    results = iter(("as undisturbed", "as undisturbed", "another"))
    monkeypatch.setattr(faults, "whole_run", lambda *_: 1.0)
    monkeypatch.setattr(faults, "one_round", lambda *_: "folds away, all killed after 0.5 s")
    monkeypatch.setattr(faults, "in_folds", lambda *_: (next(results),))
    with pytest.raises(AssertionError, match="not the result of a run without a kill"):
        faults.rounds(tmp_path / "project", 2, seed=1, stages=["folds"])
    assert next(results, None) is None, "the first round's is the same"
    assert not (tmp_path / "folds/submissions").exists(), "a run makes its own"


def test_stages_that_were_not_killed_are_named() -> None:
    whole = {"rounds": 2, "what": {"data away, all killed": 1, "data away, was done before": 1}, "broken": 0}
    told = "2 rounds, 1 of them killed a running stage: 0 broken promises"
    for stages, missing in ((faults.STAGES, ""), (faults.STAGES[:-2], "; none of report, folds yet")):
        said = promises.PROOFS["faults"].said({**whole, "seconds": dict.fromkeys(stages, 1.0)})
        assert said == told + missing


@pytest.fixture
def trained(tmp_path: Path, digits: Prepared) -> optuna.Study:
    """The folds' study in a project that has searched, with both tables; its numbers begin at 0 again."""
    context = planted.context(Paths(tmp_path, "digits"), digits)
    trial_record.write_table(context.paths.trials, planted.search(context))
    opened = planted.train(context, 1, 5)
    trial_record.write_table(context.paths.fold_trials, opened)
    return opened


def test_trainings_in_folds_are_checked(trained: optuna.Study, tmp_path: Path) -> None:
    before = crash_rounds.finished(tmp_path)
    assert len(before) == len(planted.MODELS) + 5
    crash_rounds.check(tmp_path, before)
    again = create_trial(state=TrialState.RUNNING, system_attrs={"failed_trial": 1})
    trained.add_trial(again)
    with pytest.raises(AssertionError, match="left RUNNING"):
        crash_rounds.check(tmp_path, before)
    trained.tell(5, state=TrialState.FAIL)
    with pytest.raises(AssertionError, match="counted as themselves and repeated"):
        crash_rounds.check(tmp_path, before)


@pytest.mark.parametrize("table", ["trials", "fold_trials"])
def test_a_table_without_a_finished_trial_is_a_broken_promise(
    trained: optuna.Study, tmp_path: Path, table: str
) -> None:
    file: Path = getattr(Paths(tmp_path, "digits"), table)
    crash_rounds.check(tmp_path, set())
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:-1]))
    with pytest.raises(AssertionError, match=r"trials\.csv and folds\.csv list"):
        crash_rounds.check(tmp_path, set())


def test_a_command_that_fails_by_itself_does_not_count_as_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = iter((3, 0))

    @contextlib.contextmanager
    def ending(*_: object) -> Iterator["subprocess.Popen[bytes]"]:
        yield subprocess.Popen([sys.executable, "-S", "-c", f"raise SystemExit({next(codes)})"])

    (tmp_path / "all.log").write_text("why it failed")
    monkeypatch.setattr(faults, "command", ending)
    monkeypatch.setattr(faults, "check", lambda *_: None)
    monkeypatch.setattr(crash_rounds, "finished", lambda _root: set())
    with pytest.raises(AssertionError, match="why it failed"):
        faults.one_round(tmp_path, "search", 3, 100.0, random.Random(1))  # noqa: S311


def test_an_interrupted_round_leaves_no_process_behind(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), faults.command(tmp_path, "folds", 3) as process:
        raise KeyboardInterrupt
    assert process.returncode == -signal.SIGKILL


@pytest.mark.long
@pytest.mark.slow
def test_a_full_disk_is_one_line_in_every_stage(disk: SmallDisk) -> None:
    """Each stage meets a disk with a little room left, then with enough: it goes on, and nothing is lost."""
    root = make_project(disk.place / "project")
    asked = (*DIGITS, "--trials", "1", "--workers", "1")
    stages = {
        "data": DIGITS,
        "prepare": DIGITS,
        "search": asked,
        "predict": (*asked, "--name", "one"),
        "report": (*DIGITS, "--submission", "one"),
        "score": (*DIGITS, "--submission", "one"),
    }
    for stage, arguments in stages.items():
        before = sorted(path for path in root.rglob("*") if path.is_file())
        disk.size(disk.used() + (0 if stage == "score" else 8))  # a score is small
        done = run_catwalk(root, stage, *arguments, PYTHONDONTWRITEBYTECODE="1")
        assert done.returncode == 4, (stage, done.stdout, done.stderr)
        assert done.stderr.strip().splitlines()[-1].startswith(f"catwalk {stage}: "), done.stderr
        assert "Traceback" not in done.stderr, (stage, done.stderr)
        assert "make room on the disk" in done.stderr, (stage, done.stderr)
        assert all(path.is_file() for path in before), stage
        assert not list(root.rglob(".*part*")), stage
        disk.size(200_000)
        done = run_catwalk(root, stage, *arguments)
        assert done.returncode == 0, (stage, done.stderr)
    paths = Paths(root, "digits")
    crash_rounds.check(root, set())
    assert submission_names.names(paths) == ["one"]


@pytest.mark.long
@pytest.mark.slow
def test_a_disk_with_room_for_records_but_for_no_network(
    project: Path, digits_raw: Path, disk: SmallDisk
) -> None:
    """As where other programs fill it: the search ends with its first network, not with its budget."""
    paths = digits_paths(project, digits_raw)
    paths.study.mkdir()
    (paths.study / "kept").symlink_to(disk.place)
    disk.size(4)
    asked = (*DIGITS, "--trials", "2", "--workers", "1")
    done = run_catwalk(project, "search", *asked)
    assert (done.returncode, done.stderr.count("\n")) == (4, 1), done.stderr
    assert "a worker can't write its files (OSError: " in done.stderr
    assert "make room on the disk" in done.stderr
    disk.size(200_000)
    done = run_catwalk(project, "search", *asked)
    assert done.returncode == 0, done.stderr
    crash_rounds.check(project, set())


@pytest.mark.long
@pytest.mark.slow
def test_without_a_home_and_with_a_clock_set_back(project: Path, digits_raw: Path, tmp_path: Path) -> None:
    """The clock of the day jumps an hour back in the midst of it; budgets go by another clock."""
    digits_paths(project, digits_raw)
    (tmp_path / "sitecustomize.py").write_text(
        "import time\nbegan, real = time.monotonic(), time.time\n"
        "time.time = lambda: real() - (3600 if time.monotonic() - began > 4 else 0)\n"
    )
    environment = {key: value for key, value in clean_environment().items() if key != "HOME"}
    command = [sys.executable, "-m", "catwalk", "all", *DIGITS, "--budget", "12s", "--name", "one"]
    started = time.monotonic()
    done = subprocess.run(
        command, cwd=project, capture_output=True, text=True, timeout=300,
        env={**environment, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - started < 120
    assert submission_names.names(Paths(project, "digits")) == ["one"]


@pytest.mark.long
@pytest.mark.slow
def test_two_of_each_stage_at_once(project: Path) -> None:
    """In one folder: both end well, or one says that the other is at work; what is there is whole."""
    stages = ("data", "prepare", "search", "predict", "report")
    for stage in stages:
        limits = ("--trials", "1", "--workers", "1") if stage == "search" else ()
        begun = [start_catwalk(project, stage, *DIGITS, *limits) for _ in range(2)]
        said = [process.communicate(timeout=300)[1] for process in begun]
        codes = sorted(process.returncode for process in begun)
        assert codes == ([0, 2] if stage == "search" else [0, 0]), (stage, said)
        assert "Traceback" not in "".join(said)
    paths = Paths(project, "digits")
    crash_rounds.check(project, set())
    prepared = prepare.load(paths, 1)
    assert len(prepared.train) + len(prepared.validation) == len(prepared.pixels)
    assert 1 <= len(submission_names.names(paths)) <= 2
    assert not list(project.rglob(".*part*"))


def begun(project: Path, stage: str) -> "subprocess.Popen[str]":
    """A stage that already minds SIGTERM (Python itself needs a moment to start)."""
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux says in /proc which signals a process minds")
    process = start_catwalk(project, stage, *DIGITS)
    while process.poll() is None:
        caught = re.search(r"^SigCgt:\s*(\w+)$", Path(f"/proc/{process.pid}/status").read_text(), re.M)
        if caught and int(caught[1], 16) & (1 << (signal.SIGTERM - 1)):
            break
        time.sleep(0.01)
    assert process.poll() is None, process.communicate()
    return process


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["data", "prepare", "search", "predict", "report"])
def test_sigterm_is_one_line(project: Path, digits_raw: Path, stage: str) -> None:
    """Also while it imports, and while it starts its workers."""
    paths = digits_paths(project, digits_raw)
    paths.prepared.mkdir(parents=True)
    # The others search for ten minutes; these two are quick, and wait here for a lock that they need.
    quick = {"data": paths.raw.parent, "prepare": paths.prepared}
    line = f"catwalk {stage}: stopped; finished work is kept, and the same command continues it\n"
    with contextlib.ExitStack() as held:
        if stage in quick:
            assert held.enter_context(locks.locked(quick[stage], wait=False))
        for seconds in (0.0, 0.9, 2.5):
            process = begun(project, stage)
            time.sleep(seconds)
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=30)
            assert (process.returncode, said) == (130, line), seconds


@pytest.mark.long
@pytest.mark.slow
def test_a_damaged_network_is_named(digits_done: tuple[Path, Run], tmp_path: Path) -> None:
    root = tmp_path / "project"
    shutil.copytree(digits_done[0], root)
    paths = Paths(root, "digits")
    prepared = prepare.load(paths, 1)
    opened = study.load(paths, prepared, "local")
    assert opened
    (name,) = submission_names.names(paths)
    best = recipe.read(paths, name).trials[0].number  # one that the ensemble chooses
    key = study.key(opened)
    files = (paths.model(key, best), paths.probabilities(key, best))
    for damaged in files:
        whole = damaged.read_bytes()
        damaged.write_bytes(whole[:-300])
        done = run_catwalk(root, "predict", *DIGITS, "--name", "again")
        assert done.returncode == 2, done.stderr
        assert f"{damaged} is damaged: rename it" in done.stderr
        assert done.stderr.count("\n") == 1
        damaged.write_bytes(whole)
    for file in files:
        file.unlink()
    assert run_catwalk(root, "predict", *DIGITS, "--name", "again").returncode == 0


@pytest.mark.slow
def test_a_damaged_study_is_said_plainly(digits_done: tuple[Path, Run], tmp_path: Path) -> None:
    """Noise in the midst of study.db; who does as the error says keeps what it names."""
    root = tmp_path / "project"
    shutil.copytree(digits_done[0], root)
    paths = Paths(root, "digits")
    with sqlite3.connect(paths.study_db) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(paths.study_db.read_bytes())
    content[4096 : len(content) - 4096] = np.random.default_rng(0).bytes(len(content) - 8192)
    paths.study_db.write_bytes(content)
    done = run_catwalk(root, "search", *DIGITS, "--trials", "6")
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "stay in the renamed folder, and submissions are kept" in done.stderr
    named = re.search(r": rename ([^ ;]+);", done.stderr)
    assert named
    kept, aside = root / named[1], tmp_path / "damaged"
    before = {path.relative_to(kept): path.read_bytes() for path in kept.rglob("trial*") if path.is_file()}
    assert {path.suffix for path in before} >= {".csv", ".keras", ".npy"}
    gc.collect()  # a connection that is closed later would remove the new study's log
    kept.rename(aside)
    assert run_catwalk(root, "search", *DIGITS, "--trials", "2", "--workers", "1").returncode == 0
    assert {name: (aside / name).read_bytes() for name in before} == before
