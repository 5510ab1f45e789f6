"""trial.py: how long a trial is trained, and which ones are stopped early."""

import contextlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import optuna
import pytest
from sqlalchemy import text

from catwalk.core import tensorflow_setup
from catwalk.core.paths import Paths
from catwalk.core.team import Team
from catwalk.data.prepare import Prepared

tensorflow_setup.setup(threads=1)

from catwalk.models import placement, portfolio, step  # noqa: E402  (after the set-up)
from catwalk.models.epoch import Epoch  # noqa: E402
from catwalk.models.train import Training  # noqa: E402
from catwalk.search import study  # noqa: E402
from catwalk.search import trial as trials  # noqa: E402
from catwalk.search.trial import EPOCHS, Clock, Objective, Plan  # noqa: E402
from catwalk.search.trial_record import YOURS  # noqa: E402

PREPARED = cast(Prepared, SimpleNamespace(fingerprint="aaaa", split="s1"))


def objective(kind: type[Objective], paths: Paths, scope: str) -> Objective:
    """Of this class; without a time limit."""
    competition = SimpleNamespace(augment=())
    context = SimpleNamespace(paths=paths, scope=scope, seed=1, prepared=PREPARED, competition=competition)
    views, clock = cast(Any, None), Clock(0.0, None, None)
    return kind(cast(Any, context), "key", views, "float32", clock, lambda *_: None)


def plan(family: str, scope: str = "local.all", budget: float = 600.0) -> Plan:
    """Of a trial of the search on Fashion-MNIST's rows."""

    class Search(Objective):
        def _origin(self, trial: object) -> str:
            return "search"

    context, clock = SimpleNamespace(scope=scope), Clock(0.0, None, budget)
    one = Search(cast(Any, context), "x", cast(Any, None), "float32", clock, lambda *_: None)
    params = {**portfolio.PLAIN, "family": family, "batch_size": 128}
    training = SimpleNamespace(params=params, rows=54_000, steps_per_epoch=421)
    return one._plan(cast(Any, None), cast(Training, training))


@pytest.mark.parametrize(
    ("family", "scope"), [("conv", "local.all"), ("dense", "local"), ("dense", "pixels")]
)
def test_the_pruner_asks_half_as_often_in_a_training_of_twice_the_epochs(family: str, scope: str) -> None:
    """As a search of an hour plans it: at the first rung the learning rate would still rise."""
    usual, long = plan(family, scope), plan(family, scope, 3600.0)
    assert (usual.every, long.every) == (1, 2)
    assert long.epochs == 2 * usual.epochs
    if scope != "pixels":  # of whose 60 epochs 3 are the warm-up
        assert study.RUNGS[0] * long.every > step.WARM_UP * long.epochs


@pytest.mark.parametrize(("minutes", "every"), [(20, 1), (25, 2), (40, 2)])
@pytest.mark.parametrize("family", ["conv", "dense"])
def test_it_asks_half_as_often_from_one_and_a_half_times_the_epochs(
    family: str, minutes: int, every: int
) -> None:
    """Which searches of more than 22 minutes plan, as docs/method.md says."""
    planned, usual = plan(family, budget=60.0 * minutes), plan(family)
    assert planned.every == every
    assert (planned.epochs >= 1.5 * usual.epochs) == (every == 2)


def test_each_baseline_has_a_row_in_every_table() -> None:
    baselines = set(portfolio.BASELINES)
    assert baselines == set(trials.BASELINE_SHARE)
    assert baselines <= set(trials.SHORT)
    assert baselines <= set(trials.LEAST_STEPS)


def test_on_a_gpu_it_asks_as_often_of_dense_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """There a convolutional training has twice the epochs, a dense one the same."""
    monkeypatch.setattr(placement, "on_gpu", lambda: True)
    assert (plan("conv").epochs, plan("conv").every) == (2 * EPOCHS["conv"], 2)
    assert plan("dense").every == 1


