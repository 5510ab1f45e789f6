"""cli.py, arguments.py, option_values.py: arguments, exit codes, and one line for every mistake.

Also: errors.py, other_stages.py, stage_arguments.py.
"""

import errno
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from catwalk import stages
from catwalk.arguments import STAGES, parse
from catwalk.cli import main
from catwalk.data import download
from catwalk.option_values import duration
from tests.conftest import REPOSITORY, clean_environment, digits_paths, run_catwalk

Catwalk = Callable[..., tuple[int, str, str]]


def test_every_stage_has_help(catwalk: Catwalk) -> None:
    code, out, _ = catwalk("--help")
    assert code == 0
    for stage, what in STAGES.items():
        assert re.search(rf"^\s+{stage}\s", out, re.MULTILINE)
        code, text, _ = catwalk(stage, "--help")
        assert code == 0
        assert what in " ".join(text.split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("search", "--budget", "0"), "'0' is not a positive duration: write 90s, 10m or 2h"),
        (("search", "--budget", "0s"), "is not a positive duration"),
        (("search", "--budget", "-5m"), "budget"),
        (("search", "--budget", "ten"), "'ten' is not a positive duration"),
        (("search", "--trials", "0"), "'0' is not a number of trials from 1"),
        (("search", "--trials", "many"), "'many' is not a number of trials"),
        (("search", "--workers", "0"), "'0' is not a number of workers from 1"),
        (("search", "--workers", "500"), "'500' is not a number of workers from 1"),
        (("search", "--seed", "x"), "'x' is not a seed"),
        (("search", "--features", "best"), "FEATURES=best: choose one of auto, pixels"),
        (("data", "--competition", "titanic"), "unknown competition 'titanic'"),
        (("data", "--competition", "../x"), "unknown competition '../x'"),
        (("report", "--submission", "x"), "SUBMISSION=x: no such submission of fashion-mnist"),
        (("score",), "fashion-mnist has no submission yet: run make predict"),
        (("leaderboard",), "fashion-mnist has no submission yet: run make predict"),
        (("score", "--submission", "x"), "SUBMISSION=x: no such submission"),
        (("dance",), "invalid choice: 'dance'"),
        (("score", "--comp", "digits"), "unrecognized arguments: --comp digits: see catwalk score --help"),
        (("try", "--depth", "2"), "unrecognized arguments: --depth 2: see catwalk try --help\n"),
        (("data", "two\nlines"), "unrecognized arguments: two lines: see catwalk data --help\n"),
        (("grade", "--submissions", *(f"all/{n}.csv" for n in range(99))), "...: see catwalk grade --help\n"),
        (("--jobs", "data"), "unrecognized arguments: --jobs: see catwalk data --help\n"),
        ((), "the following arguments are required: stage"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    catwalk: Catwalk, project: Path, arguments: tuple[str, ...], said: str
) -> None:
    code, out, err = catwalk(*arguments)
    assert code == 2
    assert err.count("\n") == 1
    assert len(err.rstrip("\n")) <= 300
    assert said in err
    assert "Traceback" not in err
    assert out == ""
    assert not (project / "data").exists()
    assert not (project / "submissions").exists()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("2h", 7200), ("45", 45), ("1.5m", 90)],
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "x"), 4, "make room on the disk"),
        (
            PermissionError(errno.EACCES, "Permission denied", "x"),
            4,
            "x: Permission denied: make it readable",
        ),
        (
            OSError(errno.EMFILE, "Too many open files", "x"),
            4,
            "x: Too many open files: close other programs",
        ),
        (MemoryError(), 4, "out of memory"),
        (KeyboardInterrupt(), 130, "the same command continues"),
    ],
)
def test_the_machine_s_limits(
    catwalk: Catwalk, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, said: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(download, "run", fail)
    got, _, err = catwalk("data", "--competition", "digits")
    assert (got, err.count("\n")) == (code, 1)
    assert said in err


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        ("search", "finished work is kept, and the same command continues it"),
        ("try", "finished work is kept, and the same command trains the network from its first epoch"),
        ("reproduce", "the same command trains all networks again"),
    ],
)
def test_who_stops_a_command_is_told_what_is_kept(
    catwalk: Catwalk, monkeypatch: pytest.MonkeyPatch, stage: str, said: str
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(stages, "run", stop)
    assert catwalk(stage) == (130, "", f"catwalk {stage}: stopped; {said}\n")


def test_outside_of_a_project(tmp_path: Path) -> None:
    done = run_catwalk(tmp_path, "data")
    assert done.returncode == 2
    assert done.stderr.endswith("run catwalk in the project's folder\n")


def test_a_folder_that_can_not_be_written_to(project: Path, digits_raw: Path) -> None:
    """Root may write anywhere but to a read-only mount, so root gets one, in a namespace of its own."""
    paths = digits_paths(project, digits_raw)
    assert run_catwalk(project, "prepare", "--competition", "digits").returncode == 0
    paths.study.mkdir()
    command = [sys.executable, "-m", "catwalk", "search", "--competition", "digits", "--trials", "2"]
    if os.geteuid() == 0:
        if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
            pytest.skip("root without the right to mount")
        mount = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
        command = ["unshare", "--mount", "sh", "-c", mount, str(paths.study), *command]
    else:
        paths.study.chmod(0o500)
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert done.returncode == 4, done.stderr
    assert done.stderr.startswith("catwalk search: ")
    assert done.stderr.count("\n") == 1
    assert "search.lock" in done.stderr


def test_a_home_folder_is_expanded_where_the_shell_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after LABELS= of make."""
    monkeypatch.setenv("HOME", "/home/me")
    graded = parse(["grade", "--submissions", "~/class.zip", "--labels", "~/labels.csv"])
    assert (graded.submissions, graded.labels) == (Path("/home/me/class.zip"), Path("/home/me/labels.csv"))
    assert parse(["try", "--artifacts", "~/nets"]).artifacts == Path("/home/me/nets")
    assert parse(["reproduce", "~/one.json"]).recipe == Path("/home/me/one.json")


def test_a_closed_pipe_has_an_exit_code_of_its_own(project: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "catwalk", "kaggle", "--competition", "digits"],
        cwd=project, stdout=writer, stderr=subprocess.PIPE, env=clean_environment(),
    )  # fmt: skip
    os.close(writer)
    assert done.returncode == 141
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("code", [0, 2, 3, 4, 130, 141])
def test_an_exit_code_is_explained(code: int) -> None:
    usage = (REPOSITORY / "docs/usage.md").read_text().split("## Exit codes and errors")[1].split("\n## ")[0]
    for text in (usage, str(main.__doc__)):
        assert re.search(rf"\b{code} [a-zC]", text)
