"""score.py: real answers for the digits' test rows, without a search; the whole way is in test_predict.py."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from catwalk.core import records
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.data import test_labels
from catwalk.models import metrics
from catwalk.submission import leaderboard, recipe, score
from catwalk.submission.blend_parts import BlendPart
from tests.conftest import digits_paths, load
from tests.support.nearest_submissions import Made, looked, made_of
from tests.support.records import made_recipe


@pytest.fixture
def made(project: Path, digits_raw: Path) -> Made:
    """Two submissions: the nearest of all pictures, and of 40."""
    return made_of(digits_paths(project, digits_raw))


def test_what_is_kept_and_said(made: Made) -> None:
    paths, predicted = made
    lines = looked(paths, "all", full_marks=None)
    labels = np.load(paths.sealed_labels)
    kept = json.loads(paths.score("all").read_text())
    share = accuracy_score(labels, predicted)
    macro = precision_recall_fscore_support(labels, predicted, average="macro")[:3]
    assert kept["accuracy"] == pytest.approx(share)
    assert [kept[name] for name in ("precision", "recall", "f1")] == pytest.approx(macro)
    assert kept["interval"] == pytest.approx(metrics.wilson(share, 360))
    assert (kept["rows"], kept["looks"]) == (360, 1)
    low, high = kept["interval"]
    said = recipe.read(paths, "all").validation
    assert said is not None
    validation = said.accuracy
    assert lines[0] == (
        f"score: all: {share:.4f} on 360 test rows "
        f"(95% interval {low:.4f} to {high:.4f}; validation {validation:.4f})"
    )
    assert lines[1].startswith(f"  the forecast was {validation:.4f} (95% ")
    assert lines[2] == (
        "  macro precision {:.4f}, recall {:.4f}, F1 {:.4f}; ".format(*macro)
        + "the sealed test labels have been read once: do not base any choice on this score"
    )
    assert len(lines) == 3
    assert "have been read 2 times" in looked(paths, "few")[2]
    assert json.loads(paths.score("few").read_text())["looks"] == 2


def test_the_course_s_grade(made: Made) -> None:
    paths, _ = made
    share = json.loads(_scored(paths))["accuracy"]
    assert (
        looked(paths, "all", full_marks=0.5)[-1] == "  the course would grade it 100% (full marks from 50%)"
    )
    assert looked(paths, "all", full_marks=1.0)[-1].startswith(f"  the course would grade it {share:.0%} ")


def test_a_csv_that_was_changed_has_neither_validation_nor_forecast(made: Made) -> None:
    """Those of its recipe are another file's; the leaderboard does not show them either."""
    paths, _ = made
    csv, there = paths.submission("all"), recipe.read(paths, "all")
    digest = hashlib.sha256(csv.read_bytes()).hexdigest()
    recipe.write(paths, "all", replace(there, csv_sha256=digest))
    assert looked(paths, "all")[1].startswith("  the forecast was ")
    assert _row(paths, "all")["forecast"] != "-"
    header, first, *rest = csv.read_text().splitlines()
    number, label = first.split(",")
    csv.write_text("\n".join([header, f"{number},{(int(label) + 1) % 10}", *rest]) + "\n")
    lines = looked(paths, "all", full_marks=None)
    assert lines[-1] == "  changed since it was made: the accuracies in its recipe are not this file's"
    assert not [line for line in lines if "validation" in line or "forecast" in line]
    row = _row(paths, "all")
    assert (row["rows"], row["95% interval"], row["forecast"]) == ("-", "-", "-")


def _row(paths: Paths, name: str) -> Any:
    """A submission's row of the leaderboard."""
    return leaderboard.table(paths).set_index("submission").loc[name]


def _scored(paths: Paths) -> str:
    looked(paths, "all")
    return paths.score("all").read_text()


@pytest.mark.parametrize(
    ("place", "said"), [("below", "outside"), ("low", "inside"), ("high", "inside"), ("above", "outside")]
)
def test_whether_the_forecast_held(made: Made, place: str, said: str) -> None:
    """Its ends belong to it."""
    paths, _ = made
    share = json.loads(_scored(paths))["accuracy"]
    interval = {
        "below": (share - 0.2, share - 1e-9), "low": (share, share + 0.1),
        "high": (share - 0.1, share), "above": (share + 1e-9, share + 0.1),
    }[place]  # fmt: skip
    there = recipe.read(paths, "all")
    assert there.forecast is not None
    recipe.write(paths, "all", replace(there, forecast=replace(there.forecast, interval=interval)))
    assert looked(paths, "all")[1].endswith(f": the score is {said}")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"test_fingerprint": "0" * 12}, "made for other test rows than those prepared here"),
        ({"test_fingerprint": "f" * 12}, "made for other test rows than those prepared here"),
        ({"seed": 2}, "make prepare SEED=2"),
    ],
)
def test_nobody_looks_for_what_is_of_other_rows(made: Made, change: dict[str, Any], said: str) -> None:
    paths, _ = made
    recipe.write(paths, "all", replace(recipe.read(paths, "all"), **change))
    with pytest.raises(UserError, match=said):
        looked(paths, "all")
    assert test_labels.looks(paths) == []
    assert not paths.score("all").exists()


