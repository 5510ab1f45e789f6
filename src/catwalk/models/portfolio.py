"""Portfolio: configurations with high validation accuracy in earlier studies; and the baselines.

Every search trains both first, before the sampler chooses any.

The dense ones were found on the validation rows of Fashion-MNIST and MNIST by ``benchmarks/portfolio.py``,
which prints the accuracy of each. ``FEATURES=pixels`` has other configurations than the default.

Few convolutional networks that are trained to their end are better than many: a search of ten minutes has
time for one a worker, or two.
"""

from dataclasses import dataclass

from catwalk.data import scope as scopes
from catwalk.models import conv_plan, space
from catwalk.models.space import Params

# Softmax regression, with everything else off.
PLAIN: Params = {
    **space.fill_defaults({}),
    "width_1": 128, "width_2": 128, "width_3": 128, "learning_rate": 1e-3, "batch_size": 128,
    "schedule": "constant",
}  # fmt: skip

# Among the first, never stopped early: what a network has to beat. Softmax is trained however short the time.
# Each one also has a row in trial.SHORT, trial.LEAST_STEPS and trial.BASELINE_SHARE.
BASELINES: dict[str, Params] = {"softmax": PLAIN, "beginner": {**PLAIN, "depth": 1}}

STRONG: Params = {
    **PLAIN, "view": "patches", "depth": 2, "width_1": 1024, "width_2": 1024, "norm": "batch",
    "input_dropout": 0.1, "dropout": 0.4, "label_smoothing": 0.1, "learning_rate": 2e-3, "weight_decay": 1e-2,
    "batch_size": 512, "schedule": "cosine", "average": 2.0, "flip": 1,
}  # fmt: skip

# Good within half a minute: while one worker trains it, another one computes the table of features.
QUICK: dict[str, Params] = {
    "local": {**STRONG, "view": "gradients", "width_1": 512, "width_2": 256, "dropout": 0.3},
    "pixels": {**STRONG, "view": "whitened", "width_1": 512, "width_2": 256, "dropout": 0.2},
}

# Shifted pictures are never the same twice: there is little to overfit, so little dropout.
MOVED: Params = {
    **STRONG, "view": "whitened", "input_dropout": 0.0, "dropout": 0.2, "batch_size": 256, "shift": 1.0,
}  # fmt: skip

CONFIGURATIONS: dict[str, list[Params]] = {
    "local": [
        STRONG,
        {**STRONG, "mixup": 0.2, "activation": "gelu"},
        {**STRONG, "depth": 3, "width_3": 512},
        {**STRONG, "dropout": 0.5, "input_dropout": 0.2},
    ],
    "pixels": [MOVED, {**MOVED, "mixup": 0.1, "activation": "gelu"}],
}

CONV: Params = {
    **space.fill_defaults({}), "family": "conv", "conv_width": 32, "conv_pool": "both", "conv_muon": 1,
    "label_smoothing": 0.1, "optimizer": "sgd", "learning_rate": 5e-3, "weight_decay": 5e-2,
    "batch_size": 128, "average": 0.5, "flip": 1, "shift": 1.0,
}  # fmt: skip

# Seconds of a search that reaches more with convolutional networks as well, if products in bfloat16 are fast:
# on two cores, one of them then has ten epochs or more. Without, dense ones lead longer.
CONV_PAYS = {"bfloat16": 600.0}
CONV_PAYS_ON_GPU = 60.0  # the same where a GPU trains: one needs half a minute to 95% (benchmarks/gpu.py)

# Channels of the first stage, the largest first. In bfloat16 the processors' kernels compute 16 channels at a
# time or 32: with 24 of them an epoch takes longer than with 32 (benchmarks/conv_rate.py). float16: on GPUs.
WIDE = (128, 96, 64, 48, 32)
CONV_WIDTHS = {"bfloat16": WIDE, "float16": WIDE, "float32": (*WIDE, 24)}
CONV_EPOCHS = 20  # that a width must have time for; with fewer a smaller one is better
# The same on a GPU, and what is planned there: 128 channels reach 0.9513 in 20 epochs and 0.9585 in 60, where
# 96 reach 0.9557 (benchmarks/gpu.py); more epochs have not been measured.
CONV_EPOCHS_ON_GPU = 60
CONV_LEAST_EPOCHS = 12  # of the least width; with fewer the dense networks come first

