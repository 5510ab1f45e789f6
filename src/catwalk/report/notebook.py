"""Notebook: executes a notebook in a separate kernel and saves the result."""

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from catwalk.core import advice, tensorflow_setup
from catwalk.core.errors import CatwalkError, MachineError, NetworkError, UserError, shown
from catwalk.core.paths import Paths, atomic_write

# This environment's kernel, not one of the user's others; and no output of debuggers.
KERNEL = {
    "JUPYTER_PREFER_ENV_PATH": "1",
    "JUPYTER_PLATFORM_DIRS": "1",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}

GIVEN = "catwalk"  # the metadata of an executed notebook with the variables that it was given

Watch = Callable[[int, int, str], None]  # a cell begins: its number, how many there are, the heading above


def check(paths: Paths, source: Path) -> None:
    """Check that a notebook exists.

    Raises:
        UserError: it does not.
    """
    if not source.is_file():
        raise UserError(f"{paths.shown(source)} is missing", fix=advice.check_out(paths.shown(source)))


def execute(
    paths: Paths,
    source: Path,
    target: Path,
    given: dict[str, str],
    *,
    seconds: float,
    watch: Watch | None = None,
) -> None:
    """Run all cells in the project's folder and, if none failed, write the notebook with its outputs.

    Args:
        paths: the competition's.
        source: the notebook.
        target: where the executed notebook is written.
        given: environment variables for its kernel.
        seconds: the time limit of a cell.
        watch: told of each cell that begins.

    Raises:
        UserError: the notebook is missing, or a cell fails.
        NetworkError: a cell needs something that can't be downloaded.
        MachineError: no kernel could be started, or it died or timed out.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    from traitlets.config import Config

    check(paths, source)
    os.environ |= {**KERNEL, **given}
    tensorflow_setup.hide_gpus()
    notebook = nbformat.read(source, as_version=4)

    def begins(cell: Any, cell_index: int) -> None:
        if watch is not None and cell.cell_type == "code":
            watch(cell_index, len(notebook.cells), _heading(notebook, cell_index))

    try:
        with tempfile.TemporaryDirectory(prefix="catwalk-") as sockets:
            # The kernel is reached by sockets in a folder that only we can open, not by a port.
            place = {"transport": "ipc", "ip": f"{sockets}/ipc", "connection_file": f"{sockets}/kernel.json"}
            NotebookClient(
                notebook,
                timeout=seconds,
                record_timing=False,  # the same bytes for the same results
                kernel_name="python3",
                resources={"metadata": {"path": str(paths.root)}},
                on_cell_start=begins,
                config=Config({"KernelManager": place}),
            ).execute()
    except CellExecutionError as error:
        raise _of_cell(error, paths.shown(source)) from None
    except (CellTimeoutError, DeadKernelError, RuntimeError) as error:
        what = f"the notebook's kernel died or timed out ({shown(str(error).splitlines()[0])})"
        raise MachineError(what, fix=advice.RUN_AGAIN) from None
    notebook.metadata[GIVEN] = given
    with atomic_write(target) as path:
        nbformat.write(notebook, path)


def given_to(target: Path) -> dict[str, str]:
    """The environment variables that an executed notebook was given; empty if it does not say."""
    try:
        given = json.loads(target.read_text(encoding="utf-8"))["metadata"][GIVEN]
        return {str(name): str(value) for name, value in given.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}


def _of_cell(error: Any, where: str) -> CatwalkError:
    """The error of a failed cell, for the user."""
    for kind in (UserError, NetworkError, MachineError):  # the line says what to do
        if error.ename == kind.__name__:
            return kind(error.evalue, where=where)
    return UserError(f"{error.ename}: {shown(error.evalue)}", where=where, fix="fix the cell")


def is_newer(target: Path, sources: list[Path]) -> bool:
    """Whether ``target`` exists and is not older than any existing source."""
    if not target.is_file():
        return False
    made = target.stat().st_mtime_ns
    return all(made >= source.stat().st_mtime_ns for source in sources if source.is_file())


def _heading(notebook: Any, index: int) -> str:
    """The last heading above a cell."""
    lines = [
        line
        for cell in notebook.cells[:index]
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if line.startswith("#")
    ]
    return lines[-1].lstrip("# ") if lines else ""
