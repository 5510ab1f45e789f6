"""reproduce.py: a submission from its recipe alone, the same bytes on the same machine, else what differs.

Also: retrain.py.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from catwalk.core import memory, process_pool, records
from catwalk.core.errors import MachineError, UserError
from catwalk.core.paths import Paths
from catwalk.data import download
from catwalk.data.competition import Competition
from catwalk.data.run_context import RunContext
from catwalk.models.epoch import Epoch
from catwalk.search import limits, study
from catwalk.search.trial_record import write_snapshot
from catwalk.submission import provenance, recipe, reproduce, submission_names
from tests.conftest import Run, load, make_project, run_catwalk
from tests.support.records import made_recipe, trial_record


def test_a_plan_is_what_was_planned_then() -> None:
    history = tuple(Epoch(i, epochs, 0.5, 0.9, 0.5, 0.9) for i, epochs in enumerate((9, 4, 4, 4), 1))
    assert trial_record(0, "complete", 0.9, planned=6, history=history).plan == (6, 9, 4, 4, 4)
    assert trial_record(0, "complete", 0.9, history=history).plan == (4, 9, 4, 4, 4)


@pytest.mark.slow
def test_the_same_bytes_in_another_folder(
    digits_done: tuple[Path, Run], reproduced: tuple[Path, Run]
) -> None:
    """All it takes is the recipe: data, networks and refit are made anew."""
    theirs = Paths(digits_done[0], "digits")
    (name,) = submission_names.names(theirs)
    root, done = reproduced
    assert done.returncode == 0, done.stderr
    assert f"equals {name}.csv, byte for byte" in done.stdout
    again = Paths(root, "digits").reproduced(name)
    assert again.read_bytes() == theirs.submission(name).read_bytes()
    assert not Paths(root, "digits").submissions.exists(), "it is no submission"


@pytest.mark.slow
def test_a_search_by_the_clock_is_reproduced_too(tmp_path: Path) -> None:
    """What the clock decided then, epochs and learning rates, is in the recipe."""
    root = make_project(tmp_path / "project")
    done = run_catwalk(root, "predict", "--competition", "digits", "--budget", "10s", "--name", "timed")
    assert done.returncode == 0, done.stderr
    done = run_catwalk(root, "reproduce", "--competition", "digits")
    assert done.returncode == 0, done.stderr
    assert "equals timed.csv, byte for byte" in done.stdout


@pytest.mark.slow
def test_it_says_what_differs(digits_done: tuple[Path, Run], tmp_path: Path) -> None:
    root = tmp_path / "project"
    shutil.copytree(digits_done[0], root)
    paths = Paths(root, "digits")
    (name,) = submission_names.names(paths)
    content = json.loads(paths.recipe(name).read_text())
    for trial in content["trials"]:
        trial["plan"] = [1, 1]  # a single epoch
    content["refit"] = []
    content["versions"]["tensorflow"] = "1.0"
    paths.recipe(name).write_text(json.dumps(content))
    done = run_catwalk(root, "reproduce", "--competition", "digits")
    assert done.returncode == 0, done.stderr
    assert f"differs from {name}.csv; validation 0." in done.stdout
    assert "of 360 labels differ" in done.stdout
    assert "made with tensorflow 1.0 (here 2." in done.stdout


def test_one_network_is_said_to_be_one(
    digits_done: tuple[Path, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is trained."""
    paths = Paths(digits_done[0], "digits")
    (name,) = submission_names.names(paths)
    made = recipe.read(paths, name)
    alone = replace(made, trials=made.trials[:1], refit=())
    said: list[str] = []
    context = RunContext.load(paths, load("digits"), made.seed, made.features, said.append)
    taken: list[int] = []

    def run_all(_work: object, tasks: list[Any], _title: str, together: int, _seconds: None) -> list[None]:
        taken.append(together)
        return [None] * len(tasks)

    monkeypatch.setattr(process_pool, "run_all", run_all)
    monkeypatch.setattr(memory, "available", lambda: 9 * limits.WORKER_MEMORY)
    with pytest.raises(MachineError, match=r"training runs did not finish: .*, or set WORKERS=1$"):
        reproduce.run(replace(context, workers=3), alone, name)
    assert taken == [3], "as many processes as WORKERS= says"
    assert said == [f"reproduce: training 1 network again from {name}.json"]


def test_the_accuracy_is_compared_with_the_recorded_one(tmp_path: Path) -> None:
    """Of other probabilities the labels of the test rows may be the same."""
    target, nothing = tmp_path / "one.csv", SimpleNamespace()
    target.write_text("Id,Label\n1,0\n")
    prepared = SimpleNamespace(test_ids=["1"])
    context: Any = SimpleNamespace(paths=Paths(tmp_path, "digits"), prepared=prepared, competition=nothing)
    made = made_recipe(csv_sha256=hashlib.sha256(target.read_bytes()).hexdigest())
    for accuracy, told in (
        (0.9, "validation 0.9000 as recorded"),
        (0.8, "validation 0.8000, recorded 0.9000"),
    ):
        said = reproduce._compared(context, made, "one", target, accuracy)
        assert said == [f"reproduce: one.csv equals one.csv, byte for byte; {told}"]


