"""What catwalk says when it cannot go on: one line (where, what, the fix) and an exit code."""


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


class UserError(CatwalkError):
    """The user can fix it: input, arguments, credentials."""

    exit_code = 2


class NetworkError(CatwalkError):
    """The network or a service failed; trying again later may help."""

    exit_code = 3


class MachineError(CatwalkError):
    """The machine is at its limit: disk, memory, permissions."""

    exit_code = 4
