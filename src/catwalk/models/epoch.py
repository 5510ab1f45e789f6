"""Epoch: the record of one pass over the training pictures; imports nothing heavy."""

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Epoch:
    """One finished epoch, as sent from worker to parent and stored in the trial's history.

    Attributes:
        epoch: from 1.
        epochs: how many are planned in all.
        train_loss, train_accuracy: mean over the epoch's batches, as the network was then, with dropout.
        loss, accuracy: on the validation rows, at the epoch's end.
        second: seconds of search at its end; None: it is not part of a search.
    """

    epoch: int
    epochs: int
    train_loss: float
    train_accuracy: float
    loss: float
    accuracy: float
    second: float | None = None

    def rounded(self) -> "Epoch":
        """This epoch, rounded to six decimals for storage."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        known: dict[str, Any] = {name: round(x, 6) for name, x in values.items() if x is not None}
        return Epoch(**known)
