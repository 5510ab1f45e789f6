"""A new competition of "label + pixel columns" needs a TOML and no code: three forms, on real digits."""

from pathlib import Path

import numpy as np
import pytest

from catwalk.core.paths import Paths
from catwalk.data.csv_rows import read_rows
from catwalk.submission import recipe, submission_names
from tests.conftest import load, run_catwalk


def as_28x28(pixels: np.ndarray) -> np.ndarray:
    """8x8 digits as 28x28 pictures: every pixel three times as large, with a border."""
    large = pixels.reshape(-1, 8, 8).repeat(3, axis=1).repeat(3, axis=2)
    return np.pad(large, ((0, 0), (2, 2), (2, 2))).reshape(len(pixels), 784)


@pytest.fixture(scope="module")
def digits(digits_raw: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    sides = {}
    for side in ("train", "test"):
        rows = read_rows(digits_raw / f"digits_{side}.csv", load("digits"))
        assert rows.labels is not None
        sides[side] = (as_28x28(rows.pixels), rows.labels.astype(int))
    return sides


def write(path: Path, header: str | None, columns: list[np.ndarray], ids: list[str] | None = None) -> None:
    rows = [",".join(map(str, row)) for row in np.column_stack(columns).tolist()]
    if ids is not None:
        rows = [f"{name},{row}" for name, row in zip(ids, rows, strict=True)]
    path.write_text("\n".join([*([header] if header else []), *rows]) + "\n")


def pixel_names(first: int) -> str:
    return ",".join(f"pixel{first + i}" for i in range(784))


def predicted(project: Path, name: str, toml: str) -> tuple[Paths, list[str], float]:
    """Add the TOML, run ``predict`` and give the submission's lines and the validation accuracy."""
    (project / "competitions" / f"{name}.toml").write_text(toml)
    done = run_catwalk(project, "predict", "--competition", name, "--trials", "1", "--name", "one")
    assert done.returncode == 0, done.stderr
    paths = Paths(project, name)
    said = recipe.read(paths, "one").validation
    assert said is not None
    return paths, paths.submission("one").read_text().splitlines(), said.accuracy


@pytest.mark.slow
def test_the_form_of_sign_language_mnist(
    project: Path, digits: dict[str, tuple[np.ndarray, np.ndarray]]
) -> None:
    """24 classes, the labels 0 to 24 without 9, no id: digits upright, inverted, and four of them lying."""
    toml = """
title = "Sign Language MNIST"
shape = [28, 28]
classes = ["A", "B", "C", "D", "E", "F", "G", "H", "I", "K", "L", "M",
           "N", "O", "P", "Q", "R", "S", "T", "U", "V", "W", "X", "Y"]
labels = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24]
augment = ["shift"]
[files]
train = "sign_mnist_train.csv"
test = "sign_mnist_test.csv"
[columns]
label = "label"
pixels = "pixel{}"
first_pixel = 1
[submission]
header = ["ImageId", "Label"]
"""
    classes = np.array([*range(9), *range(10, 25)])
    paths = Paths(project, "sign-language")
    paths.raw.mkdir(parents=True)
    for side, (pixels, labels) in digits.items():
        lying = labels < 4
        turned = pixels.reshape(-1, 28, 28).transpose(0, 2, 1).reshape(-1, 784)[lying]
        pictures = np.concatenate([pixels, 255 - pixels, turned])
        codes = classes[np.concatenate([labels, labels + 10, labels[lying] + 20])]
        write(paths.raw / f"sign_mnist_{side}.csv", f"label,{pixel_names(1)}", [codes, pictures])
    _, lines, share = predicted(project, "sign-language", toml)
    assert lines[0] == "ImageId,Label"
    assert [line.split(",")[0] for line in lines[1:4]] == ["1", "2", "3"]
    chosen = {int(line.split(",")[1]) for line in lines[1:]}
    assert chosen <= set(classes.tolist())
    assert 9 not in chosen
    assert max(chosen) > 20
    assert share > 0.7
    scored = run_catwalk(project, "score", "--competition", "sign-language")
    assert scored.returncode == 0, scored.stderr


@pytest.mark.long
@pytest.mark.slow
def test_the_form_of_kannada_mnist(project: Path, digits: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """An id column in the test file, no test labels, and a sample submission that has the last word."""
    toml = """
title = "Kannada MNIST"
shape = [28, 28]
classes = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
augment = ["shift"]
[files]
train = "train.csv"
test = "test.csv"
sample = "sample_submission.csv"
[columns]
label = "label"
id = "id"
pixels = "pixel{}"
first_pixel = 0
[submission]
header = ["id", "label"]
competition = "Kannada-MNIST"
"""
    paths = Paths(project, "kannada")
    paths.raw.mkdir(parents=True)
    pixels, labels = digits["train"]
    write(paths.raw / "train.csv", f"label,{pixel_names(0)}", [labels, pixels])
    test = digits["test"][0]
    ids = [f"k{7 * i}" for i in range(len(test))]
    write(paths.raw / "test.csv", f"id,{pixel_names(0)}", [test], ids)
    (paths.raw / "sample_submission.csv").write_text("id,label\n" + "".join(f"{i},0\n" for i in ids))
    _, lines, share = predicted(project, "kannada", toml)
    assert lines[0] == "id,label"
    assert [line.split(",")[0] for line in lines[1:]] == ids
    assert share > 0.9
    scored = run_catwalk(project, "score", "--competition", "kannada")
    assert scored.returncode == 2
    assert "the test rows have no labels" in scored.stderr


@pytest.mark.long
@pytest.mark.slow
def test_a_headerless_file_with_the_label_first(
    project: Path, digits: dict[str, tuple[np.ndarray, np.ndarray]]
) -> None:
    """As EMNIST's CSVs are; the labels start at 1, as those of its letters do."""
    toml = """
title = "Headerless"
shape = [28, 28]
classes = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]
labels = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
[files]
train = "letters-train.csv"
test = "letters-test.csv"
[columns]
header = false
[submission]
header = ["Id", "Letter"]
first_id = 0
"""
    paths = Paths(project, "headerless")
    paths.raw.mkdir(parents=True)
    for side, (pixels, labels) in digits.items():
        write(paths.raw / f"letters-{side}.csv", None, [labels + 1, pixels])
    _, lines, share = predicted(project, "headerless", toml)
    assert lines[:1] == ["Id,Letter"]
    assert lines[1].startswith("0,")
    assert share > 0.9
    truth = digits["test"][1] + 1
    right = np.mean([int(line.split(",")[1]) == label for line, label in zip(lines[1:], truth, strict=True)])
    assert right > 0.9, "the labels are mapped back"
    assert submission_names.names(paths) == ["one"]
