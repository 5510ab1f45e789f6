"""command_hints.py: what a message advises can be pasted, and does what it says."""

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from optuna import create_study
from optuna.trial import create_trial

from catwalk import arguments, command_hints, option_values
from catwalk.arguments import STAGES, defaults, option, variable
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.data import infer_classes
from catwalk.data.prepare import Prepared
from catwalk.data.run_context import RunContext
from catwalk.search import fold_study, own_trial, postgres_server, progress, search
from catwalk.search.limits import Limits
from catwalk.submission import fold_configurations, out_of_fold, predict
from tests.conftest import REPOSITORY, Run, clean_environment, load, run_catwalk

DIGITS = ("--competition", "digits")
REQUIRED = {"blend": ("--parts", "a,b"), "grade": ("--submissions", ".")}  # these were given before the hint


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


@pytest.mark.parametrize("notebook", [False, True])
def test_a_noun_is_no_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, notebook: bool) -> None:
    """What runs already, or would be another one, is not completed with the variables of this command."""
    command_hints.remember(["try", *DIGITS, "--widths", "512"])
    if notebook:
        monkeypatch.setenv(command_hints.NOTEBOOK, "1")
    paths = Paths(tmp_path, "digits")
    with progress.locked(paths), pytest.raises(UserError) as error, progress.locked(paths):
        pass
    told = f"{error.value.what}: {error.value.fix}"
    assert command_hints.completed(told) == told
    opened = create_study(direction="maximize")
    opened.add_trial(create_trial(value=0.9, user_attrs={"kind": "yours"}))
    rows = cast(Prepared, SimpleNamespace(validation=range(144), duplicates={"train": 0}))
    following = own_trial._compared(opened.trials[0], opened.trials, rows)[-1]
    command = "all cells" if notebook else "make predict COMPETITION=digits"
    assert command_hints.completed(following) == f"next: {command}, or try another network"


def test_what_decided_a_new_toml_is_not_said_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The TOML is there: to all, LABEL= would be a question whether it agrees."""
    choices = ("--label", "last", "--train", "a.csv", "--shape", "8x8", "--id", "id", "--transpose", "true")
    command_hints.remember(["new", *DIGITS, "--source", "mine", *choices])
    assert command_hints.completed("next: make all") == "next: make all COMPETITION=digits SOURCE=mine"
    assert " LABEL=last TRAIN=a.csv " in command_hints.completed("run make new again")
    monkeypatch.setenv(command_hints.NOTEBOOK, "1")
    assert command_hints.completed("next: make all") == "next: all cells"


def test_a_notebook_s_second_decision_keeps_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line is copied over the one that is in the first cell."""
    monkeypatch.setenv(command_hints.NOTEBOOK, "1")
    command_hints.remember(["all", "--competition=ours", "--label=last"])
    both = 'set DECIDE = {"LABEL": "last", "SHAPE": "8x8"} in the first cell'
    assert command_hints.completed("set SHAPE= to one of 8x8") == both
    assert command_hints.decided("TRANSPOSE", "true").count('"LABEL": "last"') == 1
    assert command_hints.completed("set LABEL= to one of kind") == (
        'set DECIDE = {"LABEL": "kind"} in the first cell'
    )


@pytest.mark.parametrize("cells", [["3", "", "4"], ["3", "3"]], ids=["an empty one", "one class"])
def test_a_notebook_names_no_variable_that_it_lacks(
    cells: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(command_hints.NOTEBOOK, "1")
    with pytest.raises(UserError) as error:
        infer_classes.classes(cells, "train.csv: kind")
    told = command_hints.completed(error.value.fix)
    assert told.endswith('set DECIDE = {"LABEL": "..."} in the first cell to choose another column')


def commands(text: str) -> list[str]:
    """The commands of catwalk's stages in a text, with 5 for what is to be filled in."""
    found = command_hints.COMMAND.finditer(re.sub(r"<[^>]*>", "5", text.replace("``", "")))
    return [command[0] for command in found if command[1] in STAGES]


@cache
def written() -> set[str]:
    """The commands in all texts of the package, with 5 for what is known only as it runs."""
    found: set[str] = set()
    codes = [path.read_text(encoding="utf-8") for path in (REPOSITORY / "src/catwalk").rglob("*.py")]
    for node in (node for code in codes if "make " in code for node in ast.walk(ast.parse(code))):
        if isinstance(node, ast.JoinedStr | ast.Constant):
            parts = node.values if isinstance(node, ast.JoinedStr) else [node]
            texts = [part.value if isinstance(part, ast.Constant) else 5 for part in parts]
            found.update(commands("".join(map(str, texts))))
    return found


def parse(command: str) -> None:
    """Let the real parser read a command with what was given before; it ends the test if it does not."""
    stage = command.split()[1]
    command_hints.remember([stage, *REQUIRED.get(stage, ())])
    Path("Makefile").unlink(missing_ok=True)
    arguments.parse(shlex.split(command_hints.completed(command))[1:])


@pytest.mark.parametrize("command", sorted(written()))
def test_the_parser_takes_what_a_message_advises(command: str) -> None:
    parse(command)


def test_what_messages_advise_is_found() -> None:
    some = {"make all", "make predict BUDGET=5m", "make search FOLDS=5", "make search MODELS=all BUDGET=5"}
    assert some | {"make leaderboard", "make submit SUBMISSION=5"} <= written()


def test_the_parser_takes_what_is_put_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths, said = Paths(tmp_path, "digits"), list[str]()
    rows = SimpleNamespace(fingerprint="aaaa", split="s1", train=range(54_000))
    prepared = cast(Prepared, rows)
    context = RunContext(paths, load("fashion-mnist"), prepared, 1, "local", said.append)
    key = progress.study_name(paths, prepared, "local")
    paths.study.mkdir(parents=True)
    paths.study_db.touch()
    monkeypatch.setattr(out_of_fold, "choose", lambda *_: None)
    for budget in (600.0, None):
        progress.write(paths, key, replace(progress.NOTHING, spent=123.4, finished=7, budget=budget))
        predict._in_folds(context, cast(Any, None), 5, 5)
    late = replace(progress.NOTHING, ended=fold_study.NO_TIME)
    said.append(fold_configurations._told(late, Limits(123.4, None, 5), "make search"))
    opened = cast(Any, SimpleNamespace(user_attrs={"precision": "bfloat16"}))
    said += search._other_family(opened, context, Limits(603.0, None))
    said += postgres_server._lines(paths, "127.0.0.1", 5433, progress.variables(key))
    found = [command for line in said for command in commands(line)]
    for command in found:
        parse(command)
    assert found == [
        "make search FOLDS=5 BUDGET=5m",
        "make search FOLDS=5 TRIALS=7",
        "make search BUDGET=5m",
        "make search MODELS=all BUDGET=11m",
        "make search COMPETITION=digits SEED=1 FEATURES=auto MODELS=dense "
        "STUDY=postgresql://catwalk@127.0.0.1:5433/catwalk",
    ]


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
