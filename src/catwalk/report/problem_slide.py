"""The slide of the problem: the task, the submission beside two simple networks, and the split."""

from catwalk.data.duplicates import DistinctCounts
from catwalk.report import findings, importances
from catwalk.report.formatting import change, often, percent, short, size
from catwalk.report.network_words import is_softmax
from catwalk.report.results import Results
from catwalk.report.slide import Slide, told

SECONDS, SECONDS_WITH_FOLDS = 35, 30  # the slide of the folds takes some
TITLE_WORDS = 30  # characters of the competition's title that are spoken


def problem(results: Results) -> Slide:
    """The task in a sentence, three accuracies with their intervals, and the split in one line."""
    classes = len(results.competition.classes)
    names = {"softmax": "softmax, ", "beginner": "a layer of units, "}
    kinds = {trial.kind for trial in results.trials if trial.value is not None}
    simple = "".join(name for kind, name in names.items() if kind in kinds)
    return Slide(
        "problem",
        _seconds(results),
        _title(results),
        "recipe.validation · recipe.split · trials.json",
        _notes(results),
        (
            ("dots", f"Accuracies with 95% intervals: {simple}{'and ' if simple else ''}the submission"),
            ("samples", f"Training pictures of all {classes} classes"),
        ),
        split_facts(results),
    )


def _seconds(results: Results) -> int:
    return SECONDS_WITH_FOLDS if results.recipe.folds > 1 else SECONDS


def task(results: Results) -> str:
    """The task in a sentence."""
    height, width = results.competition.shape[:2]
    classes = len(results.competition.classes)
    return f"Which of {classes} classes does a picture of {size(height, width)} pixels show?"


def split_facts(results: Results) -> tuple[tuple[str, str, str], ...]:
    """The sizes of training, validation and test set, each distinct picture counted once."""
    parts = results.distinct
    return (
        (f"{parts.train:,}", "train", ""),
        (f"{parts.validation:,}", "validation", ""),
        (f"{parts.test:,}", f"test, {_test_state(results, parts)}", ""),
    )


def looks(results: Results) -> int:
    """How often the test labels were looked at, for whatever submission."""
    return max(results.looks, results.test_score.looks if results.test_score else 0)


def _test_state(results: Results, parts: DistinctCounts) -> str:
    """Who knows the test labels."""
    if parts.known:
        return f"{parts.known:,} of them labelled"
    if looks(results):
        return f"opened {often(looks(results))}"
    return "unopened" if results.sealed else "labels not here"


def _title(results: Results) -> str:
    accuracy, has_folds = percent(results.scores.accuracy), results.recipe.folds > 1
    where = "correct out of fold" if has_folds else "correct on validation"
    if not findings.is_judged(results):
        return f"{results.validated} {results.validated_as} are too few to judge a network"
    simple = [t.value for t in results.trials if t.kind == "softmax" and t.value is not None]
    if not simple:
        return f"{accuracy} {where} ({len(results.rows):,} {results.unit})"
    if all(is_softmax(network.params) for network in results.recipe.trials):
        return f"{accuracy} {where}, by softmax"
    if has_folds:  # they were measured on different rows
        return f"{accuracy} {where}, softmax {percent(simple[0])} on validation"
    gain = change(simple[0], results.scores.accuracy)
    return f"{accuracy} {where}, {gain[1:]} points {'below' if gain[0] == '-' else 'above'} softmax"


def _notes(results: Results) -> str:
    name = short(results.competition.title, TITLE_WORDS)
    classes, parts = len(results.competition.classes), results.distinct
    start = f"This is {name}: which of {classes} classes does a small picture show? {_judged(results)} "
    simple = {t.kind: t.value for t in results.trials if t.value is not None}
    softmax, lines, end = "", "The lines are 95% intervals. ", _end(results)
    if "softmax" in simple:
        softmax = f"Softmax, the simplest network, reaches {percent(simple['softmax'])}. "
    sizes = f"{parts.train:,} pictures train, {parts.validation:,} validate, {parts.test:,} are the test. "
    return told(
        _seconds(results),
        f"{start}{softmax}{lines}{sizes}{end}",
        f"{start}{softmax}{sizes}{end}",
        f"{start}{softmax}{lines}{end}",
        f"{start}{end}",
    )


def _judged(results: Results) -> str:
    """The submission's accuracy, and what it was measured on."""
    accuracy = percent(results.scores.accuracy)
    if results.recipe.folds == 1:
        right = f"We classify {accuracy} of the validation {results.unit} correctly. We did not train on them"
        if len(results.complete) + len(importances.stopped_early(results)) == 1:  # nothing was chosen
            return f"{right}."
        # The forecast on the last slide takes the optimism of the weights off, and not that of which of all
        # trials were kept.
        so = "so this may be a little too high; the forecast allows for part of it"
        return f"{right}, but chose by them, {so}."
    return f"We classify {accuracy} correctly, each picture by networks not trained on it."


def _end(results: Results) -> str:
    known, times = results.distinct.known, looks(results)
    if known:
        pictures = "picture is" if known == 1 else "pictures are"
        return f"But {known:,} test {pictures} among the labelled ones: a test score says little."
    if times:
        return f"The test labels were read {often(times)}."
    return "Nobody has opened the test labels." if results.sealed else "Nobody here has the test labels."
