"""Team submissions: chooses the file that counts among all files that a team submitted.

Of several files or attempts, the latest that can be scored counts, and a remark says so. Training rows do not
count; a sample submission only where it was filled in and no other CSV can be scored. An error in one team's
files affects that team only.
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
from catwalk.grading import attempt_order, class_folders, submitted_archives, team_csv
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
SPREADSHEETS = (".xlsx", ".xlsm", ".xls", ".ods", ".numbers")
HELPER = re.compile(  # other files beside a submission
    r".*sample.*|(x_?|y_?)?(train|test|val|valid|validation|labels?)([ _-]?(data|set|images|labels))?",
    re.IGNORECASE,
)


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
        found = class_folders.teams(_of_moodle_s_zip(entries, stack))
        if not found:
            raise UserError("it is empty", where=where, fix="put a file or folder per team there")
        yield found


def _of_moodle_s_zip(entries: list[Entry], stack: contextlib.ExitStack) -> list[Entry]:
    """The entries in Moodle's zip if it is all that is there, which would otherwise be one team's."""
    if len(entries) != 1 or entries[0].opener is None or not entries[0].name.lower().endswith(".zip"):
        return entries
    try:
        inner = stack.enter_context(submitted_archives.of_nested_zip(entries[0]))
    except RefusedError:  # which is that team's line
        return entries
    names = (part for one in inner for part in one.parts[len(entries[0].parts) :])
    return inner if any(class_folders.MOODLE.fullmatch(name) for name in names) else entries


def choose(team: Team, expected: Expected) -> Chosen:
    """Choose which of a team's files counts: the latest that can be scored."""
    with contextlib.ExitStack() as stack:
        files, refused = _expanded(team.entries, stack)
        is_alone = all(_is_helper(one) for one in files if _is_table(one))
        tried: list[_Tried] = []
        for group in _groups(files, tried):
            now = [_try(entry, expected) for entry in group]
            scored = [one for one in now if one.answers is not None
                      and (is_alone or _is_filled(one) or not _is_helper(one.entry))]  # fmt: skip
            if scored:
                best = next(filter(_is_filled, scored), scored[0])
                before = [one.error for one in now[: now.index(best)]]
                failed = [error for error in before if error is not None and error.has_columns]
                failed += _unread_later(best.entry, files, refused, expected)
                wrong = [one.error for one in tried if one.error is not None and _is_table(one.entry)]
                is_sample = _is_helper(best.entry) and not is_alone
                return _latest(best, scored, failed, wrong[0] if is_sample else None)
            tried += now
        for one in sorted(tried, key=lambda one: not (one.error and one.error.has_columns)):
            is_told = not one.entry.name or _is_table(one.entry)  # a folder, or a table
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


def _groups(files: list[Entry], tried: list[_Tried]) -> Iterator[list[Entry]]:
    """Groups of files to try, the most likely first; a group is tried if no earlier one could be scored.

    Args:
        files: the team's.
        tried: those of the earlier groups, by the time that the next one is asked for.
    """
    tables = [one for one in files if _is_table(one)]
    texts = [one for one in files if PurePosixPath(one.name).suffix.lower() in TEXTS
             and one.name != class_folders.NBGRADER_TIME]  # fmt: skip
    answers = [one for one in tables if not _is_helper(one)]
    yield attempt_order.newest_first(answers, files)[:MOST_TRIED]
    yield attempt_order.newest_first([one for one in texts if not _is_helper(one)], files)[:MOST_TRIED]
    if not answers or not any(one.error is not None and one.error.has_columns for one in tried):
        yield attempt_order.newest_first([one for one in tables if _is_helper(one)], files)[:MOST_TRIED]


def _is_table(entry: Entry) -> bool:
    return entry.name.lower().endswith(TABLES)


def _is_filled(one: _Tried) -> bool:
    """Whether there is more than one label, as in no sample."""
    return one.answers is not None and len(np.unique(one.answers.predicted)) > 1


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


def _unread_later(
    best: Entry, files: list[Entry], refused: list[tuple[Entry, str]], expected: Expected
) -> list[NotScoredError]:
    """The errors of zips that can't be read, and of spreadsheets, that are later than the best file."""
    reasons = {entry: reason for entry, reason in refused if not _is_helper(entry)}
    sheets = [one for one in files if one.name.lower().endswith(SPREADSHEETS) and not _is_helper(one)]
    ordered = attempt_order.newest_first([best, *reasons, *sheets[:MOST_TRIED]], files)
    found: list[NotScoredError] = []
    for one in ordered[: ordered.index(best)]:
        if one in reasons:
            found.append(NotScoredError(reasons[one], where=_shown(one), fix=expected.in_words))
        elif (error := _try(one, expected).error) is not None:
            found.append(error)
    return found


def _latest(
    best: _Tried, scored: list[_Tried], failed: list[NotScoredError], instead_of: NotScoredError | None
) -> Chosen:
    """The file that counts, with remarks on the team's others.

    Args:
        best: the latest that can be scored; one with only one label (a sample) is a last resort.
        scored: all that can be scored.
        failed: the errors of later files, the latest first.
        instead_of: the error of the latest other table, if the best one is only named like a sample.
    """
    assert best.answers is not None
    remarks = []
    others = [one for one in scored if one is not best and one.answers is not None
              and not np.array_equal(one.answers.predicted, best.answers.predicted)]  # fmt: skip
    if others:
        remarks.append(f"{len(others) + 1} files could be scored, the latest counts: {_shown(best.entry)}")
    if failed:
        remarks.append(f"a later file could not be scored: {_line(failed[0])}")
    if instead_of is not None:
        remarks.append(f"no other CSV could be scored: {_line(instead_of)}")
    if not _is_table(best.entry):
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


def _shown(entry: Entry) -> str:
    return printable("/".join(entry.parts))


def _line(error: UserError) -> str:
    return printable(str(error), LONGEST_LINE)
