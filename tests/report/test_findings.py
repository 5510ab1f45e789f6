"""findings.py: the group of classes that is confused is found as a group, and shown side by side."""

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from catwalk.report import findings

# T-shirt 0, pullover 2, dress 3, coat 4, shirt 6, as in a confusion matrix of clothes.
MISTAKES = {
    (0, 6): 60, (6, 0): 60, (2, 4): 50, (4, 2): 45, (2, 6): 40, (6, 2): 40, (6, 4): 45, (4, 6): 30,
    (0, 3): 25, (3, 0): 25, (3, 4): 30, (3, 6): 25, (5, 7): 40, (7, 5): 40, (9, 7): 40, (7, 9): 40,
    (8, 5): 30,
}  # fmt: skip


def confusion_of(mistakes: dict[tuple[int, int], int], classes: int = 10) -> npt.NDArray[np.int64]:
    made = np.diag(np.full(classes, 900)).astype(np.int64)
    for (true, said), count in mistakes.items():
        made[true, said] += count
    return made


def test_a_group_and_not_neighbours_in_a_row() -> None:
    """Four kinds of tops, whatever lies between them in an order by similarity."""
    counts = confusion_of(MISTAKES)
    block = findings.hard_block(counts)
    assert block is not None
    assert block.classes == [0, 2, 4, 6]
    among = [count for pair, count in MISTAKES.items() if set(pair) <= {0, 2, 4, 6}]
    assert block.share == sum(among) / sum(MISTAKES.values()) >= 0.5
    three = [count for pair, count in MISTAKES.items() if set(pair) <= {2, 4, 6}]
    assert sum(three) / sum(MISTAKES.values()) < 0.5, "three of them do not hold half"
    assert findings.hard_block(confusion_of({})) is None


@given(hnp.arrays(np.int64, (6, 6), elements=st.integers(0, 30)))
def test_no_other_group_of_its_size_holds_more(counts: npt.NDArray[np.int64]) -> None:
    wrong = counts - np.diag(np.diag(counts))
    block = findings.hard_block(counts)
    if block is None:
        assert wrong.sum() == 0
        return
    for others in range(2**6):
        group = [i for i in range(6) if others >> i & 1]
        if 2 <= len(group) <= len(block.classes):
            share = wrong[np.ix_(group, group)].sum() / wrong.sum()
            assert share <= block.share + 1e-12
            assert share < 0.5 or len(group) == len(block.classes)


@given(st.permutations(range(9)), st.sets(st.integers(0, 8), min_size=2, max_size=4))
def test_its_classes_are_shown_side_by_side(order: list[int], group: set[int]) -> None:
    made = findings.together(order, sorted(group))
    assert sorted(made) == list(range(9))
    places = sorted(made.index(one) for one in group)
    assert places == list(range(places[0], places[0] + len(group)))
    assert [one for one in made if one not in group] == [one for one in order if one not in group]
