"""openhpi.py: the course's own package against a grader of our own."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catwalk.core.paths import Paths
from catwalk.data import prepare
from catwalk.models import metrics
from catwalk.submission import openhpi, recipe, submission_names
from tests.conftest import Run, load, run_catwalk
from tests.support.loopback import Quiet, listening
from tests.support.records import made_recipe

TOKEN = "the-Token-of-the-exercise"  # noqa: S105
BATCH = 50


@dataclass
class Grader:
    """What the grader asks and how it answers: its pictures, their classes, and the status of its answers."""

    pictures: Any
    labels: Any
    status: int = 200
    asked: dict[str, Any] = field(default_factory=dict)
    port: int = 0

    def answer(self, predictions: dict[str, int]) -> dict[str, Any]:
        right = [predictions[f"h{i}"] == label for i, label in enumerate(self.labels.tolist())]
        return {"accuracy": float(np.mean(right)), "grade": min(1.0, float(np.mean(right)) / 0.8)}


class Handler(Quiet):
    grader: Grader

    def do_GET(self) -> None:
        *_, kind = self.path.split("/")
        if kind == "size":
            self._say({"size": len(self.grader.pictures)})
            return
        first = BATCH * int(kind)
        rows = enumerate(self.grader.pictures[first : first + BATCH].tolist(), first)
        self._say({"success": True, "predict": [{"hash": f"h{i}", "matrix": matrix} for i, matrix in rows]})

    def do_POST(self) -> None:
        self.grader.asked = json.loads(self.body())
        if self.grader.status != 200:
            self._say(
                {"error": f"no user has the token {self.grader.asked['user_token']}"}, self.grader.status
            )
        else:
            self._say(self.grader.answer(self.grader.asked["predictions"]))

    def _say(self, content: dict[str, Any], status: int = 200) -> None:
        self.answer(status, json.dumps(content).encode())


@contextmanager
def grading(grader: Grader) -> Iterator[Grader]:
    with listening(Handler, grader=grader) as grader.port:
        yield grader


@pytest.fixture
def paths(digits_done: tuple[Path, Run], tmp_path: Path) -> Paths:
    shutil.copytree(digits_done[0], tmp_path / "project")
    return Paths(tmp_path / "project", "digits")


def validation(paths: Paths) -> Grader:
    """The validation rows, as a grader has them."""
    prepared = prepare.load(paths, 1)
    return Grader(prepared.pixels[prepared.validation], prepared.labels[prepared.validation])


def hand_in(paths: Paths, grader: Grader, *more: str, **environment: str) -> Run:
    known = {"OPENHPI_TOKEN": TOKEN, "OPENHPI_URL": f"http://127.0.0.1:{grader.port}"} | environment
    arguments = ("submit", "--competition", "digits", "--to", "openhpi", *more)
    done = run_catwalk(paths.root, *arguments, **known, NO_PROXY="127.0.0.1")
    assert TOKEN not in done.stdout + done.stderr
    return done


@pytest.mark.parametrize("shape", [(64,), (8, 8), (8, 8, 1)])
def test_any_shape_is_answered(paths: Paths, shape: tuple[int, ...]) -> None:
    grader = validation(paths)
    grader.pictures = grader.pictures.reshape(-1, *shape)
    if shape == (8, 8):
        grader.pictures = grader.pictures / 255
    with grading(grader):
        done = hand_in(paths, grader, "--yes", "--assignment", "7")
    assert done.returncode == 0, done.stderr
    (name,) = submission_names.names(paths)
    made = recipe.read(paths, name)
    assert grader.asked["assignment_id"] == "7"
    right = grader.answer(grader.asked["predictions"])["accuracy"]
    assert made.validation is not None
    assert right == made.validation.accuracy, "the very networks of the submission answered"
    assert f"an accuracy of {right:.2f} and gave 1.00" in done.stdout
    assert [graded.assignment for graded in made.graded] == ["7"]
    for path in paths.root.rglob("*"):
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes(), path


def test_what_can_not_be_handed_in(paths: Paths) -> None:
    grader = validation(paths)
    with grading(grader):
        for arguments, environment, code, said in (
            (("--yes",), {}, 2, "ASSIGNMENT=<id>"),
            (("--assignment", "7"), {}, 2, "YES=1 sends without asking"),
            (("--yes", "--assignment", "7"), {"OPENHPI_TOKEN": ""}, 2, "OPENHPI_TOKEN"),
            (("--yes", "--assignment", "7"), {"OPENHPI_URL": "http://127.0.0.1:9"}, 3, "can't be reached"),
        ):
            done = hand_in(paths, grader, *arguments, **environment)
            assert (done.returncode, done.stderr.count("\n")) == (code, 1), done.stderr
            assert said in done.stderr
        assert hand_in(paths, grader, "--dry", "--assignment", "7").returncode == 0
        assert not grader.asked
        grader.status = 403
        refused = hand_in(paths, grader, "--yes", "--assignment", "7")
        assert (refused.returncode, refused.stderr.count("\n")) == (2, 1), refused.stderr
        assert "the grader refused (403): no user has the token <token>" in refused.stderr
        grader.pictures = grader.pictures[:, :32]
        other = hand_in(paths, grader, "--yes", "--assignment", "7")
        assert other.returncode == 2
        assert "sends pictures of 32 values, but digits has 64" in other.stderr


def test_labels_with_gaps_are_answered_by_their_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of hand signs, where some letters have none; no network is read."""
    known = np.random.default_rng(0).dirichlet(np.ones(3), 5).astype(np.float32)
    monkeypatch.setattr(openhpi, "predict_proba", lambda *_: known)
    signs = replace(load("digits"), labels=(0, 2, 24), classes=("A", "C", "Y"))
    answering = openhpi._Answering(Paths(tmp_path, "digits"), signs, made_recipe())
    said = answering.predict(np.zeros((5, 8, 8)))
    assert said.shape == (5, 25)
    np.testing.assert_array_equal(said[:, [0, 2, 24]], known)
    assert not np.delete(said, [0, 2, 24], axis=1).any()


def test_the_grade() -> None:
    assert metrics.grade(0.93, 0.8) == 1
    assert metrics.grade(0.4, 0.8) == 0.5
    assert metrics.grade(0, 0.8) == 0
