"""The Makefile: thin and complete; test_docs.py holds docs/usage.md against it."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from catwalk.arguments import STAGES, defaults, option
from tests.conftest import REPOSITORY
from verification import audit

PARTS = [path.read_text() for path in (REPOSITORY / "Makefile", *sorted((REPOSITORY / "tools").glob("*.mk")))]
TARGETS = re.findall(r"^([a-z-]+):.*##", "\n".join(PARTS), re.MULTILINE)
VARIABLES = re.findall(r"^#: ([A-Z_]+)", "\n".join(PARTS), re.MULTILINE)
# What Make 3.81 does not know: functions, assignments, directives, special targets and variables.
NEWER = re.compile(
    r"\$[({](?:file|guile|let|intcmp) |^ *[\w.-]+ *(?:!=|:::?=)|^ *(?:private|undefine|load) |^ *define .*=|"
    r"\.(?:ONESHELL|SHELLFLAGS|SHELLSTATUS|EXTRA_PREREQS|WAIT|NOTINTERMEDIATE)\b|&:",
    re.MULTILINE,
)
LISTED = PARTS[0].split("\nTARGETS :=")[1].split("\n.PHONY")[0].replace("\\\n", " ").split()


def inherited() -> dict[str, str]:
    """The environment without what a make above these tests has set."""
    return {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MAKELEVEL")}


def called(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Make with these arguments; the installation counts as done."""
    return subprocess.run(
        ["make", "-o", ".venv/installed", *arguments],
        cwd=REPOSITORY, capture_output=True, text=True, env={**inherited(), **environment},
    )  # fmt: skip


def make(*arguments: str, **environment: str) -> str:
    """What make would do or prints."""
    done = called(*arguments, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_make_alone_prints_every_target_and_variable() -> None:
    said = make()
    for target in TARGETS:
        assert re.search(rf"^  {target} +\w", said, re.MULTILINE)
    for variable in VARIABLES:
        assert re.search(rf"^  {variable} +\w", said, re.MULTILINE)
    assert set(STAGES) < set(TARGETS)


def test_nothing_needs_a_newer_make_than_macos_has() -> None:
    newer = "$(file >x,y)", "X != date", "X ::= y", "undefine X", "define X =", ".ONESHELL:", "a b &: c"
    for line in newer:
        assert NEWER.search(f"all:\n{line}\n"), line
    for text in PARTS:
        assert not NEWER.findall(text)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_calls_the_command_of_its_name(stage: str) -> None:
    assert f"catwalk {stage}" in make("-n", stage)


def test_variables_reach_the_command() -> None:
    said = make(
        "-n", "all", "COMPETITION=digits", "SOURCE=it's here", "BUDGET=3m", "TRIALS=5", "WORKERS=1",
        "FEATURES=pixels", "SEED=2", "NAME=final",
    )  # fmt: skip
    assert (
        "--competition 'digits' --source 'it'\\''s here' --seed '2' --budget '3m' --trials '5' "
        "--workers '1' --features 'pixels' --name 'final'"
    ) in " ".join(said.split())
    assert "--submission 'x'" in make("-n", "score", "SUBMISSION=x")


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage != "kaggle"])  # it reads none of them
def test_every_variable_of_a_stage_reaches_its_command_line(stage: str) -> None:
    """Each as the option of its name, with its own value; a switch as an option alone."""
    values = {name: "1" if usual is False else f"of {name}" for name, usual in defaults(stage).items()}
    said = " ".join(make("-n", stage, *(f"{name}={value}" for name, value in values.items())).split())
    for name, value in values.items():
        asked = f" --{option(name)} " if value == "1" else f" --{option(name)} '{value}' "
        assert asked in f"{said} ", name


@pytest.mark.parametrize("target", ["bench", "speed", "trust"])
def test_what_measures_leaves_no_generated_page_stale(target: str) -> None:
    said = make("-n", "-o", ".venv/dev", "-o", ".venv-bench/installed", target).splitlines()
    assert [line.split(" -m ")[1] for line in said[-2:]] == [
        "benchmarks.performance",
        "verification.promises --draw",
    ]


def test_an_audit_without_an_answer_says_so_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def silent(command: list[str], *, timeout: float, **_: object) -> None:
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(subprocess, "run", silent)
    assert audit.main() == 0
    assert capsys.readouterr().out.count("audit: NOT DONE for ") == len(audit.LOCKS)


def test_every_listed_variable_is_a_stage_s() -> None:
    listed = set(VARIABLES) - {"PYTHON", "BENCH_BUDGET"}  # of setup and of bench
    assert len(listed) > 30
    assert listed <= set().union(*map(defaults, STAGES))


