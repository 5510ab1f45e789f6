"""kernel.py: what Kaggle's own command would push."""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from catwalk import arguments, other_stages
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.course import kernel
from catwalk.course.hackathon import Settings
from tests.conftest import REPOSITORY, clean_environment, load, make_project, run_catwalk
from tests.support.kaggle_server import Kaggle, serving


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The notebook and the wheel of ``catwalk wheel``, built once."""
    project = make_project(tmp_path_factory.mktemp("wheel") / "project")
    done = run_catwalk(project, "wheel")
    assert done.returncode == 0, done.stderr
    return sorted((project / "dist").glob("[!.]*"), reverse=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, dist: list[Path]) -> Path:
    """The folder, made once, with the same wheel."""
    project = make_project(tmp_path_factory.mktemp("kernel") / "project")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(kernel, "build_wheel", lambda aside: Path(shutil.copy(dist[1], aside)))
        asked = "--user me --accelerator gpu --budget 90s --seed 3 --features pixels --models all --folds 5"
        done = run_catwalk(project, "kernel", *asked.split())
    assert done.returncode == 0, done.stderr
    return Paths(project, "fashion-mnist").kernel


@pytest.mark.parametrize("place", ["project", "elsewhere", "nowhere"])
def test_the_command_that_is_printed_pushes_it(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """In a shell that has nothing of ours on its PATH, as a user's."""
    folder = {"project": project / ".venv/bin", "elsewhere": tmp_path / "of one's own", "nowhere": tmp_path}
    python = folder[place] / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    if place != "nowhere":
        (python.parent / "kaggle").symlink_to(Path(sys.executable).with_name("kaggle"))
    python.chmod(0o755)
    monkeypatch.setattr(
        kernel, "build_wheel", lambda aside: Path(shutil.copy(__file__, aside / "catwalk-0.whl"))
    )
    monkeypatch.setattr(sys, "executable", str(python))
    kaggle, login = Kaggle(), {"HOME": str(tmp_path), "KAGGLE_USERNAME": "me", "KAGGLE_KEY": "key"}
    done = run_catwalk(project, "kernel", "--user", "me", PATH="/usr/bin:/bin")
    (command,) = re.findall(r"then push them: (.*)", done.stdout)
    assert command.startswith(".venv/bin/kaggle ") == (place == "project")
    with serving(kaggle):
        pushed = subprocess.run(
            ["sh", "-c", command], cwd=project, capture_output=True, text=True, timeout=60,
            env=clean_environment(**kaggle.environment, **login, PATH="/usr/bin:/bin"),
        )  # fmt: skip
    assert pushed.returncode == 0, pushed.stdout + pushed.stderr
    assert [one["slug"] for one in kaggle.kernels] == ["me/catwalk-fashion-mnist"]


