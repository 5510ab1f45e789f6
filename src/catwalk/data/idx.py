"""IDX files, the format of MNIST and Fashion-MNIST: reads them into arrays.

Format: two zero bytes, the type (8: unsigned byte), the number of dimensions, each dimension as a
big-endian 32-bit integer, then the data (yann.lecun.com/exdb/mnist, "FILE FORMATS").
"""

import gzip
import hashlib
import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from catwalk.core import advice
from catwalk.core.errors import UserError
from catwalk.data import archives
from catwalk.data.csv_dialect import WEB_PAGE

LARGEST = 2_000_000_000  # bytes, unpacked: they have to be in memory
MOST_DIMENSIONS = 4  # rows, height, width, channels; the format would allow 255, NumPy 64

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def find(folder: Path) -> dict[str, Path]:
    """The IDX files in a folder by their names without .gz; empty unless all four are there."""
    found = {}
    for name in FILES:
        for candidate in (folder / name, folder / f"{name}.gz"):
            if candidate.is_file():
                found[name] = candidate
    return found if len(found) == len(FILES) else {}


def find_below(files: list[Path]) -> dict[str, Path]:
    """Like ``find``, in several folders and also with a dot, as in ``train-images.idx3-ubyte``.

    If there are several copies, the one in the uppermost folder is used.
    """
    found: dict[str, Path] = {}
    for path in sorted(files, key=lambda path: (len(path.parts), ".idx" in path.name, path.name)):
        found.setdefault(path.name.casefold().removesuffix(".gz").replace(".idx", "-idx"), path)
    return {name: found[name] for name in FILES} if set(FILES) <= set(found) else {}


def read(path: Path, sha256: str | None = None) -> npt.NDArray[np.uint8]:
    """Read one IDX file of unsigned bytes, gzipped or not, whatever its extension.

    Returns:
        uint8 array of the shape that the file states.

    Raises:
        UserError: not such a file, truncated, or its uncompressed bytes have a different checksum.
    """
    try:
        head = archives.head(path)
        if WEB_PAGE.match(head.lower()):
            raise UserError("this is a web page", where=path.name, fix=advice.DOWNLOAD_AGAIN)
        with gzip.open(path) if head.startswith(archives.GZIP) else path.open("rb") as file:
            content = b"".join(_pieces(file, path))
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise UserError("damaged gzip file", where=path.name, fix=advice.DOWNLOAD_AGAIN) from None
    if sha256 and hashlib.sha256(content).hexdigest() != sha256:
        raise UserError(
            "its sha256 differs from the expected one", where=path.name, fix=advice.DOWNLOAD_AGAIN
        )
    dimensions = content[3] if len(content) > 3 and content[:3] == b"\0\0\x08" else 0
    start = 4 + 4 * dimensions
    whole = 0 < dimensions <= MOST_DIMENSIONS and len(content) > start
    shape = [int(side) for side in np.frombuffer(content[4:start], ">u4")] if whole else []
    if not whole or math.prod(shape) != len(content) - start:
        raise UserError(
            "not a complete IDX file of unsigned bytes", where=path.name, fix=advice.DOWNLOAD_AGAIN
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _pieces(file: IO[bytes] | gzip.GzipFile, path: Path) -> Iterator[bytes]:
    """The file's content, up to ``LARGEST`` bytes."""
    size = 0
    while piece := file.read(1 << 24):
        size += len(piece)
        if size > LARGEST:
            raise UserError(
                f"unpacks to more than {LARGEST / 1e9:.0f} GB", where=path.name, fix=advice.CHOOSE_SOURCE
            )
        yield piece
