"""The search space: what a trial may choose from. Meant to be edited; the only file that calls ``suggest_``.

A change of the table starts to count with the next trial; the ranges of earlier trials stay recorded.
"""

from typing import Any

import optuna

Params = dict[str, Any]

# name: (kind, choices or bounds)                 what it is
SPACE: dict[str, tuple[str, list[Any]]] = {
    "depth": ("int", [0, 3]),  # hidden layers; 0 is softmax alone
    "width": ("one of", [128, 256, 512, 768, 1024]),  # units of the first hidden layer
    "taper": ("one of", [0.5, 1.0]),  # each further layer's width, as a share of the one before
    "activation": ("one of", ["relu", "gelu", "silu"]),
    "norm": ("one of", ["none", "batch", "layer"]),  # after each hidden layer's weights
    "input_dropout": ("float", [0.0, 0.2]),  # share of pixels hidden at each step
    "dropout": ("float", [0.0, 0.5]),  # share of hidden units
    "label_smoothing": ("float", [0.0, 0.15]),
    "optimizer": ("one of", ["adamw", "sgd"]),  # sgd: with Nesterov momentum 0.9
    "learning_rate": (
        "log",
        [2e-4, 1e-2],
    ),  # the highest of the schedule; sgd takes 30 times as much
    "weight_decay": (
        "log",
        [1e-6, 1e-1],
    ),  # a step, times the learning rate; not on biases and norms
    "batch_size": ("one of", [64, 128, 256, 512, 1024]),
    "schedule": ("one of", ["cosine", "constant"]),  # cosine: to zero, after a short warm-up
}

# Always run first, never pruned: what a net has to beat.
BASELINES: dict[str, Params] = {
    "softmax": {
        "depth": 0, "width": 128, "taper": 1.0, "activation": "relu", "norm": "none",
        "input_dropout": 0.0, "dropout": 0.0, "label_smoothing": 0.0, "optimizer": "adamw",
        "learning_rate": 1e-3, "weight_decay": 1e-6, "batch_size": 128, "schedule": "constant",
    },
    "beginner": {
        "depth": 1, "width": 128, "taper": 1.0, "activation": "relu", "norm": "none",
        "input_dropout": 0.0, "dropout": 0.0, "label_smoothing": 0.0, "optimizer": "adamw",
        "learning_rate": 1e-3, "weight_decay": 1e-6, "batch_size": 128, "schedule": "constant",
    },
}  # fmt: skip

# Then a good net made by hand, so that the sampler starts from something that works.
HAND_MADE: Params = {
    "depth": 2, "width": 512, "taper": 0.5, "activation": "relu", "norm": "batch",
    "input_dropout": 0.1, "dropout": 0.3, "label_smoothing": 0.05, "optimizer": "adamw",
    "learning_rate": 2e-3, "weight_decay": 1e-2, "batch_size": 256, "schedule": "cosine",
}  # fmt: skip


def suggest(trial: optuna.Trial) -> Params:
    """Let the trial choose one value for each row of the table."""
    return {name: _suggest(trial, name, kind, values) for name, (kind, values) in SPACE.items()}


def _suggest(trial: optuna.Trial, name: str, kind: str, values: list[Any]) -> Any:
    if kind == "one of":
        return trial.suggest_categorical(name, values)
    low, high = values
    if kind == "int":
        return trial.suggest_int(name, low, high)
    return trial.suggest_float(name, low, high, log=kind == "log")
