"""verification/mutation.py: what --again counts as caught; the module is itself the test that is run.

Also of which commits the kept figures are.
"""

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import record
from tests.conftest import REPOSITORY
from verification import mutation


def mutant(code: str) -> dict[str, str]:
    return {"file": "split.py", "function": "", "was": "SystemExit(0)", "is": f"SystemExit({code})"}


@pytest.fixture(autouse=True)
def a_module_that_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextlib.contextmanager
    def copied() -> Iterator[Path]:
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        file = folder / "src/catwalk/data/split.py"
        file.parent.mkdir(parents=True)
        file.write_text("raise SystemExit(0)\n")
        yield folder

    monkeypatch.setattr(mutation, "copied", copied)
    monkeypatch.setattr(mutation, "tests_of", lambda module: f"{sys.executable} src/catwalk/{module}.py")
    monkeypatch.setattr(record, "code_commit", lambda *_: "a" * 40)


def test_each_module_and_its_tests_are_there() -> None:
    """And no two modules have one name, by which a mutant is known."""
    for module, files in mutation.MODULES.items():
        assert (REPOSITORY / f"src/catwalk/{module}.py").is_file(), module
        for file in files.split():
            assert (REPOSITORY / "tests" / file).is_file(), module
    assert len({Path(module).name for module in mutation.MODULES}) == len(mutation.MODULES)
    file, _, name = mutation.LEFT_OUT.partition("::")
    assert f"\ndef {name}(" in (REPOSITORY / "tests" / file).read_text()


def test_what_fails_is_caught_and_what_passes_survives() -> None:
    kept = {"mutants": {"data/split": 2}, "survivors": [mutant("None"), mutant("1")]}
    assert mutation.again(kept) == {
        "mutants": {"data/split": 2},
        "survivors": [mutant("None")],
        "commits": {},
        "again": "a" * 40,
    }


def test_each_module_s_figures_have_their_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    """And those of an earlier file, which has none, stay; the page says that they are of several."""
    from verification import promises

    kept = list[dict[str, Any]]()
    monkeypatch.setattr(record, "newest", lambda _: {"mutants": {"data/folds": 3}, "survivors": []})
    monkeypatch.setattr(mutation, "survivors_of", lambda *_: (2, []))
    monkeypatch.setattr(mutation, "keep", kept.append)
    mutation.measure(["data/split"])
    assert kept == [
        {
            "mutants": {"data/folds": 3, "data/split": 2},
            "survivors": [],
            "commits": {"data/split": "a" * 40},
            "again": None,
        }
    ]
    said = promises.PROOFS["mutation"].said
    assert said(kept[0]) == (
        "5 mutants of folds, split; 0 survived (below). These modules are of several commits; "
        "of an unknown commit: folds; of aaaaaaaaaa: split."
    )
    again = {**kept[0], "commits": {}, "again": "b" * 40}
    assert said(again).endswith("0 survived (below); earlier survivors were tried again at bbbbbbbbbb")


def test_what_hangs_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutation, "SECONDS", 0.2)
    assert not mutation.survives(mutant("__import__('time').sleep(600)"))


@pytest.mark.parametrize("code", ["2", "4", "5"])
def test_tests_that_do_not_run_catch_nothing(code: str) -> None:
    """Pytest's codes for an error while it collects, for a wrong command, and for no test at all."""
    with pytest.raises(SystemExit, match=rf"data/split did not run \(exit code {code}\)"):
        mutation.again({"mutants": {}, "survivors": [mutant(code)]})


def test_tests_that_fail_by_themselves_catch_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutation, "tests_of", lambda module: f"{sys.executable} -c 'raise SystemExit(1)'")
    with pytest.raises(SystemExit, match="the tests of data/split fail without a mutant"):
        mutation.again({"mutants": {}, "survivors": [mutant("None")]})
