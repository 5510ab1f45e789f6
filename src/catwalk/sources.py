"""Sources: each function fetches a competition's data from one place into a folder, as its raw CSVs."""

import contextlib
import errno
import gzip
import os
import shutil
import socket
import subprocess
import sys
import textwrap
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from catwalk import idx, kaggle_client, kaggle_names, locks
from catwalk.competition import Competition
from catwalk.errors import CatwalkError, NetworkError, UserError
from catwalk.patience import TIMEOUT
from catwalk.rows import write_rows

LARGEST = 8_000_000_000  # bytes of a CSV out of an archive; what is larger is made to fill the disk
STORY = 180  # characters about all attempts in the line that none worked
DEBIAN_DATASETS = Path("/usr/share/datasets")

Fetch = Callable[[Competition, Path], None]


def fetch_kaggle(competition: Competition, folder: Path) -> None:
    """From Kaggle, by the official client: the zip's CSVs as they came.

    What a broken connection leaves of the zip stays beside ``folder``, and the next try goes on with it.
    """
    place = folder.with_name(".download")
    place.mkdir(exist_ok=True)
    with locks.locked(place, wait=True):
        place.mkdir(exist_ok=True)  # another one, who was done with it, may have removed it
        _download_and_unzip(competition, place, folder)


def _download_and_unzip(competition: Competition, place: Path, folder: Path) -> None:
    try:
        page = kaggle_names.of_data(competition)
        if page.kind == "dataset":
            archive = kaggle_client.download_dataset(page, place)
        else:
            archive = kaggle_client.download_competition(page, place)
    except CatwalkError:
        if not any(place.iterdir()):
            place.rmdir()
        raise
    try:
        _unzip(archive, competition, folder)
    finally:
        shutil.rmtree(place)  # a damaged zip would stay damaged


def fetch_debian(competition: Competition, folder: Path) -> None:
    """From Debian's package, already installed or downloaded by apt into ``folder`` without root."""
    installed = idx.find(DEBIAN_DATASETS / competition.name)
    _idx_to_csv(installed or debian_files(competition, folder), competition, folder)


def debian_files(competition: Competition, folder: Path) -> dict[str, Path]:
    """The IDX files by name, out of Debian's package, downloaded and unpacked below ``folder``.

    Raises:
        UserError: there is no apt here.
        NetworkError: apt can't fetch the package, or there are no such files in it.
    """
    package = competition.sources["debian"]
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise UserError("this is no Debian or Ubuntu (no apt-get): choose another SOURCE=")
    _apt_download(package, folder)
    unpacked = folder / "unpacked"
    _run("dpkg-deb", "-x", *map(str, folder.glob("*.deb")), str(unpacked))
    files = idx.find(unpacked / DEBIAN_DATASETS.relative_to("/") / competition.name)
    if not files:
        raise NetworkError(f"the package {package} holds no IDX files: choose another SOURCE=")
    return files


def _apt_download(package: str, folder: Path) -> None:
    """Run apt with lists and cache of its own, so that neither root nor an earlier update is needed."""
    (folder / "apt/lists/partial").mkdir(parents=True)
    (folder / "apt/cache/archives/partial").mkdir(parents=True)
    options = [
        f"-oDir::State::lists={folder.resolve()}/apt/lists",
        f"-oDir::Cache={folder.resolve()}/apt/cache",
        f"-oAcquire::http::Timeout={TIMEOUT}",
        f"-oAcquire::https::Timeout={TIMEOUT}",
        "-oAcquire::Retries=0",
        "-oAcquire::Languages=none",
        "-oAPT::Sandbox::User=root",  # only read when run as root: the folder is not _apt's
        *([] if sys.stdout.isatty() else ["-q"]),  # on a terminal apt draws its progress
    ]
    failed: NetworkError | None = None
    try:
        _run("apt-get", *options, "update", cwd=folder)
    except NetworkError as error:
        failed = error  # perhaps of another archive than the package's: the download will tell
    try:
        _run("apt-get", *options, "download", package, cwd=folder)
    except NetworkError as error:
        raise failed or error from None


