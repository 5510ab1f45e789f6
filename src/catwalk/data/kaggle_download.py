"""Download from Kaggle: a page's files as one zip, and a competition's CSVs out of it."""

import shutil
import zipfile
from pathlib import Path

from catwalk.core import advice, locks
from catwalk.core.errors import CatwalkError, NetworkError
from catwalk.data import archives, kaggle_client, kaggle_names, raw_files
from catwalk.data.competition import Competition
from catwalk.data.csv_dialect import WEB_PAGE


def fetch(competition: Competition, folder: Path) -> None:
    """Fetch from Kaggle, with the official client: the zip's CSVs, unchanged.

    After a lost connection the partial zip stays beside ``folder``, and the next try resumes it.
    """
    place = folder.with_name(".download")
    place.mkdir(exist_ok=True)
    with locks.locked(place, wait=True):
        place.mkdir(exist_ok=True)  # another process may have finished and removed it
        _download_and_unzip(competition, place, folder)


def keep(page: kaggle_names.Page, place: Path) -> Path:
    """The zip of a page's files; it waits in the folder ``place`` until ``fetch`` unpacks it.

    Raises:
        UserError, NetworkError: it can't be downloaded.
    """
    place.mkdir(parents=True, exist_ok=True)
    with locks.locked(place, wait=True):
        place.mkdir(exist_ok=True)
        return _download(page, place)


def _download(page: kaggle_names.Page, place: Path) -> Path:
    """The zip, downloaded unless it waits there already."""
    complete = place / f"{page.name.replace('/', '-')}.complete.zip"
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
    archive.replace(complete)
    return complete


def _download_and_unzip(competition: Competition, place: Path, folder: Path) -> None:
    archive = _download(kaggle_names.of_data(competition), place)
    try:
        _unzip(archive, competition, folder)
    finally:
        shutil.rmtree(place)  # a damaged zip would stay damaged


def _unzip(archive: Path, competition: Competition, folder: Path) -> None:
    """Extract the competition's CSVs from a zip, whatever else it contains."""
    try:
        with zipfile.ZipFile(archive) as opened:
            for name in raw_files.needed(competition):
                members = [m for m in opened.namelist() if Path(m).name == name]
                if not members and name != competition.sample_file:
                    raise NetworkError(f"contains no {name}", where=archive.name, fix=advice.CHOOSE_SOURCE)
                if members:
                    with opened.open(members[0]) as packed, (folder / name).open("wb") as plain:
                        archives.copy_limited(packed, plain, members[0])
    except archives.DAMAGED as error:
        if archives.is_of_the_disk(error):
            raise
        page = WEB_PAGE.match(archives.head(archive).lower())
        raise NetworkError(
            f"the download is {'a web page' if page else 'not a complete zip'}",
            where=archive.name,
            fix=advice.DATA_AGAIN,
        ) from None
