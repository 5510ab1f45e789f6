"""Stop signals: Ctrl-C and SIGTERM stop the command, whatever it is doing, only once and in good order."""

import contextlib
import signal
import sys
from collections.abc import Iterator
from multiprocessing import resource_tracker
from types import FrameType

SOON = 0.01  # seconds until a dropped stop is repeated
AGAIN = 5.0  # seconds until the stop is repeated, in case a library has swallowed the first one


class Stopped(KeyboardInterrupt):
    """The command was asked to stop: Ctrl-C or SIGTERM."""

    asked = False  # whether it was: an interrupted import may fail with a different error


def stop_by_signals() -> None:
    """Let SIGTERM stop the command as Ctrl-C does, unless the signal is ignored."""
    Stopped.asked = False
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop)
    sys.unraisablehook = _stop_soon


def _stop(_number: int, _frame: FrameType | None) -> None:
    Stopped.asked = True
    signal.setitimer(signal.ITIMER_REAL, AGAIN, AGAIN)
    raise Stopped


def stop_repeating() -> None:
    """Stop repeating the stop signal: the command is already stopping."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def leave_in_peace() -> None:
    """Ignore all further stop signals: the work is done."""
    stop_repeating()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)


def _stop_soon(dropped: "sys.UnraisableHookArgs") -> None:
    """Repeat a stop that Python dropped because it was raised in a destructor."""
    if issubclass(dropped.exc_type, Stopped):
        signal.setitimer(signal.ITIMER_REAL, SOON, AGAIN)
    else:
        sys.__unraisablehook__(dropped)


@contextlib.contextmanager
def unstopped() -> Iterator[None]:
    """Delay stop signals until after the block; processes started within it ignore Ctrl-C.

    A terminal's Ctrl-C reaches the whole group; the parent alone decides what it means. A child
    whose parent dies before it has sent the task would show a traceback.
    """
    received: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {one: signal.signal(one, lambda number, _: received.append(number)) for one in numbers}
    resource_tracker.ensure_running()  # starting it would unblock SIGINT
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        for number, handler in before.items():
            signal.signal(number, handler)
    if any(before[signal.Signals(number)] != signal.SIG_IGN for number in received):
        raise Stopped