def _run(*command: str, cwd: Path | None = None) -> None:
    done = subprocess.run(  # noqa: S603
        command,
        cwd=cwd,
        stdout=None if sys.stdout.isatty() else subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("E:")]
        reason = (lines or done.stderr.splitlines() or ["no reason given"])[-1]
        raise NetworkError(f"{command[0]} failed: {reason[:200]}: try again later")


def fetch_keras(competition: Competition, folder: Path) -> None:
    """From Keras's archive, by ``keras.datasets`` (kept in $KERAS_HOME/datasets)."""
    (train, train_labels), (test, test_labels) = keras_arrays(competition)
    write_csvs(train, train_labels, test, test_labels, competition, folder)


def keras_arrays(competition: Competition) -> Any:
    """What ``keras.datasets`` gives: train and test, each pictures and labels, as uint8.

    Raises:
        UserError: the competition names no data set of Keras's.
        NetworkError: it is not in $KERAS_HOME/datasets, and the archive can't be reached.
    """
    import importlib

    from catwalk import tensorflow_setup

    name = competition.sources.get("keras")
    if name is None:
        raise UserError(f"{competition.name} is not among Keras's data sets")
    tensorflow_setup.setup()
    module = importlib.import_module(f"keras.datasets.{name}")
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)
    try:
        return module.load_data()
    except Exception as error:
        # Keras wraps what went wrong below it in a bare Exception of one line.
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise NetworkError(f"Keras's archive can't be reached ({reason}): check the network") from None
    finally:
        socket.setdefaulttimeout(before)


def fetch_sklearn(competition: Competition, folder: Path) -> None:
    """scikit-learn's digits, split once (1,437 to train, 360 to test): no network."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    if competition.sources["sklearn"] != "load_digits":
        raise UserError(f"competitions/{competition.name}.toml: sklearn must be load_digits")
    pictures, labels = load_digits(return_X_y=True)
    train, test = train_test_split(np.arange(len(labels)), test_size=360, stratify=labels, random_state=0)
    grey = (pictures * 15).astype(np.uint8)  # 0-16 becomes 0-240
    write_csvs(grey[train], labels[train], grey[test], labels[test], competition, folder)


def fetch_folder(source: Path, competition: Competition, folder: Path) -> None:
    """From a folder of the competition's CSVs or of IDX files, gzipped or not."""
    csvs = [competition.train_file, competition.test_file]
    found = {name: _either(source, name) for name in csvs}
    if all(found.values()):
        for name in [*csvs, *filter(None, [competition.sample_file])]:
            path = _either(source, name)
            if path is not None:
                _copy(path, folder / name)
        return
    if files := idx.find(source):
        _idx_to_csv(files, competition, folder)
        return
    raise UserError(
        f"{source}: holds neither {' and '.join(csvs)} nor the four IDX files "
        f"({idx.FILES[0]}, ...; .gz is fine): put them there, or set another SOURCE="
    )


def _either(folder: Path, name: str) -> Path | None:
    return next((p for p in (folder / name, folder / f"{name}.gz") if p.is_file()), None)


def _copy(source: Path, target: Path) -> None:
    if source.suffix != ".gz":
        shutil.copyfile(source, target)
        return
    try:
        with gzip.open(source) as packed, target.open("wb") as plain:
            _unpack(packed, plain, source.name)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{source}: damaged gzip file ({error}): fetch it again") from None


def _unpack(packed: IO[bytes] | gzip.GzipFile, plain: IO[bytes], name: str) -> None:
    """Copy what an archive holds, up to ``LARGEST`` bytes."""
    left = LARGEST
    while block := packed.read(1 << 20):
        left -= len(block)
        if left < 0:
            raise UserError(f"{name}: unpacks to more than {LARGEST / 1e9:.0f} GB: choose another SOURCE=")
        plain.write(block)


