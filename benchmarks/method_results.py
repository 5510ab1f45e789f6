"""What the methods are worth: sections of docs/performance.md, from which docs/method.md has its figures."""

from collections.abc import Callable
from typing import Any

from benchmarks.markdown import compared, paragraph, several_commits, table
from catwalk.models import space

Kept = dict[str, Any]
FIRST = 3  # networks of `benchmarks.methods` that are not the sampler's
COLUMNS = ("validation", "forecast", "pseudo-test")  # of each arm of `benchmarks.folds`


def search_methods(kept: Kept) -> list[str]:
    lines = table("search", "seed", "best network", "ensemble", "complete trials", "stopped")
    for run in kept["runs"]:
        scores = f"{run['best']:.4f} | {run['ensemble']:.4f}"
        stopped = run["of_search"] + FIRST - run["complete"]
        lines.append(f"| {run['arm']} | {run['seed']} | {scores} | {run['complete']} | {stopped} |")
    return [
        *lines,
        *paragraph(
            f"Validation accuracy after {kept['budget'].removesuffix('m')} minutes with one worker and "
            f"{kept['rows']:,} training rows, `FEATURES={kept['features']}`. All searches begin with the "
            f"same {FIRST} networks; successive halving stopped the trials of the last column."
        ),
    ]


def folds(kept: Kept) -> list[str]:
    said = kept["summary"]
    return [
        *(_without_folds(kept) if _had_no_time(kept["splits"]) else _both_arms(kept)),
        *paragraph(
            f"Without folds: compared with its best network, the ensemble is "
            f"{compared(said['ensemble_above_best'])}; {_families(said)}the mean over a picture and its "
            f"mirror image, compared with the picture alone, is {compared(said['best_above_unmirrored'])}. "
            f"{_refit(kept)}"
        ),
        *commits_of_splits(kept),
    ]


def _both_arms(kept: Kept) -> list[str]:
    """The search with folds beside the same search without."""
    arms = [f"{what} {arm}" for arm in ("with folds", "without") for what in COLUMNS]
    lines = table("split", *arms)
    for one in kept["splits"]:
        lines.append(f"| {one['split']} | {_arm(one['folds'])} | {_arm(one['refit'])} |")
    said, splits = kept["summary"], kept["summary"]["splits"]
    text = (
        "The same search with folds in the second half of its time, and without, as accuracy in percent. "
        f"On the pseudo-tests the submission with folds is {compared(said['folds_above_refit'])}. "
        f"{said['folds_inside']} of {splits} pseudo-tests are inside their forecast, which is "
        f"{said['folds_width']:.1f} points wide; without folds {said['refit_inside']} of {splits}, and "
        f"{said['refit_width']:.1f}. {_used(kept)}"
    )
    return [*lines, *paragraph(text)]


def _without_folds(kept: Kept) -> list[str]:
    """The one submission that both arms made."""
    lines = table("split", *COLUMNS)
    lines += [f"| {one['split']} | {_arm(one['refit'])} |" for one in kept["splits"]]
    said = kept["summary"]
    text = (
        "No split had time for folds: nothing was compared. The search went on instead (accuracy in "
        f"percent): {said['refit_inside']} of {said['splits']} pseudo-tests are inside their forecast, which "
        f"is {said['refit_width']:.1f} points wide."
    )
    return [*lines, *paragraph(text)]


def _had_no_time(splits: list[Kept]) -> bool:
    """Whether nothing was trained in folds; of a split that does not tell it, no."""
    return all(one.get("in_folds", 0.0) is None for one in splits)


def _families(said: Kept) -> str:
    """What the ensemble of both families is worth, where it was measured."""
    return "".join(
        f"compared with an ensemble of its {what} networks alone, {compared(said[name])}; "
        for family, what in space.NETWORKS.items()
        if (name := f"ensemble_above_{family}") in said
    )


def commits_of_splits(kept: Kept) -> list[str]:
    named = ((f"split {one['split']}", one.get("commit")) for one in kept["splits"])
    return paragraph(several_commits("splits", named))


