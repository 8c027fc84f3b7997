"""Shares, percentiles and means of bounded values against closed forms and by simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from analysis.intervals import (
    envelope,
    mean,
    mean_bounds,
    percentile,
    percentile_bounds,
    percentile_calls_needed,
    percentiles,
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


@pytest.mark.parametrize(
    ("q", "n"), [(0.5, 30), (0.9, 100), (0.95, 72), (0.95, 400), (0.99, 368), (0.99, 1000)]
)
def test_order_statistic_intervals_cover_the_percentile_as_often_as_they_say(q: float, n: int) -> None:
    """Of a uniform law the k-th of n values is beta (k, n + 1 - k): either end misses in at most 2.5 %."""
    low, high = percentile_bounds(np.arange(1.0, n + 1), q, 0.025)  # values that are their own ranks
    assert stats.beta.sf(q, low, n + 1 - low) <= 0.025
    assert stats.beta.cdf(q, high, n + 1 - high) <= 0.025


def test_nothing_has_no_percentile_and_no_share() -> None:
    """An empty sample gives an estimate without a value, never an error."""
    assert percentile(np.empty(0), 0.5).value is None
    assert share(0, 0).value is None
    assert mean(np.empty(0), 60.0).value is None


@pytest.mark.parametrize(("hits", "n"), [(0, 30), (3, 100), (50, 100), (8, 400), (0, 1), (1, 2), (499, 500)])
def test_the_bound_of_a_mean_is_clopper_pearsons_for_values_of_zero_or_all(hits: int, n: int) -> None:
    """For values of 0 or τ the bounds on the mean are τ times the exact bounds on the share."""
    values = np.array([60.0] * hits + [0.0] * (n - hits))
    low, high = share_bounds(hits, n, 0.025)
    assert mean_bounds(values, 60.0, 0.025) == pytest.approx((60 * low, 60 * high), rel=1e-5)


def test_the_bound_of_a_mean_is_the_percentile_of_randomly_weighted_means() -> None:
    """For a mixture of short rings and stalls it agrees with a million drawn Dirichlet weights (0.2 %)."""
    values = np.array([0.4, 0.5, 0.7, 1.1, 2.0, 5.2, 5.3, 30.0, 60.0])
    weights = np.random.default_rng(4).standard_exponential((1_000_000, 10))
    drawn = weights @ np.append(values, 60.0) / weights.sum(axis=1)
    assert mean_bounds(values, 60.0, 0.025)[1] == pytest.approx(np.quantile(drawn, 0.975), rel=0.002)


def test_the_bound_of_a_mean_knows_of_stalls_not_seen() -> None:
    """Thirty equal short rings bound the mean as no hit in thirty bounds a share, whatever their spread."""
    low, high = mean_bounds(np.full(30, 0.4), 15.0, 0.025)
    unseen = 1 - 0.025 ** (1 / 30)
    assert low == pytest.approx(0.4 * (1 - unseen), rel=1e-6)
    assert high == pytest.approx(0.4 + (15 - 0.4) * unseen, rel=1e-6)


@pytest.mark.parametrize("share_stalled", [0.005, 0.02, 0.05, 0.3])
def test_the_bound_of_a_mean_covers_where_students_does_not(share_stalled: float) -> None:
    """Over all numbers of stalls among 40 calls, each with its chance, the mean is inside 95 % and more."""
    truth = (1 - share_stalled) * 0.5 + share_stalled * 60
    covered = 0.0
    for stalls in range(41):
        chance = stats.binom.pmf(stalls, 40, share_stalled)
        if chance > 1e-6:
            low, high = mean_bounds(np.array([60.0] * stalls + [0.5] * (40 - stalls)), 60.0, 0.025)
            covered += chance * (low <= truth <= high)
    assert covered >= 0.95


def test_the_mean_of_many_values_is_bounded_in_groups_and_never_too_tightly() -> None:
    """For 20,000 uniform values the interval holds the true mean and is as narrow as the sample allows."""
    values = np.random.default_rng(3).random(20_000) * 10
    found = mean(values, 10.0)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 5.0 < found.high
    assert (
        found.high - found.low < 0.14
    )  # 2 · 1.96 · 10 / √12 / √20,000 is 0.08, and groups are as their worst


def test_values_that_are_known_up_to_an_error_widen_the_interval_by_it() -> None:
    """On the side that it can be on: nothing lasts less than no time."""
    values = np.arange(1.0, 101.0)
    exact, widened = percentile(values, 0.5), percentile(values, 0.5, errors=np.full(100, 0.25))

    assert (widened.value, widened.low, widened.high) == (exact.value, exact.low - 0.25, exact.high + 0.25)
    assert [bound.tolist() for bound in envelope(np.array([0.1]), 0.25)] == [[0.0], [0.35]]


def test_several_percentiles_of_one_sample_are_those_taken_one_by_one() -> None:
    """Sorting once for all of them changes none."""
    values = np.where(np.random.default_rng(6).random(300) < 0.03, np.inf, np.linspace(0.1, 9.0, 300))
    shares = [0.5, 0.9, 0.95, 0.99]
    assert percentiles(values, shares, limit=8.0) == [percentile(values, q, limit=8.0) for q in shares]
