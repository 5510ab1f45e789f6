"""Submit: uploads a checked submission to a Kaggle competition, once, and waits for its score."""

import hashlib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from catwalk import kaggle_client, locks, prepare, recipe, submission
from catwalk.competition import Competition
from catwalk.errors import UserError
from catwalk.kaggle_client import Sent
from catwalk.paths import Paths

ASK_SECONDS = 3.0  # between two looks for the score
WAIT_SECONDS = 300.0  # for the score, at most

Say = Callable[[str], None]


def make(
    paths: Paths, competition: Competition, name: str, *, to: str | None, dry: bool, yes: bool, force: bool,
    say: Say,
) -> None:  # fmt: skip
    """Show what goes where, ask, send, and wait for the score; recipe and leaderboard keep it.

    Args:
        paths: the competition's.
        competition: whose TOML may name the Kaggle competition.
        name: of the submission.
        to: slug of another Kaggle competition.
        dry: show it only.
        yes: don't ask.
        force: send bytes that were sent before.
        say: takes lines for people.

    Raises:
        UserError: there is nowhere to send it, the file is not what the competition wants, no submission is
            left, nobody could be asked, or Kaggle refuses it.
        NetworkError: Kaggle can't be reached or failed.
    """
    parcel = _packed(paths, competition, name, to)
    before = _sent_before(paths, parcel)
    if before is not None and not force:
        say(f"submit: the same bytes were sent before, as ref {before[1]['ref']}; FORCE=1 sends them again")
        _await_score(paths, *before, say)
        return
    quota = kaggle_client.quota(parcel.slug)
    with locks.locked(paths.submissions, wait=True):
        there = None if force else _there(parcel)
        if there is not None:
            say(f"submit: Kaggle has these bytes, as ref {there['ref']}; FORCE=1 sends them again")
        else:
            _show(parcel, quota, say)
        if dry:
            say("submit: DRY=1, nothing was sent")
            return
        entry = there
        if entry is None:
            _check(parcel.slug, quota)
            asked(yes)
            entry = _sent(paths, parcel)
            say(f"submit: sent, ref {entry['ref']}")
        _record(paths, name, entry)
    _await_score(paths, name, entry, say)


@dataclass(frozen=True)
class Parcel:
    """A checked submission, and where it goes.

    Attributes:
        name: of the submission.
        content: its recipe.
        slug: of the Kaggle competition.
        digest: sha256 of the CSV.
    """

    name: str
    content: dict[str, Any]
    slug: str
    digest: str


def _packed(paths: Paths, competition: Competition, name: str, to: str | None) -> Parcel:
    slug = to or competition.kaggle_competition
    if slug is None:
        raise UserError(
            f"{competition.title} has no Kaggle competition to send to (its page is a dataset without a "
            "leaderboard): make score scores it here, TO=<slug> names a competition, as your class's own"
        )
    content = recipe.read(paths, name)
    csv = paths.submission(name)
    submission.read(csv, prepare.load(paths, content["seed"]).test_ids, competition)
    return Parcel(name, content, slug, hashlib.sha256(csv.read_bytes()).hexdigest())


def _there(parcel: Parcel) -> dict[str, Any] | None:
    """What the recipe keeps of bytes that Kaggle has already, of another machine or after a lost answer."""
    for one in kaggle_client.sent(parcel.slug):
        if parcel.digest[:12] in one.description:
            return {"to": parcel.slug, "sha256": parcel.digest, "public": None, "ref": one.ref, "time": None}
    return None


def _sent(paths: Paths, parcel: Parcel) -> dict[str, Any]:
    """Send it; what the recipe keeps of that."""
    now = datetime.now(UTC)
    description = f"catwalk {parcel.name} {parcel.digest[:12]} {now:%Y%m%dT%H%M%S}"
    ref = kaggle_client.upload(parcel.slug, paths.submission(parcel.name), description)
    time = now.isoformat(timespec="seconds")
    return {"to": parcel.slug, "sha256": parcel.digest, "public": None, "ref": ref, "time": time}


def _sent_before(paths: Paths, parcel: Parcel) -> tuple[str, dict[str, Any]] | None:
    """Submission and entry of the latest time that these bytes were sent there."""
    found = None
    for name, content in recipe.known(paths, submission.names(paths)).items():
        for entry in content.get("sent", []):
            if (entry["to"], entry["sha256"]) == (parcel.slug, parcel.digest):
                found = name, entry
    return found


def _show(parcel: Parcel, quota: kaggle_client.Quota, say: Say) -> None:
    content = parcel.content
    low, high = content["forecast"]["interval"]
    say(
        f"submit: {parcel.name}.csv ({content['test_rows']:,} rows, {content['validation']['accuracy']:.4f} "
        f"on validation, forecast {low:.4f} to {high:.4f})"
    )
    say(
        f"  to https://www.kaggle.com/competitions/{parcel.slug}: {quota.left} submission"
        f"{'s' if quota.left != 1 else ''} left today, {quota.today} made"
    )


def _check(slug: str, quota: kaggle_client.Quota) -> None:
    if quota.left:
        return
    if not quota.total:
        raise UserError(
            f"no submission is allowed yet: join and accept the rules at https://www.kaggle.com/competitions/{slug}"
        )
    now = datetime.now(UTC)
    minutes = 24 * 60 - (60 * now.hour + now.minute)
    raise UserError(
        f"no submission is left today ({quota.today} made): the count starts anew at 00:00 UTC, "
        f"in {minutes // 60} h {minutes % 60} min"
    )


def asked(yes: bool) -> None:
    """Go on only if somebody said yes.

    Raises:
        UserError: nobody could be asked, or the answer was no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UserError("there is no terminal to ask at, so nothing was sent: YES=1 sends without asking")
    if input("send it? [y/N] ").strip().lower() not in ("y", "yes"):
        raise UserError("not sent: make submit asks again")


def _record(paths: Paths, name: str, entry: dict[str, Any]) -> None:
    """Keep the entry in the recipe, in place of what was known of its ref."""
    content = recipe.read(paths, name)
    others = [one for one in content.get("sent", []) if one["ref"] != entry["ref"]]
    recipe.write(paths, name, {**content, "sent": [*others, entry]})


def _await_score(paths: Paths, name: str, entry: dict[str, Any], say: Say) -> None:
    """Ask for the score until it is there, and keep it."""
    if entry["public"] is not None:
        say(f"  public score {entry['public']:.4f}")
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), TextColumn("  waiting for the score"), TimeElapsedColumn()
    with Progress(*columns, transient=True) as line:
        line.add_task("")
        found = _scored(entry)
    if found is None or found.status == "pending":
        say("  Kaggle has not scored it yet: make submit looks again, and sends nothing twice")
        return
    if found.status == "error":
        raise UserError(
            f"Kaggle could not score ref {found.ref}: {found.error or 'it gives no reason'}: "
            f"look at https://www.kaggle.com/competitions/{entry['to']}/submissions"
        )
    _record(paths, name, {**entry, "public": found.public})
    said = recipe.read(paths, name)["validation"]["accuracy"]
    public = "none shown" if found.public is None else f"{found.public:.4f}"
    say(f"  public score {public}; validation said {said:.4f}: choose nothing by the public score")


def _scored(entry: dict[str, Any]) -> Sent | None:
    """The submission once it is scored, or as it is when the time is up."""
    end = time.monotonic() + WAIT_SECONDS
    while True:
        found = next((one for one in kaggle_client.sent(entry["to"]) if one.ref == entry["ref"]), None)
        if (found and found.status != "pending") or time.monotonic() > end:
            return found
        time.sleep(ASK_SECONDS)
