"""gpus.py: which GPUs are used, and which one a process sees. None is needed here: TensorFlow finds none."""

import os
import sys
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from catwalk.core import gpus, processes, tensorflow_setup
from catwalk.core.errors import MachineError
from catwalk.core.gpus import Gpu
from catwalk.models.epoch import Epoch
from catwalk.search import limits
from catwalk.search.trial_record import TrialRecord
from catwalk.submission import provenance, refit

TWO = (Gpu("0", "Tesla T4"), Gpu("1", "Tesla T4"))


@pytest.fixture(autouse=True)
def asked_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in (tensorflow_setup.VISIBLE, tensorflow_setup.GIVEN, tensorflow_setup.ASSIGNED):
        monkeypatch.delenv(name, raising=False)
    found = gpus.found
    for asked in (found, gpus._tried):
        asked.cache_clear()
    yield
    for asked in (found, gpus._tried):
        asked.cache_clear()


@pytest.fixture
def with_a_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus, "SIGNS", (f"{str(tmp_path)[1:]}*",))


@pytest.fixture
def with_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus, "found", lambda: TWO)


def test_without_a_sign_of_a_gpu_nothing_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus, "SIGNS", (f"{str(tmp_path)[1:]}/*",))  # as of a driver without a GPU
    monkeypatch.setattr(processes, "call_apart", lambda *_: pytest.fail("a process was started"))
    assert gpus.found() == ()
    assert gpus.described() == []


@pytest.mark.parametrize("hidden", ["", "-1", tensorflow_setup.NONE])
def test_the_user_can_hide_gpus(hidden: str, with_a_sign: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(tensorflow_setup.VISIBLE, hidden)
    monkeypatch.setattr(processes, "call_apart", lambda *_: pytest.fail("a process was started"))
    assert gpus.found() == ()
    assert gpus.described() == []


def test_a_gpu_that_tensorflow_cannot_use_is_said(with_a_sign: None) -> None:
    """A process of its own asks TensorFlow, which has no GPU here."""
    if gpus.found():
        pytest.skip("this machine has a GPU that TensorFlow can use")
    line, *_, busy, fix = gpus.described()
    assert "nvidia-smi" in busy
    assert line == "search: there is a GPU, but TensorFlow can't use it: training on the CPU cores"
    assert f"{sys.executable} -m pip install 'tensorflow[and-cuda]'" in fix


def test_an_error_of_tensorflow_s_leaves_the_cpu_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where another program has a GPU for itself."""

    def taken() -> None:
        raise OSError("busy or unavailable")

    monkeypatch.setenv(tensorflow_setup.ASSIGNED, "")  # set by it, and put back after the test
    monkeypatch.setattr(tensorflow_setup, "setup", taken)
    assert gpus._names("0") == ([], "busy or unavailable")


def test_why_a_gpu_cannot_be_used_is_said(with_a_sign: None, monkeypatch: pytest.MonkeyPatch) -> None:
    old = "CUDA driver version is insufficient for CUDA runtime version"
    monkeypatch.setattr(processes, "call_apart", lambda *_: ([], old))
    assert gpus.described()[1] == f"  its error: {old}"


def test_a_gpu_that_tensorflow_leaves_out_is_not_taken() -> None:
    """TensorFlow computes on the CPU cores then, and says nothing."""
    tensorflow_setup.setup(threads=1)
    if gpus.found():
        pytest.skip("this machine has a GPU that TensorFlow can use")
    with pytest.raises(RuntimeError, match="leaves this GPU out"):
        gpus._compute_on(0)


def test_what_a_training_step_needs_is_compiled() -> None:
    tensorflow_setup.setup(threads=1)
    assert gpus.xla_works(), "on the CPU cores too"


@pytest.mark.parametrize(
    ("given", "names"), [(None, ["0", "1"]), ("1,3", ["1", "3"]), ("GPU-ab", ["GPU-ab"])]
)
def test_gpus_are_called_as_the_user_calls_them(
    given: str | None, names: list[str], with_a_sign: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if given is not None:
        monkeypatch.setenv(tensorflow_setup.VISIBLE, given)
    monkeypatch.setattr(processes, "call_apart", lambda *_: (["Tesla T4"] * len(names), ""))
    assert gpus.found() == tuple(Gpu(name, "Tesla T4") for name in names)


def test_a_gpu_that_fails_is_left_out(with_a_sign: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "call_apart", lambda *_: (["", "Tesla T4"], "out of memory"))
    assert gpus.found() == (Gpu("1", "Tesla T4"),)
    gpus.found.cache_clear()
    gpus._tried.cache_clear()

    def broken(*_: object) -> None:
        raise MachineError("a process died (exit code -11)", fix="close other programs, or set WORKERS=1")

    monkeypatch.setattr(processes, "call_apart", broken)
    assert gpus.found() == ()


def test_what_the_user_lets_be_seen_is_known_after_it_was_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook's process hides GPUs from itself, but not from the commands that it starts."""
    assert tensorflow_setup.visible_gpus() == tensorflow_setup.ALL
    monkeypatch.setenv(tensorflow_setup.VISIBLE, "2")
    monkeypatch.setenv(tensorflow_setup.GIVEN, "")  # undone after the test
    for _ in range(2):
        tensorflow_setup.hide_gpus()
        assert os.environ[tensorflow_setup.VISIBLE] == tensorflow_setup.NONE
        assert tensorflow_setup.visible_gpus() == "2"
    monkeypatch.setenv(tensorflow_setup.VISIBLE, "-1")
    assert tensorflow_setup.visible_gpus() == "-1", "what is set later counts"


def test_each_process_gets_a_gpu_of_its_own(with_two: None) -> None:
    taken: list[str | None] = []
    for _ in range(4):
        with gpus.assigned(taken) as gpu:
            assert os.environ[tensorflow_setup.ASSIGNED] == gpu
            taken.append(gpu)
        assert tensorflow_setup.ASSIGNED not in os.environ
    assert taken == ["0", "1", "0", "1"]
    with gpus.assigned(["0", "1", "1"]) as gpu:
        assert gpu == "0", "that of the process that has died"


def test_without_gpus_none_is_assigned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus, "found", lambda: ())
    with gpus.assigned() as gpu:
        assert gpu is None
        assert tensorflow_setup.ASSIGNED not in os.environ


