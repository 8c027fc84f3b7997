"""Intervals that assume no shape of a distribution: shares, percentiles, means of bounded values."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

Values = npt.NDArray[np.float64]

CONFIDENCE = 0.95
QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
_GROUPS = 500
_NODES = np.arange(0, 14, 0.08)
_STEPS = np.where(_NODES > 0, 0.08, 0.04)


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
    low, high = shares_bounds(np.array([hits]), n, tail)
    return float(low[0]), float(high[0])


def shares_bounds(hits: npt.NDArray[np.int64], n: int, tail: float) -> tuple[Values, Values]:
    """The same for several counts among `n`."""
    low = np.where(hits > 0, stats.beta.ppf(tail, np.maximum(hits, 1), n - hits + 1), 0.0)
    high = np.where(hits < n, stats.beta.ppf(1 - tail, hits + 1, np.maximum(n - hits, 1)), 1.0)
    return low, high


def percentile(
    values: Values, q: float, *, limit: float = math.inf, errors: Values | float = 0.0
) -> Estimate:
    """One of `percentiles`."""
    return percentiles(values, [q], limit=limit, errors=errors)[0]


def percentiles(
    values: Values, quantiles: Iterable[float], *, limit: float = math.inf, errors: Values | float = 0.0
) -> list[Estimate]:
    """The smallest values that a share q does not exceed, each with an order-statistic interval.

    Args:
        values: seconds; infinite where the event never came. Values beyond `limit` are as good as infinite.
        quantiles: each q, 0-1.
        limit: how far the observation reaches: a percentile beyond it is "> limit".
        errors: how far off each value may be, either way; the interval holds that too.
    """
    if values.size == 0:
        return [NOTHING for _ in quantiles]
    values = np.where(values > limit, np.inf, values)
    ordered = np.sort(values)
    earliest, latest = envelope(values, errors) if np.any(errors) else (ordered, ordered)
    return [_percentile(ordered, earliest, latest, q, limit) for q in quantiles]


def _percentile(ordered: Values, earliest: Values, latest: Values, q: float, limit: float) -> Estimate:
    n = ordered.size
    value = quantile(ordered, q)
    if math.isinf(value):
        return Estimate(None, limit if math.isfinite(limit) else None, None, n, censored=True)
    tail = (1 - CONFIDENCE) / 2
    low, high = percentile_bounds(earliest, q, tail)[0], percentile_bounds(latest, q, tail)[1]
    return Estimate(
        value, low if math.isfinite(low) else None, high if math.isfinite(high) else None, n, censored=False
    )


def quantile(ordered: Values, q: float) -> float:
    """The smallest of the values, in order, that a share `q` of them does not exceed."""
    return float(ordered[max(math.ceil(ordered.size * q - 1e-9), 1) - 1])


def envelope(values: Values, errors: Values | float) -> tuple[Values, Values]:
    """In order, the least and the most that durations known up to an error may be; none is below nothing."""
    return np.sort(np.maximum(values - errors, np.minimum(values, 0))), np.sort(values + errors)


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
    if ordered[0] >= largest:
        return largest
    # Many values are taken in groups, by rank and by size, each as bad as its worst: never too low.
    ranks = np.linspace(0, ordered.size, _GROUPS + 1).astype(np.int64)
    sizes = np.searchsorted(ordered, np.linspace(0, largest, _GROUPS + 1), side="right")
    ends = np.unique(np.concatenate([ranks, sizes]))[1:] if ordered.size > _GROUPS else ranks[1:]
    ends = np.unique(ends[ends > 0])
    worst = np.append(ordered[ends - 1], largest)
    count = np.append(np.diff(ends, prepend=0), 1).astype("float64")
    centre = float(np.average(worst, weights=count))

    def excess(at: float) -> float:
        return tail - (0.0 if at >= largest else _above(at, worst, count) if at > centre else 1.0)

    reach = 2 * math.sqrt(float(count @ (worst - centre) ** 2)) / float(count.sum())
    while excess(centre + reach) < 0:
        reach *= 2
    return float(
        optimize.brentq(excess, centre, min(centre + reach, largest), xtol=1e-9 * largest, rtol=1e-9)
    )


def _above(at: float, values: Values, count: Values) -> float:
    """P(Σ wᵢ valueᵢ > at) for Dirichlet weights w with the parameters `count`, where `at` is above its mean.

    Weights are gamma variables over their sum, so that it is P(Σ gᵢ (valueᵢ - at) > 0): the inversion of the
    moment generating function along the vertical through its saddle point (Lugannani and Rice 1980, the
    integral that their formula approximates), by the trapezoidal rule, to 5 digits and better.
    """
    distance = values - at
    pole = 1 / float(distance.max())
    saddle = optimize.brentq(
        lambda x: float(count @ (distance / (1 - distance * x))),
        0.0, pole * (1 - 1e-12), xtol=1e-15 * pole, rtol=1e-12,
    )  # fmt: skip
    width = 1 / math.sqrt(float(count @ (distance / (1 - distance * saddle)) ** 2))
    right, up = max(saddle, 0.3 * width), width * np.sinh(_NODES)
    ratio = np.outer(up, distance / (1 - distance * right))
    size = np.exp(-0.5 * (np.log1p(ratio**2) @ count) - np.log1p(-distance * right) @ count)
    generated = size * np.exp(1j * (np.arctan(ratio) @ count))
    along = (generated / (right + 1j * up)).real
    return float(along @ (np.cosh(_NODES) * _STEPS)) * width / math.pi
