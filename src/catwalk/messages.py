"""Messages: what the search's parent and its workers send each other; imports nothing heavy."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Order:
    """Parent to worker: run one trial.

    Attributes:
        seconds: until the training must be over; None: nothing asks the clock.
        budget: of the whole search in seconds; None as above.
        spent: seconds of search so far, in all runs.
    """

    seconds: float | None
    budget: float | None
    spent: float


@dataclass(frozen=True)
class Epoch:
    """Worker to parent, and into the trial's history: one finished epoch.

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
