"""blend_weights.py within this process: which rows weights are found on, and what is known of the blend."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from catwalk.core.errors import UserError
from catwalk.data import prepare, split
from catwalk.data.run_context import RunContext
from catwalk.models import metrics
from catwalk.submission import blend_parts, blend_weights, ensemble, forecast, predictions
from catwalk.submission.blend_weights import Blend
from tests.conftest import load, make_project
from tests.support.blends import LABELS, Team, with_submissions

MODELS = ("upper", "lower", "narrow")


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory, digits_raw: Path) -> Team:
    """A project with three submissions."""
    return with_submissions(make_project(tmp_path_factory.mktemp("weights") / "project"), digits_raw)


@pytest.fixture
def mine(fitted: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Team:
    """The same, to write to; files are named from there."""
    made = fitted.copy(tmp_path / "project")
    monkeypatch.chdir(made.paths.root)
    return made


def join(mine: Team, parts: Sequence[str]) -> Blend:
    context = RunContext(mine.paths, load("digits"), prepare.load(mine.paths, 1), 1, "default")
    return blend_weights.join(context, blend_parts.locate(mine.paths, parts))


def labels(mine: Team) -> np.ndarray:
    return mine.prepared.labels[mine.prepared.validation]


def expected_forecast(mine: Team, names: Sequence[str], rows: np.ndarray | None = None) -> forecast.Forecast:
    """Of the parts chosen from, on these validation rows; halves are cut in the order of pictures' hashes."""
    some = np.arange(144) if rows is None else rows
    oof, _ = mine.predictions(names[0])
    _, numbers = np.unique(split.keys(oof.pictures[some]), return_inverse=True)
    said, right = np.stack([mine.said[name].oof[some] for name in names]), labels(mine)[some]
    share = metrics.accuracy(ensemble.select(said, right).average(said), right)
    return forecast.estimate(said, right, share, len(mine.prepared.test_ids), numbers.ravel())


def test_weights_are_those_that_the_ensemble_finds(mine: Team) -> None:
    made = join(mine, MODELS)
    oof = np.stack([mine.said[name].oof for name in MODELS])
    found = ensemble.select(oof, labels(mine))
    assert made.how == "weights found on 144 labelled rows"
    assert [part.weight for part in made.parts] == list(found.weights)
    # Read from their files they are divided by their sums, so the last bit may differ.
    assert [part.temperature for part in made.parts] == pytest.approx(list(found.temperatures), rel=1e-4)
    both, test = found.average(oof), found.average(np.stack([mine.said[name].test for name in MODELS]))
    np.testing.assert_allclose(made.test, test, atol=1e-6)
    np.testing.assert_array_equal(made.labels, made.test.argmax(axis=1))
    assert made.oof is not None
    np.testing.assert_allclose(made.oof.probabilities, both, atol=1e-6)
    np.testing.assert_array_equal(made.oof.rows, mine.prepared.validation)
    assert made.oof.labels == LABELS

    singles = [metrics.accuracy(one, labels(mine)) for one in oof]
    assert [part.validation_accuracy for part in made.parts] == singles
    share = metrics.accuracy(both, labels(mine))
    assert made.validation is not None
    assert (made.validation.rows, made.validation.pictures) == (144, 144)
    assert (made.validation.accuracy, made.validation.best_single) == (share, max(singles))
    assert made.validation.interval == metrics.wilson(share, 144)
    assert made.forecast == expected_forecast(mine, MODELS)


def test_what_was_chosen_on_few_rows_is_forecast_lower(mine: Team) -> None:
    some = np.arange(72, dtype=np.int32)
    for name in ("upper", "lower"):
        mine.submit(f"{name} half", name, some)
    made = join(mine, ("upper half", "lower half"))
    assert made.how == "weights found on 72 labelled rows", "as many as they have"
    assert made.forecast is not None
    assert made.forecast == expected_forecast(mine, ("upper", "lower"), some)
    assert made.forecast.optimism > 0


def test_parts_keep_their_order_and_what_they_are(mine: Team) -> None:
    mine.csv("friend.csv", "narrow")
    made = join(mine, ["lower", "friend.csv"])
    first, second = made.parts
    assert (first.given, first.kind, second.given, second.kind) == (
        "lower", "probabilities", "friend.csv", "probabilities",
    )  # fmt: skip
    located = blend_parts.locate(mine.paths, ["lower", "friend.csv"])
    assert [part.sha256 for part in made.parts] == [part.sha256 for part in located]
    assert first.oof_sha256 == located[0].oof_sha256 != None  # noqa: E711
    assert second.oof_sha256 is None


