"""postgres_quick.py: what it stores is what Optuna's own methods store, in fewer statements."""

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial
from sqlalchemy import create_engine, event
from sqlalchemy.exc import OperationalError

from catwalk.core.paths import Paths
from catwalk.core.team import Team
from catwalk.data.prepare import Prepared
from catwalk.search import study
from catwalk.search.postgres_quick import QuickStorage

PREPARED = cast(Prepared, SimpleNamespace(fingerprint="aaaa", split="s1"))


@pytest.fixture
def opened(tmp_path: Path, shared: str) -> optuna.Study:
    return study.create(Paths(tmp_path, "digits", Team.from_options(shared, "ann", None)), PREPARED, "pixels")


def write(cls: type[RDBStorage], storage: Any, trial_id: int) -> FrozenTrial:
    """Everything that a trial stores, by the methods of this class; some of it twice."""
    wide, named = FloatDistribution(1e-4, 1.0, log=True), CategoricalDistribution(["relu", "gelu"])
    cls._set_trial_param(storage, trial_id, "rate", 0.1234567890123456, wide, wide)
    cls._set_trial_param(storage, trial_id, "activation", 1.0, named, named)
    for step, value in enumerate((0.5, math.nan, math.inf, -math.inf, 0.1 + 0.2), 1):
        cls.set_trial_intermediate_value(storage, trial_id, step, value)
    cls.set_trial_intermediate_value(storage, trial_id, 1, 0.75)
    for attribute in ("first", {"ü": [1, None, 2.5]}):
        cls.set_trial_user_attr(storage, trial_id, "history", attribute)
        cls.set_trial_system_attr(storage, trial_id, "rung", attribute)
    return cast(FrozenTrial, storage.get_trial(trial_id))


def test_it_stores_what_optuna_stores(opened: optuna.Study) -> None:
    storage = cast(Any, opened._storage)._backend
    ours, theirs = (write(cls, storage, opened.ask()._trial_id) for cls in (QuickStorage, RDBStorage))
    assert ours.params == theirs.params == {"rate": 0.1234567890123456, "activation": "gelu"}
    assert ours.distributions == theirs.distributions
    assert repr(ours.intermediate_values) == repr(theirs.intermediate_values)
    assert ours.intermediate_values[1] == 0.75
    assert ours.user_attrs == theirs.user_attrs == {"history": {"ü": [1, None, 2.5]}}
    assert ours.system_attrs == theirs.system_attrs


def test_a_trial_that_has_ended_is_not_changed(opened: optuna.Study) -> None:
    storage = cast(Any, opened._storage)._backend
    trial = opened.ask()
    opened.tell(trial, 0.5)
    before, number = storage.get_trial(trial._trial_id), trial._trial_id
    wide = FloatDistribution(0.0, 1.0)
    for change, more in (
        (storage.set_trial_intermediate_value, (1, 0.5)),
        (storage.set_trial_user_attr, ("seed", 1)),
        (storage.set_trial_system_attr, ("rung", 1)),
    ):
        with pytest.raises(UpdateFinishedTrialError):
            change(number, *more)
    storage._set_trial_param(number, "rate", 0.5, wide, wide)
    assert storage.get_trial(number) == before
    with pytest.raises(KeyError):
        storage.set_trial_user_attr(number + 1000, "seed", 1)
    with pytest.raises(ValueError, match="different distribution kind"):
        storage._set_trial_param(number, "rate", 0.5, wide, CategoricalDistribution([1]))


def test_parameters_are_written_together_with_whatever_comes_next(opened: optuna.Study) -> None:
    """Also where the server was away in between."""
    trial, asked = opened.ask(), list[str]()
    for name in ("a", "b", "c"):
        opened.ask().suggest_float(name, 0, 1)
    storage = cast(Any, opened._storage)._backend
    event.listen(storage.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    chosen = {name: trial.suggest_float(name, 0, 1) for name in ("a", "b", "c")}
    assert asked == []
    url, storage._at_once = storage._at_once, create_engine("postgresql+psycopg://nobody@127.0.0.1:9/nothing")
    with pytest.raises(OperationalError):
        storage._write_params()
    storage._at_once = url
    trial.report(0.5, 1)
    assert [statement.split()[2] for statement in asked] == ["trial_params", "trial_intermediate_values"]
    assert storage.get_trial(trial._trial_id).params == chosen


def test_an_epoch_and_an_attribute_are_a_statement_each(opened: optuna.Study) -> None:
    trial, asked = opened.ask(), list[str]()
    opened.ask().suggest_float("rate", 0, 1)
    storage = cast(Any, opened._storage)._backend
    event.listen(storage.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    opened._storage.set_trial_param(trial._trial_id, "rate", 0.5, FloatDistribution(0, 1))
    trial.report(0.5, 1)
    trial.set_user_attr("seed", 1)
    assert [statement.split()[2] for statement in asked if statement.startswith("INSERT")] == [
        "trial_params",
        "trial_intermediate_values",
        "trial_user_attributes",
    ]
    assert len(asked) <= 4, asked
