"""Plurals: a number and its noun, as messages and slides have them."""


def counted(count: int, noun: str) -> str:
    """A number and its noun: "1 trial", "7 trials"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
