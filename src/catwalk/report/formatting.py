"""Formatting: numbers and parameter names as text for talk and notebooks."""

import math
import re
from typing import Any

LABELS = {
    "view": "features", "depth": "layers", "width_1": "units,\nlayer 1", "width_2": "units,\nlayer 2",
    "width_3": "units,\nlayer 3", "norm": "norm", "input_dropout": "input\ndropout",
    "label_smoothing": "label\nsmoothing", "learning_rate": "learning\nrate", "weight_decay": "weight\ndecay",
    "batch_size": "batch\nsize", "average": "weight\naverage", "family": "network\nfamily",
    "conv_width": "first\nchannels", "conv_depth": "residual\nblocks", "conv_stem": "stem",
    "conv_kernel": "kernel\nside", "conv_pool": "pooling", "conv_dropout": "dropout", "conv_muon": "Muon",
}  # fmt: skip


def percent(share: float, digits: int = 1, sign: str = "%") -> str:
    """A fraction as "93.2%", rounded down where rounding would give 100%."""
    scale: float = 10**digits
    rounded = round(100 * share * scale) / scale
    if rounded >= 100 and share < 1:
        rounded = math.floor(100 * share * scale) / scale
    return f"{rounded:.{digits}f}{sign}"


def points(difference: float, digits: int = 1) -> str:
    """A difference of fractions in percentage points, as "+1.2"."""
    return f"{100 * difference:+.{digits}f}"


def change(before: float, after: float) -> str:
    """A change in percentage points, of the two fractions as ``percent`` shows them.

    That of the exact ones may differ in the last digit from what a reader subtracts.
    """
    return f"{float(percent(after, sign='')) - float(percent(before, sign='')):+.1f}"


def number(value: Any) -> str:
    """A parameter's value in short form: "0.0012", "1,024", "relu"."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or value == round(value):
        return f"{round(value):,}"
    return f"{value:.2g}" if abs(value) >= 1e-4 else f"{value:.0e}".replace("e-0", "e-")


def size(height: int, width: int) -> str:
    """The size of a picture, with a multiplication sign, as in "28 x 28"."""
    return f"{height}\N{MULTIPLICATION SIGN}{width}"


def parameter(name: str) -> str:
    """A parameter's readable name, on up to two lines."""
    return LABELS.get(name, name.replace("_", "\n"))


def short(name: str, length: int = 24) -> str:
    """A class's name, cut off after ``length`` characters."""
    return name if len(name) <= length else name[: length - 1].rstrip() + "…"


def often(count: int) -> str:
    """How often: "never", "once" or "3 times"."""
    return {0: "never", 1: "once"}.get(count, f"{count:,} times")


def scored_on_kaggle(count: int) -> str:
    """How often Kaggle has scored uploads: "scored 3 times on Kaggle"."""
    return f"scored {often(count)} on Kaggle"


def in_a_sentence(name: str) -> str:
    """A parameter's readable name within a sentence: "learning rate", "units in layer 1"."""
    return parameter(name).replace(",\n", " in ").replace("\n", " ")


def as_markdown(words: str) -> str:
    """Text for Markdown that is shown as it is, on one line: a class may be called "$5", "__x__" or "<s>".

    Characters that mean something there become numeric references. A backslash would not do for ``$``:
    JupyterLab removes it before MathJax looks for formulas, but no formula goes beyond an HTML element.
    """

    def reference(found: re.Match[str]) -> str:
        one = f"&#{ord(found[0])};"
        return f"<span>{one}</span>" if found[0] in "$\\" else one

    return re.sub(r"[\\`*_{}\[\]<>&#~|$]", reference, " ".join(words.split()))
