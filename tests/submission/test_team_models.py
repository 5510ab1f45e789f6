"""team_models.py, and a team end to end: machines that search together, others that only predict."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from catwalk.core.paths import Paths
from catwalk.core.team import Team
from catwalk.data import prepare
from catwalk.models.epoch import Epoch
from catwalk.search import model_store, study
from catwalk.search.trial_record import TrialRecord
from catwalk.submission import submission_csv, team_models
from tests.conftest import (
    REPOSITORY,
    Run,
    clean_environment,
    digits_paths,
    make_project,
    run_catwalk,
    start_catwalk,
)
from tests.support.records import trial_record

TRIALS = 3  # the baselines and the quick net
MEMBERS = ("ann", "bob")


def machine(folder: Path, raw: Path, name: str) -> Path:
    """A project in a folder of its own, as on a laptop of its own."""
    root = make_project(folder / name)
    digits_paths(root, raw)
    return root


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory, digits_raw: Path, server: Any) -> tuple[Path, str]:
    """Two machines that searched together, with a shared folder of artifacts, and their study's URL."""
    folder = tmp_path_factory.mktemp("team")
    (folder / "artifacts").mkdir()
    server.empty()
    begun = [
        start_catwalk(
            machine(folder, digits_raw, name), "search", "--competition", "digits", "--study", server.url,
            "--member", name, "--trials", str(TRIALS), "--workers", "1",
            "--artifacts", folder / "artifacts", PGPASSFILE=server.passfile,
        )
        for name in MEMBERS
    ]  # fmt: skip
    said = [process.communicate(timeout=300) for process in begun]
    assert [process.returncode for process in begun] == [0, 0], said
    return folder, server.url


def opened_by(folder: Path, name: str, url: str) -> tuple[Paths, Any]:
    paths = Paths(folder / name, "digits", Team.from_options(url, name, None))
    opened = study.load(paths, prepare.load(paths, 1), "local")
    return paths, opened or study.load(paths, prepare.load(paths, 1), "pixels")


