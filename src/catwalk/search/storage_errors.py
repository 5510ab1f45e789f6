"""Storage errors: the message to the user when the study's storage can't be used."""

import platform
import re
import sqlite3
from pathlib import Path

from sqlalchemy import exc

from catwalk.core.errors import CatwalkError, MachineError, NetworkError, UserError, shown
from catwalk.core.paths import Paths

DELETED = "Record does not exist"  # how Optuna says it (optuna/storages/_base.py)
LIBRARIES = ("optuna", "sqlalchemy", "sqlite3")
DAMAGED = ("malformed", "not a database")  # SQLite's words, in whichever class of error
DISK_FULL = "53100"  # PostgreSQL's code (its manual, appendix A)


def to_user_error(paths: Paths, error: Exception, shared: bool) -> CatwalkError | None:
    """The message for an error of the storage; None for any other error.

    Args:
        paths: the competition's.
        error: what was raised.
        shared: whether the storage is a team's.
    """
    if isinstance(error, KeyError) and DELETED in str(error):
        return UserError("the study was deleted meanwhile", fix="the same command creates a new one")
    if type(error).__module__.split(".")[0] not in LIBRARIES:
        return None
    return unreachable(error) if shared else unusable(paths, error)


def of_team(paths: Paths, error: Exception) -> CatwalkError:
    """The message for an error of a team's storage, for a line of the caller's own; raise any other."""
    known = to_user_error(paths, error, shared=True)
    if known is None:
        raise error
    return known


def unusable(paths: Paths, error: Exception) -> CatwalkError:
    """The message when study.db can't be opened, read or written."""
    said, file = reason(error), paths.shown(paths.study_db)
    of_the_disk = (exc.OperationalError, sqlite3.OperationalError)
    is_damaged = any(words in said for words in DAMAGED)
    if not is_damaged and any(isinstance(one, of_the_disk) for one in (error, error.__cause__)):
        fix = "make room on the disk, and check that you may write to the folder"
        if _is_windows_drive(paths.root) and "full" not in said:
            fix = "move the project into Linux's home folder: SQLite often fails on a Windows drive"
        elif "locked" in said:
            fix = "end or continue the program that uses it (a search stopped with Ctrl-Z: fg)"
        return MachineError(said, where=file, fix=fix)
    # Were the file renamed alone, a new study would replace the old one's trials.csv and networks.
    return UserError(
        f"{file} can't be used ({said})",
        fix=f'rename {paths.shown(paths.study)}; "make search" will then start a new study; '
        f"{paths.trials.name} and the networks stay in the renamed folder, and submissions are kept",
    )


def _is_windows_drive(folder: Path) -> bool:
    """Whether it is on a Windows drive, as WSL2 mounts it."""
    return "microsoft" in platform.release().lower() and bool(re.match(r"/mnt/[a-z]/", f"{folder}/"))


def unreachable(error: BaseException) -> CatwalkError:
    """The message when the team's server can't be used."""
    whole, said = _text(error), reason(error)
    if is_full(error):
        return MachineError(f"the disk of the team's server is full ({said})", fix="make room on that disk")
    if "password" in whole:
        return UserError(
            said,
            where="STUDY=",
            fix="put the password into ~/.pgpass (host:port:database:user:password, \\ before : and \\, "
            "chmod 600) or PGPASSWORD",
        )
    if "permission denied for" in whole:
        return UserError(
            said,
            where="STUDY=",
            fix="ask whoever runs the server for the right, as by GRANT CREATE ON SCHEMA public TO your_user",
        )
    if "does not exist" in whole or "no pg_hba.conf entry" in whole:
        return UserError(said, where="STUDY=", fix="ask whoever runs the server for the right STUDY=")
    return NetworkError(
        f"the team's study can't be reached ({said})",
        fix="check the network, and that the server runs with its port open; "
        "finished trials are kept, and the same command continues where it stopped",
    )


def is_full(error: BaseException) -> bool:
    """Whether the server has no room on its disk; waiting would not help."""
    errors = (getattr(one, "orig", None) for one in (error, error.__cause__))
    return any(getattr(one, "sqlstate", None) == DISK_FULL for one in errors)


def reason(error: BaseException) -> str:
    """The underlying database error, in one line, as messages show it."""
    return shown(_text(error))


def _text(error: BaseException) -> str:
    """The same, however long."""
    cause = getattr(error, "orig", None) or getattr(error.__cause__, "orig", None) or error.__cause__ or error
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    said = lines[0] if lines else type(cause).__name__
    return said.replace("connection failed: ", "")
