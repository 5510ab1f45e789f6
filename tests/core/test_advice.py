"""advice.py: every error gives advice, each advice is of one kind, and of each kind a test follows it.

Also: errors.py.
"""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from catwalk.core import advice, memory
from catwalk.core.errors import MachineError, UserError, one_line, shown
from catwalk.core.paths import Paths
from catwalk.data import kaggle_credentials, prepare
from catwalk.models import features
from catwalk.search import limits, progress
from tests.conftest import REPOSITORY
from tests.data.test_kaggle_client import fetch, zipped
from tests.support.advice_kinds import Kind, kinds_of
from tests.support.kaggle_server import Fault, Kaggle

SOURCE = REPOSITORY / "src/catwalk"
ERRORS = {"CatwalkError", "UserError", "NetworkError", "MachineError", "NotScoredError"}
ERRORS |= {"NewerRecordError", "DamagedError", "NoCsvError", "kind"}

# Errors whose words came from another process, with the advice in them.
WHOLE = {
    "course/project.py": "the last line of the stage that failed",
    "report/notebook.py": "the line of the error in the notebook's kernel",
    "course/run_stage.py": "the last line of the stage that failed",
}

FOLLOWED = {
    Kind.RUN: ["test_advice::test_a_command_is_run"],
    Kind.INSTALL: ["test_extras::test_a_fresh_environment_gets_the_lock"],
    Kind.WAIT: [
        "test_advice::test_who_waits_goes_on",
        "test_kaggle_client::test_an_ended_download_goes_on_with_the_next_command",
    ],
    Kind.CHOOSE: ["test_advice::test_what_is_offered_can_be_chosen"],
    Kind.EDIT_TOML: [
        "test_file_forms::test_a_form_that_is_refused",
        "test_file_forms::test_joined_labels",
        "test_advice::test_a_toml_is_fixed_as_told",
    ],
    Kind.EDIT_FILE: ["test_file_forms::test_a_form_that_is_refused"],
    Kind.PUT_FILE: ["test_file_forms::test_a_form_that_is_refused"],
    Kind.DOWNLOAD: ["test_file_forms::test_a_form_that_is_refused"],
    Kind.MOVE_ASIDE: ["test_download::test_a_file_of_one_s_own_is_never_replaced"],
    Kind.CREDENTIAL: [
        "test_kaggle_credentials::test_a_key_that_is_not_found_is_named_and_the_advice_works",
        "test_kaggle_credentials::test_a_key_in_a_token_s_place_is_told",
    ],
    Kind.LOOK: ["test_advice::test_who_accepts_the_rules_gets_the_data"],
    Kind.MACHINE: [
        "test_advice::test_so_many_workers_as_told",
        "test_faults::test_a_full_disk_is_one_line_in_every_stage",
    ],
    Kind.CODE: ["test_study::test_other_choices_in_the_space_need_a_new_study"],
}

Node = ast.FunctionDef | ast.AsyncFunctionDef
TREES = {path.relative_to(SOURCE).as_posix(): ast.parse(path.read_text()) for path in SOURCE.rglob("*.py")}
FILES = {Path(file).stem: file for file in TREES}  # of modules, which have names of their own
FUNCTIONS = {
    (file, node.name): node
    for file, tree in TREES.items()
    for node in ast.walk(tree)
    if isinstance(node, Node)
}


def errors() -> Iterator[tuple[str, ast.Call, Node]]:
    """Every call that makes an error: file, call and the innermost function that it stands in."""
    for (file, _), function in FUNCTIONS.items():
        inner = {
            id(n)
            for f in ast.walk(function)
            if isinstance(f, Node) and f is not function
            for n in ast.walk(f)
        }
        for node in ast.walk(function):
            if not isinstance(node, ast.Call) or id(node) in inner:
                continue
            name = getattr(node.func, "id", "")
            if name in ERRORS or (getattr(node.func, "attr", "") == "error" and _of_a_file(node)):
                yield file, node, function


def _of_a_file(node: ast.Call) -> bool:
    """Whether it is ``CsvFile.error``, whose advice is to fix the file where none is given."""
    return isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "file"


def given(call: ast.Call) -> ast.expr | None:
    return next((word.value for word in call.keywords if word.arg == "fix"), None)


