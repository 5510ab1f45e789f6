"""Workers: how two scale against one, and what is held after hundreds and thousands of trials.

    .venv/bin/python -m benchmarks.workers scaling     # Fashion-MNIST, 8 trials a run; a quarter of an hour
    .venv/bin/python -m benchmarks.workers memory      # digits, 210 trials in one worker; about as long
    .venv/bin/python -m benchmarks.workers long        # digits, 2,000 tiny ones in two workers; half an hour

All run the real search (``search.run``) in a folder of its own. For scaling every trial is the same (the
beginners' net, never stopped early), and the rate counts from the first trial's start to the last one's end,
without the start of the processes; one, two and four workers take turns, on the embedded SQLite and on
PostgreSQL as a team has it. The limit is 1.85 times the rate with two on SQLite. For memory, resident memory,
open files and threads of workers (their mean) and parent are read from /proc (Linux) as trials end; the limit
for a worker is 10% more than after the tenth, at any time. The long one is as many trials as eight hours
bring: linear networks of six epochs in large batches, all else chosen by the sampler.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import procfs, project, record
from catwalk.core.paths import Paths
from catwalk.data import competition, prepare
from catwalk.data.run_context import RunContext
from catwalk.models import portfolio
from catwalk.search import progress, search, study
from catwalk.search.limits import Limits

COUNTS = (1, 2, 4)
TINY = {"depth": 0, "batch_size": 2048}
LINE = 20  # tiny trials that wait


def quiet(_line: str) -> None:
    pass


def rate(paths: Paths, workers: int, trials: int) -> float:
    """Trials an hour of ``workers`` on ``trials`` equal trials."""
    project.emptied(paths)
    prepared = prepare.load(paths, 1)
    opened = study.create(paths, prepared, "pixels")
    for _ in range(trials):
        opened.enqueue_trial(portfolio.BASELINES["beginner"], user_attrs={"kind": "beginner"})
    context = RunContext(paths, competition.load(paths), prepared, 1, "pixels", quiet)
    search.run(context, Limits(None, trials), workers, time.monotonic())
    equal = [t for t in study.finished(opened) if t.user_attrs.get("kind") == "beginner"]
    begun = min(t.datetime_start.timestamp() for t in equal if t.datetime_start)
    ended = max(t.datetime_complete.timestamp() for t in equal if t.datetime_complete)
    return float(3600 * len(equal) / (ended - begun))


def scaling(rounds: int, trials: int) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        paths = project.copied("fashion-mnist", Path(folder))
        with project.shared(paths) as shared:
            places = [("SQLite", paths), ("PostgreSQL", shared)]
            for number in range(rounds):
                for place, where in places[:: 1 if number % 2 == 0 else -1]:
                    for workers in COUNTS[number % 3 :] + COUNTS[: number % 3]:
                        an_hour = rate(where, workers, trials)
                        rows.append({"storage": place, "workers": workers, "trials_an_hour": an_hour})
                        print(f"round {number + 1}, {place}, {workers}: {an_hour:.0f} an hour", flush=True)
    medians = {
        f"{place} {workers}": statistics.median(
            row["trials_an_hour"] for row in rows if (row["storage"], row["workers"]) == (place, workers)
        )
        for place, _ in places
        for workers in COUNTS
    }
    ratio = medians["SQLite 2"] / medians["SQLite 1"]
    print(f"two workers against one: {ratio:.2f} times the trials an hour (limit 1.85)")
    return {"rounds": rows, "medians": medians, "ratio": ratio, "limit": 1.85}


def held_now(paths: Paths) -> dict[str, float] | None:
    """What the workers, the parent and the study's file hold; None while there are no workers."""
    workers = [seen for pid in procfs.workers_of(os.getpid()) if (seen := procfs.held(pid))]
    ours = procfs.held(os.getpid())
    if not workers or not ours:
        return None
    mean = {key: statistics.mean(one[key] for one in workers) for key in workers[0]}
    parent = {f"parent_{key}": value for key, value in ours.items()}
    files = {"study": paths.study_db, "table": paths.trials}
    sizes = {f"{name}_megabytes": file.stat().st_size / 1e6 for name, file in files.items() if file.is_file()}
    return {**mean, **parent, **sizes}


def feed(root: Path) -> None:
    """Let tiny trials wait in line, a few at a time, until ended; in a process of its own, for it grows.

    It also ends with the process that has started it, which may have been killed.
    """
    parent = os.getppid()
    paths = Paths(root, "digits")
    opened = study.create(paths, prepare.load(paths, 1), "pixels")
    while os.getppid() == parent:
        for _ in range(LINE - len(study.waiting(opened))):
            opened.enqueue_trial(TINY, user_attrs={"kind": "quick"})
        time.sleep(1)


@contextlib.contextmanager
def fed(paths: Paths) -> Iterator[None]:
    feeder = subprocess.Popen([sys.executable, "-m", "benchmarks.workers", "feed", "--root", str(paths.root)])  # noqa: S603
    try:
        yield
    finally:
        feeder.kill()
        feeder.wait()


def memory(trials: int, workers: int, tiny: bool) -> dict[str, Any]:
    seen: dict[int, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        paths = project.copied("digits", Path(folder))
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(0.2):
                states = list(progress.read(paths).values())
                if states and (held := held_now(paths)):
                    seen[states[0].finished] = held

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            with fed(paths) if tiny else contextlib.nullcontext():
                context = RunContext.load(paths, competition.load(paths), 1, "pixels", quiet)
                search.run(context, Limits(None, trials), workers, time.monotonic())
        finally:
            ended.set()
            watcher.join()
    counts = sorted(seen)
    first = next(count for count in counts if count >= 10)
    last = next(count for count in counts if count >= trials - 10)
    most = max((count for count in counts if count >= first), key=lambda count: seen[count]["megabytes"])
    for count in [c for c in counts if c in (first, most, last) or c % 50 == 0]:
        print(f"after {count:>4} trials: {seen[count]}")
    growth = seen[most]["megabytes"] / seen[first]["megabytes"] - 1
    print(f"most memory, after {most} trials, against {first}: {growth:+.1%} (limit +10%)")
    after = {str(count): seen[count] for count in sorted({first, most, last})}
    return {"after": after, "from": first, "most": most, "growth": growth, "limit": 0.1}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=("scaling", "memory", "long", "feed"), help="feed: long's own")
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trials", type=int, help="a run (8 for scaling, 210 for memory, 2,000 for long)")
    options = parser.parse_args()
    if options.what == "feed":
        feed(options.root)
        return
    project.end_by_sigterm()
    if options.what == "scaling":
        figures = scaling(options.rounds, options.trials or 8)
    elif options.what == "memory":
        figures = memory(options.trials or 210, workers=1, tiny=False)
    else:
        figures = memory(options.trials or 2000, workers=2, tiny=True)
    print(f"kept in {record.keep(f'workers-{options.what}', figures)}")


if __name__ == "__main__":
    main()
