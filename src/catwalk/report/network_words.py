"""Network words: what a network is, what it sees and how it was trained, in words for slides and figures."""

from catwalk.core.plurals import counted
from catwalk.models import conv_plan, space
from catwalk.models.space import Params
from catwalk.report.formatting import number
from catwalk.report.results import Results
from catwalk.search.trial_record import TrialRecord

# What each view gives a dense network; see features.py.
VIEWS = {
    "pixels": "the raw pixels",
    "whitened": "principal components of the pixels",
    "gradients": "the pixels, and the strength of edges in eight directions",
    "patches": "the pixels, edges in eight directions, and likeness to small patches",
}
BRIEFLY = {
    "pixels": "raw pixels", "whitened": "components", "gradients": "pixels and edges",
    "patches": "pixels, edges, patches",
}  # fmt: skip
AUGMENTATIONS = {
    "flip": "mirrored", "shift": "shifted", "rotate": "rotated", "zoom": "zoomed", "elastic": "warped",
    "erase": "partly erased", "mixup": "mixed",
}  # fmt: skip
OPTIMIZERS = {"adamw": "AdamW", "sgd": "SGD"}
WIDTHS = [name for name in space.SPACE if name.startswith("width_")]  # of the first layer, the second, ...
HIDDEN_ONLY = ("activation", "norm", "input_dropout", "dropout")  # without hidden layers, nothing to act on


def has(params: Params, name: str) -> bool:
    """Whether a network with these parameters has the one of this name, or it has nothing to act on.

    Softmax has no width, although its trial records one.
    """
    if name == "family":
        return True
    if params.get(name) is None or space.family_of(name) not in (None, space.family_in(params)):
        return False
    depth = params.get("depth", len(WIDTHS))
    if name in HIDDEN_ONLY and space.family_in(params) == "dense":
        return bool(depth)
    return name not in WIDTHS or WIDTHS.index(name) < depth


def is_softmax(params: Params) -> bool:
    """Whether the network has no hidden layer."""
    return space.family_in(params) == "dense" and params.get("depth") == 0


def widths(params: Params) -> list[int]:
    """The units of a dense network's hidden layers."""
    return [round(params[f"width_{layer}"]) for layer in range(1, params.get("depth", 0) + 1)]


def named(trial: TrialRecord) -> str:
    """A network in a few words, for a row of a figure."""
    params = trial.params
    if space.family_in(params) == "conv":
        return f"convolutional, {params['conv_width']} channels"
    seen = BRIEFLY[params.get("view", "pixels")]
    units = " + ".join(str(width) for width in widths(params))
    return f"{units} units on {seen}" if units else f"softmax on {seen}"


def described(results: Results) -> str:
    """The best network as the end of a sentence: its family, its layers and what it sees."""
    params = results.best.params
    if space.family_in(params) == "conv":
        stages = conv_plan.stages(results.competition.shape, params)
        blocks = counted(stages[0].blocks, "residual block")
        return f"convolutional, with {counted(len(stages), 'stage')} of {blocks} each, on raw pixels"
    sizes = widths(params)
    layers = (
        "dense, with " + counted(len(sizes), "hidden layer") if sizes else "softmax, with no hidden layer"
    )
    if sizes:
        each = number(sizes[0]) if len(set(sizes)) == 1 else " and ".join(number(size) for size in sizes)
        layers += f" of {each} units"
    return layers


def seen(results: Results) -> str:
    """A sentence on what the best network's features are, or where its filters come from."""
    params = results.best.params
    if space.family_in(params) == "conv":
        return "Its layers learn their filters from the pictures. "
    view = params.get("view", "pixels")
    fixed = "" if view == "pixels" else ": fixed features, made without labels"
    return f"It sees {VIEWS[view]}{fixed}. "


def trained(trial: TrialRecord) -> str:
    """A sentence on how a network was trained."""
    params = trial.params
    optimizer = OPTIMIZERS.get(params.get("optimizer", ""), "gradient steps")
    ways = [f"Muon, {optimizer}" if params.get("conv_muon") else optimizer]
    dropout = [name for name in ("input_dropout", "dropout", "conv_dropout") if has(params, name)]
    if any(params[name] for name in dropout):
        ways.append("dropout")
    if changed := augmentations(params):
        ways.append(f"{' and '.join(changed[:2])} pictures")
    how = f"{', '.join(ways[:-1])} and {ways[-1]}" if len(ways) > 1 else ways[0]
    return f"It was trained for {counted(len(trial.history), 'epoch')} with {how}. "


def augmentations(params: Params) -> list[str]:
    """How its training pictures were changed, in words."""
    return [word for name, word in AUGMENTATIONS.items() if params.get(name)]


def why_kept_differs(trial: TrialRecord) -> str:
    """Why the kept network's accuracy may differ from its last epoch's."""
    if trial.params.get("flip"):
        return "the saved one also averages the mirror image"
    return "what is kept is computed in float32"
