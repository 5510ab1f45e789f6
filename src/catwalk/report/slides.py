"""Slides: the eight or nine slides of a lightning talk, each with a title, speaker notes and a duration.

Fixed rules choose the texts; ``slide.check`` checks titles and notes.
"""

from collections.abc import Callable

from catwalk.models import space
from catwalk.report import findings, importances
from catwalk.report.formatting import parameter, percent, points, short
from catwalk.report.network_slide import network as network
from catwalk.report.results import Results
from catwalk.report.slide import Slide, check, fitted

MARGIN = 1.25  # ratio of the first importance to the second, from which the first is named alone


def build(results: Results) -> list[Slide]:
    """The slides of a submission, in their order.

    Raises:
        UserError: a slide broke a rule of ``slide.check``.
    """
    makers: list[Callable[[Results], Slide]] = [
        problem, split, search, network, confusion, mistakes,
        *([doubtful] if findings.are_labels_doubtful(results) else []), weights, following,
    ]  # fmt: skip
    slides = [one(results) for one in makers]
    check(slides)
    return slides


def problem(results: Results) -> Slide:
    accuracy, rows, those = results.scores.accuracy, results.validated, results.validated_as
    low, high = results.scores.interval
    facts = [(percent(accuracy), f"of {rows:,} {those} classified correctly",
              f"95% interval {percent(low)} to {percent(high)}")]  # fmt: skip
    softmax = [t.value for t in results.trials if t.kind == "softmax" and t.value is not None]
    counted = f"{percent(accuracy)} of {rows:,} {those}"
    more, title = "", fitted(f"{counted} classified correctly", counted)
    if not findings.is_judged(results):
        title = f"{rows} {those} are too few to judge a network"
    elif softmax:
        gain = points(accuracy - softmax[0])
        facts.append((f"{gain} points", f"above the softmax baseline ({percent(softmax[0])})", ""))
        title = f"{percent(accuracy)} correct: {gain} points above the softmax baseline"
        more = f"The simplest network, softmax on pixels, reaches {percent(softmax[0])}. "
    assert results.recipe.forecast is not None
    low, high = results.recipe.forecast.interval
    facts.append((f"{percent(low)} to {percent(high)}", "forecast for the test pictures (95%)", ""))
    end = "Nobody has used the sealed test labels yet."
    if results.looks:
        times = "once" if results.looks == 1 else f"{results.looks} times"
        end = f"The sealed test labels were used {times}, for other submissions."
    test, known = results.test_score, results.distinct.known
    if test is not None:
        times = "once" if test.looks == 1 else f"{test.looks} times"
        here = f"{known:,} of them labelled" if known else f"labels read {times}"
        facts.append((percent(test.accuracy), f"on {test.rows:,} test pictures ({here})", ""))
        sealed = "" if known else "sealed "
        end = f"On the {sealed}test set it is {percent(test.accuracy)}; its labels were read {times}."
    if known:
        end = f"{end if test else ''} But {known:,} test pictures are among the labelled ones.".strip()
    classes = len(results.competition.classes)
    return Slide(
        "problem",
        25,
        title,
        "recipe.validation · recipe.forecast" + (" · score" if test else ""),
        f"This is {results.competition.title}: small pictures in {classes} classes, each given as a row of "
        f"numbers. {_judged(results)} {more}{end}",
        (("samples", f"Training pictures of all {classes} classes"),),
        tuple(facts),
    )


def _judged(results: Results) -> str:
    """The submission's accuracy, and what it was measured on."""
    accuracy = percent(results.scores.accuracy)
    if results.recipe.folds == 1:
        what = "of the validation pictures correctly; it was not trained on them"
        return f"The submission classifies {accuracy} {what}."
    what = "Each labelled picture was predicted by networks that were not trained on it"
    return f"{what}: {accuracy} are correct."


def split(results: Results) -> Slide:
    train, held, test = results.distinct.train, results.distinct.validation, results.distinct.test
    known, rows = results.distinct.known, results.recipe.test_rows
    title = f"{train:,} training, {held:,} validation, {test:,} test pictures"
    again = ""
    if results.recipe.refit:
        again = "At the end some networks were retrained on both. "
    if results.recipe.folds > 1:
        again = f"The best were then trained in {results.recipe.folds} folds, so that all of these validate. "
    sealed = f"Nobody here has the labels of the {test:,} test pictures."
    if results.sealed:
        sealed = f"The labels of the {test:,} test pictures are sealed (hidden); no decision used them."
    if known:
        title = f"{known:,} of {rows:,} test pictures are among the labelled ones"
        sealed = f"But {known:,} of the {rows:,} test pictures are among these: their score says little."
    return Slide(
        "split",
        15,
        title,
        "recipe.split · recipe.test_rows · prepared",
        f"{train:,} pictures are for training, {held:,} for validation. {again}{sealed}",
        (("split", f"{train:,} training, {held:,} validation and {test:,} test pictures"),),
    )


