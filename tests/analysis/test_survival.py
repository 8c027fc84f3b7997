"""Kaplan-Meier and the mean ring against the textbook and against each other."""

import numpy as np
import pytest

from analysis.intervals import share_bounds
from analysis.survival import at_risk, rmst, still_waiting


def test_the_curve_steps_down_by_one_caller_at_each_answer() -> None:
    """Of four callers answered at 1, 2 and 3 s and one never, the shares waiting are 3/4, 2/4, 1/4."""
    curve = still_waiting(np.array([1.0, 2.0, 3.0, np.inf]), 10.0)
    assert list(curve.time_s[:4]) == [0.0, 1.0, 2.0, 3.0]
    assert list(curve.waiting[:4]) == pytest.approx([1.0, 0.75, 0.5, 0.25])
    assert curve.time_s[-1] == 10.0
    assert curve.waiting[-1] == pytest.approx(0.25)


def test_a_refused_call_waits_for_ever_and_is_not_censored_when_it_was_refused() -> None:
    """An infinite ring keeps the curve up to τ, so refusing calls early never looks like answering them."""
    curve = still_waiting(np.array([0.5, 0.5, np.inf, np.inf]), 60.0)
    assert curve.waiting[-1] == pytest.approx(0.5)


def test_the_mean_ring_is_the_area_under_the_curve() -> None:
    """With all censoring at τ, RMST by Kaplan-Meier and the mean of min(T, τ) are one number."""
    ring = np.where(
        np.random.default_rng(4).random(200) < 0.2, np.inf, np.random.default_rng(5).random(200) * 9
    )
    found = rmst(ring, 8.0)
    curve = still_waiting(ring, 8.0)
    area_s = float(np.sum(curve.waiting[:-1] * np.diff(curve.time_s)))
    assert found.value == pytest.approx(area_s)
    assert found.value == pytest.approx(np.minimum(ring, 8.0).mean())


def test_the_band_is_the_exact_interval_of_the_share_still_waiting() -> None:
    """After 5 of 10 answers it is Clopper and Pearson's 0.187 to 0.813, and it ends with that of 3 of 10."""
    curve = still_waiting(np.array([1.0] * 5 + [4.0] * 2 + [np.inf] * 3), 10.0)
    assert (curve.low[1], curve.high[1]) == pytest.approx((0.1871, 0.8129), abs=5e-5)
    assert (curve.low[-1], curve.high[-1]) == pytest.approx(share_bounds(3, 10, 0.025))


def test_an_answered_crowd_proves_no_last_caller_to_be_impossible() -> None:
    """With all of 30 answered the band ends at 11.6 %, not at nothing."""
    curve = still_waiting(np.linspace(0.3, 0.9, 30), 10.0)
    assert curve.waiting[-1] == 0.0
    assert curve.high[-1] == pytest.approx(1 - 0.025 ** (1 / 30))


def test_the_curve_of_very_many_calls_keeps_some_of_its_steps_and_its_ends() -> None:
    """Of 50,000 answers 1,500 are steps, each where Kaplan-Meier has it."""
    ring = np.random.default_rng(6).permutation(np.arange(1.0, 50_001.0))
    curve = still_waiting(ring, 60_000.0)
    assert curve.time_s.size == 1_502
    assert np.allclose(curve.waiting[1:-1], 1 - curve.time_s[1:-1] / 50_000)
    assert (curve.time_s[-2], curve.waiting[-1]) == (50_000.0, 0.0)


@pytest.mark.parametrize("ring", [[np.inf], [0.4], [np.inf, np.inf, np.inf], [0.4, 0.4]])
def test_the_curve_exists_for_all_none_and_one(ring: list[float]) -> None:
    """One call, none answered and all answered at once give a curve within 0 and 1 and no warning."""
    curve = still_waiting(np.array(ring), 5.0)
    for line in (curve.waiting, curve.low, curve.high):
        assert np.all((line >= 0) & (line <= 1))


def test_the_numbers_at_risk_count_who_still_rings() -> None:
    """Just before 2 s three of four callers have not been answered yet."""
    assert at_risk(np.array([1.0, 2.0, 3.0, np.inf]), np.array([0.5, 2.0, 10.0])) == [4, 3, 1]
