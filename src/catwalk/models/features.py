"""Features: a network's inputs, computed from pixels by fixed preprocessing that ``dense_network`` builds in.

Four views. "pixels": standardised. "whitened": their principal components, ``COMPONENTS`` at most, the
stronger ones damped; no information is added, and none lost where all are kept, but a network learns faster.
"gradients": pixels and oriented gradients in cells of two sizes. "patches": the same, and how similar each
part of a picture is to small patches of training pictures, all reduced to principal components. None of them
uses labels. The last one is slow to compute, so it is computed once and kept as a table.
"""

import hashlib
import math
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from catwalk.core import locks, memory, shared_table
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths, atomic_write
from catwalk.data.prepare import Prepared

CHOICES = ("auto", "pixels")
SMALLEST = 6  # side in pixels from which cells make sense
PATCHES = 128  # patches of training pictures that parts of a picture are compared with
SAMPLES = 20_000  # patches that whitening is estimated from
CONTRAST = 10.0  # grey values (of 255) added to a patch's deviation, so that flat ones are not amplified
FULL_RANGE = 255.0  # grey values from black to white
OUTLIERS = 0.001  # share of the pixels at either end that the range of grey values leaves out
LEAST_SPREAD = 0.02  # of that range: the smallest deviation that pixels are divided by
WHITENING_EPS = 0.1  # added to the variances that whitening divides by
COMPONENTS = 1024  # at most, of a view that is given as such
DEVIATION_EPS = 0.02  # added to a component's, so that noise is not amplified
EXAMPLES = 6000  # pictures that the components are estimated from
BLOCK = 512  # pictures at a time
UNMIRRORED = "-unmirrored"  # ends the name of a table without mirror images
TINY = 1e-9  # divided by instead of zero

Compute = Callable[[npt.NDArray[np.uint8]], npt.NDArray[Any]]


def resolve(choice: str, shape: tuple[int, ...]) -> str:
    """The name of the feature set that ``FEATURES=`` selects; part of the study's name.

    Args:
        choice: what the user wrote.
        shape: of a picture.

    Returns:
        "pixels", or "local" for all views.

    Raises:
        UserError: there is no such choice.
    """
    if choice not in CHOICES:
        raise UserError(f"FEATURES={choice}", fix=f"choose one of {', '.join(CHOICES)}")
    return "pixels" if choice == "pixels" or min(shape[:2]) < SMALLEST else "local"


def grey_range(pixels: npt.NDArray[np.uint8]) -> float:
    """The range of grey values from dark to bright: 255, or less if the pixels use less than half of it.

    Some files hold 16 grey values, or 0 and 1. The features measure contrast relative to this.

    Args:
        pixels: (rows, pixels) uint8.
    """
    counts = np.zeros(256, np.int64)
    for start in range(0, len(pixels), BLOCK):
        counts += np.bincount(pixels[start : start + BLOCK].ravel(), minlength=256)
    shares = np.cumsum(counts) / max(1, counts.sum())
    low, high = np.searchsorted(shares, (OUTLIERS, 1 - OUTLIERS))
    if low == high:  # nearly all are the same: the others are no outliers
        seen = np.flatnonzero(counts)
        low, high = (seen[0], seen[-1]) if len(seen) else (0, 0)
    return FULL_RANGE if 2 * (high - low) > FULL_RANGE else float(max(1, high - low))