def _arm(arm: Kept) -> str:
    low, high = (100 * bound for bound in arm["forecast"])
    return f"{100 * arm['validation']:.2f} | {low:.2f} to {high:.2f} | {100 * arm['test']:.2f}"


def _used(kept: Kept) -> str:
    """In which splits the submission after a search with folds is the search's own ensemble, and why."""
    found: dict[str, list[Kept]] = {}
    for one in kept["splits"]:
        if one["folds"]["folds"] == 1:
            why = "were not used, or had no time"  # a split of which it was not kept
            if "in_folds" in one:
                why = "had no time" if one["in_folds"] is None else "were not better and not used"
            found.setdefault(why, []).append(one)
    return " ".join(
        f"In split{'s' if own[1:] else ''} {', '.join(str(one['split']) for one in own)} the folds {why}: "
        f"that submission is the search's own ensemble{_with_refit(own)}."
        for why, own in found.items()
    )


def _with_refit(splits: list[Kept]) -> str:
    refitted = [one["folds"]["refitted"] > 0 for one in splits]
    if not any(refitted):
        return ""
    return ", with its refit" if all(refitted) else ", with its refit where there was time for one"


def _refit(kept: Kept) -> str:
    """What the refit is worth, where one was trained."""
    if not any(one["refit"]["refitted"] for one in kept["splits"]):
        return "There was no time for a refit."
    gain = compared(kept["summary"]["refit_above_ensemble"])
    return f"Compared with the ensemble alone, the submission with the refit is {gain}."


def forecast(kept: Kept) -> list[str]:
    lines = table("seed", "validation", "forecast", "pseudo-test", "pseudo-test with the refit")
    for row in kept["rounds"]:
        validation, low, high, test, both = (
            100 * row[key] for key in ("validation", "low", "high", "test", "both")
        )
        lines.append(
            f"| {row['seed']} | {validation:.2f} | {low:.2f} to {high:.2f} | {test:.2f} | {both:.2f} |"
        )
    said = kept["summary"]
    return [
        *lines,
        *paragraph(
            f"One network, in percent. {said['inside']} of {said['rounds']} pseudo-tests are inside their "
            f"forecast. Compared with them, the validation accuracy is "
            f"{compared(said['validation_less_test'])}. A network that is trained again, on training and "
            f"validation rows, is {compared(said['refit_gain'])} there; the mean of both is "
            f"{compared(said['both_gain'])}."
        ),
    ]


def blend_rows(kept: Kept) -> list[str]:
    counts = {name.removeprefix("of "): gains for name, gains in kept.items() if name.startswith("of ")}
    rows = list(next(iter(counts.values())))
    lines = table("networks", *(f"{int(number):,} rows" for number in rows))
    for count, gains in counts.items():
        cells = (f"{gains[n]['gain']:+.2f} ({gains[n]['standard_error']:.2f})" for n in rows)
        lines.append(f"| {count} | {' | '.join(cells)} |")
    return [
        *lines,
        *paragraph(
            "Points by which weights that were found on so many labelled rows are better than equal weights "
            f"(standard error), on other rows: {kept['networks']} networks of one search, joined at random."
        ),
    ]


def _folds_of(models: str, minutes: int) -> tuple[str, str, str, Callable[[Kept], list[str]]]:
    what = {"dense": "dense networks", "conv": "convolutional networks", "all": "both families"}[models]
    command = f"folds --budget {minutes}m --models {models}"
    return f"Folds: {what}, {minutes} minutes", f"folds5-{models}-{minutes}m", command, folds


# Heading, the benchmark's name, the command, and what is said of its figures.
SECTIONS: list[tuple[str, str, str, Callable[[Kept], list[str]]]] = [
    ("Successive halving and TPE", "methods", "methods", search_methods),
    *(_folds_of(models, minutes) for minutes in (10, 60) for models in space.MODELS),
    ("Forecast and refit", "forecast-strong", "forecast --rounds 6 --strong", forecast),
    ("Rows for the weights of a blend", "blend_rows", "blend_rows", blend_rows),
]
