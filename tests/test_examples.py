"""examples/: each is short, and does what it says."""

import subprocess
import sys
from pathlib import Path

import pytest

from catwalk.core.paths import Paths
from catwalk.data import prepare
from catwalk.data.csv_rows import read_rows
from catwalk.submission import submission_csv
from tests.conftest import REPOSITORY, clean_environment, load

MINIMAL = REPOSITORY / "examples/minimal.py"


def test_minimal_is_short() -> None:
    assert len(MINIMAL.read_text(encoding="utf-8").splitlines()) < 100


@pytest.mark.slow
def test_minimal_goes_from_raw_csvs_to_a_checked_submission(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, MINIMAL], cwd=project, capture_output=True, text=True, env=clean_environment()
    )
    assert done.returncode == 0, done.stderr
    place = project / done.stdout.splitlines()[-1].removeprefix("written and checked: ")
    digits, ids = load("digits"), prepare.test_ids(Paths(project, "digits"))
    predicted = submission_csv.read(place, ids, digits)
    truth = read_rows(project / "data/digits/raw/digits_test.csv", digits).labels
    assert (predicted == truth).mean() > 0.9
