"""report.py, results.py, figures.py and the notebook: what a person gets to see.

Also: drawing.py, notebook.py, other_results.py.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from benchmarks import procfs
from catwalk.core.errors import CatwalkError, MachineError, UserError
from catwalk.core.paths import Paths
from catwalk.data import prepare, scope, test_labels
from catwalk.report import browser, figures, report, results, talk
from catwalk.report.drawing import png
from catwalk.report.formatting import scored_on_kaggle
from catwalk.report.notebook import _of_cell, execute
from catwalk.search import progress
from catwalk.submission import recipe, submission_names
from catwalk.submission.recipe import Upload
from tests.conftest import Run, clean_environment, run_catwalk, surroundings


@pytest.fixture
def loaded(digits_done: tuple[Path, Run], monkeypatch: pytest.MonkeyPatch) -> results.Results:
    monkeypatch.chdir(digits_done[0] / "notebooks")  # where a notebook starts
    return results.load("digits")


def test_the_notebook_is_executed_with_its_pictures(digits_done: tuple[Path, Run]) -> None:
    (path,) = Paths(digits_done[0], "digits").submissions.glob("*/talk.ipynb")
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    outputs = [output for cell in code for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) == 13
    assert not [output for output in outputs if output.output_type == "stream"], "nothing but results"
    assert all(picture.metadata["image/png"]["alt"] for picture in pictures)
    text = json.dumps(notebook)
    assert "Digits 8x8" in text
    assert str(digits_done[0]) not in text, "no path of this machine"


@pytest.mark.slow
def test_it_reads_without_tensorflow(digits_done: tuple[Path, Run]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from catwalk.report import results, talk; "
         "talk.html(results.load('digits')); assert 'tensorflow' not in sys.modules"],
        cwd=digits_done[0], env=clean_environment(),
    )  # fmt: skip
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (
            lambda paths, name: paths.oof(name).unlink(),
            "is incomplete: run make predict COMPETITION=digits NAME=<new name>",
        ),
        (
            lambda paths, name: paths.shown_weights(name).write_bytes(b""),
            "is incomplete: run make predict COMPETITION=digits NAME=<new name>",
        ),
        (
            lambda paths, name: paths.snapshot(name).write_text("[]"),
            "is incomplete: run make predict COMPETITION=digits NAME=<new name>",
        ),
        (
            lambda paths, name: paths.snapshot(name).write_text("{"),
            "is incomplete: run make predict COMPETITION=digits NAME=<new name>",
        ),
        (
            lambda paths, name: without_history(paths.snapshot(name)),
            "is incomplete: run make predict COMPETITION=digits NAME=<new name>",
        ),
        (
            lambda paths, name: paths.recipe(name).write_text("{}"),
            "run make predict COMPETITION=digits for a new submission",
        ),
        (
            lambda paths, _: prepare_another_pixel(paths),
            "was not made from the data that is prepared now: run make predict COMPETITION=digits",
        ),
        (lambda paths, name: paths.notebook_source.unlink(), "git checkout notebooks/talk.ipynb"),
    ],
)
def test_damaged_records_are_one_line(
    damage: Callable[[Paths, str], None], said: str, digits_done: tuple[Path, Run], tmp_path: Path
) -> None:
    shutil.copytree(digits_done[0], tmp_path / "copy")
    paths = Paths(tmp_path / "copy", "digits")
    (name,) = submission_names.names(paths)
    for made in (paths.talk(name), paths.notebook(name)):
        made.unlink()
    damage(paths, name)
    done = run_catwalk(paths.root, "report", "--competition", "digits", "--submission", name)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert said in done.stderr
    assert not paths.talk(name).exists()


def without_history(path: Path) -> None:
    path.write_text(json.dumps([{**trial, "history": []} for trial in json.loads(path.read_text())]))


def prepare_another_pixel(paths: Paths) -> None:
    """Change one pixel of the training rows by hand, and prepare them."""
    train = paths.raw / "digits_train.csv"
    header, first, rest = train.read_text().split("\n", 2)
    cells = first.split(",")
    cells[-1] = str(int(cells[-1]) ^ 1)
    train.write_text("\n".join([header, ",".join(cells), rest]))
    done = run_catwalk(paths.root, "prepare", "--competition", "digits")
    assert done.returncode == 0, done.stderr


def test_a_kernel_is_reached_by_sockets_that_only_we_can_open(tmp_path: Path) -> None:
    """Another user of the machine could connect to a port."""
    cell = (
        "import os\nfrom ipykernel.connect import get_connection_info\n"
        "known = get_connection_info(unpack=True)\n"
        "print(known['transport'], oct(os.stat(os.path.dirname(known['ip'])).st_mode & 0o777))"
    )
    source, target = tmp_path / "source.ipynb", tmp_path / "target.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)]), source)
    with surroundings(tmp_path, clean_environment()):
        execute(Paths(tmp_path, "digits"), source, target, {}, seconds=60)
    (executed,) = nbformat.read(target, as_version=4).cells
    assert executed.outputs[0].text == "ipc 0o700\n"


@pytest.mark.parametrize(
    ("name", "value", "kind", "advice"),
    [
        ("MemoryError", "", MachineError, "close other programs"),
        ("_ArrayMemoryError", "Unable to allocate 9 TiB", MachineError, "close other programs"),
        ("ResourceExhaustedError", "OOM when allocating", MachineError, "close other programs"),
        ("OSError", "4096 requested and 0 written", MachineError, "make room on the disk"),
        ("BrokenProcessPool", "A process was terminated abruptly", MachineError, "close other programs"),
        ("OSError", "[Errno 28] No space left on device: 'x.npz'", MachineError, "make room on the disk"),
        ("FileNotFoundError", "[Errno 2] No such file: 'x.npz'", UserError, "fix the cell"),
        ("ZeroDivisionError", "division by zero", UserError, "fix the cell"),
        ("CatwalkError", "catwalk try failed", CatwalkError, ""),
    ],
)
def test_a_cell_fails_for_want_of_a_machine_or_by_what_it_says(
    name: str, value: str, kind: type[CatwalkError], advice: str
) -> None:
    told = _of_cell(SimpleNamespace(ename=name, evalue=value), "x.ipynb, code cell 2")
    assert type(told) is kind
    assert str(told).startswith("x.ipynb, code cell 2: ")
    assert told.fix.startswith(advice)
    assert "Errno 28" not in str(told)


def test_a_cell_that_fails_is_named_by_its_number_and_heading(tmp_path: Path) -> None:
    """The number that Jupyter shows beside it, which counts no text and no empty cell."""
    code, text = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell
    cells = [text("# One"), code("1"), code(""), text("## Two\nwords"), code("1 / 0"), text("# Three")]
    source = tmp_path / "source.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), source)
    with surroundings(tmp_path, clean_environment()), pytest.raises(UserError) as error:
        execute(Paths(tmp_path, "digits"), source, tmp_path / "target.ipynb", {}, seconds=60)
    told = "source.ipynb, code cell 2 (Two): ZeroDivisionError: division by zero: fix the cell"
    assert str(error.value) == told


EXECUTE = """
import signal, sys
from pathlib import Path
from catwalk.core import stop_signals
from catwalk.core.paths import Paths
from catwalk.report.notebook import execute
root = Path(sys.argv[1])
stop_signals.stop_by_signals()
try:
    execute(Paths(root, "digits"), root / "source.ipynb", root / "target.ipynb", {}, seconds=60)
