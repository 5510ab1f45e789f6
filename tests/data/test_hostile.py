"""Hostile input, a small count of what ``make trust`` does in full; and whatever it has ever found."""

import importlib.util
import random
import sys
from collections import Counter
from pathlib import Path

import pytest

from catwalk.core.errors import UserError
from catwalk.data import archives, competition, csv_careful
from verification import guided, hostile


@pytest.mark.parametrize("inputs", [60, pytest.param(200, marks=pytest.mark.slow)])
@pytest.mark.parametrize("reader", hostile.READERS)
def test_readers_keep_their_promises(reader: str, inputs: int) -> None:
    # Hypothesis takes constants of what is imported among its inputs, so it need not find a file to be read.
    counts = hostile.fuzz(reader, inputs=inputs, seed=7)
    assert set(counts) <= {"read", "refused"}, counts
    assert counts.total() >= inputs


@pytest.mark.parametrize("reader", hostile.READERS)
def test_good_files_are_read(reader: str, tmp_path: Path) -> None:
    dice = random.Random(7)  # noqa: S311  # no secret: the same each time
    said = {hostile.judge(reader, hostile.READERS[reader][0](dice), tmp_path) for _ in range(40)}
    assert "read" in said
    assert said <= {"read", "refused"}


@pytest.mark.parametrize("found", sorted(hostile.FOUND.glob("*.bin")), ids=lambda path: path.name)
def test_what_was_found_once(found: Path, tmp_path: Path) -> None:
    assert hostile.judge(found.name.split("-")[0], found.read_bytes(), tmp_path) in hostile.FINE


@pytest.mark.slow
def test_it_would_notice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A reader that takes 256 for a pixel, and one that fails in its own way."""
    monkeypatch.setattr(csv_careful._Pixels, "__missing__", lambda self, cell: int(float(cell)) % 256)
    assert any("wrong answer" in said or "Error" in said for said in hostile.fuzz("csv", 2_000, 7, tmp_path))
    assert list(tmp_path.glob("csv-*.bin"))

    def broken(*_: object) -> None:
        raise IndexError("oh")

    monkeypatch.setattr(competition, "load", broken)
    assert hostile.fuzz("toml", 10, 7) == Counter({"IndexError: oh": 1})


def test_guided_fuzzing_without_its_package_breaks_no_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["guided", "--inputs", "1"])
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(SystemExit, match="atheris is not installed: pip install atheris"):
        guided.main()


def test_an_archive_can_t_fill_the_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import gzip

    monkeypatch.setattr(archives, "LARGEST", 1 << 20)
    packed = tmp_path / "x.csv.gz"
    packed.write_bytes(gzip.compress(b"0" * (3 << 20)))
    with pytest.raises(UserError, match=r"x\.csv\.gz: unpacks to more than"):
        archives.unpack(packed, None, tmp_path / "x.csv")
    assert (tmp_path / "x.csv").stat().st_size <= 1 << 20