def test_nobody_looks_with_another_toml(made: Made) -> None:
    """The sealed labels are positions in the one that prepare read."""
    paths, _ = made
    classes = load("digits").classes
    with pytest.raises(UserError, match="have changed since the rows were prepared: run make prepare"):
        looked(paths, "all", classes=classes[::-1])
    assert test_labels.looks(paths) == []


def test_a_score_is_read_as_it_was_written(made: Made) -> None:
    paths, _ = made
    assert score.read(paths, "all") is None
    content = json.loads(_scored(paths))
    kept = score.read(paths, "all")
    assert kept is not None
    assert records.encode(kept) == content
    assert content[records.KEY] == 1
    assert leaderboard.table(paths)["test"].max() == kept.accuracy


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is damaged: run make score SUBMISSION=all, which logs another look"),
        (
            '{"accuracy": 0.5}',
            "is damaged: run make score SUBMISSION=all, which logs another look",
        ),
        (
            '{"accuracy": 0.5, "interval": [0.4, 0.6], "precision": 0.5, "recall": 0.5, "f1": 0.5, '
            '"rows": 9, "looks": 1}',
            "is damaged: run make score SUBMISSION=all, which logs another look",
        ),
        ('{"schema_version": 2}', "written by a newer version of catwalk"),
    ],
)
def test_a_score_that_can_t_be_read_is_one_line(made: Made, text: str, said: str) -> None:
    paths, _ = made
    _scored(paths)
    paths.score("all").write_text(text)
    with pytest.raises(UserError) as error:
        leaderboard.table(paths)
    assert str(error.value).startswith("submissions/digits/all/score.json")
    assert said in str(error.value)
    assert paths.score("all").read_text() == text


def test_test_pictures_that_are_labelled_stay_visible(project: Path, digits_raw: Path) -> None:
    """The test file is the training file: the score says so, and so does the leaderboard."""
    paths = digits_paths(project, digits_raw)
    shutil.copyfile(paths.raw / "digits_train.csv", paths.raw / "digits_test.csv")
    made_of(paths)
    lines = looked(paths, "all")
    assert lines[1] == (
        "  all of the 1,437 test pictures are also among the labelled rows: "
        "the score says little about new pictures"
    )
    kept = json.loads(paths.score("all").read_text())
    assert (kept["known"], kept["pictures"]) == (1437, 1437)
    assert leaderboard.table(paths)[leaderboard.KNOWN].tolist() == [1437, 1437]


@pytest.mark.parametrize(("known", "is_said"), [(0, False), (1, False), (99, False), (100, True)])
def test_few_labelled_test_pictures_are_no_reason_to_doubt_a_score(known: int, is_said: bool) -> None:
    """Of 9,990: from 1% on, as in the talk."""
    kept = score.ScoreRecord(
        accuracy=0.9, interval=(0.89, 0.91), precision=0.9, recall=0.9, f1=0.9, rows=9990, pictures=9990,
        known=known, looks=1,
    )  # fmt: skip
    lines = score._told("one", kept, made_recipe())
    assert any("says little about new pictures" in line for line in lines) == is_said


def test_a_labelled_test_picture_counts_once(project: Path, digits_raw: Path) -> None:
    """The test file is the training file, twice."""
    paths = digits_paths(project, digits_raw)
    header, *rows = (paths.raw / "digits_train.csv").read_text().splitlines()
    (paths.raw / "digits_test.csv").write_text("\n".join([header, *rows * 2]) + "\n")
    made_of(paths)
    assert looked(paths, "all")[1].startswith("  all of the 1,437 test pictures are also among the labelled")
    kept = json.loads(paths.score("all").read_text())
    assert (kept["rows"], kept["pictures"], kept["known"]) == (2874, 1437, 1437)


def test_an_interval_counts_pictures(project: Path, digits_raw: Path) -> None:
    paths = digits_paths(project, digits_raw)
    test = paths.raw / "digits_test.csv"
    header, *rows = test.read_text().splitlines()
    test.write_text("\n".join([header, *rows * 3]) + "\n")
    made_of(paths)
    looked(paths, "all")
    kept = json.loads(paths.score("all").read_text())
    assert (kept["rows"], kept["pictures"]) == (1080, 360)
    assert kept["interval"] == pytest.approx(metrics.wilson(kept["accuracy"], 360))


def test_a_blend_of_other_test_rows_is_to_be_blended_again(made: Made) -> None:
    paths, _ = made
    part = BlendPart(given="few", kind="probabilities", sha256="0" * 64, weight=1.0)
    there = replace(recipe.read(paths, "all"), test_fingerprint="0" * 12)
    for parts, said in (((), "run make predict again"), ((part,), "run make blend again")):
        recipe.write(paths, "all", replace(there, parts=parts))
        with pytest.raises(UserError, match=f"made for other test rows than those prepared here: {said}"):
            looked(paths, "all")
