"""Dashboard: optuna-dashboard for any study, only on this machine, as anyone could delete trials there."""

import webbrowser
from collections.abc import Callable

from catwalk.core import advice, extras
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths

HOST = "127.0.0.1"


def run(paths: Paths, *, port: int, say: Callable[[str], None]) -> None:
    """Serve the study's dashboard until Ctrl-C.

    Raises:
        UserError: there is no study yet, or the port is taken.
        NetworkError: optuna-dashboard can't be installed.
    """
    if paths.team is None and not paths.study_db.is_file():
        raise UserError(f"{paths.shown(paths.study_db)} does not exist yet", fix=advice.RUN_SEARCH)
    extras.ensure("optuna_dashboard", say)
    from optuna_dashboard import run_server

    from catwalk.search import study

    opened = study.open_storage(paths)
    address = f"http://{HOST}:{port}/"
    say(f"dashboard: {address}, stop it with Ctrl-C; it has no login, so only this machine can open it")
    webbrowser.open(address)
    try:
        run_server(opened, host=HOST, port=port)
        raise KeyboardInterrupt  # which its server treats as a normal end
    except OSError as error:
        raise UserError(f"can't serve {address} ({error.strerror})", fix="choose another PORT=") from None
