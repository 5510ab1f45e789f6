"""submission_csv.py: the contract, whatever the ids and labels are.

Also: paths.py.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catwalk.core.errors import UserError
from catwalk.submission import submission_csv
from tests.conftest import load

GAPPED = replace(load("digits"), labels=(0, 2, 24), classes=("a", "c", "y"))
IDS = ["1", "2", "3"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), min_size=1), st.integers(0, 2)
        ),
        min_size=1,
        max_size=30,
        unique_by=lambda row: row[0],
    )
)
def test_what_is_written_keeps_the_contract(tmp_path: Path, rows: list[tuple[str, int]]) -> None:
    ids, predicted = [row[0] for row in rows], np.array([row[1] for row in rows])
    path = tmp_path / "made.csv"
    submission_csv.write(path, ids, predicted, GAPPED)
    np.testing.assert_array_equal(submission_csv.read(path, ids, GAPPED), predicted)
    assert path.read_text().startswith("ImageId,Label\n")
    assert [p.name for p in tmp_path.iterdir()] == ["made.csv"]


def test_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "made.csv"
    submission_csv.write(path, IDS, np.array([0, 1, 2]), GAPPED)
    assert path.read_bytes() == b"ImageId,Label\n1,0\n2,2\n3,24\n"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 27), st.sampled_from(list("0123456789,\nx ")))
def test_a_changed_byte_is_seen_or_means_another_known_label(tmp_path: Path, place: int, byte: str) -> None:
    good = "ImageId,Label\n1,0\n2,2\n3,24\n"
    changed = good[:place] + byte + good[place + 1 :]
    path = tmp_path / "changed.csv"
    path.write_text(changed)
    try:
        read = submission_csv.read(path, IDS, GAPPED)
    except UserError:
        assert changed != good
    else:
        lines = changed.split()
        assert [line.split(",")[0] for line in lines[1:]] == IDS
        assert [GAPPED.labels[i] for i in read] == [int(line.split(",")[1]) for line in lines[1:]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ImageId,Label\n1,0\n2,2\n", "2 rows below the header, 3 expected"),
        ("ImageId,Label\n1,0\n", "1 rows below the header, 3 expected"),
        ("id,Label\n1,0\n2,2\n3,0\n", "row 1: the header must be ImageId,Label"),
        ("ImageId,Label\n1,0\n3,2\n2,0\n", "row 3: expected the id 2"),
        ("ImageId,Label\n1,0\n1,2\n3,0\n", "row 3: expected the id 2"),
        ("ImageId,Label\n1,0\n2,1\n3,0\n", "row 3: the label '1' is not one of 0, 2, 24"),
        ("ImageId,Label\n1,0\n2,2.0\n3,0\n", "row 3: the label '2.0'"),
        ("", "row 1: the header"),
        ("ImageId,Label\n1,0\n2,2\n3,9\n", "row 4: the label '9'"),
        ("ImageId,Label\n1,0\n2\n3,2\n", "row 3: expected the id 2 and a label, not ['2']"),
        ("ImageId,Label\n1,0\n2,2\n3,2,0\n", "row 4: expected the id 3 and a label, not ['3', '2', '0']"),
        ("ImageId,Label\n1,0\n2,2\n3,0\n4,0\n", "4 rows below the header, 3 expected"),
    ],
)
def test_what_breaks_it_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(UserError, match=r"bad\.csv: ") as error:
        submission_csv.read(tmp_path / "bad.csv", IDS, GAPPED)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"ImageId,Label\n\xff\xfe\n", "not UTF-8"),
        (b"ImageId,Label\n" + b"1" * 200_000, "field larger than field limit"),
    ],
    ids=["bytes", "a long field"],
)
def test_what_is_no_csv(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "bad.csv").write_bytes(content)
    with pytest.raises(UserError, match=rf"bad\.csv: not a CSV \({said}"):
        submission_csv.read(tmp_path / "bad.csv", IDS, GAPPED)


def test_many_rows(tmp_path: Path) -> None:
    ids, predicted = [f"picture {i}" for i in range(1000)], np.arange(1000) % 3
    submission_csv.write(tmp_path / "made.csv", ids, predicted, GAPPED)
    np.testing.assert_array_equal(submission_csv.read(tmp_path / "made.csv", ids, GAPPED), predicted)


def test_nothing_is_left_of_a_refused_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="zip"):
        submission_csv.write(tmp_path / "made.csv", IDS[:2], np.array([0, 1, 2]), GAPPED)
    assert not list(tmp_path.iterdir())


def test_one_that_can_not_be_read_back_replaces_no_other(tmp_path: Path) -> None:
    path = tmp_path / "made.csv"
    submission_csv.write(path, IDS, np.array([0, 1, 2]), GAPPED)
    before = path.read_bytes()
    with pytest.raises(UserError, match=r"not a CSV \(field larger than field limit"):
        submission_csv.write(path, ["1" * 200_000, *IDS[1:]], np.array([2, 1, 0]), GAPPED)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
