"""confident_learning.py: finds labels that were made wrong on purpose, and the same rows as cleanlab."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.datasets import load_digits

from catwalk.submission import confident_learning
from tests.support import out_of_fold


@dataclass(frozen=True)
class Planted:
    """The digits with wrong labels: (rows, 10) out-of-fold probabilities, labels, and which were changed."""

    probabilities: npt.NDArray[np.float64]
    labels: npt.NDArray[np.int64]
    changed: npt.NDArray[np.bool_]


@pytest.fixture(scope="module", params=[0.02, 0.05, 0.1])
def planted(request: pytest.FixtureRequest) -> Planted:
    """A share of the labels is the next digit instead; the networks learn from these labels."""
    pixels, labels = load_digits(return_X_y=True)
    changed = np.zeros(len(labels), bool)
    rows = np.random.default_rng(1).permutation(len(labels))
    changed[rows[: round(request.param * len(labels))]] = True
    labels = np.where(changed, (labels + 1) % 10, labels)
    return Planted(out_of_fold.probabilities(pixels / 16, labels), labels, changed)


def test_planted_errors_are_found(planted: Planted) -> None:
    found = confident_learning.doubtful(planted.probabilities, planted.labels)
    right = planted.changed[found]
    assert right.mean() > 0.8, "precision"
    assert right.sum() / planted.changed.sum() > 0.6, "recall"
    assert right[: len(right) // 2].mean() > 0.9, "the first ones are right more often"
    assert (planted.probabilities[found].argmax(axis=1) != planted.labels[found]).all()


def test_the_rows_are_those_of_cleanlab(planted: Planted) -> None:
    from cleanlab.count import compute_confident_joint, get_confident_thresholds
    from cleanlab.filter import find_label_issues

    probabilities, labels = planted.probabilities, planted.labels
    least = confident_learning.thresholds(probabilities, labels)
    np.testing.assert_allclose(least, get_confident_thresholds(labels, probabilities))
    joint = confident_learning.confident_joint(probabilities, labels, least)
    np.testing.assert_array_equal(joint, compute_confident_joint(labels, probabilities, calibrate=False))
    theirs = find_label_issues(
        labels, probabilities, filter_by="low_normalized_margin",
        return_indices_ranked_by="normalized_margin", n_jobs=1,
    )  # fmt: skip
    ours = confident_learning.doubtful(probabilities, labels)
    np.testing.assert_array_equal(ours, theirs)


def test_it_doubts_no_more_than_it_must(planted: Planted) -> None:
    """What the module says about the other choices, on these errors."""
    from cleanlab.filter import find_label_issues

    def precision(found: npt.NDArray[np.integer]) -> float:
        return float(planted.changed[found].mean())

    ours = precision(confident_learning.doubtful(planted.probabilities, planted.labels))
    for other in ("prune_by_noise_rate", "confident_learning"):
        issues = find_label_issues(planted.labels, planted.probabilities, filter_by=other, n_jobs=1)
        assert ours > precision(np.flatnonzero(issues)), other


def test_the_joint_by_hand() -> None:
    probabilities = np.array(
        [
            [0.9, 0.1, 0.0],
            [0.7, 0.2, 0.1],
            [0.2, 0.7, 0.1],
            [0.1, 0.8, 0.1],
            [0.45, 0.35, 0.2],
            [0.1, 0.9, 0.0],
        ]
    )
    labels = np.array([0, 0, 1, 1, 1, 0])
    least = confident_learning.thresholds(probabilities, labels)
    np.testing.assert_allclose(least, [1.7 / 3, 1.85 / 3, confident_learning.UNREACHABLE])
    joint = confident_learning.confident_joint(probabilities, labels, least)
    assert joint.tolist() == [[2, 1, 0], [0, 2, 0], [0, 0, 0]], "the fifth row is confidently of no class"
    assert confident_learning.doubtful(probabilities, labels).tolist() == [5]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_classes_with_few_rows_or_none(dtype: type) -> None:
    random = np.random.default_rng(0)
    labels = np.array([0] * 40 + [1] * 40 + [2], np.uint8)  # and no row of the class 3
    probabilities: npt.NDArray[np.floating] = np.full((81, 4), 0.02, dtype)
    probabilities[np.arange(81), labels] = 0.94
    probabilities += random.uniform(0, 1e-3, probabilities.shape).astype(dtype)
    probabilities[[3, 50]] = [[0.01, 0.97, 0.01, 0.01], [0.05, 0.01, 0.01, 0.93]]
    found = confident_learning.doubtful(probabilities, labels)
    assert found.tolist() == [3], "the row 50 has an answer that no row is labelled with"
    nothing = confident_learning.doubtful(probabilities[:0], labels[:0])
    assert nothing.tolist() == []


def test_no_row_is_doubtful_where_all_answers_are_right_or_alike() -> None:
    labels = np.arange(30) % 3
    assert not len(confident_learning.doubtful(np.eye(3)[labels], labels))
    assert not len(confident_learning.doubtful(np.full((30, 3), 1 / 3), labels))
    one_class = np.zeros(5, int)
    assert not len(confident_learning.doubtful(np.ones((5, 1)), one_class))


def test_who_reaches_only_the_threshold_of_its_own_class_is_not_doubtful() -> None:
    labels = np.array([0, 0, 1, 1])
    sure = np.array([[0.45, 0.55], [0.3, 0.7], [0.05, 0.95], [0.05, 0.95]])
    assert confident_learning.thresholds(sure, labels).tolist() == pytest.approx([0.375, 0.95])
    assert confident_learning.doubtful(sure, labels).tolist() == []
    unsure = np.array([[0.45, 0.55], [0.3, 0.7], [0.5, 0.5], [0.6, 0.4]])
    assert confident_learning.thresholds(unsure, labels).tolist() == pytest.approx([0.375, 0.45])
    found = confident_learning.doubtful(unsure, labels)
    assert found.tolist() == [1, 3, 0], "of several classes that a row reaches, the most probable one counts"


def test_the_threshold_of_a_class_with_one_row_is_its_probability() -> None:
    probabilities = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8]])
    least = confident_learning.thresholds(probabilities, np.array([0, 0, 1]))
    assert least.tolist() == pytest.approx([0.8, 0.8])


def test_as_many_rows_are_doubtful_as_are_confidently_of_another_class() -> None:
    """Of four rows with another answer, one is confidently of its own class."""
    own = [0.45, 0.02, 0.02, 0.02, 0.7, 0.7, 0.7]
    probabilities = np.array([*([one, 1 - one] for one in own), [0.05, 0.95], [0.05, 0.95]])
    labels = np.array([0] * 7 + [1] * 2)
    assert confident_learning.doubtful(probabilities, labels).tolist() == [1, 2, 3]


def test_a_probability_that_equals_the_threshold_reaches_it() -> None:
    probabilities = np.array([[0.9, 0.1]] * 4 + [[0.1, 0.9]] * 2)
    labels = np.array([0, 0, 0, 1, 1, 1])
    assert confident_learning.thresholds(probabilities, labels)[0] == pytest.approx(0.9)
    assert confident_learning.doubtful(probabilities, labels).tolist() == [3]
