"""test_labels.py: the test labels are read there alone, and every look is on record before it happens."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.core.records import NewerRecordError
from catwalk.data import test_labels


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(tmp_path, "digits")
    paths.sealed_labels.parent.mkdir(parents=True)
    np.save(paths.sealed_labels, np.array([3, 1, 4, 1, 5], np.uint8))
    return paths


def test_each_look_is_logged(paths: Paths) -> None:
    assert test_labels.looks(paths) == []
    for caller, name in (("score", "one"), ("grade", "team.csv")):
        labels = test_labels.open_labels(paths, caller, name)
        assert labels.tolist() == [3, 1, 4, 1, 5]
        assert labels.dtype == np.uint8
    looks = test_labels.looks(paths)
    assert [(look.caller, look.submission) for look in looks] == [
        ("score", "one"),
        ("grade", "team.csv"),
    ]
    for look in looks:
        ago = datetime.now(UTC) - datetime.fromisoformat(look.time)
        assert -1 < ago.total_seconds() < 60
        assert look.time.endswith("+00:00")
    lines = paths.looks.read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"schema_version": 1, **asdict(look)} for look in looks]


def test_a_look_that_fails_is_logged_too(paths: Paths) -> None:
    """What can't be read then was looked for all the same: the log comes first."""
    paths.sealed_labels.write_bytes(b"damaged")
    with pytest.raises(ValueError, match="pickle"):
        test_labels.open_labels(paths, "score", "one")
    assert len(test_labels.looks(paths)) == 1


def test_no_log_no_look(paths: Paths) -> None:
    paths.looks.mkdir()
    with pytest.raises(OSError, match="looks"):
        test_labels.open_labels(paths, "score", "one")


def test_blank_lines_are_no_looks(paths: Paths) -> None:
    test_labels.open_labels(paths, "score", "one")
    paths.looks.write_text(paths.looks.read_text() + "\n\n")
    test_labels.open_labels(paths, "score", "two")
    assert [look.submission for look in test_labels.looks(paths)] == ["one", "two"]


def test_a_damaged_line_still_counts(paths: Paths) -> None:
    """As a kill in the midst of writing leaves it; the next look has a line of its own."""
    test_labels.open_labels(paths, "score", "one")
    paths.looks.write_text(paths.looks.read_text() + '{"time": "2026-')
    test_labels.open_labels(paths, "score", "two")
    assert [look.submission for look in test_labels.looks(paths)] == ["one", "unknown", "two"]


def test_a_look_that_a_newer_catwalk_logged(paths: Paths) -> None:
    """Nobody looks until it can be counted."""
    test_labels.open_labels(paths, "score", "one")
    text = paths.looks.read_text() + '{"schema_version": 2, "who": "me"}\n'
    paths.looks.write_text(text)
    for reads in (lambda: test_labels.open_labels(paths, "score", "two"), lambda: test_labels.looks(paths)):
        with pytest.raises(NewerRecordError, match=r"looks\.jsonl: written by a newer version of catwalk"):
            reads()
    assert paths.looks.read_text() == text


def test_where_there_are_none(paths: Paths) -> None:
    assert test_labels.are_there(paths)
    paths.sealed_labels.unlink()
    assert not test_labels.are_there(paths)
    with pytest.raises(UserError, match="digits: the test rows have no labels, so there is no score"):
        test_labels.open_labels(paths, "score", "one")
    assert test_labels.looks(paths) == []
