"""The slide of the problem: the task, the submission beside the baselines, and the split."""

from catwalk.data import duplicates
from catwalk.data.duplicates import DistinctCounts
from catwalk.models.portfolio import BASELINES
from catwalk.models.space import Params
from catwalk.report import findings, importances
from catwalk.report.formatting import change, often, percent, scored_on_kaggle, short, size
from catwalk.report.network_words import is_softmax, widths
from catwalk.report.results import Data, Results
from catwalk.report.slide import Slide, fitted, told

SECONDS, SECONDS_WITH_FOLDS = 35, 30  # the slide of the folds takes some
TITLE_WORDS = 30  # characters of the competition's title that are spoken
MOST_SAMPLED = 48  # classes whose pictures are shown: of more, the names could not be read


def problem(results: Results) -> Slide:
    """The task in a sentence, three accuracies with their intervals, and the split in one line."""
    kinds = {trial.kind for trial in results.trials if trial.value is not None}
    simple = "".join(f"{_layers(params)}, " for kind, params in BASELINES.items() if kind in kinds)
    return Slide(
        "problem",
        _seconds(results),
        _title(results),
        "recipe.validation · recipe.split · trials.json",
        _notes(results),
        (
            ("dots", f"Accuracies with 95% intervals: {simple}{'and ' if simple else ''}the submission"),
            ("samples", samples_alt(results)),
        ),
        split_facts(results),
    )


def samples_alt(data: Data) -> str:
    """The alternative text of the training pictures: of how many classes there are some."""
    classes = len(data.competition.classes)
    those = f"all {classes}" if classes <= MOST_SAMPLED else f"the first {MOST_SAMPLED} of {classes}"
    return f"Training pictures of {those} classes"


def _layers(params: Params) -> str:
    """A baseline in words."""
    depth = len(widths(params))
    return ("softmax", "a layer of units")[depth] if depth < 2 else f"{depth} layers of units"


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
    """How often the test labels were looked at, for whatever submission, as far as it is logged here."""
    return max(results.looks, results.test_score.looks if results.test_score else 0)


def _test_state(results: Results, parts: DistinctCounts) -> str:
    """Who knows the test labels."""
    labelled = [f"{parts.known:,} of them labelled"] if parts.known else []
    opened = [f"opened {often(looks(results))}"] if looks(results) else []
    scored = [scored_on_kaggle(results.uploads)] if results.uploads else []
    said = [*labelled, *opened, *scored]
    return ", ".join(said) or ("no look logged" if results.sealed else "labels not here")


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
    if findings.is_level(results, simple[0], results.scores.accuracy):
        both = f"{accuracy} {where}, softmax {percent(simple[0])}"
        return fitted(f"{both}: no clear difference", f"{both}: level")
    gain = change(simple[0], results.scores.accuracy)
    return f"{accuracy} {where}, {gain[1:]} points {'below' if gain[0] == '-' else 'above'} softmax"


def _notes(results: Results) -> str:
    name = short(results.competition.title, TITLE_WORDS)
    classes, parts = len(results.competition.classes), results.distinct
    start = f"This is {name}: which of {classes} classes does a small picture show? {_judged(results)} "
    simple = {t.kind: t.value for t in results.trials if t.value is not None}
    softmax, lines, labelled, read = "", "The lines are 95% intervals. ", _labelled(results), _read(results)
    is_used = bool(looks(results) or results.uploads)
    end = f"{labelled}{read}" if is_used or not labelled else labelled
    if "softmax" in simple:
        where = " on validation" if results.recipe.folds > 1 else ""
        softmax = f"Softmax, the simplest network, reaches {percent(simple['softmax'])}{where}. "
    sizes = f"{parts.train:,} pictures train, {parts.validation:,} validate, {parts.test:,} test. "
    return told(
        _seconds(results),
        f"{start}{softmax}{lines}{sizes}{end}",
        f"{start}{softmax}{sizes}{end}",
        f"{start}{softmax}{lines}{end}",
        f"{start}{end}",
        f"{start}{labelled or read}",
    )


def _judged(results: Results) -> str:
    """The submission's accuracy, and what it was measured on."""
    accuracy, made = percent(results.scores.accuracy), results.recipe
    is_chosen = len(results.complete) + len(importances.stopped_early(results)) > 1
    if made.folds == 1:
        right = f"We classify {accuracy} of the validation {results.unit} correctly"
        # Networks that were trained again on these rows are in the submission, but are not measured.
        apart, but = ". We did not train on them", "but chose by them"
        if made.refit:
            apart, but = ", with networks not trained on them", "but chosen by them"
        right = f"{right}{apart}"
        if not is_chosen:
            return f"{right}."
        # The forecast on the last slide takes the optimism of the weights off, and not that of which of all
        # trials were kept.
        so = "so this may be a little too high; the forecast allows for part of it"
        return f"{right}, {but}, {so}."
    right = f"We classify {accuracy} correctly, each picture by networks not trained on it"
    if not is_chosen:
        return f"{right}."
    # Of several configurations all labelled rows choose; of one, the split's validation rows chose it.
    are_several = max(made.fold_trainings, len(made.fold_networks)) >= 2 * made.folds
    these = "these pictures" if are_several else "some of these pictures"
    return f"{right}; networks and weights were chosen by {these}."


def _labelled(results: Results) -> str:
    """A sentence that many test pictures are among the labelled ones; empty if few are."""
    known = results.distinct.known
    if not duplicates.are_many(known, results.distinct.test):
        return ""
    pictures = "picture is" if known == 1 else "pictures are"
    return f"But {known:,} test {pictures} among the labelled ones: a test score says little. "


def _read(results: Results) -> str:
    """A sentence on how often the test labels were read here, and used by Kaggle."""
    times = looks(results)
    scored = scored_on_kaggle(results.uploads) if results.uploads else ""
    if times and scored:
        return f"The test labels were read {often(times)}; our answers were {scored}."
    if times or scored:
        return f"The test labels were read {often(times)}." if times else f"Our answers were {scored}."
    return "No look at the test labels is logged here." if results.sealed else "The test labels are not here."
