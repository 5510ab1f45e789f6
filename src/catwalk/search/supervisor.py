"""The supervisor: the search's parent process; it keeps the workers busy until a limit is reached."""

import contextlib
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING

from catwalk.core import advice, gpus, shared_table, stop_signals
from catwalk.core.errors import MachineError
from catwalk.core.paths import Paths
from catwalk.search import (
    failed_trials,
    model_store,
    own_queue,
    progress,
    retries,
    storage,
    study,
    trial_record,
)
from catwalk.search.limits import FULL, Limits
from catwalk.search.messages import Done, EpochEnded, Failed, Message, Order, Ready, TrialBegun
from catwalk.search.offering import Offering
from catwalk.search.worker_pool import RENEWAL_SECONDS, Worker, Workers

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

    from catwalk.search.display import Display

OVERRUN = 4.0  # seconds after the deadline until an unfinished worker is killed
FIRST_OVERRUN = 60.0  # the same as long as nothing is finished: the softmax baseline's first epoch
LEAST_SECONDS = 5.0  # with less than this left no further trial begins
LEAST_SHARE = 0.03  # or with less than this share of the budget
RECORD_SECONDS = 2.0  # how often progress.json is written, and a team's study is looked at
TABLE_SECONDS = 20.0  # how often trials.csv is written while the search runs
DEATHS = 3  # per worker without a finished trial in between, until the search gives up


