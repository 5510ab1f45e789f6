"""submit.py and the submissions of kaggle_client.py: the real client against a server of our own."""

import os
import pty
import re
import shutil
import sys
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.data import kaggle_client, kaggle_names
from catwalk.submission import recipe, submission_names
from catwalk.submission import submit as submitting
from catwalk.submission.forecast import Forecast
from tests.conftest import Run, run_catwalk
from tests.support.kaggle_server import Fault, Kaggle, serving
from tests.support.records import made_recipe

SECRET = "s3cret-Value-of-the-key"  # noqa: S105
RULES = "accept the rules at https://www.kaggle.com/competitions/eight-open/rules"


@pytest.fixture
def paths(digits_done: tuple[Path, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """A finished project whose digits have a Kaggle competition."""
    shutil.copytree(digits_done[0], tmp_path / "project")
    toml = tmp_path / "project/competitions/digits.toml"
    toml.write_text(toml.read_text().replace("first_id = 1", 'first_id = 1\ncompetition = "eight-open"'))
    return Paths(tmp_path / "project", "digits")


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submitting, "ASK_SECONDS", 0.05)


def submit(paths: Paths, kaggle: Kaggle, *arguments: str, **more: str) -> Run:
    login = {"KAGGLE_USERNAME": "me", "KAGGLE_KEY": SECRET}
    with serving(kaggle):
        done = run_catwalk(
            paths.root, "submit", "--competition", "digits", *arguments,
            **{**kaggle.environment, "HOME": str(paths.root), **login, **more},
        )  # fmt: skip
    assert SECRET not in done.stdout + done.stderr
    return done


def kept(paths: Paths) -> list[dict[str, Any]]:
    (name,) = submission_names.names(paths)
    return [asdict(upload) for upload in recipe.read(paths, name).sent]


def test_the_good_way(paths: Paths) -> None:
    kaggle = Kaggle()
    done = submit(paths, kaggle, "--yes", VERBOSE="1")  # with it the client would print its login
    assert done.returncode == 0, done.stderr
    (name,) = submission_names.names(paths)
    assert kaggle.uploaded == [paths.submission(name).read_bytes()]
    assert (
        "to https://www.kaggle.com/competitions/eight-open: 4 submissions left today, 1 made" in done.stdout
    )
    assert "public score 0.9321; validation accuracy " in done.stdout
    (entry,) = kept(paths)
    assert (entry["to"], entry["ref"], entry["public"]) == ("eight-open", 4711, 0.9321)
    assert any(login.startswith("Basic ") for login in kaggle.logins)
    board = run_catwalk(paths.root, "leaderboard", "--competition", "digits")
    assert "0.9321" in board.stdout
    for path in paths.root.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path

    calls = len(kaggle.calls)
    again = submit(paths, kaggle, "--yes")
    assert "this file was already sent, as ref 4711; FORCE=1 sends it again" in again.stdout
    assert len(kaggle.calls) == calls
    forced = submit(paths, kaggle, "--yes", "--force")
    assert forced.returncode == 0
    assert [one["ref"] for one in kept(paths)] == [4711, 4712]


def test_a_file_that_kaggle_already_has_is_not_sent_again(paths: Paths) -> None:
    """As where it was sent from another machine: nothing here knows of it."""
    other = {"ref": 4710, "description": "by hand", "status": "COMPLETE", "publicScore": "0.50000"}
    kaggle = Kaggle(submissions=[other])
    first = submit(paths, kaggle, "--yes")
    assert first.returncode == 0, first.stderr
    (name,) = submission_names.names(paths)
    recipe.write(paths, name, replace(recipe.read(paths, name), sent=()))
    again = submit(paths, kaggle, "--yes")
    assert again.returncode == 0, again.stderr
    assert "submit: Kaggle already has this file, as ref 4712; FORCE=1 sends it again" in again.stdout
    assert len(kaggle.uploaded) == 1
    (entry,) = kept(paths)
    assert (entry["ref"], entry["public"], entry["time"]) == (4712, 0.9321, None)


def test_a_file_goes_once_to_each_competition(paths: Paths) -> None:
    """Under whatever name; that it was sent to another one does not count."""
    (name,) = submission_names.names(paths)
    by_hand = {"ref": 4710, "description": "by hand", "status": "COMPLETE", "publicScore": "0.50000"}
    first, second, third = Kaggle(), Kaggle(submissions=[by_hand]), Kaggle()
    for kaggle, to in ((first, ()), (second, ("--to", "class-of-26"))):
        done = submit(paths, kaggle, "--yes", *to)
        assert done.returncode == 0, done.stderr
        assert kaggle.uploaded == [paths.submission(name).read_bytes()]
    assert [(one["to"], one["ref"]) for one in kept(paths)] == [("eight-open", 4711), ("class-of-26", 4712)]
    shutil.copy(paths.submission(name), paths.submission("copy"))
    recipe.write(paths, "copy", replace(recipe.read(paths, name), sent=()))
    again = submit(paths, third, "--yes", "--submission", "copy")
    assert again.returncode == 0, again.stderr
    assert "submit: this file was already sent, as ref 4711; FORCE=1 sends it again" in again.stdout
    assert not third.calls


def test_a_dry_run_and_one_that_can_not_ask_send_nothing(paths: Paths) -> None:
    kaggle = Kaggle()
    dry = submit(paths, kaggle, "--dry")
    assert dry.returncode == 0
    assert "DRY=1, nothing was sent" in dry.stdout
    said = r" \(360 rows, validation accuracy [01]\.\d{4}, forecast accuracy 0\.\d{4} to [01]\.\d{4}\)"
    assert re.search(said, dry.stdout)
    unasked = submit(paths, kaggle)
    assert (unasked.returncode, unasked.stderr.count("\n")) == (2, 1)
    assert "YES=1 sends without asking" in unasked.stderr
    assert not kaggle.uploaded
    assert not kept(paths)


@pytest.mark.parametrize(
    ("limits", "said"),
    [((0, 0, 0), RULES), ((5, 9, 0), "no submission is left today (5 made)")],
    ids=["not joined", "used up"],
)
def test_a_dry_run_finds_that_nothing_can_be_sent(
    paths: Paths, limits: tuple[int, int, int], said: str
) -> None:
    kaggle = Kaggle(limits=limits)
    dry = submit(paths, kaggle, "--dry")
    assert (dry.returncode, dry.stderr.count("\n")) == (2, 1)
    assert said in dry.stderr
    assert "nothing was sent" not in dry.stdout
    assert not kaggle.uploaded


def test_a_dry_run_of_what_was_sent_does_not_wait_for_its_score(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submitting, "WAIT_SECONDS", 0)
    kaggle = Kaggle(scored={"status": "PENDING"})
    assert "Kaggle has not scored it yet" in submit(paths, kaggle, "--yes").stdout
    calls, before = len(kaggle.calls), kept(paths)
    dry = submit(paths, kaggle, "--dry")
    assert (dry.returncode, dry.stderr) == (0, "")
    assert dry.stdout == "submit: this file was already sent, as ref 4711; FORCE=1 sends it again\n"
    assert (len(kaggle.calls), kept(paths)) == (calls, before)


@pytest.mark.parametrize(
    ("typed", "code"), [("y\n", 0), ("\n", 2), ("\x04", 130)], ids=["y", "enter", "Ctrl-D"]
)
def test_a_terminal_is_asked(paths: Paths, typed: str, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    kaggle = Kaggle()
    ours, theirs = pty.openpty()
    os.write(ours, typed.encode())
    with os.fdopen(theirs) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        done = submit(paths, kaggle)
    os.close(ours)
    assert "send it? [y/N]" in done.stdout
    assert done.returncode == code, done.stderr
    assert not code or done.stderr.count("\n") == 1
    assert (done.stderr == "catwalk submit: stopped; nothing was sent\n") == (code == 130)
    assert len(kaggle.uploaded) == (code == 0)


def test_a_toml_that_names_no_competition(paths: Paths) -> None:
    toml = paths.root / "competitions/digits.toml"
    toml.write_text(toml.read_text().replace('competition = "eight-open"', ""))
    kaggle = Kaggle()
    done = submit(paths, kaggle, "--yes")
    said = "catwalk submit: competitions/digits.toml names no Kaggle competition: "
    scored = "run make score COMPETITION=digits to score it here; "
    other = "TO=<slug> names one, such as your class's own\n"
    assert (done.returncode, done.stderr) == (2, said + scored + other)
    paths.sealed_labels.rename(paths.sealed_labels.with_suffix(".away"))
    done = submit(paths, kaggle, "--yes")
    assert (done.returncode, done.stderr) == (2, said + other), "without labels there is no score"
    done = submit(paths, kaggle, "--yes", "--to", "class-of-26")
    assert done.returncode == 0, done.stderr
    assert kept(paths)[0]["to"] == "class-of-26"


@pytest.mark.parametrize(
    "to",
    [
        "https://www.kaggle.com/competitions/class-of-26/leaderboard?tab=public#top",
        "http://kaggle.com/c/class-of-26",
        "www.kaggle.com/competitions/class-of-26/",
        " class-of-26 ",
    ],
)
def test_to_takes_a_page_s_address(to: str) -> None:
    page = kaggle_names.contest(to, "TO=")
    assert page.address == "https://www.kaggle.com/competitions/class-of-26"


@pytest.mark.parametrize("name", ["GiveMeSomeCredit", "Kannada-MNIST"])
def test_some_competitions_have_capitals(name: str) -> None:
    site = kaggle_names.SITE
    for text in (name, f"{site}/c/{name}", f"{site}/competitions/{name}/data"):
        assert kaggle_names.contest(text, "TO=").name == name


def test_an_address_is_sent_to(paths: Paths) -> None:
    kaggle = Kaggle()
    done = submit(paths, kaggle, "--yes", "--to", "https://www.kaggle.com/competitions/class-of-26/data")
    assert done.returncode == 0, done.stderr
    assert kept(paths)[0]["to"] == "class-of-26"


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("Digit Recognizer", "is not the name of a competition on Kaggle: take it from the page's address"),
        ("Digit Recognizer", "<name>; perhaps digit-recognizer"),
        ("Titanic", "perhaps titanic"),
        ("", "'' is not the name"),
        ("digit_recognizer", "perhaps digit-recognizer"),
        ("https://www.kaggle.com/code/me/net", "kaggle.com/competitions/<name>\n"),
        ("me/eight", "is not the name"),
        ("../eight", "is not the name"),
        ("eight\x1b[31m", "'eight\\x1b[31m' is not the name"),
        ("x" * 3000, "xxx...' is not the name"),
        ("https://www.kaggle.com/competitions", "is not the name"),
        ("https://example.com/competitions/eight", "is not the name"),
        ("https://www.kaggle.com/t/0123456789abcdef", "is an invitation link: open it and join"),
        ("https://www.kaggle.com/datasets/zalando-research/fashionmnist", "is a dataset"),
    ],
)
def test_what_is_no_name_on_kaggle_is_refused_before_any_call(paths: Paths, to: str, said: str) -> None:
    kaggle = Kaggle()
    done = submit(paths, kaggle, "--yes", "--to", to)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert done.stderr.startswith("catwalk submit: TO=: ")
    assert said in done.stderr
    assert len(done.stderr) <= 300
    assert not kaggle.calls


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(404, "Not found"), 'TO=: Kaggle has no competition class-of-62 (404: "Not found")'),
        (Fault(403, "Permission 'competitions.participate' was denied"), "TO=: access denied (403: "),
    ],
)
def test_a_mistyped_to_is_blamed(paths: Paths, fault: Fault, said: str) -> None:
    """Where there is no competition of this name, Kaggle may answer as where its rules were not accepted."""
    kaggle = Kaggle(faults={"GetSubmissionLimits": replace(fault)})
    done = submit(paths, kaggle, "--yes", "--to", "class-of-62")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert said in done.stderr
    assert fault.message in done.stderr
    assert ("if there is no such page, correct the name" in done.stderr) == (fault.status == 403)
    assert "toml" not in done.stderr.lower()


