"""Notebook: executes a notebook in a separate kernel and saves the result."""

import asyncio
import contextlib
import json
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from catwalk.core import advice, stop_signals, tensorflow_setup
from catwalk.core.errors import FIXES, CatwalkError, MachineError, NetworkError, UserError, shown
from catwalk.core.paths import Paths, atomic_write
from catwalk.data import prepared_arrays

# This environment's kernel, not one of the user's others; and no output of debuggers.
KERNEL = {
    "JUPYTER_PREFER_ENV_PATH": "1",
    "JUPYTER_PLATFORM_DIRS": "1",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}

GIVEN = "catwalk"  # the metadata of an executed notebook with the variables that it was given
PREPARED = "prepared"  # beside them: identifies the arrays that were prepared when it ended
LONGEST_HEADING = 60  # characters of it in an error
FREE_MEMORY = f"close other programs, and {advice.RUN_AGAIN}"

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

    check(paths, source)
    os.environ |= {**KERNEL, **given}
    tensorflow_setup.hide_gpus()
    notebook = nbformat.read(source, as_version=4)
    _run_cells(notebook, paths, paths.shown(source), seconds, watch)
    notebook.metadata[GIVEN] = {**given, PREPARED: prepared_arrays.identity(paths)}
    with atomic_write(target) as path:
        nbformat.write(notebook, path)


def _run_cells(notebook: Any, paths: Paths, source: str, seconds: float, watch: Watch | None) -> None:
    """Run the cells; their outputs are in ``notebook`` then. The arguments are as for ``execute``."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    from traitlets.config import Config

    begun = 0

    def begins(cell: Any, cell_index: int) -> None:
        nonlocal begun
        begun = cell_index
        if watch is not None and cell.cell_type == "code":
            watch(cell_index, len(notebook.cells), _heading(notebook, cell_index))

    try:
        with tempfile.TemporaryDirectory(prefix="catwalk-") as sockets:
            # The kernel is reached by sockets in a folder that only we can open, not by a port.
            place = {"transport": "ipc", "ip": f"{sockets}/ipc", "connection_file": f"{sockets}/kernel.json"}
            client = NotebookClient(
                notebook,
                timeout=seconds,
                record_timing=False,  # the same bytes for the same results
                kernel_name="python3",
                resources={"metadata": {"path": str(paths.root)}},
                on_cell_start=begins,
                config=Config({"KernelManager": place}),
            )
            _run(client)
    except CellExecutionError as error:
        raise _of_cell(error, f"{source}, {_place(notebook, begun)}") from None
    except (CellTimeoutError, DeadKernelError, RuntimeError) as error:
        what = f"the notebook's kernel died or timed out ({shown(str(error).splitlines()[0])})"
        raise MachineError(what, fix=advice.RUN_AGAIN) from None


class _Loop(asyncio.SelectorEventLoop):
    """An event loop that leaves the signals to the command.

    nbclient would let Ctrl-C and SIGTERM end the kernel, which then looks like a failed cell, and afterwards
    set them to Python's defaults. It goes on without its handlers where a loop refuses them.
    """

    def add_signal_handler(self, sig: int, callback: Any, *args: Any) -> None:  # type: ignore[override]
        raise RuntimeError("signals are the command's")


def _run(client: Any) -> None:
    """Execute a client's notebook; if the command is stopped meanwhile, end the kernel first."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        loop = runner.get_loop()
        task = loop.create_task(client.async_execute())
        try:
            loop.run_until_complete(task)
        except KeyboardInterrupt:
            stop_signals.stop_repeating()
            with stop_signals.unstopped(), contextlib.suppress(Exception, asyncio.CancelledError):
                _end(loop, task, client)
            raise


def _end(loop: asyncio.AbstractEventLoop, task: "asyncio.Task[Any]", client: Any) -> None:
    """End what was interrupted, and its kernel, also one that has only been started."""
    _kill_kernel(loop, client)  # first: ended by nbclient, which interrupts it, it would print tracebacks
    with contextlib.suppress(Exception, asyncio.CancelledError, KeyboardInterrupt):
        task.cancel()
        if not task.done():
            loop.run_until_complete(task)
        task.result()  # else asyncio would print the exception
    _kill_kernel(loop, client)


def _kill_kernel(loop: asyncio.AbstractEventLoop, client: Any) -> None:
    if client.km is not None and client.km.has_kernel:
        loop.run_until_complete(client.km.shutdown_kernel(now=True))


def given_to(target: Path) -> dict[str, str]:
    """The variables that an executed notebook was given, and ``PREPARED``; empty if it does not say."""
    try:
        given = json.loads(target.read_text(encoding="utf-8"))["metadata"][GIVEN]
        return {str(name): str(value) for name, value in given.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}


def _of_cell(error: Any, where: str) -> CatwalkError:
    """The error of a failed cell, for the user."""
    for kind in (UserError, NetworkError, MachineError, CatwalkError):  # the line says what to do
        if error.ename == kind.__name__:
            return kind(error.evalue, where=where)
    return _of_machine(error.ename, error.evalue, where) or UserError(
        f"{error.ename}: {shown(error.evalue)}", where=where, fix="fix the cell"
    )


def _of_machine(name: str, value: str, where: str) -> MachineError | None:
    """The error of a cell that lacked memory, disk space or the like; None if the cell itself is wrong."""
    from catwalk.search import failed_trials

    if name.endswith("MemoryError") or name == "ResourceExhaustedError":  # NumPy's and TensorFlow's own
        return MachineError("out of memory", where=where, fix=FREE_MEMORY)
    if name == "BrokenProcessPool":
        what = "a process that trains has ended, perhaps for lack of memory"
        return MachineError(what, where=where, fix=FREE_MEMORY)
    if failed_trials.NOT_WRITTEN.search(value):  # NumPy on a full disk, without a number
        return MachineError(shown(value), where=where, fix=advice.MAKE_ROOM)
    system = re.match(r"\[Errno (\d+)\] ", value)
    fix = FIXES.get(int(system[1])) if system else None
    if system is None or fix is None:
        return None
    return MachineError(shown(value[system.end() :]), where=where, fix=fix)


def is_newer(target: Path, sources: list[Path]) -> bool:
    """Whether ``target`` exists and is not older than any existing source."""
    if not target.is_file():
        return False
    made = target.stat().st_mtime_ns
    return all(made >= source.stat().st_mtime_ns for source in sources if source.is_file())


def _place(notebook: Any, index: int) -> str:
    """A code cell's number, as Jupyter shows it after all cells were run, and the heading above it."""
    cells = notebook.cells[: index + 1]
    number = sum(cell.cell_type == "code" and bool(cell.source.strip()) for cell in cells)
    heading = shown(_heading(notebook, index), LONGEST_HEADING)
    return f"code cell {number}" + (f" ({heading})" if heading else "")


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
