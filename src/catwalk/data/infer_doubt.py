"""Doubt: what the files leave open, and the variable that decides it."""

from catwalk.core.errors import UserError


class DoubtError(UserError):
    """More than one answer is possible; on a terminal the user is asked.

    Attributes:
        variable: what decides it: ``LABEL``, ``SHAPE``, ``TRAIN``, ...
        candidates: its possible values, the likeliest first; empty: any value.
    """

    def __init__(self, variable: str, question: str, candidates: list[str]) -> None:
        given = f"set {variable}=" + (f" to one of {listed(candidates, 130)}" if candidates else "")
        super().__init__(question, fix=given)
        self.variable, self.candidates = variable, candidates


def listed(names: list[str], longest: int) -> str:
    """Names for a message, cut off where they are too long together."""
    text = ", ".join(names)
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
