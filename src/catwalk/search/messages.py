"""Messages between the search's parent process and its workers; imports nothing heavy.

They are never stored, and both processes run the same catwalk, so they have no schema version.
"""

from dataclasses import dataclass

from catwalk.models.epoch import Epoch


@dataclass(frozen=True)
class Order:
    """Parent to worker: run one trial.

    Attributes:
        seconds: until the training must be over; None: no time limit.
        budget: of the whole search in seconds; None as above.
        spent: seconds of search so far, in all runs.
    """

    seconds: float | None
    budget: float | None
    spent: float


@dataclass(frozen=True)
class Ready:
    """Worker to parent, once: it has imported TensorFlow and waits for a task."""


@dataclass(frozen=True)
class TrialBegun:
    """Worker to parent: it has begun this trial.

    Attributes:
        trial: its number.
        kind: where it comes from, as "softmax" or "search".
    """

    trial: int
    kind: str


@dataclass(frozen=True)
class EpochEnded:
    """Worker to parent: an epoch of its trial has ended; number and kind as in ``TrialBegun``."""

    trial: int
    kind: str
    epoch: Epoch


@dataclass(frozen=True)
class Done:
    """Worker to parent: its trial has ended, whatever the outcome, and it waits for a task."""


@dataclass(frozen=True)
class Failed:
    """Worker to parent: an error that it can't recover from; it exits.

    Attributes:
        reason: in one line, for people.
        fix: what to do about it; "": that is not known.
    """

    reason: str
    fix: str = ""


Message = Ready | TrialBegun | EpochEnded | Done | Failed