@pytest.mark.parametrize(
    ("score", "said"),
    [("0.10278", "far below the forecast"), ("0.90000", ""), ("1.41421", "far above the forecast")],
)
def test_a_score_far_outside_of_the_forecast_gets_a_remark(paths: Paths, score: str, said: str) -> None:
    (name,) = submission_names.names(paths)
    made = recipe.read(paths, name)
    assert made.forecast is not None
    recipe.write(paths, name, replace(made, forecast=replace(made.forecast, interval=(0.88, 0.93))))
    kaggle = Kaggle(scored={"status": "COMPLETE", "publicScore": score})
    for _ in range(2):  # also when it is looked at once more
        done = submit(paths, kaggle, "--yes")
        assert done.returncode == 0, done.stderr
        assert ("far" in done.stdout) == bool(said)
        assert said in done.stdout
    assert ("wrong ids, shuffled rows" in done.stdout) == ("below" in said)


@pytest.mark.parametrize(
    ("interval", "near", "far"),
    [
        ((0.60, 0.65), (0.51, 0.74), (0.49, 0.76)),  # two widths of it
        ((0.600, 0.605), (0.585, 0.620), (0.575, 0.630)),  # of a narrow one: two points
    ],
)
def test_which_score_is_far(
    interval: tuple[float, float], near: tuple[float, float], far: tuple[float, float]
) -> None:
    made = made_recipe(forecast=Forecast(0.6, interval, 0.0))
    for scores, remarks in ((near, ["", ""]), (far, ["below", "above"])):
        for score, side in zip(scores, remarks, strict=True):
            said: list[str] = []
            submitting._remark(score, made, said.append)
            assert [line.split(" the forecast")[0] for line in said] == [f"  that is far {side}"] * bool(side)


