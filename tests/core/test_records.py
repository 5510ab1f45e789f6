"""records.py: frozen dataclasses to JSON and back, with types and versions checked."""

import json
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from catwalk.core import records
from catwalk.core.records import NewerRecordError, RecordError


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
    older = {key: value for key, value in CONTENT.items() if key != records.KEY}
    for content in (older, {**older, records.KEY: 1}, {**CONTENT, "colour": "red"}):
        assert records.decode(Whole, content, "x.json") == WHOLE
    assert records.decode(Whole, {**CONTENT, "interval": [0.5, 1]}, "x.json") == WHOLE, "1 is a float too"


@pytest.mark.parametrize("version", [3, 99, "2.0", None, 1.5])
def test_a_newer_version_is_one_line(version: object) -> None:
    with pytest.raises(NewerRecordError) as error:
        records.decode(Whole, {records.KEY: version}, "x.json")
    assert str(error.value) == (
        f"x.json: written by a newer version of catwalk (schema version {version}, this one reads up to 2): "
        "update catwalk: git pull, then make setup (in a notebook: install a newer wheel)"
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
