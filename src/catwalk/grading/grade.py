"""Grade: scores every team's CSV for the instructor, with a public and a private part."""

import os
import re
import secrets
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catwalk.core import edited_files
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths, atomic_write
from catwalk.data import duplicates, prepare, prepared_arrays, test_labels, toml_keys
from catwalk.data.competition import Competition
from catwalk.grading import class_leaderboard, solution, team_submissions
from catwalk.grading.class_leaderboard import Graded
from catwalk.grading.expected_csv import Expected
from catwalk.grading.solution import Solution
from catwalk.grading.submitted_archives import printable
from catwalk.grading.team_submissions import Chosen
from catwalk.models import metrics

PUBLIC = 0.3  # share of the test rows whose score is shown during the competition, as on Kaggle
PUBLIC_SOURCES = toml_keys.KEYS["sources"] - {"kaggle_competition"}  # they publish the test labels
NUMBERS = re.compile(r"([0-9]+)")
LONGEST_REMARK = 150  # with name and scores it fits into a line of 300
GUESSED = "no better than guessing: perhaps made from another SOURCE=, whose rows are in another order"

Say = Callable[[str], None]


def run(
    paths: Paths, competition: Competition, *, handed: Path, labels: Path | None, final: bool, say: Say
) -> None:
    """Score every team's CSV, and write the leaderboard (HTML) and the grades (CSV).

    What the instructor has changed in these since, such as remarks, is kept under another name.

    Args:
        paths: the competition's.
        competition: its labels, header, and full marks.
        handed: a folder or a zip of the teams' submissions.
        labels: a CSV of ids and true labels, with Kaggle's Usage column or without; None: the sealed ones.
        final: show the private scores as well.
        say: takes lines for people.

    Raises:
        UserError: there is nothing to score, or no labels.
    """
    given = None if labels is None else solution.read(labels, competition)
    expected = Expected.of(prepare.test_ids(paths) if given is None else given.ids, competition)
    if given is None and not test_labels.are_there(paths):
        raise UserError(
            "the test rows have no labels here",
            where=paths.competition,
            fix="set LABELS=<csv of ids and labels>",
        )
    if given is None:
        prepared_arrays.require_same_toml(paths, competition)
    # What may fail comes before the sealed labels are opened: no look is logged then.
    with team_submissions.opened(handed) as teams:
        chosen = {team.name: team_submissions.choose(team, expected) for team in teams}
    split = given is None or given.is_public is None
    drawn = _public_rows(paths, expected.ids) if split else None
    pictures = duplicates.of_test(paths, expected.ids)
    if given is None:
        truth = test_labels.open_labels(paths, "grade", f"{len(chosen)} teams").astype(np.int16)
        given = Solution(list(expected.ids), truth)
    if drawn is not None:
        given = replace(given, is_public=drawn, is_private=~drawn)
    graded = [_graded(team, one, given, pictures, competition) for team, one in chosen.items()]
    graded = _with_twins(graded, chosen)
    note = _of_labels(competition) if labels is None else ""
    rows = class_leaderboard.by_private(graded)
    shown = rows if final else class_leaderboard.by_public(graded)
    kept: list[str] = []
    with edited_files.rewrite(paths, paths.grades, kept.append) as aside:
        class_leaderboard.write_grades(aside, rows)
    with edited_files.rewrite(paths, paths.class_page, kept.append) as aside:
        class_leaderboard.write_page(aside, shown, competition, note, final=final)
    for line in class_leaderboard.table(shown, final=final):
        say(line)
    _say_summary(paths, graded, given, note, final=final, say=say)
    for line in kept:
        say(line)
    if split:
        say(f"  {paths.shown(paths.grade_secret)} decides which rows are public: keep it secret")


def _say_summary(
    paths: Paths, graded: list[Graded], given: Solution, note: str, *, final: bool, say: Say
) -> None:
    assert given.is_public is not None
    assert given.is_private is not None
    scored = sum(team.right is not None for team in graded)
    public, private = int(given.is_public.sum()), int(given.is_private.sum())
    ignored = len(given.ids) - public - private
    more = f", {ignored:,} ignored" if ignored else ""
    say(f"grade: {scored} of {len(graded)} teams scored, {public:,} rows public, {private:,} private{more}")
    if note:
        say(f"  {note}")
    what = "public and private" if final else "public; FINAL=1 shows the private scores"
    say(f"  {paths.shown(paths.class_page)} ({what}), {paths.shown(paths.grades)} (all scores: for you only)")