CONV_CONFIGURATIONS: list[Params] = [CONV, {**CONV, "conv_kernel": 5}]

# Characters tolerate more warping than clothes: where elastic warps are allowed, all four warps are used.
WARPS: Params = {"shift": 1.0, "rotate": 10.0, "zoom": 0.1, "elastic": 1.0}
WARPED: dict[str, Params] = {
    "local": {**WARPS, "view": "gradients", "width_1": 512, "width_2": 512},
    "pixels": WARPS,
}


@dataclass(frozen=True)
class Room:
    """What a search has room for, by which the width of its convolutional networks is chosen.

    Attributes:
        seconds: of training that a worker has left.
        rows: that are trained on in each epoch.
        shape: of a picture, (height, width, channels).
        precision: in which networks are trained, see ``precision``.
        rate: operations per second at which a worker trains convolutional networks, see ``training_speed``.
        is_shared: whether a single worker trains the dense networks too, in half of the time.
        is_gpu: whether workers train on GPUs.
    """

    seconds: float
    rows: int
    shape: tuple[int, ...]
    precision: str
    rate: float
    is_shared: bool
    is_gpu: bool = False

    def conv_width(self) -> int:
        """The largest width with time for enough epochs, or the least one if there is none."""
        widths, least = CONV_WIDTHS[self.precision], CONV_EPOCHS_ON_GPU if self.is_gpu else CONV_EPOCHS
        return next((width for width in widths if self._epochs(width) >= least), widths[-1])

    def is_enough(self) -> bool:
        """Whether there is time for the least width."""
        return self._epochs(CONV_WIDTHS[self.precision][-1]) >= CONV_LEAST_EPOCHS

    def _epochs(self, width: int) -> float:
        """Epochs of a network that there is time for."""
        seconds = self.seconds / 2 if self.is_shared else self.seconds
        can = self.rate * seconds / self.rows / conv_plan.TRAINING_FACTOR  # operations for a picture
        return can / conv_plan.operations(self.shape, {**CONV, "conv_width": width})


def first(scope: str, allowed: tuple[str, ...], room: Room | None = None) -> list[tuple[str, Params]]:
    """The networks of a new search, in order: each one's kind of trial and its parameters.

    The quick one comes before the larger baselines, so that a good network is there as early as possible. A
    convolutional network takes longest, so one begins before them; the second one follows the best dense one,
    while there is time for more than a few of its epochs. Where there is no time for a good one, all dense
    ones come first.

    Args:
        scope: of the study, see ``scope``.
        allowed: the competition's augmentation.
        room: of the search; None: it is not limited by time, and widths are as in the configurations.
    """
    softmax, *larger = BASELINES.items()
    families = space.MODELS[scopes.models_of(scope)]
    dense, conv = (
        configurations(family, scope, allowed) if family in families else [] for family in space.NETWORKS
    )
    quick = ("quick", {**QUICK[scopes.features_of(scope)], **space.disabled_augmentations(allowed)})
    if room is not None:
        conv = [(kind, {**configuration, "conv_width": room.conv_width()}) for kind, configuration in conv]
    is_enough = room is None or room.is_enough()
    begins = is_enough and not (room is not None and room.is_shared)
    early, conv = (conv[:1], conv[1:]) if begins else ([], conv)
    before = 1 if is_enough else len(dense)
    strong = [*dense[:before], *conv[:1], *dense[before:], *conv[1:]]
    return [softmax, *early, *([quick] if dense else []), *larger, *strong]


def scope_of(kind: str, scope: str) -> str:
    """The scope that a trial of this kind chooses in: baselines are dense in every study."""
    return scopes.features_of(scope) if kind in BASELINES else scope


def configurations(family: str, scope: str, allowed: tuple[str, ...]) -> list[tuple[str, Params]]:
    """The strong networks of a family, the best first; arguments as for ``first``."""
    features = scopes.features_of(scope)
    kind, found, warped = "portfolio", CONFIGURATIONS[features], WARPED[features]
    if family == "conv":
        kind, found, warped = "portfolio conv", CONV_CONFIGURATIONS, WARPS
    changed = {**(warped if "elastic" in allowed else {}), **space.disabled_augmentations(allowed)}
    return [(f"{kind} {i}", {**configuration, **changed}) for i, configuration in enumerate(found, 1)]
