"""Download from Kaggle: a page's files as one zip, and a competition's CSVs out of it."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from catwalk.core import advice, locks
from catwalk.core.errors import CatwalkError, NetworkError, UserError, shown
from catwalk.data import archives, infer_candidates, kaggle_client, kaggle_names, raw_files
from catwalk.data.competition import Competition
from catwalk.data.csv_dialect import WEB_PAGE


def fetch(competition: Competition, folder: Path) -> None:
    """Fetch from Kaggle, with the official client: the zip's CSVs, unchanged.

    After a lost connection the partial zip stays beside ``folder``, and the next try resumes it. The complete
    zip stays there until ``discard`` is called: if a CSV can't be read, it is not downloaded again.

    Raises:
        UserError, NetworkError: it can't be downloaded, or is damaged, or lacks a CSV.
    """
    place = folder.with_name(".download")  # ``Paths.download``: a source is given only the folder beside it
    place.mkdir(exist_ok=True)
    with locks.locked(place, wait=True):
        place.mkdir(exist_ok=True)  # another process may have finished and removed it
        archive = _download(kaggle_names.of_data(competition), place)
        with _removed_if_damaged(archive):
            _unzip(archive, competition, folder)


def keep(page: kaggle_names.Page, place: Path) -> Path:
    """The zip of a page's files; it waits in the folder ``place`` until ``discard`` is called.

    Raises:
        UserError, NetworkError: it can't be downloaded, or is damaged.
    """
    place.mkdir(parents=True, exist_ok=True)
    with locks.locked(place, wait=True):
        place.mkdir(exist_ok=True)
        is_new = not waiting(page, place).is_file()
        archive = _download(page, place)
        if is_new:  # else it was checked as it came
            with _removed_if_damaged(archive):
                _refuse_damaged_tables(archive)
        return archive


def waiting(page: kaggle_names.Page, place: Path) -> Path:
    """The zip of a page's files that waits in the folder ``place``."""
    return place / f"{page.name.replace('/', '-')}.complete.zip"


def discard(place: Path) -> None:
    """Remove the folder ``place`` with the zip in it, once its CSVs were read."""
    with locks.locked(place, wait=True):
        shutil.rmtree(place)


def _download(page: kaggle_names.Page, place: Path) -> Path:
    """The zip, downloaded unless it waits there already."""
    complete = waiting(page, place)
    if complete.is_file():
        return complete
    try:
        if page.kind == "dataset":
            archive = kaggle_client.download_dataset(page, place)
        else:
            archive = kaggle_client.download_competition(page, place)
    except CatwalkError:
        if not any(place.iterdir()):
            place.rmdir()
        raise
    if not archive.is_file():  # the answer was no redirect to a zip: the client names the file by its address
        files = [path for path in place.rglob("*") if path.is_file()]
        is_page = any(WEB_PAGE.match(archives.head(path).lower()) for path in files)
        shutil.rmtree(place)
        raise _not_a_zip(archive, is_page)
    with _removed_if_damaged(archive):
        archives.refuse_damaged(archive)
    archive.replace(complete)
    return complete


@contextlib.contextmanager
def _removed_if_damaged(archive: Path) -> Iterator[None]:
    """Remove a download that turns out to be damaged, with its folder: it would stay damaged.

    Raises:
        NetworkError: it is damaged, or a web page.
    """
    try:
        yield
    except archives.DamagedError:
        is_page = bool(WEB_PAGE.match(archives.head(archive).lower()))
        shutil.rmtree(archive.parent)
        raise _not_a_zip(archive, is_page) from None


def _not_a_zip(archive: Path, is_page: bool) -> NetworkError:
    return NetworkError(
        f"the download is {'a web page' if is_page else 'not a complete zip'}",
        where=archive.name,
        fix=f"{advice.RUN_AGAIN}, or set another SOURCE=",
    )


def _refuse_damaged_tables(archive: Path) -> None:
    """Refuse a zip in which a file that may be a table is damaged, though its list of files can be read.

    Raises:
        DamagedError: it is one, or its list of files can't be read.
    """
    archives.refuse_damaged(archive)
    for _, found in infer_candidates.candidates(archive, []):
        try:
            archives.unpack(archive, found.member, Path(os.devnull))
        except archives.DamagedError:
            raise
        except UserError:
            continue  # such as a password, which is told where the file is looked at


def _unzip(archive: Path, competition: Competition, folder: Path) -> None:
    """Extract the competition's CSVs from a zip, whatever else it contains."""
    archives.refuse_damaged(archive)
    found = raw_files.locate(archive, competition)
    for name in raw_files.required(competition):
        if name not in found.csvs:
            raise _missing(archive, competition, name)
    for name, place in found.csvs.items():
        archives.unpack(place.path, place.member, folder / name)


def _missing(archive: Path, competition: Competition, name: str) -> UserError:
    """The error for a zip that contains no file of this name, or more than one."""
    plain, members = raw_files.plain_name(name), archives.members(archive)
    alike = [member for member in members if raw_files.plain_name(Path(member).name) == plain]
    if alike:
        what = f"ambiguous: {shown(', '.join(alike), raw_files.LISTED)} all match {name}"
        return UserError(what, where=archive.name, fix=advice.CHOOSE_SOURCE)
    what = f"contains no {name}, there is {shown(', '.join(members) or 'nothing', raw_files.LISTED)}"
    toml = f"competitions/{competition.name}.toml"
    fix = f"write its actual name under [files] in {toml}, or choose another SOURCE="
    return UserError(what, where=archive.name, fix=fix)
