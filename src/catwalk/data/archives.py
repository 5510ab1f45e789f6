"""Archives: unpacks a CSV from a zip or gzip file, and converts UTF-16 to UTF-8."""

import codecs
import contextlib
import errno
import gzip
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from catwalk.core import advice
from catwalk.core.errors import UserError
from catwalk.data.csv_dialect import UTF16, WEB_PAGE

LARGEST = 8_000_000_000  # bytes of an unpacked CSV; anything larger is a zip bomb
WORKBOOK = "[Content_Types].xml"  # in every Excel workbook, which is a zip
GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
ENCRYPTED = 1  # the bit of a member's flags
# What zipfile raises for damaged archives.
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError, ValueError)


class DamagedError(UserError):
    """An archive is damaged, or a web page under an archive's name: only a new download helps."""


class NoCsvError(UserError):
    """A zip does not contain exactly one CSV, and none is named."""


def head(path: Path) -> bytes:
    """The first bytes of a file, which identify its type."""
    with path.open("rb") as file:
        return file.read(200)


def is_plain(path: Path) -> bool:
    """Whether a file can be read directly: it is neither an archive nor UTF-16."""
    return not head(path).startswith((GZIP, ZIP, *UTF16))


def unpack(source: Path, member: str | None, target: Path) -> None:
    """Write a CSV from an archive, or in UTF-16, as plain UTF-8.

    Args:
        source: the file; its first bytes decide what it is, not its name.
        member: of a zip; None if ``source`` is the CSV itself or contains nothing else.
        target: the file to write.

    Raises:
        UserError: it can't be unpacked, or contains no CSV.
    """
    refuse_web_page(source)
    _unpack_once(source, member, target)
    if head(target).startswith((GZIP, ZIP)):  # a train.csv.zip in the competition's zip
        inner = target.with_name(f"{target.name}.inner")
        target.replace(inner)
        _unpack_once(inner, None, target)
        inner.unlink()
    if head(target).startswith(UTF16):
        _to_utf8(target)


def _unpack_once(source: Path, member: str | None, target: Path) -> None:
    if member is None and not head(source).startswith((GZIP, ZIP)):
        shutil.copyfile(source, target)
        return
    with (
        source.open("rb") as file,
        unpacked(file, member, source.name) as content,
        target.open("wb") as plain,
    ):
        _copy(content, plain, member or source.name)


def is_zip(path: Path) -> bool:
    """Whether a file is a zip, by its name or by its first bytes."""
    return path.suffix.casefold() == ".zip" or head(path).startswith(ZIP)


def refuse_web_page(archive: Path) -> None:
    """Refuse a web page that was saved under an archive's name.

    Raises:
        DamagedError: it is one.
    """
    if archive.suffix.casefold() in (".gz", ".zip") and WEB_PAGE.match(head(archive).lower()):
        what = "this is a web page, not an archive"
        raise DamagedError(what, where=archive.name, fix=advice.DOWNLOAD_AGAIN)


def refuse_damaged(archive: Path) -> None:
    """Refuse a zip whose list of files can't be read, as after an interrupted download.

    Raises:
        DamagedError: it is one, or a web page.
    """
    refuse_web_page(archive)
    try:
        zipfile.ZipFile(archive).close()
    except DAMAGED as error:
        if is_of_the_disk(error):
            raise
        raise DamagedError("damaged zip file", where=archive.name, fix=advice.DOWNLOAD_AGAIN) from None


def members(archive: Path) -> list[str]:
    """The names of a zip's files; empty if it can't be read."""
    try:
        with zipfile.ZipFile(archive) as opened:
            return _files(opened)
    except DAMAGED:
        return []


def _files(opened: zipfile.ZipFile) -> list[str]:
    return [name for name in opened.namelist() if not name.endswith("/") and "__MACOSX" not in name]


@contextlib.contextmanager
def unpacked(file: IO[bytes], member: str | None, name: str) -> Iterator[IO[bytes]]:
    """Yield what a zip or gzip file contains, to be read without a copy of it; any other file as it is.

    Args:
        file: at its beginning; its first bytes decide what it is.
        member: of a zip; None if it contains only one CSV.
        name: what a message calls the file.

    Raises:
        DamagedError: it is damaged.
        NoCsvError: ``member`` is None, and the zip does not contain exactly one CSV.
        UserError: it needs a password or another program, or is an Excel workbook.
    """
    start = file.read(len(ZIP))
    file.seek(0)
    if member is None and not start.startswith((GZIP, ZIP)):
        yield file
        return
    is_gzip = member is None and start.startswith(GZIP)
    try:
        if is_gzip:
            with gzip.open(file) as plain:
                yield cast(IO[bytes], plain)
        else:
            with zipfile.ZipFile(file) as opened, opened.open(_wanted(opened, member, name)) as content:
                yield content
    except NotImplementedError:  # such as Deflate64, which Windows uses for large files
        raise UserError("its compression method is not supported", where=name, fix=advice.UNPACK) from None
    except DAMAGED as error:
        if is_of_the_disk(error):
            raise
        what = f"damaged {'gzip' if is_gzip else 'zip'} file"
        raise DamagedError(what, where=name, fix=advice.DOWNLOAD_AGAIN) from None


def _wanted(opened: zipfile.ZipFile, member: str | None, name: str) -> zipfile.ZipInfo:
    """The file of a zip that is asked for; without ``member``, the only CSV in it."""
    if member is None:
        if WORKBOOK in opened.namelist():
            raise UserError("this is an Excel workbook", where=name, fix="save it as CSV (UTF-8)")
        csvs = [one for one in _files(opened) if one.casefold().endswith(".csv")]
        if len(csvs) != 1:
            raise NoCsvError(f"contains {len(csvs)} CSVs, expected one", where=name, fix=advice.UNPACK)
        member = csvs[0]
    info = opened.getinfo(member)
    if info.flag_bits & ENCRYPTED:
        raise UserError("is password-protected", where=name, fix=advice.UNPACK)
    return info


def is_of_the_disk(error: BaseException) -> bool:
    """Whether an error comes from the disk; a damaged zip can cause seeks to invalid positions."""
    return isinstance(error, OSError) and error.errno not in (None, errno.EINVAL)


def _copy(content: IO[bytes], plain: IO[bytes], name: str) -> None:
    """Copy an archive's content, up to ``LARGEST`` bytes."""
    left = LARGEST
    while block := content.read(1 << 20):
        left -= len(block)
        if left < 0:
            raise UserError(
                f"unpacks to more than {LARGEST / 1e9:.0f} GB", where=name, fix=advice.CHOOSE_SOURCE
            )
        plain.write(block)


def _to_utf8(path: Path) -> None:
    """Rewrite a UTF-16 file as UTF-8."""
    recoded = path.with_name(f"{path.name}.utf8")
    encoding = "utf-16"  # its first two bytes tell the byte order
    with path.open("rb") as source, recoded.open("wb") as target:
        decoder = codecs.getincrementaldecoder(encoding)("replace")
        while block := source.read(1 << 20):
            target.write(decoder.decode(block).encode())
        target.write(decoder.decode(b"", final=True).encode())
    recoded.replace(path)
