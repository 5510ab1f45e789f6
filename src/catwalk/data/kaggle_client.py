"""Calls Kaggle's API: the only module that imports the official client, and only when a call is made.

It works around side effects of the client: importing ``kaggle`` logs in, prints and may call the network; its
calls have no timeout; on a full disk it retries for a minute; without credentials it exits the process.
"""

import contextlib
import errno
import importlib.metadata
import importlib.util
import io
import os
import sys
import tempfile
import time
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catwalk.core import advice, packages
from catwalk.core.errors import CatwalkError, NetworkError, UserError
from catwalk.core.http_timeout import time_limit
from catwalk.data import kaggle_credentials, kaggle_errors
from catwalk.data.kaggle_names import Page

RETRIES = 3  # of a read-only request, if Kaggle is busy
LONGEST_WAIT = 60.0  # seconds before such a retry, whatever Kaggle asks for
BUSY = (429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Quota:
    """A competition's submission quota.

    Attributes:
        today, total: submissions made since 00:00 UTC, and ever.
        left: how many are still allowed today.
        limited_by_total: whether that is so because of all that were made, not of today's.
    """

    today: int
    total: int
    left: int
    limited_by_total: bool


@dataclass(frozen=True)
class Sent:
    """A submission as Kaggle reports it.

    Attributes:
        ref: its number.
        description: as it was sent.
        status: "pending", "complete" or "error".
        public: the public score, None if there is none yet.
        error: Kaggle's reason, if it gives one.
    """

    ref: int
    description: str
    status: str
    public: float | None
    error: str


def quota(page: Page) -> Quota:
    """How many submissions have been made and are left; all zero until the user joins the competition.

    Raises:
        NetworkError: Kaggle can't be reached or failed.
        UserError: Kaggle rejects the credentials, or there is no such competition.
    """
    said = _request(page, lambda api: api.competition_get_submission_limits(page.name))
    return Quota(
        today=int(said.num_today or 0),
        total=int(said.num_total or 0),
        left=int(said.num_allowed_now or 0),
        limited_by_total=bool(said.limited_by_total),
    )


def sent(page: Page) -> list[Sent]:
    """The latest submissions, newest first; raises the same errors as ``quota``."""
    listed = _request(page, lambda api: api.competition_submissions(page.name, page_size=50)) or []
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


def upload(page: Page, csv: Path, description: str) -> int:
    """Upload a submission, and return its ref.

    If the response is lost, the list of submissions is searched for its description.

    Raises:
        NetworkError: the upload failed, or Kaggle can't be reached; look at ``sent`` before trying again.
        UserError: Kaggle rejects it: credentials, rules, quota.
    """
    try:
        with _client(page) as api:
            answer = api.competition_submit(str(csv), description, page.name, quiet=True)
    except NetworkError as error:
        known = [one.ref for one in sent(page) if one.description == description]
        if not known:
            raise NetworkError(
                f"{error.what}; the submission was not received", fix=advice.SUBMIT_AGAIN
            ) from None
        return known[0]
    if not answer.ref:
        raise NetworkError("the upload to Kaggle failed, nothing was submitted", fix=advice.SUBMIT_AGAIN)
    return int(answer.ref)


def _request(page: Page, call: Callable[[Any], Any]) -> Any:
    """The answer to a read-only request; retried if Kaggle is busy."""
    with _client(page) as api:
        return _retried(lambda: call(api))


def _retried(call: Callable[[], Any]) -> Any:
    """What a call returns that changes nothing at Kaggle: it is made again if Kaggle is busy."""
    import requests

    for attempt in range(RETRIES):
        try:
            return call()
        except requests.HTTPError as error:
            if error.response is None or error.response.status_code not in BUSY:
                raise
            asked = error.response.headers.get("Retry-After", "")
            time.sleep(min(float(asked) if asked.isdigit() else 2.0**attempt, LONGEST_WAIT))
    return call()


def download_dataset(page: Page, folder: Path) -> Path:
    """Download a public or private dataset as one zip.

    Args:
        page: the dataset's.
        folder: where the zip goes; a partial download from an earlier try is resumed.

    Returns:
        The zip's path; its content has not been checked.

    Raises:
        NetworkError: Kaggle can't be reached or failed.
        UserError: Kaggle rejects the credentials, or there is no such dataset.
    """
    # Without force the client resumes a partial download of the same file.
    _request(page, lambda api: api.dataset_download_files(page.name, path=str(folder), quiet=_quiet()))
    return folder / f"{page.name.split('/')[1]}.zip"


def download_competition(page: Page, folder: Path) -> Path:
    """Download a competition's files as one zip; otherwise as ``download_dataset``."""
    _request(page, lambda api: api.competition_download_files(page.name, path=str(folder), quiet=_quiet()))
    return folder / f"{page.name}.zip"


def _quiet() -> bool:
    return not sys.stderr.isatty()  # the client draws its progress bar with tqdm, on stderr


@contextlib.contextmanager
def _client(page: Page) -> Iterator[Any]:
    """The client, logged in if there are credentials; all its exceptions are raised as our errors."""
    import requests

    kaggle_credentials.check()
    try:
        with time_limit(), contextlib.redirect_stdout(io.StringIO()):
            yield _retried(_logged_in)
    except requests.RequestException as error:
        raise kaggle_errors.to_user_error(error, page) from None
    except (CatwalkError, OSError, MemoryError):
        raise  # OSError: from the disk that a download is written to
    except (SystemExit, Exception) as error:
        raise NetworkError(
            f"the Kaggle client failed ({type(error).__name__})", fix=advice.TRY_LATER
        ) from None


def _logged_in() -> Any:
    import requests

    if wanted := packages.too_old("kaggle"):  # as in notebooks' images
        version = importlib.metadata.version("kaggle")
        raise UserError(f"the Kaggle client {version} is too old", fix=f"run pip install '{wanted}'")
    try:
        api = _api_class()()
        api.authenticate()
    except (requests.RequestException, MemoryError):
        raise
    except ImportError:
        raise UserError("the Kaggle client can't be imported", fix=advice.RUN_SETUP) from None
    except (SystemExit, Exception) as error:
        used = kaggle_credentials.usable() or kaggle_credentials.credentials()
        raise UserError(
            f"the Kaggle client could not log in ({type(error).__name__})",
            where=used[0].where if used else "",
            fix=f"create a new API token at {kaggle_credentials.SETTINGS}",
        ) from None
    return api


def _api_class() -> type[Any]:
    """Import KaggleApi without running ``kaggle/__init__.py``, which would log in immediately."""
    if "kaggle" not in sys.modules:
        spec = importlib.util.find_spec("kaggle")
        if spec is None or spec.submodule_search_locations is None:
            raise ImportError("the package kaggle is not installed")
        package = types.ModuleType("kaggle")
        package.__path__ = list(spec.submodule_search_locations)
        package.__dict__["__version__"] = importlib.metadata.version("kaggle")
        sys.modules["kaggle"] = package
    with _import_environment():
        from kaggle.api.kaggle_api_extended import KaggleApi, KaggleCredentials

    KaggleCredentials.delete = lambda *_: None  # a rejected login is for the user to remove

    class Api(KaggleApi):  # type: ignore[misc]
        # As another tool's import under VERBOSE= leaves it: it would load a whole download into memory, and
        # could not resume it.
        args = [one for one in KaggleApi.args if one != "--verbose"]  # noqa: RUF012
        config_dir = str(kaggle_credentials.folder())
        config = str(kaggle_credentials.folder() / "kaggle.json")

        def _authenticate_anonymously(self) -> bool:
            """Allow downloads without a login, such as public datasets; the client would end the process."""
            return True

        def _is_rate_limited(self, error: Exception) -> bool:
            """Whether to retry a download that failed with ``error``; a full disk is raised instead."""
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
                raise error
            return bool(super()._is_rate_limited(error))

    return Api


@contextlib.contextmanager
def _import_environment() -> Iterator[None]:
    """The environment in which the client is imported.

    It creates its folder then, in a temporary place: $HOME may be read-only. With VERBOSE= it would switch on
    the log of all libraries, which shows the addresses of downloads with their signatures.
    """
    names = "KAGGLE_CONFIG_DIR", "VERBOSE", "VERBOSE_OUTPUT"
    before = {name: os.environ.pop(name) for name in names if name in os.environ}
    os.environ["KAGGLE_CONFIG_DIR"] = tempfile.gettempdir()
    try:
        yield
    finally:
        del os.environ["KAGGLE_CONFIG_DIR"]
        os.environ.update(before)