def _of_labels(competition: Competition) -> str:
    """A warning if the test labels are public."""
    if not PUBLIC_SOURCES & set(competition.sources):
        return ""
    return f"the test labels of {competition.title} are public, so ask the teams for their code too"


def _public_rows(paths: Paths, ids: Sequence[str]) -> npt.NDArray[np.bool_]:
    """(ids,) which rows are public: by the instructor's secret seed, made on first use.

    The rows are drawn from the sorted ids, so that the order of a CSV decides nothing.
    """
    if not paths.grade_secret.is_file():
        paths.grade.mkdir(parents=True, exist_ok=True)
        with atomic_write(paths.grade_secret) as path:
            opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(opened, "w") as file:
                file.write(secrets.token_hex(16) + "\n")
    try:
        seed = int(paths.grade_secret.read_text(encoding="ascii").strip(), 16)
    except ValueError:
        raise UserError(
            "the file is damaged", where=paths.shown(paths.grade_secret),
            fix="put back your copy of it; if you rename it instead, other rows will be public",
        ) from None  # fmt: skip
    by_id = np.array(sorted(range(len(ids)), key=lambda place: _in_order(ids[place])), np.intp)
    drawn = np.random.default_rng(seed).permutation(len(ids))[: round(PUBLIC * len(ids))]
    chosen = np.zeros(len(ids), bool)
    chosen[by_id[drawn]] = True
    return chosen


def _in_order(id_: str) -> tuple[list[str | int], str]:
    """What ids are sorted by: 2 before 10, and img_2.png before img_10.png, as in most test files."""
    pieces = NUMBERS.split(id_)  # text, number, text, ...
    return [int(piece) if i % 2 else piece for i, piece in enumerate(pieces)], id_


def _graded(
    team: str, one: Chosen, given: Solution, pictures: npt.NDArray[np.intp], competition: Competition
) -> Graded:
    """One team's scores, per row as on Kaggle; intervals and tests use distinct pictures."""
    if one.answers is None:
        return Graded(team, one.file, note=one.problem)
    assert given.is_public is not None
    assert given.is_private is not None
    right = one.answers.predicted == given.truth
    public, private = float(right[given.is_public].mean()), float(right[given.is_private].mean())
    grade = None if competition.full_marks is None else metrics.grade(private, competition.full_marks)
    _, once = np.unique(pictures[given.is_private], return_index=True)
    seen = max(1, len(np.unique(pictures[given.is_public])))  # there is none if there is one test row
    guessed = _of_guessing(right, given, pictures, competition)
    return Graded(
        team,
        one.file,
        right=right[given.is_private][np.sort(once)],
        public=public,
        private=private,
        public_interval=metrics.wilson(public, seen),
        interval=metrics.wilson(private, len(once)),
        grade=grade,
        note="; ".join(filter(None, (guessed, one.remark))),
    )


def _of_guessing(
    right: npt.NDArray[np.bool_], given: Solution, pictures: npt.NDArray[np.intp], competition: Competition
) -> str:
    """A remark if answers are no better than the most frequent class; of public rows, to tell of no others.

    Only where ids are the rows' numbers: real ones can't be in another order.
    """
    here = given.is_public
    if competition.id_column is not None or here is None or not here.any():
        return ""
    low, _ = metrics.wilson(float(right[here].mean()), len(np.unique(pictures[here])))
    return GUESSED if low <= np.bincount(given.truth[here]).max() / here.sum() else ""


def _with_twins(graded: list[Graded], chosen: dict[str, Chosen]) -> list[Graded]:
    """Add a remark to teams whose predictions are identical."""
    same: dict[bytes, list[str]] = defaultdict(list)
    for name, one in chosen.items():
        if one.answers is not None:
            same[_bytes(one)].append(name)
    noted = []
    for team in graded:
        alike = same[_bytes(chosen[team.team])]
        noted.append(_noted(team, [name for name in alike if name != team.team]))
    return noted


def _bytes(one: Chosen) -> bytes:
    return b"" if one.answers is None else one.answers.predicted.tobytes()


def _noted(team: Graded, twins: list[str]) -> Graded:
    """Add a remark that names the teams with the same predictions."""
    if team.right is None:
        return team
    others = "1 more team" if len(twins) == 3 else f"{len(twins) - 2} more teams"
    more = f" and {others}" if len(twins) > 2 else ""
    names = ", ".join(twins[:2]) + more if more else " and ".join(twins)
    remarks = (f"the same predictions as {names}" if twins else "", team.note)
    return replace(team, note=printable("; ".join(filter(None, remarks)), LONGEST_REMARK))