def test_a_part_without_labelled_rows_leaves_the_weights_equal(mine: Team) -> None:
    mine.csv("friend.csv", "narrow")
    made = join(mine, ["upper", "friend.csv"])
    assert made.how == "equal weights, as friend.csv has no out-of-fold rows"
    assert [(part.weight, part.temperature) for part in made.parts] == [(0.5, 1.0), (0.5, 1.0)]
    assert [part.validation_accuracy for part in made.parts] == [None, None]
    assert (made.oof, made.validation, made.forecast) == (None, None, None)
    mean = (mine.said["upper"].test + mine.said["narrow"].test) / 2
    np.testing.assert_allclose(made.test, mean, atol=1e-6)


@pytest.mark.parametrize(("shared", "said"), [(12, "only 12"), (1, "only 1"), (0, "no")])
def test_few_labelled_rows_in_common_know_the_accuracy_but_find_no_weights(
    mine: Team, shared: int, said: str
) -> None:
    half = np.arange(72, dtype=np.int32)
    mine.submit("first", "upper", half)
    mine.submit("second", "lower", half + 72 - shared)
    made = join(mine, ["first", "second"])
    assert made.how == f"equal weights, as the parts share {said} labelled rows"
    assert [part.weight for part in made.parts] == [0.5, 0.5]
    if not shared:
        assert (made.oof, made.validation, made.forecast) == (None, None, None)
        assert [part.validation_accuracy for part in made.parts] == [None, None]
        return
    rows = np.arange(72 - shared, 72)
    assert made.oof is not None
    np.testing.assert_array_equal(made.oof.rows, mine.prepared.validation[rows])
    mean = (mine.said["upper"].oof[rows] + mine.said["lower"].oof[rows]) / 2
    np.testing.assert_allclose(made.oof.probabilities, mean, atol=1e-6)
    assert made.validation is not None
    assert made.validation.accuracy == metrics.accuracy(mean, labels(mine)[rows])
    assert made.forecast is not None
    assert made.forecast.optimism == 0, "nothing was chosen"


def test_rows_in_another_order_are_found_by_their_pictures(mine: Team) -> None:
    turned = np.arange(144, dtype=np.int32)[::-1]
    mine.submit("turned", "lower", turned)
    made, straight = join(mine, ["upper", "turned"]), join(mine, ["upper", "lower"])
    assert [part.weight for part in made.parts] == [part.weight for part in straight.parts]
    assert (made.validation, made.forecast) == (straight.validation, straight.forecast)


def test_identical_pictures_are_one_sample(mine: Team) -> None:
    paths, prepared = mine.paths, prepare.load(mine.paths, 1)
    pixels = np.array(prepared.pixels)
    first, second = prepared.validation[:2]
    pixels[second] = pixels[first]
    context = RunContext(paths, load("digits"), replace(prepared, pixels=pixels), 1, "default")
    other = Team(paths, replace(mine.prepared, pixels=pixels), mine.said)
    for name in ("upper", "lower"):
        other.submit(f"{name}2", name)
    made = blend_weights.join(context, blend_parts.locate(paths, ["upper2", "lower2"]))
    assert made.validation is not None
    assert (made.validation.rows, made.validation.pictures) == (144, 143)
    assert made.validation.interval == metrics.wilson(made.validation.accuracy, 143)


def test_weights_are_found_on_enough_rows_though_a_part_has_more() -> None:
    def common(rows: int, smallest: int) -> bool:
        empty = np.zeros((rows, 2))
        made = blend_weights.Common(empty[:, 0], empty, empty[:, 0], empty[None], smallest)  # type: ignore[arg-type]
        return blend_weights.is_enough(made)

    least = blend_weights.LEAST_ROWS
    assert least == 300
    assert common(least, 6000)
    assert common(6000, 6000)
    assert not common(least - 1, 6000)
    assert common(144, 144)
    assert not common(143, 144)
    assert common(1, 1)
    assert not common(0, 0)


