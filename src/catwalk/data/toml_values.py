"""TOML values: each must have the type that its key needs, for converting it would be guesswork."""

from typing import Any, TypeVar

KINDS: dict[type, str] = {
    bool: "true or false", int: "an integer", str: "a string", list: "a list", dict: "a table"
}  # fmt: skip
Kind = TypeVar("Kind")


def typed(kind: type[Kind], value: object, key: str) -> Kind:
    """A value of the given type.

    Raises:
        TypeError: its type is a different one; all functions here raise this, two of them ValueError too.
    """
    if type(value) is not kind:
        raise TypeError(f"{key}: {value!r} is not {KINDS[kind]}")
    return value


def number(table: dict[str, Any], key: str) -> float | None:
    """A number, with or without a decimal point; None if the key is missing."""
    value = table.get(key)
    if value is not None and type(value) not in (int, float):
        raise TypeError(f"{key}: {value!r} is not a number")
    return None if value is None else float(value)


def listed(kind: type[Kind], value: object, key: str) -> tuple[Kind, ...]:
    return tuple(typed(kind, one, key) for one in typed(list, value, key))


def pair(kind: type[Kind], value: object, key: str, wrong: str) -> tuple[Kind, Kind]:
    """Two values.

    Raises:
        TypeError: it is no list of that type.
        ValueError: they are not two: ``wrong``.
    """
    values = listed(kind, value, key)
    if len(values) != 2:
        raise ValueError(wrong)
    return values[0], values[1]


def text(table: dict[str, Any], key: str) -> str | None:
    return typed(str, table[key], key) if key in table else None


def texts(table: dict[str, Any], key: str) -> dict[str, str]:
    return {name: typed(str, value, name) for name, value in typed(dict, table.get(key, {}), key).items()}


def choice(table: dict[str, Any], key: str, known: tuple[str, ...]) -> str:
    """One of the known words; the first if the key is missing.

    Raises:
        TypeError: it is not a string.
        ValueError: it is another word.
    """
    value = typed(str, table.get(key, known[0]), key)
    if value not in known:
        raise ValueError(f"{key}: {value!r} is not one of {', '.join(known)}")
    return value


def files(section: dict[str, Any], usage: str | None) -> tuple[str, str, float | None]:
    """The names of the train and the test file, and the share of the one file that is the test."""
    train = typed(str, section["train"], "train")
    if usage is not None:
        return train, typed(str, section.get("test", train), "test"), None
    if type(section["test"]) is float:
        return train, train, section["test"]
    return train, typed(str, section["test"], "test"), None
