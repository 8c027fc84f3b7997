"""Intervals that assume no shape of a distribution: shares, percentiles, means of bounded values."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

Values = npt.NDArray[np.float64]

CONFIDENCE = 0.95
QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
_DRAWS = 10_000
_GROUPS = 500


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its two-sided 95 % interval.

    "> x" is `value` None, `low` x, `censored` True. "≥ x" is `high` None: the sample cannot bound it from
    above.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    censored: bool = False


NOTHING = Estimate(None, None, None, 0)


def share(hits: int, n: int) -> Estimate:
    """Clopper and Pearson's (1934) exact interval of a share."""
    if n == 0:
        return NOTHING
    low, high = share_bounds(hits, n, (1 - CONFIDENCE) / 2)
    return Estimate(hits / n, low, high, n)


def share_bounds(hits: int, n: int, tail: float) -> tuple[float, float]:
    """Exact lower and upper bound of a share, each missed with at most the chance `tail`."""
    low = float(stats.beta.ppf(tail, hits, n - hits + 1)) if hits else 0.0
    high = float(stats.beta.ppf(1 - tail, hits + 1, n - hits)) if hits < n else 1.0
    return low, high


def percentile(
    values: Values, q: float, *, limit: float = math.inf, errors: Values | float = 0.0
) -> Estimate:
    """The smallest value that a share `q` does not exceed, with an order-statistic interval.

    Args:
        values: seconds; infinite where the event never came. Values beyond `limit` are as good as infinite.
        q: 0-1.
        limit: how far the observation reaches: a percentile beyond it is "> limit".
        errors: how far off each value may be, either way; the interval holds that too.
    """
    n = values.size
    if n == 0:
        return NOTHING
    values = np.where(values > limit, np.inf, values)
    ordered = np.sort(values)
    value = float(ordered[max(math.ceil(n * q - 1e-9), 1) - 1])
    if math.isinf(value):
        return Estimate(None, limit if math.isfinite(limit) else None, None, n, censored=True)
    tail = (1 - CONFIDENCE) / 2
    low, high = inexact_bounds(values, errors, q, tail)
    return Estimate(
        value, low if math.isfinite(low) else None, high if math.isfinite(high) else None, n, censored=False
    )


def inexact_bounds(values: Values, errors: Values | float, q: float, tail: float) -> tuple[float, float]:
    """Bounds of a percentile of durations, each known up to an error; none lasts less than nothing."""
    earliest = np.maximum(values - errors, np.minimum(values, 0))
    return (
        percentile_bounds(np.sort(earliest), q, tail)[0],
        percentile_bounds(np.sort(values + errors), q, tail)[1],
    )


def percentile_bounds(ordered: Values, q: float, tail: float) -> tuple[float, float]:
    """Order statistics that bound a percentile, each missed with at most the chance `tail`, or infinite.

    The number of values at or below the percentile is binomial (n, q): David and Nagaraja, Order Statistics,
    7.1.
    """
    n = ordered.size
    below = int(stats.binom.ppf(tail, n, q))  # P(B ≤ below - 1) < tail: the rank that is safely at or below
    if below > 0 and stats.binom.cdf(below - 1, n, q) > tail:
        below -= 1
    above = int(stats.binom.ppf(1 - tail, n, q)) + 1  # P(B ≥ above) ≤ tail
    low = float(ordered[below - 1]) if below >= 1 else -math.inf
    high = float(ordered[above - 1]) if above <= n else math.inf
    return low, high


def percentile_calls_needed(q: float) -> int:
    """The fewest values whose largest bounds the percentile from above, one-sided at 95 %."""
    return math.ceil(math.log(1 - CONFIDENCE) / math.log(q) - 1e-9)


def share_calls_needed(limit: float) -> int:
    """The fewest calls that, all of them clean, show a share to be within `limit`, one-sided at 95 %."""
    return math.ceil(math.log(1 - CONFIDENCE) / math.log1p(-limit) - 1e-9)


def mean(values: Values, largest: float) -> Estimate:
    """The mean of values between 0 and `largest`, with the interval of `mean_bounds`."""
    if values.size == 0:
        return NOTHING
    low, high = mean_bounds(values, largest, (1 - CONFIDENCE) / 2)
    return Estimate(float(values.mean()), low, high, values.size)


def mean_bounds(values: Values, largest: float, tail: float) -> tuple[float, float]:
    """Lower and upper bound of the mean of values between 0 and `largest`.

    Gaffke's bound (2005; Learned-Miller and Thomas 2020): the values, and one not seen that is as bad as can
    be, are given random weights (Dirichlet, all ones). For values that are only 0 or `largest` it is Clopper
    and Pearson's; unlike Student's it knows that a sample without a stall does not prove that there is none.
    """
    ordered = np.sort(values)
    return (
        max(0.0, largest - _upper(largest - ordered[::-1], largest, tail)),
        _upper(ordered, largest, tail),
    )


def _upper(ordered: Values, largest: float, tail: float) -> float:
    # Weights of a group of values add up to a gamma variable; each group counts as its largest, so never too
    # low.
    groups = np.array_split(ordered, min(_GROUPS, ordered.size))
    shape = np.array([*(group.size for group in groups), 1.0])
    worst = np.array([*(group[-1] for group in groups), largest])
    weights = np.random.default_rng(0).standard_gamma(shape, (_DRAWS, shape.size))
    means = weights @ worst / weights.sum(axis=1)
    return float(np.quantile(means, 1 - tail))
