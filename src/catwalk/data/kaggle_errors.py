"""Errors for Kaggle's HTTP error responses, and for when Kaggle can't be reached."""

from pathlib import Path
from typing import Any

from catwalk.core import advice, terminal
from catwalk.core.errors import LONGEST, NetworkError, UserError, shown
from catwalk.core.http_timeout import TIMEOUT
from catwalk.data import kaggle_credentials
from catwalk.data.kaggle_names import Page

LEAST = 20  # where fewer fit, it is left out
LINE = 275  # characters of a message without its quotes: with the stage's name before it, a line of 300


def to_user_error(error: Any, page: Page) -> NetworkError | UserError:
    """The error to show for a ``requests.RequestException`` of a call about ``page``."""
    import requests

    if isinstance(error, requests.HTTPError):
        return _of_status(error, page)
    if isinstance(error, requests.exceptions.SSLError):
        return NetworkError(
            "Kaggle's certificate can't be verified",
            fix="a proxy or virus scanner may intercept it: set REQUESTS_CA_BUNDLE= to its certificate",
        )
    if isinstance(error, requests.exceptions.ProxyError):
        return NetworkError(
            "offline: the proxy does not answer",
            fix="check the network and HTTPS_PROXY, and run the command again",
        )
    if isinstance(error, requests.Timeout):
        return NetworkError(f"Kaggle did not answer within {TIMEOUT} s", fix=advice.TRY_LATER)
    if isinstance(error, requests.ConnectionError):
        return _unreachable(error)
    return NetworkError(f"the call to Kaggle failed ({type(error).__name__})", fix=advice.TRY_LATER)


def _unreachable(error: Exception) -> NetworkError:
    from urllib3.exceptions import ProtocolError

    if error.args and isinstance(error.args[0], ProtocolError):
        return NetworkError("the connection to Kaggle was lost", fix=advice.RUN_AGAIN)
    return NetworkError(
        "offline: no network, or Kaggle can't be reached", fix="connect and run the command again"
    )


def _of_status(error: Any, page: Page) -> NetworkError | UserError:
    """The error for an HTTP error response, with as much of Kaggle's own text as fits on the line."""
    status = error.response.status_code if error.response is not None else 0
    bare = _explained(status, "", page)
    room = min(LONGEST, LINE - len(str(bare)))
    said = _words(error, room) if room >= LEAST else ""
    return _explained(status, f": {said}", page) if said else bare


def _explained(status: int, words: str, page: Page) -> NetworkError | UserError:
    """The error for a status; ``words`` are put behind its number."""
    if status in (401, 403) and not kaggle_credentials.usable():
        return UserError(
            f"Kaggle requires a login ({status}{words}), but no credential is set up",
            fix=kaggle_credentials.how_to_get(),
        )
    if status == 400:
        return UserError(f"Kaggle rejected the request (400{words})", fix=f"look at {page.address}")
    if status == 401:
        used = kaggle_credentials.usable()[0]
        renew = (
            f"run {kaggle_credentials.client_command(Path.cwd())} auth login --force"
            if used.kind == kaggle_credentials.LOGIN
            else f"renew it at {kaggle_credentials.SETTINGS}"
        )
        others = "" if terminal.is_notebook() else "; make kaggle shows what else is set up"
        return UserError(
            f"Kaggle rejected the {used.kind} from {used.where} (401{words})",
            fix=f"{renew}{others}",
        )
    if status == 403:  # also Kaggle's answer where there is no such competition
        join = (
            f"join the competition and accept the rules at {page.rules}; "
            "if there is no such page, correct the name"
            if page.kind == "competition"
            else ""
        )
        return UserError(
            f"access denied (403{words})",
            where=page.given,
            fix=join or f"look at {page.address} as the same Kaggle user",
        )
    if status == 404:
        first = "joined" if page.kind == "competition" else "shared with you"
        return UserError(
            f"Kaggle has no {page.kind} {page.name} (404{words})",
            where=page.given,
            fix=f"compare the name with its page's address; a private {page.kind} must be {first} first",
        )
    if status == 429:
        return NetworkError(f"Kaggle limits how often it is asked (429{words})", fix=advice.TRY_LATER)
    return NetworkError(
        f"unexpected answer from Kaggle (status {status or 'unknown'}{words})", fix=advice.TRY_LATER
    )


def _words(error: Any, room: int) -> str:
    """The message in Kaggle's answer, quoted; empty if there is none."""
    try:
        return quoted(str(error.response.json()["message"]), room)
    except (AttributeError, ValueError, KeyError, TypeError):
        return ""


def quoted(words: str, room: int = LONGEST) -> str:
    """Kaggle's own text as shown in messages: quoted, short, without control characters or secrets."""
    said = shown(kaggle_credentials.without_secrets(words), room)
    return f'"{said}"' if said else ""
