"""The command ``catwalk``: runs a stage and prints an error on one line."""

import argparse
import contextlib
import os
import sys
import time
import warnings
from pathlib import Path

from catwalk import arguments, command_hints, stages
from catwalk.core import stop_signals
from catwalk.core.errors import CatwalkError, one_line, to_user_error
from catwalk.core.paths import Paths

STOPPED = "stopped; finished work is kept, and the same command continues it"
# Where a stage keeps less.
STOPPED_IN = {
    "try": "stopped; finished work is kept, and the same command trains the network from its first epoch",
    "reproduce": "stopped; the same command trains all networks again",
}


def main(given: list[str] | None = None) -> int:
    """Run one stage and return the exit code.

    0 done, 2 user error, 3 network, 4 machine, 130 Ctrl-C, 141 nobody reads the output any more.
    """
    started = time.monotonic()
    options = arguments.parse(given)
    command_hints.remember(sys.argv[1:] if given is None else given)
    stop_signals.stop_by_signals()
    stopped = STOPPED_IN.get(options.stage, STOPPED)
    try:
        with warnings.catch_warnings():
            if not sys.warnoptions:  # python -W shows what libraries warn of
                warnings.simplefilter("ignore")
            stages.run(options, started)
    except CatwalkError as error:
        return _complain(options.stage, error)
    except KeyboardInterrupt as stop:  # a question's own message says what was not done
        return _tell(options.stage, str(stop) or stopped, 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader of our output has gone
        return 141
    except Exception as error:
        if stop_signals.Stopped.asked:
            return _tell(options.stage, stopped, 130)
        told = to_user_error(error) or _of_study(options, error)
        if told is None:
            raise
        return _complain(options.stage, told)
    return 0


def _of_study(options: argparse.Namespace, error: Exception) -> CatwalkError | None:
    from catwalk.search import storage_errors

    paths, shared = Paths(Path.cwd(), options.competition), getattr(options, "study", None) is not None
    return storage_errors.to_user_error(paths, error, shared)


def _complain(stage: str, error: CatwalkError) -> int:
    return _tell(stage, error.what, error.exit_code, error.where, error.fix)


def _tell(stage: str, what: str, code: int, where: str = "", fix: str = "") -> int:
    """Print why the command ends, with the user's variables in the commands that it advises."""
    stop_signals.stop_repeating()
    parts = (command_hints.completed(" ".join(part.split())) for part in (where, what, fix))
    with contextlib.suppress(OSError):  # the terminal may be closed
        print(one_line(f"catwalk {stage}", *parts), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
