"""artifacts.py, postgres_artifacts.py, offering.py: a team's networks go to database or folder, and back."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import optuna
import psycopg
import pytest
from optuna.artifacts.exceptions import ArtifactNotFound
from optuna.trial import TrialState
from psycopg.errors import DiskFull
from sqlalchemy.exc import OperationalError

from catwalk.core.paths import Paths
from catwalk.core.team import Team
from catwalk.data.prepare import Prepared
from catwalk.data.run_context import RunContext
from catwalk.search import artifacts, model_store, search, study
from catwalk.search.limits import Limits
from catwalk.search.offering import Offering
from catwalk.search.postgres_artifacts import PostgresArtifactStore
from tests.conftest import load
from tests.support.postgres import Server

PREPARED = cast(
    Prepared,
    SimpleNamespace(fingerprint="aaaa", split="s1", validation=range(144), duplicates={"train": 0}),
)
BEST = model_store.MAX_KEPT_MODELS


def machine(root: Path, url: str, name: str, folder: Path | None = None) -> tuple[Paths, optuna.Study]:
    """A member with a study in the shared database; each has a root of its own."""
    paths = Paths(root / name, "digits", Team.from_options(url, name, folder))
    return paths, study.create(paths, PREPARED, "pixels")


def train(paths: Paths, opened: optuna.Study, count: int, member: str, content: bytes = b"network") -> None:
    """Add complete trials, each better than the one before, whose networks are kept here."""
    for _ in range(count):
        number = len(opened.get_trials(deepcopy=False))
        opened.add_trial(optuna.trial.create_trial(value=0.5 + number / 1000, user_attrs={"member": member}))
        for file in artifacts.files(paths, study.key(opened), number).values():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content + file.name.encode())


def kept(paths: Paths, opened: optuna.Study) -> set[int | None]:
    files = paths.kept(study.key(opened)).glob("trial-*")
    return {model_store.number_in(file.name) for file in files}


@pytest.mark.parametrize("with_folder", [False, True])
def test_what_one_member_stores_another_copies(tmp_path: Path, shared: str, with_folder: bool) -> None:
    (tmp_path / "artifacts").mkdir()
    folder = tmp_path / "artifacts" if with_folder else None
    ann, opened = machine(tmp_path, shared, "ann", folder)
    key = study.key(opened)
    train(ann, opened, 2, "ann")
    assert artifacts.offer(ann, key, [0, 1], artifacts.stores(ann, opened)) == []
    bob, _ = machine(tmp_path, shared, "bob")
    if with_folder:  # and from the database alone
        assert len(list((tmp_path / "artifacts").iterdir())) == 4
    stored = artifacts.stores(bob, opened)
    assert artifacts.available(bob, key, stored, study.complete(opened)) == {0, 1}
    assert artifacts.fetch(bob, key, 1, stored)
    assert not artifacts.fetch(bob, key, 2, stored)
    assert kept(bob, opened) == {1}
    assert bob.model(key, 1).read_bytes() == ann.model(key, 1).read_bytes()
    assert model_store.is_kept(bob, key, 1)


def test_what_is_no_longer_among_the_best_goes_from_store_and_disk(tmp_path: Path, shared: str) -> None:
    folder = tmp_path / "artifacts"
    folder.mkdir()
    ann, opened = machine(tmp_path, shared, "ann", folder)
    key, stored = study.key(opened), artifacts.stores(ann, opened)
    train(ann, opened, BEST, "ann")
    running = opened.ask()  # its network may be kept while it is still running
    ann.model(key, running.number).write_bytes(b"x")
    artifacts.offer(ann, key, range(BEST), stored)
    train(ann, opened, 2, "ann")  # two that are better
    artifacts.offer(ann, key, [BEST + 1, BEST + 2], stored)
    artifacts.drop(key, opened, stored)
    model_store.drop(ann, key, opened)
    best = {*range(2, BEST), BEST + 1, BEST + 2}
    assert kept(ann, opened) == best | {running.number}
    for store in stored:
        numbers = {model_store.number_in(name.removeprefix(f"{key}.")) for name in store.ids()}
        assert numbers == best
    opened.tell(running, state=TrialState.FAIL)  # what it left is removed too
    model_store.drop(ann, key, opened)
    assert kept(ann, opened) == best


def test_a_store_keeps_to_optuna_s_protocol(tmp_path: Path, shared: str) -> None:
    (tmp_path / "artifacts").mkdir()
    ann, opened = machine(tmp_path, shared, "ann", tmp_path / "artifacts")
    for store in artifacts.stores(ann, opened):
        ours = tmp_path / "x.keras"
        ours.write_bytes(b"\0\xff" * 1000)
        name = optuna.artifacts.upload_artifact(
            artifact_store=store, file_path=str(ours), study_or_trial=opened
        )
        back = tmp_path / "back"
        optuna.artifacts.download_artifact(artifact_store=store, artifact_id=name, file_path=str(back))
        assert back.read_bytes() == ours.read_bytes()
        back.unlink()
        store.remove(name)
        store.remove(name)
        with pytest.raises(ArtifactNotFound):
            store.open_reader(name)


@pytest.mark.parametrize("is_there", [False, True])
def test_a_folder_that_fails_is_said_once(
    tmp_path: Path, shared: str, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    """As a share that is not mounted, or may not be written: the database has everything."""
    folder = tmp_path / "artifacts"
    folder.mkdir()
    ann, opened = machine(tmp_path, shared, "ann", folder)
    train(ann, opened, 3, "ann")
    key, stored = study.key(opened), artifacts.stores(ann, opened)
    if not is_there:
        folder.rmdir()
        folder.write_text("no folder")  # root may read and write whatever the mode is
    else:
        monkeypatch.setattr(artifacts.FolderStore, "write", refuse)
    (line,) = artifacts.offer(ann, key, range(3), stored)
    assert line.startswith("networks are not stored in ARTIFACTS= (")
    artifacts.drop(key, opened, stored)
    bob, _ = machine(tmp_path, shared, "bob", folder if is_there else None)
    stored = [artifacts.FolderStore(folder, key), *artifacts.stores(bob, opened)[-1:]]
    assert artifacts.available(bob, key, stored, study.complete(opened)) == {0, 1, 2}
    assert artifacts.fetch(bob, key, 2, stored)
    assert kept(bob, opened) == {2}


def refuse(*_: object) -> None:
    raise PermissionError(13, "Permission denied")


def test_files_of_others_stay(tmp_path: Path, shared: str) -> None:
    """What a cloud or a person put beside the networks."""
    folder = tmp_path / "artifacts"
    folder.mkdir()
    ann, opened = machine(tmp_path, shared, "ann", folder)
    train(ann, opened, BEST + 1, "ann")
    key, stored = study.key(opened), artifacts.stores(ann, opened)
    artifacts.offer(ann, key, range(BEST + 1), stored)
    theirs = ["trial-00000 (conflicted copy).keras", "trial-00000.backup.keras", "trial-x.npy"]
    for name in theirs:
        (folder / f"{key}.{name}").write_text("x")
        (ann.kept(key) / name).write_text("x")
    artifacts.drop(key, opened, stored)
    model_store.drop(ann, key, opened)
    assert not ann.model(key, 0).exists()
    assert not (folder / f"{key}.{ann.model(key, 0).name}").exists()
    for name in theirs:
        assert (folder / f"{key}.{name}").exists()
        assert (ann.kept(key) / name).exists()


def test_one_that_is_too_late_is_left_to_predict(tmp_path: Path, shared: str) -> None:
    ann, opened = machine(tmp_path, shared, "ann")
    train(ann, opened, 3, "ann")
    late = iter([False, True, True])
    key, stored = study.key(opened), artifacts.stores(ann, opened)
    (line,) = artifacts.offer(ann, key, range(3), stored, lambda: next(late))
    assert line == "2 of your networks are not stored for the team yet: make predict stores them"
    assert artifacts.available(ann, key, stored, study.complete(opened)) == {0}


def test_too_large_for_the_database_is_said(
    tmp_path: Path, shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "LARGEST", 10_000_000)
    ann, opened = machine(tmp_path, shared, "ann")
    train(ann, opened, 1, "ann", b"0" * 11_000_000)
    train(ann, opened, 1, "ann")
    folder = tmp_path / "artifacts"
    folder.mkdir()
    both = [artifacts.FolderStore(folder, study.key(opened)), *artifacts.stores(ann, opened)]
    assert artifacts.offer(ann, study.key(opened), [0], both) == [], "the folder has it"
    (line,) = artifacts.offer(ann, study.key(opened), [0, 1], artifacts.stores(ann, opened))
    assert line.startswith(
        "the network of trial 0 (22 MB) is too large for the study's database (up to 10 MB)"
    )
    assert artifacts.available(
        ann, study.key(opened), artifacts.stores(ann, opened), study.complete(opened)
    ) == {1}


def test_networks_go_with_their_study(tmp_path: Path, shared: str, server: Server) -> None:
    ann, opened = machine(tmp_path, shared, "ann")
    train(ann, opened, 1, "ann")
    artifacts.offer(ann, study.key(opened), [0], artifacts.stores(ann, opened))

    def rows() -> Any:
        with psycopg.connect(shared, passfile=server.passfile) as connection:
            return connection.execute("SELECT count(*) FROM catwalk_artifacts").fetchone()

    assert rows() == (2,)
    optuna.delete_study(study_name=opened.study_name, storage=opened._storage)
    assert rows() == (0,)


def test_a_search_stores_its_own_of_the_best(tmp_path: Path, shared: str) -> None:
    """Also what it had trained before; what others have trained is theirs to store."""
    ann, opened = machine(tmp_path, shared, "ann")
    train(ann, opened, 2, "ann")
    train(ann, opened, 1, "bob")
    offering = Offering(ann, opened)
    offering.go_on()
    list(offering.end())
    train(ann, opened, 1, "ann")
    assert list(offering.end()) == []
    stored = artifacts.stores(ann, opened)
    assert artifacts.available(ann, study.key(opened), stored, study.complete(opened)) == {0, 1, 3}


def test_a_search_that_is_done_stores_in_a_folder_that_is_new(tmp_path: Path, shared: str) -> None:
    folder = tmp_path / "artifacts"
    folder.mkdir()
    without, opened = machine(tmp_path, shared, "ann")
    train(without, opened, 2, "ann")
    ann, _ = machine(tmp_path, shared, "ann", folder)
    said: list[str] = []
    context = RunContext(ann, load("digits"), PREPARED, 1, "pixels", said.append)
    search.run(context, Limits(None, 2), 1, 0.0)
    assert [line[:31] for line in said] == ["search: already done, 2 trials "]
    stored = [artifacts.FolderStore(folder, study.key(opened)), *artifacts.stores(without, opened)]
    for store in stored:
        assert artifacts.available(ann, study.key(opened), [store], study.complete(opened)) == {0, 1}


def test_a_server_that_is_gone_at_the_end_is_said(tmp_path: Path, shared: str, server: Server) -> None:
    ann, opened = machine(tmp_path, shared, "ann")
    train(ann, opened, 1, "ann")
    offering = Offering(ann, opened)
    cast(Any, opened._storage)._backend.hurry()
    server.stop()
    try:
        (line,) = offering.end()
    finally:
        server.start()
    assert line.startswith(
        "search: the last of your networks are not stored for the team, because the team's study can't be"
    )


def test_a_full_disk_of_the_server_is_said_and_not_tried_again(
    tmp_path: Path, shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network of up to 64 MB would be sent every two seconds."""
    sent: list[str] = []

    def fill(_: PostgresArtifactStore, name: str, _body: object) -> None:
        sent.append(name)
        raise OperationalError("INSERT", {}, DiskFull("could not extend file"))

    monkeypatch.setattr(PostgresArtifactStore, "write", fill)
    ann, opened = machine(tmp_path, shared, "ann")
    train(ann, opened, 1, "ann")
    offering = Offering(ann, opened)
    for _ in range(2):
        offering.go_on()
        assert offering._thread is not None
        offering._thread.join()
    assert list(offering.end()) == [
        "search: the last of your networks are not stored for the team, because the disk of the team's "
        "server is full (could not extend file): make predict stores them later"
    ]
    assert len(sent) == 1
