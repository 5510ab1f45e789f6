"""recipe.py: what is written is read, also by another version; what a later stage adds changes no more."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from catwalk.core import records
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.core.records import NewerRecordError
from catwalk.submission import recipe
from catwalk.submission.recipe import GraderResult, RefitNetwork, Upload
from tests.support.records import made_recipe

DAMAGED = "submissions/digits/one.json: the recipe is damaged, or of another version of catwalk"
AGAIN = "download or copy it again, or run make predict for a new submission"


def without(name: str) -> str:
    """The text of a recipe whose first trial lacks a field."""
    content = records.encode(made_recipe())
    del content["trials"][0][name]
    return json.dumps(content)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path, "digits")


def test_what_is_written_is_read(paths: Paths) -> None:
    trials = made_recipe().trials
    whole = made_recipe(
        created="2026-01-02T03:04:05+00:00",
        trials=(replace(trials[0], member="ann"), *trials[1:]),
        git_commit="0123abc",
        refit=(RefitNetwork(1, 50_001, 2, (2, 2, 2), 1437),),
        missing=1,
        csv_sha256="0" * 64,
        sent=(Upload("digits", "0" * 64, None, 7, "2026-01-02T03:05:00+00:00"),),
        graded=(GraderResult("openhpi", "12", 0.9, 1.0),),
    )
    recipe.write(paths, "whole", whole)
    assert recipe.read(paths, "whole") == whole
    recipe.write(paths, "plain", made_recipe())
    plain = recipe.read(paths, "plain")
    assert replace(plain, created="") == made_recipe()
    assert plain.created
    kept = json.loads(paths.recipe("plain").read_text())
    assert kept["schema_version"] == recipe.Recipe.SCHEMA_VERSION
    assert not {"missing", "sent", "graded"} & set(kept), "nothing came of it yet"


def test_what_an_earlier_catwalk_wrote_is_read(paths: Paths) -> None:
    """With the best network's number, which nothing read."""
    recipe.write(paths, "one", made_recipe())
    plain = recipe.read(paths, "one")
    content = json.loads(paths.recipe("one").read_text())
    content["validation"]["best_trial"] = 1
    paths.recipe("one").write_text(json.dumps(content))
    assert recipe.read(paths, "one") == plain


def test_a_name_follows_from_the_content() -> None:
    name = recipe.name_of(made_recipe()).rsplit("-", 1)[1]
    time = "2026-01-02T03:04:05+00:00"
    assert recipe.name_of(made_recipe(created=time, began=time)).endswith(name)
    assert not recipe.name_of(made_recipe(trials_finished=4)).endswith(name)


def test_what_is_added_leaves_the_rest_alone(paths: Paths) -> None:
    """Also a key of somebody's own, and the time, which says how old the submission is."""
    recipe.write(paths, "one", made_recipe())
    file = paths.recipe("one")
    file.write_text(json.dumps({**json.loads(file.read_text()), "note": "my best"}))
    os.utime(file, (1_000, 1_000))
    before = json.loads(file.read_text())
    upload = Upload("digits", "0" * 64, None, 7, None)
    recipe.add_upload(paths, "one", upload)
    recipe.add_upload(paths, "one", replace(upload, ref=8))
    recipe.add_upload(paths, "one", replace(upload, public=0.5))
    recipe.add_graded(paths, "one", GraderResult("openhpi", "12", 0.9, 1.0))
    made = recipe.read(paths, "one")
    assert [(one.ref, one.public) for one in made.sent] == [(8, None), (7, 0.5)]
    assert made.graded == (GraderResult("openhpi", "12", 0.9, 1.0),)
    after = json.loads(file.read_text())
    assert {key: after[key] for key in before} == before
    assert file.stat().st_mtime == 1_000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "submissions/digits/one.json can't be read: rename it and run make predict"),
        ("{}", f"{DAMAGED} (competition is missing): {AGAIN}"),
        ("[]", f"{DAMAGED} (it has an unexpected value): {AGAIN}"),
        ('{"forecast": {"accuracy": "high"}}', f"{DAMAGED} (competition is missing): {AGAIN}"),
        (without("plan"), f"{DAMAGED} (trials[0].plan is missing): {AGAIN}"),
        (without("seed"), f"{DAMAGED} (trials[0].seed is missing): {AGAIN}"),
    ],
)  # fmt: skip
def test_a_damaged_one_is_one_line(paths: Paths, text: str, said: str) -> None:
    paths.submissions.mkdir(parents=True)
    paths.recipe("one").write_text(text)
    with pytest.raises(UserError) as error:
        recipe.read(paths, "one")
    assert str(error.value) == said
    recipe.write(paths, "two", made_recipe())
    assert list(recipe.known(paths, ["one", "two"])) == ["two"], "the others are still known"


def test_one_of_a_newer_catwalk_is_never_left_out(paths: Paths) -> None:
    recipe.write(paths, "one", made_recipe())
    file = paths.recipe("one")
    newer = json.dumps({**json.loads(file.read_text()), "schema_version": 99, "trials": "as never before"})
    file.write_text(newer)
    for reads in (
        lambda: recipe.read(paths, "one"),
        lambda: recipe.known(paths, ["one"]),
        lambda: recipe.add_graded(paths, "one", GraderResult("openhpi", "12", 0.9, 1.0)),
    ):
        with pytest.raises(NewerRecordError, match=r"^submissions/digits/one\.json: written by a newer"):
            reads()
    assert file.read_text() == newer
