"""The exercises' pictures, training runs, choices, conclusions and figures.

Modules: charts.py, choosing.py, comparing.py, conclusions.py, curve_words.py, picture_charts.py, pictures.py,
t_tests.py, training_runs.py, weight_words.py.
"""

import io
import pickle
import re
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from catwalk.core.errors import UserError
from catwalk.core.paths import Paths
from catwalk.course import (
    charts,
    choosing,
    comparing,
    conclusions,
    curve_words,
    picture_charts,
    pictures,
    t_tests,
    training_runs,
    weight_words,
)
from catwalk.course.choosing import Group
from catwalk.course.comparing import MethodScores
from catwalk.course.exercise import Exercise
from catwalk.course.numpy_network import (
    Batches,
    History,
    Step,
    descend,
    evaluate,
    initial,
    one_hot,
    probabilities,
)
from catwalk.course.pictures import Pictures
from catwalk.course.training_runs import Plan, Run
from catwalk.data import download, idx_csvs, prepare, sources
from catwalk.models import metrics
from catwalk.report import results
from catwalk.report.drawing import png
from tests.conftest import digits_paths, load, make_project
from tests.support.forms.pictures import as_photos, draw, shuffled


@pytest.fixture
def place(project: Path, digits_raw: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the raw digits, where the exercises run."""
    digits_paths(project, digits_raw)
    monkeypatch.chdir(project)
    monkeypatch.setenv("CATWALK_COMPETITION", "digits")
    return project


def run_of(losses: list[float], accuracies: list[float], plan: Plan) -> Run:
    return Run(plan, History(losses, accuracies, losses, accuracies), 0.1, training_runs.start(plan, (4, 2)))


def test_three_disjoint_parts_of_the_labelled_rows(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
    monkeypatch.setattr(pictures, "TEST_SHARE", 1 / 4)
    assert pictures.load().split != found.split, "which tells the two apart"


def keep_sevens(place: Path, count: int) -> None:
    """Leave so many rows of the digit 7."""
    train = Paths(place, "digits").raw / "digits_train.csv"
    header, *rows = train.read_text().splitlines()
    sevens = [row for row in rows if row[0] == "7"][:count]
    train.write_text("\n".join([header, *(row for row in rows if row[0] != "7"), *sevens]) + "\n")


def test_three_pictures_of_a_class_are_enough(place: Path) -> None:
    keep_sevens(place, 3)
    found = pictures.load()
    parts = (found.train, found.validation, found.test)
    assert [int((part.labels == 7).sum()) for part in parts] == [1, 1, 1]
    assert (pictures.from_keras()[1] == 7).sum() == 3


@pytest.mark.parametrize("load_pictures", [pictures.load, pictures.from_keras])
def test_two_pictures_of_a_class_are_too_few(place: Path, load_pictures: Callable[[], object]) -> None:
    """They are enough for the pipeline, so it has prepared them: the exercises say what they need."""
    keep_sevens(place, 2)
    with pytest.raises(UserError) as error:
        load_pictures()
    assert str(error.value) == (
        "digits_train.csv: class 7 has only 2 distinct pictures: "
        "add rows of this class: the exercises need 3 pictures of each"
    )


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
    runs = training_runs.train_all(plans, found, exercise)
    here = training_runs.train(plans[0], found.train.arrays(), found.validation.arrays())
    assert runs[0].history.loss == pytest.approx(here.history.loss, rel=1e-4)
    assert [len(run.history.loss) for run in runs] == [4, 5, 4]
    assert runs[0].history.loss != runs[2].history.loss
    kept = sorted(exercise.folder.glob("runs/*.npz"))
    assert len(kept) == 3
    before = [file.stat().st_mtime_ns for file in kept]
    again = training_runs.train_all(plans[::-1], found, exercise)[::-1]
    assert [file.stat().st_mtime_ns for file in kept] == before
    assert [run.history for run in again] == [run.history for run in runs]
    np.testing.assert_array_equal(again[1].network.weights[1], runs[1].network.weights[1])
    training_runs.end_processes()


def test_a_plan_s_seed_is_that_of_its_batches_too() -> None:
    """The same first weights end elsewhere where the batches are drawn by another seed."""
    draw = np.random.default_rng(0)
    part = draw.random((100, 64)).astype(np.float32), one_hot(np.arange(100) % 10, 10)
    plan = Plan(None, 0.3, 32, 2, seed=3)
    found = training_runs.train(plan, part, part).history.loss
    by_hand = {
        seed: descend(
            training_runs.start(plan, (64, 10)), part, part, rate=0.3, epochs=2, batches=Batches(32, seed)
        ).loss
        for seed in (0, 3)
    }
    assert found == pytest.approx(by_hand[3], rel=1e-4)
    assert found != pytest.approx(by_hand[0], rel=1e-4)


def test_a_saved_run_is_named_by_all_that_it_depends_on() -> None:
    part = pictures.Part(np.zeros((1, 64), np.uint8), np.zeros(1, np.uint8), 10)
    found = Pictures(load("digits"), "aaaa", "s1-0.1", part, part, part)
    others = (found, replace(found, fingerprint="bbbb"), replace(found, split="s2-0.1"))
    plan, exercise = Plan(8, 0.1, 32, 3), Exercise("2-softmax", "digits")
    plans = [
        plan,
        replace(plan, hidden=None),
        replace(plan, rate=0.2),
        replace(plan, batch=None),
        replace(plan, epochs=4),
        replace(plan, seed=2),
    ]
    files = {training_runs._file(exercise, one, some) for one in plans for some in others}
    assert len(files) == 3 * len(plans)


@pytest.mark.parametrize("hidden", [None, 100])
def test_the_loss_begins_where_it_is_expected(place: Path, hidden: int | None) -> None:
    found = pictures.load()
    train = found.train.arrays()
    starts = [
        evaluate(training_runs.start(Plan(hidden, 1, None, 1, seed), found.sizes), *train).loss
        for seed in range(40)
    ]
    expected = choosing.expected_loss(choosing.mean_square(train[0], hidden is not None), 10)
    assert np.mean(starts) == pytest.approx(expected, abs=3 * np.std(starts) / np.sqrt(40) + 0.005)
    assert expected > np.log(10)


@pytest.mark.parametrize(
    ("gain", "said"),
    [(1.0, ": as derived."), (2.0, ": not as derived: look for a mistake in the initialisation.")],
)
def test_a_wrong_gain_is_found_by_the_loss_before_training(gain: float, said: str) -> None:
    """2.45 is derived; 40 networks start at 2.45 with the right gain, and at 2.60 with twice that."""
    pixels = np.random.default_rng(0).random((100, 64))
    targets = one_hot(np.arange(100) % 10, 10, np.float64)
    expected = choosing.expected_loss(choosing.mean_square(pixels, hidden=False), 10)
    networks = [initial((64, 10), seed, gain=gain, dtype=np.float64) for seed in range(40)]
    losses = [evaluate(network, pixels, targets).loss for network in networks]
    assert conclusions.start(expected, losses).endswith(said)


@pytest.mark.parametrize(
    "given", [{"hidden": 0}, {"rate": 0.0}, {"epochs": 0}, {"batch": 0}], ids=lambda given: next(iter(given))
)
def test_a_plan_that_can_not_be(given: dict[str, float]) -> None:
    with pytest.raises(UserError, match=r"at least 1|above 0"):
        Plan(**{"hidden": None, "rate": 0.1, "batch": 32, "epochs": 2, **given})  # type: ignore[arg-type]


def group_of(
    losses: list[list[float]], accuracies: list[list[float]] | None = None, rate: float = 0.1
) -> Group:
    """Runs of one plan with these histories, the same on training and validation."""
    accuracies = accuracies or [[0.1, *[0.8] * (len(row) - 1)] for row in losses]
    plans = [Plan(None, rate, None, len(losses[0]) - 1, seed) for seed in range(1, len(losses) + 1)]
    rows = zip(losses, accuracies, plans, strict=True)
    return Group(tuple(run_of(loss, accuracy, plan) for loss, accuracy, plan in rows))


GUESSING = float(np.log(10))
SLOW = group_of([[2.4, 1.9, 1.8], [2.4, 1.8, 1.7]], rate=0.01)
GOOD = group_of([[2.4, 1.0, 0.51], [2.4, 1.1, 0.49]])
CLOSE = group_of([[2.4, 1.0, 0.52], [2.4, 1.1, 0.49]], rate=0.3)
DEAD = group_of([[2.4, 2.303, 2.303], [2.4, 1.0, 0.5]], rate=1.0)
WILD = group_of([[2.4, 9.0, 20.0], [2.4, 50.0, float("inf")]], rate=10.0)


def test_runs_are_grouped_by_all_but_their_seed() -> None:
    runs = [run for pair in zip(SLOW.runs, GOOD.runs, strict=True) for run in pair]
    assert choosing.grouped(runs) == [SLOW, GOOD]
    assert GOOD.mean() == pytest.approx(0.5)
    assert GOOD.error() == pytest.approx(np.std([0.51, 0.49], ddof=1) / np.sqrt(2))
    assert WILD.curves("loss").shape == (2, 3)


def test_a_rate_is_chosen_by_the_mean_of_its_runs() -> None:
    """A dead rate's other run is as good as any, a wild one's ends are not numbers."""
    scanned = [SLOW, GOOD, CLOSE, DEAD, WILD]
    assert choosing.best(scanned, GUESSING) is GOOD
    with pytest.raises(UserError, match="diverged"):
        choosing.best([WILD, DEAD], GUESSING)
    said = conclusions.rate(scanned, GUESSING)
    assert "**Rate 0.1**" in said
    assert "Next is rate 0.3 with 0.5050: they are not shown to differ (paired t-test, seed by seed" in said
    assert "the choice between them may be luck" in said
    assert "Rate 10 fails: the loss of a run ends higher" in said
    assert "Rate 1 fails: a run's training loss ends less than 2% below that of guessing, 2.303" in said
    assert "the means are shown to differ (paired t-test" in conclusions.rate([SLOW, GOOD], GUESSING)
    assert "the highest rate of the scan" in conclusions.rate([SLOW, GOOD], GUESSING)
    table = choosing.scanned(scanned, GUESSING)
    assert table[""].tolist() == ["", "", "", "hardly learns", "diverges"]


def test_epochs_are_chosen_by_the_mean_curve() -> None:
    falling = group_of([[2, 1.0, 0.60, 0.50, 0.40], [2, 0.9, 0.62, 0.48, 0.38]])
    assert choosing.enough_epochs(falling) == 4
    assert "the loss still falls" in conclusions.epochs(falling)
    flat = group_of([[2, 1.0, 0.43, 0.39, 0.44], [2, 0.9, 0.40, 0.43, 0.42]])
    assert choosing.enough_epochs(flat) == 2
    assert "**2 epochs**. Training on to epoch 3 lowers the mean by 0.0050 only." in conclusions.epochs(flat)
    assert "after epochs 2 to 3" in conclusions.epochs(flat)
    near = group_of([[2, 1.0, 0.45, 0.39, 0.44], [2, 0.9, 0.42, 0.43, 0.42]])
    assert choosing.enough_epochs(near) == 3, "0.435 is within a deviation (0.438), not an error (0.430)"


def test_methods_are_compared_by_cost_and_loss() -> None:
    batch, mini = GOOD, Group(tuple(replace(run, plan=replace(run.plan, batch=50)) for run in CLOSE.runs))
    ways = {"batch": (batch, 2), "batches of 50": (mini, 2)}
    table = choosing.compared(ways, rows=500)
    assert table.T["updates"].tolist() == [2, 20]
    assert choosing.final(ways) == "batch"
    assert [plan.seed for plan in choosing.final_plans(ways, range(5, 7))] == [5, 6]
    assert choosing.final_plans({"a": (SLOW, 2), "b": (GOOD, 1)}, [1])[0].epochs == 1
    assert "they are not shown to differ (paired t-test, seed by seed" in conclusions.method(ways)
    said = conclusions.batch_or_mini(ways, 500)
    assert "makes 10 updates instead of 1 and takes 0.1 s instead of 0.1 s" in said
    assert "another learning rate, 0.3 instead of 0.1" in said
    assert "do not reach" in said
    assert "after epoch 1, that" in conclusions.batch_or_mini({"batch": (SLOW, 2), "mini": (mini, 2)}, 500)


def test_the_smallest_layer_within_one_standard_error() -> None:
    groups = {
        size: group_of([[2, 1], [2, 1]], [[0.1, value - 0.01], [0.1, value + 0.01]])
        for size, value in {10: 0.7, 50: 0.892, 100: 0.9, 200: 0.895}.items()
    }
    assert choosing.smallest_good(groups) == 50
    said = conclusions.size(groups)
    assert "that of **n = 100**: 90.00%, with a standard error of 1.00% (2 runs)" in said
    assert "**n = 50** with 89.20%" in said
    assert "luck" not in said
    alone = {size: groups[size] for size in (10, 100)}
    assert "No smaller layer" in conclusions.size(alone)
    assert "the largest n that was tried" in conclusions.size(alone)
    near = groups | {50: group_of([[2, 1], [2, 1]], [[0.1, 0.878], [0.1, 0.898]])}
    assert choosing.smallest_good(near) == 100, "88.8% is within a deviation (88.6%), not an error (89.0%)"
    assert png(charts.sizes(groups, 50)).startswith(b"\x89PNG")


def test_runs_of_the_same_seeds_are_compared_seed_by_seed() -> None:
    """Two rates whose difference is small beside the runs' spread, and the same in each of the seeds."""
    spread = {seed: 0.5 + 0.1 * seed for seed in range(1, 6)}
    lower = {seed: value - 0.01 - 0.001 * (seed % 2) for seed, value in spread.items()}
    paired = t_tests.t_test(lower, spread)
    assert paired.differs
    assert paired.name.startswith("paired")
    others = t_tests.t_test({seed + 10: value for seed, value in lower.items()}, spread)
    assert not others.differs
    assert others.name == "Welch's t-test"


def test_three_runs_need_more_than_two_standard_errors() -> None:
    """Paired differences of mean 3 and standard error 1: with 2 degrees of freedom p is 0.095."""
    zero, some = dict.fromkeys((1, 2, 3), 0.0), {1: 3.0, 2: 3 - 3**0.5, 3: 3 + 3**0.5}
    found = t_tests.t_test(some, zero)
    assert found.p == pytest.approx(0.0955, abs=0.0001)
    assert not found.differs
    assert not t_tests.t_test({1: 0.1}, {1: 0.9}).differs, "one run of each shows nothing"
    assert not t_tests.t_test(zero, zero).differs
    assert t_tests.half_width(np.array([-1.0, 0.0, 1.0])) == pytest.approx(4.3027 / 3**0.5, abs=0.001)


def test_a_smaller_layer_needs_more_than_no_difference() -> None:
    """50 units are not shown to differ from 100, and their mean is not within one standard error."""
    groups = {
        50: group_of([[2, 1]] * 3, [[0.1, value] for value in (0.88, 0.89, 0.87)]),
        100: group_of([[2, 1]] * 3, [[0.1, value] for value in (0.89, 0.89, 0.90)]),
    }
    assert choosing.smallest_good(groups) == 100
    said = conclusions.size(groups)
    assert "The best is not shown to differ from n = 50 (t-tests at the 5% level)." in said
    assert "does not make a smaller layer as good, so the choice asks for more" in said
    assert "luck" not in said


def runs_of(shares: list[float], labels: npt.NDArray[np.int64], seed: int) -> MethodScores:
    """Runs that are right on these shares of the pictures, drawn by chance."""
    draw = np.random.default_rng(seed)
    said = [np.where(draw.random(len(labels)) < share, labels, (labels + 1) % 10) for share in shares]
    return MethodScores(
        np.array([one == labels for one in said]), [metrics.score(one, labels, 10) for one in said]
    )


def test_two_methods_are_compared_with_the_variation_between_runs() -> None:
    labels = np.arange(2000) % 10
    steady, better = runs_of([0.8] * 8, labels, 1), runs_of([0.85] * 5, labels, 2)
    found = comparing.difference(steady, better)
    assert found.value == pytest.approx(better.accuracies.mean() - steady.accuracies.mean())
    assert found.interval[0] > 0
    names = ("A", "B")
    said = conclusions.verdict(names, (steady, better), found)
    assert "**B is better than A**" in said
    value, before, after = re.findall(r"A\*\*: (\S+) points .* from (\S+)% to (\S+)%;", said)[0]
    assert float(value) == pytest.approx(float(after) - float(before), abs=0.011), "of their two decimals"
    unsteady = runs_of([0.75, 0.95, 0.85, 0.8, 0.9], labels, 3)
    wide = comparing.difference(steady, unsteady)
    assert wide.by_runs > 5 * found.by_runs
    assert wide.interval[0] < 0 < wide.interval[1]
    assert "**B is not shown to differ from A**" in conclusions.verdict(names, (steady, unsteady), wide)
    back = comparing.difference(better, steady)
    assert "**B is worse than A**" in conclusions.verdict(names, (better, steady), back)
    assert comparing.table({"A": steady, "B": better}).loc["B", "runs"] == 5
    said = conclusions.classes((steady, better), tuple("abcdefghij"))
    hardest = "abcdefghij"[int(better.recall.argmin())]
    assert f"is {hardest}, of which" in said
    assert "$" not in conclusions.classes((steady, better), tuple(f"${k}" for k in range(10))), "no formula"


def test_one_run_of_a_method_shows_nothing_of_the_method() -> None:
    """The interval is that of the pictures, however many there are."""
    labels = np.arange(2000) % 10
    one, better, more = runs_of([0.8], labels, 1), runs_of([0.9], labels, 2), runs_of([0.9] * 5, labels, 3)
    found = comparing.difference(one, better)
    assert found.interval[0] > 0
    assert found.by_runs == 0
    said = conclusions.verdict(("A", "B"), (one, better), found)
    assert said.startswith("**B is not shown to differ from A**")
    assert "There is one run each, so the two *methods* are not shown to differ" in said
    assert "runs count" not in said
    for pair in ((one, more), (more, one)):
        said = conclusions.verdict(("A", "B"), pair, comparing.difference(*pair))
        assert said.startswith("**B is not shown to differ from A**")
        assert f"There is one run of {'A' if pair[0] is one else 'B'}, so" in said


def test_intervals_count_a_picture_once() -> None:
    """Those of the test rows three times, in any order, are those of the rows once."""
    draw = np.random.default_rng(0)
    raw, labels = draw.integers(0, 256, (300, 64), np.uint8), np.arange(300) % 10
    softmax = [Plan(None, 0.1, None, 1, seed) for seed in range(4)]
    layer = [Plan(8, 0.1, None, 1, seed) for seed in range(3)]
    methods = [
        [Run(plan, History(), 0.1, training_runs.start(plan, (64, 10))) for plan in plans]
        for plans in (softmax, layer)
    ]
    found: dict[int, list[tuple[float, float]]] = {}
    for times in (1, 3):
        order = draw.permutation(300 * times)
        pixels, truth = raw.repeat(times, axis=0)[order], labels.repeat(times)[order]
        distinct = pictures.distinct_rows(pixels)
        assert len(distinct) == 300
        tested = [comparing.tested(runs, pixels / 255, truth, 10, len(distinct)) for runs in methods]
        found[times] = [one.interval for method in tested for one in method.scores]
        found[times].append(comparing.difference(*tested).interval)
    np.testing.assert_allclose(found[3], found[1])


def test_identical_pictures_are_held_out_together() -> None:
    draw = np.random.default_rng(0)
    order = draw.permutation(600)
    images = draw.integers(0, 256, (200, 4, 4), np.uint8).repeat(3, axis=0)[order]
    labels = (np.arange(200) % 10).astype(np.uint8).repeat(3)[order]
    apart = pictures.hold_out(images, labels)
    assert np.bincount(labels[apart]).tolist() == [6] * 10
    assert len(pictures.distinct_rows(images[apart])) == 20
    assert len(pictures.distinct_rows(images[~apart])) == 180


def test_which_classes_are_found_more_often_than_before() -> None:
    labels, place = np.repeat(np.arange(3), 10), np.tile(np.arange(10), 3)
    found = []
    for right in ([5, 8, 9], [9, 7, 9]):  # pictures of each class, of 10
        said = np.where(place < np.repeat(right, 10), labels, (labels + 1) % 3)
        found.append(MethodScores(np.array([said == labels]), [metrics.score(said, labels, 3)]))
    before, after = found
    assert conclusions.classes((before, after), ("a", "b", "c")) == (
        "Recall rises most for a (+40.0 points) and falls most for b (-10.0). The hardest class is b, of "
        "which 70.0% are found."
    )


def test_that_the_interval_of_two_methods_covers_what_it_should() -> None:
    """Methods that are equally good: in about 95 of 100 comparisons the interval contains 0.

    One of half the width does so in about 67, or some more: this interval errs on the wide side.
    """
    inside = in_half = 0
    for trial in range(100):
        draw = np.random.default_rng(trial)
        labels, hard = np.arange(300) % 10, draw.normal(0, 0.15, 300)  # some pictures are harder than others
        some = []
        for number in (8, 5):
            runs = draw.random((number, 300)) < 0.8 + draw.normal(0, 0.02, (number, 1)) + hard
            some.append(
                MethodScores(
                    runs, [metrics.score(np.where(one, labels, 9 - labels), labels, 10) for one in runs]
                )
            )
        compared = comparing.difference(*some)
        low, high = compared.interval
        inside += low <= 0 <= high
        in_half += abs(compared.value) <= (high - low) / 4
    assert 90 <= inside <= 100
    assert 60 <= in_half <= 85


def test_what_curves_say() -> None:
    fine = History([2.4, 1.0, 0.5], [0.1, 0.8, 0.9], [2.4, 1.1, 0.7], [0.1, 0.7, 0.8])
    over = fine + History([0.5, 0.3], [0.9, 0.99], [0.7, 0.9], [0.8, 0.79])
    assert "lowest after the last epoch, 0.7000" in curve_words.overfitting(fine)
    assert "lowest after epoch 2 (0.7000) and is 0.9000 at the end, while" in curve_words.overfitting(over)
    noisy = fine + History([0.5, 0.3], [0.9, 0.99], [0.7, 0.71], [0.8, 0.8])
    assert "too little to call it overfitting" in curve_words.overfitting(noisy)
    rising = History([2.4, 0.5, 0.6], [0.1, 0.9, 0.8], [2.4, 0.7, 0.9], [0.1, 0.8, 0.7])
    assert "(0.7000) and is 0.9000 at the end. At the end" in curve_words.overfitting(rising)
    assert "overfit" not in curve_words.overfitting(rising), "the training loss rises too"
    assert "1 more epoch changes the test accuracy from 80.0% to 79.0%" in curve_words.longer(fine, over)
    assert "(-1.0 points)" in curve_words.longer(fine, over)
    said = curve_words.two_rates(
        {0.3: fine, 0.1: History([2.4, 1.5, 1.4], [0.1, 0.6, 0.7], [2.4] * 3, [0.1] * 3)}
    )
    assert "0.500 with rate 0.3 and 1.400 with rate 0.1, the training accuracy 90.0% and 70.0%" in said
    assert "With rate 0.3 the test loss is lowest after the last epoch, 0.7000." in said
    assert said.endswith("a gap of +10.0 points.")
    assert "overfit" not in said, "the test loss falls: a gap alone is no overfitting"
    assert said.endswith(curve_words.overfitting(fine, "test")[1:])
    assert "the network overfits" in curve_words.two_rates({0.3: over, 0.1: fine})
    wild = History([2.4, 30.0, float("nan")], [0.1] * 3, [2.4, 30.0, float("nan")], [0.1] * 3)
    assert "rises to 30.00 and ends at not a number; it rises in 2 of 2" in curve_words.too_high(wild)
    assert "not too high" in curve_words.too_high(fine)
    before, after = (evaluated(loss) for loss in (2.4, 2.3))
    assert "lowers the loss by 0.100" in curve_words.one_step(before, after)
    assert "it is too large" in curve_words.one_step(after, before)
    assert "gives 100% of the marks" in curve_words.marks(0.88, (0.87, 0.89), 0.8)
    assert "would very likely give the same" in curve_words.marks(0.88, (0.87, 0.89), 0.8)
    assert "below this limit" in curve_words.marks(0.4, (0.38, 0.42), 0.8)
    assert "within the interval" in curve_words.marks(0.8, (0.78, 0.82), 0.8)


def test_a_difference_is_that_of_the_numbers_beside_it() -> None:
    """88.26 - 85.54 is 2.72, and a reader sees 88.3 and 85.5."""
    first = History([2.4, 1.0], [0.1, 0.9], [2.4, 1.0], [0.1, 0.8554])
    whole = first + History([1.0, 0.9], [0.9, 0.9], [1.0, 0.9], [0.8554, 0.8826])
    assert "from 85.5% to 88.3% (+2.8 points)" in curve_words.longer(first, whole)


def evaluated(loss: float) -> Step:
    return Step(loss, 0.1, [], [])


def test_the_worst_mistakes_have_the_least_probability_of_their_class() -> None:
    said = np.array([[0.6, 0.3, 0.1], [0.5, 0.05, 0.45], [0.1, 0.8, 0.1], [0.4, 0.35, 0.25]])
    assert picture_charts.worst_mistakes(said, np.array([1, 1, 1, 2])).tolist() == [1, 3, 0]
    words = [picture_charts.small_percent(share) for share in (0.00001, 0.0031, 0.051, 0.42)]
    assert words == ["<0.01%", "0.31%", "5.1%", "42%"]


def test_photographs_are_drawn_as_they_are() -> None:
    """And digits as ink on paper."""
    for kind, is_ink in ((draw(shuffled(10, 30), 8), True), (as_photos(draw(shuffled(10, 30), 8)), False)):
        part = pictures.Part(kind.integers().astype(np.uint8), kind.classes.astype(np.uint8), 10)
        figure = picture_charts.samples(part, load("digits"), [0])
        shown = np.asarray(figure.axes[0].images[0].get_array())
        as_it_is = part.raw[0].reshape(8, 8, 1).repeat(3, axis=2)
        assert np.array_equal(shown, as_it_is) == (not is_ink)


def test_what_the_weights_show(place: Path) -> None:
    found = pictures.load()
    run = training_runs.train(Plan(None, 0.3, 32, 3), found.train.arrays(), found.validation.arrays())
    said = weight_words.described(run.network, found.train, found.competition)
    likeness = weight_words.templates(weight_words.centred(run.network), found.train)
    assert likeness.mean() > 0.4, "the digits' weights are like the digits"
    assert f"correlation of {likeness.mean():.2f} on average" in said
    assert "a rough picture of each class" in said
    first = training_runs.start(run.plan, found.sizes)
    assert "more than what it looks like" in weight_words.described(first, found.train, found.competition)


def test_the_most_opposite_weights_have_the_lowest_correlation() -> None:
    between = np.array([[1.0, -0.2, 0.3], [-0.2, 1.0, -0.7], [0.3, -0.7, 1.0]])
    assert weight_words.opposite(between) == (1, 2)


def test_figures_say_what_fails(place: Path) -> None:
    wild = run_of([2.0, 50.0, float("inf")], [0.1, 0.1, 0.1], Plan(None, 30.0, None, 2))
    good = run_of([2.0, 1.0, 0.5], [0.1, 0.5, 0.8], Plan(None, 0.1, None, 2))
    figure = charts.histories({"rate 30": wild.history, "rate 0.1": good.history}, "test")
    legend = figure.axes[1].get_legend()
    assert legend is not None
    said = [text.get_text() for text in legend.get_texts()]
    assert said == ["rate 30 (diverges)", "rate 0.1"]
    assert "dashed: test" in figure.axes[0].get_title(loc="left")
    assert figure.axes[0].get_yscale() == "log", "the wild one does not squash the other"
    assert "beyond the axis: rate 30" in [text.get_text() for text in figure.axes[0].texts]
    scanned = [GOOD, CLOSE, DEAD, WILD]
    figure = charts.scan(scanned, GOOD, GUESSING)
    assert {"diverges", "hardly learns"} <= {text.get_text() for text in figure.axes[0].texts}
    assert figure.axes[0].get_ylim()[1] < GUESSING, "nor does a dead one"
    assert png(figure).startswith(b"\x89PNG")
    figure = charts.bands(GOOD)
    thin = [line for line in figure.axes[1].lines if line.get_linewidth() < 1]
    assert len(thin) == 2 * len(GOOD.runs)
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
    run = training_runs.train(Plan(None, 0.01, 32, 20), found.train.arrays(), found.validation.arrays())
    assert run.history.other_accuracy[-1] > 0.5
    said = probabilities(run.network, found.test.arrays()[0])
    scores = metrics.score(said.argmax(axis=1), found.test.labels, 10)
    for figure in (
        picture_charts.samples(found.test, competition, range(7)),
        picture_charts.weights(run.network, competition),
        picture_charts.mistakes(found.test, said, competition),
        picture_charts.confusion(scores, competition.classes),
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
