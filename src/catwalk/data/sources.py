"""Sources: each function fetches a competition's data from one place into a folder, as its raw CSVs."""

import contextlib
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from catwalk.core import advice, disk_space, given_path, processes
from catwalk.core.errors import CatwalkError, NetworkError, UserError, shown, without_url_passwords
from catwalk.core.http_timeout import TIMEOUT
from catwalk.data import archives, idx, idx_csvs, kaggle_download, kaggle_names, raw_files
from catwalk.data.competition import Competition

STORY = 140  # characters about all attempts in the message that none worked
DEBIAN_DATASETS = Path("/usr/share/datasets")

Fetch = Callable[[Competition, Path], None]


def fetch_debian(competition: Competition, folder: Path) -> None:
    """Fetch from the Debian package: the installed one, or one that apt downloads without being root.

    Raises:
        UserError: there is no apt here, or the files are damaged or not the competition's.
        NetworkError: apt can't fetch the package, or it does not contain these files.
    """
    installed = idx.find(DEBIAN_DATASETS / competition.name)
    idx_csvs.convert(installed or debian_files(competition, folder), competition, folder)


def debian_files(competition: Competition, folder: Path) -> dict[str, Path]:
    """The IDX files by name, from the Debian package, downloaded and unpacked into ``folder``.

    Raises:
        UserError: there is no apt here.
        NetworkError: apt can't fetch the package, or it does not contain these files.
    """
    package = competition.sources["debian"]
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise UserError("this is not Debian or Ubuntu (no apt-get)", fix=advice.CHOOSE_SOURCE)
    _apt_download(package, folder)
    unpacked = folder / "unpacked"
    _run("dpkg-deb", "-x", *map(str, folder.glob("*.deb")), str(unpacked))
    files = idx.find(unpacked / DEBIAN_DATASETS.relative_to("/") / competition.name)
    if not files:
        raise NetworkError(f"the package {package} contains no IDX files", fix=advice.CHOOSE_SOURCE)
    return files


def _apt_download(package: str, folder: Path) -> None:
    """Run apt with its own lists and cache, so that neither root nor an earlier update is needed."""
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
        failed = error  # perhaps only an unrelated repository: the download will show
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
        raise NetworkError(f"{command[0]} failed: {shown(reason)}", fix=advice.TRY_LATER)


def fetch_keras(competition: Competition, folder: Path) -> None:
    """Fetch from Keras's download server, with ``keras.datasets`` (cached in $KERAS_HOME/datasets).

    Raises:
        UserError: the competition names no Keras dataset, or one with other shapes.
        NetworkError: it is not in $KERAS_HOME/datasets, and the server can't be reached.
    """
    (train, train_labels), (test, test_labels) = keras_arrays(competition)
    idx_csvs.write(train, train_labels, test, test_labels, competition, folder)


def keras_arrays(competition: Competition) -> Any:
    """The arrays from ``keras.datasets``: pictures and labels of train and test, as uint8.

    Raises:
        UserError: the competition names no Keras dataset.
        NetworkError: it is not in $KERAS_HOME/datasets, and the server can't be reached.
    """
    import importlib

    from catwalk.core import tensorflow_setup

    name = competition.sources.get("keras")
    if name is None:
        raise UserError(f"{competition.name} is not one of Keras's datasets", fix=advice.CHOOSE_SOURCE)
    tensorflow_setup.setup()
    module = importlib.import_module(f"keras.datasets.{name}")
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)
    try:
        with _certificates():
            return module.load_data()
    except Exception as error:
        # Keras wraps what went wrong below it in a bare Exception of one line: a long address, then why.
        said = (str(error).splitlines() or [type(error).__name__])[0]
        reason = shown(re.sub(r" on https?://\S+:(?= )", ":", said))
        raise NetworkError(
            f"Keras's download server can't be reached ({reason})", fix=advice.CHECK_NETWORK
        ) from None
    finally:
        socket.setdefaulttimeout(before)


@contextlib.contextmanager
def _certificates() -> Iterator[None]:
    """Let urllib, with which Keras downloads, trust whom requests trusts, where Python has no certificates.

    That is so on macOS with Python from python.org, until its "Install Certificates.command" has run.
    """
    from requests.utils import DEFAULT_CA_BUNDLE_PATH

    theirs = ssl.get_default_verify_paths()
    has_some = theirs.cafile or (theirs.capath and any(Path(theirs.capath).iterdir()))
    with processes.environment({} if has_some else {"SSL_CERT_FILE": DEFAULT_CA_BUNDLE_PATH}):
        yield


