"""Differences between runs: their bounds against published ones, and what they allow for."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.across import Sided, across, difference


def _wilson(hits: int, n: int) -> Sided:
    interval = stats.binomtest(hits, n).proportion_ci(method="wilson")
    return hits / n, float(interval.low), float(interval.high)


@pytest.mark.parametrize(
    ("after", "before", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
    ],
)
def test_bounds_of_a_difference_are_those_that_newcombe_published(
    after: tuple[int, int], before: tuple[int, int], low: float, high: float
) -> None:
    """Newcombe (1998), table II, method 10: from Wilson's intervals of the two shares."""
    assert difference(_wilson(*before), _wilson(*after))[1:] == pytest.approx((low, high), abs=5e-5)


def _calls(before: list[float], after: list[float]) -> pd.DataFrame:
    ring = np.array(before + after)
    arms = ["a@1"] * len(before) + ["a@2"] * len(after)
    return pd.DataFrame({"arm": arms, "ring_to_answer_s": ring, "answered": np.isfinite(ring)})


def test_two_quick_runs_may_still_differ_by_a_stall_that_neither_saw() -> None:
    """With 30 equal calls a run the mean rings differ by nothing, give or take what 30 calls can miss."""
    found = across(_calls([0.5] * 30, [0.5] * 30), "a@1", "a@2", tau_s=15.0)
    assert found.delta_rmst_s.value == 0
    assert found.delta_rmst_s.high == pytest.approx(14.5 * (1 - 0.025 ** (1 / 30)), rel=0.05)
    assert found.delta_not_answered.low == pytest.approx(-(1 - 0.025 ** (1 / 30)))


def test_nothing_is_said_of_chance_between_runs() -> None:
    """Runs at different times have no p, and one without calls has no difference."""
    later = across(_calls([0.5] * 9, [0.5] * 6 + [np.inf] * 3), "a@1", "a@2", tau_s=15.0)
    assert later.delta_not_answered.value == pytest.approx(1 / 3)
    assert later.delta_rmst_s.p is None
    assert across(_calls([0.5], []), "a@1", "a@2", tau_s=15.0).delta_rmst_s.value is None
