"""training_rate.py: what a search learns of its machine before it chooses a network's width."""

import pytest

from catwalk.core import processes
from catwalk.models import training_rate


def test_one_disturbed_process_does_not_decide() -> None:
    measured = [("bfloat16", 90.0), ("float32", 1.0), ("bfloat16", 80.0), ("bfloat16", 85.0)]
    assert training_rate.middle(measured) == ("bfloat16", 80.0)
    assert training_rate.middle(measured[:2]) == ("float32", 1.0)
    assert training_rate.middle(measured[:1]) == ("bfloat16", 90.0)


@pytest.mark.slow
def test_processes_of_their_own_measure_at_once() -> None:
    """Each says a precision, and a rate that a processor can have."""
    each = processes.call_together(2, training_rate.measure)
    assert {precision for precision, _ in each} <= {"bfloat16", "float32"}
    assert all(1e9 < rate < 1e14 for _, rate in each)
