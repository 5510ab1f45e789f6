"""What Kaggle's refusals, and a Kaggle that can't be reached, mean for the user."""

from typing import Any

from catwalk.core import advice
from catwalk.core.errors import NetworkError, UserError
from catwalk.core.http_timeout import TIMEOUT
from catwalk.data import kaggle_credentials
from catwalk.data.kaggle_names import Page

WORDS = 120  # characters of Kaggle's own words in a line, at most
LONG = 45  # characters of a name beside which they still have that room


def to_user_error(error: Any, page: Page) -> NetworkError | UserError:
    """What a ``requests.RequestException`` means, of a call about ``page``."""
    import requests

    if isinstance(error, requests.HTTPError):
        return _refused(error, page)
    if isinstance(error, requests.exceptions.SSLError):
        return NetworkError(
            "Kaggle's certificate can't be verified",
            fix="a proxy or a virus scanner may stand between: name its certificate in REQUESTS_CA_BUNDLE=",
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
        return NetworkError("the connection to Kaggle broke", fix=advice.RUN_AGAIN)
    return NetworkError(
        "offline: no network, or none that reaches Kaggle", fix="connect and run the command again"
    )


def _refused(error: Any, page: Page) -> NetworkError | UserError:
    status = error.response.status_code if error.response is not None else 0
    room = WORDS - max(0, len(page.name) - LONG)  # a long name's address takes their place in the line
    words = f": {said}" if (said := _words(error, room)) else ""
    if status in (401, 403) and not kaggle_credentials.usable():
        return UserError(
            f"Kaggle wants a login ({status}{words}), and no credential is set up here",
            fix=kaggle_credentials.how_to_get(),
        )
    if status == 400:
        return UserError(f"Kaggle refuses it (400{words})", fix=f"look at {page.address}")
    if status == 401:
        used = kaggle_credentials.usable()[0]
        return UserError(
            f"Kaggle refuses the {used.kind} from {used.where} (401)",
            fix=f"renew it at {kaggle_credentials.SETTINGS}; catwalk kaggle shows what else is set up",
        )
    if status == 403:
        join = f"join it and accept the rules at {page.rules}" if page.kind == "competition" else ""
        return UserError(
            f"Kaggle denies access (403{words})", fix=join or f"look at {page.address} as the same user"
        )
    if status == 404:
        return UserError(
            f"Kaggle has no {page.kind} {page.name} (404)",
            where=page.given,
            fix=f"compare the name with its page's address; a private {page.kind} has to be joined first",
        )
    return NetworkError(f"Kaggle answers {status or 'nothing of use'}", fix=advice.TRY_LATER)


def _words(error: Any, room: int) -> str:
    """What Kaggle's answer says, quoted; empty where it says nothing."""
    try:
        return quoted(str(error.response.json()["message"]), room)
    except (AttributeError, ValueError, KeyError, TypeError):
        return ""


def quoted(words: str, room: int = WORDS) -> str:
    """Kaggle's own words as a line may show them: in quotes, short, without control characters or secrets."""
    words = " ".join(kaggle_credentials.masked(words).split())
    shown = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in words)
    return f'"{shown if len(shown) <= room else shown[: room - 3] + "..."}"' if shown else ""