class Texts:
    """The texts that an expression may give, its parts that are not known being "x".

    Args:
        file: where it stands.
        function: the function that it stands in.
    """

    def __init__(self, file: str, function: Node) -> None:
        self.file, self.function = file, function

    def of(self, node: ast.expr) -> list[str]:
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.JoinedStr(values=parts):
                return self._joined(parts)
            case ast.IfExp(body=one, orelse=other):
                return self.of(one) + self.of(other)
            case ast.BoolOp(values=values):
                return [text for value in values for text in self.of(value)]
            case ast.BinOp(left=left, right=right):
                return [one + other for one in self.of(left) for other in self.of(right)]
            case ast.Name(id=name):
                return self._named(name)
            case ast.Attribute(value=ast.Name(id="advice"), attr=name):
                return [str(getattr(advice, name)).format("x")]
            case ast.Call(func=function):
                return self._called(function)
        return ["x"]

    def _joined(self, parts: list[ast.expr]) -> list[str]:
        texts = [""]
        for part in parts:
            more = self.of(part.value if isinstance(part, ast.FormattedValue) else part)
            texts = [text + one for text in texts for one in more]
        return texts

    def _named(self, name: str) -> list[str]:
        module = TREES[self.file].body
        found = [
            node.value
            for node in [*ast.walk(self.function), *module]
            if isinstance(node, ast.Assign) and name in [getattr(target, "id", "") for target in node.targets]
        ]
        return [text for value in found for text in self.of(value)] or ["x"]

    def _called(self, function: ast.expr) -> list[str]:
        """What a function of ours may return."""
        match function:
            case ast.Attribute(value=ast.Name(id="advice"), attr=name):
                return [str(getattr(advice, name)("x"))]
            case ast.Attribute(value=ast.Attribute(value=ast.Name(id="advice"), attr=name), attr="format"):
                return [str(getattr(advice, name)).format("x")]
            case ast.Attribute(value=ast.Name(id=module), attr=name):
                place = FILES.get(module, ""), name
            case ast.Name(id=name):
                place = self.file, name
            case _:
                return ["x"]
        if place not in FUNCTIONS:
            return ["x"]
        there = FUNCTIONS[place]
        returned = [n.value for n in ast.walk(there) if isinstance(n, ast.Return) and n.value is not None]
        return [text for value in returned for text in Texts(place[0], there).of(value)] or ["x"]


def test_every_error_gives_advice() -> None:
    silent = {
        file
        for file, call, _ in errors()
        if given(call) is None and not isinstance(call.func, ast.Attribute)  # CsvFile.error has one
    }
    assert silent == set(WHOLE)
    assert sum(1 for _ in errors()) > 150


def advices() -> dict[str, str]:
    """Every advice in the source, and where it is."""
    found = {}
    for file, call, function in errors():
        fix = given(call)
        for text in Texts(file, function).of(fix) if fix is not None else []:
            if text not in ("", "x"):
                found[text] = f"{file}:{call.lineno}"
    return found


def test_advice_that_another_module_s_function_gives_is_among_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no key lies about."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KAGGLE_CONFIG_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert kaggle_credentials.how_to_get() in advices()


def test_every_advice_is_of_one_kind() -> None:
    found = advices()
    assert len(found) > 100
    wrong = {f"{where}: {text}": kinds_of(text) for text, where in found.items() if len(kinds_of(text)) != 1}
    assert not wrong
    assert {kinds_of(text)[0] for text in found} == set(Kind), "a kind that nobody uses"


