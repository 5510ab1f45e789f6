"""team_models.py, and a team end to end: machines that search together, others that only predict."""

import json
import math
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple, cast

import jsonschema
import numpy as np
import optuna
import pandas as pd
import psycopg
import pytest
import yaml

from catwalk import arguments
from catwalk.core import memory
from catwalk.core.paths import Paths
from catwalk.core.team import Team
from catwalk.data import prepare
from catwalk.data.prepare import Prepared
from catwalk.data.run_context import RunContext
from catwalk.models.epoch import Epoch
from catwalk.search import artifacts, limits, model_store, study
from catwalk.search.trial_record import TrialRecord
from catwalk.submission import chosen_trials, team_models
from tests.conftest import (
    REPOSITORY,
    Run,
    clean_environment,
    digits_paths,
    make_project,
    run_catwalk,
    start_catwalk,
)
from tests.support import planted
from tests.support.records import trial_record

TRIALS = 3  # the baselines and the quick net
MEMBERS = ("ann", "bob")


def machine(folder: Path, raw: Path, name: str) -> Path:
    """A project in a folder of its own, as on a laptop of its own."""
    root = make_project(folder / name)
    digits_paths(root, raw)
    return root


class Searched(NamedTuple):
    """Two machines that searched together, with a shared folder of artifacts, as the search left them.

    Attributes:
        folder: of both machines.
        url: of their study.
        key: of the study.
        ended: its finished trials.
        owners: by trial, whose machine has the network.
    """

    folder: Path
    url: str
    key: str
    ended: list[optuna.trial.FrozenTrial]
    owners: dict[int, list[str]]


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory, digits_raw: Path, server: Any) -> Searched:
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
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGPASSFILE", server.passfile)
        opened = opened_by(folder, "ann", server.url)[1]
        ended, key = study.finished(opened), study.key(opened)
    homes = {name: paths_of(folder, name, server.url) for name in MEMBERS}
    owners = {
        trial.number: [name for name, paths in homes.items() if paths.model(key, trial.number).is_file()]
        for trial in ended
    }
    return Searched(folder, server.url, key, ended, owners)


@pytest.fixture
def together(searched: Searched) -> tuple[Path, str]:
    return searched.folder, searched.url


def paths_of(folder: Path, name: str, url: str) -> Paths:
    return Paths(folder / name, "digits", Team.from_options(url, name, None))


def opened_by(folder: Path, name: str, url: str) -> tuple[Paths, Any]:
    paths = paths_of(folder, name, url)
    opened = study.load(paths, prepare.load(paths, 1), "local")
    return paths, opened or study.load(paths, prepare.load(paths, 1), "pixels")


