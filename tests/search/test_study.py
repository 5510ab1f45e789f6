"""study.py: the storage under several processes, and trials whose worker is gone.

Also: progress.py, retries.py, storage.py.
"""

import gc
import itertools
import multiprocessing
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import optuna
import pytest
from optuna.trial import TrialState

from catwalk.core.errors import CatwalkError, MachineError, UserError
from catwalk.core.paths import Paths
from catwalk.core.records import NewerRecordError
from catwalk.data.prepare import Prepared
from catwalk.models import portfolio, space
from catwalk.search import first_trials, progress, retries, study

PREPARED = cast(Prepared, SimpleNamespace(fingerprint="aaaa", split="s1"))
ENQUEUED = 45


def made(tmp_path: Path, fingerprint: str = "aaaa") -> optuna.Study:
    prepared = cast(Prepared, SimpleNamespace(fingerprint=fingerprint, split="s1"))
    opened = study.create(Paths(tmp_path, "digits"), prepared, "pixels")
    for kind, params in portfolio.BASELINES.items():
        first_trials.enqueue_once(opened, kind, params)
    return opened


def _take(root: Path, barrier: Any, safe: bool) -> None:
    """Run enqueued trials in a process of its own, with our storage or with plain SQLite."""
    paths = Paths(root, "race")
    place: Any = study.open_storage(paths) if safe else f"sqlite:///{paths.study_db}"
    opened = optuna.load_study(study_name="race", storage=place, sampler=optuna.samplers.RandomSampler())
    barrier.wait()
    for _ in range(ENQUEUED // 3):
        opened.optimize(lambda trial: trial.suggest_int("x", 0, 10**6), n_trials=1)


def race(root: Path, safe: bool) -> tuple[Counter[int], list[int]]:
    """45 enqueued trials and 3 workers that begin at once: how often each ran, and the exit codes."""
    paths = Paths(root, "race")
    place: Any = study.open_storage(paths) if safe else f"sqlite:///{paths.study_db}"
    paths.study.mkdir(parents=True, exist_ok=True)
    opened = optuna.create_study(study_name="race", storage=place)
    for i in range(ENQUEUED):
        opened.enqueue_trial({"x": i})
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(3)
    workers = [context.Process(target=_take, args=(root, barrier, safe)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    counts = Counter(
        trial.params["x"] for trial in opened.get_trials(deepcopy=False) if trial.state == TrialState.COMPLETE
    )
    return counts, [worker.exitcode or 0 for worker in workers]


@pytest.mark.slow
def test_each_enqueued_trial_is_run_once_by_three_workers(tmp_path: Path) -> None:
    counts, codes = race(tmp_path, safe=True)
    assert codes == [0, 0, 0]
    assert counts == Counter(range(ENQUEUED))


@pytest.mark.slow
def test_plain_sqlite_would_fail_the_race(tmp_path: Path) -> None:
    """The watch over the race can see one: without our transactions some round goes wrong."""
    for attempt in range(5):
        counts, codes = race(tmp_path / str(attempt), safe=False)
        if any(codes) or counts != Counter(range(ENQUEUED)):
            return
    raise AssertionError("plain SQLite passed five rounds: the race of this test is no race any more")


def test_first_trials_are_the_baselines_and_the_hand_made_net(tmp_path: Path) -> None:
    opened = made(tmp_path)
    for _ in range(2):
        first_trials.enqueue_once(opened, "portfolio 1", portfolio.STRONG)
    waiting = opened.get_trials(deepcopy=False)
    assert [trial.user_attrs["kind"] for trial in waiting] == ["softmax", "beginner", "portfolio 1"]
    assert {trial.state for trial in waiting} == {TrialState.WAITING}
    assert len(made(tmp_path).get_trials()) == 3, "opened again, nothing is added"


def test_the_database_is_in_write_ahead_mode(tmp_path: Path) -> None:
    made(tmp_path)
    mode = sqlite3.connect(Paths(tmp_path, "digits").study_db).execute("PRAGMA journal_mode").fetchone()
    assert mode == ("wal",)


def test_a_trial_whose_worker_is_gone_runs_again_at_most_twice(tmp_path: Path) -> None:
    opened = made(tmp_path)
    first = opened.ask()
    params = space.suggest(first, "pixels")
    for attempt in range(3):
        (running,) = study.running(opened)
        assert retries.runs_again(opened, running.number) is (attempt < 2), "it will"
        retries.run_all_again(opened, "killed")
        assert retries.runs_again(opened, running.number) is (attempt < 2), "it is queued"
        assert study.running(opened) == []
        failed = [t for t in opened.get_trials(deepcopy=False) if t.state == TrialState.FAIL]
        assert len(failed) == attempt + 1
        assert failed[-1].user_attrs["failed"] == "killed"
        if attempt < 2:
            for _ in range(8):  # the other waiting trials come first
                again = opened.ask()
                if again.user_attrs.get("kind") == "softmax":
                    break
                opened.tell(again, 0.5)
            assert again.user_attrs["kind"] == "softmax"
            assert space.suggest(again, "pixels") == params
    assert all(t.state != TrialState.WAITING or t.user_attrs["kind"] != "softmax" for t in opened.trials)


def test_a_study_of_other_rows_stays_beside_the_new_one(tmp_path: Path) -> None:
    old = made(tmp_path)
    old.tell(old.ask(), 0.5)
    new = made(tmp_path, "bbbb")
    assert len(study.finished(new)) == 0
    assert len(study.finished(made(tmp_path))) == 1


def test_a_study_of_another_competition_is_refused(tmp_path: Path) -> None:
    made(tmp_path)
    paths = Paths(tmp_path, "digits")
    prepared = cast(Prepared, SimpleNamespace(fingerprint="aaaa", split="s1"))
    other = Paths(tmp_path, "fashion-mnist")
    other.study.parent.mkdir(parents=True)
    paths.study.rename(other.study)
    with pytest.raises(UserError, match=r"study\.db: contains the study digits-aaaa-s1-pixels"):
        study.create(other, prepared, "pixels")


def test_other_choices_in_the_space_need_a_new_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = made(tmp_path)
    opened.optimize(lambda trial: len(space.suggest(trial, "pixels")), n_trials=1)
    assert made(tmp_path), "nothing has changed"
    monkeypatch.setitem(space.SPACE, "dropout", ("float", [0.0, 0.9]))
    assert made(tmp_path), "bounds may change"
    before, said = space.SPACE["norm"], r"space\.py: norm has the choices .*'batch'\], but the study has"
    monkeypatch.setitem(space.SPACE, "norm", ("one of", ["none", "batch"]))
    with pytest.raises(UserError, match=said) as error:
        made(tmp_path)
    assert error.value.fix.startswith("undo the change, or rename data/digits/study to start a new study")
    monkeypatch.setitem(space.SPACE, "norm", before)
    assert made(tmp_path), "it is undone"


def test_a_trial_is_repeated_once_and_only_if_it_failed(tmp_path: Path) -> None:
    opened = made(tmp_path)
    first = opened.ask()
    space.suggest(first, "pixels")
    opened.tell(first, 0.5)
    retries.repeat(opened, opened.trials[0])
    assert len(opened.trials) == 2, "it ended well"
    assert retries.runs_again(opened, 0) is None
    second = opened.ask()
    opened.tell(second, state=TrialState.FAIL)
    for _ in range(2):
        retries.repeat(opened, opened.trials[1])
    assert [trial.system_attrs.get("failed_trial") for trial in opened.trials] == [None, None, 1]


def test_a_trial_is_compared_with_its_own_family() -> None:
    """After two epochs the convolutional network is behind all dense ones, and first of its own."""
    opened = optuna.create_study(direction="maximize", pruner=study.FamilyPruner())
    pruned = []
    for family, value in (("dense", 0.90), ("dense", 0.91), ("dense", 0.92), ("conv", 0.80), ("conv", 0.70)):
        opened.enqueue_trial({"family": family})
        trial = opened.ask()
        assert trial.suggest_categorical("family", ["dense", "conv"]) == family
        trial.report(value, study.RUNGS[0])
        pruned.append(trial.should_prune())
        opened.tell(trial, value)
    assert pruned[3:] == [False, True]


def drawn(seed: int, worker: int, done: int, team: bool = False) -> list[space.Params]:
    """The parameters of twelve trials in a row: eight random ones, then four that the sampler models."""
    sampler = study.sampler(seed, worker, "pixels", done, team)
    opened, chosen = optuna.create_study(direction="maximize", sampler=sampler), []
    for _ in range(12):
        trial = opened.ask()
        chosen.append(space.suggest(trial, "pixels"))
        opened.tell(trial, chosen[-1]["dropout"])
    return chosen


def test_each_worker_of_each_run_draws_its_own_parameters() -> None:
    """And the same ones again, but in a team, whose machines may have the same seed and worker."""
    first = drawn(1, 0, 0)
    assert drawn(1, 0, 0) == first
    others = [drawn(2, 0, 0), drawn(1, 1, 0), drawn(1, 0, 12), *(drawn(1, 0, 0, team=True) for _ in range(2))]
    assert all(one != other for one, other in itertools.combinations([first, *others], 2))


def test_no_study_yet(tmp_path: Path) -> None:
    assert study.load(Paths(tmp_path, "digits"), PREPARED, "pixels") is None
    made(tmp_path)
    assert study.load(Paths(tmp_path, "digits"), PREPARED, "other") is None
    assert study.load(Paths(tmp_path, "digits"), PREPARED, "pixels") is not None


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    paths = Paths(tmp_path, "digits")
    paths.study.mkdir(parents=True)
    paths.study_db.write_bytes(b"not a database" * 100)
    with pytest.raises(CatwalkError, match=r"study\.db can't be used \(file is not a database\)"):
        made(tmp_path)


def test_a_file_of_a_newer_optuna_is_one_line(tmp_path: Path) -> None:
    made(tmp_path)
    with sqlite3.connect(Paths(tmp_path, "digits").study_db) as database:
        database.execute("UPDATE version_info SET schema_version = 99, library_version = '9.9.9'")
        database.execute("UPDATE alembic_version SET version_num = 'v9.9.9.a'")
    with pytest.raises(UserError, match=r"study\.db can't be used \(.*9\.9\.9") as error:
        made(tmp_path)
    assert "\n" not in str(error.value)


def test_progress_is_read_without_the_study_s_trials(tmp_path: Path) -> None:
    paths = Paths(tmp_path, "digits")
    progress.write(paths, "one", replace(progress.NOTHING, spent=1.5, finished=2))
    assert progress.read(paths) == {}, "without a study there is no progress"
    made(tmp_path)
    progress.write(paths, "one", replace(progress.NOTHING, spent=1.5, finished=2))
    progress.write(paths, "two", replace(progress.NOTHING, spent=3.0, finished=4))
    one = progress.read(paths)["one"]
    assert one == replace(progress.Progress(1.5, 2, None, None, None, None), began=one.began)
    assert datetime.fromisoformat(one.began) <= datetime.now(UTC)
    progress.write(paths, "one", replace(progress.NOTHING, spent=2.5, finished=3))
    assert progress.read(paths)["one"].began == one.began
    lacking = '{"one": {"schema_version": 1, "spent": 1.5, "finished": 2, "best": null}}'
    for damaged in ("{", "[]", '{"one": 3}', '{"one": {"spent": "long"}}', lacking):
        paths.progress.write_text(damaged)
        assert progress.read(paths) == {}


def test_what_a_renamed_study_had_done_is_not_the_new_one_s(tmp_path: Path) -> None:
    """As where the file alone is renamed, though a message says to rename its folder."""
    paths = Paths(tmp_path, "digits")
    made(tmp_path)
    progress.write(paths, "one", replace(progress.NOTHING, spent=600.0, finished=12))
    gc.collect()  # a connection that is closed later would remove the new file's log
    paths.study_db.rename(paths.study_db.with_suffix(".damaged"))
    made(tmp_path)
    assert progress.read(paths) == {}


@pytest.mark.parametrize("newer", ['{"one": {"schema_version": 2}}', '{"schema_version": 2, "studies": []}'])
def test_progress_of_a_newer_catwalk_stays(tmp_path: Path, newer: str) -> None:
    paths = Paths(tmp_path, "digits")
    made(tmp_path)
    paths.progress.write_text(newer)
    for touches in (lambda: progress.read(paths), lambda: progress.write(paths, "two", progress.NOTHING)):
        with pytest.raises(NewerRecordError, match=r"^data/digits/study/progress\.json: written by a"):
            touches()
    assert paths.progress.read_text() == newer


def test_one_search_at_a_time(tmp_path: Path) -> None:
    paths = Paths(tmp_path, "digits")
    with (
        progress.locked(paths),
        pytest.raises(UserError, match="another search of digits is running") as error,
        progress.locked(paths),
    ):
        pass
    assert error.value.what.endswith(" here, or a try or predict that trains networks")
    assert error.value.fix.endswith(
        "; the leaderboard still works, and predict of a study with a complete trial"
    )
    with progress.locked(paths):
        pass


def test_an_optuna_that_is_too_old_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optuna, "__version__", "4.8.0")
    with pytest.raises(MachineError, match=r"^Optuna 4\.8\.0 is too old, 4\.9 is needed: run make setup$"):
        study.open_storage(Paths(tmp_path, "digits"))


def test_commands_that_begin_at_once_all_open_the_study(tmp_path: Path) -> None:
    """In a new folder each finds no tables yet, and would make them."""
    barrier = threading.Barrier(4)

    def open_it(_: int) -> None:
        barrier.wait(60)
        study.open_storage(Paths(tmp_path, "digits"))

    with ThreadPoolExecutor(4) as commands:
        list(commands.map(open_it, range(4)))


def test_a_study_of_one_s_own_imports_nothing_of_a_team_s() -> None:
    """An Optuna that lacks what the team's storage stands on still serves a lone user."""
    imports = "import sys; from catwalk.search import study, supervisor"
    code = f"{imports}; print('catwalk.search.postgres_storage' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