def test_labels_alone_are_joined_by_vote(mine: Team) -> None:
    truth = mine.said["upper"].test.argmax(axis=1)
    said = [truth.copy() for _ in range(4)]
    said[0][:3] = (truth[:3] + 1) % 10  # rows 0 and 1: outvoted
    said[1][2] = (truth[2] + 2) % 10  # row 2: two votes for the right label, one each for two others
    said[2][3] = said[3][3] = (truth[3] + 3) % 10  # row 3: two against two, of which the earlier part's count
    said[3][4] = (truth[4] + 1) % 10  # row 4: outvoted
    names = [f"{i}.csv" for i in range(4)]
    for name, one in zip(names, said, strict=True):
        mine.labels(name, one)
    made = join(mine, names)
    assert made.how == "by vote, as they are labels alone"
    assert [part.kind for part in made.parts] == ["labels"] * 4
    np.testing.assert_array_equal(made.labels, truth)
    expected = truth.copy()
    expected[3] = said[2][3]
    np.testing.assert_array_equal(join(mine, names[::-1]).labels, expected)
    three = truth.copy()
    three[2] = said[0][2]
    np.testing.assert_array_equal(join(mine, names[:3]).labels, three)


def test_labels_count_as_certain_beside_probabilities(mine: Team) -> None:
    said = (mine.said["upper"].test.argmax(axis=1) + 1) % 10
    said[50:] = mine.said["upper"].test[50:].argmax(axis=1)
    mine.labels("a.csv", said)
    made = join(mine, ["upper", "lower", "a.csv"])
    assert made.how == "equal weights, as a.csv has no out-of-fold rows"
    total = mine.said["upper"].test + mine.said["lower"].test + np.eye(10)[said]
    both = np.sort(total, axis=1)
    clear = both[:, -1] - both[:, -2] > 1e-3  # elsewhere two classes are as good as equal
    expected = total.argmax(axis=1)
    assert clear[:50].sum() > 20
    np.testing.assert_array_equal(made.labels[clear], expected[clear])
    np.testing.assert_array_equal(made.labels, made.test.argmax(axis=1))
    assert (made.labels[:50] != said[:50]).any(), "two others that agree outvote it"


def test_a_csv_of_other_rows_is_refused(mine: Team) -> None:
    right = mine.said["upper"].test.argmax(axis=1)
    random = np.random.default_rng(0)
    mine.labels("other.csv", random.permutation(right))
    mine.labels("fair.csv", np.where(np.arange(len(right)) % 2, right, random.permutation(right)))
    with pytest.raises(UserError) as refused:
        join(mine, ["upper", "lower", "other.csv"])
    shown = str(refused.value)
    assert "other.csv" in shown
    assert "% of the test rows, hardly more than by chance" in shown
    assert len(join(mine, ["upper", "lower", "fair.csv"]).parts) == 3


def test_the_refusal_names_the_part_that_agrees_most(mine: Team) -> None:
    right = mine.said["upper"].test.argmax(axis=1)
    other = (right + 1) % 10
    near = right.copy()
    near[:10] = other[:10]
    mine.labels("near.csv", near)
    mine.labels("other.csv", other)
    with pytest.raises(UserError, match=r"agrees with near\.csv on 3% of the test rows") as refused:
        join(mine, ["upper", "near.csv", "other.csv"])
    assert "other.csv" in str(refused.value)


def test_rows_known_by_their_pictures_are_never_refused(mine: Team) -> None:
    oof, test = mine.predictions("upper")
    predictions.write(mine.paths.oof("upper"), oof)
    turned = replace(test, probabilities=np.roll(test.probabilities, 1, axis=1))
    predictions.write(mine.paths.test_predictions("upper"), turned)
    assert len(join(mine, ["upper", "lower"]).parts) == 2


def test_kappa_is_0_by_chance_and_1_everywhere() -> None:
    first = np.array([0, 0, 1, 1])
    assert blend_weights.kappa(first, first, 2) == 1
    assert blend_weights.kappa(first, np.array([0, 1, 0, 1]), 2) == 0
    assert blend_weights.kappa(first, 1 - first, 2) == -1
    assert blend_weights.kappa(first, np.array([0, 0, 1, 0]), 2) == pytest.approx(0.5)
    assert blend_weights.kappa(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), 2) == pytest.approx(0.5)
    same = np.zeros(4, int)
    assert blend_weights.kappa(same, same, 2) == 1, "all of one class"
    assert blend_weights.kappa(np.array([0, 1, 2]), np.array([0, 1, 1]), 3) == pytest.approx(0.5)
