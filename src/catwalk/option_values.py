"""Option values: converts the text of a command-line option, or says what it must be.

Each function raises ``argparse.ArgumentTypeError`` for a text that is not valid.
"""

import argparse
import math
import os
import re
from functools import partial


def duration(text: str) -> float:
    """Convert "90s", "10m", "2h" or a plain number to seconds.

    Raises:
        argparse.ArgumentTypeError: the text has another form, or is not above 0.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    seconds = float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]] if match else math.nan
    if not 0 < seconds < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive duration: write 90s, 10m or 2h")
    return seconds


def budget(text: str) -> str:
    """Return a duration as it was written, if it is valid."""
    duration(text)
    return text


def whole(text: str, low: int, high: int, what: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text) or not low <= int(text) <= high:
        raise argparse.ArgumentTypeError(f"{text!r} is not {what} from {low} to {high}")
    return int(text)


count = partial(whole, low=1, high=1_000_000, what="a number of trials")
port = partial(whole, low=1, high=65535, what="a port")
seed = partial(whole, low=0, high=20_000, what="a seed")


def workers(text: str) -> int:
    return whole(text, 1, 4 * (os.cpu_count() or 1), "a number of workers")


def widths(text: str) -> list[int]:
    if text == "0":
        return []
    return [whole(width, 1, 100_000, "a number of units") for width in text.split(",")]
