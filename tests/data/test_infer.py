"""infer.py: what the files show: each form of public data is understood, and read as it is.

Also: infer_files.py, infer_submission.py, infer_table.py, sample_pictures.py.
"""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from catwalk.core.paths import Paths
from catwalk.data import competition, infer, prepare, test_labels
from catwalk.data.competition import Competition
from tests.conftest import run_catwalk
from tests.support.public_forms import FORMS, OTHER_FORMS, Expected

Catwalk = Callable[..., tuple[int, str, str]]
Array = np.ndarray[Any, Any]

ALL = FORMS | OTHER_FORMS
# Of each kind one; the others take some seconds more, for their pictures are larger.
QUICK = {
    "kannada-mnist", "ham10000-8-8-l", "az-numbered", "ahcd", "optdigits", "semicolons", "sixteen-bits",
    "text-ids", "labels-by-id", "floats",
}  # fmt: skip


def as_read(folder: Path, truth: Expected, name: str) -> tuple[Array, list[str]]:
    """(rows, pixels) uint8 and the labels of one file, as pandas reads it and the truth says what it is."""
    table = pd.read_csv(
        folder / name, sep=truth.separator, header=0 if truth.has_header else None, keep_default_na=False
    )
    if truth.one_cell:
        values = np.array([[float(v) for v in cell.split()] for cell in table[truth.pixels[0]]])
    else:
        values = table[list(truth.pixels)].to_numpy(np.float64)
    pixels = np.rint(values * 255 / truth.most).astype(np.uint8)
    if truth.layout == "planes":
        pixels = np.moveaxis(pixels.reshape(-1, 3, *truth.shape[:2]), 1, -1).reshape(len(pixels), -1)
    if truth.label in table.columns:
        return pixels, [str(label) for label in table[truth.label]]
    file = truth.train_labels if name == truth.train else truth.test_labels
    if file is None:
        return pixels, [""] * len(pixels)
    apart = pd.read_csv(folder / file, header=0 if truth.has_header else None)
    if truth.labels_by_id:
        apart = apart.set_index("id").loc[table["id"]]
    return pixels, [str(label) for label in apart.iloc[:, -1]]


def counted(pixels: Array, labels: list[str]) -> Counter[tuple[bytes, str]]:
    return Counter((row.tobytes(), label) for row, label in zip(pixels, labels, strict=True))


def prepared(paths: Paths, known: Competition) -> Counter[tuple[bytes, str]]:
    """All pictures with their labels, those of the test too."""
    arrays, names = prepare.load(paths, 1), known.submitted
    found = counted(arrays.pixels, [names[place] for place in arrays.labels])
    if test_labels.are_there(paths):
        sealed = test_labels.open_labels(paths, "a test", "none")
        return found + counted(arrays.test_pixels, [names[place] for place in sealed])
    return found + counted(arrays.test_pixels, [""] * len(arrays.test_pixels))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in ALL]
)
def test_a_public_form_is_understood(catwalk: Catwalk, project: Path, tmp_path: Path, name: str) -> None:
    """``new``, then ``prepare``: every picture and its label is as pandas reads it."""
    folder = tmp_path / "files"
    folder.mkdir()
    truth = ALL[name](folder)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    code, out, err = catwalk("new", "--competition", "ours", "--source", str(folder))
    assert (code, err) == (0, "")
    paths = Paths(project, "ours")
    known = competition.load(paths)
    check(known, truth)
    assert paths.samples.read_bytes().startswith(b"\x89PNG")
    assert "data/ours/samples.png" in out
    code, _, err = catwalk("prepare", "--competition", "ours")
    assert (code, err) == (0, "")
    files = dict.fromkeys(name for name in (truth.train, truth.test) if name)
    expected: Counter[tuple[bytes, str]] = Counter()
    for file in files:
        expected += counted(*as_read(folder, truth, file))
    assert prepared(paths, known) == expected
    arrays = prepare.load(paths, 1)
    train, test = truth.rows
    assert test_labels.are_there(paths) == truth.test_has_labels
    assert (len(arrays.pixels), len(arrays.test_pixels)) == (train, test) or not test
    assert test or round(0.15 * train) - 30 < len(arrays.test_pixels) < round(0.15 * train) + 30
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def check(known: Competition, truth: Expected) -> None:
    """The TOML's values are the truth's."""
    height, width, channels = truth.shape
    assert known.shape == ((height, width) if channels == 1 else truth.shape)
    assert known.is_planar == (truth.layout == "planes")
    assert known.train_file == truth.train
    assert known.test_share == (0.15 if truth.test is None else None)
    assert truth.test in (None, known.test_file)
    assert set(known.submitted) == {str(label) for label in truth.labels}
    assert known.usage_column == (truth.usage and truth.usage.strip())
    assert known.id_column == truth.id_column
    assert (known.train_labels_file, known.test_labels_file) == (truth.train_labels, truth.test_labels)
    assert known.sample_file == truth.sample
    assert truth.submission_header in (None, known.submission_header)
    assert known.scale == (None if truth.most == 255 else pytest.approx(255 / truth.most))
    assert known.augment == ("shift",)


