"""Origins: which networks of a study are presets, which the search found, and what each was worth.

A preset is a set of parameters that catwalk brings along, baselines among them: no search chose it.
"""

from dataclasses import dataclass

from catwalk.report import findings
from catwalk.report.formatting import change, percent
from catwalk.report.results import Results
from catwalk.search.trial_record import YOURS, TrialRecord, best_first

PRESET, SEARCH = "preset", "search"


@dataclass(frozen=True)
class Worth:
    """What the best preset reaches, and the best network of the search; None where there is none.

    Attributes:
        preset, search: the trials.
        is_level: whether the difference is too small to tell on so many pictures, or cannot be told.
    """

    preset: TrialRecord | None
    search: TrialRecord | None
    is_level: bool

    @property
    def gain(self) -> float:
        """The search's accuracy minus the presets', 0 if one of them is missing."""
        if self.preset is None or self.search is None:
            return 0.0
        return self.search.accuracy - self.preset.accuracy


def of(trial: TrialRecord) -> str:
    """Where a trial's parameters come from: one of ``PRESET``, ``SEARCH`` and ``YOURS``."""
    return trial.kind if trial.kind in (SEARCH, YOURS) else PRESET


def best(results: Results, origin: str) -> TrialRecord | None:
    """The best complete trial of an origin; None if there is none."""
    return next((trial for trial in best_first(results.complete) if of(trial) == origin), None)


def worth(results: Results) -> Worth:
    """What the best preset was worth, against what the search found."""
    preset, search = best(results, PRESET), best(results, SEARCH)
    if preset is None or search is None or not findings.is_enough(results):
        return Worth(preset, search, is_level=True)
    return Worth(preset, search, findings.is_level(results, search.accuracy, preset.accuracy))


def compared(results: Results) -> str:
    """The comparison as a sentence.

    It names how many each best one is the best of: the best of many tries is higher by chance alone, so this
    describes the study, and does not say what a search is worth elsewhere.
    """
    made = worth(results)
    if made.search is None:
        tried = [trial for trial in results.trials if of(trial) == SEARCH]
        those, were = ("that", "was") if len(tried) == 1 else ("those", "were")
        early = "did not finish" if any(trial.ended for trial in tried) else f"{were} stopped early"
        end = f"{those} of the search {early}" if tried else "the search chose none"
        return (
            f"All complete networks are presets or our own: {end}."
            if best(results, YOURS)
            else (f"All complete networks are presets: {end}.")
        )
    found = percent(made.search.accuracy)
    trials = _best_of(results, SEARCH, "search trial")
    if made.preset is None:
        return f"{trials[0].upper()}{trials[1:]} reaches {found}; no preset was trained to its end."
    presets = _best_of(results, PRESET, "preset")
    known = f"{presets[0].upper()}{presets[1:]} reaches {percent(made.preset.accuracy)}, {trials} {found}"
    if made.is_level:
        return f"{known}: no clear difference."
    size = change(made.preset.accuracy, made.search.accuracy)[1:]
    return f"{known}: {size} points {'more' if made.gain > 0 else 'less'}."


def _best_of(results: Results, origin: str, noun: str) -> str:
    """Of how many trials the best is the best, those that were stopped early among them."""
    count = sum(of(trial) == origin for trial in results.trials)
    return f"the only {noun}" if count == 1 else f"the best of {count:,} {noun}s"
