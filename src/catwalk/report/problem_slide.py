"""The slide of the problem: the task, the submission beside two simple networks, and the split."""

from catwalk.data.duplicates import Pictures
from catwalk.report import findings
from catwalk.report.formatting import change, often, percent, short, size
from catwalk.report.results import Results
from catwalk.report.slide import Slide, told

SECONDS = 30
TITLE_WORDS = 30  # characters of the competition's title that are spoken


def problem(results: Results) -> Slide:
    """The task in a sentence, three accuracies with their intervals, and the split in one line."""
    classes = len(results.competition.classes)
    return Slide(
        "problem",
        SECONDS,
        _title(results),
        "recipe.validation · recipe.split · trials.json",
        _notes(results),
        (
            ("dots", "Accuracies with 95% intervals: softmax, a layer of units, and the submission"),
            ("samples", f"Training pictures of all {classes} classes"),
        ),
        split_facts(results),
    )


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


def _test_state(results: Results, parts: Pictures) -> str:
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
        return f"{accuracy} {where} ({results.validated:,} pictures)"
    if has_folds:  # they were measured on different rows
        return f"{accuracy} {where}, softmax {percent(simple[0])} on validation"
    gain = change(simple[0], results.scores.accuracy)
    return f"{accuracy} {where}, {gain[1:]} points {'below' if gain[0] == '-' else 'above'} softmax"


def _notes(results: Results) -> str:
    name = short(results.competition.title, TITLE_WORDS)
    classes, parts = len(results.competition.classes), results.distinct
    start = f"This is {name}: which of {classes} classes does a small picture show? {_judged(results)} "
    simple = {t.kind: t.value for t in results.trials if t.value is not None}
    bars = "The lines are 95% intervals. "
    if "softmax" in simple:
        bars = f"Softmax, the simplest network, reaches {percent(simple['softmax'])}. {bars}"
    end = _end(results)
    sizes = f"{parts.train:,} pictures train, {parts.validation:,} validate, {parts.test:,} are the test. "
    return told(SECONDS, f"{start}{bars}{sizes}{end}", f"{start}{bars}{end}", f"{start}{end}")


def _judged(results: Results) -> str:
    """The submission's accuracy, and what it was measured on."""
    accuracy = percent(results.scores.accuracy)
    if results.recipe.folds == 1:
        # The forecast on the last slide takes the optimism of the weights off, and not that of which of all
        # trials were kept.
        return (
            f"We classify {accuracy} of the validation pictures correctly. We did not train on them, but "
            "chose by them, so this may be a little too high; the forecast allows for part of it."
        )
    return f"We classify {accuracy} correctly, each picture by networks not trained on it."


def _end(results: Results) -> str:
    known, times = results.distinct.known, looks(results)
    if known:
        pictures = "picture is" if known == 1 else "pictures are"
        return f"But {known:,} test {pictures} among the labelled ones: a test score says little."
    if times:
        return f"The test labels were read {often(times)}."
    return "Nobody has opened its labels." if results.sealed else "Nobody here has its labels."
