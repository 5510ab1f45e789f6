"""plurals.py: one thing is not two."""

import pytest

from catwalk.core.plurals import counted


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 trials"), (1, "1 trial"), (2, "2 trials"), (1234, "1,234 trials")]
)
def test_a_number_and_its_noun(count: int, said: str) -> None:
    assert counted(count, "trial") == said
