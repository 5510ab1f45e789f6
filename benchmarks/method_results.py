"""What the methods are worth: sections of docs/performance.md, from which docs/method.md has its figures."""

from collections.abc import Callable
from typing import Any

from benchmarks.markdown import paragraph, table

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
    arms = [f"{what} {arm}" for arm in ("with folds", "without") for what in COLUMNS]
    lines = table("split", *arms)
    for one in kept["splits"]:
        lines.append(f"| {one['split']} | {_arm(one['folds'])} | {_arm(one['refit'])} |")
    said, splits = kept["summary"], kept["summary"]["splits"]
    return [
        *lines,
        *paragraph(
            "The same search with folds in the second half of its time, and without, as accuracy in percent. "
            f"On the pseudo-tests the submission with folds is {_compared(said['folds_above_refit'])}. "
            f"{said['folds_inside']} of {splits} pseudo-tests are inside their forecast, which is "
            f"{said['folds_width']:.1f} points wide; without folds {said['refit_inside']} of {splits}, and "
            f"{said['refit_width']:.1f}. {_used(kept)}"
        ),
        *paragraph(
            f"Without folds: compared with its best network, the ensemble is "
            f"{_compared(said['ensemble_above_best'])}; the mean over a picture and its mirror image, "
            f"compared with the picture alone, is {_compared(said['best_above_unmirrored'])}. {_refit(kept)}"
        ),
    ]


def _arm(arm: Kept) -> str:
    low, high = (100 * bound for bound in arm["forecast"])
    return f"{100 * arm['validation']:.2f} | {low:.2f} to {high:.2f} | {100 * arm['test']:.2f}"


def _used(kept: Kept) -> str:
    """In which splits the submission after a search with folds is the search's own ensemble."""
    without = [str(one["split"]) for one in kept["splits"] if one["folds"]["folds"] == 1]
    if not without:
        return ""
    splits = f"split{'s' if without[1:] else ''} {', '.join(without)}"
    return (
        f"In {splits} the folds were not used, or had no time: that submission is the search's own ensemble."
    )


def _refit(kept: Kept) -> str:
    """What the refit is worth, where one was trained."""
    if not any(one["refit"]["refitted"] for one in kept["splits"]):
        return "There was no time for a refit."
    gain = _compared(kept["summary"]["refit_above_ensemble"])
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
            f"{_compared(said['validation_less_test'])}. A network that is trained again, on training and "
            f"validation rows, is {_compared(said['refit_gain'])} there; the mean of both is "
            f"{_compared(said['both_gain'])}."
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


def _compared(mean: dict[str, float | None]) -> str:
    """As "0.16 points lower (standard error 0.03)"."""
    value, error = mean["mean"], mean["standard_error"]
    if not value:
        return "the same"
    shown = f"{abs(value):.2f} points {'lower' if value < 0 else 'higher'}"
    return shown if error is None else f"{shown} (standard error {error:.2f})"


def _folds_of(models: str, minutes: int) -> tuple[str, str, str, Callable[[Kept], list[str]]]:
    what = {"dense": "dense networks", "conv": "convolutional networks"}[models]
    command = f"folds --budget {minutes}m --models {models}"
    return f"Folds: {what}, {minutes} minutes", f"folds5-{models}-{minutes}m", command, folds


# Heading, the benchmark's name, the command, and what is said of its figures.
SECTIONS: list[tuple[str, str, str, Callable[[Kept], list[str]]]] = [
    ("Successive halving and TPE", "methods", "methods", search_methods),
    *(_folds_of(models, minutes) for minutes in (10, 60) for models in ("dense", "conv")),
    ("Forecast and refit", "forecast-strong", "forecast --rounds 6 --strong", forecast),
    ("Rows for the weights of a blend", "blend_rows", "blend_rows", blend_rows),
]