@pytest.fixture
def password(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSFILE", server.passfile)


@pytest.mark.slow
def test_two_machines_share_the_trials(together: tuple[Path, str], password: None) -> None:
    folder, url = together
    paths, opened = opened_by(folder, "ann", url)
    ended = study.finished(opened)
    assert TRIALS <= len(ended) <= TRIALS + 1
    by = {trial.number: trial.user_attrs["member"] for trial in ended}
    assert set(by.values()) == set(MEMBERS)
    assert len({trial.user_attrs["seed"] for trial in ended}) == len(ended)
    chosen = [tuple(trial.params.values()) for trial in ended]
    assert len(set(chosen)) == len(chosen), "nobody tried what another did"
    table = pd.read_csv(paths.trials)
    assert set(table["member"]) <= set(MEMBERS)
    for trial in study.complete(opened):
        own = [
            name
            for name in MEMBERS
            if opened_by(folder, name, url)[0].model(study.key(opened), trial.number).is_file()
        ]
        assert own == [by[trial.number]]


@pytest.mark.long
@pytest.mark.slow
def test_a_third_trains_again_what_others_found(
    together: tuple[Path, str], digits_raw: Path, server: Any, password: None
) -> None:
    folder, url = together
    root = machine(folder, digits_raw, "eve")
    done = predicted(root, url, server, "--name", "again")
    assert "networks that others found are trained again here" in done.stdout
    paths, opened = opened_by(folder, "eve", url)
    content = json.loads(paths.recipe("again").read_text())
    assert {trial["member"] for trial in content["trials"]} <= set(MEMBERS)
    prepared = prepare.load(paths, 1)
    labels = prepared.labels[prepared.validation]
    for trial in study.complete(opened):
        said = np.load(paths.probabilities(study.key(opened), trial.number))
        assert (said.argmax(axis=1) == labels).mean() == trial.value, trial.number
    assert content["validation"]["accuracy"] > 0.9
    assert len(submission_csv.names(paths)) == 1
    assert "already done" in predicted(root, url, server, "--name", "again").stdout


@pytest.mark.long
@pytest.mark.slow
def test_a_fourth_copies_them_from_the_artifacts(
    together: tuple[Path, str], digits_raw: Path, server: Any, password: None
) -> None:
    folder, url = together
    root = machine(folder, digits_raw, "dan")
    done = predicted(root, url, server, "--artifacts", str(folder / "artifacts"))
    assert "trained here again" not in done.stdout
    paths, opened = opened_by(folder, "dan", url)
    key = study.key(opened)
    for trial in study.complete(opened):
        theirs = opened_by(folder, trial.user_attrs["member"], url)[0]
        assert paths.model(key, trial.number).read_bytes() == theirs.model(key, trial.number).read_bytes()


def predicted(root: Path, url: str, server: Any, *more: str) -> Run:
    done = run_catwalk(
        root, "predict", "--competition", "digits", "--study", url, *more, PGPASSFILE=server.passfile
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.slow
def test_the_cluster_s_script(
    together: tuple[Path, str], digits_raw: Path, server: Any, password: None
) -> None:
    """Two tasks of the array in one folder, as Slurm would start them."""
    folder, url = together
    root = machine(folder, digits_raw, "cluster")
    assert run_catwalk(root, "prepare", "--competition", "digits").returncode == 0
    text = (REPOSITORY / "docs/cluster.md").read_text()
    (script,) = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    (root / "cluster.sh").write_text(script)
    binary = root / ".venv/bin/catwalk"
    binary.parent.mkdir(parents=True)
    binary.write_text(f'#!/bin/sh\nexec {sys.executable} -m catwalk "$@"\n')
    binary.chmod(0o755)
    asked = dict(re.findall(r"^#SBATCH --([\w-]+)=(\S+)", script, re.MULTILINE))
    assert asked["array"] == "0-7"
    given = {
        "SLURM_SUBMIT_DIR": str(root), "SLURM_ARRAY_JOB_ID": "77", "SLURM_CPUS_PER_TASK": "1",
        "STUDY": url, "COMPETITION": "digits", "BUDGET": "40s", "PGPASSFILE": server.passfile,
    }  # fmt: skip
    before = {trial.number for trial in study.finished(opened_by(folder, "ann", url)[1])}
    tasks = [
        subprocess.Popen(
            ["sh", root / "cluster.sh"], cwd="/", text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**clean_environment(), **given, "SLURM_ARRAY_TASK_ID": str(number)},
        )
        for number in range(2)
    ]  # fmt: skip
    said = [task.communicate(timeout=120)[0] for task in tasks]
    assert [task.returncode for task in tasks] == [0, 0], said
    ended = [t for t in study.finished(opened_by(folder, "ann", url)[1]) if t.number not in before]
    assert {trial.user_attrs["member"] for trial in ended} == {"slurm-77_0", "slurm-77_1"}, said


def trial_of(seconds: float, number: int) -> TrialRecord:
    ends = enumerate((5.0, 5.0 + seconds / 2), 1)
    history = tuple(Epoch(i, 2, 0.5, 0.9, 0.5, 0.9, second) for i, second in ends)
    return trial_record(number, "complete", 0.9, history=history)


def test_as_many_as_fit_the_best_first() -> None:
    trials = [trial_of(seconds, number) for number, seconds in enumerate((50, 100, 20, 20, 30))]

    def fitting(cores: int, seconds: float) -> list[int]:
        return [trial.number for trial in team_models._fitting(trials, cores, seconds)]

    assert fitting(2, float("inf")) == [0, 1, 2, 3, 4]
    assert fitting(1, 70) == [0]
    assert fitting(2, 70) == [0, 2, 3]
    assert fitting(1, 90) == [0, 2]
    assert fitting(1, 5) == []
    assert team_models._fitting([], 2, 5) == []


def test_what_is_torn_is_not_taken(tmp_path: Path) -> None:
    """A network without its probabilities was not kept to the end."""
    paths = Paths(tmp_path, "digits")
    paths.model("key", 1).parent.mkdir(parents=True)
    paths.model("key", 1).touch()
    assert not model_store.is_kept(paths, "key", 1)
    paths.probabilities("key", 1).touch()
    assert model_store.is_kept(paths, "key", 1)
    shutil.rmtree(tmp_path)
