"""CSV head: the first lines of a CSV, also from a zip or gzip file, without unpacking all of it."""

import gzip
import zipfile

from catwalk.data import archives, csv_dialect
from catwalk.data.raw_files import Place

BYTES = 4 << 20  # of a CSV that contain its header and first rows


def read(place: Place) -> bytes:
    """The first complete lines as UTF-8.

    Raises:
        archives.DAMAGED, StopIteration: the archive can't be read, or is empty.
    """
    start = archives.head(place.path)
    if place.member is not None or start.startswith(archives.ZIP):
        member = place.member or next(iter(archives.members(place.path)))
        with zipfile.ZipFile(place.path) as opened, opened.open(member) as packed:
            head = packed.read(BYTES)
    elif start.startswith(archives.GZIP):
        with gzip.open(place.path) as packed_alone:
            head = packed_alone.read(BYTES)
    else:
        with place.path.open("rb") as plain:
            head = plain.read(BYTES)
    if head.startswith(csv_dialect.UTF16):
        head = head.decode("utf-16", errors="replace").encode()
    return head if len(head) < BYTES else head[: head.rfind(b"\n") + 1]
