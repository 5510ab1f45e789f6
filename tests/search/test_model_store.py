"""model_store.py: what killed workers leave; test_families and test_artifacts test what is kept."""

from pathlib import Path

from catwalk.core.paths import Paths
from catwalk.core.team import Team
from catwalk.search import model_store


def test_what_killed_workers_were_writing_is_removed(tmp_path: Path) -> None:
    paths = Paths(tmp_path, "digits")
    model_store.drop_unfinished(paths, "a")  # no folder yet
    begun = [paths.kept("a") / f".trial-00003.77.part{end}" for end in (".keras", ".npy")]
    other = paths.kept("b") / ".trial-00003.77.part.npy"  # of another study, which a team may search
    whole = [paths.model("a", 3), paths.probabilities("a", 3), paths.kept("a") / "mine.part.txt", other]
    for file in (*begun, *whole):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    model_store.drop_unfinished(Paths(tmp_path, "digits", Team("postgresql://u@h/d", "ann")), "a")
    assert all(file.exists() for file in begun), "others of the team may be writing them"
    model_store.drop_unfinished(paths, "a")
    assert not any(file.exists() for file in begun)
    assert all(file.exists() for file in whole)
