"""Team submissions: chooses the file that counts among all files that a team submitted.

Of several files or attempts, the latest that can be scored counts, and a remark says so. A sample submission
or training rows do not count. An error in one team's files affects that team only.
"""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from catwalk.core import advice
from catwalk.core.errors import UserError
from catwalk.data import file_kind
from catwalk.grading import class_folders, submitted_archives, team_csv
from catwalk.grading.class_folders import Team
from catwalk.grading.expected_csv import Expected, NotScoredError
from catwalk.grading.submitted_archives import Entry, RefusedError, printable
from catwalk.grading.team_csv import Answers

MOST_TRIED = 50  # files per team that are read
MOST_ZIPS = 10  # per team; each may be read into memory
DEEPEST = 3  # nesting level of zips
LONGEST_LINE = 220  # of a team's message; with its name it fits into a line of 300
TABLES = (".csv", ".gz")
TEXTS = ("", ".txt", ".tsv", ".dat", ".text")
HELPER = re.compile(  # other files beside a submission
    r".*sample.*|(x_?|y_?)?(train|test|val|valid|validation|labels?)([ _-]?(data|set|images|labels))?",
    re.IGNORECASE,
)
DATE = re.compile(
    r"(?<!\d)(20\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?([0-3]\d)"
    r"(?:[T _.-]*([0-2]\d)[-_:.h]?([0-5]\d)(?:[-_:.]?([0-5]\d))?)?(?!\d)"
)
NUMBERS = re.compile(r"([0-9]+)")
VERSION = re.compile(r"[\W_]*(v|version|attempt|try)?[\W_]*[0-9]+[\W_]*")


@dataclass(frozen=True)
class Chosen:
    """The one file of a team that is graded.

    Attributes:
        file: its name, made safe to print.
        answers: its predictions; None if nothing can be scored.
        problem: why nothing can be scored, for the student.
        remark: a further remark.
    """

    file: str
    answers: Answers | None = None
    problem: str = ""
    remark: str = ""


@dataclass(frozen=True)
class _Tried:
    """A file that was read."""

    entry: Entry
    answers: Answers | None
    error: NotScoredError | None


@contextlib.contextmanager
def opened(source: Path) -> Iterator[list[Team]]:
    """The files of all teams, readable within the ``with`` block.

    Args:
        source: a folder or a zip.

    Raises:
        UserError: it is neither, or it is empty.
    """
    where = f"SUBMISSIONS={source}"
    with contextlib.ExitStack() as stack:
        try:
            if source.is_dir():
                entries = submitted_archives.of_folder(source)
            elif source.is_file():
                file = stack.enter_context(source.open("rb"))
                entries = stack.enter_context(submitted_archives.of_zip(file))
            else:
                raise UserError("neither a folder nor a zip", where=where, fix=advice.CHOOSE_ONE)
        except RefusedError as error:
            raise UserError(str(error), where=where, fix="give a folder or a complete zip") from None
        except OSError as error:
            raise UserError(
                f"can't be read ({error.strerror})", where=where, fix="choose another file or folder"
            ) from None
        found = class_folders.teams(entries)
        if not found:
            raise UserError("it is empty", where=where, fix="put a file or folder per team there")
        yield found


def choose(team: Team, expected: Expected) -> Chosen:
    """Choose which of a team's files counts: the latest that can be scored."""
    with contextlib.ExitStack() as stack:
        files, refused = _expanded(team.entries, stack)
        tried: list[_Tried] = []
        for group in _groups(files):
            now = [_try(entry, expected) for entry in group]
            scored = [one for one in now if one.answers is not None]
            if scored:
                return _latest(scored, now)
            tried += now
        for one in sorted(tried, key=lambda one: not (one.error and one.error.has_columns)):
            is_told = not one.entry.name or one.entry.name.lower().endswith(TABLES)  # a folder, or a table
            if one.error and (is_told or one.error.has_columns or len(files) == 1):
                return Chosen(_shown(one.entry), problem=_line(one.error))
        for entry, reason in refused:
            return _told(entry, reason, expected)
        return _nothing(files, expected)


