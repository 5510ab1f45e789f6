"""Records: frozen dataclasses that are stored as JSON with a schema version.

A record's class states its version, ``SCHEMA_VERSION: ClassVar[int]``. Each class has one module that writes
and reads its file, by ``encode`` and ``decode``.
"""

import functools
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, ClassVar, Protocol, TypeVar, cast, get_args, get_origin, get_type_hints

from catwalk.core import advice
from catwalk.core.errors import UserError

KEY = "schema_version"


class Versioned(Protocol):
    """The class of a record, with its schema version."""

    SCHEMA_VERSION: ClassVar[int]


Record = TypeVar("Record", bound=Versioned)


class NewerRecordError(UserError):
    """The file was written by a newer version of catwalk."""


class RecordError(ValueError):
    """The JSON is not a valid record; the message names the invalid key."""


def encode(record: Any) -> dict[str, Any]:
    """Convert a record to JSON types, fields in order; those with their default value are left out."""
    known = getattr(type(record), "SCHEMA_VERSION", None)
    content: dict[str, Any] = {} if known is None else {KEY: known}
    for field in fields(record):
        value = getattr(record, field.name)
        if value != field.default:
            content[field.name] = _plain(value)
    return content


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return encode(value)
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return value


def decode(cls: type[Record], content: object, shown: str) -> Record:
    """Convert a file's JSON to a record of this class; unknown keys are ignored.

    Args:
        cls: the record's class.
        content: what ``json.loads`` returned.
        shown: the file, as a message shows it.

    Raises:
        NewerRecordError: a newer catwalk wrote it.
        RecordError: it is not a valid record.
    """
    check_version(cls, content, shown)
    return cast(Record, _value(cls, content, ""))


def check_version(cls: type[Versioned], content: object, shown: str) -> None:
    """Check that this catwalk knows a record's schema version; arguments and errors as for ``decode``."""
    version = content.get(KEY, 0) if isinstance(content, dict) else 0
    if not isinstance(version, int) or version > cls.SCHEMA_VERSION:
        raise NewerRecordError(
            f"written by a newer version of catwalk (schema version {str(version)[:20]}, "
            f"this one reads up to {cls.SCHEMA_VERSION})",
            where=shown,
            fix=advice.UPDATE,
        )


def _value(cls: Any, content: Any, key: str) -> Any:
    """Convert ``content`` to the type ``cls``; ``key`` is its place in the file, for messages."""
    arguments = get_args(cls)
    if cls is Any:
        return content
    if is_dataclass(cls):
        return _record(cls, content, key)
    if get_origin(cls) is UnionType:  # with None, the only kind of union that is used
        rest = next(one for one in arguments if one is not NoneType)
        return None if content is None else _value(rest, content, key)
    if get_origin(cls) is tuple and isinstance(content, list):
        classes = arguments[:1] * len(content) if arguments[-1] is Ellipsis else arguments
        if len(classes) == len(content):
            parts = zip(classes, content, strict=True)
            return tuple(_value(one, part, f"{key}[{i}]") for i, (one, part) in enumerate(parts))
    if get_origin(cls) is dict and isinstance(content, dict):
        return {name: _value(arguments[1], part, f"{key}.{name}") for name, part in content.items()}
    if cls is float and isinstance(content, int | float) and not isinstance(content, bool):
        return float(content)
    if cls in (int, str) and isinstance(content, cls) and not isinstance(content, bool):
        return content
    raise RecordError(f"{key or 'it'} has an unexpected value")


def _record(cls: Any, content: Any, key: str) -> Any:
    if not isinstance(content, dict):
        raise RecordError(f"{key or 'it'} has an unexpected value")
    known, inner = {}, f"{key}." if key else ""
    for name, hint, is_needed in _fields(cls):
        if name in content:
            known[name] = _value(hint, content[name], inner + name)
        elif is_needed:
            raise RecordError(f"{inner}{name} is missing")
    return cls(**known)


@functools.cache
def _fields(cls: Any) -> list[tuple[str, Any, bool]]:
    """The name and type of each field, and whether it is required."""
    hints = get_type_hints(cls)
    return [(field.name, hints[field.name], field.default is MISSING) for field in fields(cls)]
