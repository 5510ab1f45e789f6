"""leaderboard.py: the table of all submissions, with and without scores, and damaged ones beside it."""

import json
import shutil
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
    assert (row["nets"], row["trials"], row["split"]) == (2, 3, "s1")
    assert (row["SEED"], row["FEATURES"], row["MODELS"]) == ("1", "pixels", "dense")
    assert row["rows"] == f"{there.validation.rows:,}"
    recipe.write(paths, "few", replace(there, validation=None, forecast=None))
    row = leaderboard.table(paths).set_index("submission").loc["few"]
    assert (row["rows"], row["95% interval"], row["forecast"]) == ("-", "-", "-")


def test_the_printed_table_has_no_column_that_says_nothing(made: Made) -> None:
    """Neither an empty one, nor one of what is usual; what is typed for a study is said as it is typed."""
    paths, _ = made
    name, few = "20261122-120000-a1b2c3", recipe.read(paths, "few")
    shutil.copy(paths.submission("few"), paths.submission(name))
    recipe.write(paths, name, few)

    def printed() -> list[str]:
        done = run_catwalk(paths.root, "leaderboard", "--competition", "digits")
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    header = "submission validation rows 95% interval forecast nets trials FEATURES"
    assert printed()[0].split() == header.split()
    assert max(map(len, printed())) <= 100
    for submission in ("all", "few", name):
        there = recipe.read(paths, submission)
        recipe.write(paths, submission, replace(there, features="local"))
    assert printed()[0].split() == header.split()[:-1]
    recipe.write(paths, name, replace(few, seed=2, features="local", models="all"))
    lines = printed()
    assert lines[0].split() == [*header.split()[:-1], "SEED", "MODELS"]
    assert [line.split()[-2:] for line in lines if line.startswith(name)] == [["2", "all"]]
    assert max(map(len, lines)) <= 100
    looked(paths, "few")
    assert printed()[0].endswith(" MODELS    test  test 95% interval")


def test_test_pictures_that_are_labelled_are_a_line_of_their_own(made: Made) -> None:
    paths, _ = made
    for count, those in ((1, "1 test picture is"), (1437, "1,437 test pictures are")):
        recipe.write(paths, "few", replace(recipe.read(paths, "few"), test_known=count))
        done = run_catwalk(paths.root, "leaderboard", "--competition", "digits")
        *table, last = done.stdout.splitlines()
        assert leaderboard.KNOWN not in table[0]
        assert last == f"leaderboard: {those} also among the labelled ones"


def test_accuracies_on_different_rows_are_said_not_to_be_comparable(made: Made) -> None:
    """As of another split, of folds, or of a blend, which is of no split."""
    paths, _ = made

    def lines() -> list[str]:
        done = run_catwalk(paths.root, "leaderboard", "--competition", "digits")
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    assert len(lines()) == 3, "one split"
    few = recipe.read(paths, "few")
    assert few.validation is not None
    folded = replace(few, folds=5, validation=replace(few.validation, rows=1437))
    for other in (replace(few, split="s2"), folded, replace(few, split="")):
        recipe.write(paths, "few", other)
        *table, last = lines()
        assert len(table) == 3
        assert last == f"leaderboard: {leaderboard.DIFFERENT}"
    recipe.write(paths, "few", replace(few, split="s2", validation=None, forecast=None))
    assert len(lines()) == 3, "it has no validation accuracy"


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
