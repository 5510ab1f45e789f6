"""Slides: the eight findings of a lightning talk, each with its title, its notes and its seconds, by rules.

``slide.check`` holds all of them to the rules for titles and notes.
"""

from collections.abc import Callable

from catwalk.report import findings
from catwalk.report.formatting import parameter, percent, points, short
from catwalk.report.results import Results
from catwalk.report.slide import Slide, check, fitted

HARDER = ("input_dropout", "dropout", "mixup", "flip", "shift", "rotate", "zoom", "elastic", "erase")
MARGIN = 1.25  # by which the first importance must exceed the second, to be called the first


def build(results: Results) -> list[Slide]:
    """The slides of a submission, in their order.

    Raises:
        UserError: a slide broke a rule of ``slide.check``.
    """
    makers: list[Callable[[Results], Slide]] = [
        problem, split, search, network, confusion, mistakes, weights, following,
    ]  # fmt: skip
    slides = [one(results) for one in makers]
    check(slides)
    return slides


def problem(results: Results) -> Slide:
    accuracy, rows = results.scores.accuracy, results.distinct.validation
    low, high = results.scores.interval
    facts = [(percent(accuracy), f"of {rows:,} validation pictures named right",
              f"95% interval {percent(low)} to {percent(high)}")]  # fmt: skip
    softmax = [t.value for t in results.trials if t.kind == "softmax" and t.value is not None]
    more, title = "", f"{percent(accuracy)} of {rows:,} validation pictures named right"
    if not findings.is_enough(results):
        title = f"{rows} validation pictures are too few to judge a net"
    elif softmax:
        gain = points(accuracy - softmax[0])
        facts.append((f"{gain} points", f"over softmax, the simplest net ({percent(softmax[0])})", ""))
        title = f"{percent(accuracy)} right: {gain} points over the simplest net"
        more = f"The simplest net of all, softmax on pixels, names {percent(softmax[0])}. "
    low, high = results.recipe.forecast.interval
    facts.append((f"{percent(low)} to {percent(high)}", "forecast for the test pictures (95%)", ""))
    end = "The test is still closed."
    if results.looks:
        end = f"The sealed test was looked at {results.looks} times, for other submissions."
    test, known = results.test_score, results.distinct.known
    if test is not None:
        looks = f"{test.looks} look{'s' if test.looks != 1 else ''}"
        here = f"{known:,} of them labelled" if known else f"{looks} at them"
        facts.append((percent(test.accuracy), f"on {test.rows:,} test pictures ({here})", ""))
        end = f"On the {'' if known else 'sealed '}test it is {percent(test.accuracy)}, after {looks}."
    if known:
        end = f"{end if test else ''} But {known:,} test pictures are among the labelled ones.".strip()
    classes = len(results.competition.classes)
    return Slide(
        "problem",
        25,
        title,
        "recipe.validation · recipe.forecast" + (" · score" if test else ""),
        f"This is {results.competition.title}: small pictures, {classes} classes, given as rows of numbers. "
        f"The chosen nets name {percent(accuracy)} of the validation pictures right; they did not learn from "
        f"those. {more}{end}",
        (("samples", f"Training pictures of all {classes} classes"),),
        tuple(facts),
    )


def split(results: Results) -> Slide:
    train, held, test = results.distinct.train, results.distinct.validation, results.distinct.test
    known, rows = results.distinct.known, results.recipe.test_rows
    title = f"{train:,} pictures teach, {held:,} compare, {test:,} compete"
    again = ""
    if results.recipe.refit:
        again = "At the end some nets learned once more from both. "
    sealed = f"Nobody here has the labels of the {test:,} test pictures."
    if results.sealed:
        sealed = f"The labels of the {test:,} test pictures are sealed; nothing was chosen by them."
    if known:
        title = f"{known:,} of {rows:,} test pictures are among the labelled ones"
        sealed = f"But {known:,} of the {rows:,} test pictures are among these: their score says little."
    return Slide(
        "split",
        15,
        title,
        "recipe.split · recipe.test_rows · prepared",
        f"{train:,} pictures teach. {held:,} others choose between nets. {again}{sealed}",
        (("split", f"{train:,} pictures to learn from, {held:,} to compare, {test:,} to compete"),),
    )


