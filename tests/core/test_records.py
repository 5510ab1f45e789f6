"""records.py: frozen dataclasses to JSON and back, with types and versions checked; newer ones refused."""

import contextlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from catwalk.core import records
from catwalk.core.paths import Paths
from catwalk.core.records import NewerRecordError, RecordError
from catwalk.submission import submission_names
from tests.conftest import DONE_TRIALS, Run, run_catwalk


@dataclass(frozen=True)
class Part:
    name: str
    share: float


@dataclass(frozen=True)
class Whole:
    SCHEMA_VERSION: ClassVar[int] = 2

    count: int
    interval: tuple[float, float]
    parts: tuple[Part, ...]
    choice: dict[str, Any]
    versions: dict[str, str]
    best: float | None
    note: str = ""
    plan: tuple[int, ...] = ()


WHOLE = Whole(3, (0.5, 1.0), (Part("a", 0.25), Part("b", 0.75)), {"depth": 2, "on": True}, {"x": "1"}, None)
CONTENT = records.encode(WHOLE)


def test_there_and_back() -> None:
    assert list(CONTENT) == [
        "schema_version", "count", "interval", "parts", "choice", "versions", "best",
    ], "in the class's order, without what is left at its default"  # fmt: skip
    assert CONTENT["schema_version"] == 2
    assert CONTENT["parts"] == [{"name": "a", "share": 0.25}, {"name": "b", "share": 0.75}]
    assert records.decode(Whole, json.loads(json.dumps(CONTENT)), "x.json") == WHOLE
    more = Whole(0, (0.0, 0.0), (), {}, {}, 0.5, "said", (1, 2))
    assert records.decode(Whole, json.loads(json.dumps(records.encode(more))), "x.json") == more


def test_an_older_version_is_read_and_unknown_keys_are_not() -> None:
    for content in ({**CONTENT, records.KEY: 1}, {**CONTENT, "colour": "red"}):
        assert records.decode(Whole, content, "x.json") == WHOLE
    assert records.decode(Whole, {**CONTENT, "interval": [0.5, 1]}, "x.json") == WHOLE, "1 is a float too"


@pytest.mark.parametrize("version", [3, 99, "2.0", None, 1.5])
def test_a_newer_version_is_one_line(version: object) -> None:
    with pytest.raises(NewerRecordError) as error:
        records.decode(Whole, {records.KEY: version}, "x.json")
    assert str(error.value) == (
        f"x.json: written by a newer version of catwalk (schema version {version}, this one reads up to 2): "
        "update catwalk: git pull, then make setup "
        "(in a notebook: attach or upload the newer wheel or notebook in place of the older one)"
    )
    assert error.value.exit_code == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"count": "3"}, "count has an unexpected value"),
        ({"count": True}, "count has an unexpected value"),
        ({"count": None}, "count has an unexpected value"),
        ({"interval": [0.5]}, "interval has an unexpected value"),
        ({"interval": [0.5, "1"]}, "interval[1] has an unexpected value"),
        ({"interval": 0.5}, "interval has an unexpected value"),
        ({"parts": [{"name": "a"}]}, "parts[0].share is missing"),
        ({"parts": ["a"]}, "parts[0] has an unexpected value"),
        ({"choice": []}, "choice has an unexpected value"),
        ({"versions": {"x": 1}}, "versions.x has an unexpected value"),
        ({"best": "0.5"}, "best has an unexpected value"),
        ({"plan": [1, 2.5]}, "plan[1] has an unexpected value"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(RecordError) as error:
        records.decode(Whole, {**CONTENT, **change}, "x.json")
    assert str(error.value) == said


@pytest.mark.parametrize("content", [None, [], "", 3, {}])
def test_what_is_no_record(content: object) -> None:
    with pytest.raises(RecordError, match=r"^it has an unexpected value$|^count is missing$"):
        records.decode(Whole, content, "x.json")


@pytest.fixture
def done(digits_done: tuple[Path, Run], tmp_path: Path) -> Paths:
    """A project with a study, a submission and its score; the talk is still to be made."""
    paths = Paths(tmp_path / "project", "digits")
    shutil.copytree(digits_done[0], paths.root)
    assert run_catwalk(paths.root, "score", *DIGITS).returncode == 0
    for made in (paths.talk(only(paths)), paths.notebook(only(paths))):
        made.unlink()
    return paths


def only(paths: Paths) -> str:
    """The one submission's name."""
    (name,) = submission_names.names(paths)
    return name


def newer_json(file: Path) -> None:
    content = json.loads(file.read_text())
    (content[0] if isinstance(content, list) else content).update(schema_version=99)
    file.write_text(json.dumps(content))


def newer_progress(paths: Paths) -> None:
    content = json.loads(paths.progress.read_text())
    for entry in content.values():
        entry["schema_version"] = 99
    paths.progress.write_text(json.dumps(content))


def newer_look(paths: Paths) -> None:
    with paths.looks.open("a") as file:
        file.write('{"schema_version": 99, "who": "me"}\n')


def newer_trial(paths: Paths) -> None:
    change = "UPDATE trial_user_attributes SET value_json = 99 WHERE trial_id = 3 AND key = 'schema_version'"
    with contextlib.closing(sqlite3.connect(paths.study_db)) as database, database:
        assert database.execute(change).rowcount == 1


DIGITS = ("--competition", "digits")
SEARCH = ("search", *DIGITS, "--trials", str(DONE_TRIALS))
NEW = ("predict", *DIGITS, "--name", "new")


@pytest.mark.parametrize(
    ("change", "stages", "said"),
    [
        (
            lambda paths: newer_json(paths.recipe(only(paths))),
            [(stage, *DIGITS) for stage in ("score", "report", "reproduce", "leaderboard")],
            "submissions/digits/{}.json",
        ),
        (
            lambda paths: newer_json(paths.score(only(paths))),
            [(stage, *DIGITS) for stage in ("leaderboard", "report")],
            "submissions/digits/{}/score.json",
        ),
        (
            lambda paths: newer_json(paths.snapshot(only(paths))),
            [("report", *DIGITS)],
            "submissions/digits/{}/trials.json",
        ),
        (newer_progress, [SEARCH, NEW], "data/digits/study/progress.json"),
        (newer_look, [("score", *DIGITS)], "data/digits/prepared/looks.jsonl"),
        (newer_trial, [NEW], "trial 2 of the study"),
    ],
)
def test_what_a_newer_catwalk_wrote_is_one_line(
    done: Paths, change: Callable[[Paths], None], stages: list[tuple[str, ...]], said: str
) -> None:
    change(done)
    files = [path for path in done.root.rglob("*") if path.is_file()]
    # SQLite's header changes whenever it is opened.
    before = {path: path.read_bytes() for path in files if not path.name.startswith(done.study_db.name)}
    for stage in stages:
        run = run_catwalk(done.root, *stage)
        assert (run.returncode, run.stderr.count("\n")) == (2, 1), run.stderr
        newer = "written by a newer version of catwalk (schema version 99, "
        assert f"{said.format(only(done))}: {newer}" in run.stderr
        assert "update catwalk: git pull, then make setup" in run.stderr
        assert len(run.stderr) <= 300
    assert {path: path.read_bytes() for path in before} == before, "nothing was changed"
