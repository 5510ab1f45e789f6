"""File type: what a file that should be a CSV really is, judged by its first bytes."""

import contextlib
import gzip
import io
import re
import zlib
from dataclasses import dataclass

AS_CSV = "save the table as CSV (UTF-8) and hand that in"
ALONE = "hand in the CSV itself, or a zip of it"


@dataclass(frozen=True)
class Kind:
    """A file type.

    Attributes:
        what: "an Excel workbook".
        fix: what the user can do; empty: write a CSV.
    """

    what: str
    fix: str = ""


BINARY = Kind("no text file")
GZIP = Kind("a damaged gzip archive", ALONE)
ZIP = Kind("a zip with a different extension", "end its name with .zip")
MAGIC = (
    (b"\xd0\xcf\x11\xe0", Kind("an old Excel or Word file", AS_CSV)),
    (b"7z\xbc\xaf'\x1c", Kind("a 7-Zip archive", ALONE)),
    (b"Rar!", Kind("a RAR archive", ALONE)),
    (b"BZh", Kind("a bzip2 archive", ALONE)),
    (b"\xfd7zXZ", Kind("an xz archive", ALONE)),
    (b"\x1f\x8b", GZIP),
    (b"\x93NUMPY", Kind("a NumPy array")),
    (b"\x89HDF", Kind("an HDF5 file, such as a saved network")),
    (b"PAR1", Kind("a Parquet file")),
    (b"SQLite format 3", Kind("an SQLite database")),
    (b"%PDF", Kind("a PDF")),
    (b"\x89PNG", Kind("a PNG image")),
    (b"\xff\xd8\xff", Kind("a JPEG image")),
    (b"\xff\xfe", Kind("UTF-16 text", "save it as UTF-8")),
    (b"\xfe\xff", Kind("UTF-16 text", "save it as UTF-8")),
    (b"version https://git-lfs", Kind("a Git LFS pointer", "hand in the file itself (git lfs pull)")),
    (b"{\\rtf", Kind("formatted text (RTF)", "save it as plain text (CSV)")),
)  # fmt: skip
# Formats that are zip files internally.
ZIPPED = {
    (".keras",): Kind("a saved network"),
    (".pt", ".pth"): Kind("a saved network"),
    (".npz",): Kind("a NumPy archive (npz)"),
    (".docx", ".odt", ".pages"): Kind("a Word document or similar", AS_CSV),
    (".pptx", ".odp", ".key"): Kind("a presentation"),
    (".xlsx", ".xlsm", ".ods", ".numbers"): Kind("an Excel workbook or similar", AS_CSV),
}
TAR = slice(257, 262)
OFFICE = re.compile(rb"xl/|\[Content_Types\]\.xml|opendocument")


def of(content: bytes, name: str) -> Kind | None:
    """The file's type, or None for text that may be a CSV."""
    if content.startswith(b"PK\x03\x04"):
        named = next((kind for ends, kind in ZIPPED.items() if name.lower().endswith(ends)), None)
        if named is None and OFFICE.search(content[:4096]):
            return ZIPPED[".xlsx", ".xlsm", ".ods", ".numbers"]
        return named or ZIP
    for start, kind in MAGIC:
        if content.startswith(start):
            return kind
    if content[TAR] == b"ustar":
        return Kind("a tar archive", ALONE)
    if b"\0" in content:
        return BINARY
    start = content.removeprefix(b"\xef\xbb\xbf").lstrip()[:4096]
    if start.startswith(b"<"):
        return Kind("a web page or XML")
    if start.startswith(b"{"):
        return Kind("a notebook" if b'"cells"' in start else "JSON")
    return None


def unpacked(content: bytes, most: int) -> bytes:
    """The content of a gzip (or a gzip in a gzip), at most ``most`` + 1 bytes; anything else unchanged."""
    for _ in range(2):
        if not content.startswith(b"\x1f\x8b"):
            break
        with contextlib.suppress(OSError, EOFError, zlib.error):
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
                content = file.read(most + 1)
            continue
        break
    return content
