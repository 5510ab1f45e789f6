"""The notebooks, executed as they are: CI runs all of them on a small budget.

Modules: explore.py.
"""

import ast
import gzip
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient

from catwalk.course import hackathon
from catwalk.report.notebook import KERNEL
from tests.conftest import REPOSITORY, Run, clean_environment, copy_checkout, run_process

NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
INTERVALS = {"metrics.score", "metrics.wilson", "comparing.tested"}  # whose last argument counts the pictures


def execute(notebook: Any, folder: Path, **environment: str) -> list[Any]:
    """The outputs of all cells, run in ``folder``."""
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute(env=clean_environment(**KERNEL, CATWALK_COMPETITION="digits", **environment))
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def read(name: str) -> Any:
    return nbformat.read(REPOSITORY / "notebooks" / f"{name}.ipynb", as_version=4)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_they_define_nothing_and_hold_no_outputs(path: Path) -> None:
    for cell in nbformat.read(path, as_version=4).cells:
        assert not cell.get("outputs")
        assert not re.search(r"^\s*(def|class) |lambda", cell.source, re.MULTILINE)


def test_the_token_of_the_course_is_not_in_the_notebook(tmp_path: Path) -> None:
    """The last cell of the assignment with an id, on stand-ins for the course's package and the model."""
    notebook, secret = read("course-4-assignment"), "s3cret-of-openhpi"
    cell = notebook.cells[-1]
    assert re.findall(r'(?i)^.*token.* = "', cell.source, re.MULTILINE) == []
    cell.source = cell.source.replace('ASSIGNMENT = ""', 'ASSIGNMENT = "7"')
    (tmp_path / "deeplearning2020.py").write_text(
        "class Submission:\n"
        "    def __init__(self, *given): self.given = given\n"
        f"    def submit(self): print(self.given == ({secret!r}, '7', 'a model'))\n"
    )
    notebook.cells = [nbformat.v4.new_code_cell("model = 'a model'"), cell]
    (said,) = execute(notebook, tmp_path, OPENHPI_TOKEN=secret)
    assert said.text == "True\n"
    assert secret not in nbformat.writes(notebook)


def test_the_gradient_is_checked_with_two_classes_too(tmp_path: Path) -> None:
    """The cell of the first exercise that compares one with finite differences, on made-up pictures."""
    cells = [cell for cell in read("course-1-first-network").cells if cell.cell_type == "code"]
    (cell,) = [cell for cell in cells if "by finite differences" in cell.source]
    before = (
        "import numpy as np\n"
        "from catwalk.course.numpy_network import evaluate, gradients, initial, one_hot\n"
        "train = np.random.default_rng(0).random((60, 64)), one_hot(np.arange(60) % 2, 2)\n"
        "sizes = (64, 300, 2)"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(before), cell])
    (said,) = execute(notebook, tmp_path)
    ours, theirs = map(float, re.findall(r"-?\d\.\d{10}", said.text))
    assert ours == pytest.approx(theirs, abs=1e-8)
    assert abs(ours) > 1e-4


def test_who_removes_the_mark_before_pip_gets_a_cell_that_runs() -> None:
    """The mark alone, as the text above says, and not the blank after it."""
    cells = [cell.source for cell in read("course-4-assignment").cells if cell.cell_type == "code"]
    (source,) = [source for source in cells if "%pip" in source]
    lines = [line.replace("#", "", 1) if "%pip" in line else line for line in source.split("\n")]
    transformer = TransformerManager()  # type: ignore[no-untyped-call]
    python = transformer.transform_cell("\n".join(lines))
    compile(python, "cell", "exec")
    assert "run_line_magic('pip', 'install --upgrade deeplearning2020')" in python


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_keras_in_a_kernel_is_whole_and_its_training_numbers_are_explained(path: Path) -> None:
    """Its users may pass it pandas' tables; its numbers of an epoch are not those after the epoch."""
    cells = nbformat.read(path, as_version=4).cells
    code, words = (
        "\n".join(cell.source for cell in cells if cell.cell_type == kind) for kind in ("code", "markdown")
    )
    assert set(re.findall(r"\bsetup\((.*?)\)", code)) <= {"whole=True"}
    if "model.fit(" in code:
        assert "measured while the network still learns" in words