def test_an_environment_s_name_is_not_the_submission_s() -> None:
    assert "--name" not in make("-n", "predict", NAME="DESKTOP-1234")
    assert "--budget '3m'" in make("-n", "search", BUDGET="3m")


def test_what_may_mean_something_else_in_the_environment_counts_on_the_command_line_alone() -> None:
    usage = (REPOSITORY / "docs/usage.md").read_text()
    (told,) = re.findall(r"the command\s+line alone, [^:]*: (.*?)\.", usage, re.DOTALL)
    names = re.findall(r"`([A-Z]+)`", told)
    assert len(names) == 13
    said = make("-n", *STAGES, **dict.fromkeys(names, "1")).split()
    assert not {f"--{name.lower()}" for name in names} & set(said)
    others = {name: "1" for name in VARIABLES if name not in (*names, "PYTHON", "BENCH_BUDGET")}
    said = make("-n", *STAGES, **others).split()
    assert {f"--{option(name)}" for name in others} <= set(said), "the others count in the environment too"


def test_a_dry_run_is_also_asked_for_by_the_environment() -> None:
    assert {"--dry", "--yes"} <= set(make("-n", "submit", "YES=1", DRY="1").split())
    assert "--dry" not in make("-n", "submit", "DRY=0", DRY="1").split()
    assert "--dry" not in make("-n", "submit", DRY="0").split()


@pytest.mark.parametrize(
    ("target", "name"), [("submit", "DRY"), ("submit", "YES"), ("submit", "FORCE"), ("grade", "FINAL")]
)
def test_a_switch_is_1_or_0(target: str, name: str) -> None:
    option = f"--{name.lower()}"
    assert option in make("-n", target, f"{name}=1").split()
    for off in ("0", ""):
        assert option not in make("-n", target, f"{name}={off}").split()
    for word in ("no", "true"):
        done = called("-n", target, f"{name}={word}")
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert f"{name}={word}: write {name}=1 or {name}=0" in done.stderr


def test_a_dry_run_of_the_environment_is_1_or_0_too() -> None:
    done = called("-n", "submit", DRY="no")
    assert (done.returncode, done.stdout) == (2, "")
    assert "DRY=no: write DRY=1 or DRY=0" in done.stderr
    assert "catwalk search" in make("-n", "search", DRY="no"), "other targets do not read it"


def reaches(word: str, folder: str) -> bool:
    """Whether a word of a command names the repository's folder, what is in it, or what is above it."""
    parts = Path(os.path.relpath(REPOSITORY / word, REPOSITORY)).parts
    return not parts or parts[0] == ".." or fnmatch(folder, parts[0])


