"""Class leaderboard: the ranks of graded teams, as a printed table, an HTML page and grades.csv."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catwalk.core.paths import atomic_write
from catwalk.data.competition import Competition
from catwalk.models import metrics

SIGNIFICANT = 0.05
SMALL = 0.0001  # of a smaller p-value only this is shown


@dataclass(frozen=True)
class Graded:
    """One team's result.

    Attributes:
        team: its name.
        file: the CSV.
        right: (different private pictures,) whether the answer is right; None where nothing could be scored.
        public, private: accuracy on the public and on the private rows.
        public_interval, interval: 95%, of the public and of the private accuracy, by different pictures.
        grade: from 0 to 1, where the competition says what gives full marks.
        note: why nothing could be scored, or a remark.
    """

    team: str
    file: str
    right: npt.NDArray[np.bool_] | None = None
    public: float = 0.0
    private: float = 0.0
    public_interval: tuple[float, float] = (0.0, 0.0)
    interval: tuple[float, float] = (0.0, 0.0)
    grade: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Row:
    """A line of the leaderboard.

    Attributes:
        place: teams with equal scores share it (1, 1, 3). None: not scored.
        team: the result.
        ahead: "yes" if the lead over the next team is significant, each picture counted once, else "not
            significant"; empty for the last one.
        p: how often such a difference occurs by chance; None for the last one.
    """

    place: int | None
    team: Graded
    ahead: str = ""
    p: float | None = None

    @property
    def shown_p(self) -> str:
        """``p`` with so many digits that they show on which side of ``SIGNIFICANT`` it is: "= 0.0498"."""
        p = self.p
        if p is None:
            return ""
        if p < SMALL:
            return f"< {SMALL:.4f}"
        texts = (f"{p:.{digits}g}" for digits in range(2, 18))  # with 17 it is p itself
        return "= " + next(text for text in texts if (float(text) < SIGNIFICANT) == (p < SIGNIFICANT))


def by_public(teams: list[Graded]) -> list[Row]:
    """The leaderboard during the competition: it reveals nothing about the private rows."""
    return _placed(teams, lambda team: team.public)


def by_private(teams: list[Graded]) -> list[Row]:
    """The final leaderboard, which also shows whether each lead over the next team is significant."""
    rows = _placed(teams, lambda team: team.private)
    return [_compared(row, after) for row, after in zip(rows, [*rows[1:], None], strict=True)]


def _placed(teams: list[Graded], score: Callable[[Graded], float]) -> list[Row]:
    """Rank the teams by score; teams without a score come last."""
    good = sorted((team for team in teams if team.right is not None), key=lambda t: (-score(t), t.team))
    scores = [score(team) for team in good]
    rows = [Row(1 + scores.index(score(team)), team) for team in good]
    return rows + [Row(None, team) for team in teams if team.right is None]


def _compared(row: Row, after: Row | None) -> Row:
    if after is None or row.team.right is None or after.team.right is None:
        return row
    found = metrics.mcnemar(after.team.right, row.team.right)
    # Places are by rows, as on Kaggle: on different pictures the next team may be the better one.
    is_ahead = found.difference > 0 and found.p < SIGNIFICANT
    return Row(row.place, row.team, "yes" if is_ahead else "not significant", found.p)


def write_grades(path: Path, rows: list[Row]) -> None:
    """Write all results as a CSV, for the instructor only; Excel needs the byte order mark to read an ü."""
    header = ["place", "team", "file", "public", "private", "private_low", "private_high", "grade",
              "ahead_of_next_p", "note"]  # fmt: skip
    with atomic_write(path) as aside, aside.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            team = row.team
            scores = ["", "", "", "", ""]
            if row.place is not None:
                numbers = (team.public, team.private, *team.interval)
                grade = "" if team.grade is None else f"{team.grade:.4f}"
                scores = [*(f"{number:.6f}" for number in numbers), grade]
            p = "" if row.p is None else f"{row.p:.6f}"
            words = [_cell(team.team), _cell(team.file)]
            writer.writerow([row.place or "", *words, *scores, p, _cell(team.note)])


def _cell(words: str) -> str:
    """Escape a text so that no spreadsheet reads it as a formula (OWASP, CSV injection)."""
    return f"'{words}" if words.startswith(("=", "+", "-", "@")) else words


def write_page(path: Path, rows: list[Row], competition: Competition, note: str, *, final: bool) -> None:
    """Write the HTML page for the class."""
    from catwalk.report.html import render

    html = render("class_leaderboard.html.j2", title=competition.title, rows=rows, note=note, final=final)
    with atomic_write(path) as aside:
        aside.write_text(html, encoding="utf-8")


def table(rows: list[Row], *, final: bool) -> list[str]:
    """One line per team for the terminal; private scores only in the final leaderboard."""
    wide = max(len(row.team.team) for row in rows)
    private = "  private  95% interval   ahead of the next   " if final else ""
    lines = [f"place  {'team':{wide}s}  public  95% interval {private}".rstrip()]
    for row in rows:
        team = row.team
        if row.place is None:
            lines.append(f"    -  {team.team:{wide}s}  {team.note}")
            continue
        private = ""
        if final:
            low, high = team.interval
            ahead = "" if row.p is None else f"{row.ahead} (p {row.shown_p})"
            private = f"  {team.private:.4f}   {low:.4f}-{high:.4f}  {ahead:28s}"
        low, high = team.public_interval
        public = f"{team.public:.4f}  {low:.4f}-{high:.4f}"
        lines.append(f"{row.place:5d}  {team.team:{wide}s}  {public}{private}  {team.note}".rstrip())
    return lines
