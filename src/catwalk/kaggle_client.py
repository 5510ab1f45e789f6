"""Talks to Kaggle: the only file that imports the official client, and only when a call is made.

What the client does that users should not have to know is undone here: importing ``kaggle`` logs in,
prints and may call the network; its calls have no time limit; without credentials it ends the process.
"""

import contextlib
import importlib.metadata
import importlib.util
import io
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from catwalk.errors import NetworkError, UserError

TIMEOUT = 10  # seconds until a connection that doesn't answer is given up


def download_dataset(dataset: str, folder: Path) -> Path:
    """Download a public or private dataset as one zip.

    Args:
        dataset: "owner/slug".
        folder: where the zip goes.

    Returns:
        The zip's path; its content has not been checked.

    Raises:
        NetworkError: Kaggle can't be reached or failed.
        UserError: Kaggle refuses the credentials, or there is no such dataset.
    """
    page = f"https://www.kaggle.com/datasets/{dataset}"
    with _client(page) as api:
        api.dataset_download_files(dataset, path=str(folder), force=True, quiet=_quiet())
    return folder / f"{dataset.split('/')[1]}.zip"


def download_competition(competition: str, folder: Path) -> Path:
    """Download a competition's files as one zip; otherwise as ``download_dataset``."""
    page = f"https://www.kaggle.com/competitions/{competition}/rules"
    with _client(page) as api:
        api.competition_download_files(competition, path=str(folder), force=True, quiet=_quiet())
    return folder / f"{competition}.zip"


def _quiet() -> bool:
    return not sys.stderr.isatty()  # the client draws its progress bar with tqdm, on stderr


@contextlib.contextmanager
def _client(page: str) -> Iterator[Any]:
    """The authenticated client (anonymous without credentials); its errors come out as ours."""
    import requests

    try:
        with _time_limit(), contextlib.redirect_stdout(io.StringIO()):
            api = _api_class()()
            # It ends the process where it finds no credentials; public datasets don't need any.
            with contextlib.suppress(SystemExit):
                api.authenticate()
            yield api
    except requests.HTTPError as error:
        raise _refused(error, page) from None
    except requests.ConnectionError:
        raise NetworkError("Kaggle can't be reached: check the network, or set SOURCE=") from None
    except requests.Timeout:
        raise NetworkError(f"Kaggle did not answer within {TIMEOUT} s: try again later") from None
    except requests.RequestException as error:
        raise NetworkError(f"Kaggle: {type(error).__name__}: try again later") from None
    except (ImportError, FileNotFoundError, ValueError) as error:
        raise UserError(f"the Kaggle client failed: {error}: run make setup, or set SOURCE=") from None


def _refused(error: Any, page: str) -> NetworkError | UserError:
    status = error.response.status_code if error.response is not None else 0
    if status == 401:
        return UserError(
            "Kaggle refuses the credentials (401): renew KAGGLE_API_TOKEN, ~/.kaggle/access_token "
            "or kaggle.json at https://www.kaggle.com/settings"
        )
    if status == 403:
        return UserError(f"Kaggle says no (403): log in and accept the rules at {page}")
    if status == 404:
        return UserError(f"Kaggle has no such page (404): {page}; mend the name in the TOML")
    return NetworkError(f"Kaggle answers {status or 'nothing of use'}: try again later")


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

    return KaggleApi  # type: ignore[no-any-return]


@contextlib.contextmanager
def _time_limit() -> Iterator[None]:
    """Give every request of the client a time limit, where it sets none or a longer one."""
    from requests.adapters import HTTPAdapter

    send = HTTPAdapter.send

    def limited(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        kwargs["timeout"] = TIMEOUT
        return send(self, request, *args, **kwargs)

    HTTPAdapter.send = limited  # type: ignore[method-assign]
    try:
        yield
    finally:
        HTTPAdapter.send = send  # type: ignore[method-assign]
