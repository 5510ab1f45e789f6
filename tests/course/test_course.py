"""course.py: the five exercises, executed small; and what may go wrong.

Also: console.py, exercise.py, project.py.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from catwalk.core.errors import UserError
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
    assert "a hidden layer of 0 units: choose at least 1" in done.stderr
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
    monkeypatch.setattr("catwalk.report.notebook.execute", lambda *_, seconds, **__: limits.append(seconds))
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


def test_another_search_executes_the_hackathon_again_and_keeps_the_notebook_of_before(project: Path) -> None:
    """What is not given is as it was; a notebook that does not say what it was given counts as done."""
    paths, name = Paths(project, "digits"), "5-hackathon"
    cell = nbformat.v4.new_code_cell(
        "import os; print(os.environ['CATWALK_BUDGET'], os.environ['CATWALK_MODELS'])"
    )
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), paths.course_notebook(name))

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
    (paths.course(name) / f"{name}.ipynb").write_text("")
    assert not executed("--models", "conv")


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
    assert paths.submission("mine").read_text() == "mine"
