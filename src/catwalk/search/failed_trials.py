"""Failed trials: how their errors are recorded, and when so many have failed that the search ends."""

import re
from typing import TYPE_CHECKING

from catwalk.core import advice, gpus
from catwalk.core.errors import FIXES, CatwalkError, MachineError, UserError
from catwalk.search import storage_errors

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.trial import FrozenTrial

REASON = "failed"  # the attribute that says why a trial failed, whatever the cause
ERROR = "error"  # the attribute of a trial that an error of its own ended: the error's kind
# Reasons that are nobody's fault: the trial is queued again, for a search that goes on.
NO_EPOCH = "the budget ended before its first epoch did"
UNFINISHED = "the budget ended before its training did"
TOO_SHORT = "the rest of the budget was too short for enough epochs"
OUT_OF_TIME = (NO_EPOCH, UNFINISHED, TOO_SHORT)
WITHDRAWN = "make try was stopped"  # of a network of the user's own: it is not queued again
REASON_LENGTH = 200
SAID_LENGTH = 80  # characters of the reason in the message that ends a search
ENOUGH = 10  # trials from which more than half failing ends the search
MEMORY = "out of memory"
# What NumPy says, without an errno, where the disk is full.
NOT_WRITTEN = re.compile(r"\d+ requested and \d+ written|Not enough free space to write")
# TensorFlow's errors where a GPU or CUDA's libraries fail.
OF_GPU = (
    MEMORY,
    "InternalError",
    "UnknownError",
    "UnimplementedError",
    "FailedPreconditionError",
    "NotFoundError",
)


def keep(trial: "Trial", error: Exception) -> None:
    """Record why a trial failed; disk and storage errors are not the trial's own."""
    trial.set_user_attr(REASON, reason(error))
    if not is_of_machine(error):
        trial.set_user_attr(ERROR, MEMORY if _is_of_memory(error) else type(error).__name__)


def reason(error: Exception) -> str:
    """The error in one line of at most ``REASON_LENGTH`` characters."""
    if isinstance(error, CatwalkError):
        return str(error)[:REASON_LENGTH]
    first = next((line for line in str(error).splitlines() if line.strip()), "")
    said = " ".join(f"{type(error).__name__}: {first}".split()).rstrip(":")
    return said if len(said) <= REASON_LENGTH else said[: REASON_LENGTH - 1] + "…"


def fix(error: Exception) -> str:
    """What to do about an error that ends a worker; "" if its number does not tell."""
    if not isinstance(error, OSError):
        return ""
    return advice.MAKE_ROOM if NOT_WRITTEN.search(str(error)) else FIXES.get(error.errno or 0, "")


def is_of_machine(error: Exception) -> bool:
    """Whether the disk, the network or the storage failed: the trial may succeed in another process."""
    return isinstance(error, OSError) or type(error).__module__.split(".")[0] in storage_errors.LIBRARIES


def _is_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"  # TensorFlow's


def has_error(trial: "FrozenTrial") -> bool:
    """Whether a trial failed with an error of its own: the same parameters would fail again."""
    return ERROR in trial.user_attrs and trial.state.name == "FAIL"


def check(table: str, trials: "list[FrozenTrial]", ours: set[int]) -> None:
    """End a search whose whole portfolio failed, or more than half of at least ten trials.

    Killed and pruned trials, and those whose loss diverged, do not count as failed here.

    Args:
        table: the file that lists the trials, as messages show it.
        trials: all of the study.
        ours: numbers of the trials that this search has begun.

    Raises:
        MachineError: so many failed, the last one for lack of memory, or on a GPU.
        UserError: so many failed, the last one for another reason.
    """
    mine = [trial for trial in trials if trial.number in ours]
    failed = [trial for trial in mine if has_error(trial)]
    latest = {trial.user_attrs.get("kind", ""): trial for trial in trials}
    latest = {kind: trial for kind, trial in latest.items() if kind.startswith("portfolio")}
    ended = len(failed) + sum(trial.state.name in ("COMPLETE", "PRUNED") for trial in mine)
    if failed and latest and all(map(has_error, latest.values())):
        which = f"all {len(latest)} trials of the portfolio failed"
    elif ended >= ENOUGH and 2 * len(failed) > ended:
        which = f"{len(failed)} of {ended} trials failed"
    else:
        return
    last = failed[-1]
    what = f"{which}, the last one: {str(last.user_attrs[REASON])[:SAID_LENGTH]}"
    kept = f"{table} lists every reason; finished trials are kept"
    if last.user_attrs[ERROR] in OF_GPU and gpus.found():
        raise MachineError(what, fix=f"{advice.ON_THE_CORES}; {kept}")
    if last.user_attrs[ERROR] == MEMORY:
        raise MachineError(what, fix=f"{advice.CLOSE_PROGRAMS}; {kept}")
    raise UserError(what, fix=f"undo changes to space.py or portfolio.py, if there are any; {kept}")
