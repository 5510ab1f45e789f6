"""predictions.py: what is written is read; another file is told as what it is."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from catwalk.core.errors import UserError
from catwalk.submission import predictions
from catwalk.submission.predictions import Predictions


def some(rows: int = 5) -> Predictions:
    random = np.random.default_rng(1)
    probabilities = random.dirichlet(np.ones(3), rows).astype(np.float32)
    pictures = random.integers(0, 2**63, (rows, 2)).astype(np.uint64)
    return Predictions(pictures, probabilities, ("a", "b", "c"), np.arange(rows, dtype=np.int32))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "oof.npz"
    predictions.write(file, some())
    read = predictions.read(file, "oof.npz")
    np.testing.assert_array_equal(read.pictures, some().pictures)
    np.testing.assert_array_equal(read.probabilities, some().probabilities)
    np.testing.assert_array_equal(read.rows, some().rows)
    assert read.labels == ("a", "b", "c")
    assert read.probabilities.dtype == np.float32
    with pytest.raises(FileNotFoundError):
        predictions.read(tmp_path / "other.npz", "other.npz")


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:200])


def without_pictures(file: Path) -> None:
    np.savez(file, probabilities=some().probabilities, labels=np.array(["a", "b", "c"]))


def of_other_rows(file: Path) -> None:
    made = some()
    np.savez(
        file, pictures=made.pictures[1:], probabilities=made.probabilities, labels=np.array(["a", "b", "c"])
    )


def of_pickles(file: Path) -> None:
    made = some()
    labels = np.array(["a", "b", "c"], dtype=object)
    np.savez(file, pictures=made.pictures, probabilities=made.probabilities, labels=labels)


def of_one_array(file: Path) -> None:
    with file.open("wb") as opened:
        np.save(opened, some().probabilities)


def of_texts(file: Path) -> None:
    made = some()
    texts = made.pictures.astype(str)
    np.savez(file, pictures=texts, probabilities=made.probabilities, labels=np.array(made.labels))


def with_wrong_bytes(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[60:100] = bytes(40)
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (of_one_array, "oof.npz: damaged, or not one of catwalk's files: download"),
        (of_texts, "oof.npz: has arrays that do not fit together: download"),
        (with_wrong_bytes, "oof.npz: damaged, or not one of catwalk's files: download"),
        (cut, "oof.npz: damaged, or not one of catwalk's files: download or copy it again"),
        (lambda file: file.write_text("<html>"), "oof.npz: damaged, or not one of catwalk's files: download"),
        (of_pickles, "oof.npz: damaged, or not one of catwalk's files: download"),
        (without_pictures, "oof.npz: has no array pictures: download"),
        (of_other_rows, "oof.npz: has arrays that do not fit together: download"),
    ],
)
def test_another_file_is_one_line(tmp_path: Path, damage: Callable[[Path], None], said: str) -> None:
    file = tmp_path / "oof.npz"
    predictions.write(file, some())
    damage(file)
    with pytest.raises(UserError) as error:
        predictions.read(file, "oof.npz")
    assert str(error.value).startswith(said)
