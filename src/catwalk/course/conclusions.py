"""Conclusions: the exercises' answers in words, computed from the runs by the rules of ``choosing``."""

from collections.abc import Sequence

import numpy as np

from catwalk.course import choosing, t_tests
from catwalk.course.choosing import Group
from catwalk.course.comparing import Difference, MethodScores
from catwalk.course.t_tests import TTest
from catwalk.report.formatting import as_markdown, percent, points

LEVEL = f"at the {t_tests.LEVEL:.0%} level"
NOT_SHOWN = "is not shown to differ from"


def start(expected: float, losses: Sequence[float]) -> str:
    """Whether the loss before training is the expected one."""
    values = np.array(losses)
    mean, deviation = float(values.mean()), choosing.deviation(values)
    agrees = abs(mean - expected) <= t_tests.half_width(values) + 0.005
    said = "as derived" if agrees else "not as derived: look for a mistake in the initialisation"
    return (
        f"Expected is {expected:.3f}; {len(losses)} networks start at {mean:.3f} on average, with a standard "
        f"deviation of {deviation:.3f}: {said}."
    )


def rate(groups: Sequence[Group], guessing: float) -> str:
    """Which learning rate is the best, whether that may be luck, and which rates fail."""
    best = choosing.best(groups, guessing)
    others = [one for one in groups if one is not best and choosing.learns(one, guessing)]
    said = [
        f"**Rate {best.plan.rate:g}** has the lowest mean validation loss after {best.plan.epochs} epochs, "
        f"{_runs(best)}."
    ]
    if others:
        second = min(others, key=Group.mean)
        shown = _shown(t_tests.t_test(best.by_seed(), second.by_seed()))
        said.append(f"Next is rate {second.plan.rate:g} with {second.mean():.4f}: {shown}.")
    said += _failures(groups, guessing)
    rates = sorted(one.plan.rate for one in groups)
    if best.plan.rate in (rates[0], rates[-1]):
        end = "lowest" if best.plan.rate == rates[0] else "highest"
        said.append(f"It is the {end} rate of the scan, so the best one may lie beyond it.")
    return " ".join(said)


def epochs(group: Group) -> str:
    """How many epochs are enough, and what a single run would have said."""
    losses = group.curves("other_loss")
    means = losses.mean(axis=0)
    lowest, enough = 1 + int(means[1:].argmin()), choosing.enough_epochs(group)
    alone = 1 + losses[:, 1:].argmin(axis=1)
    said = [
        f"The mean validation loss of {len(losses)} runs is lowest after epoch {lowest}: "
        f"{means[lowest]:.4f}, with a standard error of {group.error(epoch=lowest):.4f}. The first epoch "
        f"within one standard error of it: **{enough} epochs**."
    ]
    if enough < lowest:
        more = means[enough] - means[lowest]
        said.append(f"Training on to epoch {lowest} lowers the mean by {more:.4f} only.")
    if lowest == len(means) - 1:
        said.append("That is the last epoch: the loss still falls, and more epochs may lower it further.")
    if alone.min() < alone.max():
        said.append(f"The runs alone have their lowest losses after epochs {alone.min()} to {alone.max()}.")
    return " ".join(said)


def spread(group: Group) -> str:
    """The mean result of independent runs and its standard deviation."""
    return (
        f"After {group.plan.epochs} epochs the {len(group.runs)} runs have a validation loss of "
        f"{group.mean():.4f} ± {group.deviation():.4f} and a validation accuracy of "
        f"{percent(group.mean('other_accuracy'), 2)} ± {percent(group.deviation('other_accuracy'), 2)} "
        "(mean ± standard deviation)."
    )


def batch_or_mini(ways: dict[str, tuple[Group, int]], rows: int) -> str:
    """Compare the cost of batch and of mini-batch gradient descent, and their learning rates.

    Args:
        ways: batch, then mini-batch, as ``choosing.compared`` takes them.
        rows: training pictures.
    """
    (batch, batch_epochs), (mini, mini_epochs) = ways.values()
    updates = [epochs * group.plan.updates(rows) for group, epochs in ways.values()]
    costs = [epochs * group.seconds for group, epochs in ways.values()]
    target, means = batch.mean(epoch=batch_epochs), mini.curves("other_loss").mean(axis=0)
    there = np.flatnonzero(means[1:] <= target)
    rates = batch.plan.rate, mini.plan.rate
    chosen = f"another learning rate, {rates[1]:g} instead of {rates[0]:g}"
    if rates[0] == rates[1]:
        chosen = f"the same learning rate, {rates[0]:g}"
    said = [
        f"An epoch of mini-batches makes {mini.plan.updates(rows):,} updates instead of 1 and takes "
        f"{mini.seconds:.3g} s instead of {batch.seconds:.3g} s, {mini.seconds / batch.seconds:.1f} times as "
        f"long. Chosen were {mini_epochs} epochs ({updates[1]:,} updates, {costs[1]:.3g} s) instead of "
        f"{batch_epochs} ({updates[0]:,} updates, {costs[0]:.3g} s), and {chosen}."
    ]
    if len(there):
        first = 1 + int(there[0])
        said.append(
            f"Mini-batches reach batch gradient descent's final loss of {target:.4f} after epoch {first}, "
            f"that is after {first * mini.seconds:.3g} s instead of {costs[0]:.3g} s."
        )
    else:
        said.append(f"Mini-batches do not reach batch gradient descent's final loss of {target:.4f}.")
    return " ".join(said)


