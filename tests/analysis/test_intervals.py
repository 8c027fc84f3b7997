"""Shares, percentiles and means of bounded values against closed forms and by simulation."""

import math

import numpy as np
import pytest

from analysis.intervals import (
    inexact_bounds,
    mean,
    mean_bounds,
    percentile,
    percentile_bounds,
    percentile_calls_needed,
    share,
    share_bounds,
    share_calls_needed,
)


def test_clopper_pearson_matches_the_closed_form_without_a_hit() -> None:
    """With no hit in n the upper bound is 1 - 0.025^(1/n)."""
    found = share(0, 30)
    assert found.value == 0
    assert found.low == 0
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 30))


def test_clopper_pearson_matches_a_published_value() -> None:
    """Newcombe (1998, single proportion) gives 0.2527 to 0.3676 for 81 of 263 by the exact method."""
    found = share(81, 263)
    assert (round(found.low or 0, 4), round(found.high or 0, 4)) == (0.2527, 0.3676)


@pytest.mark.parametrize(
    ("limit", "calls"), [(0.02, 149), (0.05, 59), (0.01, 299), (0.005, 598), (0.001, 2995)]
)
def test_the_calls_that_a_share_gate_needs_are_those_of_the_table(limit: float, calls: int) -> None:
    """That many clean calls bring the one-sided bound inside, and one fewer does not."""
    assert share_calls_needed(limit) == calls
    assert share_bounds(0, calls, 0.05)[1] <= limit
    assert share_bounds(0, calls - 1, 0.05)[1] > limit


@pytest.mark.parametrize(("q", "calls"), [(0.95, 72), (0.99, 368)])
def test_a_high_percentile_is_bounded_from_above_only_by_enough_values(q: float, calls: int) -> None:
    """p95 needs 72 values and p99 368 for a two-sided interval; with fewer it is "≥ x"."""
    assert percentile(np.arange(calls, dtype=float), q).high is not None
    fewer = percentile(np.arange(calls - 1, dtype=float), q)
    assert fewer.high is None
    assert fewer.low is not None


def test_a_one_sided_bound_on_p95_needs_59_values() -> None:
    """The largest of 59 values bounds the 95th percentile, the largest of 58 does not."""
    assert percentile_calls_needed(0.95) == 59
    assert percentile_bounds(np.arange(59.0), 0.95, 0.05)[1] == 58
    assert math.isinf(percentile_bounds(np.arange(58.0), 0.95, 0.05)[1])


def test_a_percentile_beyond_what_was_seen_is_greater_than_the_limit() -> None:
    """With a tenth of the calls unanswered the p95 is "> τ", never τ."""
    values = np.array([1.0] * 90 + [np.inf] * 10)
    found = percentile(values, 0.95, limit=60.0)
    assert (found.value, found.low, found.high, found.censored) == (None, 60.0, None, True)
    assert percentile(values, 0.5, limit=60.0).value == 1.0


def test_the_percentile_is_the_smallest_value_not_exceeded_by_its_share() -> None:
    """Of 1 to 100 the p95 is 95 and the median 50."""
    values = np.arange(1.0, 101.0)
    assert percentile(values, 0.95).value == 95
    assert percentile(values, 0.5).value == 50


def test_order_statistic_intervals_cover_the_percentile_as_often_as_they_say() -> None:
    """Over 2,000 drawn samples of 100 the p90 lies inside at least 95 % of the time."""
    generator = np.random.default_rng(1)
    truth = -math.log(0.1)
    inside = 0
    for _ in range(2000):
        low, high = percentile_bounds(np.sort(generator.standard_exponential(100)), 0.9, 0.025)
        inside += low <= truth <= high
    assert inside / 2000 >= 0.945


def test_nothing_has_no_percentile_and_no_share() -> None:
    """An empty sample gives an estimate without a value, never an error."""
    assert percentile(np.empty(0), 0.5).value is None
    assert share(0, 0).value is None
    assert mean(np.empty(0), 60.0).value is None


def test_the_bound_of_a_mean_is_clopper_pearsons_for_values_of_zero_or_all() -> None:
    """For 3 unanswered of 100 the bound on the mean is τ times the exact bound on the share."""
    values = np.array([60.0] * 3 + [0.0] * 97)
    low, high = mean_bounds(values, 60.0, 0.025)
    exact_low, exact_high = share_bounds(3, 100, 0.025)
    assert high == pytest.approx(60 * exact_high, rel=0.04)
    assert low == pytest.approx(60 * exact_low, rel=0.06)


def test_the_bound_of_a_mean_knows_of_stalls_not_seen() -> None:
    """Thirty equal short rings do not prove the mean to be short, whatever their spread says."""
    low, high = mean_bounds(np.full(30, 0.4), 15.0, 0.025)
    assert low < 0.4
    assert high == pytest.approx(0.4 + (15 - 0.4) * (1 - 0.025 ** (1 / 30)), rel=0.03)


def test_the_bound_of_a_mean_covers_where_students_does_not() -> None:
    """With 5 % stalls and 40 calls the two-sided interval misses the mean in at most 5 % of samples."""
    generator = np.random.default_rng(2)
    truth = 0.95 * 0.5 + 0.05 * 60
    missed = 0
    for _ in range(150):
        values = np.where(generator.random(40) < 0.05, 60.0, 0.5)
        low, high = mean_bounds(values, 60.0, 0.025)
        missed += not low <= truth <= high
    assert missed / 150 <= 0.05


def test_the_mean_of_many_values_is_bounded_in_groups_and_never_too_tightly() -> None:
    """For 20,000 uniform values the interval holds the true mean and is as narrow as the sample allows."""
    values = np.random.default_rng(3).random(20_000) * 10
    found = mean(values, 10.0)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 5.0 < found.high
    assert found.high - found.low < 0.3


def test_values_that_are_known_up_to_an_error_widen_the_interval_by_it() -> None:
    """On the side that it can be on: nothing lasts less than no time."""
    values = np.array([0.1, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    exact = percentile_bounds(values, 0.5, 0.2)

    assert inexact_bounds(values, 0.0, 0.5, 0.2) == exact
    assert inexact_bounds(values, np.full(7, 0.25), 0.5, 0.2) == (exact[0] - 0.25, exact[1] + 0.25)
    assert inexact_bounds(np.array([0.1] * 7), 0.25, 0.5, 0.2) == (0.0, 0.35)
    assert percentile(values, 0.5, errors=0.25).value == 3.0
