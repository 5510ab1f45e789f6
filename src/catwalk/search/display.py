"""Display: what a search shows while it runs: a live display on a terminal, elsewhere one line per trial.

The display has the time that is left, the counts of trials, the workers and the best trials.
"""

import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from catwalk.core.console import plain_console
from catwalk.core.plurals import counted
from catwalk.models.epoch import Epoch
from catwalk.search import failed_trials

if TYPE_CHECKING:
    from catwalk.search.limits import Limits
    from catwalk.search.trial_record import TrialRecord

LONG = 2.0  # seconds from which on a line says that the features are being computed
BLOCKS = "▁▂▃▄▅▆▇█"


class Display:
    """Shows the time left, the best so far, and each worker's trial, epoch and score."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or plain_console()
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._workers: dict[int, str] = {}
        self._ended: list[TrialRecord] = []
        self._numbers: set[int] = set()  # of those
        self._best: list[TrialRecord] = []  # each trial that was better than all before it
        self._so_far: list[float] = []  # the best value after each finished trial
        self._shown = 0.0
        self._features: float | None = None  # the share of their table that is computed
        self._features_since: float | None = 0.0  # when that began; None: a line has said so

    def __enter__(self) -> "Display":
        if self._console.is_terminal:
            self._live.start()
            self._live.update(Text("starting the workers (importing TensorFlow)"), refresh=True)
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

    def begin(self, records: "list[TrialRecord]") -> None:
        """Add the trials of earlier runs."""
        for record in records:
            self._count(record)

    def begun(self, worker: int, trial: int, kind: str) -> None:
        """A worker has begun a trial."""
        self._workers[worker] = f"{_called(trial, kind)}  building"

    def epoch(self, worker: int, trial: int, kind: str, epoch: Epoch) -> None:
        """A worker's trial has finished an epoch."""
        self._workers[worker] = (
            f"{_called(trial, kind)}  epoch {epoch.epoch}/{epoch.epochs}  {epoch.accuracy:.4f}"
        )

    def ended(self, worker: int | None, record: "TrialRecord | None") -> None:
        """A worker's trial has ended; ``record`` is None where it did not finish.

        ``worker`` is None for another team member's trial, which may be passed more than once.
        """
        if worker is not None:
            self._workers.pop(worker, None)
        if record is None or record.number in self._numbers:
            return
        if record.state == "failed":
            self._failed(record)
            return
        self._count(record)
        if not self._console.is_terminal:
            value = "no epoch" if record.value is None else f"{record.value:.4f}"
            best = ""
            if self._best and not _is_of_folds(record.kind):
                best = f", best {self._best[-1].accuracy:.4f} (trial {self._best[-1].number})"
            took = f"{record.seconds or 0.0:.1f} s"
            line = f"{_named(record)} {record.state} {value} in {took}{_by(record)}{best}"
            self._console.print(line, soft_wrap=True)

    def _failed(self, record: "TrialRecord") -> None:
        """Print a failed trial, on a terminal too: nothing fails silently. Lack of time is no failure."""
        self._numbers.add(record.number)
        is_late = record.reason in failed_trials.OUT_OF_TIME
        self._console.print(
            f"{_named(record)} {'ended after' if is_late else 'failed in'} {record.seconds or 0.0:.1f} s: "
            f"{record.reason}",
            soft_wrap=True,
            markup=False,
        )

    def died(self, worker: int, why: str, runs_again: bool | None) -> None:
        """A worker process has died; another one replaces it.

        Args:
            worker: its number.
            why: as text.
            runs_again: whether its trial does; None: it had none, as far as is known, or that had ended.
        """
        self._workers.pop(worker, None)
        trial = "" if runs_again is None else f"; its trial will {'' if runs_again else 'not '}run again"
        self._console.print(f"worker {worker} died ({why}){trial}", soft_wrap=True, markup=False)

    def preparing(self, share: float | None) -> None:
        """What the workers do before they train: the share of the features' table that is computed.

        None: no table is being computed.
        """
        now = time.monotonic()
        if share is None or self._features is None:
            self._features_since = now
        elif self._features_since is not None and now - self._features_since > LONG:
            self._features_since = None  # said
            if not self._console.is_terminal:
                self._console.print("search: computing the features of all pictures, once", soft_wrap=True)
        self._features = share

    def tick(self, spent: float, limits: "Limits") -> None:
        """Redraw the live display, at most four times per second."""
        now = time.monotonic()
        if not self._console.is_terminal or now - self._shown < 0.25:
            return
        self._shown = now
        self._live.update(self.view(spent, limits), refresh=True)

    def view(self, spent: float, limits: "Limits") -> Group:
        """The live display: a few lines, truncated on a narrow terminal."""
        lines = [self._counts()]
        if self._best:
            best = self._best[-1]
            chosen = ", ".join(f"{key} {_short(value)}" for key, value in best.params.items())
            which = best.kind if _is_of_folds(best.kind) else f"trial {best.number}"
            found = f"best {best.accuracy:.4f} on validation, {which}{_by(best)}"
            lines.append(_line(found, "bold"))
            lines.append(_line(f"  {chosen}", "dim"))
            lines.append(_line(f"best so far  {self._sparkline()}"))
        lines += [_line(f"worker {worker}: {doing}") for worker, doing in sorted(self._workers.items())]
        if self._features is not None:
            lines.append(_line(f"features of all pictures, computed once: {self._features:.0%}"))
        return Group(self._bar(spent, limits), *lines)

    def _count(self, record: "TrialRecord") -> None:
        self._ended.append(record)
        self._numbers.add(record.number)
        if record.is_complete and (not self._best or _is_better(record, self._best[-1])):
            self._best.append(record)
        if self._best:
            self._so_far.append(self._best[-1].accuracy)

    def _bar(self, spent: float, limits: "Limits") -> Table:
        share = 0.0
        ends = []
        if limits.budget:
            share = spent / limits.budget
            ends.append(f"{_clock(max(0.0, limits.budget - spent))} left")
        if limits.trials:
            share = max(share, len(self._ended) / limits.trials)
            ends.append(f"{counted(max(0, limits.trials - len(self._ended)), 'trial')} left")
        bar = Table.grid(padding=(0, 1), expand=True)
        bar.add_column(ratio=1)
        bar.add_column(no_wrap=True)
        bar.add_row(ProgressBar(total=1.0, completed=min(1.0, share)), ", ".join(ends))
        return bar

    def _counts(self) -> Text:
        stopped = sum(record.state == "pruned" for record in self._ended)
        ended = counted(len(self._ended), "trial")
        return _line(f"{ended} finished ({stopped} stopped early), {len(self._workers)} running")

    def _sparkline(self) -> str:
        width = max(8, self._console.width - 14)
        step = max(1, -(-len(self._so_far) // width))
        values = self._so_far[::-1][::step][::-1]  # the last one is always shown
        low, high = min(values), max(values)
        top = len(BLOCKS) - 1
        return "".join(BLOCKS[round(top * (v - low) / (high - low)) if high > low else top] for v in values)


def _is_better(one: "TrialRecord", other: "TrialRecord") -> bool:
    """Whether the first of two complete trials is better; on a tie, the lower number wins."""
    return (one.accuracy, -one.number) > (other.accuracy, -other.number)


def _is_of_folds(kind: str) -> bool:
    """Whether it is a training in folds, whose kind says of which trial."""
    return kind.startswith("fold ")


def _named(record: "TrialRecord") -> str:
    """A trial's number and kind; of the trainings in folds, the configuration's trial is in the kind."""
    return record.kind if _is_of_folds(record.kind) else f"trial {record.number} {record.kind}"


def _called(trial: int, kind: str) -> str:
    if _is_of_folds(kind):
        return kind
    return f"trial {trial}" if kind == "search" else f"trial {trial} ({kind})"


def _by(record: "TrialRecord") -> str:
    return f" by {record.member}" if record.member is not None else ""


def _line(text: str, style: str = "") -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _short(value: Any) -> str:
    return f"{value:.2g}" if isinstance(value, float) else str(value)
