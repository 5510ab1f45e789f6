"""Course: executes the five exercises' notebooks, one after the other, each once."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from catwalk import option_values
from catwalk.core import advice, edited_files
from catwalk.core.console import plain_console
from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.core.processes import ONE_THREAD
from catwalk.data import prepared_arrays
from catwalk.report import notebook
from catwalk.report.results import COMPETITION_VARIABLE

BUDGET_VARIABLE, MODELS_VARIABLE = "CATWALK_BUDGET", "CATWALK_MODELS"  # of the fifth exercise's search
USUAL = {BUDGET_VARIABLE: "3m", MODELS_VARIABLE: "dense"}
EXERCISES = ("1-first-network", "2-softmax", "3-first-model", "4-assignment", "5-hackathon")
CELL_SECONDS = 3600  # of a cell, and twice the budget for the one that searches

Say = Callable[[str], None]


def run(paths: Paths, exercise: int | None, *, budget: str | None, models: str | None, say: Say) -> None:
    """Execute the exercises that are not done yet, or only the given one.

    The fifth one is executed again with another budget or other models; the earlier notebook is kept. What
    a person has changed in an executed notebook is kept under another name.

    Args:
        paths: the competition whose pictures they use.
        exercise: from 1 to 5; None for all.
        budget: of the fifth one's search, and so are the models; None: as the last time, at first ``USUAL``.
        models: dense, conv or all.
        say: takes a line on what happens.

    Raises:
        UserError: a notebook is missing or one of its cells fails.
        MachineError: a kernel died or timed out.
    """
    chosen = EXERCISES if exercise is None else (_named(exercise),)
    began, console = time.monotonic(), plain_console()
    asked = {BUDGET_VARIABLE: budget, MODELS_VARIABLE: models}
    for number, name in enumerate(chosen, 1):
        source, target = paths.course_notebook(name), paths.course(name) / f"{name}.ipynb"
        where = f"course: {number} of {len(chosen)}, {name}"
        before = notebook.given_to(target)
        search = {key: asked[key] or before.get(key, usual) for key, usual in USUAL.items()}
        is_other = name == EXERCISES[-1] and any(before.get(key, one) != one for key, one in search.items())
        if not is_other and _is_done(paths, source, target, before.get(notebook.PREPARED, "")):
            say(f"{where}: already done, {paths.shown(target)}")
            continue
        started = time.monotonic()
        given = {COMPETITION_VARIABLE: paths.competition, **search}
        # NumPy's threads would wait for each other as soon as another program needs a core.
        given |= {name: os.environ.get(name, one) for name, one in ONE_THREAD.items()}
        limit = CELL_SECONDS + 2 * option_values.duration(search[BUDGET_VARIABLE])
        kept: list[str] = []
        with edited_files.rewrite(paths, target, kept.append) as aside:
            with _Bar(console, where) as bar:
                notebook.execute(paths, source, aside, given, seconds=limit, watch=bar.cell)
            if is_other:
                kept.append(_set_aside(paths, target))
        say(f"{where}: {time.monotonic() - started:.0f} s, {paths.shown(target)}")
        for line in kept:
            say(line)
    say(f"course: {time.monotonic() - began:.0f} s; figures (PNG) and tables (CSV) are beside the notebooks")


def _is_done(paths: Paths, source: Path, target: Path, made_of: str) -> bool:
    """Whether an exercise was executed since its source was changed, and the prepared rows are those of then.

    Their time would not tell: the first exercise may use other pictures, and a later one prepares these then.

    Args:
        paths: the competition's.
        source: the exercise's notebook.
        target: the executed one.
        made_of: identifies the rows that were prepared then; empty if none were, or it is not known.
    """
    now = prepared_arrays.identity(paths)
    return notebook.is_newer(target, [source]) and ("" in (made_of, now) or made_of == now)


def _set_aside(paths: Paths, target: Path) -> str:
    """Rename the earlier notebook, which has its figures and tables in it; the line that says so."""
    kept = edited_files.unused(target)
    target.rename(kept)
    return f"  {paths.shown(target)}: the earlier notebook is kept as {kept.name}"


def _named(exercise: int) -> str:
    found = [name for name in EXERCISES if name.startswith(f"{exercise}-")]
    if not found:
        raise UserError(
            f"the exercises are 1 to {len(EXERCISES)}", where=f"EXERCISE={exercise}", fix=advice.CHOOSE_ONE
        )
    return found[0]


class _Bar:
    """A progress bar over an exercise's cells on a terminal; elsewhere one line per heading."""

    def __init__(self, console: Console, where: str) -> None:
        self._where, self._console, self._heading = where, console, ""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._progress.add_task(where, total=None)

    def __enter__(self) -> "_Bar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def cell(self, number: int, cells: int, heading: str) -> None:
        self._progress.update(
            self._task, completed=number, total=cells, description=f"{self._where}: {heading}"
        )
        if heading != self._heading and not self._console.is_terminal:
            self._console.print(f"{self._where}: {heading}", soft_wrap=True)
        self._heading = heading
