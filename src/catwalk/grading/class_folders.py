"""Class folders: whose file is it? Assigns to teams what a learning platform or an instructor collected.

Supports Moodle's ``Name_123_assignsubmission_file`` (before Moodle 4.1 with another ``_`` at the end; without
an id for a group), nbgrader's ``submitted/<student>/<assignment>`` and
``<student>+<assignment>+<time>`` of its exchange, and simply one file or folder per team.
"""

import re
from dataclasses import dataclass

from catwalk.grading.submitted_archives import Entry, printable

# The folder, or the beginning of the file's name if Moodle was set to make no folders.
MOODLE = re.compile(r"(?P<name>.+?)(?:_(?P<id>\d+))?_assignsubmission_[a-z]+(?:_(?P<file>.*))?")
NBGRADER_INBOUND = re.compile(r"(?P<name>[^+]+)\+[^+]+\+\d{4}-\d\d-\d\d .*")
NBGRADER_FOLDERS = {"submitted", "source", "release", "autograded", "feedback", "solution", "gradebook.db"}
NBGRADER_TIME = "timestamp.txt"
HAND_INS = (".csv", ".zip", ".gz", ".tsv", ".xlsx", ".xls", ".ods", ".7z", ".rar")
CSV_ENDING = re.compile(r"\.(csv|zip|gz|tsv|txt)$", re.IGNORECASE)
ENDING = re.compile(r"\.(7z|[a-z]\w{0,6})$", re.IGNORECASE)
ONE_TEAM_S = re.compile(  # typical names of one team's files and folders, but not of teams
    r"(?<![a-z])(submission|sample|train|test|attempt|version|final|pred|prediction|result|answer|try|v)s?"
    r"(?![a-z])|20\d\d-\d\d-\d\d|^(data|src|code|out|output|notebooks?|models?)$",
    re.IGNORECASE,
)
ANSWER = re.compile(r"(my|final)?[ _-]*(submission|prediction|pred|result|answer)s?", re.IGNORECASE)
MOST_OF_ONE_TEAM = 5
# With the number behind it, as in submission_2; the one before it may be a team's, as in team2_submission.
NUMBERED = re.compile(rf"(?:{ONE_TEAM_S.pattern})[\W\d_]*", re.IGNORECASE)
BETWEEN = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Team:
    """One team and its files.

    Attributes:
        name: made safe to print; no two teams have the same.
        entries: its files and folders, with paths below its own folder.
    """

    name: str
    entries: tuple[Entry, ...]


def teams(entries: list[Entry]) -> list[Team]:
    """Group the entries by team."""
    entries = _without_wrapper(_without_full_folders(entries))
    if any(entry.parts[0] == "submitted" and len(entry.parts) > 3 for entry in entries):
        below = [_cut(one, 1) for one in entries if one.parts[0] == "submitted" and len(one.parts) > 1]
        entries = below + [one for one in entries if one.parts[0] not in NBGRADER_FOLDERS]
    found: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        (name, tag), own = _owned(entry)
        times = 1
        while own.parts == entry.parts and any(own.parts == one.parts for one in found.get((name, tag), [])):
            times += 1  # a zip may hold two files of one name
            tag = str(times)
        found.setdefault((name, tag), []).append(own)
    return _named(found)


def stem(name: str) -> str:
    """A file's name without its suffix or suffixes (.csv.gz)."""
    short = name
    while (cut := CSV_ENDING.sub("", short)) and cut != short:
        short = cut
    return short if short != name else ENDING.sub("", name) or name


def _cut(entry: Entry, count: int) -> Entry:
    return Entry(entry.parts[count:], entry.modified, entry.opener)


def _owned(entry: Entry) -> tuple[tuple[str, str], Entry]:
    """The team (name, and a tag to distinguish teams of that name), and the entry below its folder."""
    for i, part in enumerate(entry.parts):
        moodle = MOODLE.fullmatch(part)
        if moodle:
            beside = (moodle["file"],) if moodle["file"] else ()
            own = Entry((*beside, *entry.parts[i + 1 :]), entry.modified, entry.opener)
            return (moodle["name"], moodle["id"] or ""), own
    first = entry.parts[0]
    inbound = NBGRADER_INBOUND.fullmatch(first)
    if inbound:
        return (inbound["name"], ""), entry
    if len(entry.parts) > 1 or entry.opener is None:
        return (first, ""), _cut(entry, 1)
    return (stem(first), ""), entry


def _shown(name: str) -> str:
    return printable(name) or "unnamed"


def _named(found: dict[tuple[str, str], list[Entry]]) -> list[Team]:
    """The teams; a number distinguishes teams of the same name."""
    shown = [_shown(name) for name, _ in found]
    made: dict[str, Team] = {}
    for (name, tag), entries in sorted(found.items(), key=lambda item: item[0]):
        plain = _shown(name)
        first = f"{plain} ({tag})" if tag and shown.count(plain) > 1 else plain
        unique, number = first, 1
        while unique in made:
            number += 1
            unique = f"{first} ({number})"
        made[unique] = Team(unique, tuple(entry for entry in entries if entry.parts))
    return list(made.values())


def _without_full_folders(entries: list[Entry]) -> list[Entry]:
    """The files and the empty folders."""
    full = {one.parts[:end] for one in entries if one.opener is not None for end in range(len(one.parts))}
    return [entry for entry in entries if entry.opener is not None or entry.parts not in full]


def _without_wrapper(entries: list[Entry]) -> list[Entry]:
    """The entries with their common top folder removed, such as that of a zip."""
    while entries and len({entry.parts[0] for entry in entries}) == 1 and not _is_one_team(entries):
        entries = [_cut(entry, 1) for entry in entries if len(entry.parts) > 1]
    return entries


def _is_one_team(entries: list[Entry]) -> bool:
    """Whether the only top folder belongs to one team, and does not contain all teams."""
    top = entries[0].parts[0]
    below = {entry.parts[1] for entry in entries if len(entry.parts) > 1}
    if "submitted" in below and top != "submitted":
        return False
    of_student = any(len(entry.parts) == 3 and entry.name == NBGRADER_TIME for entry in entries)
    if of_student or MOODLE.fullmatch(top) or NBGRADER_INBOUND.fullmatch(top):
        return True
    files = [entry for entry in entries if entry.opener is not None]
    if len({entry.parts[1:2] for entry in files}) == 1 and all(len(entry.parts) > 2 for entry in files):
        return _is_one_team([_cut(entry, 1) for entry in files])  # nested folders
    groups = {entry.parts[1] for entry in entries
              if len(entry.parts) > 1 and entry.name.lower().endswith(HAND_INS)}  # fmt: skip
    if any(MOODLE.fullmatch(group) for group in groups):
        return False
    return len(groups) < 2 or (len(groups) <= MOST_OF_ONE_TEAM and _are_one_team_s(groups))


def _are_one_team_s(groups: set[str]) -> bool:
    """Whether names are typical of one team's files; what else is in them may be the names of teams."""
    if not any(ONE_TEAM_S.search(group) for group in groups):
        return False
    rests = {BETWEEN.sub("", NUMBERED.sub("", stem(group))).casefold() for group in groups}
    return len(rests - {""}) < 2 or any(ANSWER.fullmatch(stem(group)) for group in groups)