Broken = tuple[Kaggle, int, str]


def failing(call: str, fault: Fault, code: int, said: str) -> Broken:
    return Kaggle(faults={call: fault}), code, said


BUSY = Fault(503, headers={"Retry_After": "0"}, times=9)
FAULTS: dict[str, Broken] = {
    "401": failing("GetSubmissionLimits", Fault(401), 2, "the API key from KAGGLE_USERNAME and KAGGLE_KEY"),
    "403": failing("StartSubmissionUpload", Fault(403), 2, RULES),
    "404": failing("GetSubmissionLimits", Fault(404), 2, "Kaggle has no competition eight-open (404"),
    "429": failing(
        "GetSubmissionLimits",
        Fault(429, "Too many requests", headers={"Retry_After": "0"}, times=9),
        3,
        'Kaggle limits how often it is asked (429: "Too many requests")',
    ),
    "quota used up": (
        Kaggle(limits=(5, 9, 0)),
        2,
        "no submission is left today (5 made): the count starts again",
    ),
    "used up for ever": (
        Kaggle(limits=(5, 100, 0), limited_by_total=True),
        2,
        "Kaggle allows no submission now: look at https://www.kaggle.com/competitions/eight-open\n",
    ),
    "none today": (Kaggle(limits=(0, 9, 0)), 2, "Kaggle allows no submission now: look at "),
    "not joined": (Kaggle(limits=(0, 0, 0)), 2, "join and accept the rules"),
    "refused": failing(
        "CreateSubmission", Fault(400, "Too many today"), 2, 'rejected the request (400: "Too many today")'
    ),
    "upload 500": failing(
        "PUT", Fault(500, times=9), 3, "the upload to Kaggle failed, nothing was submitted"
    ),
    "dropped": failing("CreateSubmission", Fault(0, times=9), 3, "the submission was not received"),
    "always busy": failing("GetSubmissionLimits", BUSY, 3, 'answer from Kaggle (status 503: "no")'),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_line(paths: Paths, fault: str) -> None:
    kaggle, code, said = FAULTS[fault]
    done = submit(paths, kaggle, "--yes")
    assert (done.returncode, done.stderr.count("\n")) == (code, 1), done.stdout + done.stderr
    assert said in done.stderr
    assert ("00:00" in done.stderr) == (fault == "quota used up")
    assert not kept(paths)


def test_when_the_count_starts_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=lambda zone: datetime(2026, 8, 1, 22, 45, 30, tzinfo=zone))
    monkeypatch.setattr(submitting, "datetime", clock)
    quota = kaggle_client.Quota(today=5, total=9, left=0, limited_by_total=False)
    with pytest.raises(UserError, match=r"\(5 made\): the count starts again at 00:00 UTC, in 1 h 15 min$"):
        submitting._check_quota(kaggle_names.contest("eight-open", "TO="), quota)


