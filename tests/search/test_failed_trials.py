"""failed_trials.py: a trial that fails is seen and says why; where too many fail, the search ends.

Also: supervisor.py.
"""

import csv
import errno
import io
import os
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import optuna
import pytest
from optuna.trial import TrialState
from rich.console import Console

from catwalk.core import gpus
from catwalk.core.errors import MachineError, UserError
from catwalk.core.paths import Paths
from catwalk.data.prepare import Prepared
from catwalk.models import portfolio, space
from catwalk.search import (
    failed_trials,
    first_trials,
    retries,
    study,
    supervisor,
    trial_record,
    worker,
    worker_pool,
)
from catwalk.search.display import Display
from catwalk.search.limits import Limits
from catwalk.search.messages import Failed
from tests.conftest import Run, run_catwalk, run_process
from tests.support import records

PREPARED = cast(Prepared, SimpleNamespace(fingerprint="aaaa", split="s1"))
DIGITS = ("--competition", "digits")

Begun = tuple[Paths, optuna.Study]


class ResourceExhaustedError(Exception):
    """As TensorFlow calls it where memory is short."""


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a study that has the portfolio of FEATURES=pixels, and searches after it, waiting."""
    root = tmp_path_factory.mktemp("waiting")
    opened = study.create(Paths(root, "digits"), PREPARED, "pixels")
    for kind, params in portfolio.first("pixels", ("shift",)):
        first_trials.enqueue_once(opened, kind, params)
    for _ in range(12):
        opened.enqueue_trial(portfolio.STRONG | {"view": "pixels"})
    return root


@pytest.fixture
def begun(waiting: Path, tmp_path: Path) -> Begun:
    """A copy of it for a test, opened."""
    shutil.copytree(waiting, tmp_path, dirs_exist_ok=True)
    paths = Paths(tmp_path, "digits")
    return paths, study.create(paths, PREPARED, "pixels")


def run(opened: optuna.Study, error: Exception | None) -> int:
    """Take the next trial as a worker does, and let it fail or end; its number."""
    trial = opened.ask()
    space.suggest(trial, "pixels", ("shift",))
    if error is None:
        opened.tell(trial, 0.5)
    else:
        failed_trials.keep(trial, error)
        opened.tell(trial, state=TrialState.FAIL)
        retries.repeat(opened, opened.trials[trial.number])
    return int(trial.number)


def watched(paths: Paths, text: io.StringIO) -> supervisor.Supervisor:
    display = Display(Console(file=text, width=80, highlight=False))
    return supervisor.Supervisor(paths, Limits(None, 99), 0.0, 0.0, display)


def told(parent: supervisor.Supervisor, opened: optuna.Study, number: int) -> None:
    """The parent hears that a worker's trial has ended."""
    parent._ours.add(number)
    parent.after_trial(opened, worker_pool.Worker(None, cast(Any, None), 0, trial=number))


def test_the_reason_is_one_line() -> None:
    assert failed_trials.reason(ValueError("no [such]\n  thing")) == "ValueError: no [such]"
    assert failed_trials.reason(KeyError()) == "KeyError"
    assert failed_trials.reason(UserError("is damaged", where="x.npy", fix="remove it")) == (
        "x.npy: is damaged: remove it"
    )
    long = failed_trials.reason(ValueError("x" * 1000))
    assert (len(long), long[-1]) == (failed_trials.REASON_LENGTH, "…")


def test_a_failed_trial_is_shown_and_kept_and_not_repeated(begun: Begun) -> None:
    paths, opened = begun
    text = io.StringIO()
    parent = watched(paths, text)
    told(parent, opened, run(opened, None))
    waiting = len(study.waiting(opened))
    told(parent, opened, run(opened, ValueError("shapes [3] and, say, (4,) differ")))
    assert len(study.waiting(opened)) == waiting - 1, "the same parameters would fail again"
    assert retries.waiting_for_retry(opened) == []
    assert text.getvalue().splitlines() == [
        "trial 0 softmax complete 0.5000 in 0.0 s, best 0.5000 (trial 0)",
        "trial 1 quick failed in 0.0 s: ValueError: shapes [3] and, say, (4,) differ",
    ]
    assert opened.trials[1].user_attrs["failed"].startswith("ValueError: shapes")
    trial_record.write_table(paths.trials, opened)
    with paths.trials.open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["number"], row["state"], row["kind"]) for row in rows] == [
        ("0", "complete", "softmax"), ("1", "failed", "quick"),
    ]  # fmt: skip
    assert [row["reason"] for row in rows] == ["", "ValueError: shapes [3] and, say, (4,) differ"]
    assert [record.number for record in trial_record.of_study(opened)] == [0], "recipes know finished ones"


