"""trial_record.py: an ended trial from the study, its snapshot beside a submission, and trials.csv.

Also: epoch.py.
"""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from catwalk.core import records
from catwalk.core.paths import Paths
from catwalk.core.records import NewerRecordError, RecordError
from catwalk.models.epoch import Epoch
from catwalk.search import trial_record
from tests.support.records import trial_record as record_of

HISTORY = (Epoch(1, 2, 1.5, 0.4, 1.25, 0.5, 0.75), Epoch(2, 2, 1.0, 0.6, 0.9, 0.875, 1.5))
ATTRS: dict[str, Any] = {
    "kind": "beginner",
    "history": [records.encode(epoch) for epoch in HISTORY],
    "planned": 2,
    "seed": 100_000,
    "precision": "float32",
    "seconds": 1.5,
    "versions": {"catwalk": "0.1.0"},
}


def studied(**attrs: Any) -> optuna.trial.FrozenTrial:
    """A trial that a study gives back."""
    study = optuna.create_study(direction="maximize")
    study.add_trial(create_trial(state=TrialState.COMPLETE, value=0.875, user_attrs={**ATTRS, **attrs}))
    return study.trials[0]


def test_what_the_study_holds() -> None:
    made = trial_record.of(studied(schema_version=1))
    assert made == trial_record.of(studied()), "as of a study from before records had versions"
    assert (made.number, made.state, made.kind, made.value) == (0, "complete", "beginner", 0.875)
    assert made.history == HISTORY
    assert made.is_complete
    assert made.plan == (2, 2, 2)
    assert made.member is None
    with pytest.raises(
        NewerRecordError, match=r"^trial 0 of the study: written by a newer version of catwalk"
    ):
        trial_record.of(studied(schema_version=2))


def test_a_snapshot_is_read_as_it_was_written(tmp_path: Path) -> None:
    paths = Paths(tmp_path, "digits")
    trials = [
        trial_record.of(studied()),
        record_of(1, "pruned", None, ended="diverged: the loss is not finite", seconds=None),
        record_of(2, "complete", 0.5, history=HISTORY, member="ann", planned=3),
    ]
    trial_record.write_snapshot(paths, "one", trials)
    assert trial_record.read_snapshot(paths, "one") == trials
    first, second, third = json.loads(paths.snapshot("one").read_text())
    assert first["history"][1]["second"] == 1.5
    assert third["member"] == "ann"
    assert "member" not in second


@pytest.mark.parametrize("text", ["{}", "[3]", '[{"number": 1}]'])
def test_a_damaged_snapshot(tmp_path: Path, text: str) -> None:
    paths = Paths(tmp_path, "digits")
    paths.submission_folder("one").mkdir(parents=True)
    paths.snapshot("one").write_text(text)
    with pytest.raises(RecordError):
        trial_record.read_snapshot(paths, "one")


def test_an_epoch_is_kept_with_six_decimals() -> None:
    epoch = Epoch(1, 2, 1 / 3, 2 / 3, 1e-9, 0.5)
    assert epoch.rounded() == Epoch(1, 2, 0.333333, 0.666667, 0.0, 0.5)
    assert "second" not in records.encode(epoch)
    assert Epoch(**records.encode(replace(epoch, second=2.5))).second == 2.5


def test_records_and_messages_import_nothing_heavy() -> None:
    code = (
        "import sys; from catwalk.search import messages, progress, trial_record; "
        "from catwalk.models import epoch; "
        "print(sorted({'tensorflow', 'keras', 'optuna', 'pandas', 'sqlalchemy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
