"""Submit: uploads a checked submission to a Kaggle competition, once, and waits for its score."""

import hashlib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from catwalk.core import locks
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.data import kaggle_client, kaggle_errors, kaggle_names, prepare
from catwalk.data.competition import Competition
from catwalk.data.kaggle_client import Sent
from catwalk.data.kaggle_names import Page
from catwalk.submission import recipe, submission_csv
from catwalk.submission.recipe import Recipe, Upload

ASK_SECONDS = 3.0  # between two looks for the score
WAIT_SECONDS = 300.0  # for the score, at most
FAR = 2.0  # widths of the forecast's interval: a public score is of a part of the rows, so it scatters more
LEAST = 0.02  # what is nearer to the interval than this is not far

Say = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """What was asked for.

    Attributes:
        to: name, or a page's address, of another Kaggle competition.
        assignment: id of the course's exercise, where it goes to its grader.
        dry: show it only.
        yes: don't ask.
        force: send bytes that were sent before.
    """

    to: str | None = None
    assignment: str | None = None
    dry: bool = False
    yes: bool = False
    force: bool = False


def run(paths: Paths, competition: Competition, name: str, request: Request, say: Say) -> None:
    """Show what goes where, ask, send, and wait for the score; recipe and leaderboard keep it.

    Args:
        paths: the competition's.
        competition: whose TOML may name the Kaggle competition.
        name: of the submission.
        request: where to, and whether it asks before.
        say: takes lines for people.

    Raises:
        UserError: there is nowhere to send it, the file is not what the competition wants, no submission is
            left, nobody could be asked, or Kaggle refuses it.
        NetworkError: Kaggle can't be reached or failed.
    """
    parcel = _packed(paths, competition, name, request.to)
    before = _sent_before(paths, parcel)
    if before is not None and not request.force:
        say(f"submit: the same bytes were sent before, as ref {before[1].ref}; FORCE=1 sends them again")
        _await_score(paths, parcel.page, *before, say)
        return
    quota = kaggle_client.quota(parcel.page)
    with locks.locked(paths.submissions, wait=True):
        there = None if request.force else _there(parcel)
        if there is not None:
            say(f"submit: Kaggle has these bytes, as ref {there.ref}; FORCE=1 sends them again")
        else:
            _show(parcel, quota, say)
        if request.dry:
            say("submit: DRY=1, nothing was sent")
            return
        entry = there
        if entry is None:
            _check(parcel.page, quota)
            confirm(request.yes)
            entry = _sent(paths, parcel)
            say(f"submit: sent, ref {entry.ref}")
        recipe.add_upload(paths, name, entry)
    _await_score(paths, parcel.page, name, entry, say)


@dataclass(frozen=True)
class Parcel:
    """A checked submission, and where it goes.

    Attributes:
        name: of the submission.
        made: its recipe.
        page: of the Kaggle competition.
        digest: sha256 of the CSV.
    """

    name: str
    made: Recipe
    page: Page
    digest: str


def _packed(paths: Paths, competition: Competition, name: str, to: str | None) -> Parcel:
    page = kaggle_names.of_submissions(competition, to)
    if page is None:
        raise UserError(
            f"{competition.title} has no Kaggle competition to send to (a dataset without a leaderboard)",
            fix="make score scores it here; TO=<slug> names a competition, as your class's own",
        )
    made = recipe.read(paths, name)
    csv = paths.submission(name)
    submission_csv.read(csv, prepare.load(paths, made.seed).test_ids, competition)
    return Parcel(name, made, page, hashlib.sha256(csv.read_bytes()).hexdigest())


def _there(parcel: Parcel) -> Upload | None:
    """What the recipe keeps of bytes that Kaggle has already, of another machine or after a lost answer."""
    for one in kaggle_client.sent(parcel.page):
        if parcel.digest[:12] in one.description:
            return Upload(parcel.page.name, parcel.digest, None, one.ref, None)
    return None


def _sent(paths: Paths, parcel: Parcel) -> Upload:
    """Send it; what the recipe keeps of that."""
    now = datetime.now(UTC)
    description = f"catwalk {parcel.name} {parcel.digest[:12]} {now:%Y%m%dT%H%M%S}"
    ref = kaggle_client.upload(parcel.page, paths.submission(parcel.name), description)
    return Upload(parcel.page.name, parcel.digest, None, ref, now.isoformat(timespec="seconds"))