def search(results: Results) -> Slide:
    stopped = sum(t.state == "pruned" and not t.ended for t in results.trials)
    best = results.best
    shares = importances.shares(results)
    count = f"{len(results.trials):,} trial{'s' if len(results.trials) != 1 else ''}"
    known = list(shares.items())
    if known and (len(known) == 1 or known[0][1] >= MARGIN * known[1][1]):
        name, share = parameter(known[0][0]).replace("\n", " "), percent(known[0][1], 0)
        title = f"{count}, most important: {name} ({share} of variance)"
        told = f"The most important parameter is {name}: {share} of the variance, by fANOVA. "
    elif known:
        first, second = (parameter(name).replace("\n", " ") for name, _ in known[:2])
        together = percent(known[0][1] + known[1][1], 0)
        title = f"{count}: {first} and {second} dominate ({together})"
        told = f"{first} and {second} together explain {together} of the variance. "
    else:
        title = f"{count}; trial {best.number} is the best: {percent(best.accuracy)}"
        told = "Those are too few to rank the parameters, so no shares are shown. "
    if not findings.is_enough(results):
        title = f"{count}; {results.distinct.validation} pictures are too few to rank them"
    stop = f"{stopped} were stopped early to save time. " if stopped else ""
    return Slide(
        "search",
        30,
        fitted(title, f"{count}: trial {best.number} is best, {percent(best.accuracy)}"),
        "trials.json: params, value, state",
        f"We trained {count}. {stop}Each line on the left is one of the {_compared(results)}, and the blue "
        f"one is the best. {told}On the right, the best so far: "
        f"trial {best.number} reached {percent(best.accuracy)}.",
        (
            ("parallel", "Parallel coordinates of the complete trials, the best in blue"),
            ("progress", "Validation accuracy of each trial, and the best so far"),
        ),
    )


def _compared(results: Results) -> str:
    """Which trials the left figure compares."""
    trials = importances.compared(results.trials)
    kind = ""
    if len(trials) < len(results.complete):
        kind = space.NETWORKS[importances.families(trials)[0]] + " "
    elif len(importances.families(trials)) > 1:
        return f"{len(trials)} complete trials, by the parameters that both families of networks have"
    return f"{len(trials)} complete {kind}trials"


def confusion(results: Results) -> Slide:
    classes, scores = results.competition.classes, results.scores.by_class[:, 3]
    pictures, those, wrong = results.validated, results.validated_as, len(findings.mistakes(results))
    judged = findings.judged_classes(results)
    pair, block = findings.confused(results)
    few = f"{pictures:,} {those} are too few"
    title = fitted(f"{few} to rank {len(classes)} classes", few)
    if not wrong:
        title = f"No classes were confused on {pictures:,} {those}"
    elif len(judged) > 1:
        worst, best = min(judged, key=lambda i: scores[i]), max(judged, key=lambda i: scores[i])
        ours, theirs = percent(scores[worst], 0, sign=""), percent(scores[best], 0, sign="")
        title = fitted(
            f"{classes[worst]} is the hardest: F1 {ours}, against {theirs} for {classes[best]}",
            f"{short(classes[worst], 30)} is the hardest: F1 {ours}, best {theirs}",
        )
    story = "Nothing is off the diagonal: no classes were confused with each other. "
    if wrong:
        few = f"are {wrong} mistakes" if wrong > 1 else "is 1 mistake"
        story = f"There {few}, too few to say which classes are confused. "
    if pair is not None:
        true, said, count = pair
        story = (
            f"Most common mistake: {short(classes[true])} predicted as "
            f"{short(classes[said])}, {count} times. "
        )
    if block is not None:
        story = f"The box contains {percent(block.share, 0)} of all mistakes. {story}"
    return Slide(
        "confusion",
        30,
        title,
        "oof.npz · confusion",
        "Rows are true classes, columns predicted ones, in percent. Blue is correct, orange is wrong. "
        f"{story}On the right, precision, recall and F1 of the same classes. Their macro averages are "
        f"{percent(results.scores.precision)}, {percent(results.scores.recall)} "
        f"and {percent(results.scores.f1)}.",
        (("confusion", "Confusion matrix on validation, with precision, recall and F1 of each class"),),
    )


