"""edited_files.py: what a person has changed stays, under another name; what catwalk wrote is replaced."""

from pathlib import Path

import pytest

from catwalk.core import edited_files
from catwalk.core.paths import Paths


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path, "digits")


def write(paths: Paths, text: str) -> list[str]:
    """Write ``grades.csv``; the lines that this says."""
    said = list[str]()
    with edited_files.rewrite(paths, paths.grades, said.append) as aside:
        aside.write_text(text)
    assert paths.grades.read_text() == text
    return said


def names(paths: Paths) -> list[str]:
    return sorted(path.name for path in paths.grade.iterdir() if path.name[0] != ".")


def test_what_catwalk_wrote_is_replaced(paths: Paths) -> None:
    assert [write(paths, text) for text in ("one", "two", "two", "three")] == [[]] * 4
    assert names(paths) == ["grades.csv"]


def test_what_was_edited_is_kept(paths: Paths) -> None:
    """Each time anew; an earlier copy is not replaced either, nor a link to nowhere."""
    write(paths, "one")
    (paths.grade / "grades-2.csv").symlink_to("nowhere")
    for number, remark in ((1, "a remark"), (3, "another remark")):
        paths.grades.write_text(remark)
        assert write(paths, "two") == [
            "  data/digits/grade/grades.csv: the earlier file, which may have been edited, is kept as "
            f"grades-{number}.csv"
        ]
        assert (paths.grade / f"grades-{number}.csv").read_text() == remark
    assert write(paths, "three") == []
    assert names(paths) == ["grades-1.csv", "grades-2.csv", "grades-3.csv", "grades.csv"]


@pytest.mark.parametrize("note", [None, b"", b"\xff"])
def test_a_file_of_which_no_digest_is_known_is_kept_if_it_differs(paths: Paths, note: bytes | None) -> None:
    write(paths, "one")
    hidden = edited_files._note(paths.grades)
    if note is None:
        hidden.unlink()
    else:
        hidden.write_bytes(note)
    assert write(paths, "one") == []
    hidden.unlink()
    assert len(write(paths, "two")) == 1
    assert (paths.grade / "grades-1.csv").read_text() == "one"


def test_what_fails_changes_nothing(paths: Paths) -> None:
    write(paths, "one")
    paths.grades.write_text("edited")
    with pytest.raises(OSError, match="full"), edited_files.rewrite(paths, paths.grades, print):
        raise OSError("full")
    assert (names(paths), paths.grades.read_text()) == (["grades.csv"], "edited")


def test_a_file_is_catwalk_s_own_if_the_machine_stopped_before_it_was_replaced(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(paths, "one")
    with monkeypatch.context() as patch:
        replace = Path.replace

        def stops(path: Path, target: Path) -> Path:
            if target == paths.grades:
                raise KeyboardInterrupt
            return replace(path, target)

        patch.setattr(Path, "replace", stops)
        with pytest.raises(KeyboardInterrupt):
            write(paths, "two")
    assert paths.grades.read_text() == "one"
    assert write(paths, "three") == []
    assert names(paths) == ["grades.csv"]
