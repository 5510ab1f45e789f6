"""Grade: the instructor's side. Every team's CSV against the labels, with a public and a private part."""

import csv
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catwalk import handed_in, metrics, prepare, sealed, submission
from catwalk.competition import Competition
from catwalk.errors import UserError
from catwalk.handed_in import HandedIn
from catwalk.paths import Paths, written_aside

PUBLIC = 0.3  # share of the test rows whose score is shown while teams still hand in, as on Kaggle
TOLD_APART = 0.05
SLACK = 4  # a CSV may be so many times as long as the shortest one that is right
PUBLIC_SOURCES = {"kaggle_dataset", "debian", "keras", "sklearn"}  # they give the test labels to everybody

Say = Callable[[str], None]


@dataclass(frozen=True)
class Graded:
    """One team's result.

    Attributes:
        team: its name.
        file: the CSV.
        right: (private rows,) whether the answer is right; None where the file could not be scored.
        public, private: accuracy on the public and on the private rows.
        interval: 95%, of the private accuracy.
        grade: from 0 to 1, where the competition says what gives full marks.
        note: what is wrong with the file, or worth knowing.
    """

    team: str
    file: str
    right: npt.NDArray[np.bool_] | None = None
    public: float = 0.0
    private: float = 0.0
    interval: tuple[float, float] = (0.0, 0.0)
    grade: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Row:
    """A line of the leaderboard.

    Attributes:
        place: by private accuracy; teams that are equal share it. None: not scored.
        team: the result.
        ahead: of the next team: yes, or not told apart; empty for the last one.
        p: how often such a lead comes by chance; None for the last one.
    """

    place: int | None
    team: Graded
    ahead: str = ""
    p: float | None = None


def make(
    paths: Paths, competition: Competition, *, handed: Path, labels: Path | None, final: bool, say: Say
) -> None:
    """Score every team's CSV, and write the leaderboard (HTML) and the grades (CSV).

    Args:
        paths: the competition's.
        competition: its labels, header, and full marks.
        handed: a folder or a zip of what teams handed in.
        labels: a CSV of ids and true labels, as a submission has them; None: the sealed ones.
        final: show the private scores in the leaderboard as well.
        say: takes lines for people.

    Raises:
        UserError: there is nothing to score, or no labels.
    """
    if labels is None:
        ids = prepare.test_ids(paths)
    else:
        ids, truth = _labels_of(labels, competition)
    longest = max(len(str(label)) for label in competition.labels)
    most = SLACK * sum(len(one.encode()) + longest + 4 for one in ids) + 65_536
    found = handed_in.collect(handed, most)
    if labels is None:
        truth = sealed.open_labels(paths, "grade", f"{len(found)} teams")
    is_public = _public_rows(paths, len(ids))
    rows = ranked([_graded(one, ids, truth, is_public, competition) for one in found])
    note = _of_labels(competition) if labels is None else ""
    _write_grades(paths.grades, rows)
    _write_page(paths.leaderboard, rows, competition, note, final=final)
    for line in _table(rows):
        say(line)
    wrong = [row for row in rows if row.place is None]
    say(f"grade: {len(rows) - len(wrong)} of {len(rows)} teams scored, {is_public.sum():,} rows public, "
        f"{(~is_public).sum():,} private")  # fmt: skip
    if note:
        say(f"  {note}")
    what = "public and private" if final else "public; FINAL=1 shows the private ones"
    say(f"  {paths.shown(paths.leaderboard)} ({what}), {paths.shown(paths.grades)} (all)")
    say(f"  {paths.shown(paths.grade_secret)} decides which rows are public: keep it to yourself")


def _labels_of(path: Path, competition: Competition) -> tuple[list[str], npt.NDArray[np.uint8]]:
    """Ids and true classes out of the instructor's own CSV."""
    try:
        content = path.read_bytes()
        ids = [row[0] for row in csv.reader(content.decode("utf-8-sig").splitlines()) if row][1:]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"LABELS={path}: can't be read ({error}): give a CSV of ids and labels") from None
    if len(set(ids)) != len(ids) or not ids:
        raise UserError(f"LABELS={path}: each id must stand there once: mend the file")
    return ids, submission.parse(content, path.name, ids, competition)


def _of_labels(competition: Competition) -> str:
    """What everybody should know of the sealed labels."""
    if not PUBLIC_SOURCES & set(competition.sources):
        return ""
    return f"the test labels of {competition.title} are public, so ask for the code too"


