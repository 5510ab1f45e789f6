"""course.py: the five exercises, executed small; and what may go wrong.

Also: console.py, exercise.py, project.py.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from catwalk import command_hints
from catwalk.core.errors import CatwalkError, MachineError, NetworkError, UserError
from catwalk.core.paths import Paths
from catwalk.course import course
from catwalk.course.exercise import Exercise
from catwalk.course.project import Project
from catwalk.submission import recipe
from tests.conftest import Run, digits_paths, run_catwalk, taken_as_done

LEAVES = {
    "1-first-network": {
        "samples.png",
        "rates.png",
        "mistakes.png",
        "one_step.csv",
        "every_epoch.csv",
        "results.csv",
    },
    "2-softmax": {
        "sizes.png",
        "softmax_weights.png",
        "softmax_mini_bands.png",
        "layer_batch_bands.png",
        "results.csv",
    },
    "3-first-model": {"curves.png", "answers.png", "results.csv"},
    "4-assignment": {"curves.png", "epochs.csv", "results.csv"},
    "5-hackathon": {"samples.png", "confusion.png", "results.csv"},
}
ON_FASHION = ("1-first-network", "2-softmax")


def shown(paths: Paths, name: str) -> str:
    """All that an executed exercise says, in text."""
    notebook = nbformat.read(paths.course(name) / f"{name}.ipynb", as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]
    texts = [o.get("text") or o.get("data", {}).get("text/markdown") or "" for o in outputs]
    return "\n".join(texts)


@pytest.mark.slow
def test_all_five(course_done: tuple[Path, list[Run]]) -> None:
    project, runs = course_done
    for done in runs:
        assert done.returncode == 0, done.stderr
    digits, fashion = Paths(project, "digits"), Paths(project, "fashion-mnist")
    assert set(LEAVES) == set(course.EXERCISES)
    texts = {}
    for name, files in LEAVES.items():
        paths = fashion if name in ON_FASHION else digits
        texts[name] = shown(paths, name)
        assert files <= {file.name for file in paths.course(name).iterdir()}
    assert not digits.looks.exists(), "sealed labels stay sealed"
    assert not fashion.looks.exists()
    assert "mnist is not available here" in texts["1-first-network"]
    assert "The pictures are **Fashion-MNIST**: 1,350 for training" in texts["1-first-network"]
    assert "points of test accuracy (95% interval" in texts["2-softmax"]
    assert "nothing was sent; to be handed in: assignment" in texts["4-assignment"]


@pytest.mark.slow
def test_what_is_done_is_not_done_again(course_done: tuple[Path, list[Run]]) -> None:
    project, runs = course_done
    assert [run.stdout.count("already done") for run in runs] == [3, 2]
    assert not [run.stderr for run in runs if "leaked" in run.stderr], "the processes that train were ended"
    paths = Paths(project, "digits")
    inner = Paths(paths.course("5-hackathon") / "project", "digits")
    assert {"first", "best"} == {path.stem for path in inner.submissions.glob("*.csv")}
    assert not paths.study.exists(), "the user's own study is another one"
    again = run_catwalk(project, "course", "--competition", "digits")
    assert again.stdout.count("already done") == 5
    (paths.course("3-first-model") / "3-first-model.ipynb").unlink()
    again = run_catwalk(project, "course", "--competition", "digits", "--exercise", "3")
    assert "1 of 1, 3-first-model: Train" in again.stdout


@pytest.mark.slow
def test_without_a_credential_a_kernel_goes_on_to_the_next_source(project: Path, tmp_path: Path) -> None:
    """The Kaggle client would call ``exit`` there, which a notebook lacks."""
    toml = project / "competitions/digits.toml"
    toml.write_text(toml.read_text().replace("[sources]", '[sources]\nkaggle_dataset = "someone/eight"'))
    done = run_catwalk(project, "course", "--competition", "digits", "--exercise", "1", HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    manifest = json.loads(Paths(project, "digits").manifest.read_text())
    assert manifest["source"] == "sklearn"


def test_a_cell_that_fails_is_one_line(project: Path, digits_raw: Path) -> None:
    digits_paths(project, digits_raw)
    path = project / "notebooks" / "course-3-first-model.ipynb"
    notebook = json.loads(path.read_text())
    notebook["cells"][1]["source"] = [
        "from catwalk.course.training_runs import Plan\n",
        "Plan(0, 0.1, 32, 5)",
    ]
    path.write_text(json.dumps(notebook))
    done = run_catwalk(project, "course", "--competition", "digits", "--exercise", "3")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    where = "notebooks/course-3-first-model.ipynb, code cell 1 (3. Your first model)"
    assert f"{where}: a hidden layer of 0 units: choose at least 1" in done.stderr
    assert not (Paths(project, "digits").course("3-first-model") / "3-first-model.ipynb").exists()


@pytest.mark.slow
def test_labels_that_are_missing_are_one_line(project: Path, digits_raw: Path) -> None:
    paths = digits_paths(project, digits_raw)
    train = paths.raw / "digits_train.csv"
    train.write_text(train.read_text().replace("label,", "kind,", 1))
    done = run_catwalk(project, "course", "--competition", "digits", "--exercise", "1")
    assert done.returncode == 2
    assert "digits_train.csv: row 1" in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_exercise_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the exercises are 1 to 5"):
        course.run(Paths(tmp_path, "digits"), 6, budget="1m", models="dense", say=print)


def test_a_cell_may_take_longer_than_the_search_s_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[float] = []

    def execute(_paths: Paths, _source: Path, target: Path, *_: object, seconds: float, **__: object) -> None:
        limits.append(seconds)
        target.touch()

    monkeypatch.setattr("catwalk.report.notebook.execute", execute)
    course.run(Paths(tmp_path, "digits"), 5, budget="2h", models="dense", say=print)
    (limit,) = limits
    assert limit > 2 * 3600


def test_what_is_done_is_said_at_once_without_heavy_imports(project: Path) -> None:
    taken_as_done(Paths(project, "digits"), course.EXERCISES)
    code = (
        "import sys; from catwalk.cli import main; code = main(sys.argv[1:]); "
        "print('HEAVY', sorted({'tensorflow', 'keras', 'optuna', 'pandas', 'scipy'} & set(sys.modules)))"
    )
    asked = [sys.executable, "-c", code, "course", "--competition", "digits"]
    done = subprocess.run(asked, cwd=project, capture_output=True, text=True)
    *said, _, heavy = done.stdout.splitlines()
    assert ["already done" in line for line in said] == [True] * 5, done.stdout + done.stderr
    assert heavy == "HEAVY []"


def of_one_cell(paths: Paths, name: str, code: str) -> Path:
    """Make an exercise a notebook of this cell only."""
    source = paths.course_notebook(name)
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)]), source)
    return source


def make_newer(file: Path) -> None:
    os.utime(file, (time.time() + 86_400,) * 2)


def test_notes_in_an_executed_exercise_are_kept(project: Path) -> None:
    """Also where it is executed again because its source has changed."""
    paths, name = Paths(project, "digits"), course.EXERCISES[0]
    source, target = of_one_cell(paths, name, "1 + 1"), paths.course(name) / f"{name}.ipynb"
    asked = ("course", "--competition", "digits", "--exercise", "1")
    assert "is kept as" not in run_catwalk(project, *asked).stdout
    target.write_text(target.read_text().replace("1 + 1", "1 + 1  # my note"))
    make_newer(source)
    again = run_catwalk(project, *asked)
    assert again.returncode == 0, again.stderr
    assert f"may have been edited, is kept as {name}-1.ipynb" in again.stdout
    assert "# my note" in (paths.course(name) / f"{name}-1.ipynb").read_text()
    assert "# my note" not in target.read_text()
    assert "is kept as" not in run_catwalk(project, *asked).stdout, "what catwalk wrote is replaced"
    assert not (paths.course(name) / f"{name}-2.ipynb").exists()


def test_an_exercise_is_executed_again_for_other_rows_alone(project: Path, digits_raw: Path) -> None:
    """Not if they are only prepared later: the first one may use other pictures than the second."""
    paths, name = digits_paths(project, digits_raw), course.EXERCISES[0]
    of_one_cell(paths, name, "1 + 1")

    def executed() -> bool:
        done = run_catwalk(project, "course", "--competition", "digits", "--exercise", "1")
        assert done.returncode == 0, done.stderr
        return "already done" not in done.stdout

    def prepare() -> None:
        assert run_catwalk(project, "prepare", "--competition", "digits").returncode == 0
        make_newer(paths.prepared_summary)

    assert executed()
    prepare()
    assert not executed(), "it was done before there were any"
    (paths.course(name) / f"{name}.ipynb").unlink()
    assert executed()
    paths.prepared_summary.unlink()
    assert not executed()
    prepare()
    assert not executed(), "they are the same rows"
    paths.toml.write_text(paths.toml.read_text().replace('header = ["ImageId"', 'header = ["Id"'))
    prepare()
    assert executed()


def test_another_search_executes_the_hackathon_again_and_keeps_the_notebook_of_before(project: Path) -> None:
    """What is not given is as it was; a notebook that does not say what it was given counts as done."""
    paths, name = Paths(project, "digits"), "5-hackathon"
    of_one_cell(paths, name, "import os; print(os.environ['CATWALK_BUDGET'], os.environ['CATWALK_MODELS'])")

    def executed(*given: str) -> bool:
        done = run_catwalk(project, "course", "--competition", "digits", "--exercise", "5", *given)
        assert done.returncode == 0, done.stderr
        return "already done" not in done.stdout

    assert executed("--budget", "8s")
    assert not executed("--budget", "8s")
    assert not executed()
    assert not executed("--models", "dense")
    assert executed("--models", "all")
    assert not executed("--models", "all")
    assert shown(paths, name) == "8s all\n"
    kept = paths.course(name) / f"{name}-1.ipynb"
    assert "8s dense" in kept.read_text()
    assert not (paths.course(name) / f"{name}-2.ipynb").exists()
    (paths.course(name) / f"{name}.ipynb").write_text("")
    assert not executed("--models", "conv")


def stand_in(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project of the fifth exercise whose stages are a shell script."""
    python = folder / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    made = object.__new__(Project)
    made.root, made.competition = folder / "5-hackathon" / "project", "digits"
    made.root.mkdir(parents=True)
    return made


