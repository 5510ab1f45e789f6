"""Archives: unpacks a CSV from a zip or gzip file, and converts UTF-16 to UTF-8."""

import codecs
import errno
import gzip
import shutil
import zipfile
import zlib
from pathlib import Path
from typing import IO

from catwalk.core import advice
from catwalk.core.errors import UserError
from catwalk.data.csv_dialect import UTF16, WEB_PAGE

LARGEST = 8_000_000_000  # bytes of an unpacked CSV; anything larger is a zip bomb
GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
ENCRYPTED = 1  # the bit of a member's flags
# What zipfile raises for damaged archives.
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError, ValueError)


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
        UserError: it is damaged, or a web page under an archive's name.
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
    start = head(source)
    if member is not None or start.startswith(ZIP):
        unpack_member(source, member, target)
    elif start.startswith(GZIP):
        _gunzip(source, target)
    else:
        shutil.copyfile(source, target)


def is_zip(path: Path) -> bool:
    """Whether a file is a zip, by its name or by its first bytes."""
    return path.suffix.casefold() == ".zip" or head(path).startswith(ZIP)


def refuse_web_page(archive: Path) -> None:
    """Refuse a web page that was saved under an archive's name.

    Raises:
        UserError: it is one.
    """
    if archive.suffix.casefold() in (".gz", ".zip") and WEB_PAGE.match(head(archive).lower()):
        raise UserError("this is a web page, not an archive", where=archive.name, fix=advice.DOWNLOAD_AGAIN)


def refuse_damaged(archive: Path) -> None:
    """Refuse a zip whose list of files can't be read, as after an interrupted download.

    Raises:
        UserError: it is one, or a web page.
    """
    refuse_web_page(archive)
    try:
        zipfile.ZipFile(archive).close()
    except DAMAGED as error:
        if is_of_the_disk(error):
            raise
        raise UserError("damaged zip file", where=archive.name, fix=advice.DOWNLOAD_AGAIN) from None


def members(archive: Path) -> list[str]:
    """The names of a zip's files; empty if it can't be read."""
    try:
        with zipfile.ZipFile(archive) as opened:
            return [name for name in opened.namelist() if not name.endswith("/") and "__MACOSX" not in name]
    except DAMAGED:
        return []


def unpack_member(archive: Path, member: str | None, target: Path) -> None:
    """Extract one file from a zip; without a name, the only CSV in it."""
    if member is None:
        csvs = [name for name in members(archive) if name.casefold().endswith(".csv")]
        if "[Content_Types].xml" in members(archive):
            raise UserError("this is an Excel workbook", where=archive.name, fix="save it as CSV (UTF-8)")
        if len(csvs) != 1:
            raise UserError(f"contains {len(csvs)} CSVs, expected one", where=archive.name, fix=advice.UNPACK)
        member = csvs[0]
    try:
        with zipfile.ZipFile(archive) as opened:
            if opened.getinfo(member).flag_bits & ENCRYPTED:
                raise UserError("is password-protected", where=archive.name, fix=advice.UNPACK)
            with opened.open(member) as packed, target.open("wb") as plain:
                copy_limited(packed, plain, member)
    except NotImplementedError:  # such as Deflate64, which Windows uses for large files
        what = "its compression method is not supported"
        raise UserError(what, where=archive.name, fix=advice.UNPACK) from None
    except DAMAGED as error:
        if is_of_the_disk(error):
            raise
        raise UserError("damaged zip file", where=archive.name, fix=advice.DOWNLOAD_AGAIN) from None


def is_of_the_disk(error: BaseException) -> bool:
    """Whether an error comes from the disk; a damaged zip can cause seeks to invalid positions."""
    return isinstance(error, OSError) and error.errno not in (None, errno.EINVAL)


def _gunzip(source: Path, target: Path) -> None:
    try:
        with gzip.open(source) as packed, target.open("wb") as plain:
            copy_limited(packed, plain, source.name)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise UserError("damaged gzip file", where=str(source), fix=advice.DOWNLOAD_AGAIN) from None


def copy_limited(packed: IO[bytes] | gzip.GzipFile, plain: IO[bytes], name: str) -> None:
    """Copy an archive's content, up to ``LARGEST`` bytes."""
    left = LARGEST
    while block := packed.read(1 << 20):
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
