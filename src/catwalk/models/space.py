"""The search space: a trial's parameters. Meant to be edited; the only file that calls ``suggest_``.

Bounds may change at any time: the next trial uses the new ones. Changed choices of a "one of" row
need a new study; the search says so.
"""

from typing import TYPE_CHECKING, Any

from catwalk.core.errors import UserError
from catwalk.data import scope as scopes
from catwalk.data.competition import AUGMENTATIONS

if TYPE_CHECKING:
    import optuna

Params = dict[str, Any]

# name: (kind, choices or bounds)                 meaning
# The only list of these: the command's options, make's variables and their help are read from it, so
# each row must be one line.
# "log": between the bounds, uniform on a log scale. "log size": the same, rounded to a whole number; Optuna
# gets a float, because its integers take ten times as long to model.
# Rows between "family" and the first conv_ row are of dense networks only, those after the last conv_ row of
# both families.
SPACE: dict[str, tuple[str, list[Any]]] = {
    "family": ("one of", ["dense", "conv"]),  # kind of network: dense or convolutional
    "view": ("one of", ["pixels", "whitened", "gradients", "patches"]),  # input features, see features.py
    "depth": ("one of", [0, 1, 2, 3]),  # hidden layers; 0 is softmax regression
    "width_1": ("log size", [64, 1024]),  # units of the first hidden layer
    "width_2": ("log size", [64, 1024]),  # of the second, if there is one
    "width_3": ("log size", [64, 1024]),
    "activation": ("one of", ["relu", "gelu", "silu"]),  # of the hidden units
    "norm": ("one of", ["none", "batch", "layer"]),  # after each hidden layer's weights
    "input_dropout": ("float", [0.0, 0.2]),  # share of inputs dropped at each step
    "dropout": ("float", [0.0, 0.5]),  # share of hidden units dropped at each step
    # Convolutional networks, see conv_network.py.
    "conv_width": ("log size", [16, 128]),  # channels of the first stage; each further one has twice as many
    "conv_depth": ("one of", [1, 2, 3]),  # residual blocks in each stage
    "conv_stem": ("one of", ["direct", "stepped"]),  # halving the picture: by the first layer, or the second
    "conv_kernel": ("one of", [3, 5]),  # side of the first convolution's kernel, in pixels
    "conv_pool": ("one of", ["mean", "max", "both"]),  # over all places, before the last layer
    "conv_dropout": ("float", [0.0, 0.5]),  # share of the pooled channels dropped at each step
    "conv_muon": ("one of", [0, 1]),  # 1: Muon updates the kernels, at 2 times the learning rate
    # The training of both families.
    "label_smoothing": ("float", [0.0, 0.15]),  # share of the target spread over all classes
    "optimizer": ("one of", ["adamw", "sgd"]),  # sgd has Nesterov momentum 0.9
    "learning_rate": ("log", [2e-4, 1e-2]),  # the schedule's maximum; sgd uses 30 times as much
    "weight_decay": ("log", [1e-6, 1e-1]),  # per step, times the learning rate; not on biases and norms
    "batch_size": ("one of", [64, 128, 256, 512, 1024, 2048]),  # rows per step; with few rows, 1/20 of them
    "schedule": ("one of", ["cosine", "constant"]),  # cosine: to zero, after a short warm-up
    "clip": ("one of", [0.0, 1.0]),  # maximum global norm of the gradients; 0: no clipping
    "average": ("one of", [0.0, 0.5, 2.0]),  # epochs over which the weights are averaged; 0: none
    "mixup": ("one of", [0.0, 0.1, 0.2, 0.4]),  # alpha of mixup, which blends pairs of pictures; 0: none
    # Augmentation; only what the competition's TOML allows. Each has its name in competition.AUGMENTATIONS.
    "flip": ("one of", [0, 1]),  # 1: half of the pictures are mirrored
    "shift": ("one of", [0.0, 1.0, 2.0]),  # maximum shift of pictures, in pixels
    "rotate": ("one of", [0.0, 5.0, 10.0, 15.0]),  # maximum rotation of pictures, in degrees
    "zoom": ("one of", [0.0, 0.05, 0.1, 0.15]),  # maximum zoom in or out, as a share of the size
    "elastic": ("one of", [0.0, 0.5, 1.0, 2.0]),  # maximum elastic displacement, in pixels
    "erase": ("one of", [0.0, 0.2, 0.4]),  # side of an erased square, as a share of the picture's
}


# What MODELS= may be, and the families that it stands for.
MODELS = {"dense": ["dense"], "conv": ["conv"], "all": ["dense", "conv"]}

NETWORKS = {"dense": "dense", "conv": "convolutional"}  # a family's networks, in words

# How much higher an optimizer's learning rates are than those of ``SPACE``, which are AdamW's.
RATE_FACTORS = {"adamw": 1, "sgd": 30, "muon": 2}

LEAST_BATCH = 16  # rows
CONV_BATCH = 256  # rows at most, of convolutional networks: their layers need memory for each place
CHANNELS = 8  # all numbers of channels are multiples of this
STEPS_AN_EPOCH = 20  # at least: no batch is larger than 1/20 of the rows, or LEAST_BATCH

PURE = ["pixels", "whitened"]  # the views of FEATURES=pixels

# Patches are computed once, for a picture and its mirror image: no other augmentation is possible then.
UNAUGMENTED_BUT_FLIP: Params = {name: SPACE[name][1][0] for name in AUGMENTATIONS if name != "flip"}


def family_of(name: str) -> str | None:
    """The family that a parameter belongs to; None: both have it."""
    if name.startswith("conv_"):
        return "conv"
    names = list(SPACE)
    first_conv = next(i for i, other in enumerate(names) if other.startswith("conv_"))
    return "dense" if 0 < names.index(name) < first_conv else None


