"""MODELS=: dense and convolutional networks in one study, and in every stage.

Modules: scope.py.
"""

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from optuna.trial import FrozenTrial

from catwalk import arguments, command_hints, search_options
from catwalk.core import gpus, processes
from catwalk.core.errors import MachineError
from catwalk.core.paths import Paths
from catwalk.data import download, prepare, scope
from catwalk.data.prepare import Prepared
from catwalk.data.run_context import RunContext
from catwalk.models import space, training_speed
from catwalk.search import progress, search, study
from catwalk.search.limits import Limits
from catwalk.search.model_store import MAX_KEPT_MODELS, MAX_KEPT_OF_FAMILY, is_kept, worth_keeping
from catwalk.submission import chosen_trials, recipe, submission_names
from tests.conftest import digits_paths, load, make_project, run_catwalk

DIGITS = ("--competition", "digits")


@pytest.mark.parametrize("features", ["local", "pixels"])
@pytest.mark.parametrize("models", ["dense", "conv", "all"])
def test_a_scope_s_name_says_both(features: str, models: str) -> None:
    name = scope.name(features, models)
    assert (scope.features_of(name), scope.models_of(name)) == (features, models)
    assert scope.name("local", "dense") == "local", "as before there were families"


def test_the_scope_of_the_last_search_is_followed(tmp_path: Path) -> None:
    paths, prepared = (
        Paths(tmp_path, "digits"),
        cast(Prepared, SimpleNamespace(fingerprint="aaaa", split="s1")),
    )
    paths.study.mkdir(parents=True)
    paths.study_db.touch()
    assert progress.last_scope(paths, prepared) is None
    for name, finished in (("local", 7), ("local.all", 9), ("pixels", 0)):
        key = progress.study_name(paths, prepared, name)
        progress.write(paths, key, replace(progress.NOTHING, finished=finished))
    assert progress.last_scope(paths, prepared) == "local.all", "the last one has no trial yet"
    progress.write(
        paths, progress.study_name(paths, prepared, "local"), replace(progress.NOTHING, finished=8)
    )
    assert progress.last_scope(paths, prepared) == "local"
    assert progress.last_scope(paths, prepared, lambda name: scope.models_of(name) == "all") == "local.all"
    assert progress.last_scope(paths, prepared, lambda name: scope.models_of(name) == "conv") is None
    other = cast(Prepared, SimpleNamespace(fingerprint="bbbb", split="s1"))
    assert progress.last_scope(paths, other) is None


def test_a_search_is_followed_not_a_later_make_try(tmp_path: Path) -> None:
    paths = Paths(tmp_path, "digits")
    prepared = cast(Prepared, SimpleNamespace(fingerprint="aaaa", split="s1"))
    paths.study.mkdir(parents=True)
    paths.study_db.touch()
    for name, spent, finished in (("local", 600.0, 20), ("local.all", 0.0, 3)):
        state = replace(progress.NOTHING, spent=spent, finished=finished)
        progress.write(paths, progress.study_name(paths, prepared, name), state)
    assert progress.last_scope(paths, prepared) == "local"
    assert progress.last_scope(paths, prepared, lambda name: scope.models_of(name) == "all") == "local.all"


@pytest.mark.parametrize(
    ("typed", "followed"),
    [((), "pixels"), (("--features", "pixels"), "pixels"), (("--features", "auto"), "local")],
)
def test_auto_is_not_what_a_search_had_where_it_is_typed(
    tmp_path: Path,
    digits_raw: Path,
    monkeypatch: pytest.MonkeyPatch,
    typed: tuple[str, ...],
    followed: str,
) -> None:
    monkeypatch.setattr(command_hints, "_given", {})
    paths, competition = digits_paths(tmp_path, digits_raw), load("digits")
    download.run(paths, competition, "auto", lambda _: None)
    prepare.run(paths, competition, 1, lambda _: None)
    paths.study.mkdir(parents=True)
    paths.study_db.touch()
    key = progress.study_name(paths, prepare.load(paths, 1), "pixels")
    progress.write(paths, key, replace(progress.NOTHING, spent=60.0, finished=3))
    for stage in ("try", "predict", "report"):
        options = arguments.parse([stage, *DIGITS, *typed])
        assert search_options.scope(options, paths, competition, lambda _: None) == followed
    options = arguments.parse(["search", *DIGITS])
    assert search_options.scope(options, paths, competition, lambda _: None) == "local"


