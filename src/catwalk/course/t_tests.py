"""t-tests: whether the runs show that two means differ, and the 95% interval of one mean."""

import math
import warnings
from dataclasses import dataclass

import numpy as np

from catwalk.course.choosing import Floats, deviation

LEVEL = 0.05  # a difference with a larger p-value may be chance


@dataclass(frozen=True)
class TTest:
    """A t-test of two groups' means.

    Attributes:
        name: of the test.
        p: its two-sided p-value; not a number where there are too few runs.
    """

    name: str
    p: float

    @property
    def differs(self) -> bool:
        """Whether the means are shown to differ, at ``LEVEL``."""
        return self.p < LEVEL


def t_test(first: dict[int, float], second: dict[int, float]) -> TTest:
    """Test whether two means differ: seed by seed where seeds match, else by Welch's test.

    Runs of one seed have the same first weights and batches where their layers and batch sizes are the same,
    so their values are not independent: what is tested then is the mean of their differences.

    Args:
        first: a value of each run, by its seed.
        second: the same of other runs.
    """
    from scipy.stats import ttest_ind, ttest_rel

    shared = sorted(first.keys() & second.keys())
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of too few runs, or equal ones: p is not a number, or 0
        if len(shared) > 1:
            pairs = ([some[seed] for seed in shared] for some in (first, second))
            return TTest("paired t-test, seed by seed", float(ttest_rel(*pairs).pvalue))
        each = (list(some.values()) for some in (first, second))
        return TTest("Welch's t-test", float(ttest_ind(*each, equal_var=False).pvalue))


def half_width(values: Floats) -> float:
    """Half of the 95% interval of a mean, by Student's t distribution; 0 of a single value."""
    from scipy.stats import t

    if len(values) < 2:
        return 0.0
    return float(t.ppf(1 - LEVEL / 2, len(values) - 1)) * deviation(values) / math.sqrt(len(values))
