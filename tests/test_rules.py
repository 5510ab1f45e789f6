"""Who may do what: each of these is written in one file alone. And where the tests of a module are."""

import ast
import re
from functools import cache

import pytest

from catwalk.arguments import STAGES
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
        (r"\bConsole\(", {"console.py"}),  # which is plain in a file even where FORCE_COLOR is set
        (r"\bProgress\(\*columns(?!.*console=)", set[str]()),
        (r"--headless", {"browser.py"}),
        (r"import matplotlib|rc_context|\.savefig\(", {"drawing.py"}),  # others take its classes by name
        (  # counts the rows that are classified correctly
            r"argmax\(axis=1\) == | == (labels|given\.truth)\b",
            {"metrics.py", "out_of_fold.py", "numpy_network.py", "comparing.py", "grade.py"},
        ),
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


def test_messages_name_commands_as_make_has_them() -> None:
    """``command_hints`` completes that form, and names the package's command where there is no Makefile."""
    command = re.compile(rf"\bcatwalk (?:{'|'.join(STAGES)})\b")
    found = set[str]()
    for name, text in SOURCES.items():
        tree = ast.parse(text if command.search(text) else "")
        documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and id(node) not in documentation:
                found.update({name} if command.search(str(node.value)) else ())
    assert found <= {"project.py"}, "which reads what was printed"


def test_ci_names_the_programs_whose_tests_may_be_skipped() -> None:
    texts = "".join(path.read_text() for path in (REPOSITORY / "tests").rglob("*.py"))
    asked = set(re.findall(r"may_lack\(\"(\w+)\"\)", texts))
    lines = re.findall(r"^ +INSTALLED_FOR_TESTS=(.*)", (REPOSITORY / ".ci/run").read_text(), re.MULTILINE)
    named = {word for line in lines for word in re.findall(r"\b[a-z]+", line)}
    assert len(asked) == 2
    assert asked == named
