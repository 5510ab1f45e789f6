"""Talks to Kaggle: the only file that imports the official client, and only when a call is made.

What the client does that users should not have to know is undone here: importing ``kaggle`` logs in,
prints and may call the network; its calls have no time limit; a full disk it tries again for a minute;
without credentials it ends the process.
"""

import contextlib
import errno
import importlib.metadata
import importlib.util
import io
import sys
import time
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catwalk import kaggle_credentials
from catwalk.errors import NetworkError, UserError
from catwalk.patience import TIMEOUT, time_limit

RETRIES = 3  # of a question that changes nothing, after an answer that asks for patience
LONGEST_WAIT = 60.0  # seconds before such a retry, whatever Kaggle asks for
BUSY = (429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Quota:
    """Submissions to a competition: how many were made, and how many are still allowed now."""

    today: int
    total: int
    left: int


@dataclass(frozen=True)
class Sent:
    """A submission as Kaggle has it.

    Attributes:
        ref: its number.
        description: as it was sent.
        status: "pending", "complete" or "error".
        public: the public score, None where there is none yet.
        error: Kaggle's reason, where it gives one.
    """

    ref: int
    description: str
    status: str
    public: float | None
    error: str


def quota(competition: str) -> Quota:
    """How many submissions were made and are left; all zero before one has joined the competition.

    Raises:
        NetworkError: Kaggle can't be reached or failed.
        UserError: Kaggle refuses the credentials, or there is no such competition.
    """
    said = _asked(_rules(competition), lambda api: api.competition_get_submission_limits(competition))
    return Quota(int(said.num_today or 0), int(said.num_total or 0), int(said.num_allowed_now or 0))


def sent(competition: str) -> list[Sent]:
    """The latest submissions, the newest first; raises as ``quota``."""
    page = _rules(competition)
    listed = _asked(page, lambda api: api.competition_submissions(competition, page_size=50)) or []
    return [
        Sent(
            ref=int(one.ref or 0),
            description=str(one.description or ""),
            status=one.status.name.lower(),
            public=_score(one.public_score),
            error=str(one.error_description or ""),
        )
        for one in listed
    ]


def _score(text: Any) -> float | None:
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


def upload(competition: str, csv: Path, description: str) -> int:
    """Send a submission, and return its ref.

    Where the answer is lost it is looked up whether the submission counted, by its description.

    Raises:
        NetworkError: the upload failed, or Kaggle can't be reached; look at ``sent`` before trying again.
        UserError: Kaggle refuses it: credentials, rules, quota.
    """
    try:
        with _client(_rules(competition)) as api:
            answer = api.competition_submit(str(csv), description, competition, quiet=True)
    except NetworkError as error:
        known = [one.ref for one in sent(competition) if one.description == description]
        if not known:
            raise NetworkError(f"{error}; the submission did not arrive: make submit again") from None
        return known[0]
    if not answer.ref:
        raise NetworkError("the upload to Kaggle failed, nothing was submitted: make submit again")
    return int(answer.ref)


def _rules(competition: str) -> str:
    return f"https://www.kaggle.com/competitions/{competition}/rules"


def _asked(page: str, question: Callable[[Any], Any]) -> Any:
    """The answer to a question that changes nothing; asked again where Kaggle asks for patience."""
    import requests

    with _client(page) as api:
        for attempt in range(RETRIES):
            try:
                return question(api)
            except requests.HTTPError as error:
                if error.response is None or error.response.status_code not in BUSY:
                    raise
                asked = error.response.headers.get("Retry-After", "")
                time.sleep(min(float(asked) if asked.isdigit() else 2.0**attempt, LONGEST_WAIT))
        return question(api)


def download_dataset(dataset: str, folder: Path) -> Path:
    """Download a public or private dataset as one zip.

    Args:
        dataset: "owner/slug".
        folder: where the zip goes; a part that an earlier try left there is gone on with.

    Returns:
        The zip's path; its content has not been checked.

    Raises:
        NetworkError: Kaggle can't be reached or failed.
        UserError: Kaggle refuses the credentials, or there is no such dataset.
    """
    page = f"https://www.kaggle.com/datasets/{dataset}"
    # Without force the client goes on with a part that is there, if it is of the same file.
    _asked(page, lambda api: api.dataset_download_files(dataset, path=str(folder), quiet=_quiet()))
    return folder / f"{dataset.split('/')[1]}.zip"


def download_competition(competition: str, folder: Path) -> Path:
    """Download a competition's files as one zip; otherwise as ``download_dataset``."""
    page = _rules(competition)
    _asked(page, lambda api: api.competition_download_files(competition, path=str(folder), quiet=_quiet()))
    return folder / f"{competition}.zip"


def _quiet() -> bool:
    return not sys.stderr.isatty()  # the client draws its progress bar with tqdm, on stderr


@contextlib.contextmanager
def _client(page: str) -> Iterator[Any]:
    """The authenticated client (anonymous without credentials); its errors come out as ours."""
    import requests

    try:
        with time_limit(), contextlib.redirect_stdout(io.StringIO()):
            api = _api_class()()
            # It ends the process where it finds no credentials; public datasets don't need any.
            with contextlib.suppress(SystemExit):
                api.authenticate()
            yield api
    except requests.HTTPError as error:
        raise _refused(error, page) from None
    except requests.ConnectionError:
        raise NetworkError(
            "Kaggle can't be reached: check the network, or take data from another SOURCE="
        ) from None
    except requests.Timeout:
        raise NetworkError(f"Kaggle did not answer within {TIMEOUT} s: try again later") from None
    except requests.RequestException as error:
        raise NetworkError(f"Kaggle: {type(error).__name__}: try again later") from None
    except (ImportError, FileNotFoundError, ValueError) as error:
        raise UserError(f"the Kaggle client failed: {error}: run make setup") from None


def _refused(error: Any, page: str) -> NetworkError | UserError:
    status = error.response.status_code if error.response is not None else 0
    if status == 400:
        return UserError(f"Kaggle refuses it (400): {_reason(error)}")
    if status == 401:
        known = kaggle_credentials.usable()
        used = f"the {known[0].kind} from {known[0].where}" if known else "a call without credentials"
        return UserError(
            f"Kaggle refuses {used} (401): renew it at https://www.kaggle.com/settings; "
            "catwalk kaggle shows what else is set up"
        )
    if status == 403:
        return UserError(f"Kaggle says no (403): log in and accept the rules at {page}")
    if status == 404:
        return UserError(f"Kaggle has no such page (404): {page}; mend the name in the TOML")
    return NetworkError(f"Kaggle answers {status or 'nothing of use'}: try again later")


def _reason(error: Any) -> str:
    """What Kaggle's answer says."""
    try:
        return str(error.response.json()["message"])[:200]
    except (ValueError, KeyError, TypeError):
        return "it gives no reason"


def _api_class() -> type[Any]:
    """Import KaggleApi without running ``kaggle/__init__.py``, which would log in on the spot."""
    if "kaggle" not in sys.modules:
        spec = importlib.util.find_spec("kaggle")
        if spec is None or spec.submodule_search_locations is None:
            raise ImportError("the package kaggle is not installed")
        package = types.ModuleType("kaggle")
        package.__path__ = list(spec.submodule_search_locations)
        package.__dict__["__version__"] = importlib.metadata.version("kaggle")
        sys.modules["kaggle"] = package
    from kaggle.api.kaggle_api_extended import KaggleApi

    class Api(KaggleApi):  # type: ignore[misc]
        def _is_rate_limited(self, error: Exception) -> bool:
            """It is asked before each retry of a download, which the client makes for a full disk too."""
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
                raise error
            return bool(super()._is_rate_limited(error))

    return Api
