"""Report: executes the notebook over one submission's records. It only reads; no stage imports it."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from catwalk.errors import MachineError, UserError
from catwalk.paths import Paths, written_aside
from catwalk.results import COMPETITION_VARIABLE, SUBMISSION_VARIABLE

CELL_SECONDS = 300


def make(paths: Paths, name: str, say: Callable[[str], None]) -> None:
    """Execute ``notebooks/talk.ipynb`` into the submission's folder.

    Raises:
        UserError: the notebook is missing, or one of its cells fails.
        MachineError: no kernel could be started.
    """
    source, target = paths.notebook_source, paths.notebook(name)
    if not source.is_file():
        raise UserError(f"{paths.shown(source)} is missing: git checkout {paths.shown(source)}")
    if _is_newer(target, [source, paths.recipe(name), paths.score(name)]):
        say(f"report: done before, {paths.shown(target)}")
        return
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    from traitlets.config import Config

    os.environ |= {
        COMPETITION_VARIABLE: paths.competition,
        SUBMISSION_VARIABLE: name,
        "JUPYTER_PREFER_ENV_PATH": "1",  # this environment's kernel, not one of the user's others
        "JUPYTER_PLATFORM_DIRS": "1",
    }
    notebook = nbformat.read(source, as_version=4)
    try:
        with tempfile.TemporaryDirectory(prefix="catwalk-") as sockets:
            # The kernel is reached by sockets in a folder that only we can open, not by a port.
            place = {"transport": "ipc", "ip": f"{sockets}/ipc", "connection_file": f"{sockets}/kernel.json"}
            NotebookClient(
                notebook,
                timeout=CELL_SECONDS,
                kernel_name="python3",
                resources={"metadata": {"path": str(paths.root)}},
                config=Config({"KernelManager": place}),
            ).execute()
    except CellExecutionError as error:
        raise UserError(f"{paths.shown(source)}: {error.ename}: {error.evalue}: mend the cell") from None
    except (CellTimeoutError, DeadKernelError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise MachineError(f"the notebook's kernel gave up ({reason}): run make report again") from None
    with written_aside(target) as path:
        nbformat.write(notebook, path)
    say(f"report: {paths.shown(target)}")


def _is_newer(target: Path, sources: list[Path]) -> bool:
    """Whether ``target`` is there and not older than any source that is."""
    if not target.is_file():
        return False
    made = target.stat().st_mtime_ns
    return all(made >= source.stat().st_mtime_ns for source in sources if source.is_file())
