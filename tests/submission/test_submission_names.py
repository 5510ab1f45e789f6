"""submission_names.py: which submissions there are, which one is meant, and what a new one may be called."""

import json
import os
from pathlib import Path

import pytest

from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.submission import submission_names


def test_a_name_can_be_a_files_name() -> None:
    for name in ("a", "Team-2_final.v3", "9", "csv", "x" * submission_names.LONGEST, None):
        submission_names.check_name(name)
    for name in ("", "-a", ".a", "_a", "a/b", "..", "a b", "a\n", "x" * (submission_names.LONGEST + 1)):
        with pytest.raises(UserError, match=r"use letters, digits, .* and begin with a letter or digit$"):
            submission_names.check_name(name)


@pytest.mark.parametrize("name", ["final.csv", "final.CSV", "final.json"])
def test_a_name_does_not_end_as_its_files_do(tmp_path: Path, name: str) -> None:
    """SUBMISSION=final.csv means the submission final; one that has such a name is found."""
    with pytest.raises(UserError, match=rf"^NAME={name}: choose a name that does not end in .csv or .json$"):
        submission_names.check_name(name)
    paths = Paths(tmp_path, "digits")
    paths.submissions.mkdir(parents=True)
    for path in (paths.submission(name), paths.recipe(name)):
        path.touch()
    assert submission_names.choose(paths, name) == name


def test_the_newest_or_the_one_that_is_meant(tmp_path: Path) -> None:
    """Newest by the file's time, as no recipe can be read; one without a CSV, or the reverse, is none."""
    paths = Paths(tmp_path, "digits")
    with pytest.raises(UserError, match="digits has no submission yet: run make predict"):
        submission_names.choose(paths, None)
    paths.submissions.mkdir(parents=True)
    for second, name in enumerate(("c", "a", "b")):
        paths.submission(name).touch()
        paths.recipe(name).touch()
        os.utime(paths.recipe(name), (1_000 + second, 1_000 + second))
    paths.submission("torn").touch()
    paths.recipe("alone").touch()
    assert submission_names.names(paths) == ["c", "a", "b"]
    assert submission_names.choose(paths, None) == "b"
    assert submission_names.choose(paths, "a") == submission_names.choose(paths, "a.csv") == "a"
    with pytest.raises(UserError, match="SUBMISSION=torn: no such submission of digits"):
        submission_names.choose(paths, "torn")


def test_in_a_copied_project_the_newest_is_the_same(tmp_path: Path) -> None:
    """As after git clone, which writes the files in any order; a damaged recipe has its file's time alone."""
    paths = Paths(tmp_path, "digits")
    paths.submissions.mkdir(parents=True)
    first, hour = 1_767_225_600, 3_600  # 2026 begins
    for name, created, written in (("b", 2, 9), ("a", 1, 10), ("same", 2, 11), ("damaged", None, 3)):
        paths.submission(name).touch()
        said = "[" if created is None else json.dumps({"created": f"2026-01-01T0{created}:00:00+00:00"})
        paths.recipe(name).write_text(said)
        os.utime(paths.recipe(name), (first + written * hour,) * 2)
    assert submission_names.names(paths) == ["a", "b", "same", "damaged"]
    paths.recipe("damaged").unlink()
    paths.recipe("same").unlink()
    assert submission_names.choose(paths, None) == "b"
