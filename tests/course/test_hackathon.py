"""hackathon.py and what it stands on: the pipeline in a notebook on Kaggle or Colab.

Also: attached_competition.py, attached_data.py, hackathon_settings.py, image_packages.py, kept_folder.py,
notebook_results.py, project_folder.py, run_stage.py, working_folder.py.
"""

import errno
import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import optuna
import pytest

from catwalk import arguments, command_hints
from catwalk.core import advice
from catwalk.core.errors import CatwalkError, MachineError, NetworkError, UserError
from catwalk.core.paths import Paths
from catwalk.course import (
    attached_data,
    hackathon,
    hackathon_settings,
    image_packages,
    kept_folder,
    run_stage,
    working_folder,
)
from catwalk.course.hackathon import Settings
from catwalk.course.project import Project
from catwalk.data import archives, download, idx, prepare, scope
from catwalk.data import competition as competitions
from catwalk.data.prepare import Prepared
from catwalk.search import progress, study
from catwalk.submission import recipe
from tests.conftest import REPOSITORY, load, run_catwalk
from tests.support.forms.pictures import draw, shuffled
from tests.support.public_forms import FORMS
from tests.support.records import made_recipe

DIGITS = load("digits")
NAMES = (DIGITS.train_file, DIGITS.test_file)
# Options of ``catwalk all`` that are no settings of the notebook, and why.
NO_SETTINGS = {
    **dict.fromkeys(("train", "test", "label", "id", "shape", "transpose"), "what DECIDE contains"),
    **dict.fromkeys(("study", "member", "artifacts"), "a team's machines have the command"),
    "trials": "a session has a time",
    "name": "a working folder has one submission.csv",
}


@pytest.fixture
def inputs(tmp_path: Path, digits_raw: Path) -> Path:
    """An input whose files have the right names and other columns, and before it in the alphabet."""
    other = tmp_path / "input/another-competition"
    other.mkdir(parents=True)
    for name in NAMES:
        (other / name).write_text("PassengerId,Survived\n1,0\n2,1\n")
    return tmp_path / "input"


def found(inputs: Path) -> list[Path]:
    return attached_data.find(DIGITS, inputs).fitting