def test_a_scoring_error_tells_kaggle_s_reason_and_the_ref_is_kept(paths: Paths) -> None:
    kaggle = Kaggle(scored={"status": "ERROR", "errorDescription": "Row 3 is not a label"})
    done = submit(paths, kaggle, "--yes")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert 'could not score ref 4711: "Row 3 is not a label"' in done.stderr
    assert kept(paths)[0]["public"] is None


def test_an_answer_that_was_lost_is_looked_up(paths: Paths) -> None:
    kaggle = Kaggle(faults={"CreateSubmission": Fault(0, counts=True)})
    done = submit(paths, kaggle, "--yes")
    assert done.returncode == 0, done.stderr
    assert len(kaggle.submissions) == 1, "it was not sent twice"
    assert kept(paths)[0]["public"] == 0.9321


def test_an_older_submission_is_not_taken_for_one_that_was_lost(paths: Paths) -> None:
    by_hand = {"ref": 4710, "description": "by hand", "status": "COMPLETE", "publicScore": "0.50000"}
    kaggle = Kaggle(faults={"CreateSubmission": Fault(0, times=9)}, submissions=[by_hand])
    done = submit(paths, kaggle, "--yes")
    assert (done.returncode, done.stderr.count("\n")) == (3, 1), done.stdout + done.stderr
    assert "the submission was not received" in done.stderr
    assert not kept(paths)