def test_a_new_study_beside_another_one_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SEED= or MODELS= may have been forgotten."""
    paths = Paths(tmp_path, "digits")
    one, two = (cast(Prepared, SimpleNamespace(fingerprint="aaaa", split=split)) for split in ("s1", "s2"))
    paths.study.mkdir(parents=True)
    paths.study_db.touch()
    context = RunContext(paths, load("digits"), one, 1, "local")
    assert search._beside_other(context) == []
    state = replace(progress.NOTHING, spent=60.0, finished=26)
    of_folds = cast(Prepared, SimpleNamespace(fingerprint="aaaa", split="s1f5"))
    for prepared, name in ((two, "local.all"), (of_folds, "pixels"), (one, "local")):
        progress.write(paths, progress.study_name(paths, prepared, name), state)
    begins = "search: this starts a new study"
    assert search._beside_other(context) == [
        f"{begins} (SEED=1 MODELS=dense); there is one of SEED=2 MODELS=all with 26 trials"
    ]
    both = replace(context, scope="local.all")
    assert search._beside_other(both) == [
        f"{begins} (MODELS=all); there is one of MODELS=dense with 26 trials"
    ]
    said: list[str] = []
    monkeypatch.setattr(gpus, "described", list)
    monkeypatch.setattr(search, "_repeated", lambda _: [])
    monkeypatch.setattr(search, "_table_growth", lambda *_: 0)
    monkeypatch.setattr(search, "run_trials", lambda *_: (None, 0.0, None))
    monkeypatch.setattr(search, "_summary", lambda *_: [])
    for new in (both, context):  # the second one has trials
        search.run(replace(new, say=said.append), Limits(None, 99), 1, 0.0)
    assert [line for line in said if "new study" in line] == search._beside_other(both)


def test_the_scope_of_a_search_that_is_done_already_is_followed_too(tmp_path: Path) -> None:
    paths = Paths(tmp_path, "digits")
    prepared = cast(Prepared, SimpleNamespace(fingerprint="aaaa", split="s1"))
    paths.study.mkdir(parents=True)
    paths.study_db.touch()
    older, newer = (progress.study_name(paths, prepared, name) for name in ("local", "local.all"))
    for key in (older, newer):
        progress.write(paths, key, replace(progress.NOTHING, spent=60.0, finished=3))
    states = progress.read(paths)
    assert progress.last_scope(paths, prepared) == "local.all"
    said: list[str] = []
    search.run(RunContext(paths, load("digits"), prepared, 1, "local", said.append), Limits(None, 3), 1, 0.0)
    assert said[0].startswith("search: already done, 3 trials in 60 s")
    assert progress.last_scope(paths, prepared) == "local"
    assert progress.read(paths) == states, "but for their order"


def test_networks_that_are_behind_are_kept_for_their_family() -> None:
    """Softmax too, whose weights the talk shows; with them there are no more than of one family alone."""
    numbers = itertools.count()

    def trial(family: str | None, kind: str = "search") -> FrozenTrial:
        params = {} if family is None else {"family": family}
        made = SimpleNamespace(params=params, user_attrs={"kind": kind}, number=next(numbers))
        return cast(FrozenTrial, made)

    dense = [trial("dense") for _ in range(MAX_KEPT_MODELS + 5)]
    conv = [trial("conv") for _ in range(MAX_KEPT_OF_FAMILY + 2)]
    softmax = trial(None, "softmax")
    kept = worth_keeping([*dense, *conv, softmax])
    assert kept == [*dense[: MAX_KEPT_MODELS - MAX_KEPT_OF_FAMILY - 1], *conv[:MAX_KEPT_OF_FAMILY], softmax]
    assert worth_keeping(dense) == dense[:MAX_KEPT_MODELS]


@pytest.mark.parametrize(
    ("models", "precision", "budget", "said"),
    [
        ("dense", "bfloat16", 600.0, ["make search MODELS=all BUDGET=10m"]),
        ("dense", "bfloat16", 120.0, []),
        ("dense", "bfloat16", None, []),
        ("dense", "float32", 600.0, []),
        ("all", "bfloat16", 600.0, []),
        ("conv", "bfloat16", 600.0, ["make search MODELS=all BUDGET=10m"]),
        ("conv", "float32", 120.0, ["make search MODELS=all BUDGET=2m"]),
        ("conv", "bfloat16", 3600.0, []),
    ],
)
def test_a_search_says_where_the_other_family_would_reach_more(
    models: str, precision: str, budget: float | None, said: list[str]
) -> None:
    opened = cast(Any, SimpleNamespace(user_attrs={"precision": precision}))
    prepared = cast(Prepared, SimpleNamespace(train=range(54_000)))
    context = RunContext(Paths(Path(), "x"), load("fashion-mnist"), prepared, 1, scope.name("local", models))
    lines = search._other_family(opened, context, Limits(budget, None))
    assert [line.split(": ")[1] for line in lines] == said
    few = replace(context, prepared=cast(Prepared, SimpleNamespace(train=range(500))))
    assert search._other_family(opened, few, Limits(budget, None)) == []


@pytest.mark.parametrize(
    ("gpus_found", "at_once", "rate"), [((), 4, 1e12), (("one", "other"), 1, 5e11), (("one",), 1, 2.5e11)]
)
def test_the_rate_is_measured_as_it_will_be_used(
    gpus_found: tuple[str, ...], at_once: int, rate: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By all workers at once on CPU cores, which share them; by one process on a GPU, which is assigned.

    Where several workers train on a GPU, each has a part of its rate.
    """
    asked: list[Any] = []

    @contextlib.contextmanager
    def assigned() -> Iterator[None]:
        asked.append("assigned")
        yield
        asked.append("end")

    def measured(count: int, work: Any) -> list[tuple[str, float]]:
        asked.extend([count, work])
        return [("bfloat16", 1e12)] * count

    monkeypatch.setattr(gpus, "found", lambda: gpus_found)
    monkeypatch.setattr(gpus, "assigned", assigned)
    monkeypatch.setattr(processes, "call_together", measured)
    prepared = cast(Prepared, SimpleNamespace(train=range(54_000)))
    context = RunContext(Paths(Path(), "x"), load("fashion-mnist"), prepared, 1, scope.name("local", "all"))
    room = search._room(context, Limits(600.0, None), 4, 100.0)
    assert room is not None
    assert (room.precision, room.rate, room.is_shared) == ("bfloat16", rate, False)
    assert room.seconds == 600 - 100 - search.STARTING, "what the earlier runs took is over"
    assert room.is_gpu == bool(gpus_found)
    assert asked == ["assigned", at_once, training_speed.measure, "end"]