@pytest.mark.parametrize("form", ["plain", "gzip", "zip"])
def test_the_columns_decide_not_the_first_of_the_names(inputs: Path, digits_raw: Path, form: str) -> None:
    attached = attached_data.find(DIGITS, inputs)
    assert attached.fitting == []
    assert "another-competition: digits_train.csv" in attached.refused[0]
    assert "columns" in attached.refused[0]
    there = inputs / "competitions/our class"
    there.mkdir(parents=True)
    if form == "zip":
        with zipfile.ZipFile(there / "digits.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name in NAMES:
                archive.write(digits_raw / name, f"inner/{name}")
    for name in NAMES:
        if form == "plain":
            shutil.copy(digits_raw / name, there)
        elif form == "gzip":
            (there / f"{name}.gz").write_bytes(gzip.compress((digits_raw / name).read_bytes()))
    assert found(inputs) == [there]


def test_idx_files_are_found_by_their_pictures_and_labels(
    tmp_path: Path, fashion_idx: Path, mnist_idx: Path
) -> None:
    shutil.copytree(fashion_idx, tmp_path / "b")
    fashion = load("fashion-mnist")
    assert attached_data.find(fashion, tmp_path).fitting == [tmp_path / "b"]
    assert attached_data.find(load("mnist"), tmp_path).fitting == [tmp_path / "b"], "mnist has no checksums"
    assert "pixels" in attached_data.find(load("cifar10"), tmp_path).refused[0]
    shutil.copytree(mnist_idx, tmp_path / "a")
    attached = attached_data.find(fashion, tmp_path)
    assert attached.fitting == [tmp_path / "b"]
    assert "sha256" in attached.refused[0]


def test_a_mounted_drive_is_not_walked(
    tmp_path: Path, digits_raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive = tmp_path / "drive"
    shutil.copytree(digits_raw, drive / "MyDrive")
    assert found(tmp_path) == [drive / "MyDrive"]
    monkeypatch.setattr(Path, "is_mount", lambda path: path == drive)
    assert found(tmp_path) == []
    assert found(drive) == [drive / "MyDrive"], "unless it is asked for"


def settings_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **given: str) -> Settings:
    """Settings for the digits; the working folder, inputs and temporary files below ``tmp_path``."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(hackathon, "INPUT", tmp_path / "input")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return Settings(**{"competition": "digits", **given})  # type: ignore[arg-type]


def test_what_the_command_is_given(
    inputs: Path,
    digits_raw: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    called: list[tuple[str, ...]] = []
    monkeypatch.setattr(run_stage, "run", lambda *given, **_: called.append(given))
    monkeypatch.setattr(hackathon, "_made", lambda settings, paths: "one")
    settings = settings_in(tmp_path, monkeypatch)
    first, _ = hackathon.run(settings)
    shutil.copytree(digits_raw, inputs / "ours")
    root, _ = hackathon.run(settings)
    assert root != first, "whose data are from elsewhere"
    hackathon.run(
        Settings(
            "digits", "kaggle", until="14:40", seed=3, features="pixels", models="conv", folds="5", workers=2
        )
    )
    common = ("all", "--competition=digits")
    rest = ("--seed=1", "--features=auto", "--models=dense", "--folds=auto")
    assert called == [
        (*common, "--source=auto", "--budget=10m", *rest),
        (
            *common,
            f"--source={inputs / 'ours'}",
            "--budget=10m",
            "--seed=1",
            "--features=auto",
            "--models=dense",
            "--folds=auto",
        ),
        (
            *common,
            "--source=kaggle",
            "--until=14:40",
            "--seed=3",
            "--features=pixels",
            "--models=conv",
            "--folds=5",
            "--workers=2",
        ),
    ]
    assert f"using the data in {inputs / 'ours'}" in capsys.readouterr().out
    assert not root.is_relative_to(tmp_path / "work")
    assert {path.name for path in root.iterdir()} == set(hackathon.FOLDERS)


def test_each_option_of_all_is_a_setting_or_has_a_reason_not_to_be() -> None:
    """The command gets it, the notebook's cells have it, and the page explains it."""
    options, settings = {name.lower() for name in arguments.defaults("all")}, fields(Settings)
    assert options - {one.name for one in settings} == set(NO_SETTINGS)
    given: dict[str, Any] = dict.fromkeys(options - set(NO_SETTINGS), "1")
    by_budget: dict[str, Any] = {**given, "until": None}
    passed = {text for one in (given, by_budget) for text in Settings(**one).options("1")}
    assert passed == {f"--{arguments.option(name.upper())}=1" for name in given}
    names = [one.name.upper() for one in settings]
    cells = json.loads((REPOSITORY / "notebooks/hackathon.ipynb").read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    assert [name for name in re.findall(r"^([A-Z_]+) = ", code, re.MULTILINE) if name in names] == names
    (passed_on,) = re.findall(r"hackathon\.Settings\(([^)]*)\)", code)
    assert re.findall(r"[A-Z_]+", passed_on) == names
    page = (REPOSITORY / "docs/kaggle.md").read_text(encoding="utf-8").split("## The first cell")[1]
    told = re.findall(r"^\| (`[A-Z].*?) \|", page.split("\n## ")[0], re.MULTILINE)
    assert re.findall(r"[A-Z_]+", " ".join(told)) == names


def leave_submission(paths: Paths, source: Path, models: str, finished: int = 3) -> None:
    """What a search and its prediction leave: a submission of three trials, named after the models.

    Args:
        paths: the project's.
        source: the folder of the data.
        models: of the search.
        finished: trials of the study, of which the last ones may be newer than the submission.
    """
    download.run(paths, DIGITS, str(source), print)
    prepare.run(paths, DIGITS, 1, print)
    prepared = prepare.load(paths, 1)
    key = progress.study_name(paths, prepared, scope.name("local", models))
    paths.study.mkdir(parents=True, exist_ok=True)
    paths.study_db.touch()
    progress.write(paths, key, replace(progress.NOTHING, finished=finished))
    made = made_recipe(
        study=key, features="local", models=models, fingerprint=prepared.fingerprint,
        test_fingerprint=prepared.test_fingerprint, split=prepared.split,
    )  # fmt: skip
    recipe.write(paths, models, made)
    paths.submission(models).write_text(f"{models}\n")
    paths.submission_folder(models).mkdir()
    paths.test_predictions(models).touch()


def test_a_run_with_earlier_settings_places_their_submission(
    inputs: Path, digits_raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dense networks, then all, then dense ones again: the newest submission is of others."""
    shutil.copytree(digits_raw, inputs / "ours")
    settings = settings_in(tmp_path, monkeypatch)

    def search(stage: str, *given: str, root: Path, say: object) -> None:
        """The second time, what it leaves is there already."""
        paths, (models,) = Paths(root, "digits"), [one[9:] for one in given if one.startswith("--models=")]
        if not paths.submission(models).is_file():
            leave_submission(paths, inputs / "ours", models)

    monkeypatch.setattr(run_stage, "run", search)
    for models in ("dense", "all", "dense"):
        _, name = hackathon.run(replace(settings, models=models))
        assert name == models
        assert (tmp_path / "work/submission.csv").read_text() == f"{models}\n"


@pytest.mark.parametrize("finished", [3, 4])
def test_a_submission_that_is_complete_stays_if_the_talk_fails(
    inputs: Path, digits_raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finished: int
) -> None:
    """One that lacks trials of the search is of an earlier run."""
    shutil.copytree(digits_raw, inputs / "ours")
    settings = settings_in(tmp_path, monkeypatch)

    def fails(stage: str, *given: str, root: Path, say: object) -> None:
        leave_submission(Paths(root, "digits"), inputs / "ours", "dense", finished)
        raise MachineError("the talk can't be drawn", fix=advice.RUN_SETUP)

    monkeypatch.setattr(run_stage, "run", fails)
    with pytest.raises(MachineError, match="the talk can't be drawn"):
        hackathon.run(settings)
    assert (tmp_path / "work/submission.csv").is_file() == (finished == 3)


def test_none_is_the_default_where_it_means_nothing_else() -> None:
    """Other settings are None in the first cell; the last step of a long run would fail."""
    nothing: Any = None
    settings = Settings(
        "digits", source=nothing, seed=nothing, features=nothing, models=nothing, folds=nothing
    )
    assert settings == Settings("digits")


def test_what_kaggle_would_end_is_said_before_it_begins(
    commands: list[tuple[str, ...]],
    inputs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = "Kaggle ends a session after 12 hours"
    settings = settings_in(tmp_path, monkeypatch, budget="11h")
    hackathon.run(settings)
    assert said not in capsys.readouterr().out
    hackathon.run(replace(settings, budget="12h"))
    assert f"BUDGET=12h: {said}" in capsys.readouterr().out
    monkeypatch.setattr(hackathon, "INPUT", tmp_path / "elsewhere")
    hackathon.run(replace(settings, budget="12h"))
    assert said not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "is_too_long"),
    [
        ({"until": "19:55"}, False),
        ({"until": "20:30"}, True),
        ({"budget": None}, False),
        ({"budget": "for ever"}, False),
        ({"until": "7:00"}, False),
    ],
)
def test_what_is_too_long_for_kaggle_and_what_the_command_refuses(
    given: dict[str, Any], is_too_long: bool
) -> None:
    now = datetime(2026, 11, 28, 8, 0)
    assert (hackathon_settings.too_long(Settings("digits", **given), now) is not None) == is_too_long


def test_a_competition_of_one_s_own_is_attached_or_written_into_the_cell(
    tmp_path: Path, inputs: Path, digits_raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_stage, "run", lambda *_, **__: None)
    monkeypatch.setattr(hackathon, "_made", lambda settings, paths: "one")
    shutil.copytree(digits_raw, inputs / "ours")
    text = Paths(REPOSITORY, "digits").toml.read_text()
    settings = settings_in(tmp_path, monkeypatch, competition="eights", toml=text)
    hackathon.run(settings)
    (inputs / "ours/nines.toml").write_text(text)
    hackathon.run(Settings("nines"))
    with pytest.raises(UserError, match=r"unknown competition 'tens' .*: set COMPETITION = \"digits\", or"):
        hackathon.run(Settings("tens"))
    shutil.rmtree(inputs / "ours")
    for source in ("auto", "kaggle"):
        with pytest.raises(UserError, match=r"unknown competition 'tens' .* needs its data: attach") as error:
            hackathon.run(Settings("tens", source))
        assert "make" not in str(error.value), "which no notebook has"


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The commands that the notebook runs; none is run."""
    called: list[tuple[str, ...]] = []
    monkeypatch.setattr(run_stage, "run", lambda *given, **_: called.append(given))
    monkeypatch.setattr(hackathon, "_made", lambda settings, paths: "one")
    return called


@pytest.mark.parametrize("place", ["our-optdigits", "datasets/someone/our-optdigits", "our-optdigits/inner"])
def test_attached_data_that_are_not_known_are_a_new_competition(
    commands: list[tuple[str, ...]], inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (inputs / place).mkdir(parents=True)
    FORMS["optdigits"](inputs / place)
    settings = hackathon.resolved(settings_in(tmp_path, monkeypatch, competition="auto"))
    assert settings.competition == "our-optdigits"
    root, _ = hackathon.run(settings)
    assert commands[0][:3] == ("all", "--competition=our-optdigits", f"--source={inputs / place}")
    done = run_catwalk(root, "new", *commands[0][1:3])
    assert (done.returncode, done.stderr) == (0, "")
    hackathon.run(hackathon.resolved(Settings("auto")))
    assert commands[1] == commands[0], "the second time, its TOML is there"


def test_attached_data_may_be_given_a_name(
    commands: list[tuple[str, ...]], inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inputs / "ours").mkdir()
    FORMS["optdigits"](inputs / "ours")
    settings = settings_in(tmp_path, monkeypatch, competition="my-shapes")
    root, _ = hackathon.run(settings)
    assert commands[0][:3] == ("all", "--competition=my-shapes", f"--source={inputs / 'ours'}")
    done = run_catwalk(root, "new", *commands[0][1:3])
    assert (done.returncode, done.stderr) == (0, "")
    assert hackathon.run(settings)[0] == root
    assert commands[1] == commands[0]


def test_a_damaged_zip_stops_only_where_nothing_else_has_pictures(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_in(tmp_path, monkeypatch, competition="auto")
    (inputs / "ours").mkdir()
    (inputs / "ours/half.zip").write_bytes(archives.ZIP + bytes(100))
    with pytest.raises(UserError, match=r"half\.zip: damaged zip file: download it again"):
        hackathon.resolved(settings)
    FORMS["optdigits"](inputs / "ours")
    assert hackathon.resolved(settings).competition == "ours"


def test_attached_data_that_are_known_are_that_competition(
    inputs: Path, digits_raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_in(tmp_path, monkeypatch, competition="auto")
    assert hackathon.resolved(settings).competition == "digit-recognizer", "where nothing is attached"
    for name in ("digit-recognizer", "some-digits"):
        (inputs / name).mkdir()
        FORMS["digit-recognizer"](inputs / name)
        assert hackathon.resolved(settings).competition == name
        assert hackathon.resolved(Settings("auto", str(inputs / name))).competition == name
        assert hackathon.resolved(Settings("digits")).competition == "digits"
        shutil.rmtree(inputs / name)
    shutil.copytree(digits_raw, inputs / "any name")
    chosen = hackathon.resolved(settings)
    assert (chosen.competition, chosen.source) == ("digits", str(inputs / "any name"))


def idx_files(folder: Path) -> None:
    """Files of MNIST's names and form, with few rows."""
    folder.mkdir(parents=True)
    made = draw(shuffled(10, 40), 28, 4)
    arrays = {"images": made.integers().reshape(-1, 28, 28), "labels": made.classes}
    for name in idx.FILES:
        array = np.asarray(arrays[name.split("-")[1]], np.uint8)
        head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
        (folder / name).write_bytes(head + array.tobytes())


def test_idx_files_without_checksums_are_mnist_where_their_data_set_is_named_so(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_in(tmp_path, monkeypatch, competition="auto")
    idx_files(inputs / "kmnist")
    said = r'kmnist: IDX files in the form of MNIST, .*: set COMPETITION = "mnist" if they are'
    for given in (settings, Settings("auto", str(inputs / "kmnist"))):
        with pytest.raises(UserError, match=said):
            hackathon.resolved(given)
    there = inputs / "datasets/someone/mnist-dataset"
    idx_files(there)
    chosen = hackathon.resolved(settings)
    assert (chosen.competition, chosen.source) == ("mnist", str(there))
    assert f"{there} (also there: kmnist; set SOURCE to choose)\n" in capsys.readouterr().out


def test_data_that_are_attached_beside_a_known_competition_s_are_named(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_in(tmp_path, monkeypatch, competition="auto")
    for name, form in (("digit-recognizer", "digit-recognizer"), ("two", "optdigits")):
        (inputs / name).mkdir()
        FORMS[form](inputs / name)
    chosen = hackathon.resolved(settings)
    assert (chosen.competition, chosen.source) == ("digit-recognizer", str(inputs / "digit-recognizer"))
    assert f"{chosen.source} (also there: two; set SOURCE to choose)\n" in capsys.readouterr().out


def test_two_attached_data_sets_are_one_line_and_source_decides(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_in(tmp_path, monkeypatch, competition="auto")
    for name in ("one", "two"):
        (inputs / name).mkdir()
        FORMS["optdigits"](inputs / name)
    with pytest.raises(
        UserError, match="more than one data set is there: one, two: set SOURCE to the folder"
    ):
        hackathon.resolved(settings)
    chosen = hackathon.resolved(Settings("auto", str(inputs / "two")))
    assert (chosen.competition, chosen.source) == ("two", str(inputs / "two"))


@pytest.fixture
def content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Colab's working folder: its own samples and a mounted Drive are in it, and both have pictures."""
    folder = tmp_path / "content"
    samples, drive = folder / "sample_data", folder / "drive"
    for place, form in ((samples, "mnist-in-csv"), (drive / "MyDrive/thesis", "fashion-mnist")):
        place.mkdir(parents=True)
        FORMS[form](place)
    (samples / "mnist_train.csv").rename(samples / "mnist_train_small.csv")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(hackathon, "INPUT", tmp_path / "input")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(Path, "is_mount", lambda path: path == drive)
    return folder


@pytest.mark.parametrize("form", ["az-handwritten", "sign-language-mnist"])
def test_on_colab_what_is_uploaded_is_read_and_nothing_else(
    commands: list[tuple[str, ...]], content: Path, form: str
) -> None:
    """One CSV whose name does not say train, and two beside Colab's own of a train and a test file."""
    truth = FORMS[form](content)
    settings = hackathon.resolved(Settings("auto"))
    assert (settings.competition, settings.source) == ("attached", str(content))
    root, _ = hackathon.run(settings)
    done = run_catwalk(root, "new", *commands[0][1:3], **{command_hints.NOTEBOOK: "1"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "mnist_train_small.csv" not in done.stdout, "nor is it said that it also contains pictures"
    known = competitions.load(Paths(root, "attached"))
    assert (known.train_file, known.test_share) == (truth.train, None if truth.test else 0.15)


def test_an_earlier_submission_is_no_sample_of_the_organiser_s(
    commands: list[tuple[str, ...]], content: Path
) -> None:
    """As when all cells are run again with another DECIDE, which is another project."""
    truth = FORMS["sign-language-mnist"](content)
    (content / "earlier/one").mkdir(parents=True)
    rows = [f"{number},0\n" for number in range(1, truth.rows[1] + 1)]
    (content / "earlier/one/submission.csv").write_text("".join(["PictureNo,Label\n", *rows]))
    root, _ = hackathon.run(hackathon.resolved(Settings("auto")))
    done = run_catwalk(root, "new", *commands[0][1:3], **{command_hints.NOTEBOOK: "1"})
    assert (done.returncode, done.stderr) == (0, "")
    known = competitions.load(Paths(root, "attached"))
    assert (known.sample_file, known.submission_header) == (None, ("ImageId", "Label"))


@pytest.mark.parametrize("form", ["zips", "folders"])
def test_a_train_and_a_test_part_are_one_data_set(
    commands: list[tuple[str, ...]], content: Path, form: str
) -> None:
    """As Kaggle gives single files, and as others sort them."""
    forms = content.with_name("forms")
    forms.mkdir()
    truth = FORMS["sign-language-mnist"](forms)
    for role, name in (("train", truth.train), ("test", truth.test)):
        assert name is not None
        if form == "zips":
            with zipfile.ZipFile(content / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
                archive.write(forms / name, name)
        else:
            (content / role).mkdir()
            shutil.copy(forms / name, content / role)
    settings = hackathon.resolved(Settings("auto"))
    assert (settings.competition, settings.source) == ("attached", str(content))
    root, _ = hackathon.run(settings)
    done = run_catwalk(root, "new", *commands[0][1:3], **{command_hints.NOTEBOOK: "1"})
    assert (done.returncode, done.stderr) == (0, "")
    known = competitions.load(Paths(root, "attached"))
    assert (known.train_file, known.test_file) == (truth.train, truth.test)


@pytest.mark.parametrize(
    ("form", "name"), [("csv", "a-z-handwritten-data"), ("zip", "letters"), ("known", "digits")]
)
def test_source_may_be_one_file(
    commands: list[tuple[str, ...]],
    digits_raw: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    form: str,
    name: str,
) -> None:
    settings_in(tmp_path, monkeypatch)
    folder = digits_raw
    if form != "known":
        folder = tmp_path / "forms"
        folder.mkdir()
        file = folder / FORMS["az-handwritten"](folder).train
    if form != "csv":
        file = tmp_path / "Letters.zip"
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.iterdir()):
                archive.write(path, path.name)
    settings = hackathon.resolved(Settings("auto", str(file)))
    assert (settings.competition, settings.source) == (name, str(file))
    root, _ = hackathon.run(settings)
    done = run_catwalk(root, "data" if form == "known" else "new", *commands[0][1:3])
    assert (done.returncode, done.stderr) == (0, "")


def test_other_files_or_another_decision_are_another_project(
    commands: list[tuple[str, ...]], content: Path
) -> None:
    """A TOML drafted of others does not stay; the same files and settings find their search again."""
    file = content / FORMS["az-handwritten"](content).train

    def place(**given: Any) -> Path:
        return hackathon.run(hackathon.resolved(Settings("auto", **given)))[0]

    first = place()
    (content / "earlier/one").mkdir(parents=True)
    (content / "earlier/one/submission.csv").write_text("ImageId,Label\n1,2\n")
    kept = content / "keep"
    assert place(keep=str(kept)) == first
    (kept / "trials.csv").write_text("number,value\n1,0.9\n")
    assert place(keep=str(kept)) == first
    assert place(keep=str(kept), decide={"LABEL": "first"}) != first
    with file.open("a") as opened:
        opened.write(file.read_text().splitlines()[0] + "\n")
    assert place(keep=str(kept)) != first


def test_the_results_of_one_run_do_not_change_the_data_of_the_next(content: Path, submitted: Paths) -> None:
    """A zip stays the source, so that the same project continues."""
    forms = content.with_name("forms")
    forms.mkdir()
    FORMS["sign-language-mnist"](forms)
    with zipfile.ZipFile(content / "archive.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(forms.iterdir()):
            archive.write(path, path.name)
    first = hackathon.resolved(Settings("auto"))
    assert (first.competition, first.source) == ("archive", str(content / "archive.zip"))
    for name in ("one", "two"):
        working_folder.place(submitted, name, content)
        assert hackathon.resolved(Settings("auto")) == first
    assert hackathon.resolved(Settings("auto")) == first


def test_what_refuses_the_settings_leaves_no_earlier_submission(
    content: Path, submitted: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("sign-language-mnist", "optdigits"):
        (content / name).mkdir()
        FORMS[name](content / name)
    placed = working_folder.place(submitted, "one", content)
    with pytest.raises(UserError, match="data set"):
        hackathon.resolved(Settings("auto"))
    assert placed
    assert not any(path.exists() for path in placed)
    assert "files of an earlier run were moved to earlier" in capsys.readouterr().out


def test_a_doubt_is_decided_in_the_first_cell(
    commands: list[tuple[str, ...]], inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inputs / "ours").mkdir()
    FORMS["optdigits"](inputs / "ours")
    settings_in(tmp_path, monkeypatch)
    hackathon.run(Settings("auto", decide={"LABEL": "last", "SHAPE": "8x8"}))
    assert commands[0][-2:] == ("--label=last", "--shape=8x8")


def test_a_new_competition_s_pictures_are_shown_and_turned_in_the_first_cell(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (inputs / "ours").mkdir()
    FORMS["optdigits"](inputs / "ours")
    settings_in(tmp_path, monkeypatch)
    shown = list[Any]()

    def look(stage: str, *given: str, root: Path, say: Any) -> None:
        asked = [word for word in given if word.startswith(("--competition=", "--source=", "--transpose="))]
        for line in run_catwalk(root, "new", *asked, **{command_hints.NOTEBOOK: "1"}).stdout.splitlines():
            say(line)

    monkeypatch.setattr(run_stage, "run", look)
    monkeypatch.setattr(hackathon, "_made", lambda settings, paths: "one")
    monkeypatch.setattr("IPython.display.display", shown.append)
    root, _ = hackathon.run(hackathon.resolved(Settings("auto")))
    assert [one.data[:4] for one in shown] == [b"\x89PNG"]
    turned = 'if they lie on their side, set DECIDE = {"TRANSPOSE": "true"} in the first cell'
    assert f"new: here are ten of the pictures: {turned}\n" in capsys.readouterr().out
    assert "transpose = false" in Paths(root, "ours").toml.read_text()
    root, _ = hackathon.run(hackathon.resolved(Settings("auto", decide={"TRANSPOSE": "true"})))
    assert "transpose = true" in Paths(root, "ours").toml.read_text()
    assert len(shown) == 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"source": "nowhere"}, "SOURCE=nowhere: no such folder: choose an existing folder, or auto"),
        ({"source": ".."}, "SOURCE=..: no file there has the columns of digits, label, pixel1 to pixel64"),
        ({"keep": "/nowhere/drive"}, "KEEP=/nowhere/drive: no such folder: choose an existing folder;"),
    ],
)
def test_a_failure_is_one_line_in_a_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], said: str
) -> None:
    settings = settings_in(tmp_path, monkeypatch, **given)
    with pytest.raises(UserError) as error:
        hackathon.run(settings)
    (line,) = error.value._render_traceback_()
    assert line.startswith(said)
    assert len(line) < 300


def test_what_goes_wrong_with_the_disk_is_one_line(
    commands: list[tuple[str, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "keep").write_text("a file where a folder should be")
    settings = settings_in(tmp_path, monkeypatch, keep=str(tmp_path / "keep"))
    with pytest.raises(MachineError, match="keep: File exists: check the path"):
        hackathon.run(settings)

    def full(*_: object) -> list[Path]:
        raise OSError(errno.ENOSPC, "No space left on device", "submission.csv")

    monkeypatch.setattr(working_folder, "place", full)
    with pytest.raises(MachineError, match=r"submission\.csv: No space left on device: make room on"):
        hackathon.run(replace(settings, keep=None))


def test_kaggle_without_data_says_what_to_attach(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its own competition's data are attached, and not fetched; others' may be, with Internet."""
    monkeypatch.setattr(run_stage, "run", lambda *_, **__: None)
    settings = settings_in(tmp_path, monkeypatch, competition="digit-recognizer")
    with pytest.raises(
        UserError, match=r"has the columns of digit-recognizer, label, .*: attach them \(Kaggle"
    ):
        hackathon.run(settings)
    monkeypatch.setattr(hackathon, "_made", lambda settings, paths: "one")
    hackathon.run(Settings("fashion-mnist"))
    assert "the columns of fashion-mnist, label, pixel1 to pixel784: attach" in capsys.readouterr().out


def test_kaggle_s_client_is_renewed_where_it_is_used_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = list[tuple[str, ...]]()
    monkeypatch.setattr(run_stage, "run", lambda *_, **__: None)
    monkeypatch.setattr(hackathon, "_made", lambda settings, paths: "one")
    monkeypatch.setattr(image_packages, "ensure", lambda say, *also: calls.append(also))
    settings = settings_in(tmp_path, monkeypatch)
    for used in (
        settings,
        Settings("digits", "kaggle"),
        Settings("digit-recognizer"),
        Settings("fashion-mnist"),
    ):
        hackathon.run(used)
    assert calls == [(), (), ("kaggle",), (), ("kaggle",), ()]


@pytest.fixture
def submitted(tmp_path: Path) -> Paths:
    """A project with two submissions, of one line each."""
    paths = Paths(tmp_path / "project", "digits")
    for name in ("one", "two"):
        paths.submission_folder(name).mkdir(parents=True)
        paths.submission(name).write_text(f"{name}\n")
        paths.talk(name).write_text(f"talk {name}\n")
    return paths


def test_an_old_submission_is_never_passed_as_new(submitted: Paths, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    assert working_folder.set_aside(work) is None
    assert {path.name for path in working_folder.place(submitted, "one", work)} == {
        "submission.csv",
        "talk.html",
    }
    assert working_folder.set_aside(work) == work / "earlier/one"
    assert not (work / "submission.csv").exists(), "from now on until there is a new one"
    assert (work / "earlier/one/submission.csv").read_text() == "one\n"
    working_folder.place(submitted, "two", work)
    (work / "talk.html").write_text("changed by hand")
    with pytest.raises(UserError, match=r"talk\.html: this file is not catwalk's, .*: rename it"):
        working_folder.set_aside(work)
    (work / "talk.html").rename(work / "mine.html")
    working_folder.set_aside(work)
    assert {path.name for path in work.iterdir()} == {"earlier", "mine.html"}


def test_a_submission_of_the_user_s_own_stays(submitted: Paths, tmp_path: Path) -> None:
    (tmp_path / "submission.csv").write_text("mine\n")
    with pytest.raises(UserError, match="this file is not catwalk's"):
        working_folder.set_aside(tmp_path)
    assert (tmp_path / "submission.csv").read_text() == "mine\n"


def test_a_long_search_is_told_in_few_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, said = [0.0], list[str]()
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])

    def nine_hours() -> Iterator[str]:
        yield "search: starting the workers\n"
        for number in range(30_000):
            clock[0] += 1.08
            yield f"trial {number} search complete 0.9 in 1.0 s\n"
        yield "search: 30000 trials\n"
        yield "catwalk all: what is wrong: what helps\n"

    assert run_stage._pass_on("all", nine_hours(), said.append) == "catwalk all: what is wrong: what helps"
    assert said[0] == "search: starting the workers"
    assert said[-1] == "search: 30000 trials"
    assert 20 < len(said) < 45
    assert not [line for line in said if "what is wrong" in line], "it is the error's"


def test_results_are_told_after_however_many_trainings_in_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, said = [0.0], list[str]()
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])

    def hours() -> Iterator[str]:
        for number in range(9000):
            clock[0] += 1.0
            yield f"fold {number % 5 + 1}/5 of trial {number // 5} complete 0.9 in 1.0 s\n"
        yield from (f"report: line {number}\n" for number in range(run_stage.MOST + 10))

    run_stage._pass_on("all", hours(), said.append)
    assert said[-run_stage.MOST - 10 :] == [f"report: line {number}" for number in range(run_stage.MOST + 10)]
    assert 20 < len([line for line in said if line.startswith("fold")]) < 45


def test_a_command_that_is_killed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its last line is an ordinary one."""
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'trial 3 search complete 0.9 in 1.0 s'\nkill -9 $$\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    project = object.__new__(Project)
    project.root, project.competition = tmp_path, "digits"
    told = f"catwalk all was ended by signal 9, perhaps for lack of memory: {advice.CLOSE_PROGRAMS}"
    with pytest.raises(MachineError) as error:
        run_stage.run("all", root=tmp_path, say=print)
    assert str(error.value) == told
    with pytest.raises(MachineError) as error:
        project.run("all")
    assert str(error.value) == told


SLOW_TO_STOP = """
import os, pathlib, signal, sys, time
def stop(*_):
    time.sleep(0.5)
    pathlib.Path("stopped").touch()
    sys.exit(130)
signal.signal(signal.SIGINT, stop)
print(os.getpid(), flush=True)
time.sleep(60)
"""


def test_an_interrupted_stage_has_time_to_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook's interrupt reaches it too: it is not ended in the midst of stopping."""
    python = tmp_path / "python"
    python.write_text(f"#!{sys.executable}\n{SLOW_TO_STOP}")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))

    def interrupt(line: str) -> None:
        os.kill(int(line), signal.SIGINT)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_stage.run("all", root=tmp_path, say=interrupt)
    assert (tmp_path / "stopped").exists()


def test_a_stage_that_fails_is_an_error_with_its_line(project: Path) -> None:
    with pytest.raises(UserError, match=r"^unknown competition 'nines' \(known: "):
        run_stage.run("data", "--competition", "nines", root=project, say=print)


def test_a_command_that_is_not_catwalk_s_fault_is_none_of_its_kinds(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_stage, "KINDS", {})
    with pytest.raises(CatwalkError) as error:
        run_stage.run("data", "--competition", "nines", root=project, say=print)
    assert type(error.value) is CatwalkError


def test_advice_in_a_notebook_is_of_its_first_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(command_hints.NOTEBOOK, "1")
    command_hints.remember([])  # what another test has given
    assert (
        command_hints.completed("for more: make search BUDGET=20m")
        == 'for more: BUDGET = "20m" in the first cell'
    )
    assert command_hints.completed("run make data again") == "run all cells again"
    assert command_hints.completed("make room on the disk") == "make room on the disk"
    assert (
        command_hints.completed("try again, or run the command again") == "try again, or run all cells again"
    )
    doubt = 'which one: set DECIDE = {"LABEL": "kind"} in the first cell, or one of kind, sort'
    assert command_hints.completed("which one: set LABEL= to one of kind, sort") == doubt
    assert command_hints.completed("set ID= to one of id") == 'set DECIDE = {"ID": "id"} in the first cell'
    assert command_hints.completed("set SHAPE=") == 'set DECIDE = {"SHAPE": "..."} in the first cell'


PREPARED = cast(Prepared, SimpleNamespace(fingerprint="aaaa", split="s1"))


def searched(paths: Paths, number: int) -> Paths:
    """A project with a study of one waiting trial, and one network; both have the number."""
    study.create(paths, PREPARED, "pixels").enqueue_trial({"x": number})
    paths.model("key", number).parent.mkdir(parents=True, exist_ok=True)
    paths.model("key", number).write_bytes(bytes(number))
    return paths


def waiting(paths: Paths) -> list[int]:
    """The numbers of the waiting trials."""
    opened = study.load(paths, PREPARED, "pixels")
    assert opened is not None
    return [trial.system_attrs["fixed_params"]["x"] for trial in study.waiting(opened)]


def test_a_lost_session_is_gone_on_with(tmp_path: Path) -> None:
    here, kept, next_one = (Paths(tmp_path / name, "digits") for name in ("here", "kept", "next"))
    assert not kept_folder.restore(here, kept)
    kept_folder.save(here, kept)
    assert not kept.root.exists(), "nothing yet"
    searched(here, 1)
    here.model("key", 2).write_bytes(bytes(2))
    here.progress.write_text("{}")
    here.submission("one").parent.mkdir(parents=True)
    here.submission("one").write_text("one\n")
    kept_folder.save(here, kept)
    here.model("key", 1).unlink()
    (kept.kept("key") / "notes.txt").write_text("mine")
    with kept_folder.saving(here, kept, print):
        study.create(here, PREPARED, "pixels").enqueue_trial({"x": 2})
    assert {path.name for path in kept.study.iterdir()} == {"study.db", "kept", "progress.json", ".saved-by"}
    assert (kept.kept("key") / "notes.txt").read_text() == "mine", "a file that no search has saved"
    assert kept_folder.restore(next_one, kept)
    assert waiting(next_one) == [1, 2]
    assert not next_one.model("key", 1).exists()
    assert next_one.model("key", 2).read_bytes() == bytes(2)
    assert next_one.submission("one").read_text() == "one\n"
    assert not kept_folder.restore(next_one, kept), "what is here is newer"


def test_a_trial_that_ends_during_a_save_is_not_saved_without_its_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, kept, next_one = (Paths(tmp_path / name, "digits") for name in ("here", "kept", "next"))
    opened, copy = study.create(here, PREPARED, "pixels"), kept_folder._copy_once

    def ends(number: int) -> None:
        """In the order in which a search writes."""
        here.model("key", number).parent.mkdir(parents=True, exist_ok=True)
        here.model("key", number).write_bytes(bytes(number + 1))
        opened.add_trial(optuna.trial.create_trial(value=0.5))
        here.progress.write_text(f"{number}")

    def copied(source: Path, target: Path) -> None:
        copy(source, target)
        if not here.model("key", 1).is_file():
            ends(1)

    ends(0)
    monkeypatch.setattr(kept_folder, "_copy_once", copied)
    kept_folder.save(here, kept)
    assert here.model("key", 1).is_file()
    assert kept.progress.read_text() == "0", "never newer than the study"
    assert kept_folder.restore(next_one, kept)
    saved = study.load(next_one, PREPARED, "pixels")
    assert saved is not None
    numbers = [trial.number for trial in study.complete(saved)]
    assert numbers
    assert all(next_one.model("key", number).is_file() for number in numbers)


def test_a_network_that_is_dropped_during_a_save_does_not_end_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, kept, next_one = (Paths(tmp_path / name, "digits") for name in ("here", "kept", "next"))
    searched(here, 1).model("key", 2).write_bytes(bytes(2))
    copy = kept_folder._copy_once

    def dropped_first(source: Path, target: Path) -> None:
        here.model("key", 1).unlink(missing_ok=True)
        copy(source, target)

    monkeypatch.setattr(kept_folder, "_copy_once", dropped_first)
    kept_folder.save(here, kept)
    assert not kept.model("key", 1).exists()
    assert kept.model("key", 2).is_file()
    assert kept_folder.restore(next_one, kept)
    assert waiting(next_one) == [1]


def test_a_restore_that_is_interrupted_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A study whose networks are not all there would be taken for one that has dropped them."""
    here, kept, next_one = (Paths(tmp_path / name, "digits") for name in ("here", "kept", "next"))
    searched(here, 1).model("key", 2).write_bytes(bytes(2))
    kept_folder.save(here, kept)
    copy = kept_folder._copy_once

    def interrupted_at_the_second(source: Path, target: Path) -> None:
        if source == kept.model("key", 2):
            raise KeyboardInterrupt
        copy(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(kept_folder, "_copy_once", interrupted_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            kept_folder.restore(next_one, kept)
    assert next_one.model("key", 1).is_file()
    assert not next_one.study_db.exists()
    assert kept_folder.restore(next_one, kept)
    kept_folder.save(next_one, kept)
    assert waiting(next_one) == [1]
    for place in (next_one, kept):
        assert [place.model("key", number).is_file() for number in (1, 2)] == [True, True]


def test_yesterday_s_study_is_continued_where_today_s_is_there_already(
    commands: list[tuple[str, ...]],
    inputs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """All cells were run once without KEEP, then it is set."""
    drive = Paths(tmp_path / "drive", "digits")
    kept_folder.save(searched(Paths(tmp_path / "yesterday", "digits"), 1), drive)
    settings = settings_in(tmp_path, monkeypatch)
    today = searched(Paths(hackathon.run(settings)[0], "digits"), 2)
    capsys.readouterr()
    for _ in range(2):
        continued = Paths(hackathon.run(replace(settings, keep=str(drive.root)))[0], "digits")
        assert waiting(continued) == [1]
        assert continued.model("key", 1).is_file()
        assert drive.model("key", 1).is_file()
        assert not drive.model("key", 2).exists()
    assert capsys.readouterr().out.count(f"continuing the search saved in {drive.root}\n") == 1
    assert hackathon.run(settings)[0] == today.root
    empty, next_one = (Paths(tmp_path / name, "digits") for name in ("empty", "next"))
    assert hackathon.run(replace(settings, keep=str(empty.root)))[0] == today.root
    assert kept_folder.restore(next_one, empty)
    assert waiting(next_one) == [2], "a folder in which nothing is saved gets today's"


def test_notebooks_with_one_keep_do_not_replace_each_other_s_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third, kept = (Paths(tmp_path / name, "digits") for name in ("1", "2", "3", "kept"))
    kept_folder.save(searched(first, 1), kept)
    saved = kept.study_db.read_bytes()
    said, told = list[str](), threading.Event()

    def say(line: str) -> None:
        said.append(line)
        told.set()

    monkeypatch.setattr(kept_folder, "EVERY", 0.01)
    with kept_folder.saving(searched(second, 2), kept, say):
        assert told.wait(60), "while it runs, and not only at the end"
    refused = "another session's study is saved there, and it is not replaced: set KEEP to another folder"
    assert said == [f"KEEP={kept.root}: {refused}, and run all cells"] * 2
    with pytest.raises(UserError, match=refused):
        kept_folder.restore(second, kept)
    assert kept.study_db.read_bytes() == saved
    assert kept.model("key", 1).is_file()
    assert not kept.model("key", 2).exists()
    assert kept_folder.restore(third, kept)
    with pytest.raises(UserError, match=refused):
        kept_folder.save(first, kept)  # it was not lost after all, but the third one continues it
    kept_folder.save(third, kept)
    kept_folder.save(first, Paths(tmp_path / "another folder", "digits"))


def test_a_kept_folder_that_can_only_be_read_is_restored_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, here = Paths(tmp_path / "kept", "digits"), Paths(tmp_path / "here", "digits")
    kept_folder.save(searched(Paths(tmp_path / "earlier", "digits"), 1), kept)
    write = kept_folder._write

    def refused_there(file: Path, text: str) -> None:
        if file == kept.saved_by:
            raise OSError(errno.EROFS, "Read-only file system")
        write(file, text)

    monkeypatch.setattr(kept_folder, "_write", refused_there)
    assert kept_folder.restore(here, kept)
    assert waiting(here) == [1]
    assert not kept_folder.is_of_another(here, kept), "the next run goes on here"


def test_a_folder_that_can_not_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, kept = Paths(tmp_path / "here", "digits"), Paths(tmp_path / "kept", "digits")
    said, told = list[str](), threading.Event()
    study.create(here, PREPARED, "pixels")
    kept.root.mkdir()
    (kept.root / "data").write_text("a file where a folder should be")

    def say(line: str) -> None:
        said.append(line)
        told.set()

    monkeypatch.setattr(kept_folder, "EVERY", 0.01)
    with kept_folder.saving(here, kept, say):
        assert told.wait(60), "while it runs, and not only at the end, which a lost session never reaches"
    first, last = said
    assert first == f"{last}; it is tried again every minute"
    assert last.startswith(f"KEEP={kept.root}: the study could not be saved there (")


def test_of_saves_that_fail_the_first_is_said_and_after_a_success_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a disk is full for some minutes, and once more later."""
    kept, said, done = Paths(tmp_path, "digits"), list[str](), threading.Event()
    reasons = ["full", "still full", "", "full again"]  # of the saves in turn; "": it succeeds

    def save(*_: Paths) -> None:
        if not reasons:
            done.set()
        elif reason := reasons.pop(0):
            raise OSError(reason)

    monkeypatch.setattr(kept_folder, "EVERY", 0.01)
    monkeypatch.setattr(kept_folder, "save", save)
    with kept_folder.saving(kept, kept, said.append):
        assert done.wait(60)
    told = f"KEEP={kept.root}: the study could not be saved there ({{}}); it is tried again every minute"
    assert said == [told.format("full"), told.format("full again")]


def test_a_folder_that_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    """Google Drive is no longer mounted, and what is saved on the machine's own disk is lost with it."""
    here, kept, said = Paths(tmp_path / "here", "digits"), Paths(tmp_path / "kept", "digits"), list[str]()
    searched(here, 1)
    kept.root.mkdir()
    with kept_folder.saving(here, kept, said.append):
        kept.root.rmdir()
    assert said == [f"KEEP={kept.root}: the study could not be saved there (no such folder)"]
    assert not kept.root.exists()


def test_nothing_that_is_here_is_asked_for_again() -> None:
    assert image_packages.missing() == []


def test_an_old_optuna_offline_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = image_packages._installed
    monkeypatch.setattr(
        image_packages, "_installed", lambda name: "4.5.0" if name == "optuna" else installed(name)
    )
    monkeypatch.setattr(
        image_packages,
        "PIP",
        (*image_packages.PIP, "--index-url=http://127.0.0.1:9/", "--no-cache", "--ignore-installed"),
    )
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    said: list[str] = []
    with pytest.raises(NetworkError) as error:
        image_packages.ensure(said.append)
    assert str(error.value).startswith(
        "optuna 4.5.0 is installed, optuna<5.1,>=4.9 is needed, and pip can't install it: connect"
    )
    assert "Turn on internet" in str(error.value)
    assert len(str(error.value)) < 300
    assert len(said) == 1


def test_another_reason_why_pip_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Internet would not help."""
    installed = image_packages._installed
    monkeypatch.setattr(
        image_packages, "_installed", lambda name: None if name == "optuna" else installed(name)
    )
    full = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
    failed = subprocess.CompletedProcess[str]([], 1, "", f"WARNING: a note\n{full}\n\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(MachineError) as error:
        image_packages.ensure(print)
    told = "optuna is not installed, optuna<5.1,>=4.9 is needed, and pip can't install it"
    assert str(error.value) == f"{told} ({full}): {advice.LATEST_IMAGE}"
    assert len(str(error.value)) < 300


def test_pip_is_asked_for_what_is_missing_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    gone, calls = ["optuna"], list[list[str]]()
    installed = image_packages._installed
    monkeypatch.setattr(image_packages, "_installed", lambda name: None if name in gone else installed(name))

    def pip(command: list[str], **_: object) -> SimpleNamespace:
        calls.append(command)
        gone.clear()
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(subprocess, "run", pip)
    image_packages.ensure(print)
    image_packages.ensure(print)
    (command,) = calls
    assert command[1:] == [*image_packages.PIP, "optuna<5.1,>=4.9"]