def test_no_advice_is_to_remove_anything() -> None:
    """Nor is a page's, whose readers may have only this copy."""
    assert not [text for text in advices() if {"remove", "delete", "rm"} & set(text.split())]
    asked = re.compile(r"(?i)(?:^|[.,:;(] |\b(?:to|then|first) )(?:remove|delete|rm)\b.{,40}")
    pages = [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md")]
    assert len(pages) > 10
    for page in pages:
        assert not asked.findall(" ".join(page.read_text(encoding="utf-8").split())), page


def test_of_each_kind_a_test_follows_the_advice() -> None:
    assert set(FOLLOWED) == set(Kind)
    for tests in FOLLOWED.values():
        for test in tests:
            module, name = test.split("::")
            (file,) = (REPOSITORY / "tests").rglob(f"{module}.py")
            assert f"\ndef {name}(" in file.read_text(), test


def test_a_command_is_run(catwalk: Callable[..., tuple[int, str, str]], project: Path) -> None:
    paths = Paths(project, "digits")
    with pytest.raises(UserError) as error:
        prepare.load(paths, 1)
    assert error.value.fix == "run make prepare"
    assert catwalk(error.value.fix.split()[-1], "--competition", "digits")[0] == 0
    assert len(prepare.load(paths, 1).pixels) == 1437


def test_who_waits_goes_on(tmp_path: Path) -> None:
    paths = Paths(tmp_path, "digits")
    paths.study.mkdir(parents=True)
    with progress.locked(paths), pytest.raises(UserError) as error, progress.locked(paths):
        pass
    assert error.value.fix.startswith("wait for it to finish, or stop it")
    with progress.locked(paths):
        assert paths.study.is_dir()


def test_what_is_offered_can_be_chosen() -> None:
    with pytest.raises(UserError) as error:
        features.resolve("best", (8, 8))
    offered = error.value.fix.removeprefix("choose one of ").split(", ")
    assert len(offered) > 1
    for choice in offered:
        assert features.resolve(choice, (8, 8))


def test_a_toml_is_fixed_as_told(catwalk: Callable[..., tuple[int, str, str]], project: Path) -> None:
    toml = project / "competitions/digits.toml"
    text = toml.read_text()
    line = 'title = "Digits 8x8"\n'
    toml.write_text(text.replace(line, ""))
    code, _, err = catwalk("data", "--competition", "digits")
    assert (code, err.count("\n")) == (2, 1)
    assert "competitions/digits.toml: the key 'title' is missing: add it to the TOML" in err
    toml.write_text(line + toml.read_text())
    assert catwalk("data", "--competition", "digits")[0] == 0


def test_who_accepts_the_rules_gets_the_data(project: Path, digits_raw: Path) -> None:
    toml = project / "competitions/digits.toml"
    toml.write_text(toml.read_text().replace('sklearn = "load_digits"', 'kaggle_competition = "eight"'))
    blob = zipped(digits_raw, "digits_train.csv", "digits_test.csv")
    kaggle = Kaggle(blob, faults={"DownloadDataFiles": Fault(403, times=1)})
    login = {"KAGGLE_USERNAME": "me", "KAGGLE_KEY": "k" * 32}
    done = fetch(project, kaggle, "digits", **login)
    assert done.returncode == 2
    assert (
        "join the competition and accept the rules at https://www.kaggle.com/competitions/eight/rules"
        in done.stderr
    )
    done = fetch(project, kaggle, "digits", **login)  # it was accepted there
    assert (done.returncode, done.stderr) == (0, "")


def test_so_many_workers_as_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda: 3 * limits.WORKER_MEMORY)
    with pytest.raises(MachineError) as error:
        limits.workers(8)
    assert limits.workers(int(error.value.fix.removeprefix("WORKERS="))) == 3


def test_others_words_are_escaped_and_short() -> None:
    assert shown("two\nlines\x1b[31m\u202e") == "two lines\\x1b[31m\\u202e"
    assert len(shown(b"\x00" * 500)) == 120


@pytest.mark.parametrize(
    ("where", "what"), [("SOURCE=" + "/a" * 200, "is not there"), ("x.csv", "b" * 400), ("/a" * 99, "b" * 99)]
)
@pytest.mark.parametrize("of_another_process", [False, True])
def test_an_error_s_line_ends_with_its_advice(where: str, what: str, of_another_process: bool) -> None:
    """Also where the line is that of a stage which failed in another process."""
    fix = "run make data again: the files of " + "c" * 20
    if of_another_process:
        where, what, fix = "", f"{where}: {what}: run make data again", ""
    line = one_line("catwalk data", where, what, fix)
    assert len(line) == 300
    assert line.startswith("catwalk data: ")
    assert line.endswith(f": {fix or 'run make data again'}")
    assert not where or line[14:].startswith(("...a", ".../a", "x.csv: b"))
