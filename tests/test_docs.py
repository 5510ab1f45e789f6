"""README, docs and docstrings: every link leads somewhere, and what they list is what the code has.

Also what the benchmarks keep, which pages are made of.
"""

import argparse
import ast
import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catwalk import arguments, option_values, search_options
from catwalk.core.paths import Paths
from catwalk.course import course
from catwalk.data import scope
from catwalk.data.toml_keys import KEYS
from catwalk.models.space import SPACE
from catwalk.search import limits
from tests.conftest import REPOSITORY, load

PAGES = [
    path.relative_to(REPOSITORY).as_posix()
    for path in [
        *REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md"),
        REPOSITORY / "data/README.md", REPOSITORY / "submissions/README.md",
    ]
]  # fmt: skip
README_LINES = 150
GLOSSARY_TERMS = 15
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
PACKAGES = {path.parent.name for path in (REPOSITORY / "src/catwalk").glob("*/__init__.py")}
USAGE = (REPOSITORY / "docs/usage.md").read_text(encoding="utf-8")
MEANING = 30  # the column of make's help where a variable's meaning begins, or a little before
FOLDERS = "src|tests|docs|benchmarks|verification|competitions|notebooks|examples"
SUFFIXES = ("csv", "json", "toml", "pdf")  # of files whose names look like a module's function
PYTHON = ("src", "tests", "benchmarks", "verification", "examples", "tools")  # folders with Python files
LATER = {"BUDGET": "10m", "FEATURES": "auto", "MODELS": "dense"}  # defaults that the parser leaves open
# Files of other packages, and of a student's own.
OTHERS = {"kaggle/__init__.py", "coverage.py", "random.py", "numpy.py"}


def rows(text: str) -> list[list[str]]:
    """The cells of all rows of a page's tables, without headers and rules."""
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


def named(cell: str) -> list[str]:
    """What a cell names between backticks."""
    return re.findall(r"`([^`]+)`", cell)


