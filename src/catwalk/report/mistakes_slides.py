"""The slides of what goes wrong: classes that are confused, the surest mistakes, and doubtful labels."""

import numpy as np

from catwalk.core.plurals import counted
from catwalk.report import findings
from catwalk.report.formatting import often, percent, short
from catwalk.report.results import Results
from catwalk.report.slide import Slide, fitted, told

CONFUSION_SECONDS, MISTAKES_SECONDS, SHARED_SECONDS = 25, 20, 10


def confusion(results: Results) -> Slide:
    """Which group of classes holds most mistakes."""
    pair, _ = findings.confused(results)
    start = "Rows are true classes, columns predicted ones; blue is correct, orange wrong. "
    part, of = findings.shown_part(results), ""
    if part:
        start, of = f"Shown: {part}. {start}", f" of {part},"
    common = ""
    if pair is not None:
        true, said, count = pair
        classes = results.competition.classes
        many = often(count) if results.unit == "pictures" else f"in {count:,} rows"
        common = f"Most often, {short(classes[true])} is taken for {short(classes[said])}: {many}. "
    story = _confusion_story(results)
    end = f"On the right, precision, recall and F1 of each; F1 is {percent(results.scores.f1)} on average"
    end += " of all classes." if part else "."
    alt = f"Confusion matrix{of} on the {results.validated_as}, with precision, recall and F1 of each class"
    return Slide(
        "confusion",
        CONFUSION_SECONDS,
        _confusion_title(results),
        "oof.npz · confusion",
        told(
            CONFUSION_SECONDS,
            f"{start}{story}{common}{end}",
            f"{start}{story}{end}",
            f"{start}{story}",
        ),
        (("confusion", alt),),
    )


def _confusion_title(results: Results) -> str:
    classes, wrong = results.competition.classes, len(findings.mistakes(results))
    pictures, those = results.validated, results.validated_as
    if not wrong:
        return f"No classes were confused on {pictures:,} {those}"
    _, block = findings.confused(results)
    if block is not None:
        share, inside = percent(block.share, 0), [classes[i] for i in block.classes]
        names = f"{', '.join(inside[:-1])} and {inside[-1]}"
        return fitted(
            f"{names} hold {share} of all mistakes",
            f"{', '.join(inside)}: {share} of mistakes",
            f"{len(inside)} of {len(classes)} classes hold {share} of all mistakes",
        )
    judged, scores = findings.judged_classes(results), results.scores.by_class[:, 3]
    few = fitted(
        f"{pictures:,} {those} are too few to rank {len(classes)} classes",
        f"{pictures:,} {those} are too few",
    )
    if len(judged) < 2 or wrong < findings.ENOUGH_PICTURES:
        return few if len(judged) < 2 else f"{counted(wrong, 'mistake')} are too few to say where they lie"
    worst = min(judged, key=lambda i: scores[i])
    return f"{short(classes[worst], 30)} is the hardest: F1 {percent(scores[worst], 0, sign='')}"


def _confusion_story(results: Results) -> str:
    wrong = len(findings.mistakes(results))
    _, block = findings.confused(results)
    if block is not None:
        names = [short(results.competition.classes[i]) for i in block.classes]
        said = f"The box, {', '.join(names)}, holds {percent(block.share, 0)} of all mistakes. "
        return told(10, said, f"The box holds {percent(block.share, 0)} of all mistakes.") + " "
    if not wrong:
        return "Nothing is off the diagonal: no classes were confused with each other. "
    if wrong < findings.ENOUGH_PICTURES:
        few = f"are {wrong} mistakes" if wrong > 1 else "is 1 mistake"
        return f"There {few}, too few to say which classes are confused. "
    if len(results.competition.classes) == 2:  # there is only one pair to confuse
        return ""
    return "The mistakes are spread over many classes. "


def mistakes(results: Results) -> Slide:
    """The mistakes with the highest confidence."""
    wrong = findings.mistakes(results)
    rows, those = results.validated, results.validated_as
    if not len(wrong):
        return Slide(
            "mistakes", MISTAKES_SECONDS, f"No mistakes on {rows:,} {those}", "oof.npz",
            "There are no mistakes on these pictures; with more pictures, there would be some.",
            (("mistakes", f"No mistakes on the {those}"),),
        )  # fmt: skip
    shown = findings.surest_mistakes(results)
    sure = percent(float(results.validation[shown[-1]].max()), 1)
    is_shared = findings.are_labels_doubtful(results)  # the time, with the slide of these labels
    title = f"{counted(len(wrong), 'mistake')} on {rows:,} {those}"
    if len(wrong) >= findings.ENOUGH_PICTURES:
        title = f"These {len(shown)} mistakes were made with at least {sure} confidence"
        if len(shown) == 1:  # the labels of all others look doubtful
            title = f"This mistake was made with {sure} confidence"
    return Slide(
        "mistakes",
        SHARED_SECONDS if is_shared else MISTAKES_SECONDS,
        title,
        "oof.npz",
        _mistakes_notes(results, len(shown), len(wrong), is_shared),
        (("mistakes", "The most confident mistakes, with prediction, confidence and label"),),
    )


def _mistakes_notes(results: Results, shown: int, wrong: int, is_shared: bool) -> str:
    if is_shared:
        others = len(findings.mistakes_of_the_model(results))
        if others == 1:
            return "The only mistake whose label does not look doubtful; the prediction is in quotes."
        whose = "whose labels do not look doubtful"
        return f"The surest of {others:,} mistakes {whose}; the prediction is in quotes."
    these = f"These {shown} of {wrong:,} mistakes have" if wrong > 1 else "This 1 mistake has"
    start = f"{these} the highest confidence. The prediction is in quotes, the label below. "
    doubted = int(np.isin(findings.surest_mistakes(results), findings.doubtful(results)).sum())
    if doubted and findings.is_judged(results):
        return f"{start}{doubted} of these labels look{'s' if doubted == 1 else ''} doubtful."
    return f"{start}Look at them: some would fool us too, and some labels may be wrong."


def doubtful(results: Results) -> Slide:
    """The slide of the labels that may be wrong; only where ``findings.are_labels_doubtful``."""
    return Slide(
        "doubtful",
        SHARED_SECONDS,
        f"{len(findings.doubtful(results)):,} of {len(results.labels):,} labels look doubtful",
        "oof.npz · labels.csv",
        "These may be labelling mistakes: networks that were not trained on these pictures give another "
        "answer, in quotes. We changed nothing.",
        (("doubtful", "The most doubtful labels, each with its picture and the answer"),),
    )