@pytest.mark.parametrize(
    ("code", "kind"), [(1, CatwalkError), (2, UserError), (3, NetworkError), (4, MachineError)]
)
def test_a_stage_that_fails_in_an_exercise_is_an_error_of_its_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, kind: type[CatwalkError]
) -> None:
    made = stand_in(tmp_path, f"echo 'catwalk data: what is wrong: what helps'; exit {code}", monkeypatch)
    with pytest.raises(CatwalkError) as error:
        made.run("data")
    assert type(error.value) is kind
    assert str(error.value) == "catwalk data: what is wrong: what helps"


def test_a_stage_advises_what_works_outside_the_exercise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Makefile").touch()
    monkeypatch.chdir(tmp_path)
    command_hints.remember([])  # what another test has given
    said = (
        "search: already done, 5 trials; for more: catwalk search --competition digits --budget 6m",
        "the same time should reach more: catwalk search --competition digits --models all --budget 3m",
        "next: catwalk predict --competition digits",
        "catwalk search: no trial is complete",
    )
    stand_in(tmp_path, "\n".join(f"echo '{line}'" for line in said), monkeypatch).run("search")
    assert capsys.readouterr().out.splitlines() == [
        "search: already done, 5 trials; for more: make course EXERCISE=5 BUDGET=6m COMPETITION=digits",
        "the same time should reach more: make course EXERCISE=5 BUDGET=3m MODELS=all COMPETITION=digits",
        "catwalk search: no trial is complete",
    ]