@pytest.mark.parametrize(
    ("reason", "said"),
    [("ValueError: [x]", "failed in"), *((reason, "ended after") for reason in failed_trials.OUT_OF_TIME)],
)
def test_it_is_shown_on_a_terminal_too(reason: str, said: str) -> None:
    """A trial for which no time was left has not failed."""
    file = io.StringIO()
    record = records.trial_record(3, "failed", None, seconds=1.25, reason=reason)
    console = Console(file=file, width=120, force_terminal=True, no_color=True, highlight=False)
    Display(console).ended(0, record)
    assert f"trial 3 search {said} 1.2 s: {reason}" in file.getvalue()


def test_a_portfolio_that_failed_as_a_whole_ends_the_search(begun: Begun) -> None:
    paths, opened = begun
    parent = watched(paths, io.StringIO())
    for error in (None, None, None, ValueError("one")):
        told(parent, opened, run(opened, error))
    with pytest.raises(UserError) as ended:
        told(parent, opened, run(opened, ValueError("x" * 500)))
    assert "space.py" in ended.value.fix
    line = f"catwalk search: {ended.value}"
    assert line.startswith(
        "catwalk search: all 2 trials of the portfolio failed, the last one: ValueError: xxx"
    )
    assert "data/digits/study/trials.csv" in line
    assert len(line) <= 300
    for kind, params in portfolio.first("pixels", ("shift",)):
        first_trials.enqueue_once(opened, kind, params)
    again = [t.user_attrs["kind"] for t in study.waiting(opened) if "kind" in t.user_attrs]
    assert again == ["portfolio 1", "portfolio 2"], "the next search tries them once more"


@pytest.mark.parametrize(("failing", "ends"), [(5, False), (6, True)])
def test_more_than_half_of_ten_end_the_search(begun: Begun, failing: int, ends: bool) -> None:
    paths, opened = begun
    parent = watched(paths, io.StringIO())
    for _ in range(10 - failing):  # the portfolio's are among these or not: one of its two is well
        told(parent, opened, run(opened, None))
    for _ in range(failing - 1):
        told(parent, opened, run(opened, ValueError("no")))
    if not ends:
        told(parent, opened, run(opened, ValueError("no")))
        return
    with pytest.raises(UserError, match=r"^6 of 10 trials failed, the last one: ValueError: no"):
        told(parent, opened, run(opened, ValueError("no")))


@pytest.mark.parametrize("error", [MemoryError(), ResourceExhaustedError("OOM when allocating")])
def test_out_of_memory_is_the_machine_s(begun: Begun, error: Exception) -> None:
    paths, opened = begun
    parent = watched(paths, io.StringIO())
    for _ in range(4):
        told(parent, opened, run(opened, error))
    number = run(opened, error)
    with pytest.raises(MachineError, match=r"WORKERS=1"):
        told(parent, opened, number)


class InternalError(Exception):
    """Named as TensorFlow's."""


@pytest.mark.parametrize(
    ("error", "kind", "fix"),
    [
        (InternalError("CUDNN_STATUS_EXECUTION_FAILED"), MachineError, "set CUDA_VISIBLE_DEVICES=-1 before"),
        (ResourceExhaustedError("OOM when allocating"), MachineError, "set CUDA_VISIBLE_DEVICES=-1 before"),
        (ValueError("a typing error"), UserError, "undo changes to space.py"),
    ],
)
def test_what_a_gpu_fails_at_the_cpu_cores_may_do(
    error: Exception, kind: type[Exception], fix: str, begun: Begun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpus, "found", lambda: (gpus.Gpu("0", "Tesla T4"),))
    paths, opened = begun
    parent = watched(paths, io.StringIO())
    for _ in range(4):
        told(parent, opened, run(opened, error))
    number = run(opened, error)
    with pytest.raises(kind) as ended:
        told(parent, opened, number)
    assert cast(Any, ended.value).fix.startswith(fix)
    assert len(str(ended.value)) <= 300


def test_what_was_killed_pruned_or_diverged_did_not_fail(begun: Begun) -> None:
    paths, opened = begun
    parent = watched(paths, io.StringIO())
    for place in range(14):
        trial = opened.ask()
        space.suggest(trial, "pixels", ("shift",))
        if place % 2:
            opened.tell(trial, state=TrialState.PRUNED)
        else:
            retries.run_again(opened, opened.trials[trial.number], "its worker died")
        told(parent, opened, trial.number)
    assert not any(map(failed_trials.has_error, opened.trials))


