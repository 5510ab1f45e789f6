"""Evidence: what counts for and against a class, in the weights of the softmax baseline."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catwalk.models import space
from catwalk.report import findings
from catwalk.report.results import Results

PLACES = (
    ("the upper left", "the top", "the upper right"),
    ("the left", "the centre", "the right"),
    ("the lower left", "the bottom", "the lower right"),
)
AVERAGED = 2000  # pictures of a class, at most


@dataclass(frozen=True)
class Evidence:
    """What the softmax baseline looks at for one class.

    Attributes:
        place: the class's position.
        share: of all pixels, the fewest that carry half of the weight.
        supports, opposes: the ninths of the picture where ink, or light, counts most for the class, and most
            against it; empty where in none of them it counts for it, or against it, on average.
    """

    place: int
    share: float
    supports: str
    opposes: str


def votes(results: Results) -> npt.NDArray[np.float64] | None:
    """(classes, height, width): each pixel's evidence for each class, in the softmax baseline.

    Weights are scaled by the pixel's standard deviation: constant pixels count 0. Channels are summed.
    """
    if results.weights is None:
        return None
    some = results.prepared.train[:: max(1, len(results.prepared.train) // 5000)]
    deviation = np.asarray(results.prepared.pixels[some]).std(axis=0)
    weights = results.weights - results.weights.mean(
        axis=1, keepdims=True
    )  # softmax depends on differences only
    shape = (len(results.competition.classes), *results.competition.shape)
    evidence = (weights * deviation[:, None]).T.reshape(shape)
    return np.asarray(evidence.sum(axis=3) if evidence.ndim == 4 else evidence, np.float64)


def half_a_vote(evidence: npt.NDArray[np.float64]) -> tuple[int, float]:
    """The class for which the fewest pixels carry half of the total weight, and those pixels' share."""
    shares = []
    for one in evidence:
        sizes = np.sort(np.abs(one).ravel())[::-1]
        enough = np.searchsorted(np.cumsum(sizes), sizes.sum() / 2) + 1
        shares.append(enough / sizes.size)
    best = int(np.argmin(shares))
    return best, float(shares[best])


def clearest(results: Results) -> Evidence | None:
    """The class for which the fewest pixels carry half of the weight; None without weights.

    Only classes with enough training pictures are considered, or none is found.
    """
    evidence, judged = votes(results), findings.learned_classes(results)
    if evidence is None or not judged:
        return None
    best, share = half_a_vote(evidence[judged])
    supports, opposes = strongest(evidence[judged[best]])
    return Evidence(judged[best], share, supports, opposes)


def strongest(evidence: npt.NDArray[np.float64]) -> tuple[str, str]:
    """In which ninth of the picture brighter pixels count most for a class, and in which most against it.

    The ninths' means are compared: not all of them have the same number of pixels.

    Args:
        evidence: (height, width), each pixel's evidence for the class; see ``votes``.

    Returns:
        Two of ``PLACES``; empty instead of the first if no mean is above 0, of the second if none is below.
    """
    places = [place for row in PLACES for place in row]
    cells = [c for row in np.array_split(evidence, 3, axis=0) for c in np.array_split(row, 3, axis=1)]
    means = np.array([cell.mean() if cell.size else 0.0 for cell in cells])
    best, worst = int(means.argmax()), int(means.argmin())
    return places[best] if means[best] > 0 else "", places[worst] if means[worst] < 0 else ""


def sentence(results: Results, found: Evidence, name: str) -> str:
    """What counts for the class and against it, in a sentence.

    Args:
        results: the submission's.
        found: from ``clearest``.
        name: the class's, as it is to be written.
    """
    what = ink(results)
    if found.supports and found.opposes:
        against = f"{what} at {found.opposes} counts against it"
        return f"For {name}, {what} at {found.supports} counts most; {against}."
    if found.supports or found.opposes:
        side = "for" if found.supports else "against"
        return f"{what.capitalize()} at {found.supports or found.opposes} counts most {side} {name}."
    return f"In no part of the picture does {what} count for {name} or against it on average."


def ink(results: Results) -> str:
    """What a large pixel value looks like in the pictures that are shown."""
    return "ink" if results.is_ink else "light"


def are_filters_shown(results: Results) -> bool:
    """Whether the first filters that were kept are the best network's; else the softmax baseline is shown.

    Those of the first convolutional network of the submission are kept, see ``kept_networks``.
    """
    conv = [net.number for net in results.recipe.trials if space.family_in(net.params) == "conv"]
    return results.filters is not None and conv[:1] == [results.best.number]


def shown_class(results: Results) -> int:
    """The class whose mean picture is shown: the clearest one, else the one with most training pictures."""
    found = clearest(results)
    if found is not None:
        return found.place
    labels = np.asarray(results.prepared.labels[results.prepared.train])
    return int(np.bincount(labels, minlength=len(results.competition.classes)).argmax())


def mean_picture(results: Results, place: int) -> npt.NDArray[np.uint8]:
    """(height, width[, channels]) uint8: the mean of some training pictures of a class."""
    train = results.prepared.train
    rows = train[np.asarray(results.prepared.labels[train]) == place][:AVERAGED]
    if not len(rows):
        return np.zeros(results.competition.shape, np.uint8)
    return np.asarray(np.rint(results.pictures(rows).mean(axis=0)), np.uint8)


def answer(results: Results) -> npt.NDArray[np.float64]:
    """(height, width): what the filter with the largest weights answers to the mean picture, place by place.

    As in the network, pixels are standardised first; a bias, a norm and the activation come later.
    """
    from scipy.signal import correlate2d

    assert results.filters is not None
    seen = results.pictures(results.prepared.train[:AVERAGED])
    shape = results.competition.shape
    shown = mean_picture(results, shown_class(results)).reshape(*shape[:2], -1)
    standard = (shown - seen.mean()) / (seen.std() or 1.0)
    largest = int(np.square(results.filters).sum(axis=(0, 1, 2)).argmax())
    one = results.filters[..., largest]
    answers = [correlate2d(standard[..., c], one[..., c], mode="same") for c in range(one.shape[2])]
    return np.asarray(np.sum(answers, axis=0), np.float64)