# From the files to a submission: one of each kind with a hidden layer; where there is time the others,
# with softmax alone.
TRAINED = {"kannada-mnist", "devanagari", "fer2013", "optdigits", "ham10000-28-28-rgb"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in TRAINED else pytest.mark.long) for name in FORMS]
)
def test_a_public_form_gets_a_checked_submission(project: Path, tmp_path: Path, name: str) -> None:
    """``new``, then ``predict`` after the first trials (so short a budget leaves no time for the refit)."""
    folder = tmp_path / "files"
    folder.mkdir()
    truth = FORMS[name](folder)
    done = run_catwalk(project, "new", "--competition", "ours", "--source", str(folder))
    assert (done.returncode, done.stderr) == (0, "")
    trials = "2" if name in TRAINED else "1"
    asked = ("--trials", trials, "--budget", "20s", "--workers", "1", "--name", "one")
    done = run_catwalk(project, "predict", "--competition", "ours", *asked)
    assert (done.returncode, done.stderr) == (0, "")
    paths = Paths(project, "ours")
    known = competition.load(paths)
    table = pd.read_csv(paths.submission("one"), dtype=str)
    assert tuple(table.columns) == known.submission_header
    assert set(table.iloc[:, 1]) <= {str(label) for label in truth.labels}
    if truth.sample:
        sample = pd.read_csv(folder / truth.sample, dtype=str)
        assert table.iloc[:, 0].tolist() == sample.iloc[:, 0].tolist()
    elif truth.test is not None:
        assert len(table) == truth.rows[1]
    if truth.test_has_labels:
        done = run_catwalk(project, "score", "--competition", "ours")
        assert (done.returncode, done.stderr) == (0, "")
        assert f" on {len(table)} test rows" in done.stdout


@pytest.mark.slow
def test_labels_of_a_held_out_test_change_no_byte(project: Path, tmp_path: Path) -> None:
    """Zeros as the labels of these rows of the one file: the same trials, the same submission."""
    source = tmp_path / "digits.csv"
    FORMS["optdigits"](tmp_path)
    (tmp_path / "optdigits.tra").rename(source)
    asked = ("--competition", "ours", "--trials", "2", "--workers", "1", "--name", "one")
    assert run_catwalk(project, "new", "--competition", "ours", "--source", str(source)).returncode == 0
    done = run_catwalk(project, "predict", *asked)
    assert (done.returncode, done.stderr) == (0, "")
    paths, lines = Paths(project, "ours"), source.read_text().splitlines()
    held_out = {int(id_) - 1 for id_ in prepare.test_ids(paths)}
    assert len(held_out) == 120
    blind = Paths(project, "blind")
    blind.toml.write_text(paths.toml.read_text())
    rows = [f"{line.rsplit(',', 1)[0]},0" if i in held_out else line for i, line in enumerate(lines)]
    source.write_text("\n".join(rows) + "\n")
    asked = ("--competition", "blind", *asked[2:])
    done = run_catwalk(project, "predict", *asked, "--source", str(source))
    assert (done.returncode, done.stderr) == (0, "")
    assert not test_labels.are_there(blind)
    assert blind.submission("one").read_bytes() == paths.submission("one").read_bytes()
    kept = [pd.read_csv(one.trials)["validation_accuracy"].tolist() for one in (paths, blind)]
    assert kept[0] == kept[1]
    assert len(kept[0]) == 2


def test_a_draft_names_the_augmentations_that_may_be_added() -> None:
    named = set(re.findall(r'"(\w+)"', infer.WHY_SHIFT))
    assert named == set(competition.AUGMENTATIONS) - {"shift"}