@pytest.mark.parametrize(
    ("name", "intervals"), [("course-2-softmax", 3), ("course-3-first-model", 1), ("course-4-assignment", 1)]
)
def test_intervals_count_distinct_pictures(name: str, intervals: int) -> None:
    code = "\n".join(cell.source for cell in read(name).cells if cell.cell_type == "code")
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    counted = [call for call in calls if ast.unparse(call.func) in INTERVALS]
    assert [ast.unparse(call.args[-1]) for call in counted] == ["len(distinct)"] * intervals


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_names_from_the_data_are_escaped_in_markdown(path: Path) -> None:
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code" and "Markdown(" in cell.source:
            rest = re.sub(r"as_markdown\((?:[^()]|\([^()]*\))*\)", "", cell.source)
            assert not re.search(r"competition\.(title|classes)", rest)


def catwalk_found(inputs: Path, folder: Path) -> str:
    """What the hackathon's notebook imports as catwalk: its version, with these inputs and in this folder.

    In a Python without other packages, so that the one that is tested is not found first.
    """
    cell = next(one for one in read("hackathon").cells if "catwalk" in one.metadata.get("tags", []))
    assert '"/kaggle/input"' in cell.source
    source = cell.source.replace('"/kaggle/input"', repr(str(inputs)))
    error, work = folder / "stand-ins/IPython/core/error.py", folder / "work"
    for one in (error.parent, work):
        one.mkdir(parents=True, exist_ok=True)
    error.write_text("class UsageError(Exception): pass\n")
    code = f"{source}\nimport catwalk\nprint(catwalk.__version__)"
    environment = clean_environment(PYTHONPATH=str(folder / "stand-ins"), TMPDIR=str(folder))
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=work, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_of_several_wheels_the_newest_is_imported(tmp_path: Path) -> None:
    """It is neither the first nor the last by its name or its folder's."""
    inputs = tmp_path / "input"
    for folder, version in (("a", "0.2.0"), ("b", "0.10.0"), ("c", "0.9.0")):
        (inputs / folder).mkdir(parents=True)
        wheel = inputs / folder / f"catwalk-{version}-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("catwalk/__init__.py", f"__version__ = {version!r}\n")
    assert catwalk_found(inputs, tmp_path) == "0.10.0"


@pytest.mark.parametrize("place", ["datasets/someone/our-catwalk/catwalk-main", "our-catwalk"])
def test_an_attached_clone_is_imported(tmp_path: Path, place: str) -> None:
    """Also one that was downloaded from GitHub as a zip, where Kaggle unpacks it."""
    package = tmp_path / "input" / place / "src/catwalk"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text('__version__ = "of the clone"\n')
    assert catwalk_found(tmp_path / "input", tmp_path) == "of the clone"


@pytest.mark.slow
def test_explore(digits_done: tuple[Path, Run]) -> None:
    outputs = execute(read("explore"), digits_done[0] / "notebooks")
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) == 6
    assert all(picture.metadata["image/png"]["alt"] for picture in pictures)
    assert not [output for output in outputs if output.output_type in ("error", "stream")], (
        "nothing but results"
    )


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("IMAGES") != "all", reason="make test-notebooks runs it")
def test_hackathon(digits_raw: Path, tmp_path: Path) -> None:
    """From data deep below an input folder to what Kaggle looks for; a lost session is gone on with."""
    deep = tmp_path / "input" / "some dataset" / "inner"
    deep.mkdir(parents=True)
    for csv in digits_raw.glob("*.csv"):
        (deep / f"{csv.name}.gz").write_bytes(gzip.compress(csv.read_bytes()))
    set_there = {"COMPETITION": "digits", "BUDGET": "12s", "SOURCE": str(deep.parents[1])}
    set_there["KEEP"] = str(tmp_path / "drive")
    texts = []
    for session in ("first", "second"):
        (tmp_path / session).mkdir()
        (tmp_path / f"{session}-temporary").mkdir()
        notebook = read("hackathon")
        (given,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
        given.source += "".join(f"\n{name} = {value!r}" for name, value in set_there.items())
        outputs = execute(notebook, tmp_path / session, TMPDIR=str(tmp_path / f"{session}-temporary"))
        assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]
        texts.append("".join(output.get("text", "") for output in outputs))
        rows = (tmp_path / session / "submission.csv").read_text().splitlines()
        assert (rows[0], len(rows)) == ("ImageId,Label", 361)
        assert b"</html>" in (tmp_path / session / "talk.html").read_bytes()
        assert sum(path.stat().st_size for path in (tmp_path / session).rglob("*") if path.is_file()) < 5e6
    first, second = texts
    assert f"using the data in {deep}" in first
    assert "next:" not in first
    assert len(first.splitlines()) < 50
    assert f"continuing the search saved in {tmp_path / 'drive'}" in second
    assert "search: already done" in second
    assert len({(tmp_path / session / "submission.csv").read_bytes() for session in ("first", "second")}) == 1


def test_a_project_is_made_and_what_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "competitions").mkdir()
    (tmp_path / "competitions/digits.toml").write_text("mine")
    hackathon.project(tmp_path)
    assert (tmp_path / "competitions/digits.toml").read_text() == "mine"
    for name in hackathon.FOLDERS:
        ours = {path.name for path in (REPOSITORY / name).iterdir() if path.suffix in (".toml", ".ipynb")}
        assert {path.name for path in (tmp_path / name).iterdir()} == ours


@pytest.mark.slow
def test_a_wheel_brings_competitions_and_notebooks(tmp_path: Path) -> None:
    source = tmp_path / "source"
    copy_checkout(source)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path, source], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", tmp_path / "site", wheel], check=True)
    site = str(tmp_path / "site")
    done = subprocess.run(
        [sys.executable, "-c", "from catwalk.course import hackathon; from pathlib import Path; "
         "hackathon.project(Path('project')); print(hackathon.__file__)"],
        cwd=tmp_path, env=clean_environment(PYTHONPATH=site), check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert Path(done.stdout.strip()).is_relative_to(site), "the wheel's, not this checkout's"
    made = run_process(tmp_path / "project", "data", "--competition", "digits", PYTHONPATH=site)
    assert made.returncode == 0, made.stderr
    assert site not in made.stderr, "nor is its folder left out of the path"
