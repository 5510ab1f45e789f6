"""exercises/: pictures, training runs, choices and figures of the course's notebooks."""

import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest

from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.course import charts, choosing, pictures, training
from catwalk.course.keeping import Exercise
from catwalk.course.numpy_network import History, evaluate, probabilities
from catwalk.course.pictures import Pictures
from catwalk.course.training import Plan, Run
from catwalk.data import download, idx_csvs, prepare, sources
from catwalk.models import metrics
from catwalk.report import results
from catwalk.report.drawing import png
from tests.conftest import digits_paths, load, make_project


@pytest.fixture
def place(project: Path, digits_raw: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the raw digits, where the exercises run."""
    digits_paths(project, digits_raw)
    monkeypatch.chdir(project)
    monkeypatch.setenv("CATWALK_COMPETITION", "digits")
    return project


def run_of(losses: list[float], accuracies: list[float], plan: Plan) -> Run:
    return Run(plan, History(losses, accuracies, losses, accuracies), 0.1, training.start(plan, (4, 2)))


def test_three_disjoint_parts_of_the_labelled_rows(place: Path) -> None:
    found = pictures.load()
    assert [len(found.train), len(found.validation), len(found.test)] == [1149, 144, 144]
    rows = [{row.tobytes() for row in part.raw} for part in (found.train, found.validation, found.test)]
    assert len(set.union(*rows)) == sum(len(some) for some in rows)
    prepared = prepare.load(Paths(place, "digits"), 1)
    assert not {row.tobytes() for row in prepared.test_pixels} & set.union(*rows)
    assert not Paths(place, "digits").looks.exists(), "nobody looked at the sealed labels"
    pixels, targets = found.train.arrays(np.float64)
    assert pixels.min() == 0
    assert pixels.max() <= 1
    assert (targets.sum(axis=1) == 1).all()
    assert (targets.argmax(axis=1) == found.train.labels).all()
    assert len(found.train + found.test) == 1149 + 144


@pytest.mark.slow
def test_where_a_set_can_not_be_had_another_takes_its_place(
    place: Path, fashion_idx: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    assert pictures.load_first("mnist", said.append).competition.name == "digits"
    assert said == ["Using digits, as requested."]
    monkeypatch.delenv("CATWALK_COMPETITION")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nothing listens there
    monkeypatch.setattr("keras.src.backend.config.keras_home", lambda: str(place))
    monkeypatch.setattr(results, "DEFAULT", "digits")
    assert pictures.load_first("mnist", said.append).competition.name == "digits"
    assert said[1].startswith("mnist is not available here (")


@pytest.mark.slow
def test_runs_are_kept_and_the_same_everywhere(place: Path) -> None:
    found, exercise = pictures.load(), Exercise("2-softmax")
    plans = [Plan(None, 0.3, 32, 3), Plan(8, 0.1, None, 4), Plan(None, 0.3, 32, 3, seed=2)]
    runs = training.train_all(plans, found, exercise)
    here = training.train(plans[0], found.train.arrays(), found.validation.arrays())
    assert runs[0].history.loss == pytest.approx(here.history.loss, rel=1e-4)
    assert [len(run.history.loss) for run in runs] == [4, 5, 4]
    assert runs[0].history.loss != runs[2].history.loss
    kept = sorted(exercise.folder.glob("runs/*.npz"))
    assert len(kept) == 3
    before = [file.stat().st_mtime_ns for file in kept]
    again = training.train_all(plans[::-1], found, exercise)[::-1]
    assert [file.stat().st_mtime_ns for file in kept] == before
    assert [run.history for run in again] == [run.history for run in runs]
    np.testing.assert_array_equal(again[1].network.weights[1], runs[1].network.weights[1])


@pytest.mark.parametrize("hidden", [None, 100])
def test_the_loss_begins_where_it_is_expected(place: Path, hidden: int | None) -> None:
    found = pictures.load()
    train = found.train.arrays()
    starts = [
        evaluate(training.start(Plan(hidden, 1, None, 1, seed), found.sizes), *train).loss
        for seed in range(40)
    ]
    expected = choosing.expected_loss(choosing.mean_square(train[0], hidden is not None), 10)
    assert np.mean(starts) == pytest.approx(expected, abs=3 * np.std(starts) / np.sqrt(40) + 0.005)
    assert expected > np.log(10)


@pytest.mark.parametrize(
    "given", [{"hidden": 0}, {"rate": 0.0}, {"epochs": 0}, {"batch": 0}], ids=lambda given: next(iter(given))
)
def test_a_plan_that_can_not_be(given: dict[str, float]) -> None:
    with pytest.raises(UserError, match=r"at least 1|above 0"):
        Plan(**{"hidden": None, "rate": 0.1, "batch": 32, "epochs": 2, **given})  # type: ignore[arg-type]


def test_choices() -> None:
    slow, good, wild = (Plan(None, rate, None, 2) for rate in (0.01, 0.1, 10.0))
    runs = [
        run_of([2.0, 1.9, 1.8], [0.1, 0.2, 0.3], slow),
        run_of([2.0, 1.0, 0.5], [0.1, 0.5, 0.8], good),
        run_of([2.0, 9.0, 20.0], [0.1, 0.1, 0.1], wild),
    ]
    assert choosing.best(runs).plan is good
    with pytest.raises(UserError, match="diverged"):
        choosing.best([run_of([2.0, float("nan")], [0.1, 0.1], wild)])
    assert choosing.enough_epochs([3, 2, 1, 0.999, 0.998, 0.997, 0.5], patience=2) == 2
    assert choosing.enough_epochs([3, 2, 1], patience=5) == 2
    groups = {
        size: [run_of([2, 1], [0.1, value + noise], good) for noise in (-0.01, 0.01)]
        for size, value in {10: 0.7, 50: 0.89, 100: 0.9, 200: 0.895}.items()
    }
    assert choosing.smallest_good(groups) == 50
    assert choosing.final({"a": (runs[:1], 2), "b": (runs[1:2], 1)}) == Plan(None, 0.1, None, 1)
    table = choosing.compared({"a": (runs[:1] * 2, 2)}, rows=500)
    assert table.loc["updates", "a"] == 2


def test_figures_say_what_diverged(place: Path) -> None:
    wild = run_of([2.0, 50.0, float("inf")], [0.1, 0.1, 0.1], Plan(None, 30.0, None, 2))
    good = run_of([2.0, 1.0, 0.5], [0.1, 0.5, 0.8], Plan(None, 0.1, None, 2))
    figure = charts.histories({"rate 30": wild.history, "rate 0.1": good.history}, "test")
    legend = figure.axes[1].get_legend()
    assert legend is not None
    said = [text.get_text() for text in legend.get_texts()]
    assert "rate 30 (diverges), training" in said
    assert "rate 0.1, test" in said
    figure = charts.scan([wild, good], good)
    assert "diverges" in [text.get_text().strip() for text in figure.axes[0].texts]
    assert png(figure).startswith(b"\x89PNG")


@pytest.mark.slow
def test_an_archive_of_cifar_s_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras's own loader reads it; the exercise runs on colour pictures."""
    archive = tmp_path / "keras" / "datasets" / "cifar-10-batches-py-target_archive"
    archive.parent.mkdir(parents=True)
    draw = np.random.default_rng(0)
    labels = np.arange(10_000) % 10
    values = draw.integers(0, 256, (10, 3072), np.uint8)[labels]  # a class's pictures differ in a few pixels
    values[:, :8] = draw.integers(0, 256, (10_000, 8), np.uint8)
    with tarfile.open(archive, "w:gz", compresslevel=1) as packed:
        for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]:
            content = pickle.dumps({b"data": values, b"labels": labels.tolist()})
            entry = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content))
    monkeypatch.setattr("keras.src.backend.config.keras_home", lambda: str(archive.parents[1]))
    monkeypatch.setattr("keras.src.utils.file_utils.validate_file", lambda *_, **__: True)
    competition = load("cifar10")
    (train, train_labels), (test, test_labels) = sources.keras_arrays(competition)
    assert (train.shape, train_labels.shape) == ((50_000, 32, 32, 3), (50_000, 1))

    paths = Paths(make_project(tmp_path / "project"), "cifar10")
    paths.raw.mkdir(parents=True)
    idx_csvs.write(train[:400], train_labels[:400], test[:50], test_labels[:50], competition, paths.raw)
    download.run(paths, competition, "auto", print)
    monkeypatch.chdir(paths.root)
    monkeypatch.setenv("CATWALK_COMPETITION", "cifar10")
    found: Pictures = pictures.load()
    assert found.sizes == (3072, 10)
    run = training.train(Plan(None, 0.01, 32, 20), found.train.arrays(), found.validation.arrays())
    assert run.history.other_accuracy[-1] > 0.5
    said = probabilities(run.network, found.test.arrays()[0])
    scores = metrics.score(said.argmax(axis=1), found.test.labels, 10)
    for figure in (
        charts.weights(run.network, competition),
        charts.mistakes(found.test, said, competition),
        charts.confusion(scores, competition.classes),
    ):
        assert png(figure).startswith(b"\x89PNG")


def test_keras_s_own_pictures_are_the_pipeline_s(
    project: Path, fashion_idx: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The real loader, its cache folder filled; what it calls test is not given on."""
    from tests.data.test_sources import fill_keras_cache

    fill_keras_cache(tmp_path / "keras", fashion_idx)
    monkeypatch.setattr("keras.src.backend.config.keras_home", lambda: str(tmp_path / "keras"))
    monkeypatch.chdir(project)
    monkeypatch.delenv("CATWALK_COMPETITION", raising=False)
    said: list[str] = []
    images, labels = pictures.from_keras(say=said.append)
    assert not said
    assert (images.shape, labels.shape) == ((60_000, 28, 28), (60_000,))
    assert images.dtype == np.uint8
    assert (np.bincount(labels) == 6000).all()