@pytest.fixture
def password(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSFILE", server.passfile)


@pytest.fixture
def unstored(together: tuple[Path, str], server: Any, password: None) -> tuple[Path, str]:
    """The same, where the database has no networks any more."""
    forget_stored(together[1], server)
    return together


@pytest.mark.slow
def test_two_machines_share_the_trials(searched: Searched) -> None:
    ended = searched.ended
    assert TRIALS <= len(ended) <= TRIALS + 1
    by = {trial.number: trial.user_attrs["member"] for trial in ended}
    assert set(by.values()) == set(MEMBERS)
    assert len({trial.user_attrs["seed"] for trial in ended}) == len(ended)
    chosen = [tuple(trial.params.values()) for trial in ended]
    assert len(set(chosen)) == len(chosen), "nobody tried what another did"
    table = pd.read_csv(paths_of(searched.folder, "ann", searched.url).trials)
    assert set(table["member"]) <= set(MEMBERS)
    for trial in ended:
        if trial.state.name == "COMPLETE":
            assert searched.owners[trial.number] == [by[trial.number]]


@pytest.mark.slow
def test_a_third_copies_them_from_the_database(
    together: tuple[Path, str], digits_raw: Path, server: Any, password: None
) -> None:
    """And makes the same submission as one who searched; the second time it is done."""
    folder, url = together
    root = machine(folder, digits_raw, "eve")
    done = predicted(root, url, server, "--name", "team1")
    assert " that others of the team have trained" in done.stdout
    assert "of others again" not in done.stdout
    paths, opened = opened_by(folder, "eve", url)
    key = study.key(opened)
    for trial in study.complete(opened):
        theirs = opened_by(folder, trial.user_attrs["member"], url)[0]
        assert paths.model(key, trial.number).read_bytes() == theirs.model(key, trial.number).read_bytes()
    content = json.loads(paths.recipe("team1").read_text())
    assert {trial["member"] for trial in content["trials"]} <= set(MEMBERS)
    assert "missing" not in content
    assert "already done" in predicted(root, url, server, "--name", "team1").stdout
    predicted(folder / "ann", url, server, "--name", "team1", "--member", "ann")
    for file in (paths.submission, paths.test_predictions, paths.oof):
        theirs = opened_by(folder, "ann", url)[0]
        ours_there = theirs.root / file("team1").relative_to(paths.root)
        assert file("team1").read_bytes() == ours_there.read_bytes()


@pytest.mark.long
@pytest.mark.slow
def test_a_fourth_copies_them_from_the_artifacts(
    unstored: tuple[Path, str], digits_raw: Path, server: Any
) -> None:
    """Where the database has none of them; what it copies it stores there for the others."""
    folder, url = unstored
    root = machine(folder, digits_raw, "dan")
    done = predicted(root, url, server, "--artifacts", str(folder / "artifacts"))
    paths, opened = opened_by(folder, "dan", url)
    assert " that others of the team have trained" in done.stdout
    assert "of others again" not in done.stdout
    assert stored_of(paths, opened) == {trial.number for trial in study.complete(opened)}
    forget_stored(url, server)
    assert "already done" in predicted(root, url, server).stdout
    assert stored_of(paths, opened) == {trial.number for trial in study.complete(opened)}, "all the same"


@pytest.mark.long
@pytest.mark.slow
def test_what_nobody_stored_is_trained_again_or_named(
    unstored: tuple[Path, str], digits_raw: Path, server: Any
) -> None:
    """In too little time the best one; the same command then is done, and one with more time is not."""
    folder, url = unstored
    root = machine(folder, digits_raw, "fay")
    assert run_catwalk(root, "prepare", "--competition", "digits").returncode == 0
    paths, opened = opened_by(folder, "fay", url)
    best = study.complete(opened)
    little = predicted(root, url, server, "--budget", "1s", "--name", "team1")
    assert "training 1 network of others again" in little.stdout
    missing = ", ".join(f"{t.number} of {t.user_attrs['member']}" for t in best[1:])
    of_best = f"{len(best) - 1} of the {len(best)} best networks {'is' if len(best) == 2 else 'are'}"
    assert f"{of_best} missing (trial {missing})" in little.stdout
    assert re.search(r"train them again here: make predict .*BUDGET=[12]m", little.stdout)
    again = predicted(root, url, server, "--budget", "1s", "--name", "team1")
    assert f"already done, {paths.shown(paths.submission('team1'))}" in again.stdout
    assert re.search(rf"except for {len(best) - 1} networks? missing here", again.stdout)
    whole = predicted(root, url, server, "--budget", "5m", "--name", "team2")
    assert re.search(rf"training {len(best) - 1} networks? of others again", whole.stdout)
    prepared = prepare.load(paths, 1)
    labels = prepared.labels[prepared.validation]
    for trial in best:
        said = np.load(paths.probabilities(study.key(opened), trial.number))
        assert (said.argmax(axis=1) == labels).mean() == trial.value, trial.number
    assert stored_of(paths, opened) == {trial.number for trial in best}, "and it is stored for the others"


def stored_of(paths: Paths, opened: Any) -> set[int]:
    """Numbers of the trials whose networks the database has."""
    complete = study.complete(opened)
    return artifacts.available(paths, study.key(opened), artifacts.stores(paths, opened), complete)


def forget_stored(url: str, server: Any) -> None:
    with psycopg.connect(url, passfile=server.passfile, autocommit=True) as connection:
        connection.execute("DELETE FROM catwalk_artifacts")


def predicted(root: Path, url: str, server: Any, *more: str) -> Run:
    done = run_catwalk(
        root, "predict", "--competition", "digits", "--study", url, *more, PGPASSFILE=server.passfile
    )
    assert done.returncode == 0, done.stderr
    return done


def cluster_files(root: Path) -> None:
    """Write member.sh and cluster.sh of docs/cluster.md into a project that has a .venv."""
    text = (REPOSITORY / "docs/cluster.md").read_text()
    member, script = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    (root / "member.sh").write_text(member)
    (root / "cluster.sh").write_text(script)
    assert dict(re.findall(r"^#SBATCH --([\w-]+)=(\S+)", script, re.MULTILINE))["array"] == "0-7"
    binary = root / ".venv/bin/catwalk"
    binary.parent.mkdir(parents=True)
    binary.write_text(f'#!/bin/sh\nexec {sys.executable} -m catwalk "$@"\n')
    binary.chmod(0o755)


def job() -> Any:
    """The Job of docs/cluster.md."""
    text = (REPOSITORY / "docs/cluster.md").read_text()
    (manifest,) = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return yaml.safe_load(manifest)


@pytest.mark.slow
def test_the_cluster_s_members(
    together: tuple[Path, str], digits_raw: Path, server: Any, password: None
) -> None:
    """A task of Slurm's array and a pod of the Job in one folder, as their clusters would start them."""
    folder, url = together
    root = machine(folder, digits_raw, "cluster")
    assert run_catwalk(root, "prepare", "--competition", "digits").returncode == 0
    cluster_files(root)
    given = {"STUDY": url, "COMPETITION": "digits", "BUDGET": "40s", "PGPASSFILE": server.passfile}
    slurm = {"SLURM_SUBMIT_DIR": str(root), "SLURM_ARRAY_JOB_ID": "77", "SLURM_CPUS_PER_TASK": "1"}
    (container,) = job()["spec"]["template"]["spec"]["containers"]
    pod = {one["name"]: one.get("value", "") for one in container["env"]}
    pod |= {"INDEX": "5", "JOB": "c0ffee", "CORES": "1"}
    for name in ("INDEX", "JOB"):
        pod["MEMBER"] = pod["MEMBER"].replace(f"$({name})", pod[name])
    del pod["PGPASSWORD"]
    begun = [
        (["sh", str(root / "cluster.sh")], Path("/"), {**given, **slurm, "SLURM_ARRAY_TASK_ID": "0"}),
        (container["command"], root, {**pod, **given}),
    ]
    members = [
        subprocess.Popen(
            command, cwd=place, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**clean_environment(), **environment},
        )
        for command, place, environment in begun
    ]  # fmt: skip
    said = [member.communicate(timeout=120)[0] for member in members]
    assert [member.returncode for member in members] == [0, 0], said
    trials = opened_by(folder, "ann", url)[1].trials  # on a busy machine the budget may end all of them
    assert {trial.user_attrs.get("member") for trial in trials} >= {"slurm-77_0", "job-5-c0ffee"}, said


