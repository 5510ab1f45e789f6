"""The slide of what a network looks at: softmax weights or first filters, beside a mean picture."""

from catwalk.core.plurals import counted
from catwalk.report import evidence
from catwalk.report.formatting import percent, short, size
from catwalk.report.results import Results
from catwalk.report.slide import Slide, fitted, told

SECONDS = 15
FEW_FILTERS = 16  # beside a mean picture
MOST_STENCILS = 10  # classes in the notebook's figure


def weights(results: Results) -> Slide:
    """One stencil, or first filters where the best network has some; and what counts for and against."""
    if evidence.are_filters_shown(results):
        return _filters(results)
    if results.weights is None:
        classes = len(results.competition.classes)
        return Slide(
            "weights", SECONDS, f"Softmax baseline: saved weights for 0 of {classes} classes",
            "weights.npz", "The softmax baseline was not kept, so its weights can't be shown.",
            (("looks_at", "A mean picture; no softmax weights were kept"),),
        )  # fmt: skip
    return _stencil(results)


def _stencil(results: Results) -> Slide:
    found = evidence.clearest(results)
    name = results.competition.classes[evidence.shown_class(results)]
    title = f"Softmax weights from {results.distinct.train} pictures: too few to trust"
    is_grey = results.competition.shape[2:] in ((), (1,))
    per = "pixel and class" if is_grey else "pixel, colour and class"
    start = f"Softmax, the simplest network, has one weight per {per}. "
    says = ["Blue pixels count for the class, orange pixels against it."]
    if found is not None:
        share = percent(found.share, 0)
        title = fitted(
            f"Softmax: {share} of the pixels carry half the weight for {name}",
            f"Softmax: {share} of the pixels carry half the weight",
        )
        says = [evidence.sentence(results, found, one) for one in (short(name), "this class")]
    return Slide(
        "weights",
        SECONDS,
        title,
        "weights.npz: softmax baseline",
        told(SECONDS, *(f"{start}{one}" for one in says)),
        (("looks_at", f"The mean picture of {name}, and the softmax baseline's weights for this class"),),
    )


def _filters(results: Results) -> Slide:
    assert results.filters is not None
    height, width, _, count = results.filters.shape
    counts = (
        f"{evidence.ink(results).capitalize()} under its blue pixels counts for its pattern, under orange "
        "against it. On the right, one filter's answer to the picture."
    )
    if results.filters.shape[2] == 3:
        counts = (
            "Each is shown in the colours that it looks for. On the right, one filter's answer: blue "
            "counts for its pattern, orange against it."
        )
    return Slide(
        "weights",
        SECONDS,
        f"The first layer looks for {counted(count, 'pattern')} of {size(height, width)} pixels",
        "weights.npz: filters",
        f"Each filter moves over the picture. {counts}",
        (("looks_at", f"A mean picture, {few_filters(count)}, and one filter's answer to the picture"),),
    )


def few_filters(count: int) -> str:
    """Which of so many first filters are beside a mean picture."""
    return f"{FEW_FILTERS} of {count} first filters" if count > FEW_FILTERS else "first filters"


def stencils_alt(results: Results) -> str:
    """The alternative text of the notebook's figure of learned weights, ``weight_figures.stencils``."""
    classes = len(results.competition.classes)
    those = "one picture per class"
    if classes > MOST_STENCILS:
        those = f"one picture for each of {MOST_STENCILS} of {classes} classes"
    softmax = f"The softmax baseline's weights, {those}"
    if results.weights is None:
        softmax = "The softmax baseline's weights were not kept"
    return softmax + ("" if results.filters is None else "; beside them, first filters")
