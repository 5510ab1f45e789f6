"""data.py: what is there is kept, checked and not fetched again."""

import json
from collections.abc import Callable
from pathlib import Path

from conftest import digits_paths

Catwalk = Callable[..., tuple[int, str, str]]
DIGITS = ("--competition", "digits")


def test_twice(catwalk: Catwalk, project: Path) -> None:
    code, out, _ = catwalk("data", *DIGITS)
    assert code == 0
    assert "digits_train.csv 1,437 rows, digits_test.csv 360 rows (source: sklearn)" in out
    before = (project / "data/digits/raw/manifest.json").read_bytes()
    code, out, _ = catwalk("data", *DIGITS)
    assert code == 0
    assert "done before" in out
    assert (project / "data/digits/raw/manifest.json").read_bytes() == before


def test_files_put_there_by_hand(catwalk: Catwalk, project: Path, digits_raw: Path) -> None:
    paths = digits_paths(project, digits_raw)
    code, out, _ = catwalk("data", *DIGITS)
    assert code == 0
    assert "files put there by hand" in out
    assert json.loads(paths.manifest.read_text())["files"]["digits_test.csv"]["rows"] == 360


def test_a_wrong_file_put_there_by_hand(catwalk: Catwalk, project: Path, digits_raw: Path) -> None:
    paths = digits_paths(project, digits_raw)
    train = paths.raw / "digits_train.csv"
    train.write_text(train.read_text().replace("\n", "\n7,", 1))
    code, _, err = catwalk("data", *DIGITS)
    assert code == 2
    assert err.startswith("catwalk data: digits_train.csv: row 2: 66 columns, expected 65: ")
    assert err.count("\n") == 1
    assert train.is_file()
    assert not paths.manifest.exists()


def test_another_source_than_before(catwalk: Catwalk, project: Path, digits_raw: Path) -> None:
    assert catwalk("data", *DIGITS, "--source", str(digits_raw))[0] == 0
    assert catwalk("data", *DIGITS, "--source", str(digits_raw))[0] == 0
    code, _, err = catwalk("data", *DIGITS, "--source", "sklearn")
    assert code == 2
    assert "is here already, from" in err


def test_a_damaged_manifest_is_made_anew_from_the_files(
    catwalk: Catwalk, project: Path, digits_raw: Path
) -> None:
    paths = digits_paths(project, digits_raw)
    paths.manifest.write_text("{")
    code, out, _ = catwalk("data", *DIGITS)
    assert code == 0
    assert "files put there by hand" in out
    assert json.loads(paths.manifest.read_text())["files"]["digits_train.csv"]["rows"] == 1437