def _sent_before(paths: Paths, parcel: Parcel) -> tuple[str, Upload] | None:
    """Submission and entry of the latest time that these bytes were sent there."""
    found = None
    for name, made in recipe.known(paths, submission_csv.names(paths)).items():
        for entry in made.sent:
            if (entry.to, entry.sha256) == (parcel.page.name, parcel.digest):
                found = name, entry
    return found


def _show(parcel: Parcel, quota: kaggle_client.Quota, say: Say) -> None:
    made = parcel.made
    low, high = made.forecast.interval
    say(
        f"submit: {parcel.name}.csv ({made.test_rows:,} rows, {made.validation.accuracy:.4f} "
        f"on validation, forecast {low:.4f} to {high:.4f})"
    )
    say(
        f"  to {parcel.page.address}: {quota.left} submission"
        f"{'s' if quota.left != 1 else ''} left today, {quota.today} made"
    )


def _check(page: Page, quota: kaggle_client.Quota) -> None:
    if quota.left:
        return
    if not quota.total:
        raise UserError("no submission is allowed yet", fix=f"join and accept the rules at {page.rules}")
    now = datetime.now(UTC)
    minutes = 24 * 60 - (60 * now.hour + now.minute)
    raise UserError(
        f"no submission is left today ({quota.today} made)",
        fix=f"the count starts anew at 00:00 UTC, in {minutes // 60} h {minutes % 60} min",
    )


def confirm(yes: bool) -> None:
    """Go on only if somebody said yes.

    Raises:
        UserError: nobody could be asked, or the answer was no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UserError(
            "there is no terminal to ask at, so nothing was sent", fix="YES=1 sends without asking"
        )
    if input("send it? [y/N] ").strip().lower() not in ("y", "yes"):
        raise UserError("not sent", fix="make submit asks again")


def _await_score(paths: Paths, page: Page, name: str, entry: Upload, say: Say) -> None:
    """Ask for the score until it is there, and keep it."""
    made = recipe.read(paths, name)
    if entry.public is not None:
        say(f"  public score {entry.public:.4f}")
        _remark(entry.public, made, say)
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), TextColumn("  waiting for the score"), TimeElapsedColumn()
    with Progress(*columns, transient=True) as line:
        line.add_task("")
        found = _scored(page, entry.ref)
    if found is None or found.status == "pending":
        say("  Kaggle has not scored it yet: make submit looks again, and sends nothing twice")
        return
    if found.status == "error":
        reason = kaggle_errors.quoted(found.error) or "it gives no reason"
        raise UserError(
            f"Kaggle could not score ref {found.ref}: {reason}",
            fix=f"look at {page.address}/submissions",
        )
    recipe.add_upload(paths, name, replace(entry, public=found.public))
    public = "none shown" if found.public is None else f"{found.public:.4f}"
    said = made.validation.accuracy
    say(f"  public score {public}; validation said {said:.4f}: choose nothing by the public score")
    if found.public is not None:
        _remark(found.public, made, say)


def _remark(public: float, made: Recipe, say: Say) -> None:
    """A word on a score that is no accident: it lies outside the forecast by more than twice its width."""
    low, high = made.forecast.interval
    far = max(FAR * (high - low), LEAST)
    if low - far <= public <= high + far:
        return
    if public > high:
        why = "does the competition score accuracy, and are its test rows other rows than the training's?"
    else:
        why = "wrong ids, shuffled rows, or another competition's file? does it score accuracy?"
    side = "above" if public > high else "below"
    say(f"  that is far {side} the forecast, {low:.4f} to {high:.4f}: {why}")


def _scored(page: Page, ref: int) -> Sent | None:
    """The submission once it is scored, or as it is when the time is up."""
    end = time.monotonic() + WAIT_SECONDS
    while True:
        found = next((one for one in kaggle_client.sent(page) if one.ref == ref), None)
        if (found and found.status != "pending") or time.monotonic() > end:
            return found
        time.sleep(ASK_SECONDS)