def test_a_member_of_the_cluster_searches_as_its_team_does(tmp_path: Path) -> None:
    """What it is not told is the command's default, as on every other machine."""
    cluster_files(tmp_path)
    (tmp_path / ".venv/bin/catwalk").write_text('#!/bin/sh\necho "$@"\n')
    given = {"STUDY": "postgresql://u@h/d", "MEMBER": "ann"}
    ours = {"MODELS": "conv", "FEATURES": "pixels", "SEED": "3"}
    for more, said in (({}, ""), (ours, "--models conv --features pixels --seed 3")):
        done = subprocess.run(
            ["sh", "member.sh"], cwd=tmp_path, check=True, capture_output=True, text=True,
            env={**clean_environment(), **dict.fromkeys(ours, ""), **given, **more},
        )  # fmt: skip
        assert done.stdout.strip().partition("--budget 55m")[2].strip() == said
        arguments.parse(done.stdout.split())


def test_the_job_keeps_to_kubernetes_schema() -> None:
    schema = json.loads((REPOSITORY / "tests/support/kubernetes_job.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    good = job()
    assert [error.message for error in validator.iter_errors(good)] == []
    assert good["spec"]["backoffLimit"] > 100 * good["spec"]["completions"], "each member may begin again"
    assert good["spec"]["template"]["spec"]["volumes"][0]["name"] == "project"
    spec = good["spec"]["template"]["spec"]
    spec["containers"][0]["comand"] = spec["containers"][0].pop("command")
    good["spec"]["completions"] = "eight"
    said = " ".join(error.message for error in validator.iter_errors(good))
    assert "'comand' was unexpected" in said
    assert "'eight' is not" in said


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


@pytest.mark.parametrize(("asked", "cores"), [(1, [1, 1]), (3, [3, 1])])
def test_others_networks_are_trained_by_as_many_processes_as_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: int, cores: list[int]
) -> None:
    """But by one where a search has the cores."""
    monkeypatch.setattr(memory, "available", lambda: 9 * limits.WORKER_MEMORY)
    nothing = cast(Any, None)
    context = RunContext(Paths(tmp_path, "digits"), nothing, nothing, 1, "pixels", workers=asked)
    assert [team_models._cores(context, is_free) for is_free in (True, False)] == cores


def test_the_missing_networks_are_named_with_who_trained_them(tmp_path: Path, digits: Prepared) -> None:
    """And with what brings them; more time does only where the time is limited."""
    context = planted.context(Paths(tmp_path, "digits"), digits)
    opened = study.create(context.paths, digits, context.scope)
    for value, member in zip((0.9, 0.8), MEMBERS, strict=True):
        planted.add(opened, value, member=member)
    planted.keep(context.paths, study.key(opened), 0, np.zeros((1, 10)))
    absent = chosen_trials.absent(context.paths, opened)
    stores = "a predict on those machines stores them (up to 64 MB each)"
    said = f"predict: 1 of the 2 best networks is missing (trial 1 of bob): {stores}"
    assert team_models._told(absent, 2, math.inf) == said
    again = re.escape(f"{said}, or train them again here: make predict BUDGET=")
    assert re.fullmatch(rf"{again}\d+m", team_models._told(absent, 2, 60))


def test_what_is_torn_is_not_taken(tmp_path: Path) -> None:
    """A network without its probabilities was not kept to the end."""
    paths = Paths(tmp_path, "digits")
    paths.model("key", 1).parent.mkdir(parents=True)
    paths.model("key", 1).touch()
    assert not model_store.is_kept(paths, "key", 1)
    paths.probabilities("key", 1).touch()
    assert model_store.is_kept(paths, "key", 1)
    shutil.rmtree(tmp_path)
