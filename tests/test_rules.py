"""Who may do what: each of these is written in one file alone. And where the tests of a module are."""

import ast
import re
from functools import cache

import pytest

from tests.conftest import REPOSITORY

SOURCES = {path.name: path.read_text() for path in (REPOSITORY / "src/catwalk").rglob("*.py")}


@pytest.mark.parametrize(
    ("pattern", "files"),
    [
        (r"^\s*(from|import) kaggle\b", {"kaggle_client.py"}),
        (r"\.suggest_", {"space.py"}),
        (r"keras\.layers\.", {"network.py", "dense_network.py", "conv_network.py"}),
        (r"GradientTape", {"step.py"}),
        (r"raw_ops", {"layers.py", "optimizers.py"}),
        (r"(root|data|raw|prepared|study|submissions) / f?['\"]", {"paths.py"}),
        (r"\bsealed_labels\b", {"paths.py", "prepare.py", "test_labels.py"}),
        (r"open_labels", {"test_labels.py", "score.py", "grade.py"}),
        (r"import_module|importlib\.import", {"sources.py"}),
        (r"fcntl", {"locks.py"}),
        (r"RDBStorage\(", {"storage.py"}),
        (r"NotebookClient\(", {"notebook.py"}),
        (r"--headless", {"browser.py"}),
        (r"import matplotlib|rc_context|\.savefig\(", {"drawing.py"}),  # others take its classes by name
        (r"argmax\(axis=1\) == ", {"metrics.py", "out_of_fold.py", "numpy_network.py"}),
        (r"\"CUDA_VISIBLE_DEVICES\"", {"tensorflow_setup.py"}),
        (r"list_logical_devices\(\"GPU\"\)", {"placement.py"}),
    ],
)
def test_written_in_one_place(pattern: str, files: set[str]) -> None:
    found = {name for name, text in SOURCES.items() if re.search(pattern, text, re.MULTILINE)}
    assert found == files


def test_no_pickle_is_loaded_and_nothing_is_evaluated() -> None:
    """Networks come from ``.keras`` in Keras's safe mode, arrays from NumPy without objects."""
    unsafe = r"\bpickle\b|allow_pickle=True|safe_mode=False|joblib|enable_unsafe|\beval\(|\bexec\(|shell=True"
    assert [name for name, text in SOURCES.items() if re.search(unsafe, text)] == []


def test_the_report_only_reads_and_no_stage_imports_it() -> None:
    # These write, or other packages use them.
    others = {"__init__", "report", "notebook", "browser", "html", "formatting"}
    shown = {path.stem for path in (REPOSITORY / "src/catwalk/report").glob("*.py")} - others
    assert {"results", "slides", "search_slide", "accuracy_figures"} <= shown
    for name in shown:
        assert not re.search(r"atomic_write|write_|\.unlink|mkdir", SOURCES[f"{name}.py"]), name
    words = "|".join({*shown - {"results"}, "report"})
    importing = {name for name, text in SOURCES.items() if re.search(rf"import.*\b({words})\b", text)}
    exercises = {path.name for path in (REPOSITORY / "src/catwalk/course").glob("*.py")}
    assert importing <= {"stages.py", "report.py", *(f"{name}.py" for name in shown), *exercises}
    for name in shown - {"explore"}:  # augmentation is a network's
        assert not re.search(r"import tensorflow|keras", SOURCES[f"{name}.py"]), name


def test_prepare_writes_the_sealed_labels_and_reads_them_nowhere() -> None:
    uses = re.findall(r".*sealed_labels.*", SOURCES["prepare.py"])
    assert uses
    assert all("_save(" in line or "unlink" in line for line in uses)


@cache
def named_by_tests() -> dict[str, set[str]]:
    """The file names in each test file's docstring, as "prepare.py"."""
    return {
        path.relative_to(REPOSITORY).as_posix(): set(
            re.findall(r"\w+\.py\b", ast.get_docstring(ast.parse(path.read_text())) or "")
        )
        for path in (REPOSITORY / "tests").rglob("test_*.py")
    }


def test_each_module_is_named_by_a_test_file() -> None:
    """By its name in the folder of the package, or in its docstring: there the module's tests are found."""
    sources, tests = REPOSITORY / "src/catwalk", REPOSITORY / "tests"
    named = {name for names in named_by_tests().values() for name in names}
    modules = [path.relative_to(sources) for path in sources.rglob("*.py") if path.name != "__init__.py"]
    assert len(modules) > 200
    nowhere = [
        module.as_posix()
        for module in modules
        if module.name not in named and not (tests / module.parent / f"test_{module.name}").is_file()
    ]
    assert not nowhere, "name it in the docstring of the file that tests it, as: Also: prepare.py."


def test_files_that_a_test_file_names_are_there() -> None:
    folders = ("src/catwalk", "benchmarks", "verification", "tools", "tests")
    there = {path.name for folder in folders for path in (REPOSITORY / folder).rglob("*.py")}
    gone = {file: names - there for file, names in named_by_tests().items() if names - there}
    assert not gone