def test_a_submission_that_is_made_again_is_kept_with_its_talk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The talk may have been edited, and the recipe tells of uploads; neither replaces another."""
    made = stand_in(tmp_path, "", monkeypatch)
    paths = Paths(made.root, "digits")
    files = (paths.talk, paths.recipe, paths.submission)
    paths.submission_folder("best").mkdir(parents=True)
    for file in files:
        file("best").write_text("edited")
    paths.submission("best-1").write_text("another")
    made.predict("best")
    assert [file("best-2").read_text() for file in files] == ["edited"] * 3
    assert paths.submission("best-1").read_text() == "another"
    assert not any(path.exists() for path in (paths.submission_folder("best"), *(f("best") for f in files)))
    assert "is kept as best-2" in capsys.readouterr().out
    made.predict("best")
    assert capsys.readouterr().out == "", "there is none"


def test_what_an_interrupted_predict_has_left_stays_for_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stand_in(tmp_path, "", monkeypatch)
    unfinished = Paths(made.root, "digits").unfinished("best")
    unfinished.parent.mkdir(parents=True)
    unfinished.touch()
    made.predict("best")
    assert unfinished.is_file()


@pytest.mark.slow
def test_a_project_of_its_own(
    project: Path, digits_raw: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    digits_paths(project, digits_raw)
    monkeypatch.chdir(project)
    made = Project(Exercise("5-hackathon", "digits"), "digits")
    made.run("prepare")
    assert "prepare: already done" in capfd.readouterr().out
    assert not Paths(made.root, "digits").prepared.joinpath("looks.jsonl").exists()
    with pytest.raises(UserError, match="has no submission yet"):
        made.run("leaderboard")


def test_an_exercise_follows_the_project_and_changes_nothing_of_it(
    project: Path, digits_raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A TOML that is edited after the first time is the exercise's too."""
    here = digits_paths(project, digits_raw)
    monkeypatch.chdir(project)
    exercise = Exercise("5-hackathon", "digits")
    Project(exercise, "digits")
    here.toml.write_text(here.toml.read_text().replace('header = ["ImageId"', 'header = ["Id"'))
    made = Project(exercise, "digits")
    files = (*here.raw.iterdir(), *here.prepared.iterdir())
    before = {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in files}
    assert here.manifest in before
    done = run_catwalk(made.root, "prepare", "--competition", "digits")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("already done") == 2, "the data, and what was prepared of them"
    assert {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in files} == before
    assert Paths(made.root, "digits").toml.read_text() == here.toml.read_text()


