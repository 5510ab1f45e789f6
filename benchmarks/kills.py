"""A team's study with killed workers: kill -9 of random workers, and restarts of the server.

    .venv/bin/python -m benchmarks.kills               # 50 kills, 5 restarts; a quarter of an hour

Two machines (a project each, on this one) search on digits in one PostgreSQL, two workers each. Every fifth
kill hits a whole machine, its parent process and its workers, which is started again; its trials come back by
their heartbeats, the others' by the parent. After each kill the search has to finish further trials before
the next; the server is away for 1 to 5 s at each restart. Then both searches are ended by SIGTERM, and both
members predict at the same time, with a third one who has trained nothing; each predict is killed once at a
random moment and started again. Counted are finished trials that are not there any more (0), trials that
finished and were run again all the same (0), failed trials that run again more than once (0), equal choices
that finished more than once (0), trials left RUNNING (0), networks that a member could not have (0), and
different submissions (1).
"""

import argparse
import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from optuna.trial import TrialState

from benchmarks import procfs, project, record
from catwalk.core.paths import Paths
from catwalk.core.team import Team
from catwalk.data import prepare
from catwalk.search import postgres_server, storage, study

MEMBERS = ("ann", "bob")
ONLOOKER = "cora"  # only predicts
PREDICTING = 20.0  # seconds within which a predict is killed
PATIENCE = 600.0  # seconds for a further trial to finish


def search(paths: Paths) -> "subprocess.Popen[bytes]":
    return start(paths, "search", "--trials", "100000", "--workers", "2")


def start(paths: Paths, stage: str, *more: str) -> "subprocess.Popen[bytes]":
    assert paths.team
    command = [sys.executable, "-m", "catwalk", stage, "--competition", paths.competition]
    asked = ["--study", paths.team.url, "--member", paths.team.member, "--features", "pixels"]
    with (paths.root / f"{stage}.log").open("ab" if stage == "predict" else "wb") as log:
        return subprocess.Popen(  # noqa: S603
            [*command, *asked, *more], cwd=paths.root, stdout=log, stderr=log
        )


