"""Submit: uploads a checked submission to a Kaggle competition, once, and waits for its score."""

import hashlib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from catwalk.core import locks, terminal
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.core.plurals import counted
from catwalk.data import kaggle_client, kaggle_errors, kaggle_names, prepare, test_labels
from catwalk.data.competition import Competition
from catwalk.data.kaggle_client import Sent
from catwalk.data.kaggle_names import Page
from catwalk.submission import made_before, recipe, submission_csv, submission_names
from catwalk.submission.recipe import Recipe, Upload

ASK_SECONDS = 3.0  # between two requests for the score
WAIT_SECONDS = 300.0  # for the score, at most
FAR = 2.0  # widths of the forecast's interval: a public score is of a part of the rows, so it scatters more
LEAST = 0.02  # closer to the interval than this is not far

Say = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """The options of ``make submit``.

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
    """Show what is sent where, ask, send, and wait for the score, which the recipe stores.

    Args:
        paths: the competition's.
        competition: whose TOML may name the Kaggle competition.
        name: of the submission.
        request: where to, and whether it asks before.
        say: takes lines for people.

    Raises:
        UserError: there is nowhere to send it, the file is of other test rows or is not what the competition
            wants, no submission is left, nobody could be asked, or Kaggle refuses it.
        NetworkError: Kaggle can't be reached or failed.
    """
    checked = _checked(paths, competition, name, request.to)
    before = _sent_before(paths, checked)
    if before is not None and not request.force:
        say(f"submit: this file was already sent, as ref {before[1].ref}; FORCE=1 sends it again")
        if not request.dry:
            _await_score(paths, checked.page, *before, say)
        return
    quota = kaggle_client.quota(checked.page)
    with locks.locked(paths.submissions, wait=True):
        there = None if request.force else _there(checked)
        if there is not None:
            say(f"submit: Kaggle already has this file, as ref {there.ref}; FORCE=1 sends it again")
        else:
            _show(checked, quota, say)
            _check_quota(checked.page, quota)  # a dry run finds it too
        if request.dry:
            say("submit: DRY=1, nothing was sent")
            return
        entry = there
        if entry is None:
            confirm(request.yes)
            entry = _sent(paths, checked)
            say(f"submit: sent, ref {entry.ref}")
        recipe.add_upload(paths, name, entry)
    _await_score(paths, checked.page, name, entry, say)


@dataclass(frozen=True)
class CheckedSubmission:
    """A checked submission and its destination.

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


def _checked(paths: Paths, competition: Competition, name: str, to: str | None) -> CheckedSubmission:
    page = kaggle_names.of_submissions(competition, to)
    if page is None:
        here = "run make score to score it here; " if test_labels.are_there(paths) else ""
        raise UserError(
            f"{paths.shown(paths.toml)} names no Kaggle competition",
            fix=f"{here}TO=<slug> names one, such as your class's own",
        )
    made = recipe.read(paths, name)
    prepared = prepare.load(paths, made.seed)
    made_before.require_these_rows(made, name, prepared)
    csv = paths.submission(name)
    submission_csv.read(csv, prepared.test_ids, competition)
    return CheckedSubmission(name, made, page, hashlib.sha256(csv.read_bytes()).hexdigest())


def _there(checked: CheckedSubmission) -> Upload | None:
    """The existing upload, if Kaggle already has this file (from another machine, or the reply was lost)."""
    for one in kaggle_client.sent(checked.page):
        if checked.digest[:12] in one.description:
            return Upload(checked.page.name, checked.digest, None, one.ref, None)
    return None


def _sent(paths: Paths, checked: CheckedSubmission) -> Upload:
    """Send it; returns the recipe's entry."""
    now = datetime.now(UTC)
    description = f"catwalk {checked.name} {checked.digest[:12]} {now:%Y%m%dT%H%M%S}"
    ref = kaggle_client.upload(checked.page, paths.submission(checked.name), description)
    return Upload(checked.page.name, checked.digest, None, ref, now.isoformat(timespec="seconds"))


def _sent_before(paths: Paths, checked: CheckedSubmission) -> tuple[str, Upload] | None:
    """Submission and entry of the latest upload of these bytes to the same place."""
    found = None
    for name, made in recipe.known(paths, submission_names.names(paths)).items():
        for entry in made.sent:
            if (entry.to, entry.sha256) == (checked.page.name, checked.digest):
                found = name, entry
    return found


