"""Errors: each has a one-line message (where, what, the fix) and an exit code, the system's errors too."""

import errno
import re
import zipfile
import zlib
from pathlib import Path

from catwalk.core import advice

LONGEST = 120  # characters of another program's text in a message
LINE = 300  # characters of an error's line
LEAST = 40  # of them that stay of where the error is, and of what is wrong
# What NumPy raises if a file of arrays can't be read: it is missing, damaged, or another kind of file.
UNREADABLE_ARRAYS: tuple[type[Exception], ...] = (
    OSError, ValueError, EOFError, KeyError, TypeError, RuntimeError, zlib.error, zipfile.BadZipFile,
)  # fmt: skip


class CatwalkError(Exception):
    """An error whose message tells the user everything; printed without a traceback.

    Args:
        what: what is wrong, in plain English.
        where: the file, row or variable that is affected.
        fix: what the reader can do about it: a command, or what to change in which file.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(_joined(where, what, fix))
        self.what, self.where, self.fix = what, where, fix

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows instead of a traceback (IPython calls this): the message."""
        return [str(self)]


class UserError(CatwalkError):
    """An error that the user can fix: input, arguments, credentials."""

    exit_code = 2


class NetworkError(CatwalkError):
    """The network or a service failed; trying again later may help."""

    exit_code = 3


class MachineError(CatwalkError):
    """A problem with the machine: disk space, memory, permissions."""

    exit_code = 4


FIXES = {
    errno.ENOSPC: advice.MAKE_ROOM,
    errno.EDQUOT: advice.MAKE_ROOM,
    errno.EACCES: "make it readable and writable for your user",
    errno.EROFS: "use a folder that can be written to",
    errno.EMFILE: "close other programs, or allow more open files first: ulimit -n 4096",
    errno.ENFILE: "close other programs",
}


def shown(text: object, longest: int = LONGEST) -> str:
    """Text from a library or another program, made safe for a message: on one line, escaped, short."""
    line = " ".join(str(text).split())
    line = "".join(char if char.isprintable() else repr(char)[1:-1] for char in line)
    return line if len(line) <= longest else line[: longest - 3] + "..."


def one_line(stage: str, where: str, what: str, fix: str) -> str:
    """The line for an error, of at most ``LINE`` characters.

    If it is too long, ``where`` is cut at its beginning, then ``what`` at its end, and ``fix`` last of all.
    """
    if not fix:  # another process has told the whole error, with the advice at its end
        what, _, fix = what.rpartition(": ")
    over = len(_joined(stage, where, what, fix)) - LINE
    if over > 0 and len(where) > LEAST:
        where = f"...{where[-max(LEAST, len(where) - over) + 3 :]}"
    over = len(_joined(stage, where, what, fix)) - LINE
    if over > 0 and len(what) > LEAST:
        what = f"{what[: max(LEAST, len(what) - over) - 3]}..."
    line = _joined(stage, where, what, fix)
    return line if len(line) <= LINE else f"{line[: LINE - 3]}..."


def _joined(*parts: str) -> str:
    return ": ".join(part for part in parts if part)


def without_url_passwords(text: str) -> str:
    """A text without the passwords of URLs that it may contain."""
    return re.sub(r"//\S*@|pass\w*=[^\s&]*", "...", text)


def _system_message(error: OSError) -> str:
    """An OSError's message; "file exists" may also mean a broken link, for example to a removed disk."""
    path = Path(str(error.filename or "."))
    if isinstance(error, FileExistsError) and path.is_symlink() and not path.exists():
        return f"broken link to {shown(path.readlink())}"
    return shown(error.strerror or error)


def to_user_error(error: Exception) -> CatwalkError | None:
    """The error to show for a problem with the machine or a missing package; None for any other."""
    if isinstance(error, MemoryError):
        return MachineError("out of memory", fix=advice.CLOSE_PROGRAMS)
    if isinstance(error, OSError):
        fix = FIXES.get(error.errno or 0, "check the path and try again")
        return MachineError(_system_message(error), where=str(error.filename or ""), fix=fix)
    if isinstance(error, ImportError) and error.name and not error.name.startswith("catwalk"):
        return MachineError(f"the package {error.name} can't be imported", fix=advice.RUN_SETUP)
    return None
