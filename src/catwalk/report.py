"""Report: the talk and the notebook over one submission's records. It only reads; no stage imports it."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from catwalk import browser
from catwalk.errors import MachineError, UserError
from catwalk.paths import Paths, written_aside
from catwalk.results import COMPETITION_VARIABLE, SUBMISSION_VARIABLE

CELL_SECONDS = 300


def make(paths: Paths, name: str, say: Callable[[str], None]) -> None:
    """Make the talk, its PDFs where a Chromium is found, and the executed notebook.

    Raises:
        UserError: the records are not whole, the notebook is missing, or one of its cells fails.
        MachineError: no kernel could be started.
    """
    source = paths.notebook_source
    if not source.is_file():
        raise UserError(f"{paths.shown(source)} is missing: git checkout {paths.shown(source)}")
    records = [source, paths.recipe(name), paths.score(name)]
    target, notebook = paths.talk(name), paths.notebook(name)
    if _is_newer(target, records) and _is_newer(notebook, records):
        say(f"report: done before, {paths.shown(target)}")
    else:
        from catwalk import results, talk

        page = talk.html(results.load(paths.competition, name, paths.root))
        with written_aside(target) as path:
            path.write_text(page, encoding="utf-8")
        say(f"report: {paths.shown(target)}, eight slides: open it in a browser; N is the speaker's window")
        _execute(paths, source, notebook, name)
        say(f"  {paths.shown(notebook)}")
    _print(paths, name, say)


def _print(paths: Paths, name: str, say: Callable[[str], None]) -> None:
    """The PDFs that are not there yet, or older than the talk."""
    page, pdfs = paths.talk(name), {paths.talk_pdf(name): "", paths.talk_notes(name): "notes"}
    missing = {pdf: fragment for pdf, fragment in pdfs.items() if not _is_newer(pdf, [page])}
    chromium = browser.find()
    if missing and chromium is None:
        say("  no PDF: no Chromium or Chrome is installed here; any browser prints the page (P)")
        return
    for pdf, fragment in missing.items():
        wrong = browser.print_pdf(str(chromium), page, pdf, fragment)
        say(f"  {paths.shown(pdf)}" if wrong is None else f"  {pdf.name} was not printed: {wrong}")


def _execute(paths: Paths, source: Path, target: Path, name: str) -> None:
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
                record_timing=False,  # the same bytes for the same results
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


def _is_newer(target: Path, sources: list[Path]) -> bool:
    """Whether ``target`` is there and not older than any source that is."""
    if not target.is_file():
        return False
    made = target.stat().st_mtime_ns
    return all(made >= source.stat().st_mtime_ns for source in sources if source.is_file())
