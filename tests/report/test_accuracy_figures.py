"""accuracy_figures.py: what is written below a scale is where its ends are."""

import pytest

from catwalk.report import accuracy_figures


@pytest.mark.parametrize(
    ("values", "ends"),
    [
        ([0.8453, 0.9529, 0.9], (0.84, 0.96)),
        ([0.995, 0.9963], (0.99, 1.0)),
        ([0.0, 1.0], (0.0, 1.0)),
        ([0.5, 0.5], (0.49, 0.51)),
        ([1.0, 1.0], (0.99, 1.0)),
    ],
)
def test_a_scale_ends_at_whole_percents(values: list[float], ends: tuple[float, float]) -> None:
    assert accuracy_figures.scale_of(values) == ends