def predict_all(members: list[Paths], dice: random.Random) -> dict[str, Any]:
    """All predict at once, each is killed once and started again; the outcome, in figures."""
    asked = ("predict", "--budget", "10m", "--name", "team")
    begun = [start(paths, *asked) for paths in members]
    killed = 0
    try:
        for wait in sorted(dice.uniform(2, PREDICTING) / len(members) for _ in members):
            time.sleep(wait)
            victim = begun[killed]
            for pid in (victim.pid, *procfs.descendants_of(victim.pid)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            victim.wait()
            begun[killed] = start(members[killed], *asked)
            killed += 1
        codes = [one.wait(timeout=PATIENCE) for one in begun]
    finally:
        for one in begun:
            one.kill()
            one.wait()
    if any(codes):
        said = "".join((paths.root / "predict.log").read_text() for paths in members)
        raise SystemExit(f"a predict has failed:\n{said[-2000:]}")
    made = [
        [paths.submission("team"), paths.oof("team"), paths.test_predictions("team")] for paths in members
    ]
    digests = {hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest() for files in made}
    recipes = [json.loads(paths.recipe("team").read_text()) for paths in members]
    return {
        "predicts_killed": killed,
        "predict_exit_codes": codes,
        "networks_missing": sum(recipe.get("missing", 0) for recipe in recipes),
        "different_submissions": len(digests),
    }


class Watch:
    """What has been seen finished so far."""

    def __init__(self, paths: Paths, searches: "list[subprocess.Popen[bytes]]") -> None:
        self._paths, self._searches = paths, searches
        self._prepared = prepare.load(paths, 1)
        self.seen: set[int] = set()
        self.lost: set[int] = set()

    def look(self) -> Any:
        opened = study.load(self._paths, self._prepared, "pixels")
        now = {trial.number for trial in study.finished(opened)} if opened else set()
        self.lost |= self.seen - now
        self.seen |= now
        return opened

    def until_more(self, count: int) -> None:
        """Wait for so many further finished trials."""
        wanted, ends = len(self.seen) + count, time.monotonic() + PATIENCE
        while len(self.seen) < wanted:
            if time.monotonic() > ends or any(one.poll() is not None for one in self._searches):
                said = "".join(path.read_text() for path in self._paths.root.parent.glob("*/search.log"))
                raise SystemExit(f"the search does not go on:\n{said[-2000:]}")
            time.sleep(0.3)
            self.look()


def fire(folder: Path, kills: int, restarts: int, dice: random.Random) -> dict[str, Any]:
    with socket.create_server((postgres_server.LOOPBACK[0], 0)) as probe:
        port = probe.getsockname()[1]
    url = (
        f"postgresql://{postgres_server.USER}@{postgres_server.LOOPBACK[0]}:{port}/{postgres_server.DATABASE}"
    )
    names = (*MEMBERS, ONLOOKER)
    homes = [project.copied("digits", folder / name) for name in names]
    everyone = [
        replace(paths, team=Team.from_options(url, name, None))
        for paths, name in zip(homes, names, strict=True)
    ]
    machines = everyone[: len(MEMBERS)]
    os.environ["PGPASSFILE"] = str(homes[0].server_password)
    server, searches = contextlib.ExitStack(), []
    server.enter_context(postgres_server.running(homes[0], postgres_server.LOOPBACK[0], port, lambda _: None))
    try:
        searches = [search(paths) for paths in machines]
        watch = Watch(machines[0], searches)
        watch.until_more(4)
        for number in range(kills):
            time.sleep(dice.uniform(0, 2))
            which = dice.randrange(len(searches))
            if number % 5 == 4:
                victims = [searches[which].pid, *procfs.workers_of(searches[which].pid)]
            else:
                victims = [dice.choice([pid for one in searches for pid in procfs.workers_of(one.pid)])]
            for pid in victims:
                os.kill(pid, signal.SIGKILL)
            if len(victims) > 1:
                searches[which].wait()
                searches[which] = search(machines[which])
            watch.until_more(2)
            print(f"kill {number + 1}: {len(watch.seen)} trials finished", flush=True)
        all_at_work(searches)  # one that is only starting does not wait for a server that is away
        watch.until_more(4)
        for number in range(restarts):
            server.close()
            time.sleep(dice.uniform(1, 5))
            server.enter_context(
                postgres_server.running(homes[0], postgres_server.LOOPBACK[0], port, lambda _: None)
            )
            watch.until_more(8)
            print(f"restart {number + 1}: {len(watch.seen)} trials finished", flush=True)
        time.sleep(storage.GRACE + 3 * storage.HEARTBEAT)  # the last dead machine's trials come back
        for one in searches:
            one.terminate()  # not Ctrl-C, which whatever runs in the background ignores
        codes = [one.wait(timeout=60) for one in searches]
        trials = watch.look().get_trials(deepcopy=False)
        return {**counted(trials, watch), "exit_codes": codes, **predict_all(everyone, dice)}
    finally:
        for one in searches:
            one.kill()
            one.wait()
        server.close()
        shutil.rmtree(homes[0].server_cluster(as_root=os.geteuid() == 0), ignore_errors=True)


def all_at_work(searches: "list[subprocess.Popen[bytes]]") -> None:
    """Wait until every machine's workers have been started."""
    ends = time.monotonic() + PATIENCE
    while not all(procfs.workers_of(one.pid) for one in searches):
        if time.monotonic() > ends or any(one.poll() is not None for one in searches):
            raise SystemExit("a search has started no workers")
        time.sleep(0.3)


def counted(trials: list[Any], watch: Watch) -> dict[str, Any]:
    """The promises, in figures."""
    retries = [t.system_attrs for t in trials if "failed_trial" in t.system_attrs]
    again = Counter(retry["failed_trial"] for retry in retries)
    finished = [trial for trial in trials if trial.number in watch.seen]
    choices = Counter(tuple(sorted(trial.params.items())) for trial in finished)
    states = Counter(trial.state.name for trial in trials)
    return {
        "finished": len(watch.seen),
        "states": dict(states),
        "lost": len(watch.lost),
        "finished_and_run_again": len(set(again) & watch.seen),
        "failed_and_run_again_twice": sum(count > 1 for count in again.values()),
        "equal_choices_finished": sum(count - 1 for count in choices.values()),
        "left_running": sum(trial.state == TrialState.RUNNING for trial in trials),
        "members": dict(Counter(t.user_attrs.get("member") for t in trials if t.number in watch.seen)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--restarts", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    project.end_by_sigterm()
    with tempfile.TemporaryDirectory() as folder:
        dice = random.Random(options.seed)  # noqa: S311
        figures = fire(Path(folder), options.kills, options.restarts, dice)
    asked = {"kills": options.kills, "restarts": options.restarts, "seed": options.seed}
    print(figures)
    print(f"kept in {record.keep('kills', {**asked, **figures})}")


if __name__ == "__main__":
    main()