def search(results: Results) -> Slide:
    stopped = sum(t.state == "pruned" and not t.ended for t in results.trials)
    best = results.best
    shares = findings.shares(results)
    count = f"{len(results.trials):,} trial{'s' if len(results.trials) != 1 else ''}"
    known = list(shares.items())
    if known and (len(known) == 1 or known[0][1] >= MARGIN * known[1][1]):
        name, share = parameter(known[0][0]).replace("\n", " "), percent(known[0][1], 0)
        title = f"{count}: choose the {name} first ({share} of the effect)"
        told = f"What mattered most was the {name}: {share} of the differences, by analysis of variance. "
    elif known:
        first, second = (parameter(name).replace("\n", " ") for name, _ in known[:2])
        together = percent(known[0][1] + known[1][1], 0)
        title = f"{count}: {first} and {second} decide ({together})"
        told = f"{first} and {second} decide together {together} of the differences. "
    else:
        title = f"{count}, and number {best.number} is the best: {percent(best.accuracy)}"
        told = "That is too little to say what matters most, so no shares are shown. "
    if not findings.is_enough(results):
        title = f"{count}; {results.distinct.validation} pictures are too few to rank them"
    stop = f"{stopped} were stopped early to save time. " if stopped else ""
    return Slide(
        "search",
        30,
        fitted(title, f"{count}: the best is number {best.number}, {percent(best.accuracy)}"),
        "trials.json: params, value, state",
        f"We trained {count}. {stop}Each line on the left is one of the {len(results.complete)} that went to "
        f"their end, and the blue one is the best. {told}On the right, the best so far: "
        f"trial {best.number} reached {percent(best.accuracy)}.",
        (
            ("parallel", "Parallel coordinates of the complete trials, the best in blue"),
            ("progress", "Validation accuracy of each trial, and the best so far"),
        ),
    )


def network(results: Results) -> Slide:
    best = results.best
    history = best.history
    last = history[-1]
    gap = last.train_accuracy - last.accuracy
    late = findings.overfitting(results)
    if not findings.is_enough(results):
        title = f"{len(history)} epochs; {results.distinct.validation} pictures are too few to judge them"
        told = "On so few validation pictures a curve says little. "
    elif late is not None:
        title = f"It learns until epoch {late.epoch}, then memorises (loss +{percent(late.rise, 0)})"
        told = (
            f"After epoch {late.epoch} the validation loss rises by {percent(late.rise, 0)}: it memorises. "
        )
    elif gap > 0.01:
        title = f"{len(history)} epochs, and {points(gap)} points between training and validation"
        told = f"In the end it knows its training pictures {points(gap)} points better than others. "
    else:
        title = f"{len(history)} epochs to {percent(last.accuracy)} on validation"
        held = percent(last.accuracy)
        told = f"In training {percent(last.train_accuracy)} are right, on validation {held}. "
    if any(best.params.get(name) for name in HARDER):
        told += "Training is harder: units drop out, or pictures are changed. "
    depth = best.params.get("depth", 0)
    layers = f"{depth} hidden layer{'s' if depth != 1 else ''}"
    view = best.params.get("view", "pixels")
    seen = "raw pixels" if view == "pixels" else f"fixed features ({view}), made without labels"
    nets = results.recipe.trials
    joined = f"The submission averages {len(nets)} nets. " if len(nets) > 1 else ""
    if [net.number for net in nets] == [best.number] and not results.recipe.refit:
        joined = "It is the whole submission. "
    return Slide(
        "network",
        25,
        fitted(title, f"{len(history)} epochs to {percent(last.accuracy)}"),
        f"trials.json: trial {best.number}, params, history",
        f"The best net is dense, with {layers}, on {seen}. {told}{joined}",
        (
            ("architecture", "The best network's layers, and how it was trained"),
            ("learning_curves", "Training and validation accuracy by epoch"),
        ),
    )