except stop_signals.Stopped:
    print("stopped")
print(*(signal.getsignal(one) is stop_signals._stop for one in (signal.SIGINT, signal.SIGTERM)))
"""


@pytest.mark.slow
@pytest.mark.parametrize("sign", [None, signal.SIGINT, signal.SIGTERM])
def test_who_stops_the_command_ends_the_kernel(tmp_path: Path, sign: signal.Signals | None) -> None:
    """It is not taken for a failed cell; and the command's signal handlers stay as they are."""
    pid = tmp_path / "pid"
    cell = (
        "import os, pathlib, time\n"
        f"pathlib.Path('pid').write_text(str(os.getpid()))\ntime.sleep({60 if sign else 0})"
    )
    source = tmp_path / "source.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)]), source)
    process = subprocess.Popen(
        [sys.executable, "-c", EXECUTE, tmp_path],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment(),
    )  # fmt: skip
    ends = time.monotonic() + 60
    while not pid.is_file() or not pid.read_text():
        assert time.monotonic() < ends
        time.sleep(0.05)
    if sign:
        process.send_signal(sign)
    out, err = process.communicate(timeout=20)
    assert out.splitlines() == [*(["stopped"] if sign else []), "True True"], err
    assert "Traceback" not in err
    assert not procfs.alive(int(pid.read_text()))