def method(ways: dict[str, tuple[Group, int]]) -> str:
    """Which method the final model is trained with, and whether that may be luck."""
    name = choosing.final(ways)
    means = {key: group.mean(epoch=epoch) for key, (group, epoch) in ways.items()}
    values = {key: group.by_seed(epoch=epoch) for key, (group, epoch) in ways.items()}
    second = min((key for key in ways if key != name), key=lambda key: means[key])
    shown = _shown(t_tests.t_test(values[name], values[second]))
    return (
        f"The final model is trained with **{name}**: mean validation loss {means[name]:.4f}, "
        f"{second} {means[second]:.4f}; {shown}."
    )


def size(groups: dict[int, Group]) -> str:
    """With how many hidden units the accuracy is best, and which number is chosen."""
    highest, chosen = choosing.most_accurate(groups), choosing.smallest_good(groups)
    best, taken = (groups[units] for units in (highest, chosen))
    accuracy = "other_accuracy"
    said = [
        f"The highest mean validation accuracy is that of **n = {highest}**: "
        f"{percent(best.mean(accuracy), 2)}, with a standard error of "
        f"{percent(best.error(accuracy), 2)} ({len(best.runs)} runs)."
    ]
    if chosen != highest:
        said.append(
            f"The smallest layer within one standard error of it is **n = {chosen}** with "
            f"{percent(taken.mean(accuracy), 2)}: the final model."
        )
    else:
        said.append("No smaller layer is within one standard error of it, so it is the final model.")
    level = [
        units for units, group in groups.items()
        if units != highest and not t_tests.t_test(group.by_seed(accuracy), best.by_seed(accuracy)).differs
    ]  # fmt: skip
    if level:
        names = listed([f"n = {units}" for units in level], "or")
        said.append(f"The best is not shown to differ from {names} (t-tests {LEVEL}).")
    if any(units < chosen for units in level):
        said.append(
            "With so few runs that does not make a smaller layer as good, so the choice asks for more: a "
            "mean within one standard error."
        )
    if highest == max(groups):
        said.append("It is the largest n that was tried, so a larger one may be better still.")
    return " ".join(said)


def verdict(names: tuple[str, str], tested: tuple[MethodScores, MethodScores], found: Difference) -> str:
    """Compare two methods: accuracy with an interval, precision, recall, and the classes.

    Args:
        names: of the first and the second method.
        tested: their runs.
        found: their difference.
    """
    low, high = found.interval
    single = [name for name, each in zip(names, tested, strict=True) if len(each.scores) < 2]
    words = "is better than" if low > 0 else "is worse than" if high < 0 else NOT_SHOWN
    words = NOT_SHOWN if single else words  # the interval lacks the variation between runs
    macro = {
        name: [np.mean([getattr(one, name) for one in each.scores]) for each in tested]
        for name in ("precision", "recall")
    }
    changes = ", ".join(f"{name} {points(float(b - a))}" for name, (a, b) in macro.items())
    before, after = (percent(float(each.accuracies.mean()), 2) for each in tested)
    counts = " and ".join(str(len(each.scores)) for each in tested)
    rests_on = (
        f"This compares the two *methods*: all {counts} runs count, and the interval contains the variation "
        f"between runs (standard error {100 * found.by_runs:.2f} points) and between pictures "
        f"({100 * found.by_pictures:.2f})."
    )
    if single:
        whose = "each" if len(single) == 2 else f"of {single[0]}"
        rests_on = (
            f"There is one run {whose}, so the two *methods* are not shown to differ: the interval contains "
            f"the variation between pictures (standard error {100 * found.by_pictures:.2f} points), and not "
            "that between such runs."
        )
    return (
        f"**{names[1].capitalize()} {words} {names[0]}**: {points(found.value, 2)} points of test accuracy "
        f"(95% interval {points(low, 2)} to {points(high, 2)}), from {before} to {after}; macro averages: "
        f"{changes} points. {rests_on}"
    )


def classes(tested: tuple[MethodScores, MethodScores], names: tuple[str, ...]) -> str:
    """Which classes the second method finds more or less often than the first."""
    before, after = (each.recall for each in tested)
    gains, shown = after - before, [as_markdown(name) for name in names]
    up, down, hardest = int(gains.argmax()), int(gains.argmin()), int(after.argmin())
    said = f"Recall rises most for {shown[up]} ({points(float(gains[up]))} points)"
    if gains[up] <= 0:
        said = "Recall rises for no class"
    fall = f"falls most for {shown[down]} ({points(float(gains[down]))})"
    said += f" and {fall}." if gains[down] < 0 else " and falls for none."
    same = " with both" if hardest == int(before.argmin()) else ""
    found = percent(float(after[hardest]))
    return f"{said} The hardest class{same} is {shown[hardest]}, of which {found} are found."


def _failures(groups: Sequence[Group], guessing: float) -> list[str]:
    """A sentence on the rates that diverge, and one on those that hardly learn."""
    reasons = {
        "diverges": "the loss of a run ends higher than it began, or is not a number",
        "hardly learns": f"a run's training loss ends less than 2% below that of guessing, {guessing:.3f}",
    }
    said = []
    for state, reason in reasons.items():
        rates = [f"{one.plan.rate:g}" for one in groups if choosing.state(one, guessing) == state]
        if rates:
            said.append(f"Rate {listed(rates, 'and')} {'fails' if len(rates) == 1 else 'fail'}: {reason}.")
    return said


def _shown(test: TTest) -> str:
    """Whether a test shows a difference, and which test it is."""
    if test.differs:
        return f"the means are shown to differ ({test.name}, {LEVEL})"
    return f"they are not shown to differ ({test.name}, {LEVEL}), so the choice between them may be luck"


def _runs(group: Group) -> str:
    return f"{group.mean():.4f} ({len(group.runs)} runs, standard deviation {group.deviation():.4f})"


def listed(words: list[str], last: str) -> str:
    """Words as "a, b and c", with ``last`` before the last one."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