def _show(checked: CheckedSubmission, quota: kaggle_client.Quota, say: Say) -> None:
    made = made_before.of_these_bytes(checked.made, checked.digest)
    known = f", validation accuracy {made.validation.accuracy:.4f}" if made.validation else ""
    if made.forecast is not None:
        low, high = made.forecast.interval
        known += f", forecast accuracy {low:.4f} to {high:.4f}"
    say(f"submit: {checked.name}.csv ({made.test_rows:,} rows{known})")
    if made is not checked.made:
        say(f"  {made_before.CHANGED}")
    say(f"  to {checked.page.address}: {counted(quota.left, 'submission')} left today, {quota.today} made")


def _check_quota(page: Page, quota: kaggle_client.Quota) -> None:
    if quota.left:
        return
    if quota.today and not quota.limited_by_total:
        now = datetime.now(UTC)
        minutes = 24 * 60 - (60 * now.hour + now.minute)
        raise UserError(
            f"no submission is left today ({quota.today} made)",
            fix=f"the count starts again at 00:00 UTC, in {minutes // 60} h {minutes % 60} min",
        )
    fix = f"look at {page.address}"
    if not quota.total and not quota.limited_by_total:  # as for everyone who has not joined
        fix = f"join and accept the rules at {page.rules}, unless the competition has ended"
    raise UserError("Kaggle allows no submission now", fix=fix)


def confirm(yes: bool) -> None:
    """Continue only if the user agrees.

    Raises:
        UserError: nobody could be asked, or the answer was no.
        KeyboardInterrupt: Ctrl-C or Ctrl-D instead of an answer.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UserError(
            "no terminal to ask for confirmation, so nothing was sent", fix="YES=1 sends without asking"
        )
    try:
        answer = terminal.ask("send it? [y/N] ")
    except KeyboardInterrupt:
        raise KeyboardInterrupt("stopped; nothing was sent") from None
    if answer.strip().lower() not in ("y", "yes"):
        raise UserError("not sent", fix="run make submit to be asked again")


def _await_score(paths: Paths, page: Page, name: str, entry: Upload, say: Say) -> None:
    """Wait for the score, and store it."""
    made = made_before.of_these_bytes(recipe.read(paths, name), entry.sha256)
    if entry.public is not None:
        say(f"  public score {entry.public:.4f}")
        _remark(entry.public, made, say)
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from catwalk.core.console import plain_console

    columns = SpinnerColumn(), TextColumn("  waiting for the score"), TimeElapsedColumn()
    with Progress(*columns, console=plain_console(), transient=True) as line:
        line.add_task("")
        found = _scored(page, entry.ref)
    if found is None or found.status == "pending":
        say("  Kaggle has not scored it yet: make submit checks again, and sends nothing twice")
        return
    if found.status == "error":
        reason = kaggle_errors.quoted(found.error) or "no reason given"
        raise UserError(
            f"Kaggle could not score ref {found.ref}: {reason}",
            fix=f"look at {page.address}/submissions",
        )
    recipe.add_upload(paths, name, replace(entry, public=found.public))
    public = "none shown" if found.public is None else f"{found.public:.4f}"
    said = f"; validation accuracy {made.validation.accuracy:.4f}" if made.validation else ""
    say(f"  public score {public}{said}: do not base any choice on it")
    if found.public is not None:
        _remark(found.public, made, say)


def _remark(public: float, made: Recipe, say: Say) -> None:
    """Warn about a score that is unlikely to be due to chance: far outside the forecast's interval."""
    if made.forecast is None:
        return
    low, high = made.forecast.interval
    far = max(FAR * (high - low), LEAST)
    if low - far <= public <= high + far:
        return
    if public > high:
        why = "does the competition score accuracy, and are its test rows different from the training rows?"
    else:
        why = "wrong ids, shuffled rows, or another competition's file? does it score accuracy?"
    side = "above" if public > high else "below"
    say(f"  that is far {side} the forecast, {low:.4f} to {high:.4f}: {why}")


def _scored(page: Page, ref: int) -> Sent | None:
    """Kaggle's entry once it is scored, or its state when the time is up."""
    end = time.monotonic() + WAIT_SECONDS
    while True:
        found = next((one for one in kaggle_client.sent(page) if one.ref == ref), None)
        if (found and found.status != "pending") or time.monotonic() > end:
            return found
        time.sleep(ASK_SECONDS)