@pytest.mark.slow
def test_two_runs_write_the_same_bytes(digits_done: tuple[Path, Run], tmp_path: Path) -> None:
    shutil.copytree(digits_done[0], tmp_path / "copy")
    paths = Paths(tmp_path / "copy", "digits")
    (name,) = submission_names.names(paths)
    made = [paths.talk(name), paths.notebook(name)]
    before = [path.read_bytes() for path in made]
    for path in made:
        path.unlink()
    done = run_catwalk(paths.root, "report", "--competition", "digits")
    assert done.returncode == 0, done.stderr
    assert [path.read_bytes() for path in made] == before


@pytest.fixture
def reported(
    digits_done: tuple[Path, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Paths, str, Callable[[], bool]]:
    """A project with a talk, its submission, and whether a report finds that done; nothing is executed."""
    shutil.copytree(digits_done[0], tmp_path / "copy")
    paths = Paths(tmp_path / "copy", "digits")
    (name,) = submission_names.names(paths)

    def execute(_paths: Paths, _source: Path, target: Path, *_: object, **__: object) -> None:
        target.write_text("{}")

    monkeypatch.setattr(report, "execute", execute)
    monkeypatch.setattr(browser, "find", lambda: None)

    def is_done() -> bool:
        said = list[str]()
        report.run(paths, name, said.append)
        return said[0].startswith("report: already done")

    return paths, name, is_done


def test_a_talk_is_made_anew_after_a_look_at_the_test_labels_or_a_change_of_the_toml(
    reported: tuple[Paths, str, Callable[[], bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says how often they were opened, for whatever submission, and shows the competition's title."""
    paths, _, is_done = reported
    told = list[tuple[int, str]]()

    def html(loaded: results.Results) -> str:
        told.append((loaded.looks, loaded.competition.title))
        return "<p>"

    monkeypatch.setattr(talk, "html", html)
    assert is_done()
    test_labels.open_labels(paths, "score", "another")
    assert [is_done(), is_done()] == [False, True]
    time.sleep(0.02)  # the clock of some file systems goes on every ten milliseconds
    paths.toml.write_text(paths.toml.read_text().replace("Digits 8x8", "Eights"))
    assert [is_done(), is_done()] == [False, True]
    assert told == [(1, "Digits 8x8"), (1, "Eights")]


def test_a_talk_is_made_anew_after_a_score_on_kaggle(
    reported: tuple[Paths, str, Callable[[], bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of whatever submission: its recipe's time stays as it is."""
    paths, name, is_done = reported
    recipe.write(paths, "other", recipe.read(paths, name))
    paths.submission("other").touch()
    monkeypatch.setattr(talk, "html", lambda loaded: f"<p>{scored_on_kaggle(loaded.uploads)}")
    upload = Upload(to="digits", sha256="", public=None, ref=7, time=None)
    recipe.add_upload(paths, "other", upload)
    assert is_done(), "Kaggle has not scored it yet"
    recipe.add_upload(paths, "other", replace(upload, public=0.9))
    assert [is_done(), is_done()] == [False, True]
    assert paths.talk(name).read_text() == "<p>scored once on Kaggle"


def test_what_a_report_does_not_show_is_said(digits_done: tuple[Path, Run], tmp_path: Path) -> None:
    """Other values than the newest submission has, and trials of the study that was searched last."""
    shutil.copytree(digits_done[0], tmp_path / "copy")
    paths = Paths(tmp_path / "copy", "digits")
    (name,) = submission_names.names(paths)

    def said(*asked: str) -> list[str]:
        done = run_catwalk(paths.root, "report", "--competition", "digits", *asked)
        assert (done.returncode, done.stderr) == (0, "")
        first, *others = done.stdout.splitlines()
        assert first == f"report: already done, {paths.shown(paths.talk(name))}"
        return [line for line in others if not line.startswith("  no PDF")]

    assert said() == said("--seed", "1", "--models", "dense", "--folds", "1") == []
    of_two = f"report: {name} is of SEED=1; for a submission of SEED=2: make"
    assert said("--seed", "2") == [f"{of_two} predict COMPETITION=digits SEED=2"]
    assert said("--models", "all", "--folds", "5") == [
        f"report: {name} is of MODELS=dense FOLDS=1; for a submission of MODELS=all FOLDS=5: "
        "make predict COMPETITION=digits MODELS=all FOLDS=5"
    ]
    made = recipe.read(paths, name)
    recipe.write(paths, "older", replace(made, seed=2, study=made.study.replace("-s1", "-s2")))
    paths.submission("older").touch()
    os.utime(paths.recipe("older"), (1, 1))
    assert said("--seed", "2") == [f"{of_two} report COMPETITION=digits SEED=2 SUBMISSION=older"]

    lacks = f"report: {name} lacks trials of the study that was searched last; for one with them: make"
    state = progress.read(paths)[made.study]
    progress.write(paths, made.study, replace(state, finished=state.finished + 1))
    assert said() == [f"{lacks} predict COMPETITION=digits"]
    for models, spent in (("all", 60.0), ("conv", 0.0)):  # the last one is of make try
        key = progress.study_name(paths, prepare.load(paths, 1), scope.name("local", models))
        progress.write(paths, key, replace(progress.NOTHING, spent=spent, finished=3))
    assert said() == [f"{lacks} predict COMPETITION=digits MODELS=all"]
    assert said("--models", "dense") == [f"{lacks} predict COMPETITION=digits MODELS=dense"]
    assert said("--submission", name) == []


def test_an_edited_talk_is_kept_where_it_is_made_anew(
    digits_done: tuple[Path, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its notebook too, and of each only what a person has changed."""
    shutil.copytree(digits_done[0], tmp_path / "copy")
    paths = Paths(tmp_path / "copy", "digits")
    (name,) = submission_names.names(paths)
    made, said = (paths.talk(name), paths.notebook(name)), list[str]()

    def execute(_paths: Paths, _source: Path, target: Path, *_: object, **__: object) -> None:
        target.write_text("{}")

    monkeypatch.setattr(talk, "html", lambda loaded: f"<p>{loaded.looks}")
    monkeypatch.setattr(report, "execute", execute)
    monkeypatch.setattr(browser, "find", lambda: None)
    edited = [path.read_bytes() + b"edited" for path in made]
    for path, content in zip(made, edited, strict=True):
        path.write_bytes(content)
    for _ in range(2):
        time.sleep(0.02)  # the clock of some file systems goes on every ten milliseconds
        test_labels.open_labels(paths, "score", "another")
        report.run(paths, name, said.append)
    assert [path.read_text() for path in made] == ["<p>2", "{}"]
    kept = [path.with_name(f"talk-1{path.suffix}") for path in made]
    assert [path.read_bytes() for path in kept] == edited
    lines = [line for line in said if "is kept as" in line]
    assert lines == [
        f"  {paths.shown(path)}: the earlier file, which may have been edited, is kept as talk-1{path.suffix}"
        for path in made
    ]


def test_results(loaded: results.Results) -> None:
    assert loaded.recipe.validation is not None
    assert loaded.scores.accuracy == loaded.recipe.validation.accuracy
    assert loaded.best.value == max(t.accuracy for t in loaded.trials if t.is_complete)
    assert loaded.pictures(loaded.prepared.train[:3]).shape == (3, 8, 8)
    assert loaded.test_score is None


FIGURES = (
    "samples", "split", "dots", "baselines", "trial_bars", "parallel", "progress", "architecture",
    "learning_curves", "confusion", "mistakes", "doubtful", "looks_at", "stencils",
)  # fmt: skip


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_of_a_search_that_had_time_for_softmax_only(loaded: results.Results, name: str) -> None:
    softmax = [trial for trial in loaded.trials if trial.kind == "softmax"]
    shown = [replace(one, number=softmax[0].number) for one in loaded.recipe.trials[:1]]
    alone = replace(loaded, trials=softmax, recipe=replace(loaded.recipe, trials=tuple(shown), refit=()))
    assert png(getattr(figures, name)(alone)).startswith(b"\x89PNG")


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_the_same_bytes_each_time(loaded: results.Results, name: str) -> None:
    one, two = (png(getattr(figures, name)(loaded)) for _ in range(2))
    assert one == two
    assert one.startswith(b"\x89PNG")