def _unzip(archive: Path, competition: Competition, folder: Path) -> None:
    """Take the competition's CSVs out of a zip, whatever else it holds."""
    try:
        with zipfile.ZipFile(archive) as opened:
            for name in (competition.train_file, competition.test_file, competition.sample_file):
                members = [m for m in opened.namelist() if Path(m).name == name]
                if not members and name != competition.sample_file:
                    raise NetworkError(f"{archive.name}: holds no {name}: try another SOURCE=")
                if name and members:
                    with opened.open(members[0]) as packed, (folder / name).open("wb") as plain:
                        _unpack(packed, plain, members[0])
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # of the disk; a damaged zip sends its reader to places that can't be
        head = archive.read_bytes()[:200].lstrip().lower()
        what = "a web page" if head.startswith((b"<!doctype", b"<html")) else "not a whole zip"
        raise NetworkError(
            f"{archive.name}: what arrived is {what}: run make data again, or set another SOURCE="
        ) from None


def _idx_to_csv(files: dict[str, Path], competition: Competition, folder: Path) -> None:
    train, train_labels, test, test_labels = (
        idx.read(files[name], competition.sha256.get(name)) for name in idx.FILES
    )
    write_csvs(train, train_labels, test, test_labels, competition, folder)


def write_csvs(
    train: npt.NDArray[np.uint8],
    train_labels: npt.NDArray[np.integer],
    test: npt.NDArray[np.uint8],
    test_labels: npt.NDArray[np.integer],
    competition: Competition,
    folder: Path,
) -> None:
    """Write arrays as the two raw CSVs; pictures may come in any shape, one along the first axis."""
    for name, pictures, labels in (
        (competition.train_file, train, train_labels),
        (competition.test_file, test, test_labels),
    ):
        if pictures.size != len(labels) * competition.pixels:
            raise UserError(
                f"{pictures.shape} pictures and {len(labels)} labels are not a "
                f"{competition.name} of {competition.shape}: choose another SOURCE="
            )
        write_rows(folder / name, pictures.reshape(len(labels), -1), labels.ravel(), competition)


SOURCES: dict[str, Fetch] = {
    "kaggle": fetch_kaggle,
    "debian": fetch_debian,
    "keras": fetch_keras,
    "sklearn": fetch_sklearn,
}


def offered(competition: Competition) -> list[str]:
    """The names in ``SOURCES`` that the competition's TOML gives, in the order auto tries them."""
    given = {key.split("_")[0] for key in competition.sources}
    return [name for name in SOURCES if name in given]


def fetch(source: str, competition: Competition, folder: Path, say: Callable[[str], None]) -> str:
    """Fetch from the source named, or for "auto" from the first that works.

    Args:
        source: "auto", a name in ``SOURCES``, or a folder's path.
        competition: what to fetch.
        folder: an empty folder for the CSVs; on return it holds nothing else.
        say: takes a line on what happens.

    Returns:
        The source's name, or the folder's absolute path.

    Raises:
        UserError, NetworkError: nothing could be fetched; the message names every attempt.
    """
    names = offered(competition)
    if source not in ("auto", *SOURCES):
        place = Path(source).expanduser().resolve()
        if not place.is_dir():
            raise UserError(
                f"SOURCE={source}: neither a folder nor one of auto, {', '.join(names)}: choose one"
            )
        fetch_folder(place, competition, folder)
        return str(place)
    if source != "auto":
        if source not in names:
            raise UserError(
                f"SOURCE={source}: {competition.name} can't be had there: "
                f"choose one of auto, {', '.join(names)} or a folder"
            )
        names = [source]
    failures: list[CatwalkError] = []
    for name in names:
        say(f"{name}: trying")
        try:
            SOURCES[name](competition, folder)
        except CatwalkError as error:
            say(f"{name}: {error}")
            failures.append(error)
            with contextlib.suppress(OSError):
                _empty(folder)
        else:
            return name
    if len(failures) == 1:
        raise failures[0]
    raise _nothing(competition, names, failures)


def _nothing(competition: Competition, names: list[str], failures: list[CatwalkError]) -> CatwalkError:
    """That no source worked; each attempt was told in full before, and is short here."""
    kind = NetworkError if any(isinstance(f, NetworkError) for f in failures) else UserError
    attempts = "; ".join(
        textwrap.shorten(f"{name}: {error.what}", STORY // len(names), placeholder=" ...")
        for name, error in zip(names, failures, strict=True)
    )
    return kind(
        f"no source gave {competition.name} ({attempts or 'its TOML names none'})",
        fix="set SOURCE= to a folder that holds its files",
    )


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