@pytest.mark.slow
def test_an_exercise_that_is_executed_again_makes_its_last_submission_again(
    digits_done: tuple[Path, Run], project: Path, digits_raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an interruption: the study has one more trial, and what else is in the project stays.

    The submission from before the search stays a simple model's.
    """
    digits_paths(project, digits_raw)
    monkeypatch.chdir(project)
    exercise = Exercise("5-hackathon", "digits")
    made = Project(exercise, "digits")
    paths = Paths(made.root, "digits")
    shutil.copytree(Paths(digits_done[0], "digits").study, paths.study)
    made.predict("first")
    before = recipe.read(paths, "first").trials_finished
    paths.submission("mine").write_text("mine")
    made.run("try", "--widths", "128", "--view", "pixels")
    with pytest.raises(UserError, match="made from other trials: choose another name"):
        made.run("predict", "--name", "first")
    again = Project(exercise, "digits")
    again.run("try", "--widths", "128", "--view", "pixels", unless_made="first")
    again.predict("first", keep=True)
    assert recipe.read(paths, "first").trials_finished == before
    again.predict("first")
    assert recipe.read(paths, "first").trials_finished == before + 1, "and the try was not repeated"
    assert recipe.read(paths, "first-1").trials_finished == before, "the earlier one is kept"
    assert paths.submission("mine").read_text() == "mine"
