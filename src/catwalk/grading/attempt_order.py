"""Attempt order: which of a team's files is the latest, by dates, version numbers or times."""

import re

from catwalk.grading import class_folders
from catwalk.grading.submitted_archives import Entry, RefusedError

DATE = re.compile(
    r"(?<!\d)(20\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?([0-3]\d)"
    r"(?:[T _.-]*([0-2]\d)[-_:.h]?([0-5]\d)(?:[-_:.]?([0-5]\d))?)?(?!\d)"
)
NUMBERS = re.compile(r"([0-9]+)")
# Possessive (*+): a name of many underscores would take minutes otherwise.
VERSION = re.compile(r"[\W_]*+(?:v|version|attempt|try)?[\W_]*+[0-9]+[\W_]*")


def newest_first(some: list[Entry], files: list[Entry]) -> list[Entry]:
    """Sort by date (of nbgrader or in the name) if all have one, else by version number, else by mtime."""
    if len(some) < 2:
        return some
    times = {one.parts[:-1]: _date_in(one) for one in files if one.name == class_folders.NBGRADER_TIME}
    dates = [_date(entry, times) for entry in some]
    names = [_plain(_outermost(entry.parts)) for entry in some]
    are_versions = len(set(names)) > 1 and len({VERSION.sub("", name) for name in names}) == 1

    def key(i: int) -> tuple[object, ...]:
        number = [int(part) for part in NUMBERS.split(names[i])[1::2]] if are_versions else []
        pieces = NUMBERS.split(_plain(some[i].parts))  # text, number, text, ...
        natural = [int(piece) if j % 2 else piece for j, piece in enumerate(pieces)]
        return dates[i] if all(dates) else (), number, some[i].modified, natural

    return [some[i] for i in sorted(range(len(some)), key=key, reverse=True)]


def _outermost(parts: tuple[str, ...]) -> tuple[str, ...]:
    """The path of the outermost zip that contains a file, or the file's own path."""
    ends = (i for i, part in enumerate(parts, start=1) if part.lower().endswith(".zip"))
    return parts[: next(ends, None)]


def _plain(parts: tuple[str, ...]) -> str:
    return "/".join((*parts[:-1], class_folders.stem(parts[-1]))).casefold()


def _date(entry: Entry, times: dict[tuple[str, ...], tuple[int, ...]]) -> tuple[int, ...]:
    """The submission date, from nbgrader's file or the file's name; () if there is none."""
    for end in range(len(entry.parts) - 1, -1, -1):
        if times.get(entry.parts[:end]):
            return times[entry.parts[:end]]
    return _date_of("/".join(entry.parts))


def _date_in(entry: Entry) -> tuple[int, ...]:
    try:
        return _date_of(entry.read(200).decode("ascii", errors="replace"))
    except RefusedError:
        return ()


def _date_of(text: str) -> tuple[int, ...]:
    found = DATE.search(text)
    return tuple(int(part or 0) for part in found.groups()) if found else ()
