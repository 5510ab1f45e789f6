"""The portfolio: what every search trains first, the baselines and recipes known to be good.

The recipes were found on the validation rows of Fashion-MNIST and MNIST by ``benchmarks/portfolio.py``, which
prints the accuracy of each. ``FEATURES=pixels`` has other recipes than the default.
"""

from catwalk.models import space
from catwalk.models.space import Params

# Softmax regression, with everything else off.
PLAIN: Params = {
    "view": "pixels", "depth": 0, "width_1": 128, "width_2": 128, "width_3": 128, "activation": "relu",
    "norm": "none", "input_dropout": 0.0, "dropout": 0.0, "label_smoothing": 0.0, "optimizer": "adamw",
    "learning_rate": 1e-3, "weight_decay": 1e-6, "batch_size": 128, "schedule": "constant", "clip": 0.0,
    "average": 0.0, "mixup": 0.0, "flip": 0, "shift": 0.0, "rotate": 0.0, "zoom": 0.0, "elastic": 0.0,
    "erase": 0.0,
}  # fmt: skip

# Among the first, never stopped early: what a network has to beat.
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

RECIPES: dict[str, list[Params]] = {
    "local": [
        STRONG,
        {**STRONG, "mixup": 0.2, "activation": "gelu"},
        {**STRONG, "depth": 3, "width_3": 512},
        {**STRONG, "dropout": 0.5, "input_dropout": 0.2},
    ],
    "pixels": [MOVED, {**MOVED, "mixup": 0.1, "activation": "gelu"}],
}

# Characters tolerate more warping than clothes: where elastic warps are allowed, recipes have all four warps.
WARPS: Params = {"shift": 1.0, "rotate": 10.0, "zoom": 0.1, "elastic": 1.0}
WARPED: dict[str, Params] = {
    "local": {**WARPS, "view": "gradients", "width_1": 512, "width_2": 512},
    "pixels": WARPS,
}


def first(features: str, allowed: tuple[str, ...]) -> list[tuple[str, Params]]:
    """The networks of a new search, in order: each one's kind of trial and its parameters.

    The quick one comes before the larger baseline, so that a good network is there as early as possible.

    Args:
        features: a resolved name, see ``features``.
        allowed: the competition's augmentation.
    """
    softmax, beginner = BASELINES.items()
    quick = ("quick", {**QUICK[features], **space.disabled_augmentations(allowed)})
    return [softmax, quick, beginner, *recipes(features, allowed)]


def recipes(features: str, allowed: tuple[str, ...]) -> list[tuple[str, Params]]:
    """The strong networks of the portfolio, the best first; arguments as for ``first``."""
    changed = {**(WARPED[features] if "elastic" in allowed else {}), **space.disabled_augmentations(allowed)}
    return [(f"portfolio {i}", {**recipe, **changed}) for i, recipe in enumerate(RECIPES[features], 1)]