def _public_rows(paths: Paths, rows: int) -> npt.NDArray[np.bool_]:
    """(rows,) which are public: by the instructor's secret, made the first time."""
    if not paths.grade_secret.is_file():
        paths.grade.mkdir(parents=True, exist_ok=True)
        with written_aside(paths.grade_secret) as path:
            opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(opened, "w") as file:
                file.write(secrets.token_hex(16) + "\n")
    try:
        seed = int(paths.grade_secret.read_text(encoding="ascii").strip(), 16)
    except ValueError:
        raise UserError(
            f"{paths.shown(paths.grade_secret)} is damaged: put back yours, or move it away"
        ) from None
    chosen = np.zeros(rows, bool)
    chosen[np.random.default_rng(seed).permutation(rows)[: round(PUBLIC * rows)]] = True
    return chosen


def _graded(
    one: HandedIn,
    ids: list[str],
    truth: npt.NDArray[np.uint8],
    is_public: npt.NDArray[np.bool_],
    competition: Competition,
) -> Graded:
    if one.content is None:
        return Graded(one.team, one.file, note=f"{one.file}: {one.wrong}")
    try:
        said = submission.parse(one.content, one.file, ids, competition)
    except UserError as error:
        return Graded(one.team, one.file, note=handed_in.printable(str(error), 160))
    right = said == truth
    public, private = float(right[is_public].mean()), float(right[~is_public].mean())
    grade = None if competition.full_marks is None else metrics.grade(private, competition.full_marks)
    interval = metrics.wilson(private, int((~is_public).sum()))
    return Graded(one.team, one.file, right[~is_public], public, private, interval, grade)


def ranked(teams: list[Graded]) -> list[Row]:
    """The leaderboard by the private rows; what could not be scored comes last."""
    good = sorted((t for t in teams if t.right is not None), key=lambda t: (-t.private, t.team))
    rows: list[Row] = []
    for i, team in enumerate(good):
        place = rows[-1].place if i and team.private == good[i - 1].private else i + 1
        if i + 1 == len(good):
            rows.append(Row(place, team))
            continue
        assert team.right is not None
        below = good[i + 1].right
        assert below is not None
        p = metrics.paired(below, team.right).p
        rows.append(Row(place, team, "yes" if p < TOLD_APART else "not told apart", p))
    return rows + [Row(None, team) for team in teams if team.right is None]


def _write_grades(path: Path, rows: list[Row]) -> None:
    header = ["place", "team", "file", "public", "private", "private_low", "private_high", "grade",
              "ahead_of_next_p", "note"]  # fmt: skip
    with written_aside(path) as aside, aside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            team = row.team
            scores = ["", "", "", "", ""]
            if row.place is not None:
                grade = "" if team.grade is None else f"{team.grade:.4f}"
                scores = [
                    f"{team.public:.6f}",
                    f"{team.private:.6f}",
                    *(f"{v:.6f}" for v in team.interval),
                    grade,
                ]
            p = "" if row.p is None else f"{row.p:.6f}"
            writer.writerow(
                [row.place or "", _cell(team.team), _cell(team.file), *scores, p, _cell(team.note)]
            )


def _cell(words: str) -> str:
    """A text that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    return f"'{words}" if words.startswith(("=", "+", "-", "@")) else words


def _write_page(path: Path, rows: list[Row], competition: Competition, note: str, *, final: bool) -> None:
    from catwalk.page import render

    shown = (
        rows if final else sorted(rows, key=lambda row: (row.place is None, -row.team.public, row.team.team))
    )
    html = render("leaderboard.html.j2", title=competition.title, rows=shown, note=note, final=final)
    with written_aside(path) as aside:
        aside.write_text(html, encoding="utf-8")


def _table(rows: list[Row]) -> list[str]:
    """A line a team."""
    wide = max(len(row.team.team) for row in rows)
    lines = [f"place  {'team':{wide}s}  public  private  95% interval   ahead of the next"]
    for row in rows:
        team = row.team
        if row.place is None:
            lines.append(f"    -  {team.team:{wide}s}  {team.note}")
            continue
        low, high = team.interval
        chance = (
            "" if row.p is None else f"{row.ahead} (p {'< 0.0001' if row.p < 1e-4 else f'= {row.p:.2g}'})"
        )
        lines.append(f"{row.place:5d}  {team.team:{wide}s}  {team.public:.4f}  {team.private:.4f}   "
                     f"{low:.4f}-{high:.4f}  {chance}")  # fmt: skip
    return lines
