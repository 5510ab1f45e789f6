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