def fetch_sklearn(competition: Competition, folder: Path) -> None:
    """Write scikit-learn's digits, split once (1,437 to train, 360 to test); needs no network.

    Raises:
        UserError: the TOML names another data set, or another shape.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    if competition.sources["sklearn"] != "load_digits":
        raise UserError(
            "sklearn must be load_digits", where=f"competitions/{competition.name}.toml", fix=advice.FIX_TOML
        )
    pictures, labels = load_digits(return_X_y=True)
    train, test = train_test_split(np.arange(len(labels)), test_size=360, stratify=labels, random_state=0)
    grey = (pictures * 15).astype(np.uint8)  # 0-16 becomes 0-240
    idx_csvs.write(grey[train], labels[train], grey[test], labels[test], competition, folder)


def fetch_folder(source: Path, competition: Competition, folder: Path) -> None:
    """Copy from a folder or zip that contains the competition's CSVs or IDX files, gzipped or not.

    Raises:
        UserError: a file is missing, ambiguous or damaged, or not the competition's.
        MachineError: there is not enough disk space.
    """
    found = raw_files.locate(source, competition)
    raw_files.check_whole(f"SOURCE={source}", source, found, competition)
    disk_space.require(folder, 2 * sum(path.stat().st_size for path in found.paths), "to copy the data")
    for name, place in found.csvs.items():
        archives.unpack(place.path, place.member, folder / name)
    if found.idx:
        idx_csvs.convert(found.idx, competition, folder)


SOURCES: dict[str, Fetch] = {
    "kaggle": kaggle_download.fetch,
    "debian": fetch_debian,
    "keras": fetch_keras,
    "sklearn": fetch_sklearn,
}


def offered(competition: Competition) -> list[str]:
    """The names in ``SOURCES`` that the competition's TOML gives, in the order that auto tries them."""
    given = {key.split("_")[0] for key in competition.sources}
    return [name for name in SOURCES if name in given]


def fetch(source: str, competition: Competition, folder: Path, say: Callable[[str], None]) -> str:
    """Fetch from the given source, or for "auto" from the first that works.

    Args:
        source: "auto", a name in ``SOURCES``, or the path of a folder or a zip.
        competition: what to fetch.
        folder: an empty folder for the CSVs; on return it holds nothing else.
        say: prints a line for the user.

    Returns:
        The source's name, or the absolute path.

    Raises:
        UserError, NetworkError: nothing could be fetched; the message names every attempt.
    """
    names = offered(competition)
    if source not in ("auto", *SOURCES):
        place = _place(source, names)
        fetch_folder(place, competition, folder)
        return str(place)
    if source != "auto":
        if source not in names:
            raise UserError(
                f"{competition.name} is not available there",
                where=f"SOURCE={source}",
                fix=f"choose one of {', '.join(['auto', *names])} or a folder",
            )
        names = [source]
    if competition.rows:  # a cell of a CSV takes two bytes at least
        needed = 2 * competition.pixels * sum(competition.rows)
        disk_space.require(folder, needed, f"to fetch {competition.name}")
    failures: list[CatwalkError] = []
    for name in names:
        say(f"{name}: trying")
        try:
            SOURCES[name](competition, folder)
        except CatwalkError as error:
            if len(names) > 1:  # else the error itself says it
                say(f"{name}: {error}")
            failures.append(error)
            with contextlib.suppress(OSError):
                _empty(folder)
        else:
            return name
    if len(failures) == 1:
        raise failures[0]
    raise _all_failed(competition, names, failures)


def _place(source: str, names: list[str]) -> Path:
    """The existing folder or file that SOURCE= names, which is none of the competition's sources."""
    place = given_path.expanded(source).resolve()
    if source and place.exists():
        return place
    other = f"{advice.OTHER_DATA}, or " if kaggle_names.is_address(source) else ""
    raise UserError(
        f"neither a folder, a zip nor one of {', '.join(['auto', *names])}",
        where=f"SOURCE={without_url_passwords(source)}",
        fix=f"{other}{advice.CHOOSE_ONE}",
    )


def _all_failed(competition: Competition, names: list[str], failures: list[CatwalkError]) -> CatwalkError:
    """The error if no source worked; each attempt was already reported in full, and is shortened here."""
    is_offline = any(isinstance(failure, NetworkError) for failure in failures)
    kind = NetworkError if is_offline else UserError
    attempts = "; ".join(
        textwrap.shorten(f"{name}: {error.what}", STORY // len(names), placeholder=" ...")
        for name, error in zip(names, failures, strict=True)
    )
    by_hand = "set SOURCE= to a folder that holds its files"
    return kind(
        f"no source worked for {competition.name} ({attempts or 'its TOML names none'})",
        fix=f"{advice.CHECK_NETWORK}, or {by_hand}" if is_offline else by_hand,
    )


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
