"""The Makefile: thin, complete, and told in the README."""

import os
import re
import subprocess

import pytest
from conftest import REPOSITORY

from catwalk.arguments import STAGES

MAKEFILE = (REPOSITORY / "Makefile").read_text()
TARGETS = re.findall(r"^([a-z-]+):.*##", MAKEFILE, re.MULTILINE)
VARIABLES = re.findall(r"^#: ([A-Z_]+)", MAKEFILE, re.MULTILINE)


def make(*arguments: str, **environment: str) -> str:
    """What make would do or prints; the installation counts as done."""
    inherited = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MAKELEVEL")}
    done = subprocess.run(
        ["make", "-o", ".venv/installed", *arguments],
        cwd=REPOSITORY, capture_output=True, text=True, env={**inherited, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_make_alone_prints_every_target_and_variable() -> None:
    said = make()
    for target in TARGETS:
        assert re.search(rf"^  {target} +\w", said, re.MULTILINE)
    for variable in VARIABLES:
        assert re.search(rf"^  {variable} +\w", said, re.MULTILINE)
    assert set(STAGES) < set(TARGETS)


def test_every_target_and_variable_has_a_row_in_the_readme() -> None:
    readme = (REPOSITORY / "README.md").read_text()
    for word in (*TARGETS, *VARIABLES):
        assert re.search(rf"^\|.*`[^`]*\b{word}\b[^`]*`.*\|", readme, re.MULTILINE), word


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


def test_an_environment_s_name_is_not_the_submission_s() -> None:
    assert "--name" not in make("-n", "predict", NAME="DESKTOP-1234")
    assert "--budget '3m'" in make("-n", "search", BUDGET="3m")


def test_clean_keeps_data_studies_and_submissions() -> None:
    for line in make("-n", "clean").splitlines():
        removed = [word for word in line.split() if word.startswith(("data", "submissions"))]
        again = ("data/*/prepared/features-*.npy", "data/*/.download")  # are made or fetched again
        assert all(".part" in word or word in again for word in removed)