class Supervisor:
    """One run of the search.

    Args:
        paths: the competition's.
        limits: when to end.
        started: ``time.monotonic()`` from which this run counts.
        spent_before: seconds of the runs before.
        display: takes what happens.
        yours: the trial of ``make try``, with which this run ends, unless another was queued after it; its
            time does not count as spent of the budget. None: it is a search.
    """

    def __init__(
        self,
        paths: Paths,
        limits: Limits,
        started: float,
        spent_before: float,
        display: "Display",
        yours: int | None = None,
    ) -> None:
        self._paths, self._limits, self._display = paths, limits, display
        self._started, self._spent_before, self._yours = started, spent_before, yours
        self._finished = 0
        self._deaths = 0  # since a trial last ended
        self._orphans = False  # a worker died, and its trial has not been looked for yet
        self._ours: set[int] = set()  # trials that our workers have begun
        self._shown: set[int] = set()  # finished trials of other members that the display has shown
        self._elsewhere = 0  # trials that other members of the team are running
        self._orphaned_since: dict[int, float] = {}  # trials that no worker runs, and when first seen so
        self._recorded = self._tabled = time.monotonic()
        self._ended: str | None = None  # by which limit

    def run(self, opened: "optuna.Study", workers: Workers) -> None:
        """Give the workers trials until a limit is reached; in any case, no worker is left running.

        Raises:
            MachineError: the workers keep dying, or trials fail for lack of memory.
            UserError: the whole portfolio failed, or more than half of the trials.
        """
        if self._paths.team is None:  # a team's are found by their heartbeats, for they may live elsewhere
            retries.run_all_again(opened, "its worker was gone when the search resumed")
        self._drop_models(opened)
        self.offering = Offering(self._paths, opened)
        self._finished = len(study.finished(opened))
        self._display.begin(trial_record.of_study(opened))
        try:
            while self._give_orders(opened, workers):
                for worker, message in workers.messages(timeout=0.25):
                    self._handle_message(opened, worker, message)
                self._replace_the_dead(opened, workers)
                if self._left() < -self._overrun():
                    break
                if self._paths.team is not None:
                    self._follow_team(opened)
                self.record(opened)
                self._display.preparing(shared_table.share_done(self._paths.prepared))
                self._display.tick(self.spent(), self._limits)
            self._ended = self._limit_reached() if self._yours is None else None
        finally:
            stop_signals.stop_repeating()
            self._ours |= {sent.trial for sent in workers.end() if isinstance(sent, TrialBegun)}
            storage.hurry(opened)
            if self._yours is not None:
                own_queue.take_out(opened, self._yours, self._paths.team)
            for trial in self._of_ours(study.running(opened)):
                retries.run_again(opened, trial, "the search was stopped", counts=False)
            self._recorded = self._tabled = -math.inf
            self.record(opened)

    def spent(self) -> float:
        """Seconds of search in all runs so far."""
        return self._spent_before + (time.monotonic() - self._started if self._yours is None else 0.0)

    def _overrun(self) -> float:
        """Seconds after the deadline until unfinished workers are killed."""
        return OVERRUN if self._finished else FIRST_OVERRUN

    def _limit_reached(self) -> str:
        if self._limits.trials is not None and self._finished >= self._limits.trials:
            return "the requested number of trials has been reached"
        return "the budget is used up" if self._left() <= 0 else FULL

    def _left(self) -> float:
        left = math.inf if self._limits.budget is None else self._limits.budget - self.spent()
        return left if self._limits.until is None else min(left, self._limits.until - time.time())

    def _room(self, opened: "optuna.Study", workers: Workers) -> float:
        """How many trials may begin, as far as TRIALS= or ``make try`` limits them."""
        if self._yours is not None:  # one by one, until it has ended: it may fail, and a team trains others
            room, self._elsewhere = (0, 0) if workers.busy() else own_queue.left(opened, self._yours)
            return room
        if self._limits.trials is None:
            return math.inf
        return self._limits.trials - self._finished - len(workers.busy())

    def _give_orders(self, opened: "optuna.Study", workers: Workers) -> bool:
        """Give every free worker a trial as the limits allow; False once there is nothing to wait for."""
        budget, left = self._limits.budget, self._left()
        least = max(LEAST_SECONDS, LEAST_SHARE * (budget or 0)) if self._finished else 0.0
        busy, room = len(workers.busy()), self._room(opened, workers)
        if left <= least:  # the softmax baseline is run in any case
            room = 0 if self._finished or busy else min(room, 1)
        more = room > 0
        room -= self._elsewhere  # those may yet fail: wait for them
        for worker in [worker for worker in workers.all if worker.ready and not worker.busy]:
            if not more or room <= 0:
                break
            if worker.is_worn_out and left > RENEWAL_SECONDS:
                workers.renew(worker)
                continue
            with contextlib.suppress(BrokenPipeError):
                worker.connection.send(Order(None if budget is None else left, budget, self.spent()))
                worker.busy, worker.trial, worker.trials = True, None, worker.trials + 1
                busy, room = busy + 1, room - 1
        return more or busy > 0

    def _handle_message(self, opened: "optuna.Study", worker: Worker, message: Message) -> None:
        match message:
            case Ready():
                worker.ready = True
            case TrialBegun(trial, kind):
                worker.trial = trial
                self._ours.add(trial)
                self._display.begun(worker.number, trial, kind)
            case EpochEnded(trial, kind, epoch):
                self._display.epoch(worker.number, trial, kind, epoch)
            case Failed(reason, fix):
                worker.error, worker.fix = reason, fix
            case Done():
                worker.busy, self._deaths = False, 0
                self.after_trial(opened, worker)

    def after_trial(self, opened: "optuna.Study", worker: Worker) -> None:
        """A worker's trial has ended: count it, show it, and drop all but the best networks.

        Raises:
            UserError, MachineError: too many trials have failed, see ``failed_trials.check``.
        """
        trials = opened.get_trials(deepcopy=False)
        self._finished = sum(trial.state in study.FINISHED for trial in trials)
        trial = None if worker.trial is None else trials[worker.trial]
        has_ended = trial is not None and trial.state.is_finished()
        self._display.ended(worker.number, trial_record.of(trial) if trial and has_ended else None)
        if trial and failed_trials.has_error(trial):
            failed_trials.check(self._paths.shown(self._table()), trials, self._ours)
        self._drop_models(opened)

    def _replace_the_dead(self, opened: "optuna.Study", workers: Workers) -> None:
        """Replace each worker that died; its trial runs again, unless it has ended so too often."""
        for worker in workers.take_dead():
            self._deaths += 1
            self._orphans = True
            if worker.fix == advice.MAKE_ROOM:  # each further trial would be trained and lost, too
                raise MachineError(f"a worker can't write its files ({worker.end})", fix=advice.MAKE_ROOM)
            if self._deaths > DEATHS * (len(workers.all) + 1):
                fix = "find out what kills them; if memory is short, run make search WORKERS=1"
                if worker.error is None and gpus.found():  # its driver or XLA may end a process
                    fix = advice.ON_THE_CORES
                raise MachineError(f"the workers keep dying ({worker.end})", fix=fix)
            number = worker.trial if worker.busy else None
            runs_again = None if number is None else retries.runs_again(opened, number)
            self._display.died(worker.number, worker.end, runs_again)
            # It may have died between its trial's end and telling.
            self._finished = len(study.finished(opened))
            workers.start()
        known = {worker.trial for worker in workers.busy()}
        if self._orphans and None not in known:  # else: one of them may be in what looks orphaned
            for trial in self._of_ours(study.running(opened)):
                if trial.number not in known:
                    retries.run_again(opened, trial, "its worker died")
            self._orphans = False

    def _of_ours(self, trials: "list[FrozenTrial]") -> "list[FrozenTrial]":
        """The trials that our own workers are running or have run; in a local study, all of them."""
        return [trial for trial in trials if self._paths.team is None or trial.number in self._ours]

    def _follow_team(self, opened: "optuna.Study") -> None:
        """Every few seconds, read the team's finished and running trials, and queue orphaned ones again."""
        now = time.monotonic()
        if now - self._recorded <= RECORD_SECONDS:
            return
        retries.run_stale_again(opened)
        self._finished = len(study.finished(opened))
        for trial in study.finished(opened):
            if trial.number not in self._ours | self._shown:
                self._display.ended(None, trial_record.of(trial))
                self._shown.add(trial.number)
        running = [trial for trial in study.running(opened) if trial.number not in self._ours]
        self._elsewhere = len(running)
        self._requeue_orphans(opened, running, now)
        self.offering.go_on()

    def _requeue_orphans(self, opened: "optuna.Study", running: "list[FrozenTrial]", now: float) -> None:
        """Queue again trials that died without a heartbeat, after a grace period.

        A worker killed between taking a trial and its first heartbeat leaves it without a member's name,
        which is stored after that. One killed between failing a trial and queueing it again leaves no new
        trial.
        """
        begun = {trial.number: trial for trial in running if "member" not in trial.user_attrs}
        not_requeued = {trial.number: trial for trial in retries.waiting_for_retry(opened)}
        self._orphaned_since = {n: self._orphaned_since.get(n, now) for n in begun | not_requeued}
        for number, since in self._orphaned_since.items():
            if now - since > storage.GRACE and number in begun:
                retries.run_again(opened, begun[number], "its worker died before the trial began")
            elif now - since > storage.GRACE:
                retries.repeat(opened, not_requeued[number])

    def record(self, opened: "optuna.Study") -> None:
        """Write progress.json every few seconds, and trials.csv less often.

        At the end the table comes first: what progress.json counts is in it if the machine stops in between.
        """
        now = time.monotonic()
        if now - self._tabled > TABLE_SECONDS:
            trial_record.write_table(self._table(), opened)
            self._tabled = now
        if now - self._recorded > RECORD_SECONDS:
            progress.write(self._paths, study.key(opened), self._state(opened))
            self._recorded = now

    def _state(self, opened: "optuna.Study") -> progress.Progress:
        best, budget = study.complete(opened)[:1], self._budget()
        before = progress.read(self._paths).get(study.key(opened), progress.NOTHING)
        full = before.full
        if self._ended == FULL:
            full = max(full or 0.0, budget or 0.0)
        return progress.Progress(
            spent=round(self.spent(), 1),
            finished=self._finished,
            best=best[0].value if best else None,
            budget=budget if self._yours is None else before.budget,
            ended=self._ended if self._yours is None else before.ended,
            full=full,
            folds=self._limits.folds if self._yours is None else before.folds,
        )

    def _budget(self) -> float | None:
        """The budget, as far as UNTIL= lets it be spent: a machine that slept has had less of it."""
        budget, until = self._limits.budget, self._limits.until
        if budget is None or until is None:
            return budget
        return min(budget, self.spent() + max(0.0, until - time.time()))

    def _drop_models(self, opened: "optuna.Study") -> None:
        """Remove all networks but those worth keeping."""
        model_store.drop(self._paths, study.key(opened), opened)

    def _table(self) -> Path:
        """The file that lists the trials."""
        return self._paths.trials
