"""The slide of the best network: its family and layers, how it learned, and what the submission averages."""

from collections import Counter

from catwalk.models import conv_plan, space
from catwalk.report import findings
from catwalk.report.formatting import percent
from catwalk.report.results import Results
from catwalk.report.slide import Slide, fitted
from catwalk.submission.recipe import RecipeTrial

HARDER = (
    "input_dropout", "dropout", "conv_dropout", "mixup", "flip", "shift", "rotate", "zoom", "elastic",
    "erase",
)  # fmt: skip


def network(results: Results) -> Slide:
    best = results.best
    history = best.history
    last = history[-1]
    gap = last.train_accuracy - last.accuracy
    late = findings.overfitting(results)
    if not findings.is_enough(results):
        title = f"{len(history)} epochs; {results.distinct.validation} pictures are too few to judge training"
        told = "On so few validation pictures a curve says little. "
    elif late is not None:
        title = f"It overfits after epoch {late.epoch} (validation loss +{percent(late.rise, 0)})"
        told = f"After epoch {late.epoch} the validation loss rises by {percent(late.rise, 0)}: it overfits. "
    elif gap > 0.01:
        title = f"{len(history)} epochs; training and validation are {100 * gap:.1f} points apart"
        told = f"At the end, training accuracy is {100 * gap:.1f} points above validation accuracy. "
    else:
        title = f"{len(history)} epochs to {percent(last.accuracy)} on validation"
        held = percent(last.accuracy)
        told = f"Training accuracy is {percent(last.train_accuracy)}, validation accuracy {held}. "
    if any(best.params.get(name) for name in HARDER):
        told += "Training uses dropout or augmentation. "
    nets = results.recipe.trials
    joined = f"The submission averages {_counted(nets)}. " if len(nets) > 1 else ""
    if [net.number for net in nets] == [best.number] and not results.recipe.refit:
        joined = "It is the whole submission. "
    return Slide(
        "network",
        25,
        fitted(title, f"{len(history)} epochs to {percent(last.accuracy)}"),
        f"trials.json: trial {best.number}, params, history",
        f"The best network is {_layers(results)}. {told}{joined}",
        (
            ("architecture", "The best network's layers, and how it was trained"),
            ("learning_curves", "Training and validation accuracy by epoch"),
        ),
    )


def _layers(results: Results) -> str:
    """The best network's family and layers."""
    params = results.best.params
    if space.family_in(params) == "conv":
        stages = conv_plan.stages(results.competition.shape, params)
        count, blocks = len(stages), stages[0].blocks
        plan = f"{count} stage{'s' if count != 1 else ''} of {blocks} residual block"
        return f"convolutional, with {plan}{'s' if blocks != 1 else ''} each, on raw pixels"
    depth = params.get("depth", 0)
    view = params.get("view", "pixels")
    seen = "raw pixels" if view == "pixels" else f"fixed features ({view}), computed without labels"
    return f"dense, with {depth} hidden layer{'s' if depth != 1 else ''}, on {seen}"


def _counted(nets: tuple[RecipeTrial, ...]) -> str:
    """How many networks there are: "3 networks", or of each family "2 dense and 1 convolutional network"."""
    counts = Counter(space.family_in(net.params) for net in nets)
    if len(counts) == 1:
        return f"{len(nets)} networks"
    said = [f"{counts[family]} {name}" for family, name in space.NETWORKS.items()]
    return f"{' and '.join(said)} network{'s' if counts['conv'] != 1 else ''}"