def test_patience_as_kaggle_asks_for_it(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    waited = list[float]()
    monkeypatch.setattr(kaggle_client, "time", SimpleNamespace(sleep=waited.append))
    kaggle = Kaggle(faults={"ListSubmissions": Fault(429, headers={"Retry_After": "7"}, times=2)})
    done = submit(paths, kaggle, "--yes")
    assert done.returncode == 0, done.stderr
    assert waited == [7.0, 7.0]
    assert kept(paths)[0]["public"] == 0.9321


def test_a_damaged_submission_is_not_sent(paths: Paths) -> None:
    (name,) = submission_names.names(paths)
    rows = paths.submission(name).read_text().splitlines()
    paths.submission(name).write_text("\n".join(rows[:-1]) + "\n")
    kaggle = Kaggle()
    done = submit(paths, kaggle, "--yes")
    assert done.returncode == 2
    assert "359 rows below the header, 360 expected" in done.stderr
    assert not kaggle.calls


def test_the_accuracies_are_not_those_of_a_csv_that_was_changed_by_hand(paths: Paths) -> None:
    (name,) = submission_names.names(paths)
    header, first, *rest = paths.submission(name).read_text().splitlines()
    number, label = first.split(",")
    other = f"{number},{(int(label) + 1) % 10}"
    paths.submission(name).write_text("\n".join([header, other, *rest]) + "\n")
    kaggle = Kaggle(scored={"status": "COMPLETE", "publicScore": "0.10278"})
    done = submit(paths, kaggle, "--yes")
    assert done.returncode == 0, done.stderr
    assert "changed since it was made: the accuracies in its recipe are not this file's" in done.stdout
    again = submit(paths, kaggle, "--yes")
    assert len(kaggle.submissions) == 1
    for run in (done, again):
        assert "public score 0.1028" in run.stdout
        assert "accuracy" not in run.stdout
        assert "forecast" not in run.stdout


def test_a_submission_of_other_test_rows_is_not_sent(paths: Paths) -> None:
    """Also where the rows have the same ids."""
    test = paths.raw / "digits_test.csv"
    header, *rows = test.read_text().splitlines()
    test.write_text("\n".join([header, *rows[::-1]]) + "\n")
    assert run_catwalk(paths.root, "prepare", "--competition", "digits").returncode == 0
    kaggle = Kaggle()
    done = submit(paths, kaggle, "--yes")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "was made for other test rows than those prepared here: run make predict" in done.stderr
    assert not kaggle.calls
