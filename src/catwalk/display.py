"""What a person sees while the search runs: on a terminal a live view, elsewhere a plain line a trial."""

import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from catwalk.messages import Epoch

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from catwalk.search import Limits


class Display:
    """Shows limits, the best so far, and each worker's trial, epoch and score."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._workers: dict[int, str] = {}
        self._ended = self._pruned = 0
        self._best: tuple[float, int, dict[str, Any]] | None = None
        self._shown = 0.0

    def __enter__(self) -> "Display":
        if self._console.is_terminal:
            self._live.start()
        else:
            self._console.print("search: starting the workers")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def epoch(self, worker: int, trial: int, kind: str, epoch: Epoch | None) -> None:
        """A worker has begun a trial (epoch None) or ended one of its epochs."""
        what = f"trial {trial}" if kind == "search" else f"trial {trial} ({kind})"
        if epoch is None:
            self._workers[worker] = f"{what}  building"
        else:
            self._workers[worker] = (
                f"{what}  epoch {epoch.epoch}/{epoch.epochs}  {epoch.accuracy:.4f} on validation"
            )

    def ended(self, worker: int, trial: "FrozenTrial | None", finished: int) -> None:
        """A worker's trial has ended; ``trial`` is None where it did not finish."""
        self._workers[worker] = "waiting"
        self._ended = finished
        if trial is None:
            return
        kind = trial.user_attrs.get("kind", "search")
        state = trial.state.name.lower()
        value = "no epoch" if trial.value is None else f"{trial.value:.4f}"
        self._pruned += state == "pruned"
        if state == "complete" and (self._best is None or trial.value > self._best[0]):
            self._best = (trial.value, trial.number, trial.params)
        if not self._console.is_terminal:
            best = f", best {self._best[0]:.4f} (trial {self._best[1]})" if self._best else ""
            seconds = trial.user_attrs.get("seconds", 0.0)
            self._console.print(
                f"trial {trial.number} {kind} {state} {value} in {seconds:.1f} s{best}",
                soft_wrap=True,
            )

    def died(self, worker: int, code: int | None) -> None:
        """A worker process has gone; another takes its place."""
        self._workers.pop(worker, None)
        self._console.print(f"worker {worker} died (exit code {code}); its trial runs again")

    def tick(self, spent: float, limits: "Limits") -> None:
        """Draw anew, four times a second at most."""
        now = time.monotonic()
        if not self._console.is_terminal or now - self._shown < 0.25:
            return
        self._shown = now
        self._live.update(self._view(spent, limits), refresh=True)

    def _view(self, spent: float, limits: "Limits") -> Group:
        share = 0.0
        ends = []
        if limits.budget:
            share = spent / limits.budget
            ends.append(f"{_clock(max(0.0, limits.budget - spent))} left")
        if limits.trials:
            share = max(share, self._ended / limits.trials)
            ends.append(f"{limits.trials - self._ended} trials left")
        bar = Table.grid(padding=(0, 1), expand=True)
        bar.add_row(ProgressBar(total=1.0, completed=min(1.0, share)), Text(", ".join(ends)))
        lines = [Text(f"{self._ended} trials finished, {self._pruned} of them stopped early")]
        if self._best:
            value, number, params = self._best
            shown = ", ".join(f"{key} {_short(choice)}" for key, choice in params.items())
            lines.append(Text(f"best {value:.4f} on validation, trial {number}", style="bold"))
            lines.append(Text(f"  {shown}", style="dim"))
        lines += [Text(f"worker {worker}: {line}") for worker, line in sorted(self._workers.items())]
        return Group(bar, *lines)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def _short(value: Any) -> str:
    return f"{value:.2g}" if isinstance(value, float) else str(value)
