"""File kind: what a file is that should be a CSV, told from its first bytes."""

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
    """What a file is.

    Attributes:
        what: "an Excel workbook".
        fix: what its owner can do; empty: write a CSV.
    """

    what: str
    fix: str = ""


BINARY = Kind("no text file")
MAGIC = (
    (b"\xd0\xcf\x11\xe0", Kind("a file of an old Excel or Word", AS_CSV)),
    (b"7z\xbc\xaf'\x1c", Kind("a 7-Zip archive", ALONE)),
    (b"Rar!", Kind("a RAR archive", ALONE)),
    (b"BZh", Kind("a bzip2 archive", ALONE)),
    (b"\xfd7zXZ", Kind("an xz archive", ALONE)),
    (b"\x1f\x8b", Kind("a damaged gzip archive", ALONE)),
    (b"\x93NUMPY", Kind("a NumPy array")),
    (b"\x89HDF", Kind("an HDF5 file, as a saved network is")),
    (b"PAR1", Kind("a Parquet file")),
    (b"SQLite format 3", Kind("an SQLite database")),
    (b"%PDF", Kind("a PDF")),
    (b"\x89PNG", Kind("a picture (PNG)")),
    (b"\xff\xd8\xff", Kind("a picture (JPEG)")),
    (b"\xff\xfe", Kind("UTF-16 text", "save it as UTF-8")),
    (b"\xfe\xff", Kind("UTF-16 text", "save it as UTF-8")),
    (b"version https://git-lfs", Kind("a pointer of Git LFS", "hand in the file itself (git lfs pull)")),
    (b"{\\rtf", Kind("a text with formatting (RTF)", "save it as plain text, CSV")),
)  # fmt: skip
# What is a zip by its bytes, and something else for its owner.
ZIPPED = {
    (".keras",): Kind("a saved network"),
    (".pt", ".pth"): Kind("a saved network"),
    (".npz",): Kind("a file of NumPy arrays"),
    (".docx", ".odt", ".pages"): Kind("a document of Word or the like", AS_CSV),
    (".pptx", ".odp", ".key"): Kind("a presentation"),
    (".xlsx", ".xlsm", ".ods", ".numbers"): Kind("a workbook of Excel or the like", AS_CSV),
}
TAR = slice(257, 262)
OFFICE = re.compile(rb"xl/|\[Content_Types\]\.xml|opendocument")


def of(content: bytes, name: str) -> Kind | None:
    """What it is, or None for a text that may be a CSV."""
    if content.startswith(b"PK\x03\x04"):
        named = next((kind for ends, kind in ZIPPED.items() if name.lower().endswith(ends)), None)
        if named is None and OFFICE.search(content[:4096]):
            return ZIPPED[".xlsx", ".xlsm", ".ods", ".numbers"]
        return named or Kind("a zip with another ending", "end its name with .zip")
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
    """What a gzip holds (twice packed too), at most one byte more than ``most``; anything else as it is."""
    for _ in range(2):
        if not content.startswith(b"\x1f\x8b"):
            break
        with contextlib.suppress(OSError, EOFError, zlib.error):
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
                content = file.read(most + 1)
            continue
        break
    return content
