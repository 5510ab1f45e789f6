"""idx.py: IDX files, whole and otherwise."""

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

from catwalk.core.errors import UserError
from catwalk.data import idx

PICTURES = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3]) + bytes([1, 2, 3, 4, 5, 6])


@pytest.mark.parametrize("packed", [False, True])
def test_read(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / ("x.gz" if packed else "x")
    path.write_bytes(gzip.compress(PICTURES) if packed else PICTURES)
    np.testing.assert_array_equal(
        idx.read(path, hashlib.sha256(PICTURES).hexdigest()), [[[1, 2, 3]], [[4, 5, 6]]]
    )
    with pytest.raises(UserError, match="sha256"):
        idx.read(path, "0" * 64)


@pytest.mark.parametrize("content", [b"", b"\0\0", b"\0\0\x0d\x01\0\0\0\0", PICTURES[:-1], PICTURES + b"x"])
def test_not_whole(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(UserError, match="x: not a complete IDX file"):
        idx.read(tmp_path / "x")


def test_damaged_gzip(tmp_path: Path) -> None:
    (tmp_path / "x.gz").write_bytes(gzip.compress(PICTURES)[:-9])
    with pytest.raises(UserError, match="damaged gzip"):
        idx.read(tmp_path / "x.gz")


def test_find_needs_all_four(tmp_path: Path) -> None:
    for name in idx.FILES[:3]:
        (tmp_path / name).touch()
    assert idx.find(tmp_path) == {}
    (tmp_path / f"{idx.FILES[3]}.gz").touch()
    assert list(idx.find(tmp_path)) == list(idx.FILES)
