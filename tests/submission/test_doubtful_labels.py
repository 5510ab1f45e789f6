"""doubtful_labels.py: a person finds the labels that may be wrong in the raw file; nothing is changed."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catwalk.core.paths import Paths
from catwalk.data import download, picture_hashes, prepare
from catwalk.data.run_context import RunContext
from catwalk.submission import doubtful_labels
from catwalk.submission.predictions import Predictions
from tests.conftest import digits_paths, load
from tests.support import out_of_fold


@pytest.fixture
def planted(project: Path, digits_raw: Path) -> tuple[RunContext, Predictions, set[int], list[str]]:
    """Prepared digits of which every 20th label is the next digit, their probabilities, and those rows."""
    paths = digits_paths(project, digits_raw)
    train = paths.raw / "digits_train.csv"
    header, *rows = train.read_text().splitlines()
    wrong = set(range(0, len(rows), 20))
    rows = [f"{(int(row[0]) + 1) % 10}{row[1:]}" if i in wrong else row for i, row in enumerate(rows)]
    train.write_text("\n".join([header, *rows]) + "\n")
    competition, said = load("digits"), list[str]()
    download.run(paths, competition, "auto", lambda _: None)
    prepare.run(paths, competition, 1, lambda _: None)
    prepared = prepare.load(paths, 1)
    context = RunContext(paths, competition, prepared, 1, "", said.append)
    probabilities = out_of_fold.probabilities(prepared.pixels / 255, np.asarray(prepared.labels))
    rows_of = np.arange(len(prepared.labels), dtype=np.int32)[::-1]  # in an order of its own
    made = Predictions(
        picture_hashes.of(prepared.pixels[rows_of]), probabilities[rows_of].astype(np.float32),
        competition.submitted, rows_of,
    )  # fmt: skip
    return context, made, {i + 2 for i in wrong}, said


def table(paths: Paths) -> list[dict[str, Any]]:
    with paths.doubtful_labels("mine").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_list(planted: tuple[RunContext, Predictions, set[int], list[str]]) -> None:
    context, made, wrong, said = planted
    paths = context.paths
    raw = paths.raw / "digits_train.csv"
    before = [path.read_bytes() for path in (raw, paths.labels, paths.pixels)]
    doubtful_labels.write(context, "mine", made)
    found = table(paths)
    assert list(found[0]) == ["row", *doubtful_labels.COLUMNS]
    assert said == [
        f"predict: {len(found)} of 1,437 labels look doubtful, see submissions/digits/mine/labels.csv"
    ]
    lines = raw.read_text().splitlines()
    classes = context.competition.classes
    for one in found:
        label, answer = int(one["label"]), int(one["answer"])
        assert lines[int(one["row"]) - 1].startswith(f"{label},")
        assert (one["class"], one["answer class"]) == (classes[label], classes[answer])
        assert label != answer
    doubts = [float(one["probability of answer"]) - float(one["probability of label"]) for one in found]
    np.testing.assert_allclose(doubts, sorted(doubts, reverse=True), atol=2e-4)
    right = [int(one["row"]) in wrong for one in found]
    assert len(found) == len({one["row"] for one in found})
    assert np.mean(right) > 0.8
    assert sum(right) > 0.6 * len(wrong)
    assert [path.read_bytes() for path in (raw, paths.labels, paths.pixels)] == before


def test_some_rows_only(planted: tuple[RunContext, Predictions, set[int], list[str]]) -> None:
    """As of a split: the rows that are not validated are not listed."""
    context, made, _, said = planted
    some = context.prepared.validation
    assert made.rows is not None
    places = np.argsort(made.rows)[some]
    doubtful_labels.write(
        context, "mine", Predictions(made.pictures[places], made.probabilities[places], made.labels, some)
    )
    found = table(context.paths)
    assert 0 < len(found) < 30
    assert f"{len(found)} of 144 labels look doubtful" in said[0]


def test_rows_without_numbers(planted: tuple[RunContext, Predictions, set[int], list[str]]) -> None:
    """As where they can't be told (``row_numbers``), or their file is lost."""
    context, made, _, said = planted
    context.paths.raw_rows.unlink()
    doubtful_labels.write(context, "mine", made)
    assert list(table(context.paths)[0]) == list(doubtful_labels.COLUMNS)
    assert said[0].endswith("labels.csv, without row numbers, which are not known")
    assert len(said[0]) < 300


def test_none_is_doubtful(planted: tuple[RunContext, Predictions, set[int], list[str]]) -> None:
    context, made, _, said = planted
    sure = np.eye(10, dtype=np.float32)[context.prepared.labels[made.rows]]
    doubtful_labels.write(context, "mine", Predictions(made.pictures, sure, made.labels, made.rows))
    assert table(context.paths) == []
    assert said == []