def _seen(connection: Connection) -> None:
    tensorflow_setup.load()
    connection.send(os.environ.get(tensorflow_setup.VISIBLE))


def test_a_process_sees_its_own_gpu_only(with_two: None) -> None:
    """However the parent's environment was changed."""
    seen = []
    for taken in ([], ["0"]):
        with gpus.assigned(taken):
            process, connection = processes.start(_seen, "catwalk-seen")
        seen.append(connection.recv())
        process.join()
    process, connection = processes.start(_seen, "catwalk-seen")
    seen.append(connection.recv())
    process.join()
    assert seen == ["0", "1", tensorflow_setup.NONE]


def test_what_a_network_was_trained_on_is_named(with_two: None) -> None:
    assert provenance.processor() == f"{provenance.cpu()} with Tesla T4"


def test_on_a_gpu_a_training_is_compiled_anew(with_two: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """So the time that the trial took for that is planned again."""
    trial = cast(
        TrialRecord, SimpleNamespace(seconds=22.0, history=[Epoch(n, 15, 0, 0, 0, 0, n) for n in (1, 2)])
    )
    assert refit.seconds_of(trial) == 2
    assert refit.starting(trial) == refit.STARTING + 20
    monkeypatch.setattr(gpus, "found", lambda: ())
    assert refit.starting(trial) == refit.STARTING


def test_a_worker_for_each_gpu(with_two: None) -> None:
    assert limits.workers(None) == 2
    assert limits.workers(3) == 3
    assert gpus.described() == [
        "search: training on 2 GPUs, each with a worker: Tesla T4, Tesla T4 "
        "(CUDA_VISIBLE_DEVICES=-1: on the CPU cores)"
    ]