@cache
def make_help() -> tuple[set[str], dict[str, str]]:
    """The targets, and the variables with their defaults, that make prints."""
    said = subprocess.run(["make"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    targets, variables = re.split(r"^  variable .*\n", said, flags=re.MULTILINE)
    defaults = {}
    for words in re.finditer(r"^  ([A-Z_]+) +(\S+)", variables, re.MULTILINE):
        has_default = words.start(2) - words.start() < MEANING
        defaults[words[1]] = words[2] if has_default else ""
    return set(re.findall(r"^  ([a-z-]+) ", targets, re.MULTILINE)), defaults


def variables() -> dict[str, list[str]]:
    """The rows of the variables' tables by the variable: option, default, stages, meaning."""
    return {named(row[0])[0]: row[1:] for row in rows(USAGE) if re.fullmatch(r"`[A-Z_]+`", row[0])}


@cache
def anchors(path: Path) -> set[str]:
    """The names by which links reach a page's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_relative_links_lead_to_a_file_and_to_a_heading(page: str) -> None:
    path = REPOSITORY / page
    for link in LINK.findall(path.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_git_keeps_the_pages_of_ignored_folders() -> None:
    asked = ["data/README.md", "data/digits", "submissions/README.md", "submissions/digits"]
    done = subprocess.run(["git", "check-ignore", *asked], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.stdout.split() == ["data/digits", "submissions/digits"], done.stderr


def test_the_page_of_data_has_every_folder_there_and_names_files_as_the_code_does() -> None:
    paths, there = Paths(Path(), "<competition>"), Path("data/<competition>")
    known = [getattr(paths, name) for name, one in vars(Paths).items() if isinstance(one, property)]
    inside = [path for path in (*known, paths.course(""), paths.reproduced("")) if path.is_relative_to(there)]
    table = rows((REPOSITORY / "data/README.md").read_text(encoding="utf-8"))
    told = [Path("data", named(row[0])[0]) for row in table]
    assert sorted(told) == sorted({there / path.relative_to(there).parts[0] for path in inside})
    files = {word for row in table for word in named(row[2]) if Path(word).suffix}
    assert len(files) > 5
    assert files <= {path.name for path in inside}


def test_the_readme_is_short() -> None:
    lines = (REPOSITORY / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= README_LINES


def test_every_page_is_linked_in_the_readme() -> None:
    linked = set(LINK.findall((REPOSITORY / "README.md").read_text(encoding="utf-8")))
    assert {page for page in PAGES if page.startswith("docs/")} <= linked


def test_the_readme_s_tree_names_the_packages() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    tree = readme.split("src/catwalk/ ", 1)[1].split("\n```", 1)[0]
    assert sorted(re.findall(r"^  (\w+)/ +\w", tree, re.MULTILINE)) == sorted(PACKAGES)
    for name in re.findall(r"^  ([\w.]+\.py)", tree, re.MULTILINE):
        assert (REPOSITORY / "src/catwalk" / name).is_file(), name
    for name in re.findall(r"^([\w/.]+?)/? +\w", tree, re.MULTILINE):
        assert (REPOSITORY / name).exists(), name


def test_the_readme_s_variables_are_explained_in_usage() -> None:
    readme = rows((REPOSITORY / "README.md").read_text(encoding="utf-8"))
    short = {named(row[0])[0] for row in readme if re.fullmatch("`[A-Z]+`", row[0])}
    assert len(short) == 10
    assert short <= variables().keys()


def test_usage_has_every_target_and_no_other() -> None:
    told = {word.removeprefix("make ") for row in rows(USAGE) for word in named(row[0])}
    targets = {word for word in told if word.islower()} - {"make"}
    assert targets == {*make_help()[0], "help"}
    assert arguments.STAGES.keys() <= targets


def test_usage_has_every_variable_with_its_default_and_no_other() -> None:
    told = {name: "".join(named(row[1])) for name, row in variables().items()}
    assert told == make_help()[1]


@pytest.mark.parametrize("stage", arguments.STAGES)
def test_usage_has_every_option_of_a_stage_and_no_other(stage: str) -> None:
    told = {
        named(option)[0]
        for option, _, stages, *_ in variables().values()
        if stages == "all stages" or stage in named(stages)
    }
    assert told == {f"--{arguments.option(name)}" for name in arguments.defaults(stage)}


@pytest.mark.parametrize("stage", arguments.STAGES)
def test_usage_has_the_defaults_of_a_stage_s_options(stage: str) -> None:
    """Those that the parser leaves open are found later: by the last search, or as the next test has it."""
    for name, default in arguments.defaults(stage).items():
        _, cell, _, meaning = variables()[name]
        if name == "PORT":
            assert f"{default} ({stage})" in meaning
        elif stage == "course" and f"CATWALK_{name}" in course.USUAL:
            first = course.USUAL[f"CATWALK_{name}"]
            assert re.search(rf"`course`[^;]* `?{first}`? by default, later what it last", meaning)
        else:
            usual = LATER.get(name, "") if default is None else "0" if default is False else str(default)
            assert "".join(named(cell)) == usual, name


def test_usage_says_which_stages_follow_the_last_search() -> None:
    words = "without it, ([^;]*) take those that were searched last"
    told = {"FEATURES": words, "MODELS": words, "FOLDS": "what the last search had for ([^;]*);"}
    for name, pattern in told.items():
        found = re.search(pattern, variables()[name][-1])
        following = [stage for stage in search_options.FOLLOWING if name in arguments.defaults(stage)]
        assert found, name
        assert named(found[1]) == following, name


def test_what_the_parser_leaves_open_is_found_later() -> None:
    """No stage is run: of the context nothing is asked."""
    nothing: Any = None
    given = arguments.parse(["search"])
    budget = option_values.duration(LATER["BUDGET"])
    assert search_options.limits_of(given, nothing) == limits.Limits(budget, None, 1)
    given = arguments.parse(["search", "--trials", "5"])
    assert search_options.limits_of(given, nothing) == limits.Limits(None, 5, 1)
    loaded = load("fashion-mnist")
    features = search_options._features(given, loaded)
    assert features == search_options._features(argparse.Namespace(features=LATER["FEATURES"]), loaded)
    asked = scope.name(features, LATER["MODELS"])
    assert search_options.scope(given, nothing, loaded, print) == asked
    assert course.USUAL[course.MODELS_VARIABLE] == LATER["MODELS"]


@pytest.mark.parametrize("name", [name for name in SPACE if not name.startswith(("depth", "width_"))])
def test_usage_has_the_choices_of_the_space(name: str) -> None:
    *_, meaning = variables()[name.upper()]
    numbers = {float(text) for text in re.findall(r"\d+(?:\.\d+)?", meaning)}
    for value in SPACE[name][1]:
        assert value in named(meaning) if isinstance(value, str) else float(value) in numbers, value


@pytest.mark.parametrize("page", [page for page in PAGES if page != "CHANGELOG.md"])
def test_files_that_a_page_names_are_there(page: str) -> None:
    for word in named((REPOSITORY / page).read_text(encoding="utf-8")):
        if re.fullmatch(rf"({FOLDERS})/[\w./-]+", word):
            assert (REPOSITORY / word).exists(), word
        elif re.fullmatch(r"(\w+)/(\w+)\.py", word) and word.split("/")[0] in PACKAGES:
            assert (REPOSITORY / "src/catwalk" / word).is_file(), word


def docstrings(path: Path) -> str:
    """All docstrings of a file."""
    documented = ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef
    nodes = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, documented)]
    return "\n".join(ast.get_docstring(node) or "" for node in nodes)


def test_python_files_that_a_docstring_names_are_there() -> None:
    files = [path for folder in PYTHON for path in sorted((REPOSITORY / folder).rglob("*.py"))]
    names = {path: set(re.findall(r"[\w/]*\w\.py\b", docstrings(path))) - OTHERS for path in files}
    assert sum(map(len, names.values())) > 100
    for path, words in names.items():
        for word in words:
            assert any(file.match(word) for file in files), f"{path}: {word}"


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_functions_classes_and_constants_that_a_page_names_are_there(page: str) -> None:
    """By their module: `split.write`."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in (REPOSITORY / "src").rglob("*.py")}
    for word in named((REPOSITORY / page).read_text(encoding="utf-8")):
        module, _, name = word.partition(".")
        if module in texts and re.fullmatch(r"\w{3,}", name) and name not in SUFFIXES:
            assert re.search(rf"^(def |class )?{name}\b", texts[module], re.MULTILINE), word


def test_architecture_has_the_packages_in_the_order_of_their_imports() -> None:
    text = (REPOSITORY / "docs/architecture.md").read_text(encoding="utf-8")
    config = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    layers = next(c["layers"] for c in config["tool"]["importlinter"]["contracts"] if c["type"] == "layers")
    told = [named(row[0])[0] for row in rows(text.split("## What only")[0])]
    assert told == [name for name in layers if name in PACKAGES]


def test_architecture_has_every_record_and_each_module_that_encodes_one() -> None:
    text = (REPOSITORY / "docs/architecture.md").read_text(encoding="utf-8")
    table = rows(text.split("## Records")[1].split("\n## ")[0])
    told, versioned = {word for row in table for word in named(" ".join(row))}, list[str]()
    for path in sorted((REPOSITORY / "src/catwalk").rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if "records.encode(" in source and path.name != "made_before.py":  # it compares, and stores none
            assert f"{path.parent.name}/{path.name}" in told
        found = re.findall(r"class (\w+):(?:\n(?!class ).*)*?\n    SCHEMA_VERSION.* = \d", source)
        versioned += [f"{path.stem}.{name}" for name in found]
    assert len(versioned) >= 5
    assert set(versioned) <= told


def test_each_key_of_a_toml_has_a_row() -> None:
    page = (REPOSITORY / "docs/competitions.md").read_text(encoding="utf-8")
    told: dict[str, set[str]] = {}
    for first in re.findall(r"^\| (`[^|]*) \|", page.split("| key |")[1], re.MULTILINE):
        words = named(first)
        section = words.pop(0)[1:-1] if words[0].startswith("[") else ""
        told.setdefault(section, set()).update(words)
    sections = {"files", "columns", "submission"}
    assert {section: told[section] for section in sections} == {one: KEYS[one] for one in sections}
    assert told[""] == KEYS[""] - sections - {"sources", "sha256"}
    assert KEYS["sources"] <= set(re.findall(r"`(\w+) = ", page))


def test_generated_pages_are_made_of_the_kept_figures() -> None:
    from benchmarks import bench_report, markdown, performance, record, scores
    from verification import promises

    for maker in (performance, promises):
        assert maker.PAGE.read_text(encoding="utf-8") == maker.page(), f"run {maker.__name__} again"
    for page, only_first in scores.PAGES.items():
        table = markdown.marked(scores.BEGIN, scores.table(only_first))
        assert table in page.read_text(encoding="utf-8"), "run benchmarks.scores --write"
    kept = record.newest(bench_report.NAME)
    assert kept
    bench = markdown.marked(bench_report.BEGIN, bench_report.readme(kept))
    assert bench in (REPOSITORY / "README.md").read_text(encoding="utf-8"), "run benchmarks.performance again"


def test_the_readme_has_room_for_all_tools_of_the_bench() -> None:
    from benchmarks import bench_report, record

    kept = record.newest(bench_report.NAME)
    assert kept
    one = {"seed": 1, "test": 0.9, "curve": [[9.0, 0.9]], "peak_mb": 1}
    whole = {**kept, "runs": [{**one, "tool": tool} for tool in bench_report.TOOLS]}
    now, then = (bench_report.readme(figures).splitlines() for figures in (kept, whole))
    lines = (REPOSITORY / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) - len(now) + len(then) <= README_LINES
    assert sum(line.startswith("|") for line in then) == len(bench_report.TOOLS) + 2 <= 12


def test_growth_counts_no_gradient_by_the_pixels() -> None:
    from benchmarks import growth, record

    assert growth.multiplications(1, 1) == 2 * 784 + 3 * (1 + 10)
    kept = record.newest("growth")
    assert kept
    for row in kept["figures"]:
        assert row["multiplications"] == growth.multiplications(row["rows"], row["width"])


def test_only_a_whole_bench_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks import bench, bench_report, project, record
    from catwalk.data import test_labels

    def once(_kept: Path, tool: str, _budget: float, seed: int) -> tuple[dict[str, Any], None]:
        return {"tool": tool, "seed": seed, "seconds": 1.0, "peak_mb": 1, "curve": []}, None

    kept, drawn = list[str](), list[str]()
    monkeypatch.setattr(project, "end_by_sigterm", lambda: None)
    monkeypatch.setattr(record, "RESULTS", tmp_path)
    monkeypatch.setattr(record, "keep", lambda name, _: kept.append(name))
    monkeypatch.setattr(test_labels, "open_labels", lambda *_: np.zeros(1))
    monkeypatch.setattr(bench_report, "show", lambda: drawn.append(kept[-1]))
    monkeypatch.setattr(bench, "_once", once)
    for budget, tools in (("10m", bench_report.TOOLS), ("3m", bench_report.TOOLS), ("10m", ("catwalk",))):
        asked = {"budget": budget, "rounds": 3, "tools": ",".join(tools), "collect": False}
        bench.measure(argparse.Namespace(**asked))
    assert kept == ["bench-10m", "bench-3m", "bench-10m-part"]
    assert drawn == ["bench-10m"]


def test_a_kept_run_of_another_commit_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks import bench, bench_report, record

    monkeypatch.setattr(record, "code_commit", lambda: "b" * 40)
    unknown, other, same, peer = (tmp_path / f"{number}.npz" for number in range(4))
    rows = [
        {"tool": "catwalk", "seed": 1},  # as it was kept before
        {"tool": "random_engine", "seed": 1, "commit": "a" * 40},
        {"tool": "catwalk_all", "seed": 1, "commit": "b" * 40},
        {"tool": "beginner", "seed": 1, "commit": "a" * 40},
    ]
    for file, row in zip((unknown, other, same, peer), rows, strict=True):
        np.savez(file, row=json.dumps(row), validation=np.zeros(0), test=np.zeros(0))
        assert bench._once(file, str(row["tool"]), 1.0, 1) == (row, None)
    said = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[0] for line in said] == [
        f"{unknown} is of an unknown commit",
        f"{other} is of {'a' * 40}",
    ]
    assert bench_report.commits(rows) == (
        "These runs are of several commits; of an unknown commit: catwalk in round 1; of aaaaaaaaaa: random "
        "search, catwalk's engine in round 1; of bbbbbbbbbb: catwalk, MODELS=all in round 1."
    )
    assert not bench_report.commits(rows[2:]), "a peer's do not depend on it"


def test_the_prediction_gets_what_the_search_left_of_the_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchmarks import bench

    given = list[float]()

    def run(_command: list[str], _folder: Path, budget: float) -> float:
        given.append(budget)
        time.sleep(0.05)
        return 1.0

    monkeypatch.setattr(bench, "run", run)
    monkeypatch.setattr(bench, "curve_of_study", lambda *_: [])
    assert bench.catwalk(tmp_path, 600.0, 1, "dense") == ([], None, 1.0), "nor is there an answer"
    assert given[0] == 600
    assert given[1] <= 600 - 0.05


def test_an_interrupted_repetition_loses_nothing_that_was_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchmarks import project, record, scores

    def one(_asked: dict[str, str], seed: int) -> dict[str, int]:
        if seed == 3:
            raise KeyboardInterrupt
        return {"seed": seed, "test": 2}

    kept = list[Any]()
    monkeypatch.setattr(project, "end_by_sigterm", lambda: None)
    monkeypatch.setattr(record, "newest", lambda _: {"rows": [{"seed": n, "test": 1} for n in (3, 2, 1)]})
    monkeypatch.setattr(scores, "one", one)
    monkeypatch.setattr(scores, "write", lambda: None)
    monkeypatch.setattr(sys, "argv", ["scores", "--seeds", "2", "3"])
    with monkeypatch.context() as patched:
        patched.setattr(record, "keep", lambda _, content: kept.append(content["rows"]))
        with pytest.raises(KeyboardInterrupt):
            scores.main()
    assert kept == [[{"seed": 1, "test": 1}, {"seed": 2, "test": 2}, {"seed": 3, "test": 1}]]

    def half(path: Path, text: str, **_: object) -> None:
        path.write_bytes(text[:9].encode())
        raise KeyboardInterrupt

    before = record.keep("scores", {}, tmp_path).read_text()
    monkeypatch.setattr(Path, "write_text", half)
    with pytest.raises(KeyboardInterrupt):
        record.keep("scores", {}, tmp_path)
    assert [path.read_text() for path in tmp_path.iterdir()] == [before]


def test_sigterm_ends_a_benchmark_as_ctrl_c_does_and_its_feeder_ends_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchmarks import project, workers
    from catwalk.data import prepare
    from catwalk.search import study

    before = signal.getsignal(signal.SIGTERM)
    try:
        project.end_by_sigterm()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    parents = iter((1234,))
    monkeypatch.setattr(os, "getppid", lambda: next(parents, 1))
    monkeypatch.setattr(study, "create", lambda *_: None)
    monkeypatch.setattr(prepare, "load", lambda *_: None)
    workers.feed(tmp_path)


def test_no_task_of_the_methods_runs_alone() -> None:
    from benchmarks import methods

    assert methods.with_neighbours([1, 2, 3], 2) == [1, 2, 3, 1]
    assert methods.with_neighbours([1, 2], 2) == [1, 2]


def test_the_glossary_is_short() -> None:
    text = (REPOSITORY / "docs/architecture.md").read_text(encoding="utf-8")
    terms = re.findall(r"^\| ([^|]+) \| ", text.split("## Glossary")[1], re.MULTILINE)
    assert 10 < len(terms) - 1 <= GLOSSARY_TERMS  # and the table's header
