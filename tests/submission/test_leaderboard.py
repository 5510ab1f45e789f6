"""leaderboard.py: the table of all submissions, with and without scores, and damaged ones beside it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.submission import leaderboard, recipe
from tests.conftest import digits_paths, run_catwalk
from tests.support.nearest_submissions import Made, looked, made_of


@pytest.fixture
def made(project: Path, digits_raw: Path) -> Made:
    return made_of(digits_paths(project, digits_raw))


def test_the_leaderboard(made: Made) -> None:
    paths, _ = made
    board = leaderboard.table(paths)
    assert board["submission"].tolist() == ["all", "few"], "the best on validation first"
    assert board["validation"].is_monotonic_decreasing
    assert leaderboard.KNOWN not in board, "there are none"
    assert board["test"].isna().all()
    assert board["public"].isna().all()
    assert (board["test 95% interval"] == "").all()
    looked(paths, "few")
    there = recipe.read(paths, "few")
    for ref, public in ((1, 0.5), (2, 0.6), (3, None), (3, 0.75)):
        recipe.add_upload(paths, "few", recipe.Upload("digits", "0" * 64, public, ref, None))
    row = leaderboard.table(paths).set_index("submission").loc["few"]
    kept = json.loads(paths.score("few").read_text())
    assert row["test"] == kept["accuracy"]
    assert row["test 95% interval"] == "{:.4f}-{:.4f}".format(*kept["interval"])
    assert row["public"] == 0.75, "the last one sent"
    assert there.validation is not None
    assert there.forecast is not None
    assert row["validation"] == there.validation.accuracy
    assert row["95% interval"] == "{:.4f}-{:.4f}".format(*there.validation.interval)
    assert row["forecast"] == "{:.4f}-{:.4f}".format(*there.forecast.interval)
    assert (row["nets"], row["trials"], row["features"], row["split"]) == (2, 3, "pixels", "s1")
    assert row["models"] == "dense"
    assert row["validated rows"] == f"{there.validation.rows:,}"
    recipe.write(paths, "few", replace(there, validation=None, forecast=None))
    row = leaderboard.table(paths).set_index("submission").loc["few"]
    assert (row["validated rows"], row["95% interval"], row["forecast"]) == ("-", "-", "-")


def test_nothing_to_show(project: Path) -> None:
    with pytest.raises(UserError, match="digits has no submission yet: run make predict"):
        leaderboard.table(Paths(project, "digits"))


def test_a_submission_whose_recipe_is_damaged_is_named(made: Made) -> None:
    paths, _ = made
    paths.recipe("few").write_text("{")
    done = run_catwalk(paths.root, "leaderboard", "--competition", "digits")
    assert done.returncode == 0, done.stderr
    *table, last = done.stdout.splitlines()
    assert [line.split()[0] for line in table[1:]] == ["all"]
    assert last.startswith(
        "leaderboard: left out: submissions/digits/few.json can't be read: rename it and run"
    )
    paths.recipe("all").write_text("{")
    with pytest.raises(UserError, match=r"submissions/digits/\w+\.json can't be read: rename it"):
        leaderboard.table(paths)
