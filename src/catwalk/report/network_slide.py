"""The slide of the best network: what it is and sees, how it was trained, and what is averaged with it."""

from collections import Counter

from catwalk.core.plurals import counted
from catwalk.models import space
from catwalk.report import findings, network_words
from catwalk.report.formatting import percent
from catwalk.report.results import Results
from catwalk.report.slide import Slide, fitted, told
from catwalk.submission.recipe import RecipeTrial

SECONDS = 30


def network(results: Results) -> Slide:
    """The best network; its one accuracy is that of the network that was kept."""
    best, kept = results.best, percent(results.best.accuracy)
    title, finding = _finding(results)
    what = f"The best network is {network_words.described(results)}. "
    seen, trained = network_words.seen(results), network_words.trained(best)
    both = _joined(results)
    epochs = counted(len(best.history), "epoch")
    return Slide(
        "network",
        SECONDS,
        fitted(title, f"{epochs} to {kept}"),
        f"trials.json: trial {best.number}, params, history",
        told(
            SECONDS,
            f"{what}{seen}{trained}{finding}{both}",
            f"{what}{trained}{finding}{both}",
            f"{what}{seen}{trained}{both}",
            f"{what}{trained}{both}",
            f"{what}{both}",
        ),
        (
            ("architecture", "The best network's layers, and how it was trained"),
            ("learning_curves", "Training and validation accuracy by epoch"),
        ),
    )


def _finding(results: Results) -> tuple[str, str]:
    """The title, and a sentence: what the learning curves show."""
    epochs = counted(len(results.best.history), "epoch")
    late, gap = findings.overfitting(results), findings.large_gap(results)
    if not findings.is_enough(results):
        few = f"{epochs}; {results.distinct.validation} pictures are too few to judge training"
        return few, "On so few pictures a curve says little. "
    if late is not None:
        rise = percent(late.rise, 0)
        title = f"It overfits after epoch {late.epoch} (validation loss +{rise})"
        return title, f"After epoch {late.epoch} it overfits: the validation loss rises by {rise}. "
    if gap is not None:
        title = f"After {epochs}, training is {gap[1:]} points above validation"
        return title, f"At the end, training is {gap[1:]} points above validation. "
    return f"It reaches {percent(results.best.accuracy)} on validation after {epochs}", ""


def _joined(results: Results) -> str:
    """What the submission averages, and the accuracies: the network's and the chosen networks' together."""
    nets, best, kept = results.recipe.trials, results.best.number, percent(results.best.accuracy)
    has_folds, again = results.recipe.folds > 1, len(results.recipe.refit)
    is_alone = [net.number for net in nets] == [best] and not has_folds
    if is_alone and again:
        more = counted(again, "network")
        return f"It reaches {kept}; the submission averages it and {more} trained again on all rows."
    if is_alone:
        return f"It reaches {kept}, and is the whole submission."
    ours = f"{percent(results.scores.accuracy)}{' out of fold, on all rows' if has_folds else ''}"
    all_of = f"{averaged(nets)}{_in_folds(results)}: {ours}"
    if again:  # these were trained on the validation rows, so this accuracy is that of the others
        all_of = f"{averaged(nets)} ({ours}) and {again} trained again on all rows"
    alone = f"Alone it reaches {kept}{' on validation' if has_folds else ''}"
    if best in {net.number for net in nets}:
        return f"{alone}; the submission averages {all_of}."
    is_one = len(nets) == 1 and not has_folds and not again
    return f"{alone}. It is not in the submission, which {'is' if is_one else 'averages'} {all_of}."


def _in_folds(results: Results) -> str:
    """That there is a network for each fold instead of one, as the end of a list."""
    if results.recipe.folds == 1:
        return ""
    return f",{' each' if len(results.recipe.trials) > 1 else ''} trained in {results.recipe.folds} folds"


def averaged(nets: tuple[RecipeTrial, ...]) -> str:
    """How many networks there are: "3 networks", or of each family "2 dense and 1 convolutional network"."""
    counts = Counter(space.family_in(net.params) for net in nets)
    if len(counts) == 1:
        return counted(len(nets), "network")
    said = [f"{counts[family]} {name}" for family, name in space.NETWORKS.items()]
    return f"{' and '.join(said)} network{'s' if counts['conv'] != 1 else ''}"
