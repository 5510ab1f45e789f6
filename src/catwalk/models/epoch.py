"""Epoch: what is recorded of a training each time it has seen all pictures; imports nothing heavy."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Epoch:
    """One finished epoch, as it goes from worker to parent and into the trial's history.

    Attributes:
        epoch: from 1.
        epochs: how many are planned in all.
        train_loss, train_accuracy: mean over the epoch's batches, as the net was then, with dropout.
        loss, accuracy: on the validation rows, at the epoch's end.
    """

    epoch: int
    epochs: int
    train_loss: float
    train_accuracy: float
    loss: float
    accuracy: float
