"""A blend's weights: found on the labelled rows that all parts have, or equal; and the joined parts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from catwalk.core.errors import UserError
from catwalk.data import duplicates, picture_hashes, split
from catwalk.data.prepare import Prepared
from catwalk.data.run_context import RunContext
from catwalk.models import metrics
from catwalk.submission import blend_parts, ensemble, forecast
from catwalk.submission.blend_parts import LABELS, BlendPart, Part, PartRows
from catwalk.submission.ensemble import Ensemble
from catwalk.submission.forecast import Forecast
from catwalk.submission.predictions import Predictions
from catwalk.submission.recipe import Validation

# Labelled rows on which weights are found, unless a part has fewer in all. By ``benchmarks/blend_rows.py``,
# weights found on 100 rows are no better than equal ones, those found on 300 are.
LEAST_ROWS = 300
LEAST_KAPPA = 0.1  # of a CSV and another part: below it they agree hardly more often than by chance


@dataclass(frozen=True)
class Blend:
    """Joined parts.

    Attributes:
        parts: as the recipe stores them.
        how: how the weights came about, for people.
        test: (test rows, classes) float32.
        labels: (test rows,) positions of the predicted classes.
        oof: of the labelled rows that all parts have; None: not all have such rows, or none in common.
        validation, forecast: what is known of the accuracy; None as above.
    """

    parts: tuple[BlendPart, ...]
    how: str
    test: npt.NDArray[np.float32]
    labels: npt.NDArray[np.intp]
    oof: Predictions | None = None
    validation: Validation | None = None
    forecast: Forecast | None = None


@dataclass(frozen=True)
class Common:
    """The labelled rows that all parts have.

    Attributes:
        rows: (rows,) int32, row numbers in ``Prepared``.
        pictures: (rows, 2) uint64.
        labels: (rows,) positions of classes.
        probabilities: (parts, rows, classes) float32.
        smallest: labelled rows of the part that has the fewest.
    """

    rows: npt.NDArray[np.int32]
    pictures: npt.NDArray[np.uint64]
    labels: npt.NDArray[np.uint8]
    probabilities: npt.NDArray[np.float32]
    smallest: int


def join(context: RunContext, parts: Sequence[Part]) -> Blend:
    """Read the parts, find their weights and average them.

    Raises:
        UserError: a part can't be read, or is of other rows.
    """
    prepared = context.prepared
    pictures = picture_hashes.of(prepared.test_pixels)
    rows = [blend_parts.read(part, prepared, pictures, context.competition) for part in parts]
    for i in range(len(parts)):
        _refuse_other_rows(parts, rows, i)
    common = _common(prepared, rows)
    weighted, how = _weights(parts, rows, common)
    test = weighted.average(np.stack([one.test for one in rows]))
    made = Blend(
        parts=_parts(parts, rows, weighted, common),
        how=how,
        test=test,
        labels=_vote(rows) if all(one.kind == LABELS for one in rows) else test.argmax(axis=1),
    )
    if common is None or not len(common.rows):
        return made
    both = weighted.average(common.probabilities)
    validation = _validation(common, both)
    return replace(
        made,
        oof=Predictions(common.pictures, both, context.competition.submitted, common.rows),
        validation=validation,
        forecast=_forecast(prepared, common, both, validation.accuracy),
    )


def _forecast(prepared: Prepared, common: Common, both: npt.NDArray[np.float32], share: float) -> Forecast:
    """The forecast; equal weights are no choice, so they have no optimism."""
    chosen_from = common.probabilities if is_enough(common) else both[None]
    _, numbers = np.unique(split.keys(common.pictures), return_inverse=True)
    test_pictures = duplicates.count(prepared).test
    return forecast.estimate(chosen_from, common.labels, share, test_pictures, numbers.ravel())


def _refuse_other_rows(parts: Sequence[Part], rows: Sequence[PartRows], i: int) -> None:
    """Refuse a CSV that agrees with no other part more often than by chance: its ids mean other pictures."""
    if rows[i].by_picture:
        return
    said = [one.test.argmax(axis=1) for one in rows]
    others = [k for k in range(len(parts)) if k != i]
    kappas = [kappa(said[i], said[k], rows[i].test.shape[1]) for k in others]
    nearest = others[int(np.argmax(kappas))]
    if max(kappas) < LEAST_KAPPA:
        agree = (said[i] == said[nearest]).mean()
        raise UserError(
            f"agrees with {parts[nearest].given} on {agree:.0%} of the test rows, hardly more than by "
            "chance: one of them is of other rows or of another competition",
            where=parts[i].given,
            fix=blend_parts.OTHERS,
        )


def kappa(first: npt.NDArray[np.integer], second: npt.NDArray[np.integer], classes: int) -> float:
    """Cohen's kappa of two lists of labels: 0: they agree as often as by chance, 1: everywhere."""
    agree = float((first == second).mean())
    shares = [np.bincount(one, minlength=classes) / len(one) for one in (first, second)]
    by_chance = float(shares[0] @ shares[1])
    return 1.0 if by_chance == 1 else (agree - by_chance) / (1 - by_chance)


