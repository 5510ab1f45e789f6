"""CSV head: the first lines of a CSV, also from a zip or gzip file, without unpacking all of it."""

from catwalk.data import archives, csv_dialect
from catwalk.data.raw_files import Place

BYTES = 4 << 20  # of a CSV that contain its header and first rows


def read(place: Place) -> bytes:
    """The first complete lines as UTF-8.

    Raises:
        archives.NoCsvError: there is a zip at this place, without exactly one CSV.
        UserError: the archive can't be read.
    """
    name = place.path.name
    with (
        place.path.open("rb") as file,
        archives.unpacked(file, place.member, name) as content,
        archives.unpacked(content, None, name) as plain,  # of a train.csv.zip in the competition's zip
    ):
        head = plain.read(BYTES)
    if head.startswith(csv_dialect.UTF16):
        head = head.decode("utf-16", errors="replace").encode()
    return head if len(head) < BYTES else head[: head.rfind(b"\n") + 1]
