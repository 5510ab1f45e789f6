"""Weight words: what the pictures of a softmax layer's weights show, computed from the weights."""

import numpy as np
import numpy.typing as npt

from catwalk.course.numpy_network import Network
from catwalk.course.pictures import Part
from catwalk.data.competition import Competition
from catwalk.report.formatting import as_markdown, percent

RARE = 1e-3  # of the training pictures: a pixel that is above 0 in fewer has hardly any gradient
FEW = 20  # pixels of which a standard deviation is worth nothing

Floats = npt.NDArray[np.float64]


def described(network: Network, part: Part, competition: Competition) -> str:
    """Compare each class's weights with its mean picture, the classes with each other, and rare pixels.

    Args:
        network: softmax only.
        part: the training pictures.
        competition: names the classes.
    """
    weights = centred(network)
    likeness = templates(weights, part)
    most, least = int(likeness.argmax()), int(likeness.argmin())
    names = [as_markdown(name) for name in competition.classes]
    said = [
        "Each picture is a template. Compared with how the class's mean picture differs from the mean of all "
        f"pictures, its weights have a correlation of {likeness.mean():.2f} on average, from "
        f"{likeness[least]:.2f} ({names[least]}) to {likeness[most]:.2f} ({names[most]}): "
        + _templates_verdict(float(likeness.mean()))
    ]
    between = np.asarray(np.corrcoef(weights))
    first, second = opposite(between)
    said.append(
        f"The most opposite weights are those of {names[first]} and {names[second]} (correlation "
        f"{between[first, second]:.2f}): pixels that speak for the one speak against the other."
    )
    rare = (part.raw > 0).mean(axis=0) < RARE
    if FEW <= rare.sum() < len(rare):
        there, others = (network.weights[-1][:, some].std() for some in (rare, ~rare))
        said.append(
            f"{rare.sum()} of {len(rare)} pixels are above 0 in less than {percent(RARE)} of the pictures. "
            f"Their weights have a standard deviation of {there:.3f}, those of all others {others:.3f}; "
            f"{len(rare) ** -0.5:.3f} was drawn at the start. Where a pixel is 0 the gradient is 0, so there "
            "the pictures show the first random numbers, and nothing that was learned."
        )
    return " ".join(said)


def centred(network: Network) -> Floats:
    """(classes, d): the weights less their mean over the classes, which softmax does not depend on."""
    weights = np.asarray(network.weights[-1], np.float64)
    return np.asarray(weights - weights.mean(axis=0))


def templates(weights: Floats, part: Part) -> Floats:
    """(classes,): correlation of each class's weights with its mean picture less that of all pictures."""
    overall = part.raw.mean(axis=0)
    means = np.array([part.raw[part.labels == k].mean(axis=0) - overall for k in range(part.classes)])
    return np.array([np.corrcoef(one, mean)[0, 1] for one, mean in zip(weights, means, strict=True)])


def opposite(between: Floats) -> tuple[int, int]:
    """The two classes whose weights have the lowest correlation."""
    first, second = np.unravel_index(int(between.argmin()), between.shape)
    return int(first), int(second)


def _templates_verdict(likeness: float) -> str:
    if likeness > 0.3:
        return "the layer has learned a rough picture of each class, and where it differs from the others."
    return "the weights say where a class differs from others, more than what it looks like."
