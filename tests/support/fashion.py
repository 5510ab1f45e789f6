"""Fashion-MNIST for the tests: the real IDX files, and a project with a few of its rows."""

import tempfile
import threading
from functools import cache
from pathlib import Path

from catwalk.core.paths import Paths
from catwalk.data import competition as competitions
from catwalk.data import idx, idx_csvs, sources
from tests.support.checkout import REPOSITORY

ONE_AT_A_TIME = threading.Lock()  # background jobs ask for the files too
NAME = "fashion-mnist"


def idx_folder() -> Path:
    """A folder with the four IDX files: Debian's package, installed or downloaded once."""
    with ONE_AT_A_TIME:
        return _found()


@cache
def _found() -> Path:
    installed = sources.DEBIAN_DATASETS / NAME
    if idx.find(installed):
        return installed
    competition = competitions.load(Paths(REPOSITORY, NAME))
    return next(iter(sources.debian_files(competition, Path(_temporary().name)).values())).parent


@cache
def _temporary() -> "tempfile.TemporaryDirectory[str]":
    """Removed when the tests end."""
    return tempfile.TemporaryDirectory(prefix="catwalk-tests-")


def few_rows(root: Path, train: int, test: int) -> None:
    """Put the first rows of both files into a project, as the user's own CSVs."""
    files = idx.find(idx_folder())
    pictures, labels, test_pictures, test_labels = (idx.read(files[name], None) for name in idx.FILES)
    paths = Paths(root, NAME)
    paths.raw.mkdir(parents=True)
    idx_csvs.write(
        pictures[:train], labels[:train], test_pictures[:test], test_labels[:test],
        competitions.load(paths), paths.raw,
    )  # fmt: skip
