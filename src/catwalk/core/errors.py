"""What catwalk says when it cannot go on: one line (where, what, the fix) and an exit code."""

import errno
from pathlib import Path

from catwalk.core import advice

LONGEST = 120  # characters of others' words in a message


class CatwalkError(Exception):
    """An error whose message is the whole story for the user; printed without a traceback.

    Args:
        what: is wrong, in plain English.
        where: the file, row or variable that it is in.
        fix: what the reader can do about it: a command, or what to change in which file.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(": ".join(part for part in (where, what, fix) if part))
        self.what, self.where, self.fix = what, where, fix

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows, by IPython's custom: the one line."""
        return [str(self)]


class UserError(CatwalkError):
    """The user can fix it: input, arguments, credentials."""

    exit_code = 2


class NetworkError(CatwalkError):
    """The network or a service failed; trying again later may help."""

    exit_code = 3


class MachineError(CatwalkError):
    """The machine is at its limit: disk, memory, permissions."""

    exit_code = 4


FIXES = {
    errno.ENOSPC: advice.MAKE_ROOM,
    errno.EDQUOT: advice.MAKE_ROOM,
    errno.EACCES: "make it readable and writable for you",
    errno.EROFS: "use a folder that can be written to",
}


def shown(words: object, longest: int = LONGEST) -> str:
    """The words of a library or another program as a message may show them: on one line, escaped, short."""
    text = " ".join(str(words).split())
    text = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)
    return text if len(text) <= longest else text[: longest - 3] + "..."


def _of_the_system(error: OSError) -> str:
    """An OSError's words; "file exists" is also said of a link whose target is gone, as a disk taken out."""
    path = Path(str(error.filename or "."))
    if isinstance(error, FileExistsError) and path.is_symlink() and not path.exists():
        return f"a link to {shown(path.readlink())}, which is not there"
    return shown(error.strerror or error)


def to_user_error(error: Exception) -> CatwalkError | None:
    """What an error of the machine or of a missing package means for the user; None for any other."""
    if isinstance(error, MemoryError):
        return MachineError("out of memory", fix=advice.CLOSE_PROGRAMS)
    if isinstance(error, OSError):
        fix = FIXES.get(error.errno or 0, "look at the path and try again")
        return MachineError(_of_the_system(error), where=str(error.filename or ""), fix=fix)
    if isinstance(error, ImportError) and error.name and not error.name.startswith("catwalk"):
        return MachineError(f"the package {error.name} can't be imported", fix=advice.RUN_SETUP)
    return None
