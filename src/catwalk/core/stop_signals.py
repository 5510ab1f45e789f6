"""Stop signals: Ctrl-C, SIGTERM and SIGHUP stop a command, whatever it does, only once and in good order."""

import contextlib
import signal
import sys
from collections.abc import Iterator
from multiprocessing import resource_tracker
from types import FrameType

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # SIGHUP: the terminal is closed, or ssh is lost
SOON = 0.01  # seconds until a dropped stop is repeated
AGAIN = 5.0  # seconds until the stop is repeated, in case a library has swallowed the first one


class Stopped(KeyboardInterrupt):
    """The command was asked to stop, by one of ``STOPS``."""

    asked = False  # whether it was: an interrupted import may fail with a different error


def stop_by_signals() -> None:
    """Let SIGTERM and SIGHUP stop the command as Ctrl-C does; one that is ignored (nohup) stays so."""
    Stopped.asked = False
    for number in (*STOPS, signal.SIGALRM):
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
    for number in (*STOPS, signal.SIGALRM):
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
    heeded = [one for one in STOPS if signal.getsignal(one) != signal.SIG_IGN]  # the others stay ignored
    before = {one: signal.signal(one, lambda number, _: received.append(number)) for one in heeded}
    resource_tracker.ensure_running()  # starting it would unblock SIGINT
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        for number, handler in before.items():
            signal.signal(number, handler)
    if received:
        raise Stopped
