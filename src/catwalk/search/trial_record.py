"""The trial record: the data of a trial that has ended, from the study or from a submission's trials.json.

In the study it is the trial's attributes, which ``trial.Objective`` sets; ``trials.csv`` is for reading only.
Optuna is imported only where the study is.
"""

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from catwalk.core import records
from catwalk.core.paths import Paths, atomic_write
from catwalk.models import space
from catwalk.models.epoch import Epoch

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial


PREDICTING = "predicting"  # the attribute with the seconds that the validation rows' predictions took
YOURS = "yours"  # the kind of a network of the user's own (``make try``)


@dataclass(frozen=True, kw_only=True)
class TrialRecord:
    """The record of a trial that has ended.

    Attributes:
        number: of the study.
        state: "complete", "pruned" or "failed".
        reason: why it failed.
        kind: where it comes from: a baseline, "quick", "portfolio ...", "search" or "yours".
        member: of the team, who ran it; None: the study is this folder's own.
        value: accuracy on the validation rows; None: it ended before its first epoch did.
        params: a choice from ``space.SPACE``.
        history: its epochs.
        planned: epochs at its beginning.
        seed, precision: of its training.
        seconds: that it took.
        ended: why it was pruned, if not by the pruner.
        versions: of the software that its results depend on.
    """

    SCHEMA_VERSION: ClassVar[int] = 1

    number: int
    state: str
    reason: str | None = None
    kind: str
    member: str | None = None
    value: float | None
    params: space.Params
    history: tuple[Epoch, ...]
    planned: int | None = None
    seed: int | None
    precision: str | None
    seconds: float | None
    ended: str | None
    versions: dict[str, str]

    @property
    def is_complete(self) -> bool:
        """Whether it was trained to its last epoch."""
        return self.state == "complete"

    @property
    def accuracy(self) -> float:
        """Its validation accuracy, or 0 if it has none."""
        return self.value or 0.0

    @property
    def plan(self) -> tuple[int, ...]:
        """How many epochs were planned at the start and after each epoch; see ``retrain.Task``."""
        after = tuple(epoch.epochs for epoch in self.history)
        return (self.planned or after[-1], *after)


def of(trial: "FrozenTrial") -> TrialRecord:
    """The record of a trial of the study that has ended.

    Raises:
        NewerRecordError: a newer catwalk ran it.
    """
    from catwalk.search import failed_trials

    attrs = trial.user_attrs
    records.check_version(TrialRecord, attrs, f"trial {trial.number} of the study")
    has_failed = trial.state.name == "FAIL"
    return TrialRecord(
        number=trial.number,
        state="failed" if has_failed else trial.state.name.lower(),
        reason=attrs.get(failed_trials.REASON, "its worker was gone") if has_failed else None,
        kind=attrs.get("kind", "search"),
        member=attrs.get("member"),
        value=trial.value,
        params=space.rounded(trial.params),
        history=tuple(Epoch(**epoch) for epoch in attrs.get("history", [])),
        planned=attrs.get("planned"),
        seed=attrs.get("seed"),
        precision=attrs.get("precision"),
        seconds=attrs.get("seconds"),
        ended=attrs.get("ended"),
        versions=attrs.get("versions", {}),
    )


def best_first(trials: Iterable[TrialRecord]) -> list[TrialRecord]:
    """Sort by validation accuracy; a tie goes to the earlier trial, as in ``study.complete``."""
    return sorted(trials, key=lambda trial: (-trial.accuracy, trial.number))


def of_study(opened: "optuna.Study") -> list[TrialRecord]:
    """All finished trials, by number."""
    from catwalk.search import study

    return [of(trial) for trial in study.finished(opened)]


def write_snapshot(paths: Paths, name: str, trials: list[TrialRecord]) -> None:
    """Write a submission's ``trials.json``: the trials that its study had at that time."""
    with atomic_write(paths.snapshot(name)) as path:
        path.write_text(json.dumps([records.encode(trial) for trial in trials]) + "\n", encoding="utf-8")


def read_snapshot(paths: Paths, name: str) -> list[TrialRecord]:
    """Read a submission's ``trials.json``.

    Raises:
        NewerRecordError: a newer catwalk wrote it.
        OSError, ValueError: it is missing or damaged.
    """
    file = paths.snapshot(name)
    content = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(content, list):
        raise records.RecordError("it is not a list of trials")
    return [records.decode(TrialRecord, one, paths.shown(file)) for one in content]


def write_table(file: Path, opened: "optuna.Study") -> None:
    """Write trials.csv: one row per trial that finished or failed for good, with its last epoch."""
    import pandas as pd
    from optuna.trial import TrialState

    from catwalk.search import retries, study

    trials, ended = opened.get_trials(deepcopy=False), (*study.FINISHED, TrialState.FAIL)
    repeated = retries.retried_trials(trials)
    rows = [_row(of(one)) for one in trials if one.state in ended and one.number not in repeated]
    with atomic_write(file) as path:
        pd.DataFrame(rows).to_csv(path, index=False)


def count_finished(file: Path) -> int:
    """How many trials a trials.csv lists as complete or pruned; 0 if it is missing or damaged."""
    try:
        with file.open(encoding="utf-8", newline="") as opened:
            return sum(row.get("state") in ("complete", "pruned") for row in csv.DictReader(opened))
    except (OSError, ValueError, csv.Error):
        return 0


def _row(record: TrialRecord) -> dict[str, Any]:
    last = records.encode(record.history[-1]) if record.history else {}
    row: dict[str, Any] = {"number": record.number, "state": record.state, "kind": record.kind}
    if record.member is not None:
        row["member"] = record.member
    row["validation_accuracy"] = record.value
    row |= {f"param_{name}": value for name, value in record.params.items()}
    row |= {key: last.get(key) for key in ("epoch", "epochs", "train_loss", "train_accuracy")}
    row |= {"validation_loss": last.get("loss"), "seed": record.seed, "precision": record.precision}
    row |= {f"version_{name}": value for name, value in record.versions.items()}
    return row | {"reason": record.reason, "seconds": record.seconds}
