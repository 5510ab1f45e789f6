"""command_hints.py: what a message advises can be pasted, and does what it says."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from catwalk import command_hints, option_values
from catwalk.arguments import STAGES, defaults, option, variable
from catwalk.search import search
from catwalk.search.limits import Limits
from tests.conftest import Run, clean_environment, run_catwalk

DIGITS = ("--competition", "digits")


@pytest.fixture(autouse=True)
def makefile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder with a Makefile; what is remembered is forgotten."""
    (tmp_path / "Makefile").touch()
    monkeypatch.chdir(tmp_path)
    yield
    command_hints.remember([])


@pytest.mark.parametrize(
    ("command", "said", "added"),
    [
        ("search --competition digits --seed 2", "make predict", "COMPETITION=digits SEED=2"),
        ("search --competition fashion-mnist --seed 1 --source auto", "make predict", ""),
        ("search --competition=digits --seed 3", "make score", "COMPETITION=digits"),
        ("all --name one --features pixels", "make report", "FEATURES=pixels"),
        ("data --source '/tmp/my files'", "make data", "SOURCE='/tmp/my files'"),
        ("search --study postgresql://a@b/c --member a", "make predict", "STUDY=postgresql://a@b/c MEMBER=a"),
        ("search --until 14:40 --features pixels", "make predict", "FEATURES=pixels"),
    ],
)  # fmt: skip
def test_what_was_given_is_added(command: str, said: str, added: str) -> None:
    command_hints.remember(shlex.split(command))
    completed = f"next: {said} {added}".rstrip()
    assert command_hints.completed(f"next: {said}") == completed
    assert command_hints.completed(completed) == completed, "once"


def test_what_the_line_says_stays() -> None:
    command_hints.remember(["search", *DIGITS, "--trials", "5"])
    assert command_hints.completed("make search TRIALS=10") == "make search COMPETITION=digits TRIALS=10"
    assert command_hints.completed("make room on the disk") == "make room on the disk"
    assert command_hints.completed("run make data again: x") == "run make data COMPETITION=digits again: x"
    assert (
        command_hints.completed("make score SUBMISSION=<name>.")
        == "make score COMPETITION=digits SUBMISSION=<name>."
    )


def test_where_there_is_no_makefile_the_command_is_named(tmp_path: Path) -> None:
    (tmp_path / "Makefile").unlink()
    command_hints.remember(["try", "--competition", "digits", "--input-dropout", "0.1"])
    assert command_hints.completed("next: make predict") == "next: catwalk predict --competition digits"
    assert command_hints.completed("make try") == "catwalk try --competition digits --input-dropout 0.1"
    assert (
        command_hints.completed("make kernel KAGGLE_USER=me")
        == "catwalk kernel --competition digits --user me"
    )


def test_every_option_has_its_variable() -> None:
    for stage in STAGES:
        for name in defaults(stage):
            assert variable(option(name)) == name
    assert defaults("search")["COMPETITION"] == "fashion-mnist"
    assert defaults("dance") == {}


def as_checkout(root: Path) -> None:
    """The project's make finds the command."""
    binary = root / ".venv/bin/catwalk"
    binary.parent.mkdir(parents=True)
    binary.write_text(f'#!/bin/sh\nexec {sys.executable} -m catwalk "$@"\n')
    binary.chmod(0o755)


def make(root: Path, line: str) -> Run:
    """A line as it was printed, in a shell; the installation counts as done."""
    command = line.replace("make ", "make -o .venv/installed ", 1)
    return subprocess.run(
        ["sh", "-c", command], cwd=root, capture_output=True, text=True, timeout=300,
        env=clean_environment(PYTHONPATH=":".join(sys.path)),
    )  # fmt: skip


@pytest.mark.long
@pytest.mark.slow
def test_the_printed_lines_do_what_they_say(project: Path) -> None:
    root = project
    as_checkout(root)
    asked = (*DIGITS, "--trials", "1", "--workers", "2", "--seed", "1")
    assert run_catwalk(root, "search", *asked).returncode == 0
    done = run_catwalk(root, "search", *asked)
    (more,) = re.findall(r"for more: (make .*)", done.stdout)
    assert more == "make search COMPETITION=digits TRIALS=2 WORKERS=2"
    searched = make(root, more)
    assert searched.returncode == 0, searched.stdout + searched.stderr
    assert "search: 2 trials" in searched.stdout, "TRIALS is exact with two workers"
    (after,) = re.findall(r"next: (make .*)", searched.stdout)
    predicted = make(root, after)
    assert after == "make predict COMPETITION=digits TRIALS=2 WORKERS=2"
    assert predicted.returncode == 0, predicted.stderr
    assert "predict: submissions/digits/" in predicted.stdout


@pytest.mark.parametrize(
    "asked", [Limits(None, 1), Limits(1.0, None), Limits(180.0, None), Limits(1.0, 5), Limits(600.0, 1)]
)
def test_the_larger_search_that_is_advised_has_something_to_do(asked: Limits) -> None:
    """Whichever limit ended the last one, after one trial in two seconds or in the whole budget."""
    for spent in (2.0, asked.budget or 2.0):
        command = search._larger(asked, spent, 1, search.ENOUGH)
        given = dict(word.split("=") for word in command.split()[2:])
        budget = option_values.duration(given["BUDGET"]) if "BUDGET" in given else None
        larger = Limits(budget, int(given["TRIALS"]) if "TRIALS" in given else None)
        assert not larger.reached(spent, 1)
        assert (larger.budget is None, larger.trials is None) == (asked.budget is None, asked.trials is None)