def _expanded(
    entries: tuple[Entry, ...], stack: contextlib.ExitStack
) -> tuple[list[Entry], list[tuple[Entry, str]]]:
    """All files, also those in zips; and the zips that can't be read, with the reason."""
    files: list[Entry] = []
    refused: list[tuple[Entry, str]] = []
    zips = 0
    rest = [(entry, 0) for entry in entries if entry.opener is not None]
    while rest:
        entry, depth = rest.pop()
        if not entry.name.lower().endswith(".zip"):
            files.append(entry)
            continue
        try:
            zips += 1
            if depth == DEEPEST or zips > MOST_ZIPS:
                raise RefusedError("too many zips, or zips nested too deeply")
            inner = stack.enter_context(submitted_archives.of_nested_zip(entry))
            rest += [(one, depth + 1) for one in inner if one.opener is not None]
            if not inner:
                raise RefusedError("an empty zip")
        except RefusedError as error:
            refused.append((entry, str(error)))
        if len(files) + len(rest) > submitted_archives.MOST_ENTRIES:
            refused.append((entry, f"more than {submitted_archives.MOST_ENTRIES:,} files"))
            break
    return files, refused


def _groups(files: list[Entry]) -> Iterator[list[Entry]]:
    """Groups of files to try, the most likely first; a group is tried if no earlier one could be scored."""
    tables = [one for one in files if one.name.lower().endswith(TABLES)]
    texts = [one for one in files if PurePosixPath(one.name).suffix.lower() in TEXTS
             and one.name != class_folders.NBGRADER_TIME]  # fmt: skip
    answers = [one for one in tables if not _is_helper(one)]
    yield _newest_first(answers, files)[:MOST_TRIED]
    yield _newest_first([one for one in texts if not _is_helper(one)], files)[:MOST_TRIED]
    if not answers:
        yield _newest_first([one for one in tables if _is_helper(one)], files)[:MOST_TRIED]


def _is_helper(entry: Entry) -> bool:
    return HELPER.fullmatch(class_folders.stem(entry.name)) is not None


def _try(entry: Entry, expected: Expected) -> _Tried:
    try:
        content = entry.read(expected.largest_file + 1)
        return _Tried(entry, team_csv.read(content, _shown(entry), expected), None)
    except NotScoredError as error:
        return _Tried(entry, None, error)
    except RefusedError as error:
        return _Tried(entry, None, NotScoredError(str(error), where=_shown(entry), fix=expected.in_words))


def _latest(scored: list[_Tried], tried: list[_Tried]) -> Chosen:
    """The latest file that can be scored; one with only one label (a sample) is a last resort."""
    real = [one for one in scored if one.answers is not None and len(np.unique(one.answers.predicted)) > 1]
    best = (real or scored)[0]
    assert best.answers is not None
    remarks = []
    others = [one for one in scored if one is not best and one.answers is not None
              and not np.array_equal(one.answers.predicted, best.answers.predicted)]  # fmt: skip
    if others:
        remarks.append(f"{len(others) + 1} files could be scored, the latest counts: {_shown(best.entry)}")
    before = tried[: tried.index(best)]
    failed = [one.error for one in before if one.error is not None and one.error.has_columns]
    if failed:
        remarks.append(f"a later file could not be scored: {_line(failed[0])}")
    if not best.entry.name.lower().endswith(TABLES):
        remarks.append("its name should end with .csv")
    if best.answers.remark:
        remarks.append(best.answers.remark)
    return Chosen(_shown(best.entry), best.answers, remark="; ".join(remarks))


def _told(entry: Entry, reason: str, expected: Expected) -> Chosen:
    error = NotScoredError(reason, where=_shown(entry), fix=expected.in_words)
    return Chosen(_shown(entry), problem=_line(error))


def _nothing(files: list[Entry], expected: Expected) -> Chosen:
    """Explain what was found instead of a CSV."""
    if not files:
        return Chosen("", problem=f"the folder is empty: {expected.in_words}")
    first = min(files, key=lambda one: (one.name == class_folders.NBGRADER_TIME, one.parts))
    if len(files) > 1:
        names = ", ".join(_shown(one) for one in sorted(files, key=lambda one: one.parts)[:3])
        return _told(first, f"{len(files)} files ({names}), none of them a CSV", expected)
    try:
        kind = file_kind.of(first.read(4096), first.name)
    except RefusedError as error:
        return _told(first, str(error), expected)
    if kind is None:
        return _told(first, "not a CSV", expected)
    problem = NotScoredError(f"this is {kind.what}", where=_shown(first), fix=kind.fix or expected.in_words)
    return Chosen(_shown(first), problem=_line(problem))


def _newest_first(some: list[Entry], files: list[Entry]) -> list[Entry]:
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


def _shown(entry: Entry) -> str:
    return printable("/".join(entry.parts))


def _line(error: UserError) -> str:
    return printable(str(error), LONGEST_LINE)