def test_a_full_disk_is_not_the_trial_s_error(begun: Begun) -> None:
    _, opened = begun
    number = run(opened, OSError(28, "No space left on device"))
    assert opened.trials[number].user_attrs["failed"] == "OSError: [Errno 28] No space left on device"
    assert not failed_trials.has_error(opened.trials[number])
    assert opened.trials[-1].system_attrs["failed_trial"] == number, "it runs again"
    assert failed_trials.is_of_machine(optuna.exceptions.StorageInternalError())


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), OSError("16384 requested and 0 written")]
)
def test_a_disk_without_room_for_networks_ends_the_search_at_once(
    error: OSError, begun: Begun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The study has room: each trial that ends well would put off the end that many deaths bring."""

    def fill(*_: object) -> None:
        raise error

    paths, opened = begun
    sent: list[Failed] = []
    monkeypatch.setattr(worker, "_serve", fill)
    monkeypatch.setattr(os, "_exit", lambda _code: None)
    worker.run(cast(Any, SimpleNamespace(send=sent.append)), paths, 1, "pixels", 1, 0)
    parent, dead = watched(paths, io.StringIO()), worker_pool.Worker(None, cast(Any, None), 0)
    workers: Any = SimpleNamespace(all=[], busy=list, take_dead=lambda: [dead], start=lambda: None)
    told(parent, opened, run(opened, None))
    parent._handle_message(opened, dead, sent[0])
    with pytest.raises(MachineError, match="make room on the disk and run the command again") as ended:
        parent._replace_the_dead(opened, workers)
    assert ended.value.exit_code == 4


def test_a_death_says_what_becomes_of_the_trial(begun: Begun, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker may also die between two trials, or before it says which one it has begun."""
    paths, opened = begun
    text = io.StringIO()
    parent = watched(paths, text)
    one = worker_pool.Worker(None, cast(Any, None), 0, busy=True, trial=opened.ask().number, error="gone")
    dead = [one, replace(one, busy=False), replace(one, trial=None)]
    workers: Any = SimpleNamespace(all=[None] * 9, busy=list, take_dead=lambda: dead, start=lambda: None)
    parent._replace_the_dead(opened, workers)
    monkeypatch.setattr(retries, "RETRIES", 0)  # it was the last try
    dead[:] = [replace(one, trial=opened.ask().number)]
    parent._replace_the_dead(opened, workers)
    died = "worker 0 died (gone)"
    assert text.getvalue().splitlines() == [
        f"{died}; its trial will run again", died, died, f"{died}; its trial will not run again",
    ]  # fmt: skip


def test_what_fails_while_it_is_built_is_kept_too(begun: Begun, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error in the search space or in the features, before a first step."""
    from catwalk.core import tensorflow_setup

    tensorflow_setup.setup()
    from catwalk.data.competition import Competition
    from catwalk.data.run_context import RunContext
    from catwalk.models.features import FeatureSet
    from catwalk.search import trial as trials

    def refuse(*_: object) -> None:
        raise ValueError("contamination must not contain NaN")

    monkeypatch.setattr(trials, "Training", refuse)
    paths, opened = begun
    competition = cast(Competition, SimpleNamespace(augment=("shift",)))
    context, clock = RunContext(paths, competition, PREPARED, 1, "pixels"), trials.Clock(0.0, None, None)
    objective = trials.Objective(context, "key", cast(FeatureSet, None), "float32", clock, lambda *_: None)
    with pytest.raises(ValueError, match="contamination"):
        opened.optimize(objective, n_trials=1)
    failed = opened.trials[0]
    assert failed_trials.has_error(failed)
    assert failed.user_attrs["failed"] == "ValueError: contamination must not contain NaN"
    assert failed.user_attrs["history"] == []
    monkeypatch.setattr(space, "suggest", refuse)
    with pytest.raises(ValueError, match="contamination"):
        opened.optimize(objective, n_trials=1)
    assert failed_trials.has_error(opened.trials[1])


@pytest.mark.slow
def test_a_search_ends_with_the_reason_and_what_is_finished_can_be_used(
    digits_done: tuple[Path, Run], tmp_path: Path
) -> None:
    """A kept file of features that holds nonsense: all of the portfolio needs it."""
    root = tmp_path / "copy"
    shutil.copytree(digits_done[0], root)
    paths = Paths(root, "digits")
    shutil.rmtree(paths.study)
    shutil.rmtree(paths.submissions)
    (components,) = paths.prepared.glob("features-components0-*.npy")
    components.write_bytes(b"nonsense")
    done = run_process(root, "search", *DIGITS, "--trials", "20", "--workers", "1")
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1, "no library's warning"
    assert "all 4 trials of the portfolio failed, the last one: " in done.stderr
    lines = [line for line in done.stdout.splitlines() if " failed in " in line]
    assert [line.split(" failed")[0] for line in lines] == [
        f"trial {n} portfolio {n - 2}" for n in range(3, 7)
    ]
    states = [row.split(",")[1] for row in paths.trials.read_text().splitlines()[1:]]
    assert states == ["complete"] * 3 + ["failed"] * 4
    made = run_catwalk(root, "predict", *DIGITS, "--name", "rest")
    assert made.returncode == 0, made.stderr
    assert paths.submission("rest").is_file()