class FeatureSet:
    """Data that the views (forms of the input) need for one competition and split; each computed once.

    Args:
        paths: the competition's.
        prepared: its arrays and split.
        shape: of a picture, (height, width) or (height, width, channels).
    """

    def __init__(self, paths: Paths, prepared: Prepared, shape: tuple[int, ...]) -> None:
        self._paths, self._prepared = paths, prepared
        self.shape = (*shape, 1)[:3]
        self._components: dict[float, tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]] = {}

    @cached_property
    def moments(self) -> tuple[float, float]:
        """Mean and standard deviation of the training pixels (of 5,000 rows, which is enough)."""
        some = self._some.astype(np.float64)
        return float(some.mean()), max(LEAST_SPREAD * self.grey_range, float(some.std()))

    @cached_property
    def grey_range(self) -> float:
        """The training pixels' range of grey values; see the function of the same name."""
        return grey_range(self._some)

    @property
    def contrast(self) -> float:
        """``CONTRAST``, scaled to this competition's range of grey values."""
        return CONTRAST * self.grey_range / FULL_RANGE

    @property
    def _some(self) -> npt.NDArray[np.uint8]:
        return np.asarray(self._prepared.pixels[self._prepared.train[:5000]])

    @property
    def patch_side(self) -> int:
        """Side of a patch in pixels: 6 for a picture of 28 x 28."""
        return max(3, round(min(self.shape[:2]) * 6 / 28))

    @cached_property
    def dictionary(self) -> npt.NDArray[np.float32]:
        """Filters (side, side, channels, PATCHES) that compare a patch with patches of training pictures.

        Whitened, so that what all patches have in common does not count (Coates, Ng and Lee 2011, AISTATS).
        Their output is for a patch of unit contrast.
        """
        random = np.random.default_rng(self._prepared.train[0])
        patches = self._some_patches(random)
        patches -= patches.mean(axis=1, keepdims=True)
        patches = patches[patches.std(axis=1) > self.contrast]  # flat ones carry no information
        if len(patches) < PATCHES:  # nearly all pictures are flat: random filters do as well
            noise = random.normal(0, 2 * self.contrast, (10 * PATCHES, patches.shape[1]))
            patches = np.concatenate([patches, noise - noise.mean(axis=1, keepdims=True)])
        patches /= np.sqrt(patches.var(axis=1, keepdims=True) + self.contrast**2)
        variances, axes = np.linalg.eigh(np.cov(patches.T))
        whiten = (axes / np.sqrt(np.maximum(variances, 0) + WHITENING_EPS)) @ axes.T
        white = (patches - patches.mean(axis=0)) @ whiten
        white /= np.maximum(np.linalg.norm(white, axis=1, keepdims=True), TINY)
        filters = whiten @ _centres(white).T
        filters -= filters.mean(axis=0)  # the mean grey of a patch does not count
        side = self.patch_side
        filters = filters.reshape(side, side, self.shape[2], PATCHES)
        return np.asarray(filters, np.float32)

    def _some_patches(self, random: np.random.Generator) -> npt.NDArray[np.float64]:
        """(SAMPLES, values): patches at random positions of random training pictures."""
        height, width, _ = self.shape
        side = self.patch_side
        rows = random.choice(self._prepared.train, SAMPLES)
        top, left = (
            random.integers(0, height - side + 1, SAMPLES),
            random.integers(0, width - side + 1, SAMPLES),
        )
        pictures = self._prepared.pixels.reshape(-1, *self.shape)
        cut = [
            pictures[row, y : y + side, x : x + side].ravel()
            for row, y, x in zip(rows, top, left, strict=True)
        ]
        return np.asarray(cut, np.float64)

    def components(
        self, compute: Compute, whitening: float
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """The projection (values, components) onto principal components, and the offset (components,).

        Nearly redundant features are merged, and a network with a third of the weights learns as much from
        them. All are scaled together to a mean variance of 1.

        Args:
            compute: from (pictures, pixels) uint8 to (pictures, values) float32.
            whitening: the power of its standard deviation that each component is divided by: 0 leaves their
                variances as they are, 1 makes them equal.
        """
        if whitening not in self._components:
            path = self._kept(f"components{whitening:g}", compute)
            with locks.locked(path.parent, wait=True):  # what two workers need, one makes
                if not path.is_file():
                    with atomic_write(path) as aside:
                        np.save(aside, self._principal(compute, whitening))
            both = np.load(path)
            self._components[whitening] = both[:-1], both[-1]
        return self._components[whitening]

    def _principal(self, compute: Compute, whitening: float) -> npt.NDArray[np.float32]:
        """The result of ``components``, the offset as the last row; estimated from some training pictures."""
        from sklearn.decomposition import PCA

        random = np.random.default_rng(self._prepared.train[0])
        train = self._prepared.train
        rows = np.sort(random.choice(train, min(EXAMPLES, len(train)), replace=False))
        blocks = [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
        seen = np.concatenate([compute(self._prepared.pixels[b]) for b in blocks])
        found = PCA(min(COMPONENTS, *seen.shape), iterated_power=2, random_state=0).fit(seen)
        deviations = np.sqrt(found.explained_variance_)
        divisors = (deviations + DEVIATION_EPS) ** whitening
        together = np.sqrt(np.mean((deviations / divisors) ** 2))
        axes = found.components_.T / divisors / max(together, DEVIATION_EPS)
        return np.vstack([axes, -found.mean_ @ axes]).astype(np.float32)

    def table(self, compute: Compute, has_mirrors: bool) -> npt.NDArray[Any] | None:
        """The features of all labelled pictures, then of all their mirror images if they are used.

        Computed if it is missing, by all waiting workers together. None if memory is short, because it only
        helps while it fits into memory.

        Args:
            compute: from (pictures, pixels) uint8 to (pictures, features): float32, or bits of bfloat16.
            has_mirrors: False: mirror images are not used, and are there only if another training used them.
        """
        pixels = self._prepared.pixels
        path = self._kept("table", compute, "" if has_mirrors else UNMIRRORED)
        if not path.is_file():
            sample = compute(pixels[:1])
            size = ((1 + has_mirrors) * len(pixels), sample.shape[1])
            needed = sample.itemsize * math.prod(size)
            if not shared_table.is_begun(path) and _is_too_large(needed):
                return None

            blocks = -(-len(pixels) // BLOCK)
            shared_table.build(
                path,
                size,
                sample.dtype,
                blocks,
                lambda block: self._rows(BLOCK * block, compute, has_mirrors),
            )
        table: npt.NDArray[Any] = np.load(path, mmap_mode="c")
        return table

    def _kept(self, what: str, compute: Compute, ending: str = "") -> Path:
        """The file for results of ``compute``; files of its kind of another split or other rows are removed.

        Named by a hash of some pictures' features: whatever changes the features changes the name. Of the
        same split there may be several: a machine that shares the folder may use one of another precision.
        The name has this ending too, unless there is a file without it.
        """
        sample = compute(self._prepared.pixels[:8])
        digest = hashlib.blake2b(sample.tobytes(), digest_size=6).hexdigest()
        of_split = _of_split(what, self._prepared)
        path = self._paths.features(f"{of_split}-{digest}")
        if not path.is_file():
            path = path.with_stem(path.stem + ending)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file():
            known, kept = (
                set(path.parent.glob(self._paths.features(f"{name}-*").name)) for name in (what, of_split)
            )
            for old in known - kept:
                old.unlink(missing_ok=True)  # it would be made again
        return path

    def _rows(self, start: int, compute: Compute, has_mirrors: bool) -> Iterator[shared_table.Rows]:
        """The features of the block of pictures at ``start``, then, if used, of their mirror images."""
        pixels = self._prepared.pixels
        block = pixels[start : start + BLOCK]
        yield start, compute(block)
        if has_mirrors:
            mirror = block.reshape(-1, *self.shape)[:, :, ::-1].reshape(block.shape)
            yield len(pixels) + start, compute(mirror)


def table_growth(paths: Paths, prepared: Prepared, has_mirrors: bool) -> int:
    """Bytes that ``FeatureSet.table`` will take on the disk, at least; 0 if it is there or begun.

    That is in bfloat16, less the tables of other splits or rows, which it replaces. A picture has more values
    than there are components.
    """
    here, every = (paths.features(f"{name}-*").name for name in (_of_split("table", prepared), "table"))
    if any(not has_mirrors or UNMIRRORED not in file.stem for file in paths.prepared.glob(f"*{here}")):
        return 0
    components = min(COMPONENTS, EXAMPLES, len(prepared.train))
    needed = (1 + has_mirrors) * len(prepared.pixels) * components * np.dtype(np.uint16).itemsize
    others = set(paths.prepared.glob(every)) - set(paths.prepared.glob(here))
    freed = sum(file.stat().st_size for file in others)
    return 0 if _is_too_large(needed) else max(0, needed - freed)


def _is_too_large(needed: int) -> bool:
    """Whether memory is too short for a table of so many bytes."""
    return needed > memory.available() // 4


def _of_split(what: str, prepared: Prepared) -> str:
    """The part of a kept file's name that all files of its kind, split and rows share."""
    return f"{what}-{prepared.split}-{prepared.fingerprint}"


def _centres(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(PATCHES, values): the k-means cluster centres of the points, each of length 1."""
    from sklearn.cluster import MiniBatchKMeans

    means = MiniBatchKMeans(PATCHES, random_state=0, n_init=1, max_iter=20, batch_size=4096).fit(points)
    centres = means.cluster_centers_
    return np.asarray(centres / np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), TINY))