def test_without_a_measurement_the_search_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the measuring process is killed for lack of memory."""

    def dies(_count: int, _work: Any) -> None:
        raise MachineError("a process died (exit code -9)")

    told: list[str] = []
    monkeypatch.setattr(gpus, "found", tuple)
    monkeypatch.setattr(processes, "call_together", dies)
    prepared = cast(Prepared, SimpleNamespace(train=range(54_000)))
    both = scope.name("local", "all")
    context = RunContext(Paths(Path(), "x"), load("fashion-mnist"), prepared, 1, both, told.append)
    assert search._room(context, Limits(600.0, None), 2, 0.0) is None
    (line,) = told
    assert "speed of convolutional networks is not known here (a process died (exit code -9))" in line


@pytest.mark.slow
def test_every_stage_takes_a_convolutional_network(tmp_path: Path) -> None:
    """Without MODELS= the later stages follow the study that was searched last."""
    root = make_project(tmp_path / "project")
    tried = run_catwalk(root, "try", *DIGITS, "--models", "conv", "--conv-width", "16", "--batch-size", "64")
    assert tried.returncode == 0, tried.stderr
    assert "rank " in tried.stdout
    made = run_catwalk(root, "predict", *DIGITS, "--name", "one")
    assert made.returncode == 0, made.stderr
    (follows,) = (line for line in made.stdout.splitlines() if "uses the study of the last search" in line)
    assert "MODELS=conv" in follows or "--models conv" in follows
    paths = Paths(root, "digits")
    assert submission_names.names(paths) == ["one"]
    written = recipe.read(paths, "one")
    assert written.models == "conv"
    assert any(trial.params.get("family") == "conv" for trial in written.trials)
    assert written.validation is not None
    assert written.validation.accuracy > 0.95
    again = run_catwalk(root, "reproduce", *DIGITS)
    assert "equals one.csv, byte for byte" in again.stdout, again.stderr
    assert "conv" in run_catwalk(root, "leaderboard", *DIGITS).stdout.split()


@pytest.mark.slow
def test_a_search_of_both_families_is_chosen_from_and_presented(tmp_path: Path) -> None:
    """Softmax regression, a convolutional network and the quick one, from the search to the talk."""
    root = make_project(tmp_path / "project")
    asked = ("--models", "all", "--trials", "3", "--workers", "2")
    done = run_catwalk(root, "search", *DIGITS, *asked)
    assert done.returncode == 0, done.stderr
    made = run_catwalk(root, "predict", *DIGITS, "--name", "both")
    assert made.returncode == 0, made.stderr
    paths = Paths(root, "digits")
    prepared = prepare.load(paths, 1)
    opened = study.load(paths, prepared, scope.name("local", "all"))
    assert opened is not None
    key, complete = study.key(opened), study.complete(opened)
    candidates = {trial.number: trial for trial in complete if is_kept(paths, key, trial.number)}
    assert len(candidates) == len(complete) == 3
    assert {space.family_in(trial.params) for trial in candidates.values()} == {"dense", "conv"}
    assert len(chosen_trials.choose(paths, prepared, key, complete).candidates) == 3
    written = recipe.read(paths, "both")
    assert (written.models, written.trials_finished) == ("all", 3)
    assert {trial.number for trial in written.trials} <= candidates.keys()
    assert written.validation is not None
    assert written.validation.accuracy > 0.95
    presented = run_catwalk(root, "report", *DIGITS)
    assert presented.returncode == 0, presented.stderr
    assert paths.talk("both").is_file()
    board = run_catwalk(root, "leaderboard", *DIGITS)
    (row,) = [line.split() for line in board.stdout.splitlines() if "both" in line.split()]
    assert "all" in row