def family_in(params: Params) -> str:
    """The family of a trial's network; studies of dense networks, and baselines, don't name it."""
    return str(params.get("family", "dense"))


def family_for(choice: Params, scope: str) -> str:
    """The family of a network of which some parameters were chosen by hand.

    Raises:
        UserError: they belong to different families, or to one that is not in the study's scope.
    """
    families = MODELS[scopes.models_of(scope)]
    if choice.get("family", families[0]) not in NETWORKS:
        raise UserError(f"FAMILY={choice['family']}", fix=f"choose one of {', '.join(NETWORKS)}")
    of = {name: choice[name] if name == "family" else family_of(name) for name in choice}
    asked = {name: family for name, family in of.items() if family is not None}
    family = next(iter(asked.values()), families[0])
    for name, other in asked.items():
        where = _as_variable(name, choice[name])
        if other not in families:
            what = f"belongs to {NETWORKS[other]} networks, and MODELS= has none"
            raise UserError(what, where=where, fix=f"set MODELS={other} or MODELS=all")
        if other != family:
            what = f"belongs to {NETWORKS[other]} networks, and another choice to {NETWORKS[family]} ones"
            raise UserError(what, where=where, fix="choose parameters of one family")
    return family


def _as_variable(name: str, value: Any) -> str:
    """A parameter as the user of ``make try`` writes it."""
    if name == "depth":
        return f"WIDTHS with {value} hidden layers"
    return f"{'WIDTHS' if name.startswith('width_') else name.upper()}={value}"


def checked(params: Params, scope: str, allowed: tuple[str, ...]) -> Params:
    """Check that parameters chosen by hand lie in the search space, and return them.

    Raises:
        UserError: names the value that does not.
    """
    not_here = disabled_augmentations(allowed)
    for name, value in params.items():
        kind, values = SPACE[name][0], choices(name, scope)
        where = _as_variable(name, value)
        if value != not_here.get(name, value):
            raise UserError(
                "not allowed by augment in the competition's TOML",
                where=where,
                fix="leave it out, or add it there",
            )
        if params["view"] == "patches" and value != UNAUGMENTED_BUT_FLIP.get(name, value):
            raise UserError("not possible with VIEW=patches", where=where, fix="choose gradients or pixels")
        if kind == "one of":
            if value not in values:
                raise UserError(where, fix=f"choose one of {', '.join(map(str, values))}")
        elif not values[0] <= value <= values[1]:
            raise UserError(where, fix=f"choose a value from {values[0]} to {values[1]}")
        elif name == "conv_width" and value % CHANNELS:
            raise UserError(where, fix=f"choose a multiple of {CHANNELS}")
    return params


def batch_size(params: Params, rows: int) -> int:
    """Rows per step: as chosen, or fewer if the data set is small, so that an epoch has several steps."""
    return min(chosen_batch(params), max(LEAST_BATCH, rows // STEPS_AN_EPOCH), rows)


def chosen_batch(params: Params) -> int:
    """Rows per step, as chosen, where there are enough rows."""
    chosen = int(params["batch_size"])
    return min(chosen, CONV_BATCH) if family_in(params) == "conv" else chosen


def rounded(params: Params) -> Params:
    """Parameters as Optuna stores them, but with sizes rounded to whole numbers."""
    sizes = {name for name, (kind, _) in SPACE.items() if kind == "log size"}
    return {name: round(value) if name in sizes else value for name, value in params.items()}


def fill_defaults(params: Params) -> Params:
    """A trial's parameters; those that it did not choose get their defaults, which have no effect."""
    return {**{name: values[0] for name, (_, values) in SPACE.items()}, **rounded(params)}


def suggest(
    trial: "optuna.Trial",
    scope: str = "local",
    allowed: tuple[str, ...] = AUGMENTATIONS,
    most_channels: int | None = None,
) -> Params:
    """Let the trial choose a value for each parameter of the space that applies to it.

    Args:
        trial: Optuna's.
        scope: of the study, see ``scope``.
        allowed: augmentations that preserve this competition's labels; the others are off.
        most_channels: limits conv_width to what there is time for; None: no limit but the space's.
    """
    params = disabled_augmentations(allowed)
    if scopes.models_of(scope) == scopes.DENSE:  # as before there were other families
        params["family"] = "dense"
    for name, (kind, _) in SPACE.items():
        if name not in params and family_of(name) in (None, params.get("family")):
            values = choices(name, scope)
            if name == "conv_width" and most_channels is not None:
                values = [values[0], max(values[0], min(values[1], most_channels))]
            params[name] = _suggest(trial, name, kind, values)
        if params.get("view") == "patches":
            params |= UNAUGMENTED_BUT_FLIP
    return fill_defaults(params)


def choices(name: str, scope: str) -> list[Any]:
    """A parameter's choices or bounds in a study of this scope."""
    if name == "family":
        return list(MODELS[scopes.models_of(scope)])
    return PURE if name == "view" and scopes.features_of(scope) == "pixels" else SPACE[name][1]


def disabled_augmentations(allowed: tuple[str, ...]) -> Params:
    """The augmentations that this competition does not allow, each set to its default, which is off."""
    return {name: SPACE[name][1][0] for name in AUGMENTATIONS if name not in allowed}


def _suggest(trial: "optuna.Trial", name: str, kind: str, values: list[Any]) -> Any:
    if kind == "one of":
        return trial.suggest_categorical(name, values)
    chosen = trial.suggest_float(name, *values, log=kind.startswith("log"))
    return round(chosen) if kind == "log size" else chosen