def test_what_was_changed_before_it_was_pushed_is_kept(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the line asks for: "check the files, then push them"; a wheel of the user's own stays too."""
    monkeypatch.setattr(
        kernel, "build_wheel", lambda aside: Path(shutil.copy(__file__, aside / "catwalk-0-py3-none-any.whl"))
    )
    asked = ("kernel", "--user", "me")
    folder = Paths(project, "fashion-mnist").kernel
    for _ in range(2):
        assert "is kept as" not in run_catwalk(project, *asked, "--budget", "1m").stdout
    (folder / "mine.whl").write_text("mine")
    edited = {folder / name: f"{name}, edited" for name in (kernel.METADATA, kernel.NOTEBOOK)}
    for path, content in edited.items():
        path.write_text(content)
    done = run_catwalk(project, *asked)
    assert done.returncode == 0, done.stderr
    for path, content in edited.items():
        assert (folder / f"{path.stem}-1{path.suffix}").read_text() == content
        assert f"{path.name}: the earlier file, which may have been edited, is kept as" in done.stdout
        json.loads(path.read_text())
    assert (folder / "mine.whl").read_text() == "mine"
    assert len(list(folder.glob("catwalk-*.whl"))) == 1


def test_what_was_changed_in_the_notebook_to_hand_out_is_kept(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        kernel, "build_wheel", lambda aside: Path(shutil.copy(__file__, aside / "catwalk-0-py3-none-any.whl"))
    )
    notebook = Paths(project, "digits").dist / kernel.NOTEBOOK
    for _ in range(2):
        done = run_catwalk(project, "wheel")
        assert (done.returncode, done.stderr) == (0, "")
        assert "is kept as" not in done.stdout
    notebook.write_text("of my class")
    done = run_catwalk(project, "wheel")
    assert "the earlier file, which may have been edited, is kept as hackathon-1.ipynb\n" in done.stdout
    assert notebook.with_stem("hackathon-1").read_text() == "of my class"
    json.loads(notebook.read_text())


def test_the_official_command_pushes_it(made: Path, tmp_path: Path) -> None:
    kaggle, login = Kaggle(), {"HOME": str(tmp_path), "KAGGLE_USERNAME": "me", "KAGGLE_KEY": "key"}
    with serving(kaggle):
        done = subprocess.run(
            [Path(sys.executable).with_name("kaggle"), "kernels", "push", "-p", made],
            capture_output=True, text=True, timeout=60,
            env=clean_environment(**kaggle.environment, **login),
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (pushed,) = kaggle.kernels
    assert pushed["slug"] == "me/catwalk-fashion-mnist"
    assert pushed["enableGpu"] is True
    assert not pushed.get("enableTpu")
    assert pushed["enableInternet"] is False
    assert pushed["isPrivate"] is True
    assert pushed["datasetDataSources"] == ["zalando-research/fashionmnist"]
    assert len(json.dumps(pushed)) < 1_000_000


def test_the_notebook_brings_catwalk_along(made: Path, tmp_path: Path) -> None:
    """What is imported in its kernel, and by processes from there, is the wheel's; it runs as asked for."""
    notebook = nbformat.read(made / "hackathon.ipynb", as_version=4)
    nbformat.validate(notebook)
    (given,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    assert 'COMPETITION = "fashion-mnist"\n' in given.source
    for line in ('BUDGET = "90s"', "SEED = 3", 'FEATURES = "pixels"', 'MODELS = "all"', 'FOLDS = "5"'):
        assert f"\n{line}  #" in given.source
    assert "glob(" not in "".join(cell.source for cell in notebook.cells), "it looks for no wheel"
    catwalk = next(cell for cell in notebook.cells if "WHEEL" in cell.source)
    assert max(map(len, catwalk.source.splitlines())) <= 1000
    shown = (
        "import subprocess\nimport catwalk\n"
        "code = 'import catwalk; print(catwalk.__file__)'\n"
        "child = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)\n"
        "print(package in catwalk.__file__, child.stdout.strip() == catwalk.__file__)"
    )
    search = next(cell for cell in notebook.cells if "hackathon.Settings(" in cell.source)
    settings, _, _ = search.source.partition("project, submission = ")  # what follows would search
    set_there: dict[str, Any] = {
        "SOURCE": "kaggle", "UNTIL": "14:40", "SEED": 4, "FEATURES": "auto", "FOLDS": "10", "WORKERS": 2,
        "KEEP": "kept", "TOML": "a text", "DECIDE": {"LABEL": "kind"},
    }  # fmt: skip
    given.source += "".join(f"\n{name} = {value!r}" for name, value in set_there.items())
    printed = f"{settings}print(settings)"
    notebook.cells = [given, catwalk, *map(nbformat.v4.new_code_cell, (shown, printed))]
    environment = clean_environment(JUPYTER_PREFER_ENV_PATH="1", TMPDIR=str(tmp_path))
    NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute(
        env=environment
    )
    assert notebook.cells[2].outputs[0].text == "True True\n"
    rest = {name.lower(): value for name, value in set_there.items()}
    asked = Settings("fashion-mnist", budget="90s", models="all", **rest)
    assert notebook.cells[3].outputs[0].text == f"{asked}\n"


def test_what_others_upload_is_small_and_whole(dist: list[Path]) -> None:
    notebook, wheel = dist
    assert (notebook.name, wheel.suffix) == ("hackathon.ipynb", ".whl")
    assert wheel.stat().st_size < 1_000_000
    source = nbformat.read(notebook, as_version=4).cells[1].source
    assert 'COMPETITION = "auto"\n' in source
    with zipfile.ZipFile(wheel) as opened:
        names = opened.namelist()
    source_folder = REPOSITORY / "src"
    modules = {path.relative_to(source_folder).as_posix() for path in source_folder.rglob("catwalk/**/*.py")}
    assert {"catwalk/data/csv_rows.py", "catwalk/report/__init__.py"} < modules
    assert modules <= set(names), "every package, and every module of it"
    for needed in ("report/assets/talk.css", "competitions/digits.toml", "notebooks/talk.ipynb"):
        assert f"catwalk/{needed}" in names
    ours = {path.name for path in (REPOSITORY / "notebooks").glob("*.ipynb")}
    assert {name.split("/")[-1] for name in names if name.endswith(".ipynb")} == ours == set(kernel.NOTEBOOKS)


def test_notebooks_of_one_s_own_and_what_cells_have_printed_stay_here(tmp_path: Path) -> None:
    """In a checkout where notebooks were executed, and one was copied."""
    source, copied, wheel = tmp_path / "notebooks", tmp_path / "copied", tmp_path / "catwalk-0.whl"
    shutil.copytree(REPOSITORY / "notebooks", source)
    shutil.copy(source / "course-4-assignment.ipynb", source / "mine.ipynb")
    printed = {"output_type": "stream", "name": "stdout", "text": ["s3cret-of-openhpi"]}
    for name in ("course-4-assignment.ipynb", "mine.ipynb", kernel.NOTEBOOK):
        notebook = json.loads((source / name).read_text())
        notebook["cells"][-1] |= {"execution_count": 1, "outputs": [printed]}
        (source / name).write_text(json.dumps(notebook))
    kernel.copy_notebooks(source, copied)
    assert {path.name for path in copied.iterdir()} == set(kernel.NOTEBOOKS)
    for path in copied.iterdir():
        assert json.loads(path.read_text()) == json.loads((REPOSITORY / "notebooks" / path.name).read_text())
    wheel.write_bytes(b"a wheel")
    kernel.write_notebook(tmp_path / kernel.NOTEBOOK, source / kernel.NOTEBOOK, wheel, {})
    assert "s3cret" not in (tmp_path / kernel.NOTEBOOK).read_text()
    (source / "talk.ipynb").write_text("{}")
    with pytest.raises(UserError, match=r"^notebooks/talk\.ipynb: not a whole notebook: git checkout "):
        kernel.copy_notebooks(source, tmp_path / "again")


def test_a_setting_that_the_notebook_lacks_is_refused(tmp_path: Path) -> None:
    source, wheel, target = REPOSITORY / "notebooks" / kernel.NOTEBOOK, tmp_path / "w", tmp_path / "made"
    wheel.write_bytes(b"a wheel")
    with pytest.raises(UserError, match=r"^notebooks/hackathon\.ipynb: .* no setting PATIENCE: git checkout"):
        kernel.write_notebook(target, source, wheel, {"SEED": 2, "PATIENCE": 3})
    assert not target.exists()


def test_the_command_s_options_are_the_notebook_s_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """But for those of the session that runs it, such as its attached files."""
    chosen: list[dict[str, Any]] = []
    monkeypatch.setattr(kernel, "run", lambda *_, choice, **__: chosen.append(choice))
    nothing: Any = None  # it is only passed on
    other_stages._kernel(arguments.parse(["kernel"]), nothing, load("digits"))
    options = set(arguments.defaults("kernel")) - {"KAGGLE_USER", "ACCELERATOR"}
    assert {"COMPETITION", *chosen[0]} == options
    settings = {one.name.upper() for one in fields(Settings)}
    assert settings - options == {"SOURCE", "UNTIL", "WORKERS", "KEEP", "TOML", "DECIDE"}
    assert options <= settings


def test_the_data_of_a_competition_is_attached_as_such(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        kernel, "build_wheel", lambda aside: Path(shutil.copy(__file__, aside / "catwalk-0.whl"))
    )
    done = run_catwalk(project, "kernel", "--competition", "digit-recognizer", "--user", "me")
    assert done.returncode == 0, done.stderr
    metadata = json.loads((Paths(project, "digit-recognizer").kernel / kernel.METADATA).read_text())
    assert metadata["id"] == "me/catwalk-digit-recognizer"
    assert (metadata["competition_sources"], metadata["dataset_sources"]) == (["digit-recognizer"], [])


def test_what_a_gpu_costs_is_said(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        kernel, "build_wheel", lambda aside: Path(shutil.copy(__file__, aside / "catwalk-0.whl"))
    )
    done = run_catwalk(project, "kernel", "--user", "me", "--accelerator", "gpu")
    assert "counts against your weekly Kaggle quota" in done.stdout
    assert "quota" not in run_catwalk(project, "kernel", "--user", "me").stdout
    refused = run_catwalk(project, "kernel", "--user", "me", "--accelerator", "tpu")
    assert refused.returncode == 2
    assert "invalid choice: 'tpu'" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--competition", "digits", "--user", "me"), "no Kaggle dataset or competition is given"),
        ((), "KAGGLE_USER=<name>"),
        (("--features", "pixel", "--user", "me"), "FEATURES=pixel: choose one of auto, pixels"),
    ],
)
def test_what_is_missing_or_wrong_is_one_line(project: Path, arguments: tuple[str, ...], said: str) -> None:
    done = run_catwalk(project, "kernel", *arguments, HOME=str(project))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert said in done.stderr
    assert not list(project.glob("data/*/kernel"))


@pytest.mark.slow
def test_the_user_s_name_comes_from_the_credentials(project: Path) -> None:
    (project / ".kaggle").mkdir()
    (project / ".kaggle/kaggle.json").write_text('{"username": "somebody", "key": "secret"}')
    done = run_catwalk(project, "kernel", HOME=str(project))
    assert done.returncode == 0, done.stderr
    metadata = json.loads((project / "data/fashion-mnist/kernel/kernel-metadata.json").read_text())
    assert metadata["id"] == "somebody/catwalk-fashion-mnist"
