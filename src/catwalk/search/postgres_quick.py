"""Quick storage: Optuna's storage with fewer round trips to a PostgreSQL server, which a trial waits for.

Optuna reads the trial and the old value first, by its object mapper and in a transaction: five round trips
to the server for each parameter, each epoch and each attribute, which were two thirds of all. Here the one
statement checks the same. Where it changes nothing, Optuna's own method follows and raises the error. What
only reads needs no transaction: PostgreSQL's usual ones would see others' changes between two queries too.
A trial's parameters wait for each other: one round trip writes all that were suggested one after the other,
but for each one's first value in a process, which Optuna compares with what the study has.
"""

import functools
import json
from collections.abc import Callable, Sequence
from typing import Any

from optuna.distributions import BaseDistribution, check_distribution_compatibility, distribution_to_json
from optuna.storages import RDBStorage
from optuna.storages._rdb import models
from optuna.trial import TrialState
from sqlalchemy import Executable, bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import scoped_session, sessionmaker


def _statement(model: Any, by: str) -> Executable:
    """Insert a row, or change the one with the same ``by``, of a trial that has not ended."""
    table, trials = model.__table__, models.TrialModel.__table__
    columns = [column for column in table.columns if not column.primary_key]
    given = [bindparam(column.name, type_=column.type).label(column.name) for column in columns]
    state = trials.c.state  # "in" would not do for several rows at once
    has_not_ended = (state == TrialState.RUNNING) | (state == TrialState.WAITING)
    row = select(*given).where(trials.c.trial_id == bindparam("trial_id"), has_not_ended)
    added = insert(table).from_select(columns, row, include_defaults=False)
    values = {
        column.name: added.excluded[column.name] for column in columns if column.name not in ("trial_id", by)
    }
    return added.on_conflict_do_update(index_elements=["trial_id", by], set_=values)


_PARAM = _statement(models.TrialParamModel, "param_name")
_EPOCH = _statement(models.TrialIntermediateValueModel, "step")
_USER_ATTR = _statement(models.TrialUserAttributeModel, "key")
_SYSTEM_ATTR = _statement(models.TrialSystemAttributeModel, "key")


# RDBStorage's methods that only read.
READING = (
    "get_study_id_from_name", "get_study_name_from_id", "get_study_directions", "get_study_user_attrs",
    "get_study_system_attrs", "get_trial_user_attrs", "get_trial_system_attrs", "get_all_studies",
    "get_trial_param", "get_trial_id_from_study_id_trial_number", "get_trial", "_get_trials",
    "_get_best_trial_id", "_get_stale_trial_ids",
)  # fmt: skip


class QuickStorage(RDBStorage):  # type: ignore[misc]  # its types are not read
    """Optuna's storage with quicker reads and writes."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._params: list[dict[str, Any]] = []  # suggested, not written yet
        self._at_once = self.engine.execution_options(isolation_level="AUTOCOMMIT", preserve_rowcount=True)
        self._reader = RDBStorage.__new__(RDBStorage)  # the same storage, whose sessions have no transactions
        vars(self._reader).update(vars(self))
        self._reader.scoped_session = scoped_session(sessionmaker(bind=self._at_once))

    def _set_trial_param(
        self,
        trial_id: int,
        param_name: str,
        param_value_internal: float,
        distribution: BaseDistribution,
        previous_distribution: BaseDistribution | None,
    ) -> None:
        if previous_distribution is None:
            self._write_params()
            super()._set_trial_param(trial_id, param_name, param_value_internal, distribution, None)
            return
        check_distribution_compatibility(previous_distribution, distribution)
        row = {"trial_id": trial_id, "param_name": param_name, "param_value": param_value_internal}
        self._params.append({**row, "distribution_json": distribution_to_json(distribution)})

    def _write_params(self) -> None:
        """Write the parameters that wait; if their trial has ended, what comes next says so."""
        if self._params:
            with self._at_once.connect() as connection:
                connection.execute(_PARAM, self._params)
            self._params.clear()  # not before they are written: it may have to be tried again

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        self._write_params()
        return bool(super().set_trial_state_values(trial_id, state, values))

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        represented = models.TrialIntermediateValueModel.intermediate_value_to_stored_repr(intermediate_value)
        row = dict(zip(("intermediate_value", "intermediate_value_type"), represented, strict=True))
        if not self._write(_EPOCH, trial_id, {"step": step, **row}):
            super().set_trial_intermediate_value(trial_id, step, intermediate_value)

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        if not self._write(_USER_ATTR, trial_id, {"key": key, "value_json": json.dumps(value)}):
            super().set_trial_user_attr(trial_id, key, value)

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        if not self._write(_SYSTEM_ATTR, trial_id, {"key": key, "value_json": json.dumps(value)}):
            super().set_trial_system_attr(trial_id, key, value)

    def _write(self, statement: Executable, trial_id: int, row: dict[str, Any]) -> bool:
        """Whether the trial has not ended, and the row is written."""
        self._write_params()
        with self._at_once.connect() as connection:
            return bool(connection.execute(statement, {"trial_id": trial_id, **row}).rowcount == 1)


def _read(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def reading(self: QuickStorage, *arguments: Any, **named: Any) -> Any:
        self._write_params()
        return method(self._reader, *arguments, **named)

    return reading


for _name in READING:
    setattr(QuickStorage, _name, _read(getattr(RDBStorage, _name)))