def confusion(results: Results) -> Slide:
    classes, scores = results.competition.classes, results.scores.by_class[:, 3]
    pictures, wrong = results.distinct.validation, len(findings.mistakes(results))
    judged = findings.judged_classes(results)
    pair, block = findings.confused(results)
    title = f"{pictures:,} validation pictures are too few to rank {len(classes)} classes"
    if not wrong:
        title = f"No class was confused on {pictures:,} validation pictures"
    elif len(judged) > 1:
        worst, best = min(judged, key=lambda i: scores[i]), max(judged, key=lambda i: scores[i])
        ours, theirs = percent(scores[worst], 0, sign=""), percent(scores[best], 0, sign="")
        title = fitted(
            f"{classes[worst]} is the hard one: F1 {ours}, against {theirs} for {classes[best]}",
            f"{short(classes[worst], 30)} is the hard one: F1 {ours}, not {theirs}",
        )
    story = "Nothing is off the diagonal: no class was confused. "
    if wrong:
        few = f"are {wrong} mistakes" if wrong > 1 else "is 1 mistake"
        story = f"There {few}, too few to say which classes are confused. "
    if pair is not None:
        true, said, count = pair
        story = (
            f"The most common mistake: {short(classes[true])} called {short(classes[said])}, {count} times. "
        )
    if block is not None:
        story = f"The box holds {percent(block.share, 0)} of all mistakes. {story}"
    return Slide(
        "confusion",
        30,
        title,
        "predictions.npz: validation · confusion",
        "Rows are the truth, columns what we said, in percent. Blue is right, orange is wrong. "
        f"{story}On the right, precision, recall and F1 of the same classes. Their plain means are "
        f"{percent(results.scores.precision)}, {percent(results.scores.recall)} "
        f"and {percent(results.scores.f1)}.",
        (("confusion", "Confusion matrix on validation, with precision, recall and F1 of each class"),),
    )


def mistakes(results: Results) -> Slide:
    wrong = findings.mistakes(results)
    rows = results.distinct.validation
    if not len(wrong):
        return Slide(
            "mistakes", 20, f"No mistake on {rows:,} validation pictures", "predictions.npz: validation",
            "There is no mistake on these pictures, and so none to show. More pictures would find one.",
            (("mistakes", "No mistake on the validation pictures"),),
        )  # fmt: skip
    shown = wrong[:10]
    sure = percent(float(results.validation[shown[-1]].max()), 1)
    many = f"{len(shown)} mistakes" if len(shown) > 1 else "1 mistake"
    return Slide(
        "mistakes",
        20,
        f"{many} it made with at least {sure} confidence"
        if len(wrong) >= findings.ENOUGH_PICTURES
        else f"{len(wrong)} mistake{'s' if len(wrong) > 1 else ''} on {rows:,} validation pictures",
        "predictions.npz: validation",
        f"These are the {many} of {len(wrong):,} that it was surest of. What it said is in quotes, the label "
        "below. Look at them: some would fool us too, and some labels may be wrong.",
        (("mistakes", "The most confident mistakes, with what was said and the label"),),
    )


def weights(results: Results) -> Slide:
    said = findings.votes(results)
    if said is None:
        return Slide(
            "weights", 15, "Weights of 0 baselines were kept", "predictions.npz: weights",
            "The simplest net was not kept, so its weights can't be shown.",
            (("stencils", "No weights"),),
        )  # fmt: skip
    judged = findings.learned_classes(results)
    title = f"Stencils of {results.distinct.train} pictures: too few to trust them"
    if judged:
        best, share = findings.half_a_vote(said[judged])
        name = results.competition.classes[judged[best]]
        title = fitted(
            f"Stencils: {percent(share, 0)} of the pixels hold half of {name}'s vote",
            f"Stencils: {percent(share, 0)} of the pixels hold half a vote",
        )
    return Slide(
        "weights",
        15,
        title,
        "predictions.npz: weights (softmax baseline)",
        "The simplest net has one weight a pixel and class. Blue ink speaks for the class, orange against. "
        "The better nets start from more than that.",
        (("stencils", "The softmax baseline's weights as pictures, a class each"),),
    )


def following(results: Results) -> Slide:
    """The next steps: each a number that was shown, and what follows from it."""
    steps = findings.next_steps(results)[:3]
    wrong = len(findings.mistakes(results))
    title = f"Next: {len(steps)} steps for the {wrong:,} mistakes left"
    if not wrong:
        title = f"Next: {len(steps)} steps, with 0 mistakes left here"
    told = " ".join(f"{then}, because of the {number}." for number, _, then in steps)
    return Slide(
        "next", 20, title, "all of the above", f"What we would do next. {told} Thank you!", (), tuple(steps)
    )
