"""What catwalk says when it cannot go on: one line (what, where, the mend) and an exit code."""


class CatwalkError(Exception):
    """An error whose message is the whole story for the user; printed without a traceback."""

    exit_code = 1


class UserError(CatwalkError):
    """The user mends it: input, arguments, credentials."""

    exit_code = 2


class NetworkError(CatwalkError):
    """The network or a service failed; trying again later may help."""

    exit_code = 3


class MachineError(CatwalkError):
    """The machine is at its limit: disk, memory, permissions."""

    exit_code = 4