def _common(prepared: Prepared, rows: Sequence[PartRows]) -> Common | None:
    """The labelled rows that all parts have; None if a part has none at all."""
    oofs = [one.oof for one in rows if one.oof is not None]
    if len(oofs) < len(rows):
        return None
    pictures = picture_hashes.of(prepared.pixels)
    places = np.stack([blend_parts.find(oof.pictures, pictures) for oof in oofs])
    shared = np.flatnonzero((places >= 0).all(axis=0))
    return Common(
        rows=shared.astype(np.int32),
        pictures=pictures[shared],
        labels=np.asarray(prepared.labels[shared]),
        probabilities=np.stack(
            [oof.probabilities[place[shared]] for oof, place in zip(oofs, places, strict=True)]
        ),
        smallest=min(len(oof.pictures) for oof in oofs),
    )


def is_enough(common: Common) -> bool:
    """Whether weights are found on these rows."""
    return 0 < min(LEAST_ROWS, common.smallest) <= len(common.rows)


def _weights(parts: Sequence[Part], rows: Sequence[PartRows], common: Common | None) -> tuple[Ensemble, str]:
    """The parts' weights, and a note on how they came about."""
    count = len(parts)
    equal = Ensemble(np.full(count, 1 / count), np.ones(count))
    if common is not None and is_enough(common):
        found = ensemble.select(common.probabilities, common.labels)
        return found, f"weights found on {len(common.rows):,} labelled rows"
    if all(one.kind == LABELS for one in rows):
        return equal, "by vote, as they are labels alone"
    if common is not None:
        shared = f"only {len(common.rows):,}" if len(common.rows) else "no"
        return equal, f"equal weights, as the parts share {shared} labelled rows"
    without = next(part.given for part, one in zip(parts, rows, strict=True) if one.oof is None)
    return equal, f"equal weights, as {without} has no out-of-fold rows"


def _vote(rows: Sequence[PartRows]) -> npt.NDArray[np.intp]:
    """(test rows,) the label with the most votes; of equals, that of the earlier part."""
    votes = np.sum([one.test for one in rows], axis=0)  # exact, as averages need not be
    said = np.stack([one.test.argmax(axis=1) for one in rows])
    of_each = np.take_along_axis(votes, said.T, axis=1)  # (test rows, parts)
    return np.asarray(said[of_each.argmax(axis=1), np.arange(len(votes))], np.intp)


def _validation(common: Common, both: npt.NDArray[np.float32]) -> Validation:
    share = metrics.accuracy(both, common.labels)
    pictures = len(np.unique(split.keys(common.pictures)))
    return Validation(
        rows=len(common.rows),
        pictures=pictures,
        accuracy=share,
        interval=metrics.wilson(share, pictures),
        best_single=max(metrics.accuracy(one, common.labels) for one in common.probabilities),
    )


def _parts(
    parts: Sequence[Part], rows: Sequence[PartRows], weighted: Ensemble, common: Common | None
) -> tuple[BlendPart, ...]:
    """The parts as the recipe stores them."""
    accuracies: list[float | None] = [None] * len(parts)
    if common is not None and len(common.rows):
        accuracies = [metrics.accuracy(one, common.labels) for one in common.probabilities]
    return tuple(
        BlendPart(
            given=part.given,
            kind=rows[i].kind,
            sha256=part.sha256,
            oof_sha256=part.oof_sha256,
            weight=float(weighted.weights[i]),
            temperature=float(weighted.temperatures[i]),
            validation_accuracy=accuracies[i],
        )
        for i, part in enumerate(parts)
    )
