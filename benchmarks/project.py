"""The projects that benchmarks run in: this checkout, or a copy of one competition elsewhere."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from catwalk import competition, data, prepare
from catwalk.competition import Competition
from catwalk.paths import Paths

ROOT = Path(__file__).resolve().parents[1]


def here(name: str, seeds: Iterable[int] = (1,)) -> tuple[Paths, Competition]:
    """This checkout's competition, its data there and these seeds' splits prepared."""
    return _prepared(Paths(ROOT, name), seeds)


def copied(name: str, folder: Path, seed: int = 1) -> Paths:
    """A project in ``folder`` with this competition prepared."""
    for needed in ("competitions", "notebooks"):
        shutil.copytree(ROOT / needed, folder / needed)
    ours, paths = Paths(ROOT, name), Paths(folder, name)
    if ours.manifest.is_file():
        shutil.copytree(ours.raw, paths.raw)
    return _prepared(paths, [seed])[0]


def _prepared(paths: Paths, seeds: Iterable[int]) -> tuple[Paths, Competition]:
    loaded = competition.load(paths)
    data.make(paths, loaded, "auto", lambda _: None)
    for seed in seeds:
        prepare.make(paths, loaded, seed, lambda _: None)
    return paths, loaded
