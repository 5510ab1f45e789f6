"""Exercise: saves an exercise's figures as PNG and its tables as CSV beside the notebook."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from catwalk.core.paths import Paths, atomic_write
from catwalk.report.drawing import png
from catwalk.report.figures import shown
from catwalk.report.results import asked_for, project_root

if TYPE_CHECKING:
    import pandas as pd


class Exercise:
    """The folder of one exercise, ``data/<competition>/course/<name>/``.

    Args:
        name: as in the notebook's file name, "1-first-network".
        competition: whose pictures it uses; None: what ``make course`` was asked for.
    """

    def __init__(self, name: str, competition: str | None = None) -> None:
        self.folder: Path = Paths(project_root(), competition or asked_for()).course(name)
        self._shown: Any = None

    def figure(self, name: str, figure: Figure, alt: str) -> Any:
        """Save a figure as ``<name>.png``, and return it for the notebook to show."""
        data = png(figure)
        with atomic_write(self.folder / f"{name}.png") as path:
            path.write_bytes(data)
        return shown(data, alt)

    def table(self, name: str, table: "pd.DataFrame") -> "pd.DataFrame":
        """Save a table as ``<name>.csv``, and return it."""
        with atomic_write(self.folder / f"{name}.csv") as path:
            table.to_csv(path)
        return table

    def progress(self, words: str) -> None:
        """Show one line below the running cell, replacing the line before; an empty text removes it."""
        from IPython.display import Pretty, display

        if self._shown is None and words:
            self._shown = display(Pretty(words), display_id=True)  # type: ignore[no-untyped-call]
        elif self._shown is not None:
            self._shown.update(Pretty(words))  # type: ignore[no-untyped-call]
        if not words:
            self._shown = None
