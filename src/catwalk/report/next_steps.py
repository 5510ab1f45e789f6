"""Next steps: what to try next, each with a number from the results as its reason."""

from catwalk.models import space
from catwalk.report import findings, origins
from catwalk.report.formatting import percent, short
from catwalk.report.network_words import augmentations, has
from catwalk.report.results import Results

STEPS = 2
ENOUGH_FOR_LATE = 8  # complete trials, for the position of the best one to be meaningful

Step = tuple[str, str, str]  # the number, what it is, what to do: a verb first


def next_steps(results: Results) -> list[Step]:
    """What to do next, the most important first; each thing to do once."""
    found: dict[str, Step] = {}
    for step in [*_training(results), *_mistakes(results), *_search(results), *_always(results)]:
        found.setdefault(step[2], step)
    return list(found.values())[:STEPS]


def _training(results: Results) -> list[Step]:
    """Against overfitting."""
    best, late = results.best, findings.overfitting(results)
    dropout = [name for name in ("dropout", "conv_dropout") if has(best.params, name)]
    name = dropout[0] if dropout else "weight_decay"
    is_used = bool(best.params.get(name))
    more = f"{'Raise' if is_used else 'Add'} {'dropout' if dropout else 'weight decay'}"
    if late is not None:
        what = f"validation loss after epoch {late.epoch}"
        return [(f"+{percent(late.rise, 0)}", what, f"{more}, stop earlier")]
    gap = findings.large_gap(results)
    if gap is None:
        return []
    or_augment = "" if augmentations(best.params) else f" or {'add ' if is_used else ''}augmentation"
    return [(gap, "points higher in training", f"{more}{or_augment}")]


def _mistakes(results: Results) -> list[Step]:
    """Against the group of classes with most mistakes."""
    _, block = findings.confused(results)
    if block is None:
        return []
    names = ", ".join(short(results.competition.classes[i]) for i in block.classes)
    more = "Add features that tell these apart"
    if space.family_in(results.best.params) == "conv":  # it learns its features
        more = "Add channels or residual blocks"
    return [(percent(block.share, 0), f"of mistakes within {names}", more)]


def _search(results: Results) -> list[Step]:
    complete = [trial.number for trial in results.complete]
    if not any(origins.of(trial) == origins.SEARCH for trial in results.trials):
        count = len(results.trials)
        what = "network, not chosen by the search" if count == 1 else "networks, none chosen by the search"
        return [(f"{count}", what, "Search longer")]
    enough = findings.is_enough(results) and len(complete) >= ENOUGH_FOR_LATE
    best, last = results.best.number, max(complete)
    is_found = origins.of(results.best) == origins.SEARCH  # when another kind was trained says nothing
    if enough and is_found and best >= 0.75 * last:
        end = f"; the last is {last}" if best < last else ", and the last"
        return [(f"{best}", f"is the best trial{end}", "Search longer")]
    return []


def _always(results: Results) -> list[Step]:
    last = (f"{results.distinct.train:,}", "training pictures", "Augment the training pictures")
    if augmentations(results.best.params):  # that is done already
        averaged = len(results.recipe.networks) + len(results.recipe.refit)
        network = "network" if averaged == 1 else "networks"
        last = (f"{averaged}", f"{network} in the submission", "Average more networks")
    trials = "trial" if len(results.trials) == 1 else "trials"
    return [(f"{len(results.trials)}", f"{trials} so far", "Search longer"), last]