def mistakes(results: Results) -> Slide:
    wrong = findings.mistakes(results)
    rows, those = results.validated, results.validated_as
    if not len(wrong):
        return Slide(
            "mistakes", 20, f"No mistakes on {rows:,} {those}", "oof.npz",
            "There are no mistakes on these pictures; with more pictures, there would be some.",
            (("mistakes", f"No mistakes on the {those}"),),
        )  # fmt: skip
    shown = findings.mistakes_of_the_model(results)[:10]
    sure = percent(float(results.validation[shown[-1]].max()), 1)
    many = f"{len(shown)} mistakes" if len(shown) > 1 else "1 mistake"
    is_shared = findings.are_labels_doubtful(results)  # the time, with the slide of these labels
    told = (
        f"These are the {many} out of {len(wrong):,} with the highest confidence. The prediction is in "
        "quotes, the label below. Look at them: some would fool us too, and some labels may be wrong."
    )
    if is_shared:
        told = (
            f"These are {many} out of {len(wrong):,}, the most confident whose labels do not look doubtful. "
            "The prediction is in quotes."
        )
    return Slide(
        "mistakes",
        10 if is_shared else 20,
        f"{many} with at least {sure} confidence"
        if len(wrong) >= findings.ENOUGH_PICTURES
        else f"{len(wrong)} mistake{'s' if len(wrong) > 1 else ''} on {rows:,} {those}",
        "oof.npz",
        told,
        (("mistakes", "The most confident mistakes, with prediction and label"),),
    )


def doubtful(results: Results) -> Slide:
    """The slide of the labels that may be wrong; only where ``findings.are_labels_doubtful``."""
    return Slide(
        "doubtful",
        10,
        f"{len(findings.doubtful(results)):,} of {len(results.labels):,} labels look doubtful",
        "oof.npz · labels.csv",
        "These may be labelling mistakes: networks that were not trained on these pictures give another "
        "answer, in quotes. We changed nothing.",
        (("doubtful", "The most doubtful labels, each with its picture and the answer"),),
    )


def weights(results: Results) -> Slide:
    said = findings.votes(results)
    if said is None:
        classes = len(results.competition.classes)
        return Slide(
            "weights", 15, f"Softmax baseline: saved weights for 0 of {classes} classes",
            "weights.npz", "The softmax baseline was not kept, so its weights can't be shown.",
            (("stencils", "No softmax weights"),),
        )  # fmt: skip
    judged = findings.learned_classes(results)
    title = f"Softmax weights from {results.distinct.train} pictures: too few to trust"
    if judged:
        best, share = findings.half_a_vote(said[judged])
        name = results.competition.classes[judged[best]]
        title = fitted(
            f"Softmax: {percent(share, 0)} of the pixels carry half of the weight for {name}",
            f"Softmax: {percent(share, 0)} of the pixels carry half the weight",
        )
    source, alt = "weights.npz: softmax baseline", "The softmax baseline's weights, one picture"
    alt += " per class"
    told = (
        "The softmax baseline has one weight per pixel and class. Blue supports the class, orange opposes "
        "it. The better networks combine pixels."
    )
    if results.filters is not None:
        source += ", filters"
        alt += ", and the first filters of the best convolutional network"
        told = (
            "Softmax has one weight per pixel and class: blue supports the class, orange opposes it. On the "
            "right, the small patterns that our best convolutional network looks for first, at every place."
        )
    return Slide("weights", 15, title, source, told, (("stencils", alt),))


def following(results: Results) -> Slide:
    """The slide of the next steps, each with a number from the results and what to do about it."""
    steps = findings.next_steps(results)[:3]
    wrong = len(findings.mistakes(results))
    title = f"Next: {len(steps)} steps against the remaining {wrong:,} mistakes"
    if not wrong:
        title = f"Next: {len(steps)} steps, although no mistakes are left here"
    told = " ".join(f"{then} (reason: {number})." for number, _, then in steps)
    return Slide(
        "next", 20, title, "all of the above", f"What we would do next. {told} Thank you!", (), tuple(steps)
    )