def test_clean_keeps_data_studies_and_submissions() -> None:
    assert all(reaches(word, "data") for word in ("./data", f"{REPOSITORY}/data/x", "d*/x", ".", "/"))
    assert not any(reaches(word, "data") for word in ("docs/data", "data-1", "-rf"))
    lines = make("-n", "clean").splitlines()
    removing = [line for line in lines if line.startswith(("rm ", "find "))]
    assert not [line for line in lines if line not in removing and "rm " in line]
    removed = {word for line in removing for word in shlex.split(line)[1:]}
    ours = {word for word in removed if reaches(word, "data") or reaches(word, "submissions")}
    again = {"data/*/prepared/features-*.npy", "data/*/.download"}  # are made or fetched again
    assert again < ours, "they are removed"
    assert all(".part" in Path(word).name for word in ours - again)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("all", "TRAILS=3"), "there is no variable TRAILS, did you mean TRIALS?"),
        (("all", "competition=digits"), "there is no variable competition, did you mean COMPETITION?"),
        (("all", "COMPETITION=digits", "WORKER:=2"), "there is no variable WORKER, did you mean WORKERS?"),
        (("Trials=3",), "there is no variable Trials, did you mean TRIALS?"),
        (("all", "XYZZY=3"), "there is no variable XYZZY (make alone lists them all)"),
        (("all", "it's=3"), "there is no variable it's"),
        (("all", "TRAILS=3", "PYTHON=/nowhere"), "there is no variable TRAILS (make alone"),
        (("try", "DEPTH=2", "CONV_DEPTH=1"), "there is no variable DEPTH: WIDTHS=512,256 sets the layers"),
        (("try", "X=1", "width_1=512"), "there is no variable width_1: WIDTHS=512,256 sets the layers"),
        (("try", "WIDTH=512"), "there is no variable WIDTH, did you mean WIDTHS?"),
    ],
)
def test_a_variable_that_is_none_is_refused(arguments: tuple[str, ...], said: str) -> None:
    done = called("-n", *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("all", "BUDGET=", "5m"), "there is no target 5m (make alone lists them all; after a variable's ="),
        (("search", "predict", "repotr"), "there is no target repotr, did you mean report?"),
        (("it's",), "there is no target it's"),
    ],
)
def test_a_target_that_is_none_is_refused_before_others_run(arguments: tuple[str, ...], said: str) -> None:
    done = called("-n", *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr


def test_every_target_and_every_file_may_be_asked_for() -> None:
    assert set(TARGETS) == set(LISTED) - {"help"}
    made = ("-o", ".venv/dev", "-o", ".venv-bench/installed")
    make("-n", *made, "help", "search", ".venv/installed", ".venv/dev", ".venv-bench/installed", "README.md")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("score", "NAME=x"), "to choose one, write SUBMISSION="),
        (("submit", "NAME=x", "YES=1"), "to choose one, write SUBMISSION="),
        (("report", "NAME="), "to choose one, write SUBMISSION="),
        (("grade", "SUBMISSIONS=class", "LABEL=mine.csv"), "for a file of labels, write LABELS="),
    ],
)
def test_a_variable_that_would_be_taken_for_another_is_refused(arguments: tuple[str, ...], said: str) -> None:
    done = called("-n", *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr


def test_a_new_submission_s_name_may_stand_beside_other_targets() -> None:
    assert "--name 'x'" in make("-n", "all", "score", "NAME=x")
    assert "--label 'y'" in make("-n", "new", "LABEL=y")


def test_variables_of_the_environment_of_make_and_in_values_are_none_of_ours() -> None:
    own = ("SHELL=/bin/sh", "PYTHON=python3", "BIN=.venv/bin", "MAKEFLAGS=")
    assert "--source 'my x=1 TRAILS=2 it'" in make(
        "-n", "data", "SOURCE=my x=1 TRAILS=2 it", *own, TRAILS="3"
    )


def test_every_variable_may_be_given() -> None:
    make("-n", "help", *(f"{name}=1" for name in VARIABLES if name != "PYTHON"))


def test_the_command_that_is_set_up_leaves_them_out_too(tmp_path: Path) -> None:
    """Also what the interpreter itself would import on its way, as the module of an old enum34."""
    command, python = tmp_path / ".venv/bin/catwalk", tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    said = subprocess.run(
        ["make", "-n", "-W", "pyproject.toml", ".venv/installed"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    (line,) = [line for line in said.splitlines() if line.startswith("printf")]
    subprocess.run(["sh", "-c", line.replace(str(REPOSITORY), str(tmp_path))], cwd=tmp_path, check=True)
    for made in (command, python):
        made.chmod(0o755)  # as pip's, in whose place it comes
    (tmp_path / "enum.py").write_text("raise ImportError('of another Python')\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONHOME": str(tmp_path)}
    done = subprocess.run([command, "a b"], capture_output=True, text=True, env=environment)
    assert "argument stage: invalid choice: 'a b'" in done.stderr
    assert done.returncode == 2


def test_another_tool_s_python_path_stays_outside(tmp_path: Path) -> None:
    command = tmp_path / "catwalk"
    command.write_text('#!/bin/sh\necho "path=$PYTHONPATH home=$PYTHONHOME"\n')
    command.chmod(0o755)
    other = f"/opt/ros/lib:src:/opt/my folder:{REPOSITORY}/benchmarks:"
    said = make("data", f"BIN={tmp_path}", PYTHONPATH=other, PYTHONHOME="/nowhere")
    assert said == f"path=src:{REPOSITORY}/benchmarks home=\n"
    assert make("data", f"BIN={tmp_path}", PYTHONPATH="/opt/ros/lib") == "path= home=\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What make sets ``.venv`` up from. Beside it: an interpreter in whose environments pip does nothing."""
    folder = tmp_path / "project"
    shutil.copytree(REPOSITORY / "tools", folder / "tools")
    for name in ("Makefile", "requirements.txt", "pyproject.toml", "src/catwalk/models/space.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, folder / name)
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\n[ "$1 $2" = "-m venv" ] || exec "{sys.executable}" "$@"\n'
        f'"{sys.executable}" "$@" --without-pip || exit\n'
        "printf '#!/bin/sh\\n' > .venv/bin/pip && chmod +x .venv/bin/pip\n"
    )
    python.chmod(0o755)
    return folder


def setting_up(folder: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """``make setup`` there."""
    return subprocess.run(
        ["make", "setup", *arguments],
        cwd=folder, capture_output=True, text=True, env={**inherited(), **environment},
    )  # fmt: skip


def set_up(folder: Path) -> str:
    """What ``make setup`` prints there, if it succeeds."""
    done = setting_up(folder, f"PYTHON={folder.parent / 'python'}")
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_an_environment_of_another_interpreter_is_made_anew(checkout: Path) -> None:
    """And one of the same interpreter keeps what is in it."""
    set_up(checkout)
    python, installed, more = (checkout / ".venv" / name for name in ("bin/python", "installed", "dev"))
    assert python.resolve() == Path(sys.executable).resolve()
    more.touch()  # stands for the packages of make test
    installed.unlink()  # as after a change of the lock
    set_up(checkout)
    assert more.is_file()
    installed.unlink()  # as where pip failed
    python.unlink()
    python.symlink_to("/bin/sh")
    assert "setting up .venv" in set_up(checkout)
    assert python.resolve() == Path(sys.executable).resolve()
    assert not more.exists()
    assert installed.is_file()


def test_a_folder_that_was_moved_is_set_up_anew(checkout: Path) -> None:
    set_up(checkout)
    (checkout / ".venv/dev").touch()
    assert "setting up .venv" not in set_up(checkout), "once"
    (checkout.parent / "link").symlink_to(checkout)
    assert "setting up .venv" not in set_up(checkout.parent / "link"), "it is the same folder"
    moved = checkout.rename(checkout.with_name("project final"))
    assert "setting up .venv" in set_up(moved)
    assert f'exec "{moved}/.venv/bin/python" ' in (moved / ".venv/bin/catwalk").read_text()
    assert not (moved / ".venv/dev").exists(), "its scripts named the old folder"
    assert "setting up .venv" not in set_up(moved)


def test_an_environment_whose_interpreter_is_gone_is_set_up_anew(checkout: Path) -> None:
    """Or became another version, as after an update of the system; ``installed`` is there."""
    set_up(checkout)
    python, library = checkout / ".venv/bin/python", checkout / ".venv/lib"
    python.unlink()
    python.symlink_to("/nowhere/python")
    assert "setting up .venv" in set_up(checkout)
    assert python.resolve() == Path(sys.executable).resolve()
    assert "setting up .venv" not in set_up(checkout), "once"
    next(library.glob("python*")).rename(library / "python3.0")
    assert "setting up .venv" in set_up(checkout)


def test_another_interpreter_sets_up_anew_where_it_is_typed(checkout: Path) -> None:
    set_up(checkout)
    assert "setting up .venv" not in setting_up(checkout, PYTHON="/nowhere").stdout
    refused = setting_up(checkout, "PYTHON=/nowhere")
    assert (refused.returncode, refused.stdout.count("\n")) == (2, 1)
    assert "set PYTHON= to one of them" in refused.stdout
    assert (checkout / ".venv/bin/python").exists(), "what is there is kept"
    other = checkout.parent / "other"
    real = checkout.parent / "python"
    other.write_text(f'#!/bin/sh\ncase "$*" in *realpath*) exit 1;; esac\nexec "{real}" "$@"\n')
    other.chmod(0o755)
    assert "setting up .venv" in setting_up(checkout, f"PYTHON={other}").stdout


def test_two_makes_do_not_fill_one_environment(checkout: Path) -> None:
    """The second one ends with a line; a lock that is left of a make that was ended holds nobody up."""
    lock, endless = checkout / ".venv.setup", checkout.parent / "endless.mk"
    endless.write_text("all:\n\t@cat\n")
    python = f"PYTHON={checkout.parent / 'python'}"
    with subprocess.Popen(["make", "-f", endless], stdin=subprocess.PIPE, env=inherited()) as other:
        lock.symlink_to(str(other.pid))
        refused = setting_up(checkout, python)
    assert (refused.returncode, refused.stdout) == (2, "another make is setting up .venv: wait for it\n")
    assert not (checkout / ".venv").exists()
    assert "setting up .venv (once" in set_up(checkout)
    assert not lock.is_symlink()
    (checkout / ".venv/installed").unlink()
    assert "setting up .venv (once" in set_up(checkout), "it was given back"


def test_a_package_is_advised_only_where_it_is_missing(checkout: Path) -> None:
    python = checkout.parent / "python"
    failing = (
        '#!/bin/sh\n[ "$1 $2" != "-m venv" ] || {{ echo "Error: No space left" >&2; exit 1; }}\n'
        '{}exec "{}" "$@"\n'
    )
    python.write_text(failing.format("", sys.executable))
    done = setting_up(checkout, f"PYTHON={python}")
    assert done.returncode == 2
    assert "No space left" in done.stderr
    assert "apt install" not in done.stdout
    python.write_text(failing.format('case "$*" in *ensurepip*) exit 1;; esac\n', sys.executable))
    done = setting_up(checkout, f"PYTHON={python}")
    assert done.returncode == 2
    version = ".".join(map(str, sys.version_info[:2]))
    assert done.stdout.endswith(f"on Debian and Ubuntu, apt install python{version}-venv\n")