def test_a_convolutional_network_is_trained_longer_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    context = SimpleNamespace(scope="local.all")
    one = cast(Objective, SimpleNamespace(clock=Clock(0.0, None, 600.0), context=context))
    usual = {family: Objective._usual_epochs(one, "search", family) for family in ("dense", "conv")}
    monkeypatch.setattr(placement, "on_gpu", lambda: True)
    assert Objective._usual_epochs(one, "search", "conv") == portfolio.CONV_EPOCHS_ON_GPU > usual["conv"]
    assert Objective._usual_epochs(one, "search", "dense") == usual["dense"]


@pytest.mark.parametrize(
    ("kind", "asked_after", "epochs"),
    [("search", [2], 2), ("portfolio 1", [2, 6], 8), (YOURS, [2, 6], 8), ("softmax", [], 8)],
)
def test_only_a_trial_of_the_search_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, asked_after: list[int], epochs: int
) -> None:
    """The portfolio is judged as well, as others are compared with it; baselines are not."""

    class Unsaved(Objective):
        def _keep(self, number: int, model: object) -> float:
            return 0.9

    eight = [Epoch(i, 8, 0.1, 0.9, 0.1, 0.9) for i in range(1, 9)]
    training = SimpleNamespace(
        params=portfolio.PLAIN, rows=54_000, steps_per_epoch=421,
        epochs=lambda *_, **__: iter(eight), finish=lambda: None,
    )  # fmt: skip
    history: list[Epoch] = []
    asked: list[int] = []

    def should_prune() -> bool:
        asked.append(len(history))
        return True

    opened = optuna.create_study(direction="maximize")
    opened.enqueue_trial({}, user_attrs={"kind": kind})
    begun = opened.ask()
    monkeypatch.setattr(begun, "should_prune", should_prune)
    one = objective(Unsaved, Paths(tmp_path, "digits"), "pixels")
    with contextlib.suppress(optuna.TrialPruned):
        assert one._train(begun, kind, cast(Training, training), history) == 0.9
    assert (asked, len(history)) == (asked_after, epochs)


def test_a_heartbeat_comes_before_the_member_s_name(
    tmp_path: Path, shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that died in between would leave a trial that the others take for a running one for ever."""

    class Begins(Objective):
        def _training(self, trial: optuna.Trial, kind: str) -> Training:
            raise optuna.TrialPruned

    paths = Paths(tmp_path, "digits", Team.from_options(shared, "ann", None))
    opened = study.create(paths, PREPARED, "pixels")
    engine = cast(Any, opened._storage)._backend.engine
    beats: dict[str, int] = {}

    def count(name: str, _: object) -> None:
        with engine.connect() as connection:
            beats[name] = connection.execute(text("SELECT count(*) FROM trial_heartbeats")).scalar()

    begun = opened.ask()
    monkeypatch.setattr(begun, "set_user_attr", count)
    with pytest.raises(optuna.TrialPruned):
        objective(Begins, paths, "pixels")(begun)
    assert beats["member"] == 1


@pytest.mark.parametrize(
    ("kind", "member", "channels"),
    [
        ("portfolio conv 1", "ann", 48),
        ("search", "ann", 48),  # as one whose machine died
        (YOURS, "ann", 128),
        ("portfolio conv 1", None, 128),
    ],
)
def test_a_member_trains_as_many_channels_as_it_has_time_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, member: str | None, channels: int
) -> None:
    """Of what another one has queued, perhaps with a GPU; networks of the user's own stay as they are."""
    monkeypatch.setattr(trials, "Training", lambda *given: SimpleNamespace(params=given[4]))
    opened = study.create(Paths(tmp_path, "digits"), PREPARED, "local.conv")
    opened.set_user_attr(f"{study.MOST_CHANNELS} ann", 48)
    opened.enqueue_trial({**portfolio.CONV, "conv_width": 128}, user_attrs={"kind": kind})
    team = None if member is None else Team("postgresql://host/db", member)
    one = objective(Objective, Paths(tmp_path, "digits", team), "local.conv")
    assert one._training(opened.ask(), kind).params["conv_width"] == channels
    (known,) = opened.get_trials()
    assert known.params["conv_width"] == channels, "what is trained"
    assert known.system_attrs["fixed_params"]["conv_width"] == 128, "as a faster machine may run it again"
