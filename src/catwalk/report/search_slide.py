"""The slide of the search: few networks one by one, or what mattered; and what presets were worth."""

from catwalk.core.plurals import counted
from catwalk.models import space
from catwalk.report import findings, importances, origins
from catwalk.report.formatting import in_a_sentence, percent
from catwalk.report.results import Results
from catwalk.report.slide import Slide, fitted, told
from catwalk.search.trial_record import YOURS, TrialRecord, best_first

SECONDS = 25
MARGIN = 1.25  # ratio of the first importance to the second, from which the first is named alone
LEAST_SHARE = 0.1  # of the variance: no parameter is named if the largest share is smaller
MOST_BARS = 14
SOURCE = "trials.json: kind, params, value, state"
PRESETS = "A preset is a set of parameters that came with catwalk. "


def search(results: Results) -> Slide:
    """The networks one by one, or what mattered among many; and presets against the search."""
    return _few(results) if importances.are_few(results) else _many(results)


def _few(results: Results) -> Slide:
    compared = origins.compared(results)
    start = f"We trained {counted(len(results.trials), 'network')}{_stopped(results)}. "
    bars = "Each bar is a network's mistakes on validation, the shorter the better. "
    end = compared if findings.is_enough(results) else "On so few pictures they can't be ranked."
    return Slide(
        "search",
        SECONDS,
        _few_title(results),
        SOURCE,
        told(SECONDS, f"{start}{bars}{PRESETS}{end}", f"{start}{PRESETS}{end}", f"{start}{end}"),
        (("trial_bars", bars_alt(results)),),
    )


def bars_alt(results: Results) -> str:
    """The alternative text of the bars: how many of the complete networks have one."""
    count = len(results.complete)
    shown = f"the best {MOST_BARS} of {count:,} networks" if count > MOST_BARS else counted(count, "network")
    return f"The mistakes of {shown}, and which are presets"


def _few_title(results: Results) -> str:
    count = len(results.complete)
    if not findings.is_enough(results):
        return f"{results.distinct.validation} pictures are too few to rank {counted(count, 'network')}"
    worth, best = origins.worth(results), percent(results.best.accuracy)
    kinds = {origins.of(trial) for trial in results.complete}
    if kinds == {origins.PRESET}:
        # Those that were not trained to the end may be of the search.
        kind = "network" if count == len(results.trials) else "complete network"
        all_of = f"All {count} {kind}s are presets" if count > 1 else f"The only {kind} is a preset"
        return f"{all_of}; the best reaches {best}"
    if _is_own(results):
        if any(findings.is_level(results, results.best.accuracy, one.accuracy) for one in _second(results)):
            return f"Our own network is best of {count}, but not clearly: {best}"
        return f"Our own network is the best of {count}: {best}"
    if worth.preset is None or worth.search is None:
        return f"Trial {results.best.number} is the best of {counted(count, 'network')}: {best}"
    preset, found = percent(worth.preset.accuracy), percent(worth.search.accuracy)
    if worth.is_level:
        return f"Among {count} networks, presets and search are level ({preset}, {found})"
    if worth.gain > 0:
        return f"The search found the best of {count} networks: {found}, presets {preset}"
    return f"A preset is the best of {count} networks: {preset}, search {found}"


def _is_own(results: Results) -> bool:
    """Whether the best network is one of our own (``make try``): neither a preset nor of the search."""
    return origins.of(results.best) == YOURS


def _second(results: Results) -> list[TrialRecord]:
    """The best network but one, where there is one."""
    return best_first(results.complete)[1:2]


def _many(results: Results) -> Slide:
    count = counted(len(results.trials), "trial")
    title, important = _importance(results, count)
    lines = f"Each line is one of the {_compared(results)}, the best in blue. "
    line = "Each line is a trial, the best in blue. "
    start = f"We trained {count}{_stopped(results)}. "
    own = f"The best, {percent(results.best.accuracy)}, is our own. " if _is_own(results) else ""
    presets = f"{own}Squares are presets. {origins.compared(results)}"
    return Slide(
        "search",
        SECONDS,
        fitted(title, f"The best of {count} is number {results.best.number}"),
        SOURCE,
        told(
            SECONDS,
            f"{start}{lines}{important}{presets}",
            f"{start}{line}{important}{presets}",
            f"{line}{important}{presets}",
            f"{important}{presets}",
            presets,
        ),
        (
            ("parallel", "Parallel coordinates of the complete trials, the best in blue"),
            ("progress", "Validation accuracy of each trial, presets as squares, and the best so far"),
        ),
    )


def _importance(results: Results, count: str) -> tuple[str, str]:
    """The title and a sentence: which parameters mattered."""
    if not findings.is_enough(results):
        few = f"{results.distinct.validation} pictures are too few to rank {count}"
        return few, "On so few pictures they can't be ranked. "
    known = list(importances.shares(results).items())
    best = f"the best is number {results.best.number}, with {percent(results.best.accuracy)}"
    if not known:
        return f"Of {count} {best}", f"Of all {best}. "
    return _mattered(known, len(importances.judged(results.trials)))


def _mattered(known: list[tuple[str, float]], number: int) -> tuple[str, str]:
    """The same, of importances that were computed from so many trials."""
    trials, largest = counted(number, "trial"), percent(known[0][1], 0)  # fewer than are complete
    if known[0][1] < LEAST_SHARE:
        return (
            f"In {trials} no parameter alone mattered: {largest} at most",
            f"No parameter alone mattered much: {largest} of the variance at most. ",
        )
    if len(known) == 1 or known[0][1] >= MARGIN * known[1][1]:
        name = in_a_sentence(known[0][0])
        return (
            fitted(
                f"In {trials} the {name} mattered most: {largest} of the variance",
                f"{trials}: {name} mattered most ({largest})",
            ),
            f"The {name} mattered most: {largest} of the variance. ",
        )
    first, second = (in_a_sentence(name) for name, _ in known[:2])
    # Of the shares as they are shown, which a reader adds up.
    together = f"{sum(int(percent(share, 0, sign='')) for _, share in known[:2])}%"
    return (
        fitted(
            f"In {trials}, {first} and {second} mattered most ({together})",
            f"{trials}: {first} and {second} mattered most",
        ),
        f"{first} and {second} mattered most: together {together} of the variance. ".capitalize(),
    )


def _stopped(results: Results) -> str:
    """How many trials the search stopped early, as the end of a clause."""
    stopped = len(importances.stopped_early(results))
    return f"; {stopped:,} {'was' if stopped == 1 else 'were'} stopped early" if stopped else ""


def _compared(results: Results) -> str:
    """Which trials the left figure compares."""
    trials = importances.compared(results.trials)
    kind = ""
    if len(trials) < len(results.complete):
        kind = space.NETWORKS[importances.families(trials)[0]] + " "
    elif len(importances.families(trials)) > 1:
        return f"{counted(len(trials), 'complete trial')}, by the parameters that both families have"
    return counted(len(trials), f"complete {kind}trial")
