"""report.py, results.py, figures.py and the notebook: what a person gets to see."""

import json
from pathlib import Path

import nbformat
import pytest
from conftest import Run, run_catwalk

from catwalk import figures, results
from catwalk.paths import Paths


@pytest.fixture
def loaded(digits_done: tuple[Path, Run], monkeypatch: pytest.MonkeyPatch) -> results.Results:
    monkeypatch.chdir(digits_done[0])
    return results.load("digits")


def test_the_notebook_is_executed_with_its_pictures(digits_done: tuple[Path, Run]) -> None:
    (path,) = Paths(digits_done[0], "digits").submissions.glob("*/talk.ipynb")
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    outputs = [output for cell in code for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) == 7
    assert all(picture.metadata["image/png"]["alt"] for picture in pictures)
    text = json.dumps(notebook)
    assert "Digits 8x8" in text
    assert str(digits_done[0]) not in text, "no path of this machine"


def test_the_source_has_no_outputs() -> None:
    source = nbformat.read(Path(__file__).parents[1] / "notebooks" / "talk.ipynb", as_version=4)
    assert not [cell for cell in source.cells if cell.get("outputs")]


def test_results(loaded: results.Results) -> None:
    assert loaded.scores.accuracy == loaded.recipe["validation"]["accuracy"]
    assert loaded.best["value"] == max(t["value"] for t in loaded.trials if t["state"] == "complete")
    assert loaded.pictures(loaded.prepared.train[:3]).shape == (3, 8, 8)
    assert loaded.test_score is None


@pytest.mark.parametrize(
    "name",
    ["samples", "split", "baselines", "search", "learning_curves", "confusion", "mistakes"],
)
def test_a_figure_is_the_same_bytes_each_time(loaded: results.Results, name: str) -> None:
    one, two = (figures.png(getattr(figures, name)(loaded)) for _ in range(2))
    assert one == two
    assert one.startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_report_makes_what_it_needs(project: Path) -> None:
    done = run_catwalk(project, "report", "--competition", "digits", "--trials", "2", "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert len(list(Paths(project, "digits").submissions.glob("*/talk.ipynb"))) == 1
    again = run_catwalk(project, "report", "--competition", "digits")
    assert "report: done before" in again.stdout