@pytest.mark.parametrize(
    ("then", "in_search", "said"),
    [
        ({}, {}, "  no difference is recorded"),
        ({"scikit-learn": None}, {"scikit-learn": None}, "  no difference is recorded"),  # an older catwalk's
        ({"numpy": "1.0"}, {}, "  made with numpy 1.0 (here {numpy})"),
        ({"keras": "3", "commit": "abc"}, {}, "  made with keras 3 (here {keras}), commit abc (here def)"),
        ({"split": "s1v0.2"}, {}, "  made with split s1v0.2 (here s1)"),
        ({}, {"numpy": "1.0"}, "  made with numpy 1.0 in its search (here {numpy})"),
        ({"numpy": "1.0"}, {"numpy": "1.0"}, "  made with numpy 1.0 (here {numpy})"),
    ],
)
def test_what_it_was_made_with_is_compared(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    then: dict[str, str | None],
    in_search: dict[str, str | None],
    said: str,
) -> None:
    """Of its own trials only: the third was not chosen."""
    here, paths = study.versions(), Paths(tmp_path, "digits")
    monkeypatch.setattr(provenance, "git_commit", lambda _: "def")

    def changed(changes: dict[str, str | None]) -> dict[str, str]:
        return {key: value for key in here if (value := changes.get(key, here[key])) is not None}

    trials = [trial_record(number, "complete", 0.9, versions=changed(in_search)) for number in (1, 2)]
    trials.append(trial_record(3, "complete", 0.9, versions={**here, "numpy": "0.1"}))
    write_snapshot(paths, "one", trials)
    made = made_recipe(
        versions=changed(then),
        processor=provenance.processor(),
        split=then.get("split", "s1"),
        git_commit=then.get("commit", "def"),
    )
    target = tmp_path / "one.csv"
    target.write_text("Id,Label\n1,0\n")
    prepared = SimpleNamespace(test_ids=["1"], split="s1")
    context: Any = SimpleNamespace(paths=paths, prepared=prepared, competition=SimpleNamespace())
    assert reproduce._compared(context, made, "one", target, 0.9)[-1] == said.format(**here)


FIRST = records.encode(made_recipe().trials[0])
WITHOUT_PLAN = {key: value for key, value in FIRST.items() if key != "plan"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"fingerprint": "0123456789ab"}, "was made from other data (fingerprint 0123456789ab, here "),
        (
            {"test_fingerprint": "0" * 12},
            "x was made for other test rows, or with another competitions/digits.toml (columns, ids, file "
            "names): undo that change, or rename this data (mv data/digits/raw data/digits/raw-1) and put",
        ),
        ({"trials": [WITHOUT_PLAN]}, "of another version of catwalk (trials[0].plan is missing): download"),
        ({"trials": [{"number": 0}]}, "or of another version of catwalk (trials[0].weight is missing): "),
        (
            {"refit": [{"trial": 99, "seed": 1, "epochs": 1, "plan": [1, 1], "rows": 9}]},
            "the recipe is incomplete",
        ),
    ],
)
def test_a_recipe_that_can_t_be_done_again(
    change: dict[str, object], said: str, digits_done: tuple[Path, Run], tmp_path: Path
) -> None:
    theirs = Paths(digits_done[0], "digits")
    (name,) = submission_names.names(theirs)
    content = {**json.loads(theirs.recipe(name).read_text()), **change}
    (tmp_path / "x.json").write_text(json.dumps(content))
    done = run_catwalk(digits_done[0], "reproduce", "--competition", "digits", str(tmp_path / "x.json"))
    assert done.returncode == 2
    assert said in done.stderr


def test_a_file_that_is_no_recipe(catwalk: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    for text in ("", "[]", "{}", "\x00"):
        (tmp_path / "x.json").write_text(text)
        code, _, said = catwalk("reproduce", "--competition", "digits", str(tmp_path / "x.json"))
        assert (code, said.count("\n")) == (2, 1)


def test_a_recipe_that_is_not_there(catwalk: Callable[..., tuple[int, str, str]]) -> None:
    code, _, said = catwalk("reproduce", "--competition", "digits", "nosuch.json")
    assert (code, said.count("\n")) == (2, 1)
    assert "nosuch.json: no such file: give a recipe's path, such as submissions/<competition>/<name>" in said


def test_the_address_of_the_competition_s_page_on_kaggle_is_a_source(
    catwalk: Callable[..., tuple[int, str, str]], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, taken = "digit-recognizer", list[str]()
    paths = Paths(project, name)
    recipe.write(paths, "one", made_recipe(competition=name))

    def run(_paths: Paths, _competition: Competition, source: str, _say: Callable[[str], None]) -> None:
        taken.append(source)
        raise UserError("that is enough")

    monkeypatch.setattr(download, "run", run)
    page = f"https://www.kaggle.com/competitions/{name}/data"
    given = ("--competition", name, "--source", page, str(paths.recipe("one")))
    assert catwalk("reproduce", *given)[0] == 2
    assert taken == ["kaggle"]
